"""The feed's cursor: opaque to clients. Values only.

It holds the epoch, the seq, the seq at which the first load began, a check value of the history at seq, a fingerprint of
the reader's scope, and a seal, so that what cannot be ours is told apart from what is old.
"""

import base64
import hashlib
import hmac
import struct

import msgspec

_FORM = struct.Struct(">B8sQQ6s6s")
_SEAL = 6


class Cursor(msgspec.Struct, frozen=True):
    """Where a reader stands. `check`: 12 hexadecimal digits of the chain of the commit that holds `seq`."""

    epoch: str
    seq: int
    began: int
    check: str
    scope: str


def write_cursor(cursor: Cursor, *, key: bytes) -> str:
    """The text that goes out."""
    body = _FORM.pack(
        1, bytes.fromhex(cursor.epoch), cursor.seq, cursor.began, bytes.fromhex(cursor.check or "0" * 12), bytes.fromhex(cursor.scope)
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
    version, epoch, seq, began, check, scope = _FORM.unpack(body)
    if version != 1:
        return None
    return Cursor(epoch=epoch.hex(), seq=seq, began=began, check=check.hex(), scope=scope.hex())
