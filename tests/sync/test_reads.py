"""Reads of cases (protocol §8): one with all that hangs on it, pages, candidates near a point, the tables that clients show."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from grids.rules.datum import from_wgs84
from incidents.clocks import archive
from incidents.models import Incident
from tests.sync import saying
from tests.sync.following import fresh
from tests.sync.oracle import BY_PLACE, Eyes
from tests.world import A1, A1C, A1N, A2C, B1C, CAST, CELL, NEXT_CELL, NOW, A, B, World

LIST = "/api/v1/incidents/"
FAR = B1C + "001"


def read(client: Client, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return dict(json.loads(answer.content))


def detail(client: Client, case: str) -> dict[str, Any]:
    return read(client, f"{LIST}{case}/")


def ids(page: dict[str, Any]) -> list[str]:
    return [record["id"] for record in page["results"]]


def all_pages(client: Client, **query: Any) -> list[str]:
    """Ids of all pages, in their order."""
    found: list[str] = []
    for _ in range(1_000):
        page = read(client, LIST, **query)
        assert set(page) == {"results", "next"}
        found += ids(page)
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]
    raise AssertionError("no end")


def archive_all() -> None:
    archive(before=timezone.now() + dt.timedelta(days=1), now=timezone.now())


# --- one case --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", [saying.PLAIN, saying.RESTRICTED])
def test_a_case_is_its_record_as_in_the_feed_with_what_hangs_on_it_for_every_reader(world: World, category: str) -> None:
    case = saying.report(world, "stranger", photos=2, category=category, address="三楼", answers={"深": 2.5})
    saying.edit(world, "secretary", case, description="改过的话", urgent=True)
    for visibility in ("internal", "reporter", "public"):
        saying.comment(world, "secretary", case, visibility=visibility)
    saying.comment(world, "worker", case)
    saying.clash(world, "worker", case)
    saying.clash(world, "worker", case, field="address")
    for name in ("worker", "secretary", "operator", "district-admin", "supervisor", "stranger"):
        client = world.client(name)
        feed, page = fresh(client), detail(client, case)
        assert {k: v for k, v in page.items() if k not in ("events", "photos", "checks", "conflicts", "allowed")} == feed.record(
            "incident", case
        )
        assert page["checks"] == []
        for key, kind in (("events", "event"), ("photos", "photo"), ("conflicts", "conflict")):
            there = [record for (k, _), (_, record) in feed.store.items() if k == kind]
            assert sorted(page[key], key=lambda r: r["id"]) == sorted(there, key=lambda r: r["id"]), (name, key)
        assert [event["n"] for event in page["events"]] == sorted(event["n"] for event in page["events"])


def test_it_says_of_every_action_whether_it_may_be_taken_and_why_not(world: World) -> None:
    case = saying.report(world, "worker", category="1101")  # wants a photo of the result
    table = {a["code"] for a in read(world.client("worker"), "/api/v1/workflow")["actions"]}

    def told(name: str) -> dict[str, Any]:
        answer = detail(world.client(name), case)["allowed"]
        assert all(set(one) == {"action", "ok", "why"} and one["ok"] == (one["why"] is None) for one in answer)
        assert {one["action"] for one in answer} == table - {"submit"}
        return {one["action"]: one["why"] for one in answer}

    assert told("secretary") | {"handle_here": None} == {
        "register": None, "reject": None, "resolve": "state", "close": "state", "reopen": "state", "handle_here": None,
    }  # fmt: skip
    assert set(told("district-admin").values()) == {"role"}, "reads, changes nothing"
    assert told("worker")["register"] == "role"
    saying.act(world, "secretary", case, "register")
    assert told("operator")["register"] == "state"
    assert told("secretary")["resolve"] == "after_photo_missing"
    saying.close(world, "secretary", saying.report(world, "worker"))
    saying.add_photo(world, "worker", case)
    saying.act(world, "secretary", case, "resolve", "close")
    archive_all()
    assert {why for action, why in told("secretary").items() if action != "handle_here"} == {"archived"}


def test_an_archived_case_is_read_by_those_of_its_place_and_no_longer_by_its_author(world: World) -> None:
    case = saying.report(world, "stranger")
    saying.act(world, "secretary", case, "reject")
    archive_all()
    assert detail(world.client("worker"), case)["state"] == "rejected"
    assert world.client("stranger").get(f"{LIST}{case}/").status_code == 404
    assert ids(read(world.client("stranger"), LIST)) == []
    assert ids(read(world.client("secretary"), LIST)) == [case]


# --- pages -----------------------------------------------------------------------------------------------------------


def some_cases(world: World) -> None:
    """Reports in several places, many of one instant, some closed, some archived."""
    for minute in range(3):
        now = NOW + dt.timedelta(minutes=minute)
        for name, cell in (("stranger", CELL), ("worker", NEXT_CELL), ("worker2", A1N + "001"), ("worker", FAR), ("worker2", A2C + "002")):
            ops = [saying.report_op(world, cell=cell, category=c) for c in (saying.PLAIN, saying.PLAIN, saying.RESTRICTED)]
            assert all(a.outcome == "applied" for a in saying.do(world, name, *ops, now=now))
    for number, incident in enumerate(Incident.objects.filter(cell_code=CELL).order_by("received_at", "id")):
        if number % 3 == 0:
            saying.act(world, "secretary", str(incident.pk), "reject")
    archive_all()
    saying.act(world, "secretary", str(Incident.objects.filter(cell_code=NEXT_CELL)[0].pk), "reject")


def expected(world: World, name: str, **where: Any) -> list[str]:
    """Scope (the archive too) and one's own reports until they are archived; newest first, by id where times are equal."""
    eyes = Eyes(world, name)
    rows = [
        i for i in Incident.objects.filter(**where)
        if eyes.covers(eyes.places[i.cell], BY_PLACE) or (i.by_user == eyes.user.pk and i.archived_at is None)
    ]  # fmt: skip
    return [str(i.pk) for i in sorted(rows, key=lambda i: (i.received_at, str(i.pk)), reverse=True)]


