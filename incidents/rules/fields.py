"""The mergeable fields of an incident: how a value is read, compared, shown and written, and who may change it when.

Pure. A `Value` is what is compared; the wire form is what a client sends and a conflict keeps.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from gridgov.errors import Refusal, malformed
from grids.rules.datum import to_wgs84
from incidents.rules.ops import DESCRIPTION, Position, check_position, instant
from incidents.rules.rows import Incident
from incidents.rules.workflow import OPEN

MERGEABLE: Final = ("description", "category", "urgent", "position", "address", "component_code", "occurred_at", "answers")
WORKER_FIELDS: Final = frozenset({"description", "position", "address", "answers"})
_LONGEST: Final = {"description": DESCRIPTION, "address": 200, "component_code": 32}
_NULLABLE: Final = frozenset({"description", "address", "component_code", "occurred_at", "answers"})
# Keys of the record that no edit may name; what is in neither list no incident has.
RECORD_KEYS: Final = frozenset(
    (
        "id number version step_version kind channel category description urgent handling_class position address answers component_code "
        "occurred_at at received_at registered_at resolved_at closed_at cell registered_path boundary_version owner_unit lead_unit by state "
        "outcome due_step due_at paused returns reworks reopens parent merged_into restricted"
    ).split()
)


class Point(msgspec.Struct, frozen=True):
    """WGS-84, 7 decimals."""

    lng: float
    lat: float


def to_point(position: Position) -> Point:
    """The point in WGS-84.

    :raises Refusal: datum_missing.
    """
    if position.datum is UNSET:
        raise Refusal("datum_missing")
    lng, lat = to_wgs84(position.datum, position.lng, position.lat)
    return Point(round(lng, 7), round(lat, 7))


def read_position(value: Any, pointer: str) -> Position:
    """:raises Refusal: malformed."""
    if isinstance(value, dict) and "sent" in value:
        value = {k: v for k, v in value.items() if k != "sent"}
    try:
        position = msgspec.convert(value, Position)
    except msgspec.ValidationError as error:
        raise malformed(pointer, str(error)) from None
    check_position(position, pointer)
    return position


def read_value(field: str, value: Any, pointer: str) -> Any:
    """A value as it is compared.

    :raises Refusal: malformed, datum_missing.
    """
    if value is None:
        if field in _NULLABLE:
            return None
        raise malformed(pointer, "null is not allowed")
    if field == "position":
        return to_point(read_position(value, pointer))
    if field == "urgent":
        if not isinstance(value, bool):
            raise malformed(pointer, "not a boolean")
        return value
    if field == "answers":
        if not isinstance(value, dict):
            raise malformed(pointer, "not an object")
        return value
    if not isinstance(value, str):
        raise malformed(pointer, "not a text")
    if field == "occurred_at":
        return instant(value, pointer)
    if len(value) > _LONGEST.get(field, 32):
        raise malformed(pointer, "too long")
    return value


def value_of(incident: Incident, field: str) -> Any:
    """The server's value, as `read_value` gives a client's."""
    if field == "position":
        return Point(incident.lng, incident.lat)
    return getattr(incident, field)


def compared(field: str, value: Any) -> Any:
    """What two values are compared by: answers as JSON values, in which true is not 1 (in Python they are equal)."""
    if field == "answers" and value is not None:
        return msgspec.json.encode(value, order="deterministic")
    return value


def shown(incident: Incident, field: str) -> Any:
    """The server's value in wire form (a position without `sent`)."""
    value = getattr(incident, field, None)
    if field == "position":
        return {"lng": incident.lng, "lat": incident.lat, "datum": "wgs84", "accuracy_m": incident.accuracy_m, "source": incident.source}
    if isinstance(value, dt.datetime):
        return msgspec.to_builtins(value)
    return value


def may_edit(*, field: str, state: str, roles: Iterable[str]) -> bool:
    """May one of these roles change the field in that state?"""
    held = set(roles)
    if "author" in held and state == "reported":
        return True
    if state not in OPEN:
        return False
    if "worker" in held and field in WORKER_FIELDS:
        return True
    return not held.isdisjoint({"secretary", "operator"}) and (field != "category" or state == "reported")


def could_edit(*, field: str, roles: Iterable[str]) -> bool:
    """May one of these roles change the field in some state?"""
    held = set(roles)
    return any(may_edit(field=field, state=state, roles=held) for state in OPEN)
