"""A small map without tiles, as SVG paths: the cell, its neighbours and houses, the point with its accuracy. Computes only."""

import math
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import shapely

WIDTH: Final = 360
HEIGHT: Final = 240
PAD: Final = 14
_STEPS: Final = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Sketch(msgspec.Struct, frozen=True):
    """SVG texts in a box of WIDTH × HEIGHT; `ring` is the radius of the accuracy in its units."""

    cell: str
    others: list[str]
    houses: list[str]
    x: float
    y: float
    ring: float
    bar: float
    bar_m: int
    synthetic: bool


def sketch(*, places: Iterable[Any], cell: int, lng: float, lat: float, accuracy_m: float | None) -> Sketch | None:
    """The map of a case. `places`: grid cells and buildings with WKB geometry, WGS-84; `cell`: the short id of the one it lies in."""
    shapes = {place.sid: (place, shapely.from_wkb(bytes(place.geometry))) for place in places}
    if cell not in shapes:
        return None
    here, outline = shapes[cell]
    squeeze = math.cos(math.radians(lat))
    west, south, east, north = shapely.union(outline, shapely.Point(lng, lat)).bounds
    scale = min((WIDTH - 2 * PAD) / max((east - west) * squeeze, 1e-6), (HEIGHT - 2 * PAD) / max(north - south, 1e-6))
    middle_x, middle_y = (west + east) / 2, (south + north) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        return WIDTH / 2 + (x - middle_x) * squeeze * scale, HEIGHT / 2 - (y - middle_y) * scale

    def path(shape: Any) -> str:
        parts = []
        for polygon in shape.geoms if hasattr(shape, "geoms") else [shape]:
            for ring in (polygon.exterior, *polygon.interiors):
                points = (at(x, y) for x, y in ring.coords[:-1])
                parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z")
        return "".join(parts)

    metre = scale / 111_195
    bar_m = max((step for step in _STEPS if step * metre <= WIDTH / 4), default=_STEPS[0])
    x, y = at(lng, lat)
    return Sketch(
        cell=path(outline),
        others=[path(shape) for sid, (place, shape) in shapes.items() if place.level == "grid" and sid != cell],
        houses=[path(shape) for place, shape in shapes.values() if place.level == "building"],
        x=round(x, 1), y=round(y, 1), ring=round(max(accuracy_m or 0, 0) * metre, 1),
        bar=round(bar_m * metre, 1), bar_m=bar_m, synthetic=here.synthetic,
    )  # fmt: skip
