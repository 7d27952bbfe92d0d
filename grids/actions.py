"""Changes of places, units and memberships that clients must hear of. Inside the caller's transaction; `now` comes in."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from gridgov.feed.commit import Batch
from gridgov.feed.models import Head
from gridgov.feed.rows import Row
from grids.models import OrgUnit, Place
from grids.wire import place_record, place_row, unit_row

AT_ONCE = 5_000


def publish(*, rows: Iterable[Row], now: dt.datetime) -> None:
    """Put records into the feed and raise the ground version, some thousand rows a commit."""
    batch, waiting = Batch(), 0
    for row in rows:
        batch.publish(row)
        waiting += 1
        if waiting == AT_ONCE:
            with transaction.atomic():
                batch.write(now=now, bump=True)
            batch, waiting = Batch(), 0
    with transaction.atomic():
        batch.write(now=now, bump=True)


def place_rows(places: Iterable[Place]) -> Iterable[Row]:
    """Feed rows of places; ancestors' codes are read once. Give all of a tree, or any part of it."""
    codes = dict(Place.objects.values_list("sid", "code"))
    for place in places:
        path = [codes[int(sid)] for sid in place.path.strip("/").split("/")]
        yield place_row(place, place_record(place, parent=None if place.parent_id is None else str(place.parent_id), path=path))


def publish_places(*, places: Iterable[Place], now: dt.datetime) -> None:
    """Places were made or changed."""
    publish(rows=place_rows(places), now=now)


def publish_units(*, units: Iterable[OrgUnit], now: dt.datetime) -> None:
    """Units were made or changed."""
    publish(rows=map(unit_row, units), now=now)


def raise_ground() -> None:
    """What processes remember of places, units, categories and memberships is out of date from this commit on."""
    Head.objects.filter(pk=1).update(ground=F("ground") + 1)
