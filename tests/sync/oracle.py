"""Who reads what, in the words of protocol §4.1, asked of the tables one record after the other. Knows nothing of the feed."""

from typing import Any

from django.utils import timezone

from grids.models import Membership, OrgUnit, Place
from grids.queries import city_day
from incidents.models import Category, Conflict, Event, Incident, Notice, Photo
from tests.sync.following import Reader
from tests.world import World

STAFF = {"secretary", "operator", "supervisor"}
BY_PLACE = {"worker", "secretary", "operator", "supervisor", "admin"}


class Eyes:
    """One person's rights today, as their memberships say."""

    def __init__(self, world: World, name: str) -> None:
        self.user = world.user(name)
        today = city_day(timezone.now())
        self.members = [
            m
            for m in Membership.objects.filter(user=self.user).select_related("place", "unit").prefetch_related("unit__manages")
            if m.since <= today and (m.until is None or m.until > today)
        ]
        self.places = {p.sid: p for p in Place.objects.all()}

    def up(self, place: Place) -> list[Place]:
        return [self.places[int(sid)] for sid in place.path.strip("/").split("/")]

    def _own(self, member: Membership) -> list[Place | None]:
        return [member.place, *member.unit.manages.all()]

    def covers(self, cell: Place, roles: set[str]) -> bool:
        above = {p.pk for p in self.up(cell)}
        return any(m.role in roles and any(p is None or p.pk in above for p in self._own(m)) for m in self.members)

    def case(self, incident: Incident) -> bool:
        """scope; the author; until it is archived."""
        cell = self.places[incident.cell]
        return incident.archived_at is None and (self.covers(cell, BY_PLACE) or incident.by_user == self.user.pk)

    def staff(self, incident: Incident) -> bool:
        return self.covers(self.places[incident.cell], STAFF)

    def words(self, incident: Incident) -> bool:
        """restricted categories: null for all but the owner unit and the author."""
        desk = any(m.role in STAFF and m.unit_id == incident.owner_unit for m in self.members)
        return not incident.restricted or desk or incident.by_user == self.user.pk

    def reads(self) -> set[tuple[str, str]]:
        """(type, id) of all that this person has in the feed."""
        found: set[tuple[str, Any]] = set()
        cases = {i.pk: i for i in Incident.objects.all()}
        for incident in cases.values():
            if self.case(incident):
                found.add(("incident", incident.pk))
        for event in Event.objects.all():
            if ("incident", event.incident) not in found:
                continue
            if event.visibility != "internal" or self.staff(cases[event.incident]) or event.by_user == self.user.pk:
                found.add(("event", event.pk))
        found |= {("photo", p.pk) for p in Photo.objects.all() if ("incident", p.incident) in found}
        for conflict in Conflict.objects.all():
            case = cases[conflict.incident]
            mine = conflict.by == self.user.pk and conflict.kind != "handover"
            # What is parked behind the archiving waits for a person all the same.
            late = case.archived_at is not None and conflict.state == "open" and conflict.parked_at > case.archived_at
            if (case.archived_at is None or late) and (self.staff(case) or mine):
                found.add(("conflict", conflict.pk))
        for notice in Notice.objects.filter(user=self.user.pk):
            archived = None if notice.incident is None else cases[notice.incident].archived_at
            if archived is None or notice.at > archived:
                found.add(("notice", notice.pk))
        found |= {("place", p.pk) for p in self.places.values() if self.place(p)}
        found |= {("unit", pk) for pk in OrgUnit.objects.values_list("pk", flat=True)}
        found |= {("category", pk) for pk in Category.objects.values_list("pk", flat=True)}
        return {(kind, str(pk)) for kind, pk in found}

    def place(self, place: Place) -> bool:
        """own places, the other places of their community, ancestors."""
        above = {p.pk for p in self.up(place)}
        for member in self.members:
            for own in self._own(member):
                if own is None or own.pk in above or place.pk in {p.pk for p in self.up(own)}:
                    return True
            own = member.place
            if own is not None and own.level == "grid" and own.parent_id in above:
                return True
        return False


def assert_reads(world: World, name: str, reader: Reader) -> None:
    """What is held is what this person may read, and no word more."""
    eyes = Eyes(world, name)
    expected, held = eyes.reads(), set(reader.store)
    assert held - expected == set(), f"{name} reads too much: {[reader.store[key] for key in sorted(held - expected)]}"
    assert expected - held == set(), f"{name} reads too little: {sorted(expected - held)}"
    for incident in Incident.objects.all():
        record = reader.record("incident", str(incident.pk))
        if record is None:
            continue
        full = eyes.words(incident)
        assert record["description"] == (incident.description if full else None), name
        for kind in ("event", "conflict"):
            for (k, _), (_, other) in reader.store.items():
                if k == kind and other["incident"] == str(incident.pk) and not full:
                    assert "description" not in other.get("changes", {}), name
                    assert other.get("text") is None, name
                    if kind == "conflict" and other["field"] in (None, "description"):
                        assert {other[key] for key in ("base", "server", "client", "args", "value")} == {None}, name
