"""Reads for the desk's pages: a queue of cases with what its lines show, and what stands around one case. Writes nothing.

The number of statements does not grow with the number of cases.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.db.models import Q

from gridgov.feed.models import Head
from gridgov.feed.sql import any_of, is_postgres, run, same
from gridgov.feed.tables import uuid_text
from grids.models import OrgUnit, Place, User
from grids.queries import city_day, grants_of
from grids.scope import STAFF, Actor, Scope
from incidents.models import Category
from incidents.queries.cases import read_mark, scope_condition, write_mark
from incidents.rules import rows
from incidents.rules.decide.facts import reads_words
from incidents.tables import INCIDENTS

# queue → states; `conflicts` looks at conflicts, `all` (a search) at everything, the archive too.
QUEUES: Final[dict[str, tuple[str, ...]]] = {
    "reported": ("reported",),
    "registered": ("registered",),
    "resolved": ("resolved",),
    "conflicts": (),
    "closed": ("closed", "rejected"),
    "all": (),
}
_OPEN_CONFLICT = "EXISTS (SELECT 1 FROM incidents_conflict c WHERE c.incident = incidents_incident.id AND c.state = 'open' {whose})"


class Line(msgspec.Struct, frozen=True):
    """A case in a queue, with what hangs on it: photos stored of those declared, and open conflicts that this reader sees."""

    incident: rows.Incident
    category: str
    place: str
    stored: int
    photos: int
    conflicts: int


class Around(msgspec.Struct, frozen=True):
    """What a case's page shows besides the record: names by id, and shapes about it."""

    categories: dict[str, str]
    units: dict[str, str]
    places: list[Place]
    way: list[str]


def actor_at_the_desk(*, user: User, now: dt.datetime) -> Actor:
    """The account of a browser's session as an actor, with today's scope."""
    ground = Head.objects.values_list("ground", flat=True).get(pk=1)
    scope, past = grants_of(user=str(user.pk), ground=ground, day=city_day(now))
    return Actor(
        user=str(user.pk), username=user.username, name=user.name, language=user.language, superuser=user.is_superuser,
        scope=scope, past=past, ground=ground,
    )  # fmt: skip


def _conflict_condition(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Conflicts are for the place's staff; others see their own, but for handovers."""
    if any(grant.role in STAFF for grant in scope.grants):
        return "", {}
    return f"AND {same('c.by', 'author')} AND c.kind <> 'handover'", {"author": scope.user}


def counts(*, scope: Scope) -> dict[str, int]:
    """How many cases stand in each queue, the archive left out. One statement."""
    where, params = scope_condition(scope)
    whose, more = _conflict_condition(scope)
    query = (
        f"SELECT state, count(*), sum(CASE WHEN {_OPEN_CONFLICT.format(whose=whose)} THEN 1 ELSE 0 END) "
        f"FROM incidents_incident WHERE {where} AND archived_at IS NULL GROUP BY state"
    )
    found = {state: (int(n), int(clashes)) for state, n, clashes in run(query, params | more)}
    told = {queue: sum(found.get(state, (0, 0))[0] for state in states) for queue, states in QUEUES.items()}
    return told | {"conflicts": sum(clashes for _, clashes in found.values())}


def queue_page(*, scope: Scope, queue: str, text: str, limit: int, after: str | None, chinese: bool) -> tuple[list[Line], str | None]:
    """A page of a queue, newest first, and where the next begins (None: the end). Restricted words are left out.

    :raises Refusal: bad_query, for a mark that no page gave.
    """
    where, params = scope_condition(scope)
    conditions = [where]
    if QUEUES[queue]:
        conditions.append(any_of("state", "states", "text"))
        params["states"] = list(QUEUES[queue])
    if queue == "conflicts":
        whose, more = _conflict_condition(scope)
        conditions.append(_OPEN_CONFLICT.format(whose=whose))
        params |= more
    if queue != "all":
        conditions.append("archived_at IS NULL")
    if text:
        plain = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        conditions.append("(number LIKE %(number)s ESCAPE '!' OR (NOT restricted AND description LIKE %(words)s ESCAPE '!'))")
        params |= {"words": f"%{plain}%", "number": f"%{plain}%"}
    if after:
        at, key = read_mark(after)
        params |= {"after": at if is_postgres() else str(at.astimezone(dt.UTC).replace(tzinfo=None)), "key": key}
        conditions.append("(received_at, id) < (%(after)s, " + ("%(key)s::uuid)" if is_postgres() else "replace(%(key)s, '-', ''))"))
    found = INCIDENTS.select(" AND ".join(conditions) + " ORDER BY received_at DESC, id DESC LIMIT %(limit)s", limit=limit + 1, **params)
    page = [_without_secrets(incident, scope) for incident in found[:limit]]
    return _lines(page, scope, chinese), write_mark(page[-1]) if len(found) > limit else None


def _without_secrets(incident: rows.Incident, scope: Scope) -> rows.Incident:
    return incident if reads_words(scope, incident) else msgspec.structs.replace(incident, description=None)


def _lines(page: Sequence[rows.Incident], scope: Scope, chinese: bool) -> list[Line]:
    if not page:
        return []
    ids = [incident.id for incident in page]
    photos = {
        uuid_text(key): (int(stored), int(all_))
        for key, stored, all_ in run(
            "SELECT incident, sum(CASE WHEN state = 'stored' THEN 1 ELSE 0 END), count(*) FROM incidents_photo "
            f"WHERE {any_of('incident', 'ids')} AND state <> 'withdrawn' GROUP BY incident",
            {"ids": ids},
        )
    }
    whose, more = _conflict_condition(scope)
    query = f"SELECT c.incident, count(*) FROM incidents_conflict c WHERE {any_of('c.incident', 'ids')} AND c.state = 'open' {whose} GROUP BY c.incident"
    clashes = {uuid_text(key): int(n) for key, n in run(query, {"ids": ids} | more)}
    names = dict(Place.objects.filter(sid__in={incident.cell for incident in page}).values_list("sid", "name"))
    categories = category_names(codes={incident.category for incident in page}, chinese=chinese)
    return [
        Line(
            incident=i, category=categories.get(i.category, i.category), place=names.get(i.cell, i.cell_code),
            stored=photos.get(i.id, (0, 0))[0], photos=photos.get(i.id, (0, 0))[1], conflicts=clashes.get(i.id, 0),
        )
        for i in page
    ]  # fmt: skip


def category_names(*, codes: set[str], chinese: bool) -> dict[str, str]:
    """Names of categories by code, in one of the two languages."""
    return dict(Category.objects.filter(code__in=codes).values_list("code", "name_zh" if chinese else "name_en"))


def around(*, incident: rows.Incident, units: set[str], categories: set[str], chinese: bool) -> Around:
    """Names and shapes for one case's page. Three statements."""
    above = [sid for sid in (incident.district, incident.street, incident.community) if sid is not None]
    near = Q(sid=incident.cell) | Q(level=Place.Level.BUILDING, cell=incident.cell)
    if incident.community is not None:
        near |= Q(level=Place.Level.GRID, community=incident.community)
    places = list(Place.objects.filter(near | Q(sid__in=above)).order_by("depth", "code"))
    names = {str(pk): name for pk, name in OrgUnit.objects.filter(pk__in=units).values_list("pk", "name")}
    return Around(
        categories=category_names(codes={incident.category} | categories, chinese=chinese),
        units=names,
        places=[place for place in places if place.level in ("grid", "building")],
        way=[place.name for place in places if place.sid in (*above, incident.cell)],
    )
