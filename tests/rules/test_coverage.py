"""Coverages: the one noding, the three things that a check must look at, areas on the ellipsoid."""

import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from grids.rules.coverage import as_multi, fit, join, node
from grids.rules.measure import Frame, areas_m2
from grids.rules.split import cut

FRAME = Frame(108.9, 34.2)


def cells(count: int = 9, angle: float = 0.3) -> list[Polygon]:
    """A square of 3 km in so many noded cells, degrees."""
    raw = cut(area=box(0, 0, 3000, 3000), weights=[1.0 + i % 3 for i in range(count)], angle=angle)
    return node(pieces=shapely.transform(np.array(raw, object), lambda xy: FRAME.to_degrees(metres=xy)).tolist())


@pytest.mark.parametrize("count", [1, 2, 9, 50])
def test_raw_pieces_become_an_exact_coverage_on_the_grid_of_a_ten_millionth_degree(count: int) -> None:
    made = cells(count)
    assert len(made) == count and all(isinstance(cell, Polygon) and cell.is_valid for cell in made)
    found = fit(parent=join(children=made), children=made)
    assert found.is_exact() and found.holes == 0 and found.parts == 1
    points = shapely.get_coordinates(made)
    assert (np.rint(points * 1e7) / 1e7 == points).all()
    # What the seven digits of a text say is the very same number.
    assert all(float(f"{value:.7f}") == value for value in points[:, 0])


def test_raw_pieces_alone_are_no_coverage_so_the_noding_is_needed() -> None:
    raw = cut(area=box(0, 0, 3000, 3000), weights=[1.0 + i % 3 for i in range(9)], angle=0.3)
    assert not shapely.coverage_is_valid(raw)


def test_a_piece_smaller_than_the_grid_is_an_error_not_a_lost_cell() -> None:
    crumb = box(108.9, 34.2, 108.9 + 1e-9, 34.2 + 1e-9)
    with pytest.raises(ValueError):
        node(pieces=[box(108.0, 34.0, 108.1, 34.1), crumb])


def test_a_missing_cell_is_found_though_the_edges_of_the_others_match() -> None:
    made = cells(36)
    whole = join(children=made)
    inner = next(at for at, cell in enumerate(made) if not cell.boundary.intersection(whole.boundary).length)
    left = made[:inner] + made[inner + 1 :]
    found = fit(parent=whole, children=left)
    assert found.edges_match and found.holes == 1 and not found.is_exact()
    assert found.gap_m2 == pytest.approx(areas_m2(geometries=made[inner])[0], rel=1e-6)


def test_a_corner_that_is_moved_by_a_centimetre_is_found() -> None:
    made = cells()
    whole = join(children=made)
    ring = list(made[4].exterior.coords)
    ring[1] = (ring[1][0] + 1e-7, ring[1][1] + 1e-7)
    moved = [*made[:4], Polygon(ring[:-1]), *made[5:]]
    assert not fit(parent=whole, children=moved).is_exact(tolerance_m2=0.0)


def test_an_overlap_and_what_sticks_out_are_told_in_square_metres() -> None:
    parent = box(108.90, 34.20, 108.92, 34.22)
    children = [box(108.90, 34.20, 108.91, 34.22), box(108.909, 34.20, 108.921, 34.22)]
    found = fit(parent=parent, children=children)
    strip = areas_m2(geometries=box(108.909, 34.20, 108.910, 34.22))[0]
    assert found.overlap_m2 == pytest.approx(strip, rel=1e-6)
    assert found.outside_m2 == pytest.approx(strip, rel=1e-6)
    assert found.gap_m2 == pytest.approx(0, abs=1e-3)


def test_a_polygon_is_stored_as_a_multipolygon_with_its_outer_ring_counter_clockwise() -> None:
    made = as_multi(geometry=Polygon([(0, 0), (0, 1), (1, 1), (1, 0)]))
    assert isinstance(made, MultiPolygon) and made.geoms[0].exterior.is_ccw


@given(st.floats(107.6, 109.8), st.floats(33.7, 34.7), st.floats(0.0001, 0.05), st.floats(0.0001, 0.05), st.booleans())
def test_areas_are_those_of_the_ellipsoid(lng: float, lat: float, width: float, height: float, holed: bool) -> None:
    shape = box(lng, lat, lng + width, lat + height)
    if holed:
        shape = shape.difference(box(lng + width / 4, lat + height / 4, lng + width / 2, lat + height / 2))
    told = 0.0
    for ring, sign in [(shape.exterior, 1), *((hole, -1) for hole in shape.interiors)]:
        polygon = Geodesic.WGS84.Polygon()
        for x, y in list(ring.coords)[:-1]:
            polygon.AddPoint(y, x)
        told += sign * abs(polygon.Compute()[2])
    assert areas_m2(geometries=shape)[0] == pytest.approx(told, rel=1e-4)


def test_areas_of_several_shapes_come_in_their_order_and_lines_have_none() -> None:
    one, two = box(108, 34, 108.01, 34.01), box(108, 34, 108.02, 34.01)
    made = areas_m2(geometries=[two, one.boundary, MultiPolygon([one, box(109, 34, 109.01, 34.01)])])
    assert made[1] == 0
    assert made[0] == pytest.approx(made[2], rel=1e-9)
