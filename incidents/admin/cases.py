"""Incidents, events and conflicts in the admin: read-only. What a restricted case says is not shown here, to nobody."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from grids.admin.rights import M, OursAdmin, lies_in
from grids.scope import Area
from incidents import desk_words as words
from incidents.models import Conflict, Event, Incident
from incidents.rules.workflow import STATES

LABELS = {
    "number": _("number"), "state": _("state"), "outcome": _("outcome"), "kind": _("kind"), "channel": _("channel"), "category": _("category"),
    "urgent": _("urgent"), "handling_class": _("handling class"), "address": _("address"), "cell_code": _("cell"), "lng": _("longitude (WGS-84)"),
    "lat": _("latitude (WGS-84)"), "accuracy_m": _("accuracy (m)"), "source": _("source of the position"), "at": _("told time"),
    "received_at": _("received at"), "registered_at": _("registered at"), "resolved_at": _("resolved at"), "closed_at": _("closed at"),
    "archived_at": _("archived at"), "owner_unit": _("owner unit"), "lead_unit": _("lead unit"), "by_user": _("by"), "by_unit": _("unit of the author"),
    "by_role": _("role of the author"), "due_step": _("step that is due"), "due_at": _("due at"), "paused": _("clock stands still"),
    "returns": _("returns"), "reworks": _("reworks"), "reopens": _("reopenings"), "merged_into": _("merged into"), "restricted": _("restricted"),
    "version": _("version"), "n": _("number in the log"), "last_hash": _("last hash of the log"), "id": _("id"), "incident": _("incident"),
    "type": _("kind of change"), "clock_ahead": _("the phone's clock was ahead"), "op_id": _("id of the entry"), "fields": _("changed fields"),
    "from_state": _("from state"), "to_state": _("to state"), "reason": _("reason"), "visibility": _("visible for"), "via": _("came by case"),
    "content_hash": _("hash of the content"), "hash": _("hash"), "code": _("code"), "field": _("field"), "by": _("by"), "parked_at": _("parked at"),
    "resolved_by": _("resolved by"),
}  # fmt: skip


class ReadOnly(OursAdmin[M]):
    """All fields to look at."""

    changed_by_superusers = False
    labels = LABELS

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All."""
        return self.fields or ()


def _state(code: str | None) -> str:
    return gettext(STATES[code][0]) if code in STATES else code or ""


class OfACase(ReadOnly[M]):
    """A row that names its case by id."""

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Rows of cases in the reader's part of the city."""
        return Q(incident__in=Incident.objects.filter(lies_in(areas)).values("pk"))


