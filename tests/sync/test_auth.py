"""Who calls (protocol §2, login and device): tokens, sessions with CSRF, how long they live, and what the refused are told."""

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grids.queries import city_day
from sync.models import Device
from tests.incidents.pushing import report
from tests.world import A1C, CELL, PASSWORD, World

TOKEN = "/api/v1/auth/token"
ME = "/api/v1/me"
OPS = "/api/v1/sync/ops"
CHANGES = "/api/v1/sync/changes"
# Every address of the protocol that needs a caller: (method, address).
GUARDED = [
    ("post", OPS), ("get", CHANGES), ("get", "/api/v1/sync/digest?at=x"), ("get", ME), ("post", "/api/v1/auth/logout"), ("get", "/api/v1/incidents/"),
    ("get", "/api/v1/workflow"), ("get", "/api/v1/categories/"), ("get", "/api/v1/cells/"), ("post", "/api/v1/sync/photos/"),
    ("get", "/api/v1/sync/limits"), ("get", "/api/v1/incidents/0198a1b2-0000-7000-8000-000000000001/"), ("get", "/api/v1/cells.geojson"),
    ("get", "/api/v1/cells/locate?lng=1&lat=1&datum=wgs84"), ("get", "/api/v1/incidents/nearby?lng=1&lat=1&datum=wgs84"),
]  # fmt: skip


def log_in(username: Any, password: Any = PASSWORD, device_name: Any = "phone", **headers: str) -> Any:
    body = {"username": username, "password": password, "device_name": device_name}
    return Client(headers=headers).post(TOKEN, {k: v for k, v in body.items() if v is not ...}, content_type="application/json")


def with_token(token: str, **headers: str) -> Client:
    return Client(headers={"Authorization": f"Token {token}"} | headers)


def refused_with(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response["Content-Type"], response.json()["code"]) == (status, "application/problem+json", code)
    assert "no-store" in response["Cache-Control"]
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Token")


# --- tokens ------------------------------------------------------------------------------------------------------------


def test_user_name_and_password_give_a_token_and_who_one_is(world: World) -> None:
    now = timezone.now()
    response = log_in("worker", device_name="Ye's phone")
    body = response.json()
    assert (response.status_code, set(body)) == (200, {"token", "expires_at", "user", "memberships"})
    user, place = world.user("worker"), world.places[CELL]
    assert body["user"] == {"id": str(user.pk), "username": "worker", "name": user.name, "language": "zh-hans"}
    assert body["memberships"] == [
        {"role": "worker", "unit": str(world.units[A1C].pk), "scope": {"id": str(place.pk), "code": CELL, "name": place.name, "level": "grid"},
         "from": "2020-01-01", "to": None}
    ]  # fmt: skip
    ends = dt.datetime.fromisoformat(body["expires_at"])
    assert dt.timedelta(days=89) < ends - now < dt.timedelta(days=91)
    me = with_token(body["token"]).get(ME).json()
    assert (me["user"], me["memberships"], me["protocol"]) == (body["user"], body["memberships"], [1])
    assert me["device"] == {"id": str(Device.objects.get().pk), "name": "Ye's phone", "queued": 0, "photos_waiting": 0, "told_at": None}


def test_of_a_token_only_the_hash_of_its_256_bits_is_kept(world: World) -> None:
    token = log_in("worker").json()["token"]
    assert len(token) >= 43  # 32 bytes in base64
    device = Device.objects.get()
    assert device.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert token not in json.dumps(list(Device.objects.values()), default=str)
    assert log_in("worker").json()["token"] != token


@pytest.mark.parametrize(
    ("name", "password"),
    [("worker", "wrong"), ("nobody", PASSWORD), ("WORKER", PASSWORD), ("worker", PASSWORD + " "), ("worker", "x" * 200), ("'", '"')],
)
def test_wrong_name_and_wrong_password_look_alike(world: World, name: str, password: str) -> None:
    same = {"X-Request-ID": "0123456789abcdef"}
    response, other = log_in(name, password, **same), log_in("nobody", "wrong", **same)
    refused_with(response, 401, "bad_credentials")
    assert (response.content, dict(response.headers)) == (other.content, dict(other.headers))
    assert not Device.objects.exists()


def test_a_closed_account_gets_no_token(world: World) -> None:
    world.people["worker"].is_active = False
    world.people["worker"].save()
    refused_with(log_in("worker"), 401, "bad_credentials")


