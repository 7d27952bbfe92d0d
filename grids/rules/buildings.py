"""Rectangular buildings inside cells: turned to the cell's long side, apart from each other, in the country round one spot.

All cells are tried together, one building of each at a time: that is quick and repeatable. No Django here.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from grids.rules.coverage import GRID
from grids.rules.measure import Frame

Floats: TypeAlias = NDArray[np.float64]

APART_M: Final = 4.0
RURAL_M2: Final = 1_000_000.0  # in cells beyond this size houses stand round one spot
_TRIES: Final = 40
_ROOM_M: Final = 1.0  # to the edge of the cell, so that rounding never carries a corner out


def place_buildings(
    *, cells: NDArray[np.object_], numbers: Sequence[int], draws: Sequence[np.random.Generator], frame: Frame
) -> list[list[BaseGeometry]]:
    """For each cell (degrees) its buildings (degrees, on the grid of 1e-7), as many as `numbers` says.

    14 to 60 by 10 to 18 m where there is room, smaller where there is little, each at least APART_M from the others.

    :raises ValueError: if a cell has no room even for a hut.
    """
    flat = shapely.transform(cells, lambda xy: frame.to_metres(degrees=xy))
    shapely.prepare(flat)
    most = max(numbers, default=0)
    dice = np.array([draw.random((most, _TRIES + 1, 2)) for draw in draws])
    corner, first, second, along = _box(flat)
    spot = shapely.get_coordinates(shapely.point_on_surface(flat))
    rural = shapely.area(flat) > RURAL_M2
    # Centre and half size of what stands, in the frame turned along the cell's long side.
    standing = np.full((len(cells), most, 4), np.nan)
    for which in range(most):
        waiting = np.flatnonzero(np.asarray(numbers) > which)
        for trial in range(_TRIES):
            if not len(waiting):
                break
            place = dice[waiting, which, trial]
            near = spot[waiting] + (place - 0.5) * 400.0
            anywhere = corner[waiting] + place[:, :1] * first[waiting] + place[:, 1:] * second[waiting]
            middle = np.where(rural[waiting, None], near, anywhere)
            shrink = 1.0 - 0.8 * trial / (_TRIES - 1)
            half = shrink * (np.array([7.0, 5.0]) + dice[waiting, which, _TRIES] * (23.0, 4.0))
            turned = _turn(middle, -along[waiting])
            gap = np.abs(standing[waiting, :, :2] - turned[:, None, :]) - standing[waiting, :, 2:] - half[:, None, :]
            free = (np.isnan(gap[:, :, 0]) | (gap.max(axis=2) >= APART_M)).all(axis=1)
            free[free] = shapely.covers(flat[waiting[free]], _boxes(middle[free], half[free] + _ROOM_M, along[waiting[free]]))
            standing[waiting[free], which] = np.column_stack([turned, half])[free]
            waiting = waiting[~free]
        if len(waiting):
            raise ValueError(f"no room for a building in {len(waiting)} cells")
    cell, nth = np.nonzero(~np.isnan(standing[:, :, 0]))
    laid = standing[cell, nth]
    shapes = _boxes(_turn(laid[:, :2], along[cell]), laid[:, 2:], along[cell])
    shapes = shapely.transform(shapes, lambda xy: np.rint(frame.to_degrees(metres=xy) * GRID) / GRID)
    made: list[list[BaseGeometry]] = [[] for _ in range(len(cells))]
    for at, shape in zip(cell.tolist(), shapes.tolist(), strict=True):
        made[at].append(shape)
    return made


def _box(flat: NDArray[np.object_]) -> tuple[Floats, Floats, Floats, Floats]:
    """Each cell's smallest box: a corner, its two sides, and the direction (radians) of the longer one."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(flat)).reshape(len(flat), 5, 2)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    longer = np.where((np.hypot(*first.T) >= np.hypot(*second.T))[:, None], first, second)
    return corners[:, 0], first, second, np.arctan2(longer[:, 1], longer[:, 0])


def _turn(points: Floats, angle: Floats) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.column_stack([points[:, 0] * c - points[:, 1] * s, points[:, 0] * s + points[:, 1] * c])


def _boxes(middle: Floats, half: Floats, angle: Floats) -> NDArray[np.object_]:
    """Rectangles about `middle` with half sizes `half`, turned by `angle`."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    sides = corners[None] * half[:, None, :]
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = middle[:, :1] + sides[:, :, 0] * c - sides[:, :, 1] * s
    y = middle[:, 1:] + sides[:, :, 0] * s + sides[:, :, 1] * c
    return np.asarray(shapely.polygons(np.stack([x, y], axis=2)))
