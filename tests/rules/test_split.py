"""Cutting polygons into exact numbers of pieces, and dividing an area among sites with given sizes."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from grids.rules.power import divide, spread
from grids.rules.split import cut, cut_parts, settle, shares

L_SHAPE = Polygon([(0, 0), (3000, 0), (3000, 1000), (1000, 1000), (1000, 3000), (0, 3000)])
COMB = Polygon(
    [(0, 0), (900, 0), (900, 900), (800, 900), (800, 100), (500, 100), (500, 900), (400, 900), (400, 100), (100, 100), (100, 900), (0, 900)]
)


@pytest.mark.parametrize("area", [box(0, 0, 2000, 1000), L_SHAPE, COMB, Point(0, 0).buffer(1000)], ids=["box", "L", "comb", "disc"])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_an_area_is_cut_into_exactly_so_many_polygons_that_make_it_up(area: Polygon, count: int) -> None:
    pieces = cut(area=area, weights=[1.0] * count, angle=0.2, turns=[0.05, -0.05])
    assert len(pieces) == count and all(isinstance(piece, Polygon) and piece.is_valid for piece in pieces)
    assert sum(piece.area for piece in pieces) == pytest.approx(area.area, rel=1e-9)
    assert shapely.union_all(pieces, grid_size=1e-4).symmetric_difference(area, grid_size=1e-4).area < 5.0
    assert min(piece.area for piece in pieces) > area.area / count / 10


@given(st.lists(st.floats(0.5, 4.0), min_size=2, max_size=12), st.floats(-1.5, 1.5))
def test_in_a_box_each_piece_has_the_size_of_its_weight(weights: list[float], angle: float) -> None:
    pieces = cut(area=box(0, 0, 3000, 2000), weights=weights, angle=angle)
    for piece, weight in zip(pieces, weights, strict=True):
        assert piece.area == pytest.approx(6_000_000 * weight / sum(weights), rel=1e-6)


def test_a_parent_in_two_parts_gives_each_part_its_own_children() -> None:
    parts = MultiPolygon([box(0, 0, 4000, 4000), box(9000, 0, 10000, 1000)])
    pieces = cut_parts(area=parts, weights=[1.0] * 6, angle=0.1)
    assert [piece.geom_type for piece in pieces] == ["Polygon"] * 6
    assert sum(piece.bounds[0] >= 9000 for piece in pieces) == 1


def test_a_part_too_small_for_a_child_rides_with_the_nearest() -> None:
    parts = MultiPolygon([box(0, 0, 4000, 4000), box(4100, 0, 4200, 100)])
    pieces = cut_parts(area=parts, weights=[1.0] * 2, angle=0.0)
    assert sorted(piece.geom_type for piece in pieces) == ["MultiPolygon", "Polygon"]
    assert sum(piece.area for piece in pieces) == pytest.approx(parts.area)


def test_a_loose_part_goes_to_the_sibling_with_the_longest_shared_edge() -> None:
    scattered = MultiPolygon([box(0, 0, 10, 10), box(20, 0, 22, 2)])
    others = [box(10, 0, 20, 10), box(22, -10, 30, 10)]
    made = settle(pieces=[scattered, *others])
    assert made[0].equals(box(0, 0, 10, 10))
    assert sum(piece.area for piece in made) == pytest.approx(104 + 100 + 160)
    assert all(piece.geom_type == "Polygon" for piece in made)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=40), st.data())
def test_shares_are_exact_and_nobody_is_left_with_nothing_or_over_the_cap(sizes: list[float], data: st.DataObject) -> None:
    total = data.draw(st.integers(len(sizes), 4 * len(sizes)))
    given_out = shares(sizes, total, cap=4)
    assert sum(given_out) == total and min(given_out) >= 1 and max(given_out) <= 4


def test_shares_follow_the_sizes_and_refuse_what_cannot_be() -> None:
    assert shares([1.0, 2.0, 3.0], 9) == [2, 3, 4]
    with pytest.raises(ValueError):
        shares([1.0, 1.0], 1)
    with pytest.raises(ValueError):
        shares([1.0, 1.0], 9, cap=4)


@given(st.integers(2, 14), st.integers(0, 10_000))
def test_sites_divide_an_area_in_the_sizes_asked_for(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = Point(0, 0).buffer(10_000)
    spots = rng.random((2000, 2)) * 20_000 - 10_000
    spots = spots[shapely.contains_xy(area, spots)]
    sizes = (0.5 + rng.random(count)).tolist()
    pieces = divide(area=area, sites=spread(area=area, count=count, candidates=spots), sizes=sizes)
    assert len(pieces) == count and all(isinstance(piece, Polygon) for piece in pieces)
    for piece, size in zip(pieces, sizes, strict=True):
        assert piece.area == pytest.approx(area.area * size / sum(sizes), rel=0.02)
    # On a grid of 0.1 mm: a union in floating point can lose a piece where a third one's corner lies on an edge.
    assert shapely.union_all(pieces, grid_size=1e-4).symmetric_difference(area, grid_size=1e-4).area < 5.0
