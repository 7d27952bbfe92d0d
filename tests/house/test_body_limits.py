"""Bodies that no address takes, sent to real servers of both kinds: refused before they are read, in the reader's language."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.running import PASSWORD, ROOT, Server, free_port, running

MIB = 1024 * 1024
OPS, UPLOADS, TOKEN = "/api/v1/sync/ops", "/api/v1/sync/photos/", "/api/v1/auth/token"
UPLOAD = UPLOADS + "0198a1b2-0000-7000-8000-000000000001"
# (method, address, bytes that are read, bytes that are not): protocol §2 (a push: 1 MiB), §5 (a PATCH: 1 MiB).
LIMITS = [("POST", OPS, MIB, 2 * MIB), ("PATCH", UPLOAD, MIB, 2 * MIB), ("POST", TOKEN, MIB, 3 * MIB), ("POST", "/login/", MIB, 3 * MIB)]
EN = "This is more than the server takes at once."


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def wsgi_port(server: Server) -> Iterator[int]:
    """granian with gridgov.wsgi, beside the other and on its data."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "gridgov.wsgi:application", "--port", str(port), "--workers", "1"]
    with open(server.data / "wsgi.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=server.env, stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(params=["uvicorn", "granian"])
def port(request: Any, server: Server) -> int:
    if request.param == "uvicorn":
        return server.port
    found: int = request.getfixturevalue("wsgi_port")
    wait_for(found)
    return found


def wait_for(port: int) -> None:
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            subprocess.run(["sleep", "0.1"], check=True)  # between two looks at another process
        finally:
            connection.close()
    raise AssertionError("granian does not answer")


def headers_only(port: int, method: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, Any]:
    """The answer to a request of which only the head is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer, body


@pytest.mark.parametrize(("method", "path", "fits", "over"), LIMITS)
def test_a_length_that_is_too_large_is_refused_before_a_byte_of_it_is_sent(
    port: int, method: str, path: str, fits: int, over: int
) -> None:  # fmt: skip
    answer, body = headers_only(port, method, path, Content_Length=str(over), Accept_Language="en")
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
    expected = {"type": "urn:gridgov:problem:too_large", "title": EN, "status": 413, "detail": EN, "code": "too_large"}
    assert body == expected | ({"push_bytes": MIB} if path == OPS else {})
    assert answer.headers["Cache-Control"] == "no-store"
    for name in ("X-Request-ID", "Content-Security-Policy", "X-Content-Type-Options"):
        assert answer.headers[name]
    assert answer.headers["Tus-Resumable"] == ("1.0.0" if path == UPLOAD else None)


@pytest.mark.parametrize(
    ("headers", "starts"),
    [({}, "超过"), ({"Accept_Language": "en"}, "This"), ({"Accept_Language": "fr"}, "超过"), ({"Cookie": "django_language=en"}, "This")],
)
def test_the_refusal_is_in_the_readers_language(port: int, headers: dict[str, str], starts: str) -> None:
    body = headers_only(port, "POST", OPS, Content_Length=str(5 * MIB), **headers)[1]
    assert (starts == "This") == body["title"].startswith("This")
    assert body["title"].isascii() == (starts == "This")


@pytest.mark.parametrize(("method", "path", "fits", "over"), LIMITS)
def test_who_sends_it_all_before_reading_gets_the_answer_too_and_what_fits_goes_on(
    port: int, method: str, path: str, fits: int, over: int
) -> None:  # fmt: skip
    for size, refused in ((over, True), (fits, False)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, bytes(size), {"Content-Type": "application/json", "Tus-Resumable": "1.0.0"})
        except (BrokenPipeError, ConnectionResetError):
            assert refused
        answer = connection.getresponse()
        assert (answer.status == 413) is refused, answer.status
        answer.read()
        connection.close()


@pytest.mark.parametrize("path", [OPS, UPLOAD, TOKEN])
def test_a_body_in_pieces_is_counted_and_refused_where_it_grows_too_large(server: Server, path: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for _ in range(33):  # 2 MiB and 64 KiB, and no end of it
            connection.send(b"10000\r\n" + bytes(65536) + b"\r\n")
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")


def test_a_body_in_pieces_that_fits_is_read(server: Server) -> None:
    login = json.dumps({"username": "worker", "password": "wrong", "device_name": "x" * 100}).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.request("POST", TOKEN, iter([login[:20], login[20:]]), {"Content-Type": "application/json"}, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (401, "bad_credentials")


def test_under_wsgi_a_body_in_pieces_counts_as_empty(server: Server, wsgi_port: int) -> None:
    wait_for(wsgi_port)
    login = json.dumps({"username": "worker", "password": PASSWORD, "device_name": "x"}).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", wsgi_port, timeout=30)) as connection:
        connection.request("POST", TOKEN, iter([login]), {"Content-Type": "application/json"}, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (400, "not_json")


def test_the_refusal_is_in_the_log_without_the_query(server: Server) -> None:
    headers_only(server.port, "POST", "/api/v1/sync/ops?secret=7741", Content_Length=str(77 * MIB))
    lines = [line for line in server.log.splitlines() if "POST /api/v1/sync/ops 413" in line]
    assert lines
    assert "7741" not in server.log