@pytest.mark.parametrize("key", ["username", "password", "device_name"])
@pytest.mark.parametrize("value", [..., None, 5, "", [], {"a": 1}, "a\0b", "x" * 201, True])
def test_a_login_of_the_wrong_form_is_malformed_with_its_pointer(world: World, key: str, value: Any) -> None:
    response = log_in(**{"username": "worker"} | {key: value})
    refused_with(response, 400, "malformed")
    assert response.json()["errors"][0]["pointer"] == f"/{key}"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"", "application/json", 400), (b"[]", "application/json", 400), (b"{", "application/json", 400), (b"\xff", "application/json", 400),
     (b'{"username": "\\ud800", "password": "x", "device_name": "x"}', "application/json", 400), (b"null", "application/json", 400),
     (b"[" * 100_000, "application/json", 400), (b"username=worker", "application/x-www-form-urlencoded", 415), (b"x", "text/plain", 415),
     (b"{}", "multipart/form-data; boundary=x", 415)],
)  # fmt: skip
def test_any_other_body_is_refused(world: World, body: bytes, kind: str, status: int) -> None:
    assert Client().post(TOKEN, body, content_type=kind).status_code == status


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(["username", "password", "device_name"]), st.text() | st.none()).map(lambda v: json.dumps(v).encode())
)
def test_no_login_makes_the_server_fail(world: World, body: bytes) -> None:
    assert Client().post(TOKEN, body, content_type="application/json").status_code in (400, 401, 429)


def test_a_token_ends_90_days_after_its_last_use_and_each_use_begins_them_anew(world: World) -> None:
    client = with_token(log_in("worker").json()["token"])
    today = city_day(timezone.now())
    for days, status in ((1, 200), (90, 200), (91, 401), (400, 401)):
        Device.objects.update(used_on=today - dt.timedelta(days=days))
        assert (days, client.get(ME).status_code) == (days, status)
        if status == 200:
            assert Device.objects.get().used_on == today


def test_logging_out_ends_this_device_and_no_other(world: World) -> None:
    one, two = (with_token(log_in("worker").json()["token"]) for _ in range(2))
    assert one.post("/api/v1/auth/logout").status_code == 204
    refused_with(one.get(ME), 401, "not_authenticated")
    assert two.get(ME).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Token",
        "Token ",
        "Token x",
        "Bearer x",
        "Basic d29ya2VyOng=",
        "x",
        "Token " + "x" * 5000,
        "Token 垃圾".encode().decode("latin-1"),
        "Token a b",
        "Token '--",
    ],
)
@pytest.mark.parametrize(("method", "address"), GUARDED[:4])
def test_an_authorization_that_is_none_is_not_authenticated(world: World, header: str, method: str, address: str) -> None:
    refused_with(getattr(Client(headers={"Authorization": header}), method)(address), 401, "not_authenticated")


@pytest.mark.parametrize(("method", "address"), GUARDED)
def test_without_a_caller_nothing_is_told(world: World, method: str, address: str) -> None:
    refused_with(getattr(Client(headers={"Tus-Resumable": "1.0.0"}), method)(address), 401, "not_authenticated")


@pytest.mark.parametrize(("why", "code"), [("lost", "device_revoked"), ("closed", "account_closed")])
def test_a_revoked_device_is_told_why_and_carries_nothing_out(world: World, why: str, code: str) -> None:
    client = world.client("worker")
    Device.objects.update(revoked_at=timezone.now(), revoked_why=why)
    refused_with(client.post(OPS, {"ops": [report(world)]}, content_type="application/json"), 403, code)
    refused_with(client.get(CHANGES), 403, code)


def test_another_device_of_the_same_user_is_not_revoked_with_it(world: World) -> None:
    one, two = world.client("worker"), world.client("worker")
    first = one.get(ME).json()["device"]["id"]
    Device.objects.filter(pk=first).update(revoked_at=timezone.now(), revoked_why="lost")
    assert (one.get(ME).status_code, two.get(ME).status_code) == (403, 200)


def test_an_account_that_was_switched_off_is_closed(world: World) -> None:
    client = world.client("worker")
    type(world.user("worker")).objects.filter(username="worker").update(is_active=False)
    refused_with(client.get(ME), 403, "account_closed")


def test_what_a_token_may_changes_with_the_memberships_at_once(world: World) -> None:
    from grids.models import Membership

    client = world.client("worker")
    assert len(client.get(ME).json()["memberships"]) == 1
    member = Membership.objects.get(user=world.user("worker"))
    member.until = city_day(timezone.now())  # half open: from today on it is over
    member.save()
    assert client.get(ME).json()["memberships"] == []


