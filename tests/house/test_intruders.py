"""What strangers and thieves try at the roof: sessions that have ended, endless lockouts, headers and codecs that Python takes."""

import datetime as dt
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.db.models import F
from django.test import Client
from django.utils import timezone

from sync.models import Device
from tests.world import PASSWORD, World

PEOPLE = {"Accept": "text/html"}
TOKEN = "/api/v1/auth/token"


def sign_in(client: Client, username: str, password: str = PASSWORD) -> Any:
    return client.post("/login/", {"username": username, "password": password}, headers=PEOPLE)


def fail(username: str) -> int:
    body = {"username": username, "password": "wrong", "device_name": "x"}
    return Client().post(TOKEN, body, content_type="application/json").status_code


@pytest.mark.parametrize(
    ("name", "page"), [("secretary", "/desk/"), ("secretary", "/desk/part/queue/"), ("admin", "/admin/"), ("admin", "/")]
)
def test_a_session_of_a_revoked_device_reads_no_page(world: World, name: str, page: str) -> None:
    client = Client()
    sign_in(client, name)
    before = client.get(page, headers=PEOPLE)
    assert before.status_code == 200 or "/login/" not in before["Location"]
    Device.objects.filter(user=world.user(name)).update(revoked_at=timezone.now(), revoked_why="lost")
    after = client.get(page, headers=PEOPLE)
    assert after.status_code == 401 or (after.status_code == 302 and "/login/" in after["Location"])


def test_a_session_ends_when_its_device_signs_in_anew(world: World) -> None:
    thief = Client()
    sign_in(thief, "secretary")
    owner = Client()
    owner.cookies["gridgov_device"] = thief.cookies["gridgov_device"].value
    sign_in(owner, "secretary")
    assert owner.get("/desk/", headers=PEOPLE).status_code == 200
    assert thief.get("/desk/", headers=PEOPLE).status_code == 302
    assert thief.get("/api/v1/me").status_code == 401


def test_signing_in_again_gives_the_session_another_key(world: World) -> None:
    client = Client()
    sign_in(client, "worker")
    old = client.cookies["sessionid"].value
    sign_in(client, "worker")
    assert client.cookies["sessionid"].value != old
    assert client.get("/api/v1/me").status_code == 200
    stolen = Client()
    stolen.cookies["sessionid"] = old
    assert stolen.get("/api/v1/me").status_code == 401


def test_a_new_password_ends_tokens_and_sessions_of_that_person_alone(world: World) -> None:
    phone, browser, other = world.client("secretary"), Client(), world.client("worker")
    sign_in(browser, "secretary")
    admin = Client()
    sign_in(admin, "admin")
    user = get_user_model().objects.get(username="secretary")
    address = f"/admin/grids/user/{user.pk}/password/"
    new = {"password1": "another-long-secret", "password2": "another-long-secret", "usable_password": "true"}
    assert admin.post(address, new).status_code == 302
    assert phone.get("/api/v1/me").status_code == 401
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.get("/desk/", headers=PEOPLE).status_code == 302
    assert other.get("/api/v1/me").status_code == 200
    assert admin.get("/admin/").status_code == 200
    assert sign_in(Client(), "secretary", "another-long-secret")["Location"] == "/"


def test_who_goes_on_guessing_does_not_lock_somebody_out_for_ever(world: World) -> None:
    for _ in range(10):
        fail("worker")
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - dt.timedelta(minutes=14))
    assert fail("worker") == 429
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - dt.timedelta(minutes=2))
    assert sign_in(Client(), "worker").status_code == 302


@pytest.mark.parametrize("charset", ["bz2_codec", "idna", "rot13", "undefined", "hex", "utf-16", "utf-7"])
@pytest.mark.parametrize("address", ["/login/", "/logout/", "/language/setlang/", "/admin/login/"])
def test_a_body_in_another_charset_is_refused_and_breaks_nothing(db: None, address: str, charset: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nabc\r\n--x--\r\n'
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    answer = Client(enforce_csrf_checks=True).generic("POST", address, body, content_type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["", "; charset=UTF-8", '; charset="utf-8"', "; charset=no-such-thing"])
def test_a_form_in_utf8_is_read(world: World, charset: str) -> None:
    body = f"username=worker&password={PASSWORD}"
    answer = Client().generic("POST", "/login/", body, content_type=f"application/x-www-form-urlencoded{charset}")
    assert answer.status_code == 302


@pytest.mark.parametrize("asked", ["", "?version=%0d%0aX:1", "?lang=junk", "?version=9", "?lang=%0d%0a"])
def test_the_schema_bears_whatever_is_asked(db: None, asked: str) -> None:
    for accept in ("text/html", "image/png", "*/*", "application/json"):
        answer = Client().get(f"/api/schema/{asked}", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith('inline; filename="gridgov.')


@pytest.mark.parametrize("address", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize("method", ["options", "trace", "put", "delete", "post"])
def test_the_documentation_is_only_read(db: None, address: str, method: str) -> None:
    answer = getattr(Client(), method)(address, headers=PEOPLE)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