class ByState(admin.SimpleListFilter):
    """One state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All states."""
        return [(code, gettext(name)) for code, (name, _open) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Those in it."""
        return queryset.filter(state=self.value()) if self.value() in STATES else queryset


@admin.register(Incident)
class IncidentAdmin(ReadOnly[Incident]):
    """Newest first, as the API lists them: their common index is the one that a list of millions needs."""

    list_display = ("number", "shown_state", "category", "urgent", "cell_code", "received_at", "due_at")
    list_filter = (ByState,)
    search_fields = ("number",)
    search_help_text = _("The beginning of a number, such as 610104-260504.")
    ordering = ("-received_at", "-id")
    fields = (
        "number", "shown_state", "shown_outcome", "kind", "channel", "category", "urgent", "shown_class", "shown_description", "address", "cell_code",
        "lng", "lat", "accuracy_m", "source", "at", "received_at", "registered_at", "resolved_at", "closed_at", "archived_at", "owner_unit",
        "lead_unit", "by_user", "shown_role", "due_step", "due_at", "paused", "returns", "reworks", "reopens", "merged_into", "restricted",
        "version", "n", "last_hash", "id",
    )  # fmt: skip

    def within(self, areas: tuple[Area, ...]) -> Q:
        """Cases in the reader's part of the city."""
        return lies_in(areas)

    def get_queryset(self, request: HttpRequest) -> Any:
        """The text of a restricted case is not even read."""
        return super().get_queryset(request).defer("description")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the beginning of the number."""
        text = search_term.strip()
        return (queryset.filter(number__startswith=text) if text else queryset), False

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, incident: Incident) -> str:
        """In words."""
        return _state(incident.state)

    @admin.display(description=LABELS["outcome"])
    def shown_outcome(self, incident: Incident) -> Any:
        """In words."""
        return words.CHOICES.get(incident.outcome or "", incident.outcome)

    @admin.display(description=LABELS["handling_class"])
    def shown_class(self, incident: Incident) -> Any:
        """In words."""
        return words.CHOICES.get(incident.handling_class or "", incident.handling_class)

    @admin.display(description=LABELS["by_role"])
    def shown_role(self, incident: Incident) -> Any:
        """In words."""
        return words.ROLES.get(incident.by_role or "", incident.by_role)

    @admin.display(description=_("description"))
    def shown_description(self, incident: Incident) -> Any:
        """The text, but for restricted cases."""
        return _("Restricted: the owner unit and the author read it.") if incident.restricted else incident.description


@admin.register(Event)
class EventAdmin(OfACase[Event]):
    """Who, when, what kind of change; the words stand elsewhere and are not shown here."""

    list_display = ("incident", "n", "shown_type", "by_user", "received_at", "shown_from", "shown_to", "shown_visibility")
    search_fields = ("incident",)
    search_help_text = _("The id of a case.")
    ordering = ("incident", "n")
    fields = (
        "incident", "n", "shown_type", "by_user", "by_unit", "shown_role", "at", "received_at", "clock_ahead", "op_id", "version", "fields",
        "shown_from", "shown_to", "shown_reason", "shown_visibility", "via", "content_hash", "hash", "id",
    )  # fmt: skip

    @admin.display(description=LABELS["type"], ordering="type")
    def shown_type(self, event: Event) -> Any:
        """In words."""
        return words.DONE.get(event.type, event.type)

    @admin.display(description=LABELS["by_role"])
    def shown_role(self, event: Event) -> Any:
        """In words."""
        return words.ROLES.get(event.by_role or "", event.by_role)

    @admin.display(description=LABELS["from_state"])
    def shown_from(self, event: Event) -> str:
        """In words."""
        return _state(event.from_state)

    @admin.display(description=LABELS["to_state"])
    def shown_to(self, event: Event) -> str:
        """In words."""
        return _state(event.to_state)

    @admin.display(description=LABELS["reason"])
    def shown_reason(self, event: Event) -> Any:
        """In words."""
        return words.CHOICES.get(event.reason or "", event.reason)

    @admin.display(description=LABELS["visibility"])
    def shown_visibility(self, event: Event) -> Any:
        """In words."""
        return words.VISIBILITY.get(event.visibility, event.visibility)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the id of the case or its number."""
        return _of_case(queryset, search_term), False


@admin.register(Conflict)
class ConflictAdmin(OfACase[Conflict]):
    """What is parked for a person; resolved at the desk."""

    list_display = ("incident", "kind", "code", "field", "state", "by", "parked_at", "resolved_at")
    list_filter = ("kind", "state")
    search_fields = ("incident",)
    search_help_text = _("The id or number of a case.")
    ordering = ("incident", "parked_at")
    fields = ("incident", "kind", "code", "field", "state", "by", "op_id", "parked_at", "resolved_by", "resolved_at", "id")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the id of the case or its number."""
        return _of_case(queryset, search_term), False


def _of_case(rows: Any, term: str) -> Any:
    text = term.strip()
    if not text:
        return rows
    plain = text.replace("-", "").lower()
    if len(plain) == 32 and all(digit in "0123456789abcdef" for digit in plain):
        return rows.filter(incident=plain)
    return rows.filter(incident__in=Incident.objects.filter(number__startswith=text).values("pk")[:200])