@pytest.mark.parametrize("name", list(CAST))
def test_pages_hold_each_case_of_the_scope_once_newest_first(world: World, name: str) -> None:
    some_cases(world)
    client = world.client(name)
    for limit in (1, 4, 200):
        assert all_pages(client, limit=limit) == expected(world, name)


def test_records_of_a_page_are_those_of_the_feed(world: World) -> None:
    some_cases(world)
    for name in ("worker", "secretary", "supervisor", "stranger"):
        feed = fresh(world.client(name))
        live = {str(i.pk) for i in Incident.objects.filter(archived_at=None)}
        for record in read(world.client(name), LIST, limit=200)["results"]:
            if record["id"] in live:
                assert record == feed.record("incident", record["id"])


def test_a_case_that_comes_between_two_pages_shifts_nothing(world: World) -> None:
    first = [saying.report(world, "worker") for _ in range(6)]
    client = world.client("worker")
    page = read(client, LIST, limit=3)
    saying.report(world, "worker")
    assert ids(page) + all_pages(client, limit=3, cursor=page["next"]) == first[::-1]


def test_they_are_narrowed_by_state_place_category_and_words(world: World) -> None:
    some_cases(world)
    client = world.client("supervisor")
    assert all_pages(client, state="rejected") == expected(world, "supervisor", state="rejected")
    assert all_pages(client, state="reported") == expected(world, "supervisor", state="reported")
    assert all_pages(client, state="reported,rejected") == expected(world, "supervisor")
    assert all_pages(client, state="open") == expected(world, "supervisor", state="reported")
    for code in (A, A1, A1C, CELL, B, B1C, FAR):
        assert all_pages(client, under=code) == expected(world, "supervisor", cell_code__startswith=code), code
    assert all_pages(client, under=A1C + "00001") == expected(world, "supervisor", cell_code=CELL), "a building stands in its cell"
    assert all_pages(client, category=saying.RESTRICTED) == expected(world, "supervisor", category=saying.RESTRICTED)
    assert all_pages(client, category="9999") == []
    assert all_pages(client, overdue="true") == [], "nothing is due yet"
    assert all_pages(client, overdue="false") == expected(world, "supervisor")
    both = expected(world, "supervisor", state="rejected", cell_code__startswith=A1C, category=saying.PLAIN)
    assert all_pages(client, state="rejected", under=A1C, category=saying.PLAIN, limit=1) == both
    assert both


def test_narrowing_to_a_place_out_of_scope_shows_one_s_own_reports_there_and_nothing_else(world: World) -> None:
    some_cases(world)
    mine = expected(world, "worker", cell_code__startswith=B)
    assert mine
    assert all_pages(world.client("worker"), under=B) == mine
    assert all_pages(world.client("neighbour"), under=B) == []


def test_an_overdue_case_is_an_open_one_whose_time_has_passed(world: World) -> None:
    late, later, closed = (saying.report(world, "worker") for _ in range(3))
    now = timezone.now()
    saying.act(world, "secretary", closed, "reject")
    Incident.objects.filter(pk__in=[late, closed]).update(due_at=now - dt.timedelta(seconds=1))
    Incident.objects.filter(pk=later).update(due_at=now + dt.timedelta(hours=1))
    assert all_pages(world.client("secretary"), overdue="true") == [late]


