"""What a new password ends and what it leaves (ASVS 7.4.3), and that pages ask for the device as the API does."""

import io
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from sync.auth import begin_token
from sync.models import Device
from tests.world import PASSWORD, World

ME, ADMIN, DESK, PART = "/api/v1/me", "/admin/", "/desk/", "/desk/part/queue/"
NEW = "another-password-4711"


def device_of(client: Client) -> Device:
    found: Device = Device.objects.get(session_key=client.session.session_key)
    return found


def in_by(client: Client) -> list[int]:
    """What the API, the admin and the desk answer."""
    return [client.get(path).status_code for path in (ME, ADMIN, DESK)]


def change_own(client: Client) -> Any:
    return client.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})


def set_of(client: Client, world: World, name: str) -> Any:
    return client.post(f"/admin/grids/user/{world.user(name).pk}/password/", {"password1": NEW, "password2": NEW})


def test_who_changes_the_own_password_stays_signed_in_for_the_api_the_desk_and_the_admin(world: World) -> None:
    browser = world.browser("district-admin")
    before = device_of(browser)
    assert change_own(browser).status_code == 302
    assert in_by(browser) == [200, 200, 200]
    assert device_of(browser).pk == before.pk
    assert device_of(browser).session_key != before.session_key


def test_a_new_password_signs_out_the_persons_other_browsers_and_phones(world: World) -> None:
    browser, other = world.browser("district-admin"), world.browser("district-admin")
    phone = world.client("district-admin")
    stranger = world.client("worker")
    assert [other.get(ME).status_code, phone.get(ME).status_code] == [200, 200]
    change_own(browser)
    assert in_by(other) == [401, 302, 302]
    assert (phone.get(ME).status_code, phone.get(ME).json()["code"]) == (401, "not_authenticated")
    assert stranger.get(ME).status_code == 200
    assert not Device.objects.exclude(revoked_at=None).exists()  # nothing is to be wiped


def test_an_administrator_who_sets_somebody_elses_password_stays_and_the_other_is_out(world: World) -> None:
    admin, worker, phone = world.browser("admin"), world.browser("worker"), world.client("worker")
    assert set_of(admin, world, "worker").status_code == 302
    assert in_by(admin) == [200, 200, 200]
    assert worker.get(ME).status_code == phone.get(ME).status_code == 401
    answer = Client().post(
        "/api/v1/auth/token", {"username": "worker", "password": NEW, "device_name": "x"}, content_type="application/json"
    )
    assert answer.status_code == 200


def test_an_administrator_may_set_the_own_password_on_the_accounts_page(world: World) -> None:
    admin = world.browser("admin")
    assert set_of(admin, world, "admin").status_code == 302
    assert in_by(admin) == [200, 200, 200]


def test_a_password_set_by_a_command_signs_out_everywhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, phone = world.browser("worker"), world.client("worker")
    monkeypatch.setattr("getpass.getpass", lambda *args, **kwargs: NEW)
    call_command("changepassword", "worker", verbosity=0, stdout=io.StringIO())
    assert worker.get(ME).status_code == phone.get(ME).status_code == 401


def test_a_refused_password_signs_nobody_out(world: World) -> None:
    browser, phone = world.browser("district-admin"), world.client("district-admin")
    assert browser.post("/admin/password_change/", {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}).status_code == 200
    assert (
        browser.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": "1", "new_password2": "1"}).status_code == 200
    )
    assert in_by(browser) == [200, 200, 200]
    assert phone.get(ME).status_code == 200


def test_logging_in_again_takes_up_the_same_browsers_device(world: World) -> None:
    browser = world.browser("worker")
    before = device_of(browser).pk
    set_of(world.browser("admin"), world, "worker")
    browser.post("/login/", {"username": "worker", "password": NEW})
    assert device_of(browser).pk == before
    assert browser.get(ME).status_code == 200


@pytest.mark.parametrize(("name", "why"), [("admin", "lost"), ("district-admin", "lost"), ("district-admin", "closed")])
def test_a_revoked_device_is_refused_by_pages_at_its_next_call_as_by_the_api(world: World, name: str, why: str) -> None:
    browser, other = world.browser(name), world.browser(name)
    assert in_by(browser) == [200, 200, 200]
    Device.objects.filter(pk=device_of(browser).pk).update(revoked_at=timezone.now(), revoked_why=why)
    key = browser.session.session_key
    assert browser.get(ME).status_code == 403
    for path in (ADMIN, DESK):
        answer = browser.get(path)
        assert (answer.status_code, answer["Location"].startswith(("/login/", "/admin/login/"))) == (302, True)
    assert not Session.objects.filter(session_key=key).exists()
    assert browser.get(PART).status_code == 401
    assert in_by(other) == [200, 200, 200]


def test_a_session_without_a_device_opens_no_page(world: World) -> None:
    browser = Client()
    browser.force_login(world.user("admin"))
    assert in_by(browser) == [401, 302, 302]


def test_pages_ask_once_more_for_the_device_and_the_api_does_not(world: World, django_assert_max_num_queries: Any) -> None:
    phone, browser = world.client("worker"), world.browser("worker")
    phone.get(ME), browser.get(ME)
    for client in (phone, browser):
        with django_assert_max_num_queries(2):  # who calls; what the device said it holds
            client.get(ME)


def test_a_token_of_another_person_lives_on(world: World) -> None:
    token, _device = begin_token(user=world.user("secretary"), device_name="x", now=timezone.now())
    set_of(world.browser("admin"), world, "worker")
    assert Client(headers={"Authorization": f"Token {token}"}).get(ME).status_code == 200
