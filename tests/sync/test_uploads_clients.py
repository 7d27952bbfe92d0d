"""Clients that others wrote, over real HTTP: tuspy against WSGI, plain HTTP against the ASGI server that people start."""

import io
import random
from typing import Any

import httpx
import pytest
from django.db import connection
from tusclient import client as tusclient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from incidents import photo_files
from incidents.models import Photo
from tests.left_out import database_of_kind
from tests.running import PASSWORD, running
from tests.sync.uploading import BASE, TUS, b64, declare, sha256
from tests.world import World

PIECE = 64 * 1024


class Damaging(io.BytesIO):
    """A file that reads differently from what was declared."""

    def read(self, size: int | None = -1, /) -> bytes:
        return bytes(byte ^ 1 for byte in super().read(size))


def tus(live_server: Any, world: World) -> tusclient.TusClient:
    return tusclient.TusClient(live_server.url + BASE, headers={"Authorization": f"Token {world.token('worker')}"})


def test_tuspy_uploads_a_photo_with_checksums_and_goes_on_after_a_break(world: World, transactional_db: None, live_server: Any) -> None:
    data = random.Random(21).randbytes(400_000)
    declare(world, world.client("worker"), data)
    client = tus(live_server, world)
    metadata = {"sha256": sha256(data), "filename": "井盖.jpg"}
    first = client.uploader(file_stream=io.BytesIO(data), chunk_size=PIECE, metadata=metadata, upload_checksum=True)
    first.upload(stop_at=3 * PIECE)
    assert first.url.startswith(live_server.url + BASE)
    second = client.uploader(file_stream=io.BytesIO(data), chunk_size=PIECE, url=first.url, upload_checksum=True)
    assert second.offset == 3 * PIECE
    second.upload()
    assert second.offset == len(data)
    assert Photo.objects.get().state == "received"
    assert photo_files.hash_of(photo_files.source_path(sha256(data))) == sha256(data)


def test_tuspy_is_told_when_the_photo_was_not_declared_or_is_not_what_was_declared(
    world: World, transactional_db: None, live_server: Any
) -> None:
    data = random.Random(22).randbytes(1000)
    client = tus(live_server, world)
    metadata = {"sha256": sha256(data)}
    with pytest.raises(TusCommunicationError) as refused:
        client.uploader(file_stream=io.BytesIO(data), metadata=metadata).upload()
    assert refused.value.status_code == 409
    declare(world, world.client("worker"), data)
    with pytest.raises(TusUploadFailed) as altered:
        client.uploader(file_stream=Damaging(data), metadata=metadata).upload()
    assert altered.value.status_code == 460
    assert Photo.objects.get().state == "declared"


def test_a_photo_goes_through_the_server_that_people_start_and_survives_its_death() -> None:
    """SIGKILL in the middle of the upload and right after its last byte; the picture is there after the restart."""
    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((1200, 900), 90).convert("RGB").save(out, "JPEG", quality=92)
    data = out.getvalue()
    assert len(data) > 3 * PIECE
    kind = "postgres" if connection.vendor == "postgresql" else "sqlite"
    with (
        database_of_kind(kind) as database,
        running(database_url=database or "") as server,
        httpx.Client(base_url=server.url, timeout=60) as http,
    ):
        token = http.post("/api/v1/auth/token", json={"username": "worker", "password": PASSWORD, "device_name": "test"}).json()["token"]
        http.headers["Authorization"] = f"Token {token}"
        me = http.get("/api/v1/me").json()
        cell = http.get(f"/api/v1/cells/{me['memberships'][0]['scope']['code']}/").json()
        photo = {"photo": "6b1f4c8e-5d2a-4c3b-9e1f-0a1b2c3d4e5f", "sha256": sha256(data), "size": len(data), "stage": "before"}
        op = {
            "op_id": "1d8f1f6a-7c55-4a42-8a43-2f6f3c1b7a10", "kind": "incident.report", "at": "2026-05-04T09:12:31+08:00",
            "incident": "9a7b1c2d-3e4f-4a5b-8c6d-7e8f9a0b1c2d", "category": "0102", "description": "井盖缺失", "photos": [photo],
            "position": {**cell["centroid"], "datum": "wgs84", "accuracy_m": 8, "source": "gps"},
        }  # fmt: skip
        answer = http.post("/api/v1/sync/ops", json={"queued": 1, "photos_waiting": 1, "ops": [op]}).json()["answers"][0]
        assert (answer["outcome"], answer["missing_photos"]) == ("applied", [sha256(data)])
        made = http.post(BASE, headers=TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": f"sha256 {b64(sha256(data))}"})
        url = made.headers["Location"]

        def piece(at: int, content: bytes) -> httpx.Response:
            headers = TUS | {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            return http.patch(url, content=content, headers=headers)

        assert piece(0, data[:PIECE]).headers["Upload-Offset"] == str(PIECE)
        server.kill()
        server.start()
        assert http.head(url, headers=TUS).headers["Upload-Offset"] == str(PIECE)
        too_large = piece(PIECE, bytes(1024 * 1024 + 1))
        assert (too_large.status_code, too_large.json()["code"]) == (413, "too_large")
        assert piece(PIECE, data[PIECE:]).status_code == 204
        server.kill()
        server.start()
        assert http.head(url, headers=TUS).headers["Upload-Offset"] == str(len(data))
        while (picture := http.get(f"/api/v1/photos/{photo['photo']}/view")).status_code == 404:
            record = http.get(f"/api/v1/incidents/{op['incident']}/").json()["photos"][0]
            assert record["state"] in ("received", "stored"), record
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert Image.open(io.BytesIO(picture.content)).size == (1200, 900)
