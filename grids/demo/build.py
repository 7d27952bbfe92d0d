"""Puts the made city into the database: places, units, people, feed; one transaction, so a broken run leaves nothing behind."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from django.db import connection, transaction

from gridgov.feed.models import FeedExtra, FeedRow, Head
from grids import tree
from grids.actions import publish_places, publish_units
from grids.demo.accounts import CITY_NAME, demo_id, make_people, make_units
from grids.models import City, Membership, OrgUnit, Place
from grids.rules import codes, coverage, levels
from grids.rules.city import Node
from grids.rules.measure import areas_m2

Tell = Callable[[str], None]


def store(*, nodes: Sequence[Node], seed: int, password: str, now: dt.datetime, tell: Tell) -> None:
    """Write everything. Shapes are marked synthetic also where the outlines of districts are real: what lies below is not."""
    rows = place_fields(nodes=nodes, seed=seed)
    with transaction.atomic():
        tell("places")
        City.objects.update_or_create(pk=1, defaults={"name": CITY_NAME, "levels": _profile(), "synthetic": True})
        places = {place.code: place for place in tree.load(rows=rows)}
        tell("units")
        units = make_units(places=places, seed=seed)
        make_people(places=places, seed=seed, password=password)
        tell("feed")
        publish_places(places=places.values(), now=now)
        publish_units(units=units, now=now)
    tell("statistics")
    with connection.cursor() as cursor:
        # Plans made while the tables were empty cost twenty times as much.
        cursor.execute("ANALYZE")


def place_fields(*, nodes: Sequence[Node], seed: int) -> list[dict[str, Any]]:
    """The fields of each place, in the order of `nodes` (parents first)."""
    shapes = np.array([coverage.as_multi(geometry=node.geometry) for node in nodes], object)
    wkb = shapely.to_wkb(shapes, byte_order=1)
    areas = areas_m2(geometries=shapes).tolist()
    boxes = shapely.bounds(shapes).tolist()
    middles = shapely.get_coordinates(shapely.centroid(shapes)).round(7).tolist()
    ids = {node.code: demo_id(seed=seed, kind="place", code=node.code) for node in nodes}
    return [
        {
            "id": ids[node.code],
            "parent_id": None if node.parent is None else ids[node.parent],
            "code": node.code,
            "name": node.name,
            "level": node.level,
            "kind": codes.kind_of_cell(code=node.code) if node.level == levels.GRID else None,
            "geometry": wkb[at],
            "west": boxes[at][0], "south": boxes[at][1], "east": boxes[at][2], "north": boxes[at][3],
            "lng": middles[at][0], "lat": middles[at][1],
            "area_m2": round(areas[at], 2),
            "boundary_version": 1,
            "synthetic": True,
        }
        for at, node in enumerate(nodes)
    ]  # fmt: skip


def clear() -> bool:
    """Take away all places, units and memberships, and their feed. False, and nothing is changed, where there are cases."""
    with transaction.atomic():
        head = Head.objects.select_for_update().get(pk=1)
        if FeedRow.objects.exclude(type__in=("place", "unit", "category")).exists():
            return False
        Membership.objects.all().delete()
        OrgUnit.objects.update(parent=None)
        OrgUnit.objects.all().delete()
        for level in reversed(levels.LEVELS):
            Place.objects.filter(level=level).delete()
        keys = FeedRow.objects.filter(type__in=("place", "unit"))
        FeedExtra.objects.filter(key__in=keys.values("key")).delete()
        keys.delete()
        # Another history: every client starts anew.
        Head.objects.filter(pk=1).update(epoch=demo_id(seed=head.seq, kind="epoch", code=str(head.epoch)), ground=head.ground + 1)
    return True


def _profile() -> list[dict[str, Any]]:
    return [{"level": level, "digits": codes.XIAN.length(level=level)} for level in levels.LEVELS]
