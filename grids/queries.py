"""Reads about places, people and units. Checks scope where objects are not public; writes nothing."""

import datetime as dt
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db.models import Q

from grids.models import City, Membership, OrgUnit
from grids.scope import CITY, Area, Grant, Scope


def city_day(now: dt.datetime) -> dt.date:
    """The day of the city's time zone."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def _areas(level: str, place: object) -> tuple[Area, ...]:
    column = "cell" if level in ("grid", "building") else level
    return (Area(column, getattr(place, column)),)


def _grant(membership: Membership, city: str) -> Grant:
    place, unit = membership.place, membership.unit
    areas: tuple[Area, ...] = (CITY,)
    above: tuple[int, ...] = ()
    around: tuple[Area, ...] = ()
    if place is not None:
        areas = _areas(place.level, place)
        above = tuple(sid for sid in (place.district, place.street, place.community) if sid is not None and sid != place.sid)
        around = (Area("community", place.community),) if place.level == "grid" and place.community is not None else ()
    for managed in unit.manages.all():
        areas += _areas(managed.level, managed)
        above += tuple(sid for sid in (managed.district, managed.street, managed.community) if sid is not None and sid != managed.sid)
    return Grant(
        role=membership.role,
        unit=str(unit.pk),
        place=None if place is None else str(place.pk),
        code=None if place is None else place.code,
        name=city if place is None else place.name,
        level="city" if place is None else place.level,
        areas=areas,
        above=above,
        around=around,
        manages=tuple((str(managed.pk), managed.code, managed.level) for managed in unit.manages.all()),
        since=membership.since.isoformat(),
        until=None if membership.until is None else membership.until.isoformat(),
    )


_kept: OrderedDict[tuple[str, int, dt.date], tuple[Scope, tuple[Grant, ...]]] = OrderedDict()
_lock = threading.Lock()


def grants_of(*, user: str, ground: int, day: dt.date) -> tuple[Scope, tuple[Grant, ...]]:
    """The user's scope on that day, and the grants that have ended.

    Kept in memory under the ground version (`Head.ground`, raised by every change of memberships, units and places),
    so a change holds from the next call on. Reads the database at most once for each of these.
    """
    key = (user, ground, day)
    with _lock:
        if (found := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            return found
    return _read_grants(users=[user], ground=ground, day=day)[user]


def warm_grants(*, users: Iterable[str], ground: int, day: dt.date) -> None:
    """Make `grants_of` free for all these users: a few statements for every five hundred of them."""
    with _lock:
        missing = [user for user in users if (user, ground, day) not in _kept]
    for start in range(0, len(missing), 500):
        _read_grants(users=missing[start : start + 500], ground=ground, day=day)


def _read_grants(*, users: list[str], ground: int, day: dt.date) -> dict[str, tuple[Scope, tuple[Grant, ...]]]:
    held = Membership.objects.filter(user_id__in=users, since__lte=day)
    rows = held.select_related("place", "unit").prefetch_related("unit__manages").defer("place__geometry")
    city = City.objects.values_list("name", flat=True).first() or ""
    grants: dict[str, tuple[list[Grant], list[Grant]]] = {user: ([], []) for user in users}
    for row in rows.order_by("since", "id"):
        grants[str(row.user_id)][0 if row.until is None or row.until > day else 1].append(_grant(row, city))
    found = {user: (Scope(user=user, grants=tuple(now)), tuple(past)) for user, (now, past) in grants.items()}
    with _lock:
        for user, pair in found.items():
            _kept[(user, ground, day)] = pair
        while len(_kept) > 20_000:
            _kept.popitem(last=False)
    return found


class UnitTree(msgspec.Struct, frozen=True):
    """All units in memory: parents, and the centre of each place (by its short id; None: the city's)."""

    parents: dict[str, str | None]
    centres: dict[int | None, str]

    def chain(self, unit: str) -> tuple[str, ...]:
        """The unit and those above it, nearest first."""
        found: list[str] = []
        step: str | None = unit
        while step is not None and step not in found:
            found.append(step)
            step = self.parents.get(step)
        return tuple(found)

    def owner_of(self, *sids: int | None) -> str | None:
        """The centre nearest to a place, given its short ids from the lowest level up; at last the city's."""
        for sid in sids:
            if sid is not None and sid in self.centres:
                return self.centres[sid]
        return self.centres.get(None)


_units: tuple[int, UnitTree] | None = None


def unit_tree(*, ground: int) -> UnitTree:
    """The units as of that ground version; read at most once a version."""
    global _units
    if _units is not None and _units[0] == ground:
        return _units[1]
    parents: dict[str, str | None] = {}
    centres: dict[int | None, str] = {}
    rows = OrgUnit.objects.values_list("id", "parent_id", "kind", "retired", "place__sid", "level")
    for pk, parent, kind, retired, sid, level in rows:
        parents[str(pk)] = None if parent is None else str(parent)
        if kind == OrgUnit.Kind.CENTRE and not retired and (sid is not None or level == OrgUnit.Level.CITY):
            centres[sid] = str(pk)
    tree = UnitTree(parents=parents, centres=centres)
    _units = (ground, tree)
    return tree


def desks_of(*, units: Iterable[str], day: dt.date) -> dict[str, tuple[str, ...]]:
    """User ids of the secretaries and operators of each of these units on that day; one statement."""
    rows = Membership.objects.filter(
        Q(until=None) | Q(until__gt=day), unit__in=[uuid.UUID(unit) for unit in units], role__in=("secretary", "operator"),
        since__lte=day, user__is_active=True,
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for unit, user in rows.values_list("unit_id", "user_id").distinct().order_by("user_id"):
        found.setdefault(str(unit), []).append(str(user))
    return {unit: tuple(users) for unit, users in found.items()}


def members_of(*, unit: str, roles: tuple[str, ...], day: dt.date) -> list[str]:
    """User ids of those who hold one of the roles in the unit on that day."""
    rows = Membership.objects.filter(
        Q(until=None) | Q(until__gt=day), unit_id=uuid.UUID(unit), role__in=roles, since__lte=day, user__is_active=True
    )
    return [str(pk) for pk in rows.values_list("user_id", flat=True).distinct()]
