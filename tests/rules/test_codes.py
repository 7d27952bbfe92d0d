"""Codes: lengths, parents, numbers that do not fit, and the order of cells inside a community."""

import pytest

from grids.rules import levels
from grids.rules.codes import XIAN, CodeError, CodeScheme, is_village, kind_of_cell, numbering


@pytest.mark.parametrize(
    ("level", "digits"), [("district", 6), ("street", 9), ("community", 12), ("grid", 15), ("building", 17)]
)  # fmt: skip
def test_a_code_tells_its_level_by_its_length(level: str, digits: int) -> None:
    assert XIAN.length(level=level) == digits
    assert XIAN.level_of(code="610104001001002003"[:digits].ljust(digits, "1")) == level


@pytest.mark.parametrize("code", ["", "61", "6101040", "61010400100100", "61010400100100a", "６１０１０４", "610104001001002003"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(CodeError):
        XIAN.level_of(code=code)


def test_a_cell_hangs_under_its_community_and_a_building_too_so_that_a_recut_renames_none() -> None:
    assert XIAN.child(parent="610104001001", level="grid", number=7) == "610104001001007"
    assert XIAN.child(parent="610104001001", level="building", number=42) == "61010400100100042"
    assert XIAN.label_parent(code="61010400100100042") == "610104001001"
    assert XIAN.label_parent(code="610104001001007") == "610104001001"
    assert XIAN.label_parent(code="610104") is None


@pytest.mark.parametrize(("level", "number"), [("grid", 0), ("grid", 1000), ("building", 100_000), ("grid", -1)])
def test_a_number_that_does_not_fit_is_an_error_never_a_longer_code(level: str, number: int) -> None:
    with pytest.raises(CodeError):
        XIAN.child(parent="610104001001", level=level, number=number)


def test_a_child_needs_a_parent_of_the_level_above() -> None:
    with pytest.raises(CodeError):
        XIAN.child(parent="610104001", level="grid", number=1)
    with pytest.raises(CodeError):
        XIAN.child(parent="610104", level="district", number=1)


def test_the_older_national_line_has_two_digits_for_a_cell() -> None:
    old = CodeScheme(grid=2)
    assert old.child(parent="610104001001", level="grid", number=7) == "61010400100107"
    assert old.length(level="building") == 17


def test_communities_from_200_on_are_villages_and_cells_from_800_on_exclusive() -> None:
    assert not is_village(code="610104001199") and is_village(code="610104001200")
    assert kind_of_cell(code="610104001001799") == "basic" and kind_of_cell(code="610104001001800") == "exclusive"


def test_cells_are_numbered_from_west_to_east_then_from_north_to_south() -> None:
    east, south_west, north_west = (108.95, 34.20), (108.90, 34.20), (108.9001, 34.25)
    assert numbering(points=[east, south_west, north_west]) == [2, 1, 0]


def test_levels_know_who_stands_above_and_below() -> None:
    assert [levels.above(level=level) for level in levels.LEVELS] == [None, "district", "street", "community", "grid"]
    assert [levels.below(level=level) for level in ("city", *levels.LEVELS)] == [*levels.LEVELS, None]
    with pytest.raises(ValueError):
        levels.below(level="planet")
