"""Coordinates of the four datums that phones and maps send, to WGS-84 and back; longitude first, in degrees.

The shift to GCJ-02 has no closed inverse; a fixed-point iteration finds it to well under a millimetre.
Each step is written twice, for one point (`math`) and for many (`numpy`); a test holds them equal. No Django here.
"""

from collections.abc import Callable, Sequence
from math import atan2, cos, hypot, pi, sin, sqrt
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
FloatsLike: TypeAlias = NDArray[np.float64] | Sequence[float]
Step: TypeAlias = Callable[[float, float], tuple[float, float]]
Steps: TypeAlias = Callable[[Floats, Floats], tuple[Floats, Floats]]

DATUMS: Final = ("wgs84", "cgcs2000", "gcj02", "bd09")

# The published rule: outside this box GCJ-02 is WGS-84 (west, south, east, north).
CHINA_BOX: Final = (72.004, 0.8293, 137.8347, 55.8271)

_AXIS_M: Final = 6378245.0  # Krasovsky 1940
_ECCENTRICITY2: Final = 0.00669342162296594323
_BD: Final = pi * 3000.0 / 180.0
_ROUNDS: Final = 6  # each round makes the error 100 times smaller or better; the first is 500 m


def to_wgs84(datum: str, lng: float, lat: float) -> tuple[float, float]:
    """One point in WGS-84, (lng, lat) in degrees, not rounded.

    `datum` is one of DATUMS. CGCS2000 agrees with WGS-84 to well under a metre and is taken as it is.

    :raises ValueError: for another datum.

    Source: the published GCJ-02 and BD-09 approximations; round trip below 1 mm inside China.
    """
    if datum in ("wgs84", "cgcs2000"):
        return lng, lat
    if datum == "gcj02":
        return _gcj02_to_wgs84(lng, lat)
    if datum == "bd09":
        return _gcj02_to_wgs84(*_invert(_gcj02_to_bd09, lng, lat))
    raise ValueError(datum)


def from_wgs84(datum: str, lng: float, lat: float) -> tuple[float, float]:
    """One WGS-84 point in `datum`, (lng, lat) in degrees, not rounded.

    :raises ValueError: for a datum that is not in DATUMS.
    """
    if datum in ("wgs84", "cgcs2000"):
        return lng, lat
    if datum == "gcj02":
        return _wgs84_to_gcj02(lng, lat)
    if datum == "bd09":
        return _gcj02_to_bd09(*_wgs84_to_gcj02(lng, lat))
    raise ValueError(datum)


def many_to_wgs84(datum: str | Sequence[str], lngs: FloatsLike, lats: FloatsLike) -> tuple[Floats, Floats]:
    """Many points in WGS-84, as `to_wgs84` does one; `datum` is one name for all, or one for each point.

    :raises ValueError: for a datum that is not in DATUMS.
    """
    made_lngs, made_lats = np.array(lngs, np.float64), np.array(lats, np.float64)
    names = {datum} if isinstance(datum, str) else set(datum)
    if unknown := sorted(names - set(DATUMS)):
        raise ValueError(unknown[0])
    which = np.asarray(datum)
    for name in ("bd09", "gcj02"):
        if name in names:
            mine = np.broadcast_to(which == name, made_lngs.shape)
            x, y = made_lngs[mine], made_lats[mine]
            if name == "bd09":
                x, y = _invert_many(_gcj02_to_bd09_many, x, y)
            made_lngs[mine], made_lats[mine] = _gcj02_to_wgs84_many(x, y)
    return made_lngs, made_lats


def many_from_wgs84(datum: str, lngs: FloatsLike, lats: FloatsLike) -> tuple[Floats, Floats]:
    """Many WGS-84 points in one datum, as `from_wgs84` does one.

    :raises ValueError: for a datum that is not in DATUMS.
    """
    if datum not in DATUMS:
        raise ValueError(datum)
    x, y = np.array(lngs, np.float64), np.array(lats, np.float64)
    if datum in ("gcj02", "bd09"):
        east, north = _shift_many(x, y)
        here = in_china_many(lngs=x, lats=y)
        x, y = np.where(here, x + east, x), np.where(here, y + north, y)
    return _gcj02_to_bd09_many(x, y) if datum == "bd09" else (x, y)


def in_china(*, lng: float, lat: float) -> bool:
    """Whether the published rule shifts this point."""
    west, south, east, north = CHINA_BOX
    return west <= lng <= east and south <= lat <= north


def in_china_many(*, lngs: Floats, lats: Floats) -> NDArray[np.bool_]:
    """`in_china` for many points."""
    west, south, east, north = CHINA_BOX
    return np.asarray((west <= lngs) & (lngs <= east) & (south <= lats) & (lats <= north))


