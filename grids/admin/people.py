"""Accounts in the admin: made with a password, changed, switched off. Never deleted: history names them."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import TabularInline
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin, lies_in
from grids.models import Membership, User
from grids.scope import Area

admin.site.unregister(Group)  # rights come from memberships alone

WHO = ("username", "name", "language")
RIGHTS = ("is_active", "is_staff", "is_superuser")


class NewUserForm(BaseUserCreationForm):
    """User name, name, language and a password twice."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = WHO


class UserForm(UserChangeForm):
    """All but the password, which has a page of its own."""

    class Meta(UserChangeForm.Meta):
        model = User
        fields = (*WHO, *RIGHTS)  # type: ignore[assignment]


class Memberships(TabularInline):
    """What the person is a member of, to look at."""

    model = Membership
    fields = readonly_fields = ("role", "unit", "place", "since", "until")
    extra = max_num = 0
    can_delete = False
    show_change_link = True
    ordering = ("-since",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """In one statement, without shapes."""
        return super().get_queryset(request).select_related("unit", "place").defer("place__geometry")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees the person sees this."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Changed on a page of its own."""
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Made on a page of its own."""
        return False


@admin.register(User)
class UserAdmin(OursAdmin[User], DjangoUserAdmin):
    """Switched off, not deleted."""

    form = UserForm
    add_form = NewUserForm
    add_form_template = None
    list_display = ("username", "name", "language", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser", "language")
    search_fields = ("username", "name")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = ((None, {"fields": (*WHO, "password")}), (_("Rights"), {"fields": RIGHTS}))
    add_fieldsets = ((None, {"fields": (*WHO, "password1", "password2")}),)
    inlines = (Memberships,)

    def within(self, areas: tuple[Area, ...]) -> Q:
        """People with a membership in the reader's part of the city."""
        return Q(Exists(Membership.objects.filter(lies_in(areas, prefix="place__"), user=OuterRef("pk"))))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """None while the person is being made."""
        return self.inlines if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Only what the form holds is written."""
        if change:
            obj.save(update_fields=[*WHO, *RIGHTS])
        else:
            obj.save(force_insert=True)
