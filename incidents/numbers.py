"""Case numbers `DDDDDD-YYMMDD-NNNNN`: district, day of the city, sequence. Taken in blocks a process, outside the push's transaction.

A counter inside the transaction would be a second lock that all share; blocks leave gaps when a process ends.
"""

import datetime as dt
import threading
from collections.abc import Mapping

from django.db import transaction

from gridgov.feed.gate import writing
from gridgov.feed.sql import is_postgres, run

BLOCK = 100

_lock = threading.Lock()
_blocks: dict[tuple[str, str], tuple[int, int]] = {}


def forget() -> None:
    """Drop the blocks of this process (a test database was emptied)."""
    with _lock:
        _blocks.clear()


def take(*, wanted: Mapping[str, int], day: dt.date) -> dict[str, list[str]]:
    """So many new numbers for each district code, on that day of the city. At most one statement, and mostly none.

    Must not be called inside a transaction: numbers of a push that fails are gaps, never doubles.
    """
    stamp = day.strftime("%y%m%d")
    given: dict[str, list[str]] = {}
    short: dict[str, int] = {}
    with _lock:
        for district, count in wanted.items():
            first, end = _blocks.get((district, stamp), (0, 0))
            if end - first >= count:
                _blocks[district, stamp] = (first + count, end)
                given[district] = [f"{district}-{stamp}-{n:05d}" for n in range(first, first + count)]
            else:
                short[district] = max(BLOCK, count)
    if short:
        names = sorted(short)
        params = {"districts": names, "sizes": [str(short[name]) for name in names], "day": stamp}
        if is_postgres():
            source = "unnest(%(districts)s::text[], %(sizes)s::bigint[]) AS x(district, size)"
        else:
            source = (
                "(SELECT d.value AS district, CAST(s.value AS INTEGER) AS size FROM json_each(%(districts)s) d "
                "JOIN json_each(%(sizes)s) s ON s.key = d.key) AS x"
            )
        with writing(), transaction.atomic():
            found = run(
                f"INSERT INTO incidents_numberblock (district, day, next) SELECT x.district, %(day)s, x.size + 1 FROM {source} WHERE true "
                "ON CONFLICT (district, day) DO UPDATE SET next = incidents_numberblock.next + excluded.next - 1 RETURNING district, next",
                params,
            )
        with _lock:
            for district, end in found:
                first, count = end - short[district], wanted[district]
                given[district] = [f"{district}-{stamp}-{n:05d}" for n in range(first, first + count)]
                _blocks[district, stamp] = (first + count, end)
            for key in [key for key in _blocks if key[1] != stamp]:
                del _blocks[key]
    return given
