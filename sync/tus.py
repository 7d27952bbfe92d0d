"""What tus 1.0.0 says in headers: reading and writing them. Touches no row and no file.

Core, creation, checksum, expiration, termination; no deferred length (protocol §5).
"""

import base64
import binascii
import datetime as dt
import hashlib
import re
from typing import Any

from django.http import HttpRequest
from django.utils.http import http_date

from gridgov.errors import Refusal, malformed
from incidents.rules.ops import PHOTO_BYTES

VERSION = "1.0.0"
PATCH_BYTES = 1024 * 1024
CONTENT_TYPE = "application/offset+octet-stream"
ABILITIES = {
    "Tus-Version": VERSION,
    "Tus-Max-Size": str(PHOTO_BYTES),
    "Tus-Extension": "creation,checksum,expiration,termination",
    "Tus-Checksum-Algorithm": "sha1,sha256",
}
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_NUMBER = re.compile(r"[0-9]{1,15}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class Checksum:
    """The sum that a piece must have."""

    def __init__(self, name: str, expected: bytes) -> None:
        self._digest: Any = _ALGORITHMS[name]()
        self._expected = expected

    def update(self, block: bytes) -> None:
        """A part of the piece."""
        self._digest.update(block)

    def holds(self) -> bool:
        """Is the piece, as far as it was given, the one that was meant?"""
        return bool(self._digest.digest() == self._expected)


def method_of(request: HttpRequest) -> str:
    """The method, or what a client behind a narrow proxy means: tus lets POST stand for others."""
    method = request.method or ""
    return request.headers.get("X-HTTP-Method-Override", method).upper() if method == "POST" else method


def number(request: HttpRequest, header: str) -> int:
    """A whole number from a header.

    :raises Refusal: malformed.
    """
    text = request.headers.get(header, "")
    if not _NUMBER.match(text):
        raise malformed(f"/{header}")
    return int(text)


def sha256_in(request: HttpRequest) -> str:
    """The hash in Upload-Metadata, in lower case.

    :raises Refusal: malformed.
    """
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "sha256":
            text = _from_base64(value, "/Upload-Metadata").decode("ascii", "replace").lower()
            if _SHA256.match(text):
                return text
    raise malformed("/Upload-Metadata")


def metadata(sha256: str) -> str:
    """Upload-Metadata as HEAD tells it. The file's name is not kept: it may tell of a person."""
    return f"sha256 {base64.b64encode(sha256.encode()).decode()}"


def checksum_in(request: HttpRequest) -> Checksum | None:
    """The sum of the piece, where one is given.

    :raises Refusal: checksum_unknown for another algorithm, malformed.
    """
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    name, _, value = text.strip().partition(" ")
    if name.lower() not in _ALGORITHMS:
        raise Refusal("checksum_unknown")
    return Checksum(name.lower(), _from_base64(value, "/Upload-Checksum"))


def expires(at: dt.datetime) -> str:
    """A time for Upload-Expires."""
    return http_date(at.timestamp())


def _from_base64(text: str, pointer: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise malformed(pointer) from None
