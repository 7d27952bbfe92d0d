"""The only writer of events: numbers them inside their case and chains them by hash.

The hash covers the row's metadata and the salted hash of its words, so that the words can be erased later and the
chain still verifies.
"""

import datetime as dt
import hashlib
import secrets
from typing import Any

import msgspec
from msgspec.structs import replace

from grids.scope import Actor
from incidents.rules.decide.facts import AHEAD, Draft, derived, place_role
from incidents.rules.ops import Op, instant
from incidents.rules.rows import Event, EventContent, Incident


def content_hash(*, salt: str, text: str | None, changes: dict[str, Any] | None) -> str:
    """SHA-256 (hex) of an event's salted words."""
    return hashlib.sha256(salt.encode() + msgspec.json.encode([text, changes], order="sorted")).hexdigest()


def event_hash(*, before: str, event: Event) -> str:
    """SHA-256 (hex) over the hash of the event before and this one's metadata (all columns but its own hash)."""
    values = [getattr(event, name) for name in event.__struct_fields__ if name != "hash"]
    return hashlib.sha256(before.encode() + msgspec.json.encode(values)).hexdigest()


def append(
    draft: Draft, *, incident: Incident, actor: Actor | None, op: Op | None, now: dt.datetime
) -> tuple[Incident, Event, EventContent | None]:  # fmt: skip
    """The event of a draft, its words, and the incident with its log one longer. `actor` None: the clock."""
    unit, role = place_role(actor, incident) if actor is not None else (None, "system")
    at = instant(op.at, "/at") if op is not None else now
    if draft.id is not None:
        key = draft.id
    elif actor is not None and op is not None:
        key = derived(user=actor.user, op_id=op.op_id, name=f"{draft.name}:{incident.n + 1}" if draft.name != "event" else "event")
    else:
        key = derived(user=incident.id, op_id=str(incident.n + 1), name=draft.type)
    content, digest = None, None
    if draft.text is not None or draft.changes:
        content = EventContent(event=key, salt=secrets.token_hex(16), text=draft.text, changes=draft.changes)
        digest = content_hash(salt=content.salt, text=content.text, changes=content.changes)
    event = Event(
        id=key, incident=incident.id, n=incident.n + 1, type=draft.type, by_user=actor.user if actor else None, by_unit=unit, by_role=role,
        at=at, received_at=now, clock_ahead=at > now + AHEAD, op_id=op.op_id if op else None, version=incident.version,
        fields=list(draft.fields), from_state=draft.from_state, to_state=draft.to_state, reason=draft.reason, visibility=draft.visibility,
        via=None, content_hash=digest, hash="",
    )  # fmt: skip
    event = replace(event, hash=event_hash(before=incident.last_hash, event=event))
    return replace(incident, n=event.n, last_hash=event.hash), event, content
