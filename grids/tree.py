"""The only code that moves nodes of the place tree: load, insert, move, retire, and the check of the whole.

The tree library corrupts a tree under two writers, so every change here runs under the lock of the forest (new trees,
short ids) and of the root rows in primary-key order, and reads its nodes again after that. Left and right values are
used by the tree browser only; `path` and the level columns carry scope. Nothing here publishes to the feed.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from grids.models import City, Place
from grids.rules import levels
from grids.treecheck import COLUMNS, Row, damage, rows_of

BATCH = 500


class TreeError(ValueError):
    """A change that the tree does not allow; the text says why (English, for operators and logs)."""


@contextmanager
def locked_trees(*, roots: Iterable[UUID], forest: bool = False) -> Iterator[None]:
    """A transaction in which nobody else changes these trees; with `forest` nobody makes trees or short ids either.

    Nodes that were read before are stale inside: read them again.
    """
    with transaction.atomic():
        if forest:
            City.objects.get_or_create(pk=1)
            City.objects.select_for_update().get(pk=1)
        for pk in sorted(set(roots)):
            Place.objects.select_for_update().only("pk").get(pk=pk)
        yield


def load(*, rows: Sequence[Mapping[str, Any]]) -> list[Place]:
    """New districts with everything below them. Each row: the fields of a Place with `id`, `parent_id` (None for a district) and `level`.

    Short ids are given in the order of the rows, so parents come first. One tree a district; ids are the caller's.

    :raises TreeError: if a parent is missing or not of the level above.
    """
    by_parent: dict[UUID | None, list[dict[str, Any]]] = defaultdict(list)
    known: dict[UUID, dict[str, Any]] = {}
    made: list[Place] = []
    with locked_trees(roots=(), forest=True):
        next_sid = _next_sid()
        for sid, row in enumerate(rows, next_sid):
            node = dict(row, sid=sid)
            parent = None if node["parent_id"] is None else known.get(node["parent_id"])
            if (parent["level"] if parent else None) != levels.above(level=node["level"]):
                raise TreeError(f"{node['code']}: its parent is not of the level above")
            node |= _place_in(sid, node["level"], parent)
            known[node["id"]] = node
            by_parent[node["parent_id"]].append(node)
        for node in known.values():
            node["children"] = by_parent.get(node["id"], [])
        for district in by_parent[None]:
            # One tree after the other: two unsaved ones would get the same tree_id.
            nodes = Place.objects.build_tree_nodes(district)
            Place.objects.bulk_create(nodes, batch_size=BATCH)
            made += nodes
    return made


def insert(*, parent: UUID | None, **fields: Any) -> Place:
    """One new place below `parent` (None: a district), as its last child. `fields`: those of a Place with `level`.

    :raises TreeError: if the level is not the one below the parent's, or the parent is retired.
    """
    with _locked_with(*(() if parent is None else (parent,)), forest=True):
        above = None if parent is None else Place.objects.get(pk=parent)
        _must_fit(fields["level"], above)
        sid = _next_sid()
        place = Place(**fields, sid=sid, parent=above, **_place_in(sid, fields["level"], above and vars(above)))
        place.save(force_insert=True)
        return place


def move(*, place: UUID, parent: UUID) -> int:
    """Hang a place with all below it under another parent, as its last child. Ids and short ids stay; how many nodes moved.

    :raises TreeError: if the level is not the one below the parent's, or the parent is retired.
    """
    with _locked_with(place, parent):
        node, above = Place.objects.get(pk=place), Place.objects.get(pk=parent)
        _must_fit(node.level, above)
        Place.objects.move_node(node, above, position="last-child")
        rows = rows_of(tree=Place.objects.values_list("tree_id", flat=True).get(pk=place))
        inside = {place}
        changed = []
        for row in rows:  # parents before children
            if row.pk == place or row.parent in inside:
                inside.add(row.pk)
                changed.append(row.pk)
        _rewrite(rows, only=inside)
        return len(changed)


def retire(*, place: UUID, on: dt.date) -> None:
    """A place ends on that day (the first on which it no longer holds). It stays in the tree; its code is never used again.

    :raises TreeError: if something below it still holds.
    """
    with _locked_with(place):
        if Place.objects.filter(parent=place, valid_to=None).exists():
            raise TreeError("something below it still holds")
        Place.objects.filter(pk=place).update(valid_to=on)


def repair(*, root: UUID) -> int:
    """Left and right values, tree, depth, path and level columns of one district written anew from the parents.

    How many rows were wrong. What the parents themselves have wrong (a circle, a wrong level) stays, and `treecheck` still tells it.
    """
    with locked_trees(roots=(root,), forest=True):
        tree = Place.objects.values_list("tree_id", flat=True).get(pk=root)
        taken = Place.objects.filter(parent=None, tree_id=tree).exclude(pk=root).exists()
        new_tree = (Place.objects.aggregate(top=Max("tree_id"))["top"] or 0) + 1 if taken else tree
        return _rewrite(rows_of(root=root), tree=new_tree)


@contextmanager
def _locked_with(*places: UUID, forest: bool = False) -> Iterator[None]:
    """`locked_trees` of the trees in which these places stand."""
    roots = [_root_of(pk) for pk in places]
    with locked_trees(roots=roots, forest=forest):
        if [_root_of(pk) for pk in places] != roots:
            raise TreeError("the place moved to another district meanwhile")
        yield


def _rewrite(rows: Sequence[Row], *, tree: int | None = None, only: set[UUID] | None = None) -> int:
    wanted = {row.pk: right for row, right in damage(rows=rows, tree=tree) if only is None or row.pk in only}
    places = (
        list(Place.objects.filter(pk__in=wanted).only("pk"))
        if len(wanted) < 900
        else [p for p in Place.objects.only("pk") if p.pk in wanted]
    )
    for place in places:
        for column, value in wanted[place.pk].items():
            setattr(place, column, value)
    columns = sorted({column for right in wanted.values() for column in right})
    if places:
        Place.objects.bulk_update(places, columns, batch_size=BATCH)
    return len(places)


def _place_in(sid: int, level: str, parent: Mapping[str, Any] | None) -> dict[str, Any]:
    """Path and level columns of a node below `parent` (its fields)."""
    made = {column: parent[column] if parent else None for column in COLUMNS.values()}
    if level in COLUMNS:
        made[COLUMNS[level]] = sid
    return made | {"path": f"{parent['path'] if parent else ''}{sid}/"}


def _must_fit(level: str, parent: Place | None) -> None:
    if (parent.level if parent else None) != levels.above(level=level):
        raise TreeError("the parent is not of the level above")
    if parent is not None and parent.valid_to is not None:
        raise TreeError("the parent is retired")


def _next_sid() -> int:
    return int(Place.objects.aggregate(top=Max("sid"))["top"] or 0) + 1


def _root_of(pk: UUID) -> UUID:
    """The district above a place, by its short ids: left and right values are not trusted here."""
    sid = Place.objects.values_list("district", flat=True).get(pk=pk)
    return UUID(str(Place.objects.values_list("pk", flat=True).get(sid=sid)))
