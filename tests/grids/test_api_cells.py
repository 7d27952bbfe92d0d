"""Places over HTTP: pages by code, one place, every parameter that is wrong, and no more statements for more rows."""

import json
from typing import Any

import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.models import Place
from tests.world import A1, A1C, CAST, CELL, A, B, World

KEYS = {"id", "code", "name", "level", "kind", "parent", "path", "centroid", "bbox", "area_m2", "boundary_version", "synthetic"}
CELLS = "/api/v1/cells/"


def get(world: World, path: str = CELLS, who: str = "stranger", **query: Any) -> Any:
    return world.client(who).get(path, query)


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


@pytest.mark.parametrize("who", list(CAST))
def test_every_account_reads_places(world: World, who: str) -> None:
    assert len(codes(get(world, who=who, level="grid"))) == 12


@pytest.mark.parametrize("path", ["", f"{CELL}/", "locate", "../cells.geojson"])
def test_nobody_reads_them_without_an_account(world: World, path: str) -> None:
    answer = world.client().get("/api/v1/cells.geojson" if "geojson" in path else CELLS + path)
    assert answer.status_code == 401 and answer.json()["code"] == "not_authenticated" and "WWW-Authenticate" in answer


@pytest.mark.parametrize("path", [CELLS, f"{CELLS}{CELL}/", f"{CELLS}locate", "/api/v1/cells.geojson"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_changes_places_here(world: World, path: str, method: str) -> None:
    answer = getattr(world.client("admin"), method)(path, data="{}", content_type="application/json")
    assert answer.status_code == 405 and answer.json()["code"] == "method_not_allowed"


def test_a_record_has_the_keys_of_the_protocol_and_is_the_feeds(world: World) -> None:
    row = get(world, level="grid", under=CELL).json()["results"]
    assert len(row) == 1 and set(row[0]) == KEYS
    community = world.places[A1C]
    assert row[0] | {"area_m2": None} == {
        "id": str(world.places[CELL].pk), "code": CELL, "name": world.places[CELL].name, "level": "grid", "kind": "basic",
        "parent": str(community.pk), "path": [A, A1, A1C, CELL], "centroid": {"lng": 108.905, "lat": 34.205},
        "bbox": [108.9, 34.2, 108.91, 34.21], "area_m2": None, "boundary_version": 1, "synthetic": True,
    }  # fmt: skip
    # 0.01 degree: 922 m wide at this latitude, 1,109 m high.
    assert row[0]["area_m2"] == pytest.approx(922 * 1109, rel=0.002)
    with connection.cursor() as cursor:
        cursor.execute("SELECT wire FROM feed_feedrow WHERE type = 'place' AND rid = %s", [row[0]["id"]])
        assert json.loads(cursor.fetchone()[0]) == row[0]


def test_pages_follow_each_other_in_the_order_of_codes_without_gap_or_double(world: World) -> None:
    found: list[str] = []
    cursor = None
    for _ in range(20):
        answer = get(world, limit=5, **({"cursor": cursor} if cursor else {}))
        assert len(codes(answer)) <= 5
        found += codes(answer)
        cursor = answer.json()["next"]
        if cursor is None:
            break
    assert found == sorted(world.places) and len(found) == 24


def test_a_page_that_ends_with_the_last_row_has_no_next(world: World) -> None:
    assert get(world, level="grid", limit=12).json()["next"] is None
    assert get(world, level="grid", limit=11).json()["next"] is not None


def test_a_page_is_cut_at_a_thousand_and_a_thousand_may_be_asked_for(world: World) -> None:
    assert len(codes(get(world, limit=1000))) == 24
    assert len(codes(get(world, limit=999_999_999))) == 24


def test_under_is_the_place_and_all_below_it(world: World) -> None:
    assert codes(get(world, under=A)) == sorted(c for c in world.places if c.startswith(A))
    assert codes(get(world, under=A1C, level="grid")) == [A1C + "001", A1C + "002"]
    assert codes(get(world, under=CELL)) == [A1C + "00001", CELL], (
        "a building's code hangs under the community, the building under its cell"
    )


def test_under_follows_the_tree_and_not_the_codes(world: World) -> None:
    Place.objects.filter(code=CELL).update(code="999999999999999")
    assert "999999999999999" in codes(get(world, under=A1C, level="grid"))


def test_parent_gives_children_only(world: World) -> None:
    assert codes(get(world, parent=A)) == ["610104001", "610104002"]
    assert codes(get(world, parent=CELL)) == [A1C + "00001"]


@pytest.mark.parametrize(
    ("text", "level", "expected"), [("610113", "district", [B]), ("101", "grid", []), ("社区", "community", 6), ("3街", None, [A1])]
)
def test_q_finds_the_beginning_of_a_code_and_any_part_of_a_name(world: World, text: str, level: str | None, expected: Any) -> None:
    found = codes(get(world, q=text, **({"level": level} if level else {})))
    assert found == expected or len(found) == expected


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "%' OR 1=1 --", "第%网格", "ſ", "🏙", "a" * 100])
def test_q_is_a_text_and_no_pattern(world: World, text: str) -> None:
    assert codes(get(world, q=text)) == []


