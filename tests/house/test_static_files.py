"""/static/ under both kinds of server: a file that is edited while the server runs arrives whole, and nothing else is looked up."""

from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from gridgov.static_files import with_static_files


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Stands for Django."""
    start_response("418 I'm a teapot", [])
    return [b"django"]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Stands for Django."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"django"})


class UnderWsgi:
    def __init__(self) -> None:
        self.application = with_static_files(wsgi, asgi=False)

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        told: list[Any] = []
        body = self.application({"REQUEST_METHOD": "GET", "PATH_INFO": path}, lambda status, headers: told.extend((status, headers)))
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        return int(told[0][:3]), {name.lower(): value for name, value in told[1]}, content


class UnderAsgi:
    def __init__(self) -> None:
        self.application = with_static_files(asgi, asgi=True)

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        talk = ApplicationCommunicator(self.application, scope)
        await talk.send_input({"type": "http.request", "body": b""})
        start = await talk.receive_output()
        content, more = b"", True
        while more:
            part = await talk.receive_output()
            content, more = content + part.get("body", b""), part.get("more_body", False)
        await talk.wait()
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, content


@pytest.mark.parametrize("kind", [UnderWsgi, UnderAsgi])
async def test_a_file_that_is_edited_under_the_running_server_arrives_whole(kind: Any, settings: Any, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS = [("try", tmp_path)]
    file = tmp_path / "part.js"
    file.write_text("export const a = 1;\n")
    server = kind()
    assert (await server.get("/static/try/part.js"))[2] == file.read_bytes()
    for text in ("export const a = 1;\nexport const more = 'longer than before';\n", "short\n"):
        file.write_text(text)
        status, headers, content = await server.get("/static/try/part.js")
        assert (status, content, headers["content-length"]) == (200, text.encode(), str(len(text)))
        assert headers["cache-control"] == "no-cache" and "content-security-policy" in headers
    (tmp_path / "new.js").write_text("new")
    assert (await server.get("/static/try/new.js"))[2] == b"new"
    file.unlink()
    assert (await server.get("/static/try/part.js"))[0] == 418


@pytest.mark.parametrize("kind", [UnderWsgi, UnderAsgi])
async def test_only_static_addresses_are_looked_up_as_files(kind: Any, settings: Any, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS = [("try", tmp_path)]
    (tmp_path.parent / "outside.js").write_text("secret")
    server = kind()
    for path in (
        "/",
        "/api/v1/me",
        "/static/try/../outside.js",
        "/static/try/missing.js",
        "/static/try/",
        "/static/a\0b.js",
        "/try/part.js",
    ):
        assert (await server.get(path))[::2] == (418, b"django")


@pytest.mark.parametrize("kind", [UnderWsgi, UnderAsgi])
async def test_in_production_the_collected_files_are_served(kind: Any, settings: Any, tmp_path: Path) -> None:
    settings.PRODUCTION, settings.STATIC_ROOT = True, tmp_path
    (tmp_path / "app.js").write_text("collected")
    assert (await kind().get("/static/app.js"))[2] == b"collected"
