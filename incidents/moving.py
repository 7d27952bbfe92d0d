"""Cases that changed their readers: what hangs on them moves to the end of the feed with them, and the old place is told."""

from collections.abc import Iterable, Sequence
from typing import Any

from gridgov.feed.commit import Batch
from gridgov.feed.rows import Row
from gridgov.feed.sql import any_of, is_postgres, run
from gridgov.feed.tables import uuid_text
from incidents.rules import rows
from incidents.wire import left_row, moved_row

_COLUMNS = 'key, type, rid, incident, wire, internal, person, "full", gone'


def move_children(batch: Batch, *, cases: Iterable[tuple[rows.Incident, rows.Incident]]) -> None:
    """For each (before, after) whose readers differ: its events, photos and conflicts get today's audience, unchanged.

    Readers of the old place are told by `left` rows. One statement, and none where nobody's readers changed.
    """
    moved = {after.id: (before, after) for before, after in cases if _readers(before) != _readers(after)}
    if not moved:
        return
    joined = f"{'string_agg' if is_postgres() else 'group_concat'}(x.audience, ' ')"
    extra = f"(SELECT {joined} FROM feed_feedextra x WHERE x.key = f.key AND x.seq = f.seq)"
    where = f"{any_of('incident', 'ids')} AND live IS NULL AND type <> 'notice'"
    query = f"SELECT {_COLUMNS}, {extra} FROM feed_feedrow f WHERE {where} ORDER BY seq"
    for row in _children(run(query, {"ids": list(moved)})):
        before, case = moved[row.incident or ""]
        if before.cell != case.cell and row.type in ("incident", "conflict"):
            batch.publish(left_row(row, before))
            batch.drop([f"x{row.key}{case.cell}"])
        if row.type != "incident":
            batch.publish(moved_row(row, case))


def _readers(incident: rows.Incident) -> tuple[Any, ...]:
    """What decides who reads a case and which text."""
    return incident.cell, incident.restricted, incident.owner_unit if incident.restricted else None


def _children(found: Iterable[Sequence[Any]]) -> Iterable[Row]:
    for key, kind, rid, incident, wire, internal, person, full, gone, extra in found:
        yield Row(
            key=key, type=kind, rid=rid, incident=uuid_text(incident), wire=wire, internal=bool(internal),
            person=None if person is None else uuid_text(person), full=full, gone=bool(gone), extra=tuple(extra.split(" ")) if extra else (),
        )  # fmt: skip