@pytest.mark.parametrize("name", ["under", "parent"])
@pytest.mark.parametrize("code", ["610199", "x", "💥", "'", "%", "610104001001001x"])
def test_an_unknown_code_is_404(world: World, name: str, code: str) -> None:
    for path in (CELLS, "/api/v1/cells.geojson") if name == "under" else (CELLS,):
        answer = get(world, path, **{name: code})
        assert answer.status_code == 404 and answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "-1"}, {"limit": "ten"}, {"limit": "1.5"}, {"limit": ""}, {"limit": "٣"}, {"limit": "9" * 400},
        {"level": "city"}, {"level": "Grid"}, {"level": "💥"}, {"q": "a" * 101}, {"q": "a\x01b"}, {"under": "1" * 33},
        {"cursor": "!"}, {"cursor": "💥"}, {"cursor": "AAAA"}, {"cursor": "YQ==="}, {"cursor": "a" * 3000}, {"cursor": "w6k"},
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_400_and_names_the_parameter(world: World, query: dict[str, str]) -> None:
    answer = get(world, **query)
    assert answer.status_code == 400, answer.content
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert body["code"] == "bad_query" and body["errors"][0]["pointer"] == "/" + next(iter(query)) and body["detail"]


@pytest.mark.parametrize("path", [f"{CELLS}nothing/", f"{CELLS}%F0%9F%92%A5/", f"{CELLS}%ff/", f"{CELLS}{'9' * 5000}/", f"{CELLS}'/"])
def test_one_place_that_is_not_there_is_404(world: World, path: str) -> None:
    answer = world.client("stranger").get(path)
    assert answer.status_code == 404 and answer.json()["code"] == "not_found"


def test_one_place_comes_with_its_shape_and_its_ancestors(world: World) -> None:
    body = get(world, f"{CELLS}{CELL}/").json()
    assert set(body) == KEYS | {"geometry", "ancestors"}
    assert [row["code"] for row in body["ancestors"]] == [A, A1, A1C] and set(body["ancestors"][0]) == KEYS
    assert body["geometry"]["type"] == "MultiPolygon"
    assert shapely.geometry.shape(body["geometry"]).equals(shapely.from_wkb(bytes(world.places[CELL].geometry)))
    assert get(world, f"{CELLS}{A}/").json()["ancestors"] == []


def test_retired_places_are_in_no_list_but_answer_to_their_code(world: World) -> None:
    Place.objects.filter(code=CELL).update(valid_to="2026-01-01")
    assert CELL not in codes(get(world, level="grid"))
    assert get(world, f"{CELLS}{CELL}/").status_code == 200


@pytest.mark.parametrize("limit", [1, 12])
def test_more_rows_take_no_more_statements(world: World, limit: int) -> None:
    client, query = world.client("worker"), {"level": "grid", "under": A, "limit": limit}
    client.get(CELLS, query)  # the caller's scope is remembered from here on
    with CaptureQueriesContext(connection) as ran:
        client.get(CELLS, query)
    # who calls; the place of `under`; the page; the ancestors' codes
    assert len(ran) == 4


def test_answers_are_not_kept_by_caches(world: World) -> None:
    assert get(world)["Cache-Control"] == "no-store"