# --- sessions ----------------------------------------------------------------------------------------------------------


def browser(world: World, name: str = "worker") -> Client:
    """Signed in by password, with the CSRF check that a browser meets."""
    client = Client(enforce_csrf_checks=True)
    client.get("/login/")
    response = client.post(
        "/login/", {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"].value},
    )  # fmt: skip
    assert response.status_code == 302
    return client


def test_a_session_reads_without_and_writes_with_the_csrf_header(world: World) -> None:
    client = browser(world)
    assert client.get(CHANGES).status_code == 200
    body = {"ops": [report(world)]}
    refused_with(client.post(OPS, body, content_type="application/json"), 403, "csrf_failed")
    refused_with(client.post(OPS, body, content_type="application/json", headers={"X-CSRFToken": "x" * 32}), 403, "csrf_failed")
    refused_with(client.post("/api/v1/auth/logout"), 403, "csrf_failed")
    header = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(OPS, body, content_type="application/json", headers=header).json()["answers"][0]["outcome"] == "applied"


def test_on_csrf_failed_a_client_calls_me_and_can_go_on(world: World) -> None:
    client = browser(world)
    del client.cookies["csrftoken"]
    refused_with(client.post(OPS, {"ops": []}, content_type="application/json"), 403, "csrf_failed")
    assert client.get(ME).status_code == 200
    header = {"X-CSRFToken": client.cookies["csrftoken"].value}
    assert client.post(OPS, {"ops": []}, content_type="application/json", headers=header).status_code == 200


def test_a_token_needs_no_csrf_and_wins_over_a_session(world: World) -> None:
    client = browser(world, "secretary")
    token = log_in("worker").json()["token"]
    headers = {"Authorization": f"Token {token}"}
    assert client.get(ME, headers=headers).json()["user"]["username"] == "worker"
    assert client.post(OPS, {"ops": []}, content_type="application/json", headers=headers).status_code == 200
    # A token that is none is not mended by the session beside it.
    refused_with(client.get(ME, headers={"Authorization": "Token x"}), 401, "not_authenticated")


@pytest.mark.parametrize(
    ("name", "life"),
    [("worker", dt.timedelta(days=30)), ("secretary", dt.timedelta(hours=12)), ("supervisor", dt.timedelta(hours=12)), ("handler", dt.timedelta(hours=12)),
     ("admin", dt.timedelta(minutes=30)), ("district-admin", dt.timedelta(minutes=30)), ("stranger", dt.timedelta(days=30))],
)  # fmt: skip
def test_a_session_lives_by_role_and_slides_with_use(world: World, name: str, life: dt.timedelta) -> None:
    client = browser(world, name)
    now = timezone.now()
    session = Session.objects.get()
    assert abs(session.expire_date - now - life) < dt.timedelta(minutes=1)
    Session.objects.update(expire_date=now + life * 0.5)
    assert client.get(ME).status_code == 200
    assert abs(Session.objects.get().expire_date - now - life) < dt.timedelta(minutes=1)
    Session.objects.update(expire_date=now - dt.timedelta(seconds=1))
    refused_with(client.get(ME), 401, "not_authenticated")


def test_a_browser_keeps_its_device_over_logins(world: World) -> None:
    client = browser(world)
    cookie = client.cookies["gridgov_device"]
    assert (cookie["httponly"], cookie["samesite"], int(cookie["max-age"])) == (True, "Lax", 400 * 24 * 3600)
    first = client.get(ME).json()["device"]["id"]
    header = {"X-CSRFToken": client.cookies["csrftoken"].value}
    client.post(OPS, {"queued": 7, "photos_waiting": 3, "ops": []}, content_type="application/json", headers=header)
    # The store is wiped and the session lost; the cookie that page scripts cannot touch is left.
    kept = client.cookies["gridgov_device"].value
    client = Client()
    client.cookies["gridgov_device"] = kept
    client.post("/login/", {"username": "worker", "password": PASSWORD})
    device = client.get(ME).json()["device"]
    assert (device["id"], device["queued"], device["photos_waiting"]) == (first, 7, 3)
    # On the same browser somebody else is another device.
    client.post("/login/", {"username": "secretary", "password": PASSWORD})
    assert client.get(ME).json()["device"]["id"] != first


def test_a_browsers_device_that_was_revoked_is_shut_out(world: World) -> None:
    client = browser(world)
    Device.objects.update(revoked_at=timezone.now(), revoked_why="lost")
    refused_with(client.get(ME), 403, "device_revoked")
