"""Reads of places for the API: pages by code, one place with its ancestors, all shapes of a level. Every account may read them.

The number of statements never depends on how much is found.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import shapely
from django.db import connection
from django.db.models import Q, QuerySet

from gridgov.errors import Refusal
from gridgov.feed.models import Head
from grids.models import Place
from grids.wire import place_record

Record = dict[str, Any]


def sids_of(*, path: str) -> list[int]:
    """The short ids of a path, from the district down to the place itself."""
    return [int(sid) for sid in path.strip("/").split("/")]


def standing(*, day: dt.date) -> QuerySet[Place]:
    """Places that are not retired on that day."""
    found: QuerySet[Place] = Place.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day))
    return found


def access_place(*, code: str, geometry: bool = False) -> Place:
    """The place with that code, retired or not.

    :raises Refusal: not_found.
    """
    found = Place.objects.filter(code=code)
    place: Place | None = (found if geometry else found.defer("geometry")).first()
    if place is None:
        raise Refusal("not_found")
    return place


def lying_in(*, place: Place) -> Q:
    """The condition: the place itself and all below it, by the index on `path`."""
    if connection.vendor == "sqlite":  # compares bytes; LIKE would not use the index. "0" is the sign after "/".
        return Q(path__gte=place.path, path__lt=place.path[:-1] + "0")
    return Q(path__startswith=place.path)


def records_of(*, places: Sequence[Place]) -> list[Record]:
    """Their records, in their order. One query, for the codes of their ancestors."""
    own = {place.sid: (place.pk, place.code) for place in places}
    above = {sid for place in places for sid in sids_of(path=place.path)} - own.keys()
    known = own | {sid: (pk, code) for sid, pk, code in Place.objects.filter(sid__in=above).values_list("sid", "pk", "code")}
    return [record_of(place=place, known=known) for place in places]


def record_of(*, place: Place, known: dict[int, tuple[Any, str]]) -> Record:
    """One record; `known` holds id and code by short id, of its ancestors too."""
    codes = [known[sid][1] for sid in sids_of(path=place.path)]
    return place_record(place, parent=None if place.parent_id is None else str(place.parent_id), path=codes)


def page_of(
    *, day: dt.date, level: str | None, under: str | None, parent: str | None, text: str | None, after: str | None, limit: int
) -> tuple[list[Record], str | None]:
    """Up to `limit` records in the order of codes, and the code to go on after (None: that was all). At most four queries.

    `under`: that place and all below it; `parent`: its children; `text`: a code's beginning or a part of a name.

    :raises Refusal: not_found, where `under` or `parent` is no code of ours.
    """
    found = standing(day=day).defer("geometry").order_by("code")
    if level is not None:
        found = found.filter(level=level)
    if under is not None:
        found = found.filter(lying_in(place=access_place(code=under)))
    if parent is not None:
        found = found.filter(parent=access_place(code=parent).pk)
    if text:
        found = found.filter(Q(code__startswith=text) | Q(name__icontains=text))
    if after is not None:
        found = found.filter(code__gt=after)
    rows = list(found[: limit + 1])
    return records_of(places=rows[:limit]), rows[limit - 1].code if len(rows) > limit else None


def lineage(*, sids: Sequence[int]) -> list[Record]:
    """The records of a whole path, from the district down to the place itself. One query."""
    rows = list(Place.objects.filter(sid__in=sids).defer("geometry").order_by("depth"))
    known = {row.sid: (row.pk, row.code) for row in rows}
    return [record_of(place=row, known=known) for row in rows]


def geojson_geometry(*, wkb: bytes) -> Record:
    """A stored shape as a GeoJSON geometry, WGS-84."""
    found: Record = shapely.geometry.mapping(shapely.from_wkb(wkb))
    return found


def ground_version() -> tuple[str, int]:
    """(epoch, ground): the name of what places, units and memberships are now. One query."""
    epoch, ground = Head.objects.values_list("epoch", "ground").get(pk=1)
    return str(epoch), ground


def features(*, day: dt.date, level: str, under: Place | None) -> Iterable[bytes]:
    """A FeatureCollection in pieces of some hundred features. Two queries, done before the first piece is asked for.

    So all shapes are of one moment, and no cursor stays open while a slow phone reads. What is kept is their WKB: 1 MB a city.
    """
    found = standing(day=day).filter(level=level).order_by("code")
    rows = list(found if under is None else found.filter(lying_in(place=under)))
    known = {row.sid: (row.pk, row.code) for row in rows}
    above = {sid for row in rows for sid in sids_of(path=row.path)} - known.keys()
    known |= {sid: (pk, code) for sid, pk, code in Place.objects.filter(sid__in=above).values_list("sid", "pk", "code")}
    return _pieces(rows, known)


def _pieces(rows: Sequence[Place], known: dict[int, tuple[Any, str]], size: int = 200) -> Iterable[bytes]:
    encode = msgspec.json.encode
    yield b'{"type":"FeatureCollection","features":['
    for start in range(0, len(rows), size):
        made = [
            encode(
                {
                    "type": "Feature",
                    "id": str(row.pk),
                    "properties": record_of(place=row, known=known),
                    "geometry": geojson_geometry(wkb=bytes(row.geometry)),
                }
            )
            for row in rows[start : start + size]
        ]
        yield (b"," if start else b"") + b",".join(made)
    yield b"]}"
