"""What an administrator changes on the ground: names of places, units. Inside the caller's transaction; `now` comes in."""

import datetime as dt

from grids.actions import publish, publish_units, raise_ground
from grids.models import OrgUnit, Place
from grids.place_queries import records_of
from grids.wire import place_row


def rename_place(*, place: Place, name: str, now: dt.datetime) -> None:
    """A place gets another name; its readers hear of it. Ids, codes and cases are not touched."""
    Place.objects.filter(pk=place.pk).update(name=name)
    place.name = name
    publish(rows=[place_row(place, records_of(places=[place])[0])], now=now)


def unit_was_stored(*, unit: OrgUnit, now: dt.datetime) -> None:
    """A unit was made or changed: everybody hears of it, and owners and scopes are computed anew."""
    publish_units(units=[unit], now=now)


def managed_places_were_stored() -> None:
    """What a unit manages was changed: scopes are computed anew."""
    raise_ground()
