"""Sending one photo by tus 1.0.0, from where the server stands (protocol §5). Keeps nothing but what the photo holds."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from sync.phone.album import Photo
from sync.phone.line import Reply

CHUNK_BYTES = 256 * 1024
STARTS = 3  # new uploads for one photo in one go, before it rests

Ask = Callable[[str, str, bytes | None, Mapping[str, str]], Reply]


@dataclass(frozen=True, slots=True)
class Sent:
    """How a go ended: `done` (every byte acknowledged), or the code of what stopped it. `final`: a person must look."""

    done: bool
    code: str | None = None
    final: bool = False
    asked_s: float | None = None


def send(*, photo: Photo, ask: Ask, base: str) -> Sent:
    """Send what the server lacks of `photo`. `base`: path of the uploads, ending in a slash.

    `ask` carries a request; a line that breaks raises out of it, and the next go finds the offset by HEAD.
    """
    content = photo.content or b""
    starts = 0
    for _ in range(STARTS * (2 + 2 * (photo.size // CHUNK_BYTES + 1))):  # more steps only a server that contradicts itself needs
        if photo.location is None:
            if starts == STARTS:
                return Sent(False, photo.code or "starts")
            starts += 1
            stopped = _create(photo, ask, base)
        elif photo.offset is None:
            stopped = _look(photo, ask)
        elif photo.offset >= photo.size:
            return Sent(True)
        else:
            stopped = _patch(photo, ask, content[photo.offset : photo.offset + CHUNK_BYTES])
        if stopped is not None:
            return stopped
    return Sent(False, "no_progress")


def _create(photo: Photo, ask: Ask, base: str) -> Sent | None:
    name = base64.b64encode(f"{photo.photo}.jpg".encode()).decode()
    digest = base64.b64encode(photo.sha256.encode()).decode()
    headers = {"Upload-Length": str(photo.size), "Upload-Metadata": f"sha256 {digest},filename {name}"}
    reply = ask("POST", base, b"", headers)
    if reply.status == 201 and reply.headers.get("location"):
        photo.location, photo.offset = urljoin(base, reply.headers["location"]), 0
        return None
    return _stopped(reply)


def _look(photo: Photo, ask: Ask) -> Sent | None:
    reply = ask("HEAD", str(photo.location), None, {})
    if reply.status in (404, 410):
        photo.location = None
        return None
    offset = _offset(reply)
    if reply.status in (200, 204) and offset is not None and offset <= photo.size:
        photo.offset = offset
        return None
    return _stopped(reply)


def _patch(photo: Photo, ask: Ask, chunk: bytes) -> Sent | None:
    checksum = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
    headers = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": str(photo.offset),
        "Upload-Checksum": f"sha256 {checksum}",
    }
    was, photo.offset = photo.offset, None  # unknown until answered
    reply = ask("PATCH", str(photo.location), chunk, headers)
    offset = _offset(reply)
    if reply.status == 204 and offset is not None:
        photo.offset = offset
        return None if offset > (was or 0) else Sent(False, "no_progress")
    if reply.status == 460:
        photo.code = reply.code() or "checksum_mismatch"
        return Sent(False, photo.code, final=photo.code == "altered_on_the_way")
    if reply.status in (404, 410):
        photo.location = None
        return None
    return None if reply.status == 409 else _stopped(reply)


def _offset(reply: Reply) -> int | None:
    value = reply.headers.get("upload-offset", "")
    return int(value) if value.isascii() and value.isdecimal() else None


def _stopped(reply: Reply) -> Sent:
    code = reply.code() or f"status_{reply.status}"
    asked = reply.rest_s(0.0) or None
    return Sent(False, code, final=reply.status in (400, 413, 415), asked_s=asked)
