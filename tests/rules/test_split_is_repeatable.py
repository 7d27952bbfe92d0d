"""The generator gives the same city on every run, in every process, whatever PYTHONHASHSEED is."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shapely import box

from grids.rules.city import Division, Node, Plan, make_city, short_name

ROOT = Path(__file__).parents[2]
DIVISIONS = [
    Division(code, name)
    for code, name in (
        ("610104", "莲湖区"), ("610113", "雁塔区"), ("610104001", "青年路街道"), ("610104002", "北院门街道"), ("610113001", "小寨路街道"),
        ("610104001001", "甲社区居委会"), ("610104001002", "乙社区居委会"), ("610104001200", "丙村村委会"),
        ("610104002001", "丁社区居委会"), ("610113001001", "戊社区居委会"), ("610113001201", "己村民委员会"),
    )
]  # fmt: skip
OUTLINES = {"610104": box(0, 0, 6000, 5000), "610113": box(6000, 0, 9000, 5000)}


def small_city(seed: int, *, cells: int = 17, buildings: int = 40) -> list[Node]:
    """A city of six communities."""
    return make_city(plan=Plan(divisions=DIVISIONS, cells=cells, buildings=buildings, seed=seed), outlines=OUTLINES)


def fingerprint(nodes: list[Node]) -> str:
    """Of codes, names, parents and every byte of every shape."""
    made = hashlib.sha256()
    for node in nodes:
        made.update(f"{node.code}|{node.name}|{node.parent}|".encode() + node.geometry.wkb)
    return made.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_other_processes() -> None:
    call = "from tests.rules.test_split_is_repeatable import *; print(fingerprint(small_city(7)))"
    told = {fingerprint(small_city(7))}
    for hash_seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", call],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        told.add(done.stdout.strip())
    assert len(told) == 1


def test_the_order_in_which_divisions_are_listed_does_not_matter() -> None:
    shuffled = Plan(divisions=DIVISIONS[::-1], cells=17, buildings=40, seed=7)
    assert fingerprint(make_city(plan=shuffled, outlines=OUTLINES)) == fingerprint(small_city(7))


def test_another_seed_gives_other_shapes_and_the_divisions_keep_their_codes() -> None:
    one, other = small_city(1), small_city(2)
    assert fingerprint(one) != fingerprint(other)
    assert [n.code for n in one if len(n.code) <= 12] == [n.code for n in other if len(n.code) <= 12]


@pytest.mark.parametrize("cells", [6, 17, 24])
def test_the_number_of_cells_is_exact_and_every_community_has_one_to_four(cells: int) -> None:
    nodes = small_city(3, cells=cells, buildings=0)
    grid = [node for node in nodes if node.level == "grid"]
    assert len(grid) == cells
    _, counts = np.unique([node.parent for node in grid], return_counts=True)
    assert len(counts) == 6 and counts.min() >= 1 and counts.max() <= 4


@pytest.mark.parametrize("cells", [5, 25])
def test_a_number_of_cells_that_does_not_fit_the_communities_is_refused(cells: int) -> None:
    with pytest.raises(ValueError):
        small_city(3, cells=cells)


def test_cells_are_numbered_from_one_in_each_community_from_west_to_east() -> None:
    grid = [node for node in small_city(5) if node.level == "grid"]
    for community in {node.parent for node in grid}:
        mine = sorted((node for node in grid if node.parent == community), key=lambda node: node.code)
        assert [node.code for node in mine] == [f"{community}{number:03d}" for number in range(1, len(mine) + 1)]
        wests = [round(node.geometry.centroid.x, 3) for node in mine]
        assert wests == sorted(wests)


def test_a_missing_outline_is_told_with_its_code() -> None:
    with pytest.raises(ValueError, match="610113"):
        make_city(plan=Plan(divisions=DIVISIONS, cells=17, buildings=0, seed=1), outlines={"610104": OUTLINES["610104"]})


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("民乐社区居委会", "民乐社区"),
        ("上王村村委会", "上王村"),
        ("东关居民委员会", "东关"),
        ("居委会", "居委会"),
        ("林场生活区", "林场生活区"),
    ],
)
def test_cells_carry_the_community_s_name_without_its_committee(name: str, short: str) -> None:
    assert short_name(name=name) == short
