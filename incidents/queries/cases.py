"""One case with all that hangs on it, pages of cases, and cases near a point, as a reader may see them."""

import base64
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import Any

import msgspec

from gridgov.errors import Refusal
from gridgov.feed.sql import any_of, in_order, is_postgres, run, same
from grids.rules.measure import distance_m
from grids.scope import STAFF, Actor, Scope
from incidents.rules import rows
from incidents.rules.decide.facts import reads_words
from incidents.rules.workflow import OPEN, STATES
from incidents.tables import CONFLICTS, CONTENTS, EVENTS, INCIDENTS, PHOTOS
from incidents.wire import conflict_record, event_record, incident_record, photo_record, redacted

Record = dict[str, Any]
MOST = 200


def visible(incident: rows.Incident, scope: Scope) -> bool:
    """By place (the archive too), or as its author until it is archived."""
    return scope.covers(incident) or (incident.by_user == scope.user and incident.archived_at is None)


def access_incident(*, key: str, scope: Scope) -> rows.Incident:
    """The case, where this reader may see it.

    :raises Refusal: not_found, for what is not there and what is not theirs alike.
    """
    found = INCIDENTS.select(same("id", "key"), key=key)
    if not found or not visible(found[0], scope):
        raise Refusal("not_found")
    return found[0]


def _shown(kind: str, record: Record, incident: rows.Incident, scope: Scope) -> Record:
    return record if reads_words(scope, incident) else redacted(kind, record)


def _is_staff(scope: Scope, incident: rows.Incident) -> bool:
    return any(g.role in STAFF and g.covers(incident) for g in scope.grants)


def case_record(*, incident: rows.Incident, actor: Actor) -> Record:
    """The record as in the feed, with `events`, `photos`, `checks` and `conflicts` that this reader gets. Four statements."""
    scope = actor.scope
    staff = _is_staff(scope, incident)
    events = EVENTS.select(f"{same('incident', 'key')} ORDER BY n", key=incident.id)
    events = [e for e in events if e.visibility != "internal" or staff or e.by_user == scope.user]
    contents = {c.event: c for c in CONTENTS.select(any_of("event", "ids"), ids=in_order(e.id for e in events if e.content_hash))}
    photos = PHOTOS.select(f"{same('incident', 'key')} ORDER BY declared_at, id", key=incident.id)
    conflicts = CONFLICTS.select(f"{same('incident', 'key')} ORDER BY parked_at, id", key=incident.id)
    conflicts = [c for c in conflicts if staff or (c.by == scope.user and c.kind != "handover")]
    return _shown("incident", incident_record(incident), incident, scope) | {
        "events": [_shown("event", event_record(e, contents.get(e.id)), incident, scope) for e in events],
        "photos": [photo_record(p) for p in photos],
        "checks": [],
        "conflicts": [_shown("conflict", conflict_record(c), incident, scope) for c in conflicts],
    }


# --- pages -------------------------------------------------------------------------------------------------------


def scope_condition(scope: Scope, *, alias: str = "") -> tuple[str, dict[str, Any]]:
    """SQL and parameters: the incidents that this reader may see."""
    params: dict[str, Any] = {"me": scope.user}
    prefix = f"{alias}." if alias else ""
    parts = [f"({prefix}by_user = {_uuid_param('me')} AND {prefix}archived_at IS NULL)"]
    for index, r in enumerate(scope.ranges):
        if r.places_only:
            continue
        if r.column == "city":
            return "1 = 1", {}
        parts.append(f"{prefix}{r.column} = %(s{index})s")
        params[f"s{index}"] = r.value
    return "(" + " OR ".join(parts) + ")", params


def _uuid_param(name: str) -> str:
    return f"%({name})s::uuid" if is_postgres() else f"replace(%({name})s, '-', '')"


def write_mark(incident: rows.Incident) -> str:
    """An opaque place in the list, newest first."""
    return base64.urlsafe_b64encode(f"{incident.received_at.isoformat()}|{incident.id}".encode()).decode().rstrip("=")


def read_mark(text: str) -> tuple[dt.datetime, str]:
    """:raises Refusal: bad_query."""
    try:
        when, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("|")
        at = dt.datetime.fromisoformat(when)
        # Only as `write_mark` writes it: a time in UTC of the years that we know, an id that a database takes.
        if at.utcoffset() != dt.timedelta(0) or not 1970 <= at.year <= 2099 or str(uuid.UUID(key)) != key:
            raise ValueError
    except ValueError:
        raise Refusal("bad_query", errors=[{"pointer": "/cursor", "code": "bad_query", "detail": "cursor"}]) from None
    return at, key


