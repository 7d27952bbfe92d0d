"""Devices in the admin, to look at."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin, lies_in
from grids.models import Membership
from grids.scope import Area
from sync.models import Device


class Revoked(admin.SimpleListFilter):
    """Those that may still call, or not."""

    title = _("revoked")
    parameter_name = "revoked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Yes or no."""
        return [("no", _("no")), ("yes", _("yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """By the time of it."""
        return queryset.filter(revoked_at__isnull=self.value() == "no") if self.value() in ("yes", "no") else queryset


@admin.register(Device)
class DeviceAdmin(OursAdmin[Device]):
    """What each phone and browser last said it held."""

    changed_by_superusers = False
    labels = {
        "used_on": _("last used on"), "queued": _("entries waiting"), "photos_waiting": _("photos waiting"), "told_at": _("told at"),
        "revoked_at": _("revoked at"), "revoked_why": _("why revoked"), "created_at": _("since"), "id": _("id"),
    }  # fmt: skip
    list_display = ("user", "name", "used_on", "queued", "photos_waiting", "told_at", "revoked_at", "revoked_why")
    list_display_links = ("name",)
    list_filter = (Revoked,)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name", "name")
    ordering = ("user__username", "-used_on")
    # Never the hashes of credentials.
    fields = ("user", "name", "created_at", "used_on", "queued", "photos_waiting", "told_at", "revoked_at", "revoked_why", "id")

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Devices of people with a membership in the reader's part of the city."""
        return Q(Exists(Membership.objects.filter(lies_in(areas, prefix="place__"), user=OuterRef("user"))))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All."""
        return self.fields
