"""Units in the admin: made, changed, retired; everybody hears of it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as now_said
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin, lies_in
from grids.edits import managed_places_were_stored, unit_was_stored
from grids.models import OrgUnit
from grids.scope import Area

if TYPE_CHECKING:
    UnitFormBase = forms.ModelForm[OrgUnit]
else:
    UnitFormBase = forms.ModelForm

LEVELS = [level.value for level in OrgUnit.Level]


class OrgUnitForm(UnitFormBase):
    """A unit stands below one of its own level or above, never below itself; a centre is the only one of its place."""

    class Meta:
        model = OrgUnit
        fields = ("name", "kind", "level", "parent", "place", "manages", "retired")

    def clean(self) -> dict[str, Any]:
        """Checks across fields."""
        data = super().clean() or self.cleaned_data
        parent, level, place = data.get("parent"), data.get("level"), data.get("place")
        if parent is not None and level in LEVELS:
            self._check_parent(parent, level)
        if data.get("kind") == OrgUnit.Kind.CENTRE and level in LEVELS and not data.get("retired"):
            if (level == OrgUnit.Level.CITY) != (place is None) or (place is not None and place.level != level):
                self.add_error("place", now_said("The centre of a level stands in a place of that level; the city's centre in none."))
            others = OrgUnit.objects.filter(kind=OrgUnit.Kind.CENTRE, retired=False, place=place, level=level).exclude(pk=self.instance.pk)
            if not self.errors and others.exists():
                self.add_error("place", now_said("This place has a centre already. Retire that one first."))
        return data

    def _check_parent(self, parent: OrgUnit, level: str) -> None:
        if LEVELS.index(parent.level) > LEVELS.index(level):
            self.add_error("parent", now_said("The parent unit is of a lower level."))
        step: OrgUnit | None = parent
        for _up in range(20):
            if step is None:
                return
            if step.pk == self.instance.pk:
                break
            step = step.parent
        self.add_error("parent", now_said("A unit cannot stand below itself."))


@admin.register(OrgUnit)
class OrgUnitAdmin(OursAdmin[OrgUnit]):
    """Never deleted: cases and memberships name them. Retired ones get no new cases."""

    form = OrgUnitForm
    list_display = ("name", "kind", "level", "parent", "place", "retired")
    list_filter = ("kind", "level", "retired")
    list_select_related = ("parent", "place")
    search_fields = ("name", "place__code")
    search_help_text = _("A part of a name, or of the code of its place.")
    ordering = ("place__code", "name")
    autocomplete_fields = ("parent", "place", "manages")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without shapes."""
        return super().get_queryset(request).defer("place__geometry")

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Units whose place lies in the reader's part of the city."""
        return lies_in(areas, prefix="place__")

    def save_model(self, request: HttpRequest, obj: OrgUnit, form: Any, change: bool) -> None:
        """Store it, and tell everybody."""
        if change:
            obj.save(update_fields=[name for name in form.Meta.fields if name != "manages"])
        else:
            obj.save(force_insert=True)
        unit_was_stored(unit=obj, now=timezone.now())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """What it manages is stored after it: scopes count from then on."""
        super().save_related(request, form, formsets, change)
        managed_places_were_stored()
