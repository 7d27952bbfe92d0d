"""Datums: against other people's figures, there and back, and one point as many."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.rules.datum import CHINA_BOX, DATUMS, from_wgs84, many_from_wgs84, many_to_wgs84, to_wgs84
from grids.rules.measure import distance_m
from tests.left_out import real_data

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "datum.json").read_text("utf-8"))["points"]
SHIFTED = ("gcj02", "bd09")

lngs = st.floats(CHINA_BOX[0] + 0.1, CHINA_BOX[2] - 0.1)
lats = st.floats(CHINA_BOX[1] + 0.1, CHINA_BOX[3] - 0.1)


@pytest.mark.parametrize("point", VECTORS, ids=lambda point: point["name"])
def test_the_shift_is_the_one_that_other_software_makes(point: dict) -> None:
    for datum in SHIFTED:
        assert from_wgs84(datum, *point["wgs84"]) == pytest.approx(point[datum], abs=1e-9)  # 0.1 mm


@pytest.mark.parametrize("point", VECTORS, ids=lambda point: point["name"])
def test_a_shifted_point_comes_back_to_a_millimetre(point: dict) -> None:
    for datum in SHIFTED:
        assert distance_m(a=to_wgs84(datum, *point[datum]), b=tuple(point["wgs84"])) < 0.001


@given(lngs, lats, st.sampled_from(DATUMS))
def test_there_and_back_is_less_than_half_a_metre_anywhere_in_china(lng: float, lat: float, datum: str) -> None:
    assert distance_m(a=to_wgs84(datum, *from_wgs84(datum, lng, lat)), b=(lng, lat)) < 0.5


def test_the_shift_over_the_city_has_the_measured_size() -> None:
    # Measured over 33.70–34.74° N, 107.66–109.82° E: GCJ-02 434 to 513 m, BD-09 1,108 to 1,223 m.
    for datum, least, most in (("gcj02", 433.9, 513.4), ("bd09", 1108.5, 1223.4)):
        for lng in np.linspace(107.66, 109.82, 9):
            for lat in np.linspace(33.70, 34.74, 9):
                moved = distance_m(a=from_wgs84(datum, float(lng), float(lat)), b=(float(lng), float(lat)))
                assert least - 1 <= moved <= most + 1


def test_cgcs2000_is_taken_as_wgs84() -> None:
    assert to_wgs84("cgcs2000", 108.94, 34.26) == from_wgs84("cgcs2000", 108.94, 34.26) == (108.94, 34.26)


@pytest.mark.parametrize("point", [(0.0, 0.0), (2.35, 48.85), (-74.0, 40.7), (139.7, 35.7), (108.9, 90.0), (180.0, -90.0)])
def test_outside_the_published_box_gcj02_is_wgs84(point: tuple[float, float]) -> None:
    assert to_wgs84("gcj02", *point) == from_wgs84("gcj02", *point) == point


@given(st.lists(st.tuples(st.sampled_from(DATUMS), st.floats(-180, 180), st.floats(-90, 90)), max_size=20))
def test_many_points_are_converted_as_one_is(points: list[tuple[str, float, float]]) -> None:
    names, xs, ys = [p[0] for p in points], [p[1] for p in points], [p[2] for p in points]
    many = np.column_stack(many_to_wgs84(names, xs, ys))
    for point, made in zip(points, many, strict=True):
        assert made == pytest.approx(to_wgs84(*point), abs=1e-11)


@given(st.sampled_from(DATUMS), st.floats(-180, 180), st.floats(-90, 90))
def test_the_way_there_is_the_same_for_many(datum: str, lng: float, lat: float) -> None:
    x, y = many_from_wgs84(datum, [lng], [lat])
    assert (x[0], y[0]) == pytest.approx(from_wgs84(datum, lng, lat), abs=1e-11)


@pytest.mark.parametrize("name", ["", "mars", "WGS84", "gcj-02"])
def test_an_unknown_datum_is_an_error_not_a_guess(name: str) -> None:
    for convert in (to_wgs84, from_wgs84):
        with pytest.raises(ValueError):
            convert(name, 108.94, 34.26)
    with pytest.raises(ValueError):
        many_to_wgs84(["wgs84", name], [1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError):
        many_from_wgs84(name, [1.0], [1.0])


def test_published_vectors_hold_to_their_tolerance() -> None:
    if (path := real_data("coords", "exact_vectors.csv")) is None:
        return
    for row in csv.DictReader(path.read_text("utf-8").splitlines()):
        given_, told = (float(row["lng_in"]), float(row["lat_in"])), (float(row["lng_out"]), float(row["lat_out"]))
        assert row["kind"] == "wgs84_to_gcj02"
        assert from_wgs84("gcj02", *given_) == pytest.approx(told, abs=1e-6)
        assert distance_m(a=to_wgs84("gcj02", *told), b=given_) < 0.5


def test_161_places_in_three_datums_agree() -> None:
    if (path := real_data("coords", "crs_vectors.csv")) is None:
        return
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(rows) == 161
    for row in rows:
        gcj = float(row["gcj02_lng"]), float(row["gcj02_lat"])
        bd = float(row["bd09_lng"]), float(row["bd09_lat"])
        wgs = float(row["wgs84_lng"]), float(row["wgs84_lat"])
        # The WGS-84 column lies a constant 0.67 m off the formula; the other two are its own figures, to 7 digits.
        assert distance_m(a=to_wgs84("gcj02", *gcj), b=wgs) < 1.0
        assert distance_m(a=to_wgs84("bd09", *bd), b=to_wgs84("gcj02", *gcj)) < 0.05
