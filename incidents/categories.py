"""The starter categories (incidents/data/categories.json): reads the file, stores what is missing, tells the feed.

What an operator has edited is never overwritten. Ids are derived from the codes, so every installation has the same.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from django.db import transaction

from gridgov.feed.rows import Row
from grids.actions import publish
from incidents.models import Category
from incidents.wire_category import category_record, category_row

FILE: Final = Path(__file__).resolve().parent / "data" / "categories.json"
IDS: Final = uuid.UUID("0c5f54f3-0c5e-5d0b-8f0e-7a2f3f1d9c11")
CLASS_DIGITS: Final = 2


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file. The head of the file says what an absent key means."""

    code: str
    zh: str
    en: str
    handling_class: str
    kind: str | None = None
    restricted: bool = False
    radius_m: int = 0
    required_photos: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True):
    about: list[str]
    categories: list[Entry]


def id_of(*, code: str) -> uuid.UUID:
    """The id of a starter category."""
    return uuid.uuid5(IDS, code)


def starter() -> list[Entry]:
    """The file's entries, classes before their leaves."""
    return sorted(msgspec.json.decode(FILE.read_bytes(), type=_File).categories, key=lambda entry: (len(entry.code), entry.code))


def rows_of(*, categories: Iterable[Category]) -> Iterator[Row]:
    """Feed rows; one query for the codes of parents and successors."""
    codes = dict(Category.objects.values_list("pk", "code"))
    for category in categories:
        parent = None if category.parent_id is None else codes[category.parent_id]
        replaced_by = None if category.replaced_by_id is None else codes[category.replaced_by_id]
        yield category_row(category_record(category, parent=parent, replaced_by=replaced_by))


def publish_categories(*, categories: Iterable[Category], now: dt.datetime) -> None:
    """Categories were made or changed: clients hear of it, and the ground version rises."""
    publish(rows=rows_of(categories=categories), now=now)


def load(*, now: dt.datetime) -> int:
    """Store the starter categories that are missing, and publish them. How many they were; 0 changes nothing."""
    entries = starter()
    kinds = {entry.code: entry.kind for entry in entries if entry.kind is not None}
    with transaction.atomic():
        ids = dict(Category.objects.values_list("code", "pk"))
        made = []
        for entry in entries:
            if entry.code in ids:
                continue
            ids[entry.code] = id_of(code=entry.code)
            above = entry.code[:CLASS_DIGITS]
            made.append(
                Category(
                    id=ids[entry.code],
                    code=entry.code,
                    kind=kinds[above],
                    parent_id=None if above == entry.code else ids[above],
                    name_zh=entry.zh,
                    name_en=entry.en,
                    handling_class=entry.handling_class,
                    restricted=entry.restricted,
                    radius_m=entry.radius_m,
                    required_photos=list(entry.required_photos),
                )
            )
        if made:
            Category.objects.bulk_create(made)
            publish_categories(categories=made, now=now)
    return len(made)
