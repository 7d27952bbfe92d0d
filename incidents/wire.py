"""Cases and what hangs on them as JSON records (protocol §4.1) and as rows of the feed with their audience.

Knows key names and who reads what; queries nothing, decides nothing.
"""

from typing import Any

import msgspec

from gridgov.feed.rows import Row, key_of
from incidents.rules.rows import Conflict, Event, EventContent, Incident, Notice, Photo


def incident_record(incident: Incident) -> dict[str, Any]:
    """The whole record; `description` of a restricted case included."""
    i = incident
    return {
        "id": i.id,
        "number": i.number,
        "version": i.version,
        "step_version": i.step_version,
        "kind": i.kind,
        "channel": i.channel,
        "category": i.category,
        "description": i.description,
        "urgent": i.urgent,
        "handling_class": i.handling_class,
        "position": {"lng": i.lng, "lat": i.lat, "datum": "wgs84", "accuracy_m": i.accuracy_m, "source": i.source, "sent": i.sent},
        "address": i.address,
        "answers": i.answers,
        "component_code": i.component_code,
        "occurred_at": i.occurred_at,
        "at": i.at,
        "received_at": i.received_at,
        "registered_at": i.registered_at,
        "resolved_at": i.resolved_at,
        "closed_at": i.closed_at,
        "cell": {"id": i.cell_id, "code": i.cell_code},
        "registered_path": i.registered_path,
        "boundary_version": i.boundary_version,
        "owner_unit": i.owner_unit,
        "lead_unit": i.lead_unit,
        "by": {"user": i.by_user, "unit": i.by_unit, "role": i.by_role},
        "state": i.state,
        "outcome": i.outcome,
        "due_step": i.due_step,
        "due_at": i.due_at,
        "paused": i.paused,
        "returns": i.returns,
        "reworks": i.reworks,
        "reopens": i.reopens,
        "parent": i.parent,
        "merged_into": i.merged_into,
        "restricted": i.restricted,
    }


def event_record(event: Event, content: EventContent | None) -> dict[str, Any]:
    """A line of the log with its words."""
    e = event
    return {
        "id": e.id,
        "incident": e.incident,
        "n": e.n,
        "type": e.type,
        "by": {"user": e.by_user, "unit": e.by_unit, "role": e.by_role},
        "at": e.at,
        "received_at": e.received_at,
        "from": e.from_state,
        "to": e.to_state,
        "changes": content.changes if content and content.changes else {},
        "reason": e.reason,
        "text": content.text if content else None,
        "visibility": e.visibility,
        "via": e.via,
    }


def photo_record(photo: Photo) -> dict[str, Any]:
    """A photo; it holds no link."""
    p = photo
    return {
        "id": p.id,
        "incident": p.incident,
        "by": p.by,
        "sha256": p.sha256,
        "size": p.size,
        "stage": p.stage,
        "taken_at": p.taken_at,
        "state": p.state,
        "reason": p.reason,
        "width": p.width,
        "height": p.height,
        "near_pin": p.near_pin,
    }


def conflict_record(conflict: Conflict) -> dict[str, Any]:
    """A parked value, act or op."""
    return msgspec.structs.asdict(conflict)


def notice_record(notice: Notice) -> dict[str, Any]:
    """A word to one person."""
    n = notice
    return {"id": n.id, "incident": n.incident, "kind": n.kind, "args": n.args, "at": n.at, "read_at": n.read_at}


# --- restricted categories: the words only for the owner unit and the author ------------------------------------


def redacted(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record as everybody else gets it: without what the reporter wrote."""
    if kind == "incident":
        return record | {"description": None}
    if kind == "event":
        changes = {k: v for k, v in record["changes"].items() if k != "description"}
        return record | {"text": None, "changes": changes}
    if kind == "conflict" and record["field"] in ("description", None):
        return record | {"base": None, "server": None, "client": None, "args": None, "value": None}
    return record


def text_of(record: dict[str, Any]) -> str:
    """A record's wire text."""
    return msgspec.json.encode(record).decode()


def _row(kind: str, record: dict[str, Any], incident: Incident, *, internal: bool, person: str | None) -> Row:
    full = None
    wire = text_of(record)
    if incident.restricted:
        full, wire = wire, text_of(redacted(kind, record))
    return Row(
        key=key_of(kind, record["id"]), type=kind, rid=record["id"], incident=incident.id, wire=wire,
        district=incident.district, street=incident.street, community=incident.community, cell=incident.cell,
        internal=internal, person=person, full=full,
        full_unit=incident.owner_unit if full else None, full_user=incident.by_user if full else None,
    )  # fmt: skip


def incident_row(incident: Incident) -> Row:
    """Read by the place's readers and the author."""
    return _row("incident", incident_record(incident), incident, internal=False, person=incident.by_user)


def event_row(event: Event, content: EventContent | None, incident: Incident) -> Row:
    """Internal lines: the place's staff and who wrote it, for as long as they see the case; others: all who see the case."""
    record = event_record(event, content)
    if event.visibility != "internal":
        return _row("event", record, incident, internal=False, person=incident.by_user)
    if event.by_user == incident.by_user and event.by_user is not None:
        # The author of the report sees the case wherever it lies.
        return msgspec.structs.replace(_row("event", record, incident, internal=True, person=None), extra=(f"p:{event.by_user}",))
    return _row("event", record, incident, internal=True, person=event.by_user)


def unread(row: Row) -> Row:
    """The row for no reader at all: of a case that has left the feed."""
    return msgspec.structs.replace(
        row, district=None, street=None, community=None, cell=None, person=None, extra=(), full=None, full_unit=None, full_user=None
    )  # fmt: skip


def archived(row: Row) -> Row:
    """The row as those who had the record get it once its case is archived: gone."""
    return msgspec.structs.replace(row, wire="", gone=True, why="archived", full=None, full_unit=None, full_user=None)


def photo_row(photo: Photo, incident: Incident) -> Row:
    """Read by all who see the case."""
    return _row("photo", photo_record(photo), incident, internal=False, person=incident.by_user)


def conflict_row(conflict: Conflict, incident: Incident) -> Row:
    """Read by the place's staff and, but for handovers, its author."""
    return _row("conflict", conflict_record(conflict), incident, internal=True, person=None if conflict.kind == "handover" else conflict.by)


def notice_row(notice: Notice) -> Row:
    """Read by one person."""
    record = notice_record(notice)
    return Row(
        key=key_of("notice", notice.id), type="notice", rid=notice.id, incident=notice.incident, wire=text_of(record), person=notice.user
    )


def left_row(row: Row, before: Incident, *, why: str = "scope") -> Row:
    """What readers of the old place get: gone. At most one a place."""
    return Row(
        key=f"x{row.key}{before.cell}", type=row.type, rid=row.rid, incident=row.incident, wire="",
        district=before.district, street=before.street, community=before.community, cell=before.cell,
        internal=row.internal, gone=True, why=why, live=row.key,
    )  # fmt: skip


def moved_row(row: Row, incident: Incident) -> Row:
    """A child's row after its case has moved, or has become restricted or open: same record, today's audience."""
    whole = row.full if row.full is not None else row.wire
    wire, full = whole, None
    if incident.restricted:
        wire, full = text_of(redacted(row.type, msgspec.json.decode(whole))), whole
    return msgspec.structs.replace(
        row, district=incident.district, street=incident.street, community=incident.community, cell=incident.cell, wire=wire, full=full,
        full_unit=incident.owner_unit if full else None, full_user=incident.by_user if full else None,
    )  # fmt: skip
