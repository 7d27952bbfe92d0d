"""What a push needs before its transaction begins: where the points lie, and numbers for new cases. Locks nothing."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from gridgov.feed.sql import any_of, in_order
from grids.locate import locator
from incidents import numbers
from incidents.rules import ops as shapes
from incidents.rules.decide.facts import LocatedLike
from incidents.rules.fields import Point, to_point
from incidents.rules.raw import read_op
from incidents.tables import CONFLICTS


class Prepared(msgspec.Struct):
    """Where each point lies, and numbers by district code."""

    located: dict[Point, LocatedLike]
    numbers: dict[str, list[str]]


def prepare(ops: Sequence[shapes.Op], *, ground: int, day: dt.date) -> Prepared:
    """Outside the transaction: where the points lie, and numbers for the reports. What fails here is left to the deciding."""
    kept = locator(ground)
    points: list[Point] = []
    wanted: Counter[str] = Counter()
    for op in _reports(ops):
        if isinstance(op.position, shapes.Position):
            with suppress(Exception):
                points.append(to_point(op.position))
        elif isinstance(op.cell, str) and (cell := kept.by_id.get(op.cell)) is not None:
            wanted[cell.path_codes[0]] += 1
    located: dict[Point, LocatedLike] = {}
    if points:
        located = dict(zip(points, kept.many([p.lng for p in points], [p.lat for p in points]), strict=True))
    for point in points:
        cell_at = located[point].cell
        if cell_at is not None:
            wanted[cell_at.path_codes[0]] += 1
    return Prepared(located=located, numbers=numbers.take(wanted=wanted, day=day) if wanted else {})


def _reports(ops: Sequence[shapes.Op]) -> list[shapes.Report]:
    """The reports among these ops, and those that were parked whole and may now be carried out."""
    found = [op for op in ops if isinstance(op, shapes.Report)]
    resolved = in_order(op.conflict for op in ops if isinstance(op, shapes.Resolve) and op.take == "client")
    if resolved:
        for conflict in CONFLICTS.select(f"{any_of('id', 'ids')} AND kind = 'handover' AND code = 'internal'", ids=resolved):
            op = read_op(msgspec.json.encode(conflict.args)).op
            if isinstance(op, shapes.Report):
                found.append(op)
    return found
