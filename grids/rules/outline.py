"""The schematic outline of the thirteen districts: hand-placed spots to 0.05°, known areas, a rounded hull.

General knowledge only (where a district lies, how large it is, who borders whom); nothing is derived from any boundary
data, and every place made from it is marked synthetic. No Django here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from grids.rules.measure import Frame
from grids.rules.power import divide


@dataclass(frozen=True, slots=True)
class Spot:
    """A district of the outline: its code, about its middle (degrees), its area in km²."""

    code: str
    lng: float
    lat: float
    area_km2: float


SPOTS: Final = (
    Spot("610102", 108.95, 34.30, 30),  # 新城
    Spot("610103", 108.95, 34.25, 23),  # 碑林
    Spot("610104", 108.90, 34.30, 43),  # 莲湖
    Spot("610111", 109.10, 34.30, 332),  # 灞桥
    Spot("610112", 108.85, 34.35, 264),  # 未央
    Spot("610113", 108.90, 34.20, 152),  # 雁塔
    Spot("610114", 109.25, 34.65, 244),  # 阎良
    Spot("610115", 109.25, 34.40, 915),  # 临潼
    Spot("610116", 108.95, 33.95, 1580),  # 长安
    Spot("610117", 109.05, 34.50, 294),  # 高陵
    Spot("610118", 108.55, 33.95, 1282),  # 鄠邑
    Spot("610122", 109.45, 34.05, 2006),  # 蓝田
    Spot("610124", 108.10, 33.95, 2946),  # 周至
)

# The city as an outline of a dozen corners: the Qinling ridge in the south, the Wei and its plain in the north.
HULL: Final = (
    (107.70, 34.05), (107.70, 33.75), (108.30, 33.70), (108.90, 33.75), (109.30, 33.85), (109.70, 33.90),
    (109.75, 34.20), (109.45, 34.45), (109.40, 34.70), (109.15, 34.70), (108.95, 34.55), (108.75, 34.40), (108.70, 34.20), (108.20, 34.15),
)  # fmt: skip
_ROUND_M: Final = 6000.0


def districts(*, frame: Frame) -> dict[str, BaseGeometry]:
    """District code → polygon in the metres of `frame`; together they fill the hull, sized as the real ones are."""
    hull = Polygon(frame.to_metres(degrees=np.array(HULL)))
    # In, out by twice as much, in again: both kinds of corner come out round.
    hull = shapely.simplify(hull.buffer(-_ROUND_M).buffer(2 * _ROUND_M).buffer(-_ROUND_M), 100.0)
    sites = frame.to_metres(degrees=np.array([(spot.lng, spot.lat) for spot in SPOTS]))
    pieces = divide(area=hull, sites=sites, sizes=[spot.area_km2 for spot in SPOTS], rounds=60)
    return {spot.code: piece for spot, piece in zip(SPOTS, pieces, strict=True)}
