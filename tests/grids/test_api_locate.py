"""A point over HTTP: its one cell, in every datum; without datum nothing; outside the nearest cell and how far."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.rules.datum import from_wgs84
from tests.world import A1, A1C, CELL, NEXT_CELL, A, World

LOCATE = "/api/v1/cells/locate"


def get(world: World, **query: Any) -> Any:
    return world.client("stranger").get(LOCATE, query)


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_a_point_lies_in_its_cell_in_whatever_datum_it_is_told(world: World, datum: str) -> None:
    for code in (CELL, NEXT_CELL, "610113001201002"):
        # 5 m from the cell's south-western corner: a wrong datum would be off by half a kilometre.
        lng, lat = from_wgs84(datum, *world.point(code, east=0.005, north=0.005))
        body = get(world, lng=f"{lng:.8f}", lat=f"{lat:.8f}", datum=datum).json()
        assert body["cell"]["code"] == code and body["on_edge"] is False
        assert [row["code"] for row in body["ancestors"]] == [code[:6], code[:9], code[:12]]


def test_a_corner_belongs_to_the_lowest_of_its_cells(world: World) -> None:
    body = get(world, lng="108.91", lat="34.21", datum="wgs84").json()
    assert body["cell"]["code"] == CELL and body["on_edge"] is True
    assert [row["code"] for row in body["ancestors"]] == [A, A1, A1C]


@pytest.mark.parametrize(
    ("lng", "lat", "distance_m"),
    [(108.8989, 34.205, 101.4), (108.905, 34.1991, 99.8), (0, 0, None), (122.5, 30.0, None), (-180, -90, None)],
)
def test_outside_the_nearest_cell_is_told_and_how_far_it_is(world: World, lng: float, lat: float, distance_m: float | None) -> None:
    answer = get(world, lng=lng, lat=lat, datum="wgs84")
    body = answer.json()
    assert answer.status_code == 404 and body["code"] == "outside_grid"
    assert set(body["nearest"]) == {"id", "code", "name"} and body["distance_m"] > 0
    if distance_m is not None:
        assert body["nearest"]["code"] == CELL and body["distance_m"] == pytest.approx(distance_m, abs=1.5)


@pytest.mark.parametrize("query", [{}, {"lng": "x"}, {"datum": ""}])
def test_without_datum_a_point_says_nothing(world: World, query: dict[str, str]) -> None:
    answer = get(world, **({"lng": "108.905", "lat": "34.205"} | query))
    assert answer.status_code == 400 and answer.json()["code"] == "datum_missing"


@pytest.mark.parametrize(
    ("name", "value"),
    [("datum", "mars"), ("datum", "WGS84")]
    + [
        (axis, value)
        for axis in ("lng", "lat")
        for value in ("", "nan", "inf", "-inf", "1e999", "181", "-181", "1_0", "٣", "abc", "1,5", "0x10", "9" * 400, "💥")
    ],
)
def test_what_is_no_position_is_400(world: World, name: str, value: str) -> None:
    answer = get(world, **({"lng": "108.905", "lat": "34.205", "datum": "wgs84"} | {name: value}))
    assert answer.status_code == 400 and answer.json()["code"] == "bad_query"
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"


def test_a_city_without_cells_has_no_nearest(db: None, django_user_model: Any) -> None:
    from django.test import Client
    from django.utils import timezone

    from gridgov.feed.models import Head
    from sync.auth import begin_token

    Head.objects.update(ground=987_654_321)
    token, _ = begin_token(user=django_user_model.objects.create_user("someone"), device_name="", now=timezone.now())
    answer = Client(headers={"Authorization": f"Token {token}"}).get(LOCATE, {"lng": 1, "lat": 2, "datum": "wgs84"})
    assert answer.status_code == 404 and answer.json()["nearest"] is None and answer.json()["distance_m"] is None


def test_the_sentence_is_in_the_readers_language(world: World) -> None:
    client = world.client("stranger", **{"Accept-Language": "en"})
    assert client.get(LOCATE).json()["title"] == "The position does not say in which datum it was measured."


def test_a_point_takes_three_statements_and_the_shapes_are_read_once(world: World) -> None:
    client, query = world.client("worker"), {"lng": "108.905", "lat": "34.205", "datum": "wgs84"}
    client.get(LOCATE, query)
    with CaptureQueriesContext(connection) as ran:
        client.get(LOCATE, query)
    assert len(ran) == 3, [q["sql"] for q in ran]
