"""Every address × every role × every relation to the case: an expected table of its own. What may not be seen looks like what is not there."""

import uuid
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from incidents.models import Photo
from tests.sync import saying
from tests.sync.following import fresh
from tests.sync.oracle import BY_PLACE, STAFF
from tests.world import A1N, B1C, CAST, CELL, NEXT_CELL, NOW, World

CASES = "/api/v1/incidents/"
# Relation → the cell of a case that a stranger reported, as a worker of CELL has to do with it.
PLACES = {"own": CELL, "sibling": NEXT_CELL, "other community": A1N + "001", "other district": B1C + "001"}
# role → which of these it covers, and which by a desk. From protocol §4.1 and the cast, by hand.
COVERS = {
    "worker": {"own"}, "neighbour": {"sibling"}, "worker2": {"other district"}, "secretary": {"own", "sibling"}, "secretary2": {"other district"},
    "operator": {"own", "sibling", "other community"}, "district-admin": {"own", "sibling", "other community"}, "handler": set(),
    "supervisor": set(PLACES), "former": set(), "admin": set(), "stranger": set(),
}  # fmt: skip
DESKS = {"secretary", "secretary2", "operator", "supervisor"}
# Those at the desk of the owner unit itself, by relation: they read the words of restricted cases.
OWNERS = {"own": {"secretary"}, "sibling": {"secretary"}, "other community": set(), "other district": {"secretary2"}}
VARY = {"Date", "X-Request-ID"}


