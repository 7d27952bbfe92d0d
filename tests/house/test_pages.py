"""Sign-in, sign-out, headers, health, documentation: what the roof answers itself."""

import json
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from sync.models import Device
from tests.world import PASSWORD

PEOPLE = {"Accept": "text/html"}


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str):
    return client.post("/login/", {"username": username, "password": password, **more}, headers=PEOPLE)


@pytest.mark.parametrize(("language", "button"), [("zh-hans", "登录"), ("en", "Sign in")])
def test_the_login_page_speaks_both_languages(db, language, button) -> None:
    page = Client(headers={"Accept-Language": language}).get("/login/")
    assert page.status_code == 200
    assert f'lang="{language}"' in page.text
    assert button in page.text


def test_the_language_can_be_chosen_and_stays(db) -> None:
    client = Client()
    client.post("/language/setlang/", {"language": "en", "next": "/login/"})
    assert "Sign in" in client.get("/login/").text


def test_signing_in_binds_the_session_to_a_device_that_outlives_it(world) -> None:
    client = Client()
    answer = sign_in(client, "worker")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    cookie = client.cookies["gridgov_device"]
    assert cookie["httponly"]
    assert int(cookie["max-age"]) == 400 * 24 * 3600
    device = Device.objects.get(user=world.user("worker"))
    assert device.session_key == client.session.session_key
    client.post("/logout/")
    sign_in(client, "worker")
    assert Device.objects.get(user=world.user("worker")).pk == device.pk


def test_signing_out_ends_the_session(world) -> None:
    client = Client()
    sign_in(client, "secretary")
    answer = client.post("/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert Device.objects.get(user=world.user("secretary")).session_key is None
    assert client.get("/")["Location"] == "/login/"


def test_signing_out_takes_a_post_and_is_harmless_to_strangers(db) -> None:
    assert Client().get("/logout/").status_code == 405
    assert Client().post("/logout/").status_code == 302


def test_a_wrong_password_and_an_unknown_name_look_alike(world) -> None:
    wrong, unknown = sign_in(Client(), "worker", "no"), sign_in(Client(), "nobody", "no")
    assert wrong.status_code == unknown.status_code == 200
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", wrong.text) == strip.sub("", unknown.text)
    assert "gridgov_device" not in wrong.cookies


def test_after_ten_wrong_passwords_even_the_right_one_must_wait(world) -> None:
    client = Client()
    for _ in range(10):
        sign_in(client, "worker", "no")
    locked = sign_in(client, "worker")
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert sign_in(Client(), "secretary").status_code == 302  # others are not locked out with them


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_led_away_after_signing_in(world, where) -> None:
    assert sign_in(Client(), "worker", next=where)["Location"] == "/"


def test_the_way_back_after_signing_in(world) -> None:
    assert sign_in(Client(), "admin", next="/admin/grids/")["Location"] == "/admin/grids/"


@pytest.mark.parametrize(("name", "place"), [("worker", "/field/"), ("secretary", "/desk/"), ("handler", "/desk/"), ("admin", "/admin/")])
def test_the_front_door_leads_everybody_to_their_work(world, name, place) -> None:
    client = Client()
    sign_in(client, name)
    assert client.get("/")["Location"] == place


def test_the_admin_uses_the_one_login_page(world) -> None:
    assert Client().get("/admin/login/?next=/admin/grids/")["Location"] == "/login/?next=%2Fadmin%2Fgrids%2F"
    client = Client()
    sign_in(client, "worker")
    for_worker = client.get("/admin/", headers=PEOPLE, follow=True)
    assert for_worker.status_code == 200
    assert for_worker.redirect_chain[-1][0].startswith("/login/")


@pytest.mark.parametrize("address", ["/login/", "/healthz", "/nothing/", "/api/v1/nothing/", "/api/docs/", "/admin/login/"])
def test_every_answer_carries_the_security_headers(db, address) -> None:
    answer = Client().get(address, headers=PEOPLE)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("'unsafe-inline'" in policy) == (address == "/api/docs/")
    assert "script-src" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Permissions-Policy"].startswith("geolocation=(self), camera=(self)")


@pytest.mark.parametrize("template", ["/login/", "/nothing/", "/api/docs/"])
def test_no_page_needs_an_inline_script(db, template) -> None:
    page = Client().get(template, headers=PEOPLE).text
    assert [tag for tag in re.findall(r"<script\b[^>]*>", page) if "src=" not in tag] == []
    assert re.findall(r"\son\w+=", page) == []


def test_health_readiness_and_version_answer_without_login(db) -> None:
    for address in ("/healthz", "/readyz", "/version"):
        answer = Client().get(address)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
    assert Client().get("/version").json()["protocol"] == [1]
    assert Client().post("/healthz").status_code == 405


def test_the_schema_describes_the_api_and_needs_no_login(db) -> None:
    answer = Client().get("/api/schema/?format=json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"].startswith("3.1")


def test_a_request_gets_an_id_and_keeps_one_that_a_proxy_gave(db) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", Client().get("/healthz")["X-Request-ID"])
    assert Client().get("/healthz", headers={"X-Request-ID": "abc-12345678"})["X-Request-ID"] == "abc-12345678"
    assert Client().get("/healthz", headers={"X-Request-ID": "no spaces\x00"})["X-Request-ID"] != "no spaces\x00"


@pytest.mark.parametrize(
    "file", ["gridgov/tokens.css", "gridgov/icon.svg", "vendor/leaflet/leaflet-src.esm.js", "vendor/idb/index.js", "vendor/tus/tus.min.js"]
)
def test_the_files_that_pages_load_are_found(file) -> None:
    assert finders.find(file)