def test_words_are_found_in_numbers_from_their_beginning_and_in_descriptions(world: World) -> None:
    cover = saying.report(world, "worker", description="南门井盖缺失 100% _really_ Broken!")
    other = saying.report(world, "worker", description="路灯不亮")
    client = world.client("secretary")
    number = Incident.objects.get(pk=cover).number
    for text, found in (
        ("井盖", [cover]), ("100%", [cover]), ("_really_", [cover]), ("broken!", [cover]), ("路灯", [other]), (number, [cover]),
        (number[:13], [other, cover]), ("%", [cover]), ("_", [cover]), ("!", [cover]), ("没有", []), ("'", []), ("\\", []),
    ):  # fmt: skip
        assert all_pages(client, q=text) == found, text


def test_what_a_restricted_case_says_is_found_by_those_who_may_read_it_and_by_nobody_else(world: World) -> None:
    case = saying.report(world, "stranger", category=saying.RESTRICTED, description="秘密的词")
    for name in CAST:
        found = all_pages(world.client(name), q="秘密")
        assert found == ([case] if name in ("secretary", "stranger") else []), name
        seen = ids(read(world.client(name), LIST))
        assert all_pages(world.client(name), q=Incident.objects.get(pk=case).number) == seen, name


# --- near a point ----------------------------------------------------------------------------------------------------


def near(client: Client, at: tuple[float, float], *, datum: str = "wgs84", **more: Any) -> list[dict[str, Any]]:
    lng, lat = at
    return list(read(client, f"{LIST}nearby", lng=lng, lat=lat, datum=datum, **more)["results"])


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_candidates_are_found_in_every_datum_nearest_first_with_distance_and_age(world: World, datum: str) -> None:
    lng, lat = world.point(CELL)
    close, off, far = lng + 0.0001, lng + 0.0006, lng + 0.003  # about 9, 55 and 276 m
    cases = [
        saying.report(world, "worker", position={"lng": x, "lat": lat, "datum": "wgs84", "source": "gps", "accuracy_m": 5})
        for x in (off, close, far)
    ]
    asked = from_wgs84(datum, lng, lat)
    found = near(world.client("worker"), asked, datum=datum)
    assert [one["id"] for one in found] == [cases[1], cases[0]], "100 m where nothing is said"
    assert found[0]["distance_m"] == pytest.approx(9.2, abs=0.5)
    assert found[1]["distance_m"] == pytest.approx(55.3, abs=0.5)
    assert all(0 <= one["age_s"] < 600 for one in found)
    feed = fresh(world.client("worker"))
    for one in found:
        assert {k: v for k, v in one.items() if k not in ("distance_m", "age_s")} == feed.record("incident", one["id"])
    assert len(near(world.client("worker"), asked, datum=datum, radius_m=300)) == 3
    assert len(near(world.client("worker"), asked, datum=datum, radius_m=20)) == 1
    assert near(world.client("worker"), asked, datum=datum, category="0103") == []
    assert len(near(world.client("worker"), asked, datum=datum, category=saying.PLAIN)) == 2


def test_closed_cases_and_those_out_of_scope_are_no_candidates(world: World) -> None:
    case = saying.report(world, "stranger")
    point = world.point(CELL)
    assert [one["id"] for one in near(world.client("stranger"), point)] == [case]
    for name in ("neighbour", "worker2", "handler", "former", "admin"):
        assert near(world.client(name), point) == [], name
    saying.act(world, "secretary", case, "reject")
    assert near(world.client("worker"), point) == []


def test_a_restricted_candidate_is_shown_without_its_words(world: World) -> None:
    saying.report(world, "stranger", category=saying.RESTRICTED, description="秘密的词")
    point = world.point(CELL)
    assert [one["description"] for one in near(world.client("worker"), point)] == [None]
    assert [one["description"] for one in near(world.client("secretary"), point)] == ["秘密的词"]


def test_a_point_without_its_datum_is_refused(world: World) -> None:
    answer = world.client("worker").get(f"{LIST}nearby", {"lng": 108.9, "lat": 34.2})
    assert (answer.status_code, answer.json()["code"]) == (400, "datum_missing")


# --- tables ----------------------------------------------------------------------------------------------------------


