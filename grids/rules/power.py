"""Power diagrams with given sizes: who is nearest when some are stronger, the strengths chosen so that areas come out right.

Districts of the schematic city and streets of every city are made so. Metres, no randomness, no Django.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from grids.rules.split import polygons, settle

Floats: TypeAlias = NDArray[np.float64]
Side: TypeAlias = tuple[tuple[float, float], int]  # a corner, and who lies beyond the edge that begins there (-1: the frame)


def divide(*, area: BaseGeometry, sites: Floats, sizes: Sequence[float], rounds: int = 12) -> list[BaseGeometry]:
    """`area` (metres) divided among `sites` (rows of x, y), sized in proportion to `sizes`, in their order.

    Damped Newton on the strengths: such strengths exist for any distinct sites inside or outside the area. It stops early
    when all areas are within 1 %. Each piece is cut out of what the ones before left, so every line is used once.
    """
    if len(sites) == 1:
        return [area]
    want = np.asarray(sizes, float) / sum(sizes) * area.area
    strength = np.zeros(len(sites))
    got, slope = _areas(area, sites, strength)
    for _ in range(rounds):
        miss = want - got
        if np.abs(miss / want).max() < 0.01:
            break
        step = np.linalg.lstsq(slope, miss, rcond=None)[0]
        pace = 1.0
        while True:
            trial, trial_slope = _areas(area, sites, strength + pace * step)
            # No one may vanish: beyond that the slope says nothing.
            if (trial.min() > 0.3 * min(got.min(), want.min()) and np.abs(want - trial).sum() < np.abs(miss).sum()) or pace < 0.02:
                break
            pace /= 2
        strength, got, slope = strength + pace * step, trial, trial_slope
    return _carve(area, sites, strength)


def spread(*, area: BaseGeometry, count: int, candidates: Floats, settled: int = 6) -> Floats:
    """`count` sites well apart from each other: farthest-point choice among `candidates` (rows of x, y inside), then Lloyd steps."""
    chosen = [0]
    far = np.hypot(*(candidates - candidates[0]).T)
    for _ in range(count - 1):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.hypot(*(candidates - candidates[chosen[-1]]).T))
    sites = candidates[chosen]
    for _ in range(settled if count > 1 else 0):
        nearest = ((candidates[:, None, :] - sites[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        sites = np.array([candidates[nearest == i].mean(axis=0) if (nearest == i).any() else sites[i] for i in range(count)])
    return sites


def _carve(area: BaseGeometry, sites: Floats, strength: Floats) -> list[BaseGeometry]:
    main, *exclaves = sorted(polygons(area), key=lambda p: -p.area)
    left: BaseGeometry = main
    pieces: list[BaseGeometry] = []
    # Against those before it each is bounded by what they left. A second copy of the same line, a hair off, makes overlays
    # go wrong (a union of two such neighbours lost one of them).
    for sides in _cells(area, sites, strength, only_later=True)[:-1]:
        cell = Polygon([corner for corner, _ in sides])
        pieces.append(shapely.intersection(left, cell))
        left = shapely.difference(left, cell)
    pieces = settle(pieces=[*pieces, left])
    if exclaves:
        cells = np.array([Polygon([corner for corner, _ in sides]) for sides in _cells(area, sites, strength)], object)
        for exclave in exclaves:
            # Whole, to the one who has most of it: cut up it would scatter slivers over several.
            most = int(np.argmax(shapely.area(shapely.intersection(cells, exclave))))
            pieces[most] = MultiPolygon([*polygons(pieces[most]), exclave])
    return pieces


def _areas(area: BaseGeometry, sites: Floats, strength: Floats) -> tuple[Floats, Floats]:
    """Area of every cell inside `area`, and how it grows with each strength (the Newton matrix)."""
    count = len(sites)
    got, slope = np.zeros(count), np.zeros((count, count))
    for i, sides in enumerate(_cells(area, sites, strength)):
        if len(sides) < 3:
            continue
        got[i] = shapely.intersection(area, Polygon([corner for corner, _ in sides])).area
        for (corner, j), (following, _) in zip(sides, sides[1:] + sides[:1], strict=True):
            if j >= 0:
                inside = shapely.intersection(area, LineString([corner, following])).length
                grows = inside / (2 * float(np.hypot(*(sites[i] - sites[j]))))
                slope[i, i] += grows
                slope[i, j] -= grows
    return got, slope


def _cells(area: BaseGeometry, sites: Floats, strength: Floats, only_later: bool = False) -> list[list[Side]]:
    """The convex power cell of every site in a frame round the area, each edge with the neighbour beyond it.

    `only_later`: not bounded by the sites before it in the list.
    """
    west, south, east, north = area.bounds
    far = 2 * max(east - west, north - south)
    frame = [(west - far, south - far), (east + far, south - far), (east + far, north + far), (west - far, north + far)]
    cells = []
    for i in range(len(sites)):
        sides: list[Side] = [(corner, -1) for corner in frame]
        for j in np.argsort(((sites - sites[i]) ** 2).sum(axis=1), kind="stable").tolist():
            if (j > i if only_later else j != i) and sides:
                # Nearer to i: n·p <= c
                n = 2 * (sites[j] - sites[i])
                c = float(sites[j] @ sites[j] - sites[i] @ sites[i] + strength[i] - strength[j])
                sides = _clip(sides, float(n[0]), float(n[1]), c, j)
        cells.append(sides)
    return cells


def _clip(sides: list[Side], nx: float, ny: float, c: float, beyond: int) -> list[Side]:
    """A convex ring cut to nx·x + ny·y <= c; the new edge gets the label `beyond`."""
    over = [nx * x + ny * y - c for (x, y), _ in sides]
    if max(over) <= 0:
        return sides
    made: list[Side] = []
    for at, ((corner, label), here) in enumerate(zip(sides, over, strict=True)):
        following, there = sides[(at + 1) % len(sides)][0], over[(at + 1) % len(sides)]
        if here <= 0:
            made.append((corner, label))
        if (here <= 0) != (there <= 0):
            t = here / (here - there)
            cross = (corner[0] + t * (following[0] - corner[0]), corner[1] + t * (following[1] - corner[1]))
            # Going out the new edge begins here; coming back the old edge goes on.
            made.append((cross, beyond if here <= 0 else label))
    return made
