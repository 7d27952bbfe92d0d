"""The field app's frame: the same bytes to everybody, and a service worker that names every file by its content."""

import hashlib
import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from sync.field_app import files_by_hash

pytestmark = pytest.mark.django_db


def _listed(client: Client) -> dict[str, str]:
    script = client.get("/field/sw.js").content.decode()
    found = re.search(r"const FILES = (\{.*?\});", script, re.DOTALL)
    assert found
    listed: dict[str, str] = json.loads(found[1])
    return listed


def test_the_shell_is_served_without_login_and_sets_no_cookie() -> None:
    response = Client().get("/field/")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"
    assert not response.cookies
    assert "no-store" not in response.headers["Cache-Control"]


def test_the_shell_is_the_same_for_everybody_and_names_nobody(world) -> None:
    nobody = Client(headers={"accept-language": "en"}).get("/field/").content
    worker = world.browser("worker").get("/field/").content
    assert nobody == worker
    assert str(world.user("worker").pk).encode() not in worker


def test_the_shell_has_no_inline_script_or_style() -> None:
    page = Client().get("/field/").content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert "<style" not in page
    assert " style=" not in page


def test_the_service_worker_lists_every_file_with_the_hash_of_what_is_served(client: Client) -> None:
    listed = _listed(client)
    assert "/static/field/main.js" in listed
    assert "/static/field/i18n/zh.js" in listed
    assert "/static/gridgov/tokens.css" in listed
    assert "/field/" in listed
    for path, expected in listed.items():
        if path.startswith("/static/"):
            file = finders.find(path.removeprefix("/static/"))
            assert file, path
            with open(file, "rb") as opened:
                assert hashlib.sha256(opened.read()).hexdigest() == expected, path
        else:
            assert hashlib.sha256(client.get(path).content).hexdigest() == expected, path


def test_every_module_that_a_module_imports_is_listed(client: Client) -> None:
    listed = _listed(client)
    for path in listed:
        if not path.endswith(".js"):
            continue
        file = finders.find(path.removeprefix("/static/"))
        with open(file, encoding="utf-8") as opened:
            source = opened.read()
        for target in re.findall(r'^import .*?["\'](\.[^"\']+)["\'];$', source, re.MULTILINE):
            parts = path.rsplit("/", 1)[0].split("/")
            for step in target.split("/"):
                if step == "..":
                    parts.pop()
                elif step != ".":
                    parts.append(step)
            assert "/".join(parts) in listed or "/vendor/" in target, f"{path} imports {target}"


def test_nothing_of_the_api_or_the_login_is_listed(client: Client) -> None:
    assert [path for path in _listed(client) if path.startswith(("/api/", "/login", "/logout", "/ws/", "/admin"))] == []


def test_the_workers_version_follows_its_files(client: Client) -> None:
    script = client.get("/field/sw.js")
    version = hashlib.sha256(json.dumps(files_by_hash(), sort_keys=True).encode()).hexdigest()[:16]
    assert f'const VERSION = "{version}";' in script.content.decode()
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "no-cache"


def test_the_manifest_starts_in_the_scope_and_its_icons_are_there(client: Client) -> None:
    response = client.get("/field/manifest.webmanifest")
    assert response.headers["Content-Type"] == "application/manifest+json"
    body = response.json()
    assert body["start_url"] == body["scope"] == "/field/"
    for entry in body["icons"]:
        answer = client.get(entry["src"])
        assert answer.status_code == 200
        assert answer.content.startswith(b"\x89PNG")


def test_an_icon_of_another_size_is_not_there(client: Client) -> None:
    assert client.get("/field/icons/193.png").status_code == 404


def test_only_reading_is_allowed(client: Client) -> None:
    for path in ("/field/", "/field/manifest.webmanifest", "/field/sw.js", "/field/icons/192.png"):
        assert client.post(path).status_code == 405
