"""The typed shapes of ops (protocol §3.1). Pure; the limits of protocol §2 stand here. `rules.raw` reads them from JSON."""

import datetime as dt
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gridgov.errors import malformed

OPS_A_PUSH: Final = 200
PUSH_BYTES: Final = 1024 * 1024
OP_BYTES: Final = 64 * 1024
JSON_DEPTH: Final = 32
PHOTO_BYTES: Final = 10 * 1024 * 1024
PHOTO_PIXELS: Final = 50_000_000
PHOTOS_AN_OP: Final = 20
DESCRIPTION: Final = 1000
COMMENT: Final = 2000
SAFE: Final = 2**53

_HEX = "[0-9a-f]"
_ANY_UUID = rf"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\Z"
_NEW_UUID = rf"^{_HEX}{{8}}-{_HEX}{{4}}-[47]{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}\Z"

NewId = Annotated[str, Meta(pattern=_NEW_UUID)]
Id = Annotated[str, Meta(pattern=_ANY_UUID)]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\Z")]
Version = Annotated[int, Meta(ge=0, le=SAFE)]
Code = Annotated[str, Meta(min_length=1, max_length=32)]
Address = Annotated[str, Meta(max_length=200)]
Description = Annotated[str, Meta(max_length=DESCRIPTION)]


class _Shape(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Nothing that is not named is taken."""


class Position(_Shape, frozen=True, kw_only=True):
    """A point as a client sends it. `datum` is looked at by `datum_of`, since its absence has a code of its own."""

    lng: Annotated[float, Meta(ge=-180, le=180)]
    lat: Annotated[float, Meta(ge=-90, le=90)]
    datum: str | UnsetType = UNSET
    source: str
    accuracy_m: Annotated[float, Meta(ge=0, le=100_000)] | None | UnsetType = UNSET


DATUMS: Final = frozenset({"wgs84", "cgcs2000", "gcj02", "bd09"})
SOURCES: Final = frozenset({"gps", "map", "code", "address"})


class Declaration(_Shape, frozen=True, kw_only=True):
    """A photo that will come."""

    photo: NewId
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=1, le=PHOTO_BYTES)]
    stage: str
    taken_at: Time | None | UnsetType = UNSET
    near_pin: bool | None | UnsetType = UNSET


STAGES: Final = frozenset({"before", "during", "after", "check"})


class Op(_Shape, frozen=True, kw_only=True):
    """What every op has. `kind` is read before the shape is chosen."""

    op_id: NewId
    kind: str
    at: Time
    after: Annotated[list[Id], Meta(max_length=OPS_A_PUSH)] = []


class HandledHere(_Shape, frozen=True, kw_only=True):
    outcome: Annotated[str, Meta(min_length=1, max_length=24)]
    note: Annotated[str, Meta(max_length=COMMENT)] | UnsetType = UNSET


class Report(Op, frozen=True, kw_only=True):
    incident: NewId
    category: Code
    position: Position | UnsetType = UNSET
    cell: Id | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    urgent: bool = False
    address: Address | UnsetType = UNSET
    answers: dict[str, Any] | UnsetType = UNSET
    incident_kind: str | UnsetType = UNSET
    component_code: Code | UnsetType = UNSET
    occurred_at: Time | UnsetType = UNSET
    on_behalf: bool | UnsetType = UNSET
    handled_here: HandledHere | UnsetType = UNSET
    photos: Annotated[list[Declaration], Meta(max_length=PHOTOS_AN_OP)] = []


class Edit(Op, frozen=True, kw_only=True):
    incident: Id
    base_version: Version
    base: dict[str, Any]
    fields: Annotated[dict[str, Any], Meta(min_length=1)]


class Act(Op, frozen=True, kw_only=True):
    incident: Id
    base_version: Version
    action: Annotated[str, Meta(min_length=1, max_length=40)]
    args: dict[str, Any] = {}


class Comment(Op, frozen=True, kw_only=True):
    incident: Id
    comment: NewId
    text: Annotated[str, Meta(min_length=1, max_length=COMMENT)]
    visibility: str = "internal"
    to: Id | UnsetType = UNSET


class PhotoAdd(Op, frozen=True, kw_only=True):
    incident: Id
    photo: NewId
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=1, le=PHOTO_BYTES)]
    stage: str
    taken_at: Time | None | UnsetType = UNSET
    near_pin: bool | None | UnsetType = UNSET

    @property
    def declaration(self) -> Declaration:
        return Declaration(
            photo=self.photo, sha256=self.sha256, size=self.size, stage=self.stage, taken_at=self.taken_at, near_pin=self.near_pin
        )


class PhotoWithdraw(Op, frozen=True, kw_only=True):
    photo: Id


class Resolve(Op, frozen=True, kw_only=True):
    conflict: Id
    take: str
    base_version: Version
    value: Any = UNSET


KINDS: Final[dict[str, type[Op]]] = {
    "incident.report": Report,
    "incident.edit": Edit,
    "incident.act": Act,
    "incident.comment": Comment,
    "photo.add": PhotoAdd,
    "photo.withdraw": PhotoWithdraw,
    "conflict.resolve": Resolve,
}


class Read(msgspec.Struct, frozen=True):
    """An op as it was read: its shape, the hash of its content without `after`, and that content."""

    op: Op
    hash: str
    content: dict[str, Any]


def named_case(op: Op) -> str | None:
    """The incident that an op names itself."""
    named = Report | Edit | Act | Comment | PhotoAdd
    return op.incident if isinstance(op, named) else None


def declared(op: Op) -> list[Declaration]:
    """The photos that an op declares."""
    if isinstance(op, Report):
        return op.photos
    return [op.declaration] if isinstance(op, PhotoAdd) else []


@lru_cache(maxsize=4096)
def _instant(text: str) -> dt.datetime | None:
    """Kept: an op's time is asked for several times."""
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def instant(text: str, pointer: str) -> dt.datetime:
    """A time of the wire, aware, in UTC.

    :raises Refusal: malformed, where there is no such time or its year is not in 1970–2099.
    """
    found = _instant(text)
    if found is None:
        raise malformed(pointer, "no such time")
    if not 1970 <= found.year <= 2099:
        raise malformed(pointer, "the year is not in 1970–2099")
    return found


def check_position(position: Position, pointer: str) -> None:
    """:raises Refusal: malformed."""
    if position.source not in SOURCES:
        raise malformed(f"{pointer}/source")
    if position.datum is not UNSET and position.datum not in DATUMS:
        raise malformed(f"{pointer}/datum")
