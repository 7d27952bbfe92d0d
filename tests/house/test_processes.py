"""Production as docs/operations.md describes it: granian for HTTP, uvicorn for sockets, the loops by themselves; one database, one folder."""

import contextlib
import io
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from websockets.sync.client import connect

from tests.browser.api import Colleague
from tests.left_out import database_of_kind, redis_url
from tests.running import PASSWORD, ROOT, Server, free_port, running
from tests.sync.uploading import b64, sha256

OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
TUS = {"Tus-Resumable": "1.0.0"}


def documented(program: str) -> list[str]:
    """The command that the table of processes names."""
    line = next(line for line in OPERATIONS.splitlines() if line.startswith(f"| `{program} "))
    return line.split("`")[1].split()


@contextlib.contextmanager
def process(server: Server, *command: str) -> Iterator[Path]:
    """A process on the server's data; ended by SIGTERM, and it must end with 0 or by that signal."""
    log = server.data / f"{uuid.uuid4().hex}.log"
    with open(log, "wb") as out:
        started = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=server.env, stdout=out, stderr=out)
    try:
        yield log
        started.terminate()
        assert started.wait(30) in (0, -15)
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        started.kill()
        started.wait(10)


def until_ready(url: str, log: Path) -> None:
    for _ in range(900):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                return
        subprocess.run(["sleep", "0.1"], check=True)  # between two looks at another process
    raise AssertionError(log.read_text("utf-8"))


def upload(url: str, token: str, data: bytes) -> None:
    with httpx.Client(base_url=url, headers=TUS | {"Authorization": f"Token {token}"}, timeout=60) as http:
        begun = {"Upload-Length": str(len(data)), "Upload-Metadata": f"sha256 {b64(sha256(data))}"}
        at = http.post("/api/v1/sync/photos/", headers=begun).headers["Location"]
        piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        assert http.patch(at, content=data, headers=piece).status_code == 204


@pytest.mark.parametrize("with_redis", [False, True], ids=["without Redis", "with Redis"])
def test_three_kinds_of_process_together_do_what_one_does(with_redis: bool) -> None:
    redis = redis_url() if with_redis else None
    if with_redis and redis is None:
        return
    with database_of_kind("postgres") as database:
        if database is None:
            return
        more: dict[str, Any] = {"REDIS_URL": redis} if redis else {}
        with running(database_url=database, **more) as server:
            server.stop()  # it has made the demo city
            http_port, socket_port = free_port(), free_port()
            http, sockets = f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{socket_port}"
            with (
                process(server, "-m", *documented("granian"), "--port", str(http_port)) as http_log,
                process(server, "-m", *documented("uvicorn"), "--port", str(socket_port)) as socket_log,
                process(server, *documented("manage.py")),
            ):
                until_ready(http, http_log)
                until_ready(sockets, socket_log)
                worker = Colleague(url=http, username="worker", password=PASSWORD)
                cell = worker.call("GET", "me")["memberships"][0]["scope"]["code"]
                position = worker.call("GET", f"cells/{cell}/")["centroid"] | {"datum": "wgs84", "accuracy_m": 8, "source": "gps"}
                out = io.BytesIO()
                Image.effect_noise((640, 480), 60).convert("RGB").save(out, "JPEG")
                photo = {"photo": str(uuid.uuid4()), "sha256": sha256(out.getvalue()), "size": len(out.getvalue()), "stage": "before"}
                incident = str(uuid.uuid4())
                address = f"ws://127.0.0.1:{socket_port}/ws/changes/"
                with connect(address, additional_headers={"Authorization": f"Token {worker.token}"}, open_timeout=20) as line:
                    json.loads(line.recv(timeout=15))
                    answer = worker.push(
                        "incident.report", incident=incident, category="0102", description="井盖缺失", position=position, photos=[photo]
                    )
                    assert answer["outcome"] == "applied", answer
                    while json.loads(line.recv(timeout=15))["seq"] < answer["seq"]:
                        pass
                upload(http, worker.token, out.getvalue())
                worker.until_stored(incident, 1)
                seen = httpx.get(f"{http}/api/v1/photos/{photo['photo']}/view", headers={"Authorization": f"Token {worker.token}"})
                assert (seen.status_code, Image.open(io.BytesIO(seen.content)).size) == (200, (640, 480))
