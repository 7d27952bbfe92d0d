"""Coverages: cells that meet edge to edge. The one noding that puts raw pieces on the grid of 1e-7 degree, and the checks.

All in degrees, WGS-84. After `node` nothing is ever rounded again: k/1e7 is the double that its 7-digit text parses to.
No Django here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon, STRtree
from shapely.geometry.base import BaseGeometry

from grids.rules.measure import areas_m2

GRID: Final = 10_000_000  # steps a degree: about 1 cm; coarser ones were tried and break the coverage
_FINE: Final = 1e-9
_STRAY: Final = 1e-6 * GRID  # a face further than this (about 10 cm) from every piece belongs to nobody


@dataclass(frozen=True, slots=True)
class Fit:
    """How well children make up their parent, in m², and whether their edges match; holes are counted in their union."""

    overlap_m2: float
    gap_m2: float
    outside_m2: float
    edges_match: bool
    holes: int
    parts: int

    def is_exact(self, *, tolerance_m2: float = 0.01) -> bool:
        """Nothing doubled, nothing missing, nothing outside, and every shared edge the same on both sides."""
        return self.edges_match and max(self.overlap_m2, self.gap_m2, self.outside_m2) <= tolerance_m2


def node(*, pieces: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Raw pieces (degrees, floating point) as a coverage on the grid, in the same order.

    All boundaries are noded together once; each face goes to the piece that holds its inner point, or the nearest.

    :raises ValueError: if a piece is left without a face (smaller than the grid).
    """
    raw = shapely.transform(np.array(pieces, object), lambda xy: xy * GRID)
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(shapely.boundary(raw), grid_size=1)]))
    spots = shapely.point_on_surface(faces)
    tree = STRtree(raw)
    owner = np.full(len(faces), -1)
    face, piece = tree.query(spots, "intersects")
    # Where pieces overlap by a hair the first in order takes the face.
    owner[face[::-1]] = piece[::-1]
    lost = np.flatnonzero(owner < 0)
    if len(lost):
        near_face, near_piece = tree.query_nearest(spots[lost], max_distance=_STRAY, all_matches=False)
        owner[lost[near_face]] = near_piece
    made = []
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(raw) + 1))
    # Rounded to whole steps first: the division gives the double that the 7-digit text parses to.
    faces = shapely.transform(faces, lambda xy: np.rint(xy) / GRID)
    for at in range(len(raw)):
        own = faces[order[starts[at] : starts[at + 1]]]
        if not len(own):
            raise ValueError(f"piece {at} is smaller than the grid")
        made.append(own[0] if len(own) == 1 else join(children=own))
    return made


def join(*, children: Any) -> BaseGeometry:
    """The union of polygons whose edges match: what a parent is made of."""
    return shapely.coverage_union_all(np.asarray(children, object))


def join_by(*, children: NDArray[Any], owners: Sequence[str]) -> dict[str, BaseGeometry]:
    """The unions of children by owner, in the order in which owners first appear."""
    groups: dict[str, list[int]] = {}
    for at, owner in enumerate(owners):
        groups.setdefault(owner, []).append(at)
    return {owner: join(children=children[at]) for owner, at in groups.items()}


def as_multi(*, geometry: BaseGeometry) -> MultiPolygon:
    """A polygon or several as a MultiPolygon, rings by the right-hand rule (RFC 7946)."""
    parts = [p for p in shapely.get_parts(np.array([geometry], object)).tolist() if isinstance(p, Polygon)]
    return MultiPolygon(shapely.orient_polygons(np.array(parts, object)).tolist())


def fit(*, parent: BaseGeometry, children: Sequence[BaseGeometry]) -> Fit:
    """How children make up `parent`. Three things are looked at, for none of them sees everything.

    `coverage_is_valid` alone calls a missing cell valid; areas alone miss edges that do not match.
    """
    cells = np.array(children, object)
    # On a fine grid: in floating point an overlay of edges a hair apart can lose a whole cell.
    union = shapely.union_all(cells, grid_size=_FINE)
    first, second = STRtree(cells).query(cells, "intersects")
    pairs = first < second
    crossed = shapely.intersection(cells[first[pairs]], cells[second[pairs]], grid_size=_FINE)
    return Fit(
        overlap_m2=float(areas_m2(geometries=crossed).sum()) if len(crossed) else 0.0,
        gap_m2=float(areas_m2(geometries=shapely.difference(parent, union, grid_size=_FINE))[0]),
        outside_m2=float(areas_m2(geometries=shapely.difference(union, parent, grid_size=_FINE))[0]),
        edges_match=bool(shapely.coverage_is_valid(cells, gap_width=1e-6)),
        holes=int(sum(len(p.interiors) for p in shapely.get_parts(np.array([union], object)))),
        parts=int(shapely.get_num_geometries(union)),
    )
