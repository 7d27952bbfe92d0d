"""All shapes of a level: a FeatureCollection that makes up the parents, its ETag, and what it costs."""

import asyncio
import json
from typing import Any

import pytest
import shapely
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from grids.actions import raise_ground
from tests.world import A1C, A, World

SHAPES = "/api/v1/cells.geojson"


def body_of(answer: Any) -> Any:
    assert answer.status_code == 200
    return json.loads(b"".join(answer.streaming_content))


def shapes(world: World, **query: str) -> dict[str, Any]:
    body = body_of(world.client("stranger").get(SHAPES, query))
    assert body["type"] == "FeatureCollection"
    return {f["properties"]["code"]: shapely.geometry.shape(f["geometry"]) for f in body["features"]}


@pytest.mark.parametrize(("level", "count"), [("district", 2), ("street", 3), ("community", 6), ("grid", 12), ("building", 1)])
def test_each_level_is_whole(world: World, level: str, count: int) -> None:
    assert len(shapes(world, level=level)) == count


def test_without_a_level_it_is_the_cells(world: World) -> None:
    assert shapes(world).keys() == shapes(world, level="grid").keys()


def test_children_make_up_their_parent_exactly(world: World) -> None:
    district = shapes(world, level="district")[A]
    assert shapely.union_all(list(shapes(world, level="grid", under=A).values())).equals(district)


def test_coordinates_come_back_as_the_same_numbers(world: World) -> None:
    for code, shape in shapes(world, level="grid").items():
        assert shapely.to_wkb(shape) == bytes(world.places[code].geometry)


def test_a_feature_carries_the_record(world: World) -> None:
    feature = body_of(world.client("worker").get(SHAPES, {"level": "community", "under": A1C}))["features"][0]
    listed = world.client("worker").get("/api/v1/cells/", {"level": "community", "under": A1C}).json()["results"][0]
    assert feature["properties"] == listed and feature["id"] == listed["id"] and feature["geometry"]["type"] == "MultiPolygon"


def test_nothing_under_a_place_is_an_empty_collection(world: World) -> None:
    assert shapes(world, level="district", under=A1C) == {}


def test_who_has_the_newest_gets_304_until_a_boundary_or_name_changes(world: World) -> None:
    client = world.client("worker")
    etag = client.get(SHAPES)["ETag"]
    again = client.get(SHAPES, headers={"If-None-Match": etag})
    assert again.status_code == 304 and not again.content and again["ETag"] == etag
    assert client.get(SHAPES, headers={"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    raise_ground()
    newer = client.get(SHAPES, headers={"If-None-Match": etag})
    assert newer.status_code == 200 and newer["ETag"] != etag


def test_a_closed_account_gets_no_304(world: World) -> None:
    etag = world.client("worker").get(SHAPES)["ETag"]
    assert world.client().get(SHAPES, headers={"If-None-Match": etag}).status_code == 401


@pytest.mark.parametrize("level", ["city", "x", "💥"])
def test_an_unknown_level_is_400(world: World, level: str) -> None:
    assert world.client("worker").get(SHAPES, {"level": level}).json()["code"] == "bad_query"


@pytest.mark.parametrize(("level", "under"), [("street", None), ("grid", None), ("grid", A)])
def test_more_shapes_take_no_more_statements(world: World, level: str, under: str | None) -> None:
    client, query = world.client("worker"), {"level": level} | ({"under": under} if under else {})
    client.get(SHAPES, query)
    with CaptureQueriesContext(connection) as ran:
        body_of(client.get(SHAPES, query))
    # who calls; the version; (the place of `under`;) the shapes; the ancestors' codes
    assert len(ran) == 4 + (under is not None)


def test_over_asgi_it_is_streamed_in_pieces_without_a_warning(transactional_db: None, world: World) -> None:
    token = world.token("worker")

    async def ask() -> list[bytes]:
        answer = await AsyncClient().get(SHAPES, headers={"Authorization": f"Token {token}"})
        assert answer.streaming and answer.is_async
        found = [piece async for piece in answer.streaming_content]
        await sync_to_async(connections.close_all)()
        return found

    pieces = asyncio.run(ask())
    assert len(pieces) == 3 and len(json.loads(b"".join(pieces))["features"]) == 12
