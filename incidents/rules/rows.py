"""Rows of the hot tables as frozen values; the fields are the tables' columns (a test holds that). Times are aware UTC."""

import datetime as dt
from typing import Any

import msgspec


class Incident(msgspec.Struct, frozen=True):
    """A case. Positions WGS-84; level columns are short ids of places."""

    id: str
    number: str
    version: int
    step_version: int
    n: int
    last_hash: str
    kind: str
    channel: str
    category: str
    description: str | None
    urgent: bool
    handling_class: str | None
    lng: float
    lat: float
    accuracy_m: float | None
    source: str
    sent: dict[str, Any] | None
    address: str | None
    answers: dict[str, Any] | None
    component_code: str | None
    occurred_at: dt.datetime | None
    at: dt.datetime
    received_at: dt.datetime
    registered_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    archived_at: dt.datetime | None
    cell_id: str
    cell_code: str
    district: int | None
    street: int | None
    community: int | None
    cell: int
    registered_path: list[str] | None
    boundary_version: int
    owner_unit: str
    lead_unit: str | None
    by_user: str
    by_unit: str | None
    by_role: str | None
    state: str
    outcome: str | None
    due_step: str | None
    due_at: dt.datetime | None
    paused: bool
    returns: int
    reworks: int
    reopens: int
    parent: str | None
    merged_into: str | None
    restricted: bool


class Event(msgspec.Struct, frozen=True):
    id: str
    incident: str
    n: int
    type: str
    by_user: str | None
    by_unit: str | None
    by_role: str | None
    at: dt.datetime
    received_at: dt.datetime
    clock_ahead: bool
    op_id: str | None
    version: int
    fields: list[str]
    from_state: str | None
    to_state: str | None
    reason: str | None
    visibility: str
    via: str | None
    content_hash: str | None
    hash: str


class EventContent(msgspec.Struct, frozen=True):
    event: str
    salt: str
    text: str | None
    changes: dict[str, Any] | None


class Conflict(msgspec.Struct, frozen=True):
    id: str
    incident: str
    kind: str
    code: str
    field: str | None
    base: Any
    server: Any
    client: Any
    args: Any
    by: str
    op_id: str
    at: dt.datetime
    parked_at: dt.datetime
    state: str
    value: Any
    resolved_by: str | None
    resolved_at: dt.datetime | None


class Notice(msgspec.Struct, frozen=True):
    id: str
    incident: str | None
    user: str
    kind: str
    args: Any
    at: dt.datetime
    read_at: dt.datetime | None


class Photo(msgspec.Struct, frozen=True):
    id: str
    incident: str
    by: str
    sha256: str
    size: int
    stage: str
    taken_at: dt.datetime | None
    declared_at: dt.datetime
    received_at: dt.datetime | None
    state: str
    reason: str | None
    width: int | None
    height: int | None
    near_pin: bool | None


class Receipt(msgspec.Struct, frozen=True):
    """Without seq: the database fills that in from the positions."""

    user: str
    op_id: str
    hash: str
    outcome: str
    answer: str | None
    at: dt.datetime


class Category(msgspec.Struct, frozen=True):
    """What the rules need of a category. `required_photos`: stages."""

    code: str
    leaf: bool
    handling_class: str
    restricted: bool
    retired: bool
    replaced_by: str | None
    required_photos: tuple[str, ...]
