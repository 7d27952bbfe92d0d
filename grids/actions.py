"""Changes of places, units and memberships that clients must hear of. Inside the caller's transaction; `now` comes in."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, Q

from gridgov.feed.commit import Batch
from gridgov.feed.models import Head
from gridgov.feed.rows import Row
from grids.models import Membership, OrgUnit, Place, User
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


def move_member(*, user: User, place: Place, day: dt.date) -> list[Membership]:
    """From `day` on, the user's memberships by place hold for `place` instead; the old ones end that day and are kept.

    The unit becomes the centre nearest above the place, so that a secretary owns what they then see; a handler keeps theirs.

    :raises ValueError: where the user has no membership that holds on that day, or no centre stands above the place.
    """
    with transaction.atomic():
        today = Membership.objects.select_for_update().filter(user=user, since__lte=day).filter(Q(until=None) | Q(until__gt=day))
        old = list(today.select_related("unit"))
        if not old:
            raise ValueError("no membership holds today")
        sids = [sid for sid in (place.cell, place.community, place.street, place.district) if sid is not None]
        centres = {
            unit.place.sid: unit
            for unit in OrgUnit.objects.filter(kind="centre", retired=False, place__sid__in=sids).select_related("place")
            if unit.place
        }
        centre = next((centres[sid] for sid in sids if sid in centres), None)
        if centre is None:
            raise ValueError("no centre stands above this place")
        made = []
        for membership in old:
            membership.until = day
            membership.save(update_fields=["until"])
            unit = membership.unit if membership.role == Membership.Role.HANDLER else centre
            made.append(Membership.objects.create(user=user, unit=unit, role=membership.role, place=place, since=day))
    return made