def _shift(lng: float, lat: float) -> tuple[float, float]:
    """What GCJ-02 adds to a WGS-84 point, in degrees east and north."""
    x, y = lng - 105.0, lat - 35.0
    px, py = x * pi, y * pi
    wave = 20.0 * sin(6.0 * px) + 20.0 * sin(2.0 * px)
    cross, root = 0.1 * x * y, sqrt(abs(x))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + cross + 0.1 * root
    east_m += (wave + 20.0 * sin(px) + 40.0 * sin(px / 3.0) + 150.0 * sin(px / 12.0) + 300.0 * sin(px / 30.0)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + cross + 0.2 * root
    north_m += (wave + 20.0 * sin(py) + 40.0 * sin(py / 3.0) + 160.0 * sin(py / 12.0) + 320.0 * sin(py / 30.0)) * 2.0 / 3.0
    phi = lat / 180.0 * pi
    bend = 1.0 - _ECCENTRICITY2 * sin(phi) ** 2
    root = sqrt(bend)
    return (
        east_m * 180.0 / (_AXIS_M / root * cos(phi) * pi),
        north_m * 180.0 / (_AXIS_M * (1.0 - _ECCENTRICITY2) / (bend * root) * pi),
    )


def _shift_many(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lng - 105.0, lat - 35.0
    px, py = x * pi, y * pi
    wave = 20.0 * np.sin(6.0 * px) + 20.0 * np.sin(2.0 * px)
    cross, root = 0.1 * x * y, np.sqrt(np.abs(x))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + cross + 0.1 * root
    east_m += (wave + 20.0 * np.sin(px) + 40.0 * np.sin(px / 3.0) + 150.0 * np.sin(px / 12.0) + 300.0 * np.sin(px / 30.0)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + cross + 0.2 * root
    north_m += (wave + 20.0 * np.sin(py) + 40.0 * np.sin(py / 3.0) + 160.0 * np.sin(py / 12.0) + 320.0 * np.sin(py / 30.0)) * 2.0 / 3.0
    # Held off the poles, where the cosine is nothing; such points are never shifted.
    phi = np.clip(lat, -80.0, 80.0) / 180.0 * pi
    bend = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    root = np.sqrt(bend)
    return (
        east_m * 180.0 / (_AXIS_M / root * np.cos(phi) * pi),
        north_m * 180.0 / (_AXIS_M * (1.0 - _ECCENTRICITY2) / (bend * root) * pi),
    )


def _wgs84_to_gcj02(lng: float, lat: float) -> tuple[float, float]:
    if not in_china(lng=lng, lat=lat):
        return lng, lat
    east, north = _shift(lng, lat)
    return lng + east, lat + north


def _gcj02_to_wgs84(lng: float, lat: float) -> tuple[float, float]:
    # The box is asked once, of the point as it came: inside the iteration it would make a jump at the border.
    if not in_china(lng=lng, lat=lat):
        return lng, lat
    x, y = lng, lat
    for _ in range(_ROUNDS):
        east, north = _shift(x, y)
        x, y = lng - east, lat - north
    return x, y


def _gcj02_to_wgs84_many(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lng, lat
    for _ in range(_ROUNDS):
        east, north = _shift_many(x, y)
        x, y = lng - east, lat - north
    here = in_china_many(lngs=lng, lats=lat)
    return np.where(here, x, lng), np.where(here, y, lat)


def _gcj02_to_bd09(lng: float, lat: float) -> tuple[float, float]:
    far = hypot(lng, lat) + 0.00002 * sin(lat * _BD)
    turn = atan2(lat, lng) + 0.000003 * cos(lng * _BD)
    return far * cos(turn) + 0.0065, far * sin(turn) + 0.006


def _gcj02_to_bd09_many(lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    far = np.hypot(lng, lat) + 0.00002 * np.sin(lat * _BD)
    turn = np.arctan2(lat, lng) + 0.000003 * np.cos(lng * _BD)
    return far * np.cos(turn) + 0.0065, far * np.sin(turn) + 0.006


def _invert(forward: Step, lng: float, lat: float) -> tuple[float, float]:
    x, y = lng - 0.0065, lat - 0.006
    for _ in range(_ROUNDS):
        ahead_x, ahead_y = forward(x, y)
        x, y = x + lng - ahead_x, y + lat - ahead_y
    return x, y


def _invert_many(forward: Steps, lng: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lng - 0.0065, lat - 0.006
    for _ in range(_ROUNDS):
        ahead_x, ahead_y = forward(x, y)
        x, y = x + lng - ahead_x, y + lat - ahead_y
    return x, y