def test_the_workflow_lists_states_and_actions_in_the_reader_s_language(world: World) -> None:
    for language, word in (("zh-hans", "立案"), ("en", "register"), ("de", "立案")):
        table = read(world.client("worker", **{"Accept-Language": language}), "/api/v1/workflow")
        assert set(table) == {"states", "actions"}
        assert all(set(state) == {"code", "name", "open"} for state in table["states"])
        states = {state["code"] for state in table["states"]}
        for action in table["actions"]:
            assert set(action) == {"code", "name", "from", "to", "roles", "offline", "args"}
            assert {action["to"], *action["from"]} <= states
            assert all({"name", "type", "required"} <= set(arg) for arg in action["args"])
        assert word in {action["name"] for action in table["actions"]}


def test_categories_are_those_of_the_feed(world: World) -> None:
    client = world.client("stranger")
    page = read(client, "/api/v1/categories/")
    assert set(page) == {"results", "next"}
    assert page["next"] is None
    feed = fresh(client)
    assert {record["id"]: record for record in page["results"]} == {
        rid: r for (kind, rid), (_, r) in feed.store.items() if kind == "category"
    }
    keys = {
        "id",
        "code",
        "names",
        "parent",
        "kind",
        "handling_class",
        "restricted",
        "retired",
        "replaced_by",
        "required_photos",
        "radius_m",
        "questions",
    }
    assert all(set(record) == keys for record in page["results"])


def test_the_limits_are_the_protocol_s(world: World) -> None:
    assert read(world.client("stranger"), "/api/v1/sync/limits") == {
        "ops": 200, "push_bytes": 1048576, "op_bytes": 65536, "page": 1000, "page_bytes": 1048576, "photo_bytes": 10485760,
        "photo_pixels": 50_000_000, "photos_per_op": 20, "description": 1000, "comment": 2000, "json_depth": 32,
    }  # fmt: skip


# --- bad queries -----------------------------------------------------------------------------------------------------

JUNK = [
    "", " ", "0", "-1", "1.5", "1e400", "NaN", "inf", "9" * 400, "x" * 5_000, "漢字", "🙂", "\x00", "\x01", "\u202e", "' OR 1=1 --", "%", "../..", "[]",
    "{}", "null", "true", "a,b", "open,closed", ",", "2026-01-01",
]  # fmt: skip
PARAMETERS = {
    LIST: ["state", "under", "category", "overdue", "q", "limit", "cursor"],
    LIST + "nearby": ["lng", "lat", "datum", "category", "radius_m"],
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in PARAMETERS.items() for name in names])
def test_junk_in_a_parameter_is_answered_and_never_a_server_error(world: World, path: str, name: str) -> None:
    saying.report(world, "worker")
    client = world.client("worker")
    good = {"lng": "108.9", "lat": "34.2", "datum": "wgs84"} if path.endswith("nearby") else {}
    for value in JUNK:
        answer = client.get(path, good | {name: value})
        assert answer.status_code in (200, 400, 404), (name, value)
        if answer.status_code != 200:
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] in ("bad_query", "not_found", "datum_missing"), (name, value, answer.content)


def mark(text: str) -> str:
    import base64

    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00+00:00|" + "-" * 36, "2026-01-01T00:00:00+00:00|" + "a" * 36, "0001-01-01T00:00:00+23:59|" + str(uuid.uuid4()),
        "9999-12-31T23:59:59-23:59|" + str(uuid.uuid4()), "2026-01-01T00:00:00|" + str(uuid.uuid4()), "|", "||", "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00|" + str(uuid.uuid4()).upper(), "2026-01-01T00:00:00+00:00|" + str(uuid.uuid4()) + "|", "\x00|\x00",
    ],
)  # fmt: skip
def test_a_place_in_the_list_that_we_did_not_give_is_a_bad_query(world: World, text: str) -> None:
    saying.report(world, "worker")
    for name in ("worker", "supervisor"):
        answer = world.client(name).get(LIST, {"cursor": mark(text)})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_query"), text


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5"])
def test_a_limit_that_is_no_number_is_a_bad_query(world: World, limit: str) -> None:
    answer = world.client("worker").get(LIST, {"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")


def test_a_limit_above_200_is_cut(world: World) -> None:
    ops = [saying.report_op(world) for _ in range(201)]
    saying.do(world, "worker", *ops[:120])
    saying.do(world, "worker", *ops[120:])
    page = read(world.client("worker"), LIST, limit=5_000)
    assert len(page["results"]) == 200
    assert page["next"] is not None


def test_an_unknown_place_is_not_found_and_an_unknown_state_a_bad_query(world: World) -> None:
    client = world.client("worker")
    answer = client.get(LIST, {"under": "999999"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = client.get(LIST, {"state": "lost"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")
