"""Metres: a flat frame for cutting, areas on the ellipsoid, distances. Degrees are WGS-84, longitude first.

Cutting is done in the flat frame, whose shape does not matter much; what is told to people is measured on the ellipsoid.
No Django here.
"""

from dataclasses import dataclass
from math import cos, radians
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from geopy.distance import geodesic
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_A: Final = 6378137.0
_F: Final = 1 / 298.257223563
_E: Final = float(np.sqrt(_F * (2 - _F)))
_B2: Final = (_A * (1 - _F)) ** 2


@dataclass(frozen=True, slots=True)
class Frame:
    """A flat frame of metres about a point: a plain stretch of degrees, so straight lines stay straight."""

    lng: float
    lat: float

    def _scale(self) -> tuple[float, float]:
        return 111_320.0 * cos(radians(self.lat)), 110_922.0

    def to_metres(self, *, degrees: Floats) -> Floats:
        """Rows of (lng, lat) as rows of metres east and north of the middle."""
        return (np.asarray(degrees, np.float64) - (self.lng, self.lat)) * self._scale()

    def to_degrees(self, *, metres: Floats) -> Floats:
        """The way back."""
        return np.asarray(metres, np.float64) / self._scale() + (self.lng, self.lat)


def areas_m2(*, geometries: Any) -> Floats:
    """Area of each polygon (degrees) on the WGS-84 ellipsoid, in m², edges straight in longitude and latitude; points and lines have 0.

    Exact to about 1e-9 of the area: the line integral of the equal-area latitude, each edge by Simpson's rule.
    """
    shapes = np.atleast_1d(np.asarray(geometries, object))
    polygons, owner = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.orient_polygons(polygons)  # outer rings one way, holes the other
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    total = np.zeros(len(shapes))
    if not len(xy):
        return total
    lng, lat = np.radians(xy[:, 0]), np.radians(xy[:, 1])
    base = lat.mean()
    mean = (lat[:-1] + lat[1:]) / 2
    zone = (_zone(lat[:-1], base) + 4 * _zone(mean, base) + _zone(lat[1:], base)) / 6 * np.diff(lng)
    inside = of_ring[:-1] == of_ring[1:]
    np.add.at(total, owner[of_polygon[of_ring[:-1][inside]]], zone[inside])
    return np.abs(total)


def distance_m(*, a: tuple[float, float], b: tuple[float, float]) -> float:
    """Geodesic distance of two WGS-84 points (lng, lat) in metres."""
    return float(geodesic((a[1], a[0]), (b[1], b[0])).m)  # geopy speaks latitude first


def _zone(lat: Floats, base: float) -> Floats:
    """Area between the base latitude and `lat` per radian of longitude."""
    both = np.append(lat, base)
    s = _E * np.sin(both)
    area = _B2 / 2 * (np.sin(both) / (1 - s * s) + np.arctanh(s) / _E)
    return np.asarray(area[:-1] - area[-1])
