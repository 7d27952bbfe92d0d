"""An op from raw JSON to its shape: size, depth, values that nobody can keep, pointers of what is wrong. Pure."""

import hashlib
import json
import math
import re
from typing import Any

import msgspec
from msgspec import UNSET

from gridgov.errors import Refusal, malformed
from incidents.rules.ops import (
    JSON_DEPTH,
    KINDS,
    OP_BYTES,
    SAFE,
    STAGES,
    Comment,
    Declaration,
    Edit,
    Op,
    Read,
    Report,
    Resolve,
    check_position,
    declared,
    instant,
)

_AT = re.compile(r" - at `([^`]*)`$")
_NAMED = re.compile(r"field `([^`]*)`")


def _pointer(message: str) -> str:
    """RFC 6901 from what msgspec says: "… - at `$.position.lng`"."""
    found = _AT.search(message)
    steps = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", found[1]) if found else []
    parts = [name or index for name, index in steps]
    if (named := _NAMED.search(message)) and ("missing" in message or "unknown" in message):
        parts.append(named[1])
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _deep(raw: bytes) -> int:
    """How deep a JSON text nests."""
    depth = deepest = 0
    for sign in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", raw, flags=re.S).translate(None, _NOT_BRACKETS):
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def too_deep(raw: bytes, *, above: int = 0) -> bool:
    """Does it nest deeper than the protocol allows, `above` levels up included? Cheap where it cannot."""
    if raw.count(b"{") + raw.count(b"[") + above <= JSON_DEPTH:
        return False
    return _deep(raw) + above > JSON_DEPTH


class _Bad(Exception):
    """A value that cannot be kept; `path` is collected on the way out."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        self.path: list[str] = []


def _plain(value: Any) -> Any:
    """The value with numbers by value (1.0 and 1 are the same op), for the hash.

    :raises _Bad: for what no database and no client can keep: U+0000, a number beyond ±2^53.
    """
    kind = type(value)
    if kind is str:
        if "\0" in value:
            raise _Bad("U+0000")
        return value
    if kind is bool or value is None:
        return value
    if kind is int or kind is float:
        if not -SAFE <= value <= SAFE:
            raise _Bad("a number beyond ±2^53")
        return int(value) if kind is float and value.is_integer() else value
    items = value.items() if kind is dict else enumerate(value)
    step: Any = None
    try:
        if kind is dict:
            made = {}
            for step, item in items:
                if "\0" in step:
                    raise _Bad("U+0000")
                made[step] = _plain(item)
            return made
        listed = []
        for step, item in items:  # noqa: B007 (the handler below names the step)
            listed.append(_plain(item))
        return listed
    except _Bad as bad:
        bad.path.insert(0, str(step).replace("~", "~0").replace("/", "~1"))
        raise


def op_id_in(content: Any) -> str | None:
    """What a malformed op is echoed by: its op_id, if that is a string of at most 64 characters (that UTF-8 can say)."""
    op_id = content.get("op_id") if isinstance(content, dict) else None
    return op_id if isinstance(op_id, str) and len(op_id) <= 64 and not _lone(op_id) else None


def _lone(text: str) -> bool:
    """Is half of a surrogate pair in it?"""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _where_bad(value: Any) -> str | None:
    """RFC 6901 of the first value that the fast reader does not take though it is JSON: a lone surrogate, 1e999."""
    if isinstance(value, str):
        return "" if _lone(value) else None
    if isinstance(value, float):
        return None if abs(value) <= SAFE else ""
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(step, str) and _lone(step):
                return ""
            if (inner := _where_bad(item)) is not None:
                return "/" + str(step).replace("~", "~0").replace("/", "~1") + inner
    return None


def _lenient(raw: bytes) -> Any:
    """What the standard library makes of it (it takes a lone surrogate and 1e999): only to find the op_id to echo."""
    try:
        return json.loads(raw, parse_int=whole_number)
    except (ValueError, RecursionError):
        return None


def whole_number(digits: str) -> float:
    """An integer of a JSON text; of more digits than Python reads, just too large."""
    return int(digits) if len(digits) < 400 else math.inf


def read_op(raw: bytes) -> Read:
    """One op.

    :raises Refusal: op_too_large, malformed; `details` then has the op_id to echo.
    """
    content: Any = None
    try:
        if len(raw) > OP_BYTES:
            content = _lenient(raw)
            raise Refusal("op_too_large")
        try:
            content = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            content = _lenient(raw)
            raise malformed(_where_bad(content) or "", str(error).split(" - at ")[0]) from None
        return _shape(content)
    except Refusal as refusal:
        refusal.details = {"op_id": op_id_in(content)}
        raise


def _shape(content: Any) -> Read:
    if not isinstance(content, dict):
        raise malformed("", "not an object")
    kind = content.get("kind")
    shape = KINDS.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise malformed("/kind", "no such kind")
    try:
        plain = _plain(content)
    except _Bad as bad:
        raise malformed("".join("/" + step for step in bad.path), bad.detail) from None
    try:
        op = msgspec.convert(plain, shape)
    except msgspec.ValidationError as error:
        raise malformed(_pointer(str(error)), str(error).split(" - at ")[0]) from None
    _check(op)
    without = {k: v for k, v in content.items() if k != "after"}
    plain.pop("after", None)
    digest = hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()
    return Read(op=op, hash=digest, content=without)


def _check(op: Op) -> None:
    """What a type cannot say."""
    instant(op.at, "/at")
    for index, photo in enumerate(declared(op)):
        pointer = f"/photos/{index}" if isinstance(op, Report) else ""
        if photo.stage not in STAGES:
            raise malformed(f"{pointer}/stage")
        if isinstance(photo.taken_at, str):
            instant(photo.taken_at, f"{pointer}/taken_at")
    if isinstance(op, Report):
        if op.position is UNSET and op.cell is UNSET:
            raise malformed("/position", "a position or a cell is needed")
        if op.position is not UNSET:
            check_position(op.position, "/position")
        if not op.photos and not (op.description if op.description is not UNSET else ""):
            raise malformed("/description", "a description or a photo is needed")
        if op.incident_kind is not UNSET and op.incident_kind not in ("problem", "request", "suggestion"):
            raise malformed("/incident_kind")
        if op.occurred_at is not UNSET:
            instant(op.occurred_at, "/occurred_at")
        if len({p.photo for p in op.photos}) != len(op.photos):
            raise malformed("/photos", "a photo twice")
    elif isinstance(op, Edit):
        if set(op.base) != set(op.fields):
            raise malformed("/base", "exactly the keys of fields are needed")
    elif isinstance(op, Comment):
        if op.visibility not in ("internal", "reporter", "public"):
            raise malformed("/visibility")
    elif isinstance(op, Resolve):
        if op.take not in ("server", "client", "value"):
            raise malformed("/take")
        if (op.take == "value") != (op.value is not UNSET):
            raise malformed("/value", "needed with take: value, and only then")


def declared_in(args: dict[str, Any]) -> list[Declaration]:
    """The photos that a parked op declares."""
    if "photos" not in args and "photo" not in args:
        return []
    return declared(read_op(msgspec.json.encode(args)).op)
