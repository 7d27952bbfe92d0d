"""Cases in the admin: to look at, in one's own part of the city, and never the words of a restricted one."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import Conflict, Event, Incident
from tests.world import B1C, CELL, World

CASES, EVENTS, CONFLICTS = (f"/admin/incidents/{name}/" for name in ("incident", "event", "conflict"))
SECRET = "张家与李家争吵"


def report(world: World, who: str, cell: str, category: str, description: str) -> str:
    incident = str(uuid.uuid4())
    op = {
        "op_id": str(uuid.uuid4()), "kind": "incident.report", "at": timezone.now().isoformat(), "incident": incident, "category": category,
        "description": description, "position": world.position(cell),
    }  # fmt: skip
    answer = world.client(who).post("/api/v1/sync/ops", {"queued": 1, "photos_waiting": 0, "ops": [op]}, content_type="application/json")
    assert answer.json()["answers"][0]["outcome"] == "applied", answer.content
    return incident


@pytest.fixture
def cases(world: World) -> dict[str, str]:
    """An open one and a restricted one in district A, one in district B; a conflict in A."""
    made = {
        "open": report(world, "worker", CELL, "0102", "路面塌陷"),
        "restricted": report(world, "worker", CELL, "0601", SECRET),
        "far": report(world, "worker2", B1C + "001", "0102", "远处"),
    }
    now = dt.datetime(2026, 5, 4, tzinfo=dt.UTC)
    Conflict.objects.create(
        id=uuid.uuid4(), incident=made["restricted"], kind="field", code="field_changed", field="description", client=SECRET, server=SECRET,
        by=world.user("worker").pk, op_id=str(uuid.uuid4()), at=now, parked_at=now, state="open",
    )  # fmt: skip
    return made


def page(client: Any, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def change(cases: dict[str, str], which: str) -> str:
    return f"{CASES}{cases[which]}/change/"


def test_a_superuser_sees_all_cases_and_the_words_of_open_ones(world: World, cases: dict[str, str]) -> None:
    client = world.browser("admin")
    numbers = set(Incident.objects.values_list("number", flat=True))
    assert all(number in page(client, CASES) for number in numbers) and len(numbers) == 3
    assert "路面塌陷" in page(client, change(cases, "open"))


@pytest.mark.parametrize("who", ["admin", "district-admin"])
def test_the_words_of_a_restricted_case_stand_on_no_page(world: World, cases: dict[str, str], who: str) -> None:
    client = world.browser(who)
    event, conflict = Event.objects.filter(incident=cases["restricted"])[0], Conflict.objects.get()
    pages = [CASES, EVENTS, CONFLICTS, change(cases, "restricted"), f"{EVENTS}{event.pk}/change/", f"{CONFLICTS}{conflict.pk}/change/"]
    with CaptureQueriesContext(connection) as ran:
        assert all(SECRET not in page(client, path) for path in pages)
    assert all('"client"' not in query["sql"] or "conflict" in query["sql"] for query in ran)


def test_a_district_administrator_sees_the_cases_of_the_district(world: World, cases: dict[str, str]) -> None:
    client = world.browser("district-admin")
    listed = page(client, CASES)
    assert Incident.objects.get(pk=cases["open"]).number in listed and Incident.objects.get(pk=cases["far"]).number not in listed
    assert cases["far"] not in page(client, EVENTS) and cases["open"] in page(client, EVENTS)
    assert cases["restricted"] in page(client, CONFLICTS)
    assert client.get(change(cases, "far")).status_code == 302, "as if it did not exist"


@pytest.mark.parametrize("path", [CASES, EVENTS, CONFLICTS])
def test_nobody_changes_anything_here(world: World, cases: dict[str, str], path: str) -> None:
    client = world.browser("admin")
    pk = {CASES: cases["open"], EVENTS: Event.objects.all()[0].pk, CONFLICTS: Conflict.objects.get().pk}[path]
    assert client.get(f"{path}add/").status_code == 403
    assert client.post(f"{path}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{path}{pk}/change/", {"state": "closed"}).status_code == 403
    assert client.get(f"{path}{pk}/change/").status_code == 200


def test_cases_and_their_logs_are_found_by_number_and_id(world: World, cases: dict[str, str]) -> None:
    client, number = world.browser("admin"), Incident.objects.get(pk=cases["far"]).number
    assert number in page(client, CASES, q=number[:6]) and number not in page(client, CASES, q="610104")
    for term in (number, cases["far"], cases["far"].upper()):
        found = page(client, EVENTS, q=term)
        assert cases["far"] in found and cases["open"] not in found
    for junk in ("x", "%", "💥", "'", "a" * 500, "0" * 32):
        for path in (CASES, EVENTS, CONFLICTS):
            page(client, path, q=junk)


def test_states_are_told_in_words_and_filtered(world: World, cases: dict[str, str]) -> None:
    client = world.browser("admin")
    client.cookies["django_language"] = "zh-hans"
    assert "已上报" in page(client, CASES)
    assert Incident.objects.get(pk=cases["open"]).number not in page(client, CASES, state="closed")
    page(client, CASES, state="nothing")


def test_a_page_of_cases_takes_the_same_statements_whatever_is_in_it(world: World, cases: dict[str, str]) -> None:
    client = world.browser("admin")

    def statements(**query: str) -> int:
        client.get(CASES, query)
        with CaptureQueriesContext(connection) as ran:
            client.get(CASES, query)
        return len(ran)

    assert statements(q=Incident.objects.get(pk=cases["far"]).number) == statements()


def test_states_and_kinds_of_change_are_told_in_words(world: World, cases: dict[str, str]) -> None:
    client = world.browser("admin")
    client.cookies["django_language"] = "zh-hans"
    found = page(client, EVENTS)
    assert "已上报" in found and "公开" in found
    assert ">submit<" not in found and ">reported<" not in found and ">public<" not in found
