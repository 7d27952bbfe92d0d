"""Memberships in the admin: who holds which role where, from when to when."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import OursAdmin, lies_in
from grids.admin_site import areas_of
from grids.models import Membership
from grids.queries import city_day
from grids.scope import Area


class When(admin.SimpleListFilter):
    """Those that hold today, have ended, or are to come."""

    title = _("time")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The three times."""
        return [("now", _("holds today")), ("past", _("has ended")), ("future", _("is to come"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Periods are half-open."""
        today = city_day(timezone.now())
        match self.value():
            case "now":
                return queryset.filter(Q(until=None) | Q(until__gt=today), since__lte=today)
            case "past":
                return queryset.filter(until__lte=today)
            case "future":
                return queryset.filter(since__gt=today)
        return queryset


@admin.register(Membership)
class MembershipAdmin(OursAdmin[Membership]):
    """Ended by a date, not deleted: what somebody wrote offline under a role is still judged by it."""

    list_display = ("user", "role", "unit", "place", "since", "until")
    list_display_links = ("user", "role")
    list_filter = (When, "role")
    list_select_related = ("user", "unit", "place")
    search_fields = ("user__username", "user__name", "unit__name", "place__code", "place__name")
    search_help_text = _("A part of a person's, a unit's or a place's name, or of a code.")
    ordering = ("user__username", "since")
    autocomplete_fields = ("user", "unit", "place")
    fields = ("user", "unit", "role", "place", "since", "until")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """Without shapes."""
        return super().get_queryset(request).defer("place__geometry")

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Memberships for places in the reader's part of the city."""
        return lies_in(areas, prefix="place__") | (Q(place=None) if Area("city", 0) in areas else Q(pk__in=()))

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """One that has not begun has no history: it may go."""
        return obj is not None and areas_of(request) is None and obj.since > city_day(timezone.now())

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """From today on, unless another day is typed."""
        return {"since": city_day(timezone.now())} | dict(super().get_changeform_initial_data(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        """Of one that has begun only the end changes; another role or place is another membership."""
        begun = obj is not None and obj.since <= city_day(timezone.now())
        return ("user", "unit", "role", "place", "since") if begun else ()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """The model raises the ground version: the change holds from the next call on."""
        if change:
            obj.save(update_fields=[name for name in self.fields if name in form.cleaned_data] or ["until"])
        else:
            obj.save(force_insert=True)
