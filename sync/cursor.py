"""The feed's cursor: opaque to clients. Values only.

It holds the epoch, the seq, the seq at which the first load began, the day on which it was given, a check value of the
history at seq, a fingerprint of the reader's scope, and a seal, so that what cannot be ours is told apart from what is old.
"""

import base64
import hashlib
import hmac
import struct

import msgspec

_VERSION = 2
_FORM = struct.Struct(">B8sQQH6s6s")
_SEAL = 6


class Cursor(msgspec.Struct, frozen=True):
    """Where a reader stands. `check`: 12 hexadecimal digits of the chain of the commit that holds `seq`; `day`: since 1970, UTC."""

    epoch: str
    seq: int
    began: int
    day: int
    check: str
    scope: str


def write_cursor(cursor: Cursor, *, key: bytes) -> str:
    """The text that goes out."""
    body = _FORM.pack(
        _VERSION, bytes.fromhex(cursor.epoch), cursor.seq, cursor.began, cursor.day,
        bytes.fromhex(cursor.check or "0" * 12), bytes.fromhex(cursor.scope),
    )  # fmt: skip
    seal = hmac.digest(key, body, hashlib.sha256)[:_SEAL]
    return base64.urlsafe_b64encode(body + seal).rstrip(b"=").decode()


def read_cursor(text: str, *, key: bytes) -> Cursor | None:
    """What a text says, or None where it cannot be ours."""
    if not text.isascii() or len(text) > 200:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, seal = data[:-_SEAL], data[-_SEAL:]
    if len(body) != _FORM.size or not hmac.compare_digest(hmac.digest(key, body, hashlib.sha256)[:_SEAL], seal):
        return None
    version, epoch, seq, began, day, check, scope = _FORM.unpack(body)
    found = Cursor(epoch=epoch.hex(), seq=seq, began=began, day=day, check=check.hex(), scope=scope.hex())
    # Base64 has spare bits at its end: only the text that was given is ours.
    return found if version == _VERSION and write_cursor(found, key=key) == text else None