def look(answer: HttpResponse) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers, but for what differs by the moment."""
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in VARY}


@pytest.fixture
def cases(world: World) -> dict[str, dict[str, str]]:
    """One case for each relation, with a photo, an internal line and a parked value; one that stands under a restricted category."""
    made: dict[str, dict[str, str]] = {}
    for relation, cell in PLACES.items():
        case = saying.report(world, "stranger", cell=cell, photos=1)
        hidden = saying.report(world, "stranger", cell=cell, category=saying.RESTRICTED, description="秘密的词")
        saying.comment(world, "supervisor", case, text="内部的话")
        made[relation] = {"case": case, "hidden": hidden, "photo": str(Photo.objects.get(incident=case).pk)}
    return made


@pytest.mark.parametrize("name", list(CAST))
def test_a_case_is_shown_to_those_of_the_table_and_to_others_it_is_not_there(
    world: World, cases: dict[str, dict[str, str]], name: str
) -> None:
    client = world.client(name)
    nowhere = look(client.get(f"{CASES}{uuid.uuid4()}/"))
    assert nowhere[0] == 404
    for relation, ids in cases.items():
        answer = client.get(f"{CASES}{ids['case']}/")
        if name == "stranger" or relation in COVERS[name]:
            assert answer.status_code == 200, relation
            words = answer.content.decode()
            assert ("内部的话" in words) == (name in DESKS and relation in COVERS[name]), relation
            hidden = client.get(f"{CASES}{ids['hidden']}/")
            assert ("秘密的词" in hidden.content.decode()) == (name == "stranger" or name in OWNERS[relation]), relation
        else:
            assert look(answer) == nowhere, relation
            assert look(client.get(f"{CASES}{ids['hidden']}/")) == nowhere, relation


@pytest.mark.parametrize("name", list(CAST))
def test_lists_and_the_feed_hold_just_the_cases_of_the_table(world: World, cases: dict[str, dict[str, str]], name: str) -> None:
    expected = {ids[key] for relation, ids in cases.items() for key in ("case", "hidden") if name == "stranger" or relation in COVERS[name]}
    client = world.client(name)
    assert {record["id"] for record in client.get(CASES, {"limit": 200}).json()["results"]} == expected
    assert fresh(client).of("incident") == expected
    for relation, cell in PLACES.items():
        lng, lat = world.point(cell)
        found = client.get(f"{CASES}nearby", {"lng": lng, "lat": lat, "datum": "wgs84", "radius_m": 500}).json()["results"]
        assert {one["id"] for one in found} == expected & {cases[relation]["case"], cases[relation]["hidden"]}, relation


@pytest.mark.parametrize("name", list(CAST))
def test_a_picture_of_a_case_that_is_not_theirs_is_not_there(world: World, cases: dict[str, dict[str, str]], name: str) -> None:
    client = world.client(name)
    for size in ("thumb", "view"):
        nowhere = look(client.get(f"/api/v1/photos/{uuid.uuid4()}/{size}"))
        for relation, ids in cases.items():
            assert look(client.get(f"/api/v1/photos/{ids['photo']}/{size}")) == nowhere, (relation, "not stored yet, or not theirs")


OPS: dict[str, dict[str, Any]] = {
    "incident.edit": {"base_version": 1, "base": {"address": None}, "fields": {"address": "三楼"}},
    "incident.act": {"base_version": 1, "action": "register", "args": {}},
    "incident.comment": {"text": "看过了"},
    "photo.add": {"size": 10, "stage": "after"},
}


@pytest.mark.parametrize("kind", list(OPS))
def test_an_op_on_a_case_that_never_was_theirs_is_answered_like_one_on_nothing(
    world: World, cases: dict[str, dict[str, str]], kind: str
) -> None:
    def pushed(client: Client, case: str) -> dict[str, Any]:
        more = {"comment": saying.new_id()} if kind == "incident.comment" else {}
        more |= {"photo": saying.new_id(), "sha256": "a" * 64} if kind == "photo.add" else {}
        op = saying.op(kind, incident=case, **OPS[kind], **more)
        answer = client.post("/api/v1/sync/ops", {"ops": [op]}, content_type="application/json")
        told = answer.json()["answers"][0]
        assert (told.pop("op_id"), told.pop("incident")) == (op["op_id"], case)
        return dict(told)

    for name in CAST:
        client = world.client(name)
        nothing = pushed(client, saying.new_id())
        assert (nothing["outcome"], nothing["code"]) == ("refused", "not_found")
        for relation, ids in cases.items():
            once = name == "former" and relation == "own"
            if name == "stranger" or relation in COVERS[name] or once:
                continue
            assert pushed(client, ids["case"]) == nothing, (name, relation)


def test_a_conflict_and_a_photo_of_others_are_answered_like_nothing(world: World) -> None:
    case = saying.report(world, "stranger", photos=1)
    conflict = saying.clash(world, "worker", case)
    photo = str(Photo.objects.get(incident=case).pk)
    for name in ("neighbour", "worker2", "secretary2", "handler", "admin", "district-admin"):
        for there, op in (
            (conflict, lambda key: saying.resolve_op(key, "server")),
            (photo, lambda key: saying.op("photo.withdraw", photo=key)),
        ):
            if name == "district-admin" and there == photo:
                continue  # sees the case, and is told that this is not for them
            told, nothing = (saying.do(world, name, op(key))[0] for key in (there, saying.new_id()))
            assert (
                (told.outcome, told.code, told.details)
                == (nothing.outcome, nothing.code, nothing.details)
                == ("refused", "not_found", None)
            )
            assert told.version is told.number is told.cell is None


# --- who is not logged in, and what takes another method --------------------------------------------------------------


def addresses() -> list[str]:
    """All addresses below /api/v1/, with ids that nothing has."""
    found = []

    def walk(patterns: list[Any], before: str) -> None:
        for pattern in patterns:
            text = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, text)
            elif isinstance(pattern, URLPattern) and text.startswith("api/v1/"):
                for part, value in (("uuid:", str(uuid.UUID(int=1, version=4))), ("str:size", "view"), ("str:", "x"), ("code", "610104")):
                    start = text.find("<" + part)
                    if start >= 0:
                        text = text[:start] + value + text[text.index(">", start) + 1 :]
                found.append("/" + text)

    walk(get_resolver().url_patterns, "")
    return sorted(found)


def test_the_walk_finds_the_addresses_of_the_protocol(db: None) -> None:
    for path in ("me", "auth/logout", "sync/ops", "sync/changes", "sync/digest", "sync/limits", "incidents/", "incidents/nearby", "workflow",
                 "categories/", "cells/", "cells/locate", "cells.geojson", "sync/photos/"):  # fmt: skip
        assert f"/api/v1/{path}" in addresses()


def test_without_a_login_every_address_but_the_login_s_says_so_and_nothing_else(world: World) -> None:
    for path in addresses():
        if path == "/api/v1/auth/token":
            continue
        answers = [world.client(None).get(path), Client(headers={"Authorization": "Token " + "x" * 43}).get(path)]
        for answer in answers:
            if answer.status_code in (405, 412):
                continue  # the method, or tus' version, is looked at first
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated"), path
            assert answer["WWW-Authenticate"].startswith("Token"), path
            assert answer["Content-Type"] == "application/problem+json"


def test_a_method_that_an_address_does_not_take_is_refused_with_those_that_it_takes(world: World) -> None:
    client = world.client("supervisor")
    for path in addresses():
        for method in ("put", "patch", "delete"):
            answer = getattr(client, method)(path, content_type="application/json")
            if path.startswith("/api/v1/sync/photos/"):
                assert answer.status_code in (404, 405, 412), path
                continue
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), (path, method)
            assert answer["Allow"]


def test_a_wrong_id_in_an_address_looks_like_one_that_nothing_has(world: World) -> None:
    client = world.client("worker")
    nowhere = look(client.get(f"{CASES}{uuid.uuid4()}/"))
    for wrong in ("1", "x", str(uuid.uuid4()).upper(), "0" * 36, "漢字", str(uuid.uuid4())[:-1]):
        answer = look(client.get(f"{CASES}{wrong}/"))
        assert answer[:2] == nowhere[:2], wrong


def test_the_table_of_this_file_is_the_cast(world: World) -> None:
    """The roles by hand above are those of tests/world.py; a new one wants a row."""
    assert set(COVERS) == set(CAST)
    assert {name for name, (_, role, _, _) in CAST.items() if role in STAFF} == DESKS
    assert all(CAST[name][1] in BY_PLACE for name, covers in COVERS.items() if covers)
    assert NOW.tzinfo is not None
