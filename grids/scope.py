"""THE permission rule, the only one: what an actor's memberships let them see, in two faces that a test holds equal.

`Scope.allows(audience)` asks about one record; `Scope.ranges()` names the ranges of the feed's indexes that hold just
those records. Neither reads the database: grants come in (`grids.queries.grants_of`).
"""

import hashlib
from functools import cached_property
from typing import Final, Protocol

import msgspec

LEVELS: Final = ("district", "street", "community", "cell")
STAFF: Final = frozenset({"secretary", "operator", "supervisor"})
# A handler sees cases by their unit's assignments, not by place.
BY_PLACE: Final = frozenset({"worker", "secretary", "operator", "supervisor", "admin"})


class Levels(Protocol):
    """Anything that lies somewhere: the short ids of its place by level, null below its own level."""

    @property
    def district(self) -> int | None: ...
    @property
    def street(self) -> int | None: ...
    @property
    def community(self) -> int | None: ...
    @property
    def cell(self) -> int | None: ...


class Area(msgspec.Struct, frozen=True, order=True):
    """A node of the tree and all below it. `level` is one of LEVELS, or "city" (sid 0)."""

    level: str
    sid: int

    def holds(self, where: Levels) -> bool:
        """Does a record that lies at `where` lie in this area?"""
        if self.level == "city":
            return where.district is not None
        return bool(getattr(where, self.level) == self.sid)


CITY: Final = Area("city", 0)


class Grant(msgspec.Struct, frozen=True):
    """One membership as the scope needs it. `areas`: its own place and what its unit manages. Days are ISO dates."""

    role: str
    unit: str
    place: str | None
    code: str | None
    name: str
    level: str
    areas: tuple[Area, ...]
    # Ancestors of its place (short ids), and the community of a cell: whose place records it reads.
    above: tuple[int, ...]
    around: tuple[Area, ...]
    # (id, code, level) of the places that its unit manages besides.
    manages: tuple[tuple[str, str, str], ...]
    since: str
    until: str | None

    def covers(self, where: Levels) -> bool:
        return any(area.holds(where) for area in self.areas)


class Audience(msgspec.Struct, frozen=True):
    """Who reads a record: by place (level columns, `internal` for staff only), by person, by further keys.

    The person of an internal event, who wrote it, is one reader more of its place, and reads it as long as they cover that.

    Keys: `u:<unit id>`, `p:<user id>`, `a:<sid>` (all whose place lies below that place), `all`.
    """

    district: int | None = None
    street: int | None = None
    community: int | None = None
    cell: int | None = None
    internal: bool = False
    person: str | None = None
    extra: tuple[str, ...] = ()


class Range(msgspec.Struct, frozen=True):
    """A range of one index: `column` = `value` (city: every record that lies somewhere)."""

    column: str
    value: int
    internal: bool
    places_only: bool


class Scope(msgspec.Struct, frozen=True, dict=True):
    """What an actor reads today."""

    user: str
    grants: tuple[Grant, ...]

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges by place, each once, the wider rights first."""
        rights: dict[Area, tuple[bool, bool]] = {}
        for grant in self.grants:
            for area in grant.areas:
                internal, places_only = grant.role in STAFF, grant.role not in BY_PLACE
                had = rights.get(area, (False, True))
                rights[area] = (had[0] or internal, had[1] and places_only)
            for area in grant.around:
                rights.setdefault(area, (False, True))
        return tuple(Range(area.level, area.sid, *rights[area]) for area in sorted(rights))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of `Audience.extra` that this reader has."""
        keys = {"all", f"p:{self.user}"}
        for grant in self.grants:
            keys.update(f"a:{sid}" for sid in grant.above)
            if grant.role == "handler":
                keys.add(f"u:{grant.unit}")
        return tuple(sorted(keys))

    @cached_property
    def fingerprint(self) -> str:
        """Changes when what this reader may see changes."""
        # Sorted: a set is in another order in every process, and the next poll may come to another one.
        text = repr((self.user, self.ranges, self.keys, sorted(self.full_units)))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def full_units(self) -> frozenset[str]:
        """Units whose restricted texts this reader gets: those in which they are secretary, operator or supervisor."""
        return frozenset(grant.unit for grant in self.grants if grant.role in STAFF)

    def allows(self, audience: Audience, *, kind: str) -> bool:
        """May this reader see a record of type `kind` with that audience?"""
        own_line = kind == "event" and audience.internal and audience.person == self.user
        if (audience.person == self.user and not own_line) or not set(audience.extra).isdisjoint(self.keys):
            return True
        open_to = not audience.internal or own_line
        for r in self.ranges:
            if Area(r.column, r.value).holds(audience) and (r.internal or open_to) and (kind == "place" or not r.places_only):
                return True
        return False

    def covers(self, where: Levels) -> bool:
        """Does a membership that sees cases by place cover it today?"""
        return any(grant.role in BY_PLACE and grant.covers(where) for grant in self.grants)


class Actor(msgspec.Struct, frozen=True):
    """Who calls: an account, its scope today, and what it was a member of before."""

    user: str
    username: str
    name: str
    language: str
    superuser: bool
    scope: Scope
    past: tuple[Grant, ...] = ()
    device: str | None = None
    # The ground version (`Head.ground`) that the scope was read under.
    ground: int = 0

    @property
    def grants(self) -> tuple[Grant, ...]:
        return self.scope.grants