def _time_param(at: dt.datetime) -> Any:
    return at if is_postgres() else str(at.astimezone(dt.UTC).replace(tzinfo=None))


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of cases is narrowed to. `under`: (level column, short id) of a place."""

    states: tuple[str, ...] = ()
    under: tuple[str, int] | None = None
    category: str | None = None
    overdue: bool = False
    text: str | None = None


def incident_page(
    *, scope: Scope, narrow: Filter, now: dt.datetime, limit: int, after: str | None
) -> tuple[list[Record], str | None]:  # fmt: skip
    """A page of records, newest first, and where the next begins (None: the end). One statement."""
    where, params = scope_condition(scope)
    conditions = [where]
    if narrow.states:
        conditions.append(any_of("state", "states", "text"))
        params["states"] = list(narrow.states)
    if narrow.under is not None:
        conditions.append(f"{narrow.under[0]} = %(under)s")
        params["under"] = narrow.under[1]
    if narrow.category:
        conditions.append("category = %(category)s")
        params["category"] = narrow.category
    if narrow.overdue:
        conditions.append(f"due_at < %(now)s AND {any_of('state', 'open', 'text')}")
        params |= {"now": _time_param(now), "open": sorted(OPEN)}
    if narrow.text:
        # What a restricted case says can be found by those alone who may read it.
        may_read = f"(NOT restricted OR by_user = {_uuid_param('me')} OR {any_of('owner_unit', 'desks')})"
        like = "ILIKE" if is_postgres() else "LIKE"  # SQLite's does not tell a from A
        conditions.append(f"(number LIKE %(number)s ESCAPE '!' OR ({may_read} AND description {like} %(words)s ESCAPE '!'))")
        params |= {"me": scope.user, "desks": sorted(scope.full_units)}
        plain = narrow.text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        params |= {"words": f"%{plain}%", "number": f"{plain}%"}
    if after:
        at, key = read_mark(after)
        params |= {"after": _time_param(at), "key": key}
        conditions.append(f"(received_at, id) < (%(after)s, {_uuid_param('key')})")
    found = INCIDENTS.select(" AND ".join(conditions) + " ORDER BY received_at DESC, id DESC LIMIT %(limit)s", limit=limit + 1, **params)
    page = found[:limit]
    records = [_shown("incident", incident_record(i), i, scope) for i in page]
    return records, write_mark(page[-1]) if len(found) > limit else None


def nearby(
    *, scope: Scope, lng: float, lat: float, radius_m: float, category: str | None, now: dt.datetime
) -> list[Record]:  # fmt: skip
    """Open cases within `radius_m` metres of a WGS-84 point, nearest first, with `distance_m` and `age_s`; at most 50."""
    where, params = scope_condition(scope)
    high = radius_m / 110_574
    wide = radius_m / (111_320 * max(cos(radians(lat)), 0.01))
    params |= {"west": lng - wide, "east": lng + wide, "south": lat - high, "north": lat + high, "open": sorted(OPEN)}
    condition = (
        f"{where} AND {any_of('state', 'open', 'text')} AND archived_at IS NULL "
        "AND lng BETWEEN %(west)s AND %(east)s AND lat BETWEEN %(south)s AND %(north)s"
    )
    if category:
        condition += " AND category = %(category)s"
        params["category"] = category
    found = INCIDENTS.select(f"{condition} ORDER BY received_at DESC LIMIT 500", **params)
    near = []
    for incident in found:
        off = distance_m(a=(lng, lat), b=(incident.lng, incident.lat))
        if off <= radius_m:
            record = _shown("incident", incident_record(incident), incident, scope)
            near.append(record | {"distance_m": round(off, 1), "age_s": int((now - incident.received_at).total_seconds())})
    return sorted(near, key=lambda r: (r["distance_m"], r["id"]))[:50]


def states_of(text: str | None) -> tuple[str, ...]:
    """The states that a parameter names: a state, several with commas, or `open`.

    :raises Refusal: bad_query.
    """
    if not text:
        return ()
    names = tuple(sorted(OPEN)) if text == "open" else tuple(text.split(","))
    if any(name not in STATES for name in names):
        raise Refusal("bad_query", errors=[{"pointer": "/state", "code": "bad_query", "detail": ", ".join(STATES)}])
    return names


def counts_by_state(*, scope: Scope) -> Mapping[str, int]:
    """How many cases of this reader's stand in each state, the archive left out. One statement."""
    where, params = scope_condition(scope)
    found: Sequence[Sequence[Any]] = run(
        f"SELECT state, count(*) FROM incidents_incident WHERE {where} AND archived_at IS NULL GROUP BY state", params
    )
    return {row[0]: row[1] for row in found}
