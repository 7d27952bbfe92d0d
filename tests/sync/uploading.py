"""What tests of uploads and pictures share: photos made on the spot, a declared one, and a small tus client for Django's test client."""

import base64
import hashlib
import io
import uuid
from typing import Any

from django.test import Client
from PIL import Image

from tests.world import World

BASE = "/api/v1/sync/photos/"
TUS = {"Tus-Resumable": "1.0.0"}


def b64(data: bytes | str) -> str:
    """Base64 as tus headers want it."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def sha256(data: bytes) -> str:
    """The hash by which a photo is declared."""
    return hashlib.sha256(data).hexdigest()


def jpeg(width: int = 64, height: int = 48, *, colour: str = "teal", **more: Any) -> bytes:
    """A small photo."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG", **more)
    return out.getvalue()


def declaration(data: bytes, *, photo: str | None = None, size: int | None = None) -> dict[str, Any]:
    """A photo as an op declares it."""
    return {"photo": photo or str(uuid.uuid4()), "sha256": sha256(data), "size": len(data) if size is None else size, "stage": "before"}


def report(world: World, *photos: bytes, **more: Any) -> dict[str, Any]:
    """A report of the worker's cell with photos."""
    return {
        "op_id": str(uuid.uuid4()), "kind": "incident.report", "at": "2026-05-04T09:12:31+08:00", "incident": str(uuid.uuid4()),
        "category": "0102", "description": "井盖缺失", "position": world.position(), "photos": [declaration(one) for one in photos], **more,
    }  # fmt: skip


def push(client: Client, *ops: dict[str, Any]) -> list[dict[str, Any]]:
    """Push, and the answers."""
    answer = client.post("/api/v1/sync/ops", {"queued": len(ops), "photos_waiting": 0, "ops": list(ops)}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["answers"])


def declare(world: World, client: Client, *photos: bytes, **more: Any) -> dict[str, Any]:
    """A report with these photos, carried out; the op."""
    op = report(world, *photos, **more)
    answers = push(client, op)
    assert answers[0]["outcome"] == "applied", answers
    return op


def create(client: Client, data: bytes, *, length: str | None = None, digest: str | None = None, **headers: str) -> Any:
    """POST: begin an upload."""
    sent = {
        "Upload-Length": str(len(data)) if length is None else length,
        "Upload-Metadata": f"filename {b64('井盖.jpg')},sha256 {b64(digest or sha256(data))}",
    }
    return client.post(BASE, headers=TUS | sent | headers)


def begin(client: Client, data: bytes) -> str:
    """The address of a new upload."""
    answer = create(client, data)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def patch(client: Client, url: str, offset: int, piece: bytes, **headers: str) -> Any:
    """PATCH: a piece."""
    kind = "application/offset+octet-stream"  # the test client forgets it where the piece is empty
    return client.patch(url, piece, kind, headers=TUS | {"Upload-Offset": str(offset), "Content-Type": kind} | headers)


def head(client: Client, url: str) -> Any:
    """HEAD: where does it stand?"""
    return client.head(url, headers=TUS)


def upload(client: Client, data: bytes, *, piece: int = 256 * 1024) -> str:
    """All of it; the address."""
    url = begin(client, data)
    for at in range(0, len(data), piece):
        answer = patch(client, url, at, data[at : at + piece])
        assert answer.status_code == 204, answer.content
    return url


def photos_of(client: Client, incident: str) -> list[dict[str, Any]]:
    """The photos of a case as its page has them."""
    return list(client.get(f"/api/v1/incidents/{incident}/").json()["photos"])


def feed(client: Client) -> dict[tuple[str, str], dict[str, Any]]:
    """All that a reader has in the feed from the start, by type and id."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    cursor = ""
    while True:
        page = client.get("/api/v1/sync/changes", {"since": cursor, "limit": 1000}).json()
        found |= {(change["type"], change["id"]): change.get("record") for change in page["changes"]}
        cursor = page["cursor"]
        if not page["more"]:
            return found
