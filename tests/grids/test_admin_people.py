"""What administrators change: accounts, units, memberships. Everybody hears of it, and nothing with a history goes away."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from gridgov.feed.models import FeedRow, Head
from grids.models import Membership, OrgUnit, User
from grids.queries import city_day
from tests.world import A1, A1C, B1C, CELL, DEPARTMENT, A, B, World

PEOPLE, UNITS, MEMBERS = (f"/admin/grids/{name}/" for name in ("user", "orgunit", "membership"))
PASSWORD = "a-long-enough-word-77"


def ground() -> int:
    return Head.objects.values_list("ground", flat=True).get(pk=1)


def errors(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.status_code
    return set(answer.context["adminform"].form.errors)


def day(days: int) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).date().isoformat()


# --- accounts ----------------------------------------------------------------------------------------------------


def new_person(**more: str) -> dict[str, str]:
    return {
        "username": "wang",
        "name": "王小丽",
        "language": "zh-hans",
        "password1": PASSWORD,
        "password2": PASSWORD,
    } | more


def test_an_account_is_made_with_a_password_and_logs_in_with_it(world: World) -> None:
    answer = world.browser("admin").post(f"{PEOPLE}add/", new_person())
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    user = User.objects.get(username="wang")
    assert (user.name, user.language, user.is_active, user.is_staff, user.is_superuser) == ("王小丽", "zh-hans", True, False, False)
    assert user.check_password(PASSWORD)
    token = world.client().post(
        "/api/v1/auth/token", {"username": "wang", "password": PASSWORD, "device_name": "x"}, content_type="application/json"
    )
    assert token.status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": ""}, "username"), ({"username": "worker"}, "username"), ({"username": "a" * 65}, "username"), ({"language": "fr"}, "language"),
        ({"password2": "x"}, "password2"), ({"password1": "12345678901", "password2": "12345678901"}, "password2"),
        ({"password1": "short", "password2": "short"}, "password2"), ({"name": "a" * 61}, "name"), ({"name": "a\x00"}, "name"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_account_is_said_at_the_field(world: World, change: dict[str, str], field: str) -> None:
    assert field in errors(world.browser("admin").post(f"{PEOPLE}add/", new_person(**change)))
    assert not User.objects.filter(username="wang").exists()


def test_an_account_is_switched_off_and_its_token_with_it(world: World) -> None:
    phone, user = world.client("worker"), world.user("worker")
    assert phone.get("/api/v1/cells/").status_code == 200
    answer = world.browser("admin").post(f"{PEOPLE}{user.pk}/change/", {"username": "worker", "name": "x", "language": "en", **inline()})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.is_active, user.language, user.name) == (False, "en", "x")
    assert phone.get("/api/v1/cells/").status_code in (401, 403)


def inline() -> dict[str, str]:
    return {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}


def test_a_password_is_set_on_its_own_page(world: World) -> None:
    user = world.user("worker")
    answer = world.browser("admin").post(f"{PEOPLE}{user.pk}/password/", {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("path", [PEOPLE, UNITS])
def test_people_and_units_are_never_deleted(world: World, path: str) -> None:
    client = world.browser("admin")
    pk = world.user("worker").pk if path == PEOPLE else world.units[A1C].pk
    assert client.post(f"{path}{pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(path, {"action": "delete_selected", "_selected_action": str(pk), "post": "yes"})
    assert User.objects.filter(pk=pk).exists() or OrgUnit.objects.filter(pk=pk).exists()


# --- units -------------------------------------------------------------------------------------------------------


def unit(world: World, **more: Any) -> dict[str, Any]:
    return {
        "name": "城管执法队",
        "kind": "enforcement",
        "level": "street",
        "parent": str(world.units[A1].pk),
        "place": str(world.places[A1].pk),
    } | more


def test_a_unit_is_made_and_everybody_hears_of_it(world: World) -> None:
    before = ground()
    answer = world.browser("admin").post(f"{UNITS}add/", unit(world, manages=[str(world.places[B1C].pk)]))
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    made = OrgUnit.objects.get(name="城管执法队")
    assert [place.code for place in made.manages.all()] == [B1C]
    row = FeedRow.objects.get(type="unit", rid=str(made.pk))
    assert "城管执法队" in row.wire and row.seq == Head.objects.get(pk=1).seq and ground() > before


def test_a_retired_unit_is_told_as_retired(world: World) -> None:
    client, old = world.browser("admin"), world.units[DEPARTMENT]
    sent = {
        "name": old.name,
        "kind": "department",
        "level": "district",
        "parent": str(world.units[A].pk),
        "place": str(world.places[A].pk),
        "retired": "on",
    }
    assert client.post(f"{UNITS}{old.pk}/change/", sent).status_code == 302
    assert '"retired":true' in FeedRow.objects.get(type="unit", rid=str(old.pk)).wire


def test_what_a_unit_manages_widens_its_peoples_scope_at_once(world: World) -> None:
    secretary = world.actor("secretary").scope
    far = world.places[B1C + "001"]
    assert not secretary.covers(far)
    own = world.units[A1C]
    sent = {"name": own.name, "kind": "centre", "level": "community", "parent": str(world.units[A1].pk), "place": str(world.places[A1C].pk)}
    assert world.browser("admin").post(f"{UNITS}{own.pk}/change/", sent | {"manages": [str(far.pk)]}).status_code == 302
    assert world.actor("secretary").scope.covers(far)


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("a parent of a lower level", {"parent": "unit:" + A1C}, "parent"),
        ("a parent that is not there", {"parent": "6f0f2f0c-0000-4b1a-9d55-6d2a9f3c1b00"}, "parent"),
        ("a parent that is no id", {"parent": "x"}, "parent"),
        ("a second centre", {"kind": "centre"}, "place"),
        ("a centre in a place of another level", {"kind": "centre", "place": "place:" + A}, "place"),
        ("a second centre of the city", {"kind": "centre", "level": "city", "parent": "", "place": ""}, "place"),
        ("no name", {"name": ""}, "name"),
        ("no such kind", {"kind": "x"}, "kind"),
        ("a place that is not there", {"place": "6f0f2f0c-0000-4b1a-9d55-6d2a9f3c1b00"}, "place"),
        ("cells that are not there", {"manages": ["x"]}, "manages"),
    ],
)
def test_a_unit_that_cannot_be_is_refused_at_its_field(world: World, name: str, change: dict[str, Any], field: str) -> None:
    for key, value in change.items():
        if isinstance(value, str) and ":" in value:
            kind, _, code = value.partition(":")
            change = change | {key: str((world.units if kind == "unit" else world.places)[code].pk)}
    assert field in errors(world.browser("admin").post(f"{UNITS}add/", unit(world, **change)))


def test_a_unit_does_not_stand_below_itself(world: World) -> None:
    top, below = world.units[A], world.units[DEPARTMENT]
    sent = {"name": top.name, "kind": "centre", "level": "district", "parent": str(below.pk), "place": str(world.places[A].pk)}
    assert "parent" in errors(world.browser("admin").post(f"{UNITS}{top.pk}/change/", sent))


# --- memberships -------------------------------------------------------------------------------------------------


def member(world: World, **more: str) -> dict[str, str]:
    return {
        "user": str(world.user("stranger").pk), "unit": str(world.units[A1C].pk), "role": "worker", "place": str(world.places[CELL].pk),
        "since": "2026-01-01", "until": "",
    } | more  # fmt: skip


def test_a_new_membership_opens_the_scope_with_the_next_call(world: World) -> None:
    assert world.actor("stranger").grants == ()
    answer = world.browser("admin").post(f"{MEMBERS}add/", member(world))
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    assert [(g.role, g.code) for g in world.actor("stranger").grants] == [("worker", CELL)]
    made = Membership.objects.get(user=world.user("stranger"))
    assert LogEntry.objects.filter(object_id=str(made.pk)).exists()


def test_an_ended_membership_closes_it_and_stays_as_past(world: World) -> None:
    pk = Membership.objects.get(user=world.user("worker")).pk
    answer = world.browser("admin").post(f"{MEMBERS}{pk}/change/", {"until": "2026-01-01"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    actor = world.actor("worker")
    assert actor.grants == () and [g.code for g in actor.past] == [CELL]


def test_of_a_membership_that_has_begun_only_the_end_changes(world: World) -> None:
    old = Membership.objects.get(user=world.user("worker"))
    world.browser("admin").post(f"{MEMBERS}{old.pk}/change/", member(world, role="admin", place="", since="2027-01-01"))
    new = Membership.objects.get(pk=old.pk)
    assert (new.role, new.place_id, new.since, new.user_id) == ("worker", old.place_id, old.since, old.user_id)


def test_a_membership_that_has_begun_is_not_deleted_and_one_to_come_is(world: World) -> None:
    client = world.browser("admin")
    old = Membership.objects.get(user=world.user("worker"))
    assert client.post(f"{MEMBERS}{old.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{MEMBERS}add/", member(world, since=day(9)))
    future = Membership.objects.get(user=world.user("stranger"))
    before = ground()
    assert client.post(f"{MEMBERS}{future.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Membership.objects.filter(pk=future.pk).exists() and ground() > before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"until": "2025-12-31"}, "until"), ({"since": "x"}, "since"), ({"since": ""}, "since"), ({"role": "mayor"}, "role"), ({"user": ""}, "user"),
        ({"user": "x"}, "user"), ({"place": "BUILDING"}, "place"), ({"unit": ""}, "unit"), ({"since": "99999-01-01"}, "since"),
    ],
)  # fmt: skip
def test_a_membership_that_cannot_be_is_refused_at_its_field(world: World, change: dict[str, str], field: str) -> None:
    if change.get("place") == "BUILDING":
        change = {"place": str(world.places[A1C + "00001"].pk)}
    assert field in errors(world.browser("admin").post(f"{MEMBERS}add/", member(world, **change)))


def test_the_list_is_filtered_by_time(world: World) -> None:
    client = world.browser("admin")

    def found(when: str) -> int:
        return int(client.get(MEMBERS, {"when": when}).context["cl"].result_count)

    assert (found("past"), found("future")) == (1, 0)
    assert found("now") == Membership.objects.count() - 1


def test_nobody_but_a_superuser_makes_administrators(world: World) -> None:
    client = world.browser("district-admin")
    assert client.post(f"{MEMBERS}add/", member(world, role="admin", place=str(world.places[B].pk))).status_code == 403
    assert client.post(f"{PEOPLE}add/", new_person()).status_code == 403
    assert (
        client.post(f"{PEOPLE}{world.user('district-admin').pk}/password/", {"password1": PASSWORD, "password2": PASSWORD}).status_code
        == 403
    )


def test_a_new_membership_begins_today_unless_another_day_is_typed(world: World) -> None:
    answer = world.browser("admin").get("/admin/grids/membership/add/")
    assert answer.context["adminform"].form.initial["since"] == city_day(timezone.now())
