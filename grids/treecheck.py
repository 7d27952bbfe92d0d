"""Is the place tree what its parents say? Left, right, tree, depth, path and level columns are reckoned again and compared.

Reads only; `grids.tree.repair` writes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext as _

from grids.models import Place
from grids.rules import levels

REPAIRABLE = ("tree_id", "lft", "rght", "depth", "path", "district", "street", "community", "cell")
COLUMNS = dict(zip(levels.LEVELS[:4], ("district", "street", "community", "cell"), strict=True))


class Row(NamedTuple):
    """A node as it stands."""

    pk: UUID
    parent: UUID | None
    sid: int
    code: str
    level: str
    columns: dict[str, Any]


class Problem(NamedTuple):
    """Something wrong with one place: its id, and what, in the reader's language."""

    id: str
    what: str


def verify(*, root: UUID | None = None) -> list[Problem]:
    """All differences, of one district or of the whole forest. Two queries at most; nothing is changed."""
    rows = _read() if root is None else rows_of(root=root)
    return [*_wrong_parents(rows), *_wrong_values(rows)]


def rows_of(*, root: UUID | None = None, tree: int | None = None) -> list[Row]:
    """The nodes that hang by their parents under a root (or under the roots of one tree), parents first."""
    rows = _read()
    below = _below(rows)
    found = [row for row in rows if (row.pk == root if root is not None else row.parent is None and row.columns["tree_id"] == tree)]
    for row in found:  # grows while it is read
        found += below.get(row.pk, [])
    return found


def damage(*, rows: Sequence[Row], tree: int | None = None) -> Iterator[tuple[Row, dict[str, Any]]]:
    """(row, right values) of each row whose values differ from what its parents say. Rows that no root reaches are left out.

    `tree`: the tree_id that the roots shall have; None: the one that they have.
    """
    below = _below(rows)
    for row, right in _reckoned(rows, below, tree):
        if right != row.columns:
            yield row, right


def _reckoned(rows: Sequence[Row], below: dict[UUID | None, list[Row]], tree: int | None) -> Iterator[tuple[Row, dict[str, Any]]]:
    present = {row.pk for row in rows}
    for root in [row for row in rows if row.parent is None or row.parent not in present]:
        rights: list[tuple[Row, dict[str, Any]]] = []
        counter = 0
        start: dict[str, Any] = {"tree_id": root.columns["tree_id"] if tree is None else tree, "depth": -1, "path": ""}
        start |= dict.fromkeys(COLUMNS.values())
        stack: list[tuple[Row | None, dict[str, Any]]] = [(root, start)]
        while stack:
            row, above = stack.pop()
            counter += 1
            if row is None:
                above["rght"] = counter
                continue
            right = above | {"lft": counter, "rght": 0, "depth": above["depth"] + 1, "path": f"{above['path']}{row.sid}/"}
            if row.level in COLUMNS:
                right[COLUMNS[row.level]] = row.sid
            rights.append((row, right))
            stack.append((None, right))
            stack += [(child, right) for child in reversed(below.get(row.pk, []))]
        yield from rights


def _wrong_parents(rows: Sequence[Row]) -> Iterator[Problem]:
    by_pk = {row.pk: row for row in rows}
    below = _below(rows)
    reached = [row for row in rows if row.parent is None or row.parent not in by_pk]
    for row in reached:
        reached += below.get(row.pk, [])
    lost = by_pk.keys() - {row.pk for row in reached}
    tree_of: dict[int, str] = {}
    for row in rows:
        above = by_pk[row.parent].level if row.parent in by_pk else None
        if row.pk in lost:
            yield Problem(str(row.pk), _("%(code)s hangs in a circle of parents.") % {"code": row.code})
        elif above != levels.above(level=row.level):
            yield Problem(str(row.pk), _("%(code)s: the parent is not of the level above.") % {"code": row.code})
        if row.parent is None and (first := tree_of.setdefault(row.columns["tree_id"], row.code)) != row.code:
            yield Problem(str(row.pk), _("%(code)s has the tree number of %(other)s.") % {"code": row.code, "other": first})


def _wrong_values(rows: Sequence[Row]) -> Iterator[Problem]:
    for row, right in damage(rows=rows):
        wrong = [f"{column} {row.columns[column]} ≠ {value}" for column, value in right.items() if row.columns[column] != value]
        yield Problem(str(row.pk), f"{row.code}: {', '.join(wrong)}")


def _read() -> list[Row]:
    fields = ("pk", "parent_id", "sid", "code", "level", *REPAIRABLE)
    return [
        Row(pk, parent, sid, code, level, dict(zip(REPAIRABLE, values, strict=True)))
        for pk, parent, sid, code, level, *values in Place.objects.order_by("lft", "code").values_list(*fields)
    ]


def _below(rows: Sequence[Row]) -> dict[UUID | None, list[Row]]:
    """Children by parent, in the order of their left values (any order of siblings is right), then codes."""
    below: dict[UUID | None, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r.columns["lft"], r.code)):
        below[row.parent].append(row)
    return below
