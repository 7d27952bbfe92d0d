"""Categories in the admin: edited as data; phones hear of every change. Never deleted: cases name them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as now_said
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin
from grids.scope import Area
from incidents.categories import publish_categories
from incidents.models import Category

if TYPE_CHECKING:
    CategoryFormBase = forms.ModelForm[Category]
else:
    CategoryFormBase = forms.ModelForm

STAGES = [("before", _("before")), ("after", _("after"))]


class CategoryForm(CategoryFormBase):
    """A leaf stands below a class of its kind; what replaces a retired one is a leaf in use."""

    required_photos = forms.MultipleChoiceField(
        label=_("required photos"), choices=STAGES, required=False, widget=forms.CheckboxSelectMultiple
    )  # fmt: skip

    class Meta:
        model = Category
        fields = (
            "code", "name_zh", "name_en", "kind", "parent", "handling_class", "restricted", "required_photos", "radius_m", "questions", "retired",
            "replaced_by",
        )  # fmt: skip

    def clean_code(self) -> str:
        """Digits: a class has two, a leaf four."""
        code = str(self.cleaned_data["code"])
        if not (code.isascii() and code.isdigit() and len(code) in (2, 4)):
            raise forms.ValidationError(now_said("Two digits for a class, four for a category below it."))
        return code

    def clean_questions(self) -> Any:
        """A list of objects with a key and names."""
        questions = self.cleaned_data["questions"]
        if not isinstance(questions, list) or any(not isinstance(q, dict) or not {"key", "names"} <= q.keys() for q in questions):
            raise forms.ValidationError(now_said('A list such as [{"key": "floor", "names": {"zh-hans": "楼层", "en": "Floor"}}].'))
        return questions

    def clean(self) -> dict[str, Any]:
        """Checks across fields."""
        data = super().clean() or self.cleaned_data
        code, parent, other = data.get("code", self.instance.code), data.get("parent", self.instance.parent), data.get("replaced_by")
        if code and "parent" in self.fields and (parent is None) != (len(code) == 2):
            self.add_error("parent", now_said("A code of four digits stands below a class, one of two below nothing."))
        elif code and parent is not None and not code.startswith(parent.code):
            self.add_error("code" if "code" in self.fields else None, now_said("The code begins with the code of its class."))
        if other is not None:
            if not data.get("retired"):
                self.add_error("replaced_by", now_said("Only a retired category is replaced."))
            elif other.pk == self.instance.pk or other.retired or other.parent_id is None:
                self.add_error("replaced_by", now_said("Choose another category that is in use and has no others below it."))
        if data.get("restricted") and data.get("required_photos"):
            self.add_error("required_photos", now_said("Restricted cases have no photos."))
        return data


@admin.register(Category)
class CategoryAdmin(OursAdmin[Category]):
    """Code, kind and class stay what they were: cases and phones name them."""

    form = CategoryForm
    fields = CategoryForm.Meta.fields
    list_display = ("code", "name_zh", "name_en", "kind", "handling_class", "restricted", "retired", "radius_m")
    list_filter = ("kind", "handling_class", "restricted", "retired")
    search_fields = ("code", "name_zh", "name_en")
    ordering = ("code",)
    autocomplete_fields = ("parent", "replaced_by")

    def within(self, areas: tuple[Area, ...]) -> Q:
        """All: categories are the whole city's."""
        return Q()

    def get_readonly_fields(self, request: HttpRequest, obj: Category | None = None) -> tuple[str, ...]:
        """What does not change once it is made."""
        return () if obj is None else ("code", "kind", "parent")

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        """Store it, and tell every phone."""
        if change:
            obj.save(update_fields=[name for name in form.cleaned_data if name in form.Meta.fields])
        else:
            obj.save(force_insert=True)
        publish_categories(categories=[obj], now=timezone.now())
