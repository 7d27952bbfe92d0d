"""Categories as JSON records (protocol §4.1): knows key names, queries nothing, decides nothing."""

from typing import Any

import msgspec

from gridgov.feed.rows import Row, key_of
from incidents.models import Category


def category_record(category: Category, *, parent: str | None, replaced_by: str | None) -> dict[str, Any]:
    """The record; all may read it. `parent`, `replaced_by`: codes."""
    return {
        "id": str(category.pk),
        "code": category.code,
        "names": {"zh-hans": category.name_zh, "en": category.name_en},
        "parent": parent,
        "kind": category.kind,
        "handling_class": category.handling_class,
        "restricted": category.restricted,
        "retired": category.retired,
        "replaced_by": replaced_by,
        "required_photos": category.required_photos,
        "radius_m": category.radius_m,
        "questions": category.questions,
    }


def category_row(record: dict[str, Any]) -> Row:
    """The feed's row of a category."""
    return Row(
        key=key_of("category", record["id"]),
        type="category",
        rid=record["id"],
        incident=None,
        wire=msgspec.json.encode(record).decode(),
        extra=("all",),
    )
