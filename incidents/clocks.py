"""What time alone does: closed cases leave the working set after 30 days, photos that did not come are overdue. Safe to run twice, in parallel, and late.

Archiving is a change with a seq: readers get `gone` for the case, which takes what hangs on it along; conflicts and
notices go by their own.
"""

import datetime as dt
import logging
import threading

from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone
from msgspec.structs import replace

from gridgov.feed.commit import Batch
from gridgov.feed.gate import GateBusy, writing
from gridgov.feed.rows import Row
from gridgov.feed.sql import any_of, is_postgres, run
from gridgov.feed.tables import uuid_or_none
from incidents.images import mark_overdue
from incidents.locking import for_update
from incidents.tables import INCIDENTS

log = logging.getLogger(__name__)
WORKING_SET = dt.timedelta(days=30)
AT_ONCE = 500
EVERY_S = 60.0


def archive(*, before: dt.datetime, now: dt.datetime) -> int:
    """Archive all cases that were closed before that instant; how many. Some hundred a transaction."""
    done = 0
    while (count := _archive_some(before, now)) > 0:
        done += count
    return done


def _archive_some(before: dt.datetime, now: dt.datetime) -> int:
    bound = before if is_postgres() else str(before.astimezone(dt.UTC).replace(tzinfo=None))
    with writing(), transaction.atomic():
        cases = INCIDENTS.select(
            f"archived_at IS NULL AND closed_at < %(before)s ORDER BY id LIMIT %(limit)s{for_update()}", before=bound, limit=AT_ONCE
        )  # fmt: skip
        if not cases:
            return 0
        batch = Batch()
        batch.replace(INCIDENTS, [replace(case, archived_at=now) for case in cases])
        query = (
            "SELECT key, type, rid, incident, district, street, community, cell, internal, person, gone, live FROM feed_feedrow "
            f"WHERE {any_of('incident', 'ids')} ORDER BY seq"
        )
        dropped = []
        for key, kind, rid, incident, district, street, community, cell, internal, person, gone, live in run(
            query, {"ids": [c.id for c in cases]}
        ):
            if live is not None or gone:
                continue
            if kind in ("incident", "conflict", "notice"):
                batch.publish(
                    Row(
                        key=key, type=kind, rid=rid, incident=uuid_or_none(incident), wire="", district=district, street=street, community=community,
                        cell=cell, internal=bool(internal), person=uuid_or_none(person), gone=True, why="archived",
                    )
                )  # fmt: skip
            else:
                dropped.append(key)
        batch.drop(dropped)
        batch.write(now=now)
    return len(cases)


def run_due(*, now: dt.datetime) -> dict[str, int]:
    """All that is due at that instant, and how much it was."""
    return {"archived": archive(before=now - WORKING_SET, now=now), "overdue": mark_overdue(now=now)}


def work_forever(stop: threading.Event) -> None:
    """The clock of the embedded default: every minute, until `stop`. A missed tick loses nothing, due times are data."""
    while not stop.is_set():
        close_old_connections()
        try:
            run_due(now=timezone.now())
        except (DatabaseError, GateBusy):
            log.exception("the clock could not run; it will try again")
        finally:
            close_old_connections()
        stop.wait(EVERY_S)
