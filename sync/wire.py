"""JSON of pushes and answers: reads the envelope, writes answers in the reader's language. Queries nothing, decides nothing."""

import json
import zlib
from typing import Any

import msgspec
from django.utils.translation import gettext

from gridgov.errors import CATALOGUE, Refusal
from incidents.answers import Answer
from incidents.rules.ops import OPS_A_PUSH, PUSH_BYTES, SAFE
from incidents.rules.raw import too_deep, whole_number


class _Envelope(msgspec.Struct):
    ops: list[msgspec.Raw]
    queued: Any = None
    photos_waiting: Any = None


class Push(msgspec.Struct, frozen=True):
    """A push: ops still as they came, and what the device says it holds (None: not said)."""

    ops: list[bytes]
    queued: int | None
    photos_waiting: int | None


def unpack(body: bytes, encoding: str) -> bytes:
    """The body without its compression; unpacking stops at the limit.

    :raises Refusal: unsupported_media_type, too_large, not_json.
    """
    if encoding in ("", "identity"):
        plain = body
    elif encoding == "gzip":
        try:
            unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            plain = unpacker.decompress(body, PUSH_BYTES + 1)
            if len(plain) <= PUSH_BYTES and (not unpacker.eof or unpacker.unused_data):
                raise Refusal("not_json")
        except zlib.error:
            raise Refusal("not_json") from None
    else:
        raise Refusal("unsupported_media_type")
    if len(plain) > PUSH_BYTES:
        raise Refusal("too_large", details={"push_bytes": PUSH_BYTES})
    return plain


def read_push(body: bytes) -> Push:
    """The envelope of a push.

    :raises Refusal: not_json, too_large (more than 200 ops).
    """
    try:
        # The fast reader takes bytes that are no UTF-8 in what it passes by.
        text = body.decode("utf-8")
        envelope = msgspec.json.decode(body, type=_Envelope)
        ops = [bytes(raw) for raw in envelope.ops]
        queued, photos = envelope.queued, envelope.photos_waiting
    except UnicodeDecodeError:
        raise Refusal("not_json") from None
    except (msgspec.MsgspecError, RecursionError):
        if too_deep(body):
            raise Refusal("not_json") from None
        ops, queued, photos = _single_out(text)
    else:
        if any(too_deep(raw, above=2) for raw in ops) or (_openings(body) > 2 + sum(map(_openings, ops)) and too_deep(body)):
            raise Refusal("not_json")
    if len(ops) > OPS_A_PUSH:
        raise Refusal("too_large", details={"ops": OPS_A_PUSH})
    return Push(ops=ops, queued=_count(queued), photos_waiting=_count(photos))


def read_object(body: bytes) -> dict[str, Any]:
    """A small body that must be a JSON object.

    :raises Refusal: not_json.
    """
    try:
        found = None if too_deep(body) else json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_int=whole_number)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal("not_json")
    return found


def _openings(raw: bytes) -> int:
    return raw.count(b"{") + raw.count(b"[")


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2_000_000_000 <= SAFE else None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _single_out(text: str) -> tuple[list[bytes], Any, Any]:
    """Where the fast reader fails on what is JSON all the same (a lone surrogate, 1e999), the standard library finds the
    ops, so that only the bad one is refused. They must not grow by it: the others would become too large."""
    try:
        found = json.loads(text, parse_constant=_no_constant, parse_int=whole_number)
    except (ValueError, RecursionError):
        raise Refusal("not_json") from None
    if not isinstance(found, dict) or not isinstance(found.get("ops"), list):
        raise Refusal("not_json")
    ops = [json.dumps(op, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") for op in found["ops"]]
    return ops, found.get("queued"), found.get("photos_waiting")


def answers_json(answers: list[Answer]) -> list[Any]:
    """The answers with their sentences. `detail_expired` only when true."""
    told = []
    for answer in answers:
        if answer.code is not None:
            answer.message = gettext(CATALOGUE[answer.code][1])
        record = msgspec.structs.asdict(answer)
        if not record["detail_expired"]:
            del record["detail_expired"]
        told.append(record)
    return told


__all__ = ["Push", "answers_json", "read_object", "read_push", "unpack"]
