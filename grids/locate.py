"""Point → cell: one search tree a process, kept under the ground version, built at first use and never at import.

The boundary rule: every cell that touches the point counts (`intersects`), and the lowest code wins; `contains` would put
points on edges into no cell at all. On the city's outer edge a hair (1e-6°, about 10 cm) is forgiven.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from math import cos, radians
from typing import Any, Final

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Point, STRtree
from shapely.affinity import scale

from grids.models import Place
from grids.rules.measure import distance_m

HAIR_DEG: Final = 1e-6
NEAR_DEG: Final = 0.2  # so far out the nearest cell is found in metres; beyond, degrees do
KEPT: Final = 2

Floats = NDArray[np.float64]


class Cell(msgspec.Struct, frozen=True):
    """A cell in memory. Level columns are short ids; `path_codes` run from the district to the cell; `inner` is a point inside (lng, lat)."""

    id: str
    sid: int
    code: str
    name: str
    district: int
    street: int
    community: int
    cell: int
    path_codes: tuple[str, ...]
    boundary_version: int
    inner: tuple[float, float]


class Located(msgspec.Struct, frozen=True):
    """Where a point lies. `cell` None: outside the city, then `nearest` and `distance_m` (geodesic, metres) say how far.

    `on_edge`: several cells meet there, or it lies within a hair of the outer edge.
    """

    cell: Cell | None
    on_edge: bool
    nearest: Cell | None
    distance_m: float


class Locator:
    """All cells of one ground version. Safe for many threads: nothing changes after it is made."""

    def __init__(self, cells: Sequence[Cell], shapes: NDArray[Any]) -> None:
        self.cells = tuple(cells)
        self.by_id = {cell.id: cell for cell in cells}
        self.by_code = {cell.code: cell for cell in cells}
        self._shapes = shapes
        shapely.prepare(shapes)
        self._tree = STRtree(shapes)

    def one(self, lng: float, lat: float) -> Located:
        """`many` for one point."""
        return self.many([lng], [lat])[0]

    def many(self, lngs: Sequence[float] | Floats, lats: Sequence[float] | Floats) -> list[Located]:
        """Where each point (WGS-84, finite degrees) lies, in their order."""
        points: Any = shapely.points(np.asarray(lngs, np.float64), np.asarray(lats, np.float64))
        best, hits = self._lowest(len(points), *self._tree.query(points, "intersects"))
        edge = hits > 1
        if len(missed := np.flatnonzero(hits == 0)) and self.cells:
            near, found = self._lowest(len(missed), *self._tree.query_nearest(points[missed], max_distance=HAIR_DEG))
            best[missed] = np.where(found > 0, near, -1)
            edge[missed] = found > 0
        return [
            Located(self.cells[at], on_edge, None, 0.0) if at >= 0 else self._outside(point)
            for at, on_edge, point in zip(best.tolist(), edge.tolist(), points, strict=True)
        ]

    def _lowest(self, count: int, which: NDArray[Any], cell: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each of `count` points the lowest cell number (cells stand in code order) and how many there are; -1: none."""
        best = np.full(count, len(self.cells), np.int64)
        np.minimum.at(best, which, cell)
        hits = np.bincount(which, minlength=count)
        return np.where(hits > 0, best, -1), hits

    def _outside(self, point: Point) -> Located:
        if not self.cells:
            return Located(None, False, None, 0.0)
        nearest = self._tree.query_nearest(point)
        off = float(shapely.distance(point, self._shapes[nearest[0]]))
        if off < NEAR_DEG:
            # A degree east is shorter than one north: look again, in metres, among all that could be nearer.
            nearest = np.sort(self._tree.query(point, "dwithin", distance=off / cos(radians(min(abs(point.y), 60.0))) + HAIR_DEG))
        squeeze = max(cos(radians(min(abs(point.y), 89.0))), 0.01)
        found: list[tuple[float, int, tuple[float, float]]] = []
        flat = shapely.transform(self._shapes[nearest], lambda xy: xy * (squeeze, 1.0))
        here = scale(point, squeeze, 1.0, origin=(0, 0))
        for at, shape in zip(nearest.tolist(), flat, strict=True):
            x, y = shapely.get_coordinates(shapely.shortest_line(shape, here))[0]
            found.append((float(np.hypot(x - here.x, y - here.y)), at, (x / squeeze, y)))
        _, at, foot = min(found)
        # BD-09 may lead past a pole, where no distance is defined.
        return Located(None, False, self.cells[at], distance_m(a=foot, b=(point.x, min(max(point.y, -90.0), 90.0))))


_kept: OrderedDict[int, Locator] = OrderedDict()
_lock = threading.Lock()


def locator(ground: int) -> Locator:
    """The cells as of that ground version (`Head.ground`), built at most once a version in a process: two queries, about 0.2 s.

    Read `ground` before: a newer tree under an older number does no harm (the commit compares it), the other way round would.
    """
    with _lock:
        found = _kept.get(ground)
        if found is None:
            found = _kept[ground] = _load()
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        return found


def _load() -> Locator:
    codes = dict(Place.objects.filter(level__in=("district", "street", "community")).values_list("sid", "code"))
    fields = ("id", "sid", "code", "name", "district", "street", "community", "cell", "boundary_version", "geometry")
    rows = list(Place.objects.filter(level=Place.Level.GRID, valid_to=None).order_by("code").values_list(*fields))
    rows.sort(key=lambda row: str(row[2]))  # as Python sorts: a database may have another idea of order
    shapes = np.array([_polygon(row[9]) for row in rows], object)
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes)).round(7).tolist() if rows else []
    cells = [
        Cell(str(pk), sid, code, name, d, s, c, cell, (codes[d], codes[s], codes[c], code), version, (spot[0], spot[1]))
        for (pk, sid, code, name, d, s, c, cell, version, _), spot in zip(rows, inner, strict=True)
    ]
    return Locator(cells, shapes)


def _polygon(wkb: bytes | memoryview) -> Any:
    """The stored MultiPolygon; one of a single part as that part, which is quicker to search."""
    shape: Any = shapely.from_wkb(bytes(wkb))
    return shape.geoms[0] if len(shape.geoms) == 1 else shape
