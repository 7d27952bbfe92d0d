"""Places and units as JSON records (protocol §4.1, §8): knows key names, queries nothing, decides nothing."""

from typing import Any

import msgspec

from gridgov.feed.rows import Row, key_of
from grids.models import OrgUnit, Place


def place_record(place: Place, *, parent: str | None, path: list[str]) -> dict[str, Any]:
    """The record without geometry. `parent`: its id; `path`: codes from the district down to the place itself."""
    return {
        "id": str(place.pk),
        "code": place.code,
        "name": place.name,
        "level": place.level,
        "kind": place.kind,
        "parent": parent,
        "path": path,
        "centroid": {"lng": round(place.lng, 7), "lat": round(place.lat, 7)},
        "bbox": [place.west, place.south, place.east, place.north],
        "area_m2": round(place.area_m2, 1),
        "boundary_version": place.boundary_version,
        "synthetic": place.synthetic,
    }


def place_row(place: Place, record: dict[str, Any]) -> Row:
    """The feed's row of a place: read by those whose scope it lies in, and by all below it (key `a:<sid>`)."""
    return Row(
        key=key_of("place", record["id"]),
        type="place",
        rid=record["id"],
        incident=None,
        wire=msgspec.json.encode(record).decode(),
        district=place.district,
        street=place.street,
        community=place.community,
        cell=place.cell,
        extra=() if place.level in ("grid", "building") else (f"a:{place.sid}",),
    )


def unit_record(unit: OrgUnit) -> dict[str, Any]:
    """A unit's record; all may read it."""
    return {
        "id": str(unit.pk),
        "name": unit.name,
        "kind": unit.kind,
        "level": unit.level,
        "parent": None if unit.parent_id is None else str(unit.parent_id),
        "retired": unit.retired,
    }


def unit_row(unit: OrgUnit) -> Row:
    """The feed's row of a unit."""
    record = unit_record(unit)
    return Row(
        key=key_of("unit", record["id"]),
        type="unit",
        rid=record["id"],
        incident=None,
        wire=msgspec.json.encode(record).decode(),
        extra=("all",),
    )
