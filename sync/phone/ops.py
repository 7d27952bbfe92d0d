"""The shapes of ops that a phone makes (protocol §3.1). Pure: values in, a plain dict out; nothing is sent or kept."""

from collections.abc import Mapping, Sequence
from typing import Any

Op = dict[str, Any]


def report(
    *,
    op_id: str,
    at: str,
    incident: str,
    category: str,
    position: Mapping[str, Any],
    description: str = "",
    urgent: bool = False,
    photos: Sequence[Mapping[str, Any]] = (),
    **optional: Any,
) -> Op:
    """`incident.report`. `optional`: address, answers, incident_kind, component_code, occurred_at, on_behalf, handled_here."""
    op: Op = {
        "op_id": op_id,
        "kind": "incident.report",
        "at": at,
        "incident": incident,
        "category": category,
        "urgent": urgent,
        "position": dict(position),
    }
    if description:
        op["description"] = description
    if photos:
        op["photos"] = [dict(one) for one in photos]
    op.update(optional)
    return op


def edit(*, op_id: str, at: str, incident: str, base_version: int, base: Mapping[str, Any], fields: Mapping[str, Any]) -> Op:
    """`incident.edit`. `base` holds, for exactly the keys of `fields`, the values that the author saw."""
    if set(base) != set(fields):
        raise ValueError("base and fields must have the same keys")
    return {
        "op_id": op_id,
        "kind": "incident.edit",
        "at": at,
        "incident": incident,
        "base_version": base_version,
        "base": dict(base),
        "fields": dict(fields),
    }


def act(*, op_id: str, at: str, incident: str, base_version: int, action: str, args: Mapping[str, Any]) -> Op:
    """`incident.act`: a step of the workflow."""
    return {
        "op_id": op_id,
        "kind": "incident.act",
        "at": at,
        "incident": incident,
        "base_version": base_version,
        "action": action,
        "args": dict(args),
    }


def comment(*, op_id: str, at: str, incident: str, comment: str, text: str, **optional: Any) -> Op:
    """`incident.comment`. `optional`: visibility, to."""
    op = {"op_id": op_id, "kind": "incident.comment", "at": at, "incident": incident, "comment": comment, "text": text}
    return op | optional


def photo_add(*, op_id: str, at: str, incident: str, declaration: Mapping[str, Any]) -> Op:
    """`photo.add`: a declaration, flat beside the incident."""
    return {"op_id": op_id, "kind": "photo.add", "at": at, "incident": incident, **declaration}


def photo_withdraw(*, op_id: str, at: str, photo: str) -> Op:
    """`photo.withdraw`: a worker takes a photo back."""
    return {"op_id": op_id, "kind": "photo.withdraw", "at": at, "photo": photo}


def resolve(*, op_id: str, at: str, conflict: str, take: str, base_version: int, **optional: Any) -> Op:
    """`conflict.resolve`. `take`: server, client, value; `optional`: value."""
    op = {
        "op_id": op_id,
        "kind": "conflict.resolve",
        "at": at,
        "conflict": conflict,
        "take": take,
        "base_version": base_version,
    }
    return op | optional


def declaration(
    *,
    photo: str,
    sha256: str,
    size: int,
    stage: str = "before",
    taken_at: str | None = None,
    near_pin: bool | None = None,
) -> dict[str, Any]:
    """One photo as an op declares it: `size` in bytes, `sha256` of exactly the bytes that will be sent."""
    made: dict[str, Any] = {"photo": photo, "sha256": sha256, "size": size, "stage": stage}
    if taken_at is not None:
        made["taken_at"] = taken_at
    if near_pin is not None:
        made["near_pin"] = near_pin
    return made


def declared_in(op: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The photos that an op declares, in its order."""
    if op.get("kind") == "photo.add":
        return [op]
    photos = op.get("photos")
    return list(photos) if isinstance(photos, list) else []
