"""A whole generated city: from thirteen outlines and the list of divisions down to cells and buildings.

Pure and repeatable: every node draws from a generator seeded with the city's seed and its own code, in code order. Shapes
are made in metres and put on the grid once (`coverage.node`); parents are the unions of their children. No Django here.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from grids.rules import coverage, levels
from grids.rules.buildings import place_buildings
from grids.rules.codes import XIAN, CodeScheme, is_village, numbering
from grids.rules.measure import Frame
from grids.rules.power import divide, spread
from grids.rules.split import cut_parts, shares

MIDDLE: Final = Frame(108.9, 34.2)
MOST_CELLS: Final = 4  # of one community


@dataclass(frozen=True, slots=True)
class Division:
    """A district, street or community of the official list."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the made city; `parent` is the code of the node above (for a building its cell), None for a district."""

    code: str
    level: str
    name: str
    parent: str | None
    geometry: BaseGeometry


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made: the divisions of the upper three levels in code order, and how many cells and buildings."""

    divisions: Sequence[Division]
    cells: int
    buildings: int
    seed: int
    scheme: CodeScheme = XIAN

    def of(self, level: str) -> list[Division]:
        """The divisions of one level, in code order."""
        return sorted((d for d in self.divisions if self.scheme.level_of(code=d.code) == level), key=lambda d: d.code)


def draw(*, seed: int, name: str) -> np.random.Generator:
    """The random numbers of one node: the same on every machine and in every process."""
    return np.random.default_rng(int.from_bytes(sha256(f"{seed}:{name}".encode()).digest()[:16], "big"))


def make_city(*, plan: Plan, outlines: Mapping[str, BaseGeometry], tell: Callable[[str], None] = lambda stage: None) -> list[Node]:
    """All nodes, parents before children, codes ascending inside a level.

    `outlines`: district code → polygon in the metres of MIDDLE; they must be a coverage. `tell` hears the name of each stage.

    :raises ValueError: if an outline is missing, or the cells do not fit the communities (1 to 4 each).
    """
    if missing := [d.code for d in plan.of(levels.DISTRICT) if d.code not in outlines]:
        raise ValueError(f"no outline for {', '.join(missing)}")
    communities = plan.of(levels.COMMUNITY)
    weights = {c.code: _weight(plan, c.code) for c in communities}
    numbers = shares([weights[c.code] - 1 for c in communities], plan.cells, cap=MOST_CELLS)
    cells_of = {c.code: n for c, n in zip(communities, numbers, strict=True)}

    tell("streets")
    streets = _streets(plan, outlines, weights)
    tell("communities")
    shapes = _communities(plan, streets, weights)
    tell("cells")
    raw, owners = _cells(plan, shapes, cells_of)
    tell("edges")
    cells = coverage.node(pieces=raw)
    nodes = _named(plan, np.array(cells, object), owners)
    tell("buildings")
    return [*nodes, *_buildings(plan, [n for n in nodes if n.level == levels.GRID])]


def _weight(plan: Plan, code: str) -> float:
    """How many cells' worth a community is: a village about one, an urban committee about three."""
    at = float(draw(seed=plan.seed, name=f"weight {code}").random())
    return 0.6 + at if is_village(code=code, scheme=plan.scheme) else 2.2 + 2 * at


def _children(plan: Plan, level: str) -> dict[str, list[str]]:
    """Codes of one level by the code that they begin with."""
    below: dict[str, list[str]] = defaultdict(list)
    for division in plan.of(level):
        below[str(plan.scheme.label_parent(code=division.code))].append(division.code)
    return below


def _streets(plan: Plan, outlines: Mapping[str, BaseGeometry], weights: Mapping[str, float]) -> dict[str, BaseGeometry]:
    """Power diagrams: the first numbers nearest to the middle, as the lists have it in most districts."""
    below = _children(plan, levels.STREET)
    shapes: dict[str, BaseGeometry] = {}
    communities = _children(plan, levels.COMMUNITY)
    for district in sorted(below):
        area, codes = outlines[district], below[district]
        rng = draw(seed=plan.seed, name=district)
        west, south, east, north = area.bounds
        spots = rng.random((4000, 2)) * (east - west, north - south) + (west, south)
        spots = spots[shapely.contains_xy(area, spots)]
        sites = spread(area=area, count=len(codes), candidates=spots[: 60 * len(codes)])
        middle = shapely.get_coordinates(area.centroid)[0]
        sites = sites[np.argsort(np.hypot(*(sites - middle).T), kind="stable")]
        sizes = [sum(weights[c] for c in communities[code]) ** 0.8 * (0.7 + 0.6 * rng.random()) for code in codes]
        shapes.update(zip(codes, divide(area=area, sites=sites, sizes=sizes), strict=True))
    return shapes


