"""Point → cell: inside, on edges and corners, a hair outside, far away; many at once; one tree a ground version."""

import datetime as dt
import random
import threading

import numpy as np
import pytest
import shapely
from django.test.utils import CaptureQueriesContext

from grids import locate, tree
from grids.locate import Cell, Locator
from grids.models import Place
from grids.rules.measure import distance_m
from grids.rules.split import cut
from tests.world import A1, A1C, A1N, A2, A, World

GROUND = 4711


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Each test begins with an empty memory."""
    locate._kept.clear()


def made(count: int = 40) -> tuple[Locator, list[shapely.Polygon]]:
    """Cells of a square from 108 to 109 east, 34 to 35 north, in code order."""
    shapes = cut(area=shapely.box(108, 34, 109, 35), weights=[1.0] * count, angle=0.0)
    cells = [
        Cell(str(at), at, f"{at:03d}", "", 1, 2, 3, at, ("1", "2", "3", f"{at:03d}"), 1, shape.representative_point().coords[0])
        for at, shape in enumerate(shapes)
    ]
    return Locator(cells, np.array(shapes, object)), shapes


def test_a_point_lies_in_the_cell_that_holds_it(world: World) -> None:
    found = locate.locator(GROUND).one(*world.point(A1C + "002"))
    assert found.cell is not None
    assert (found.cell.code, found.on_edge, found.nearest, found.distance_m) == (A1C + "002", False, None, 0.0)
    place = Place.objects.get(code=A1C + "002")
    assert (found.cell.id, found.cell.sid, found.cell.cell, found.cell.community) == (str(place.pk), place.sid, place.sid, place.community)
    assert found.cell.path_codes == (A, A1, A1C, A1C + "002")
    assert found.cell.boundary_version == place.boundary_version


def test_every_cell_is_known_by_id_and_code_and_holds_its_own_inner_point(world: World) -> None:
    known = locate.locator(GROUND)
    assert [cell.code for cell in known.cells] == sorted(known.by_code) and len(known.by_id) == 12
    for cell in known.cells:
        assert known.one(*cell.inner).cell == cell


def test_a_point_on_a_shared_edge_or_corner_belongs_to_the_lowest_code(world: World) -> None:
    known = locate.locator(GROUND)
    edge = world.point(A1C + "001", east=1.0, north=0.5)  # A1C stands west of A1N
    corner = world.point(A1C + "001", east=1.0, north=1.0)  # four cells meet
    for point in (edge, corner):
        found = known.one(*point)
        assert found.cell is not None and found.cell.code == A1C + "001" and found.on_edge


def test_a_hair_outside_the_city_is_on_its_edge_and_more_is_outside(world: World) -> None:
    known = locate.locator(GROUND)
    west, lat = world.point(A1C + "001", east=0.0, north=0.5)
    near = known.one(west - 5e-7, lat)
    assert near.cell is not None and near.cell.code == A1C + "001" and near.on_edge
    out = known.one(west - 2e-6, lat)
    assert out.cell is None and out.nearest is not None and out.nearest.code == A1C + "001"
    assert out.distance_m == pytest.approx(2e-6 * 111_320 * 0.827, rel=0.02)


@pytest.mark.parametrize("point", [(0.0, 0.0), (122.5, 30.0), (108.94, 90.0), (-180.007, -90.006), (108.94, 34.9)])
def test_far_outside_the_nearest_cell_and_its_distance_are_told(world: World, point: tuple[float, float]) -> None:
    found = locate.locator(GROUND).one(*point)
    assert found.cell is None and found.nearest is not None and not found.on_edge
    assert 1_000 < found.distance_m < 20_100_000


def test_the_distance_is_that_of_the_nearest_cell_in_metres_not_in_degrees() -> None:
    # Two cells about a point at 60° north: one 0.030° to the east (1.7 km), one 0.020° to the north (2.2 km).
    east, north = shapely.box(10.030, 59.99, 10.05, 60.005), shapely.box(9.99, 60.020, 10.01, 60.04)
    cells = [Cell(str(n), n, str(n), "", 1, 1, 1, n, (str(n),), 1, (0.0, 0.0)) for n in range(2)]
    found = Locator(cells, np.array([north, east], object)).one(10.0, 60.0)
    assert found.nearest is not None and found.nearest.code == "1"
    assert found.distance_m == pytest.approx(distance_m(a=(10.0, 60.0), b=(10.030, 60.0)), rel=1e-3)


def test_many_points_at_once_are_located_as_one_by_one_and_as_by_hand() -> None:
    known, shapes = made()
    rng = random.Random(4711)
    corners = [point for shape in shapes for point in shape.exterior.coords]
    points = [(rng.uniform(107.9, 109.1), rng.uniform(33.9, 35.1)) for _ in range(400)] + corners
    many = known.many([p[0] for p in points], [p[1] for p in points])
    for point, found in zip(points, many, strict=True):
        touching = [at for at, shape in enumerate(shapes) if shape.intersects(shapely.Point(point))]
        assert (found.cell.sid if found.cell else None) == (min(touching) if touching else None)
        if touching:
            assert found.on_edge == (len(touching) > 1)
        assert known.one(*point) == found


def test_no_point_is_no_answer_and_a_city_without_cells_has_no_nearest(db: None) -> None:
    assert made()[0].many([], []) == []
    empty = locate.locator(GROUND)
    assert empty.cells == () and empty.one(108.9, 34.2).cell is None and empty.one(108.9, 34.2).nearest is None


def test_the_tree_is_built_once_a_ground_version_and_a_new_version_sees_the_change(
    world: World, django_assert_num_queries: CaptureQueriesContext
) -> None:
    point = world.point(A1N + "001")
    with django_assert_num_queries(2):
        assert locate.locator(GROUND) is locate.locator(GROUND)
    tree.retire(place=world.places[A1N + "001"].pk, on=dt.date(2026, 6, 1))
    assert locate.locator(GROUND).one(*point).cell is not None
    changed = locate.locator(GROUND + 1)
    assert changed.one(*point).cell is None and A1N + "001" not in changed.by_code
    assert A2 + "001001" in changed.by_code


def test_threads_that_come_together_get_the_same_tree(transactional_db: None, world: World) -> None:
    start, got = threading.Barrier(6), []

    def ask() -> None:
        from django.db import connection

        start.wait(10)
        try:
            got.append(locate.locator(GROUND))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 6 and len({id(one) for one in got}) == 1
