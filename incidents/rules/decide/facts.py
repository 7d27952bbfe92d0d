"""What a decision is made from and what it says. Pure values; who fills them in is `incidents.door`."""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from gridgov.errors import Refusal
from grids.scope import BY_PLACE, STAFF, Actor, Levels, Scope
from incidents.rules.fields import Point
from incidents.rules.ops import Act, Comment, Edit, Op, PhotoAdd, PhotoWithdraw, Read, Report, Resolve, instant
from incidents.rules.rows import Category, Conflict, Event, Incident, Notice, Photo

AHEAD = dt.timedelta(hours=24)


class CellLike(Protocol):
    """A grid cell as the locator knows it; short ids by level."""

    @property
    def id(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def district(self) -> int | None: ...
    @property
    def street(self) -> int | None: ...
    @property
    def community(self) -> int | None: ...
    @property
    def cell(self) -> int: ...
    @property
    def path_codes(self) -> tuple[str, ...]: ...
    @property
    def boundary_version(self) -> int: ...


class LocatedLike(Protocol):
    """Where a point lies: in a cell, or outside with the nearest one and its distance in metres."""

    @property
    def cell(self) -> CellLike | None: ...
    @property
    def nearest(self) -> CellLike | None: ...
    @property
    def distance_m(self) -> float: ...


class Draft(msgspec.Struct, frozen=True):
    """An event before it has its number and hash. `name` makes its id (uuid5), unless `id` is given (a comment's)."""

    incident: str
    type: str
    name: str = "event"
    id: str | None = None
    fields: tuple[str, ...] = ()
    changes: dict[str, Any] | None = None
    text: str | None = None
    from_state: str | None = None
    to_state: str | None = None
    reason: str | None = None
    visibility: str = "reporter"


class Decision(msgspec.Struct):
    """What becomes of an op. `incident` is the case after it (None: not told, or unchanged and unseen)."""

    outcome: str
    code: str | None = None
    details: dict[str, Any] | None = None
    errors: list[dict[str, str]] = []
    warnings: list[str] = []
    incident: Incident | None = None
    changed: bool = False
    drafts: list[Draft] = []
    conflicts: list[Conflict] = []
    ended: list[Conflict] = []
    photos: list[Photo] = []
    changed_photos: list[Photo] = []
    notices: list[Notice] = []
    # Out of the author's scope: the answer tells nothing of the case.
    silent: bool = False


class Facts(Protocol):
    """The rows that the ops of a push touch, as they stand after the ops before this one."""

    actor: Actor
    now: dt.datetime
    day: dt.date

    def incident(self, key: str) -> Incident | None: ...
    def unborn(self, key: str) -> Incident | None: ...
    def event_exists(self, key: str) -> bool: ...
    def photo(self, key: str) -> Photo | None: ...
    def conflict(self, key: str) -> Conflict | None: ...
    def photos_of(self, incident: str) -> list[Photo]: ...
    def delivered(self, user: str, sha256: str) -> bool: ...
    def later_events(self, incident: str, version: int) -> list[Event]: ...
    def category(self, code: str) -> Category | None: ...
    def located(self, point: Point) -> LocatedLike: ...
    def cell(self, key: str) -> tuple[CellLike, Point] | None: ...
    def chain(self, unit: str) -> tuple[str, ...]: ...
    def owner_of(self, cell: Levels) -> str: ...
    def desk_of(self, unit: str) -> tuple[str, ...]: ...
    def person_exists(self, key: str) -> bool: ...
    def number(self, cell: CellLike) -> str: ...


Decide = Callable[[Read, Facts], Decision]


class Chains(Protocol):
    """Who stands above a unit."""

    def chain(self, unit: str) -> tuple[str, ...]: ...


def derived(*, user: str, op_id: str, name: str) -> str:
    """The id of a record that the server makes for an op: uuid5 of (user id, op id + ":" + name)."""
    return str(uuid.uuid5(uuid.UUID(user), f"{op_id}:{name}"))


def case_of(op: Op, facts: Facts) -> str | None:
    """The id of the incident that an op is about; None where that is not known."""
    if isinstance(op, Resolve):
        conflict = facts.conflict(op.conflict)
        return None if conflict is None else conflict.incident
    if isinstance(op, PhotoWithdraw):
        photo = facts.photo(op.photo)
        return None if photo is None else photo.incident
    return op.incident if isinstance(op, Report | Edit | Act | Comment | PhotoAdd) else None


def roles_of(actor: Actor, incident: Incident, facts: Chains) -> frozenset[str]:
    """What the actor is to this case today: author, worker of the cell, and roles in the owner unit or above it."""
    roles = {"anyone"}
    if incident.by_user == actor.user:
        roles.add("author")
    chain = facts.chain(incident.owner_unit)
    for grant in actor.grants:
        if grant.role == "worker" and grant.covers(incident):
            roles.add("worker")
        elif grant.role in STAFF and grant.unit in chain:
            roles.add(grant.role)
    return frozenset(roles)


def in_scope(actor: Actor, incident: Incident) -> bool:
    """Does the actor see the case today: by place, or as its author while it is in the working set?"""
    return actor.scope.covers(incident) or (incident.by_user == actor.user and incident.archived_at is None)


def was_in_scope(actor: Actor, incident: Incident) -> bool:
    """Did the actor report it, or does a membership of theirs, past or present, cover its place today?

    A handler's covers none: they see cases by their unit's assignments, and what they never saw must look like nothing.
    """
    return incident.by_user == actor.user or any(g.role in BY_PLACE and g.covers(incident) for g in (*actor.grants, *actor.past))


def reads_words(scope: Scope, incident: Incident) -> bool:
    """The words of a restricted case are for its owner unit and its author."""
    return not incident.restricted or incident.by_user == scope.user or incident.owner_unit in scope.full_units


def place_role(actor: Actor, incident: Incident) -> tuple[str | None, str | None]:
    """(unit, role) in which the actor acts on this case: a membership that covers it, else any, else none."""
    for grant in actor.grants:
        if grant.role in BY_PLACE and grant.covers(incident):
            return grant.unit, grant.role
    return (actor.grants[0].unit, actor.grants[0].role) if actor.grants else (None, None)


def refused(code: str, details: Mapping[str, Any] | None = None) -> Decision:
    """Refused, with a code; nothing changes."""
    return Decision(outcome="refused", code=code, details=dict(details) if details else None)


def refused_by(refusal: Refusal) -> Decision:
    """Refused, as a rule raised it."""
    return Decision(outcome="refused", code=refusal.code, details=refusal.details or None, errors=[dict(e) for e in refusal.errors])


def park(facts: Facts, op: Op, *, incident: str, kind: str, code: str, name: str, **values: Any) -> Conflict:
    """A conflict record for a person, open."""
    fields: dict[str, Any] = {"field": None, "base": None, "server": None, "client": None, "args": None} | values
    user = facts.actor.user
    return Conflict(
        id=derived(user=user, op_id=op.op_id, name=name), incident=incident, kind=kind, code=code, by=user, op_id=op.op_id,
        at=instant(op.at, "/at"), parked_at=facts.now, state="open", value=None, resolved_by=None, resolved_at=None, **fields,
    )  # fmt: skip


def hand_over(read: Read, facts: Facts, incident: Incident) -> Decision:
    """Out of the author's scope today, once in it: the whole op waits for the owner unit; the answer tells nothing."""
    conflict = park(facts, read.op, incident=incident.id, kind="handover", code="handed_over", name="handover", args=read.content)
    return Decision(outcome="conflict", code="handed_over", conflicts=[conflict], silent=True)


def outside(located: LocatedLike) -> dict[str, Any]:
    """Details of `outside_grid`."""
    nearest = located.nearest
    return {
        "nearest": None if nearest is None else {"id": nearest.id, "code": nearest.code},
        "distance_m": round(located.distance_m, 1),
    }


def moved_to(incident: Incident, cell: CellLike, facts: Facts) -> dict[str, Any]:
    """Columns of a case that now lies in that cell; the owner changes only while it is reported."""
    columns: dict[str, Any] = {
        "cell_id": cell.id, "cell_code": cell.code, "district": cell.district, "street": cell.street,
        "community": cell.community, "cell": cell.cell, "boundary_version": cell.boundary_version,
    }  # fmt: skip
    if incident.state == "reported" and cell.id != incident.cell_id:
        columns["owner_unit"] = facts.owner_of(cell)
    return columns
