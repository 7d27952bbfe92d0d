"""Cutting a polygon into exactly so many pieces by straight lines: half the pieces on each side, and again.

The pieces look like blocks between roads. Everything is in metres and nothing is rounded: rounding between the levels
makes slivers, so that happens once, in `coverage.node`. No Django, no randomness of its own: the caller gives angles.
"""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Floats: TypeAlias = NDArray[np.float64]

_HAIR_M = 0.01
TINY_M2 = 50_000.0  # a part of a parent below this size gets no children of its own


def cut(*, area: Polygon, weights: Sequence[float], angle: float, turns: Sequence[float] = ()) -> list[Polygon]:
    """`area` (metres) in as many polygons as there are weights, sized in their proportion, in their order.

    `angle` (radians) turns the box whose longer side is cut across; `turns` are small turns added at the first, second … cut,
    so that blocks are not all parallel. The pieces cover the area exactly but for floating point.
    """
    if len(weights) == 1:
        return [area]
    half = len(weights) // 2
    share = sum(weights[:half]) / sum(weights)
    turn, later = (turns[0], turns[1:]) if turns else (0.0, ())
    low, high = _halve(area, share, angle + turn)
    return [
        *cut(area=low, weights=weights[:half], angle=angle + turn, turns=later),
        *cut(area=high, weights=weights[half:], angle=angle + turn, turns=later),
    ]


def cut_parts(*, area: BaseGeometry, weights: Sequence[float], angle: float, turns: Sequence[float] = ()) -> list[BaseGeometry]:
    """As `cut`, for an area that may be in several parts: each part gets its own run of children.

    A part below TINY_M2, or one too many, rides with the nearest child instead.
    """
    parts = sorted(polygons(area), key=lambda p: -p.area)
    own = [p for i, p in enumerate(parts) if i == 0 or (p.area > TINY_M2 and i < len(weights))]
    pieces: list[BaseGeometry] = []
    at = 0
    for part, number in zip(own, shares([p.area for p in own], len(weights)), strict=True):
        pieces += cut(area=part, weights=weights[at : at + number], angle=angle, turns=turns)
        at += number
    for rider in parts:
        if not any(rider is part for part in own):
            edges = _shared(rider, pieces)
            near = int(np.argmax(edges) if edges.max() > 0 else np.argmin(shapely.distance(np.array(pieces, object), rider)))
            pieces[near] = MultiPolygon([*polygons(pieces[near]), rider])
    return pieces


def shares(sizes: Sequence[float], total: int, cap: int | None = None) -> list[int]:
    """`total` things over owners in proportion to `sizes`: one for each, the rest by largest remainder, at most `cap` each.

    :raises ValueError: if there are fewer things than owners, or more than the caps allow.
    """
    count = len(sizes)
    if total < count or (cap is not None and total > cap * count):
        raise ValueError(f"{total} over {count}")
    given = np.ones(count, int)
    want = np.maximum(np.asarray(sizes, float), 0.0)
    while (left := total - int(given.sum())) > 0:
        room = np.full(count, left) if cap is None else cap - given
        weight = np.where(room > 0, want, 0.0)
        if not weight.sum():
            weight = np.where(room > 0, 1.0, 0.0)
        exact = np.minimum(left * weight / weight.sum(), room)
        given += np.floor(exact).astype(int)
        left = total - int(given.sum())
        rest = np.where(given < (cap or total), exact - np.floor(exact), -1.0)
        first = np.argsort(-rest, kind="stable")[:left]
        given[[i for i in first if rest[i] > 0]] += 1
    return [int(n) for n in given]