def _communities(plan: Plan, streets: Mapping[str, BaseGeometry], weights: Mapping[str, float]) -> dict[str, BaseGeometry]:
    below = _children(plan, levels.COMMUNITY)
    shapes: dict[str, BaseGeometry] = {}
    for street in sorted(below):
        angle, turns = _angles(plan, street)
        pieces = cut_parts(area=streets[street], weights=[weights[c] for c in below[street]], angle=angle, turns=turns)
        shapes.update(zip(below[street], pieces, strict=True))
    return shapes


def _cells(plan: Plan, communities: Mapping[str, BaseGeometry], cells_of: Mapping[str, int]) -> tuple[list[BaseGeometry], list[str]]:
    """Raw cells in degrees, and the community of each."""
    raw: list[BaseGeometry] = []
    owners: list[str] = []
    for code in sorted(communities):
        angle, turns = _angles(plan, code)
        sizes = 1 + 0.5 * draw(seed=plan.seed, name=f"sizes {code}").random(cells_of[code])
        raw += cut_parts(area=communities[code], weights=sizes.tolist(), angle=angle, turns=turns)
        owners += [code] * cells_of[code]
    return list(shapely.transform(np.array(raw, object), lambda xy: MIDDLE.to_degrees(metres=xy))), owners


def _angles(plan: Plan, code: str) -> tuple[float, list[float]]:
    """Nearly north to south, as the roads of the plain run; what lies in one street is turned alike."""
    street = code[: plan.scheme.length(level=levels.STREET)]
    base = draw(seed=plan.seed, name=f"angle {street}").normal(0, 0.2)
    rng = draw(seed=plan.seed, name=f"turns {code}")
    return float(base + rng.normal(0, 0.05)), rng.normal(0, 0.06, 8).tolist()


def _named(plan: Plan, cells: "np.ndarray[tuple[int], np.dtype[np.object_]]", owners: Sequence[str]) -> list[Node]:
    """Codes and names for cells, and the levels above as unions of what is below."""
    names = {d.code: d.name for d in plan.divisions}
    middles = shapely.get_coordinates(shapely.centroid(cells)).tolist()
    at_of: dict[str, list[int]] = defaultdict(list)
    for at, owner in enumerate(owners):
        at_of[owner].append(at)
    grid = []
    for community in sorted(at_of):
        order = numbering(points=[tuple(middles[at]) for at in at_of[community]])
        for number, which in enumerate(order, 1):
            code = plan.scheme.child(parent=community, level=levels.GRID, number=number)
            grid.append(
                Node(code, levels.GRID, f"{short_name(name=names[community])}第{number}网格", community, cells[at_of[community][which]])
            )
    tiers = [grid]
    for level in (levels.COMMUNITY, levels.STREET, levels.DISTRICT):
        below = tiers[-1]
        shapes = coverage.join_by(children=np.array([n.geometry for n in below], object), owners=[str(n.parent) for n in below])
        tiers.append([Node(c, level, names[c], plan.scheme.label_parent(code=c), shapes[c]) for c in sorted(shapes)])
    return [node for tier in reversed(tiers) for node in tier]


def _buildings(plan: Plan, cells: Sequence[Node]) -> list[Node]:
    count = len(cells)
    numbers = np.full(count, plan.buildings // count)
    extra = draw(seed=plan.seed, name="buildings").permutation(count)[: plan.buildings % count]
    numbers[extra] += 1
    shapes = place_buildings(
        cells=np.array([c.geometry for c in cells], object),
        numbers=numbers.tolist(),
        draws=[draw(seed=plan.seed, name=f"buildings {c.code}") for c in cells],
        frame=MIDDLE,
    )
    made, last = [], dict.fromkeys((str(c.parent) for c in cells), 0)
    for cell, inside in zip(cells, shapes, strict=True):
        community = str(cell.parent)
        for shape in inside:
            last[community] += 1
            code = plan.scheme.child(parent=community, level=levels.BUILDING, number=last[community])
            made.append(Node(code, levels.BUILDING, f"{cell.name.partition('第')[0]}{last[community]}号楼", cell.code, shape))
    return sorted(made, key=lambda node: node.code)


def short_name(*, name: str) -> str:
    """A community's name without its committee: 民乐社区居委会 → 民乐社区, 上王村村委会 → 上王村."""
    for tail in ("居民委员会", "村民委员会", "居委会", "村委会"):
        if name.endswith(tail) and len(name) > len(tail):
            return name.removesuffix(tail)
    return name