def settle(*, pieces: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Siblings whose smaller parts have gone to the sibling that they share the longest edge with.

    A part that touches no sibling stays where it is.
    """
    kept: list[Polygon | MultiPolygon] = []
    loose: list[tuple[int, Polygon]] = []
    for number, piece in enumerate(pieces):
        parts = sorted(polygons(piece), key=lambda p: -p.area)
        kept.append(parts[0])
        loose += [(number, p) for p in parts[1:]]
    for home, part in sorted(loose, key=lambda pair: -pair[1].area):
        edges = _shared(part, kept)
        to = int(np.argmax(edges)) if edges.max() > 0 else home
        kept[to] = _join([*polygons(kept[to]), part])
    return list(kept)


def polygons(area: BaseGeometry) -> list[Polygon]:
    """The polygons of any geometry; what has no area is left out."""
    return [p for p in shapely.get_parts(np.array([area], object)).tolist() if isinstance(p, Polygon) and not p.is_empty]


def _halve(area: Polygon, share: float, angle: float) -> tuple[Polygon, Polygon]:
    """Two polygons, the first with `share` of the area: across the longer side, else at another angle."""
    best: tuple[float, list[Polygon]] | None = None
    for more in (0.0, pi / 2, pi / 4, -pi / 4, pi / 8, -pi / 8):
        sides = _sides(area, share, angle + more, prefer_longer=not more)
        if all(len(side) == 1 for side in sides):
            return sides[0][0], sides[1][0]
        made = _gather(sides)
        off = abs(made[0].area / area.area - share)
        if best is None or off < best[0]:
            best = (off, made)
    assert best is not None
    return best[1][0], best[1][1]


def _sides(area: Polygon, share: float, angle: float, prefer_longer: bool) -> list[list[Polygon]]:
    """The parts on either side of a line that leaves `share` of the area on its low side."""
    u, v = _turned(area, angle)
    if prefer_longer and v.max() - v.min() > u.max() - u.min():
        angle += pi / 2
        u, v = _turned(area, angle)
    at = _where(area, angle, share)
    box = np.array([[u.min() - 1, v.min() - 1], [at, v.min() - 1], [at, v.max() + 1], [u.min() - 1, v.max() + 1]])
    c, s = cos(angle), sin(angle)
    # The line is turned back to the polygon, never the polygon to the line: a valid one can be invalid once turned.
    blade = Polygon(np.column_stack([box[:, 0] * c - box[:, 1] * s, box[:, 0] * s + box[:, 1] * c]))
    return [polygons(shapely.intersection(area, blade)), polygons(shapely.difference(area, blade))]


def _gather(sides: list[list[Polygon]]) -> list[Polygon]:
    """The largest part of each side; smaller ones go over to the other side, with which they share the line."""
    low, high = (max(side, key=lambda p: p.area) for side in sides)
    groups: list[Polygon | MultiPolygon] = [low, high]
    loose = [p for side in sides for p in side if p is not low and p is not high]
    while loose:
        edges = [_shared(p, groups) for p in loose]
        which = max(range(len(loose)), key=lambda i: max(edges[i]))
        to = 0 if edges[which][0] > edges[which][1] else 1
        groups[to] = _join([*polygons(groups[to]), loose.pop(which)])
    return [max(polygons(g), key=lambda p: p.area) for g in groups]


def _shared(part: Polygon, others: Sequence[BaseGeometry]) -> Floats:
    """How many metres of the part's edge run along each of the others; lines made apart differ by a hair."""
    made: Floats = shapely.length(shapely.intersection(shapely.buffer(np.array(others, object), _HAIR_M), part.boundary))
    made[made < 4 * _HAIR_M] = 0.0
    return made


def _join(parts: list[Polygon]) -> Polygon | MultiPolygon:
    joined = shapely.union_all(np.array(parts, object))
    # A union in floating point can lose a part where lines lie a hair apart; then they stay parts until the noding.
    if abs(joined.area - sum(p.area for p in parts)) < 1.0:
        parts = polygons(joined)
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _turned(area: Polygon, angle: float) -> tuple[Floats, Floats]:
    """The outer ring's coordinates along and across the direction `angle`."""
    xy = shapely.get_coordinates(area)
    c, s = cos(angle), sin(angle)
    return xy[:, 0] * c + xy[:, 1] * s, xy[:, 1] * c - xy[:, 0] * s


def _where(area: Polygon, angle: float, share: float) -> float:
    """Where along `angle` a line leaves `share` of the area behind it; exact, since the area is a quadratic between corners."""
    u0, u1, dv = _edges(area, angle)
    whole = area.area
    corners = np.unique(u0)
    low, high = 0, len(corners) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if _behind(u0, u1, dv, corners[middle]) < share * whole:
            low = middle
        else:
            high = middle
    a, b = corners[low], corners[high]
    at_a, at_m, at_b = (_behind(u0, u1, dv, m) for m in (a, (a + b) / 2, b))
    # area(a + t·(b-a)) = at_a + p·t + q·t², through the three values
    q = 2 * (at_b - 2 * at_m + at_a)
    p = at_b - at_a - q
    want = share * whole - at_a
    root = max(p * p + 4 * q * want, 0.0)
    t = 2 * want / (p + root**0.5) if p + root**0.5 > 0 else 0.5
    return float(a + min(max(t, 0.0), 1.0) * (b - a))


def _edges(area: Polygon, angle: float) -> tuple[Floats, Floats, Floats]:
    """(start along, end along, rise across) of every edge, outer ring counter-clockwise, holes clockwise."""
    oriented = shapely.orient_polygons(area)
    xy, ring = shapely.get_coordinates(shapely.get_rings(oriented), return_index=True)
    c, s = cos(angle), sin(angle)
    u, v = xy[:, 0] * c + xy[:, 1] * s, xy[:, 1] * c - xy[:, 0] * s
    same = ring[:-1] == ring[1:]
    return u[:-1][same], u[1:][same], np.diff(v)[same]


def _behind(u0: Floats, u1: Floats, dv: Floats, m: float) -> float:
    """Area on the low side of the line: the integral of min(u, m) dv round the rings."""
    low, high = np.minimum(u0, u1), np.maximum(u0, u1)
    span = high - low
    reach = np.clip(m, low, high)
    part = np.divide(reach - low, span, out=(low <= m).astype(float), where=span > 0)
    return float((((low + reach) / 2 * part) + m * (1 - part)) @ dv)
