"""The cast and the tiny city in which tests play: 2 districts, 3 streets, 6 communities, 12 square cells, 1 building.

Fixture `world`. Everything has fixed ids and codes. Cells are squares of 0.01 degree; those of one community stand one above
the other, communities go west to east. Nothing here is a rule: what a test expects comes from the protocol.
"""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from gridgov.feed.models import Head
from grids.actions import publish_places, publish_units
from grids.models import City, Membership, OrgUnit, Place, User
from grids.queries import city_day, grants_of
from grids.rules.measure import areas_m2
from grids.scope import Actor
from incidents import numbers
from incidents.categories import load as load_categories
from sync.auth import begin_token

PASSWORD = "test-password-4711"
NOW = dt.datetime(2026, 5, 4, 1, 12, 31, tzinfo=dt.UTC)  # 09:12:31 in the city
IDS = uuid.UUID("6f0f2f0c-2f0e-5b1a-9d55-6d2a9f3c1b00")

# The cast: user name → (unit, role, place, what they may do).
A, A1, A1C, A1N = "610104", "610104001", "610104001001", "610104001002"
A2, A2C = "610104002", "610104002001"
B, B1, B1C = "610113", "610113001", "610113001001"
CELL, NEXT_CELL = A1C + "001", A1C + "002"
DEPARTMENT = "department-" + A
CAST: dict[str, tuple[str | None, str | None, str | None, str]] = {
    "worker": (A1C, "worker", CELL, "reports, edits, comments and photographs in their one cell"),
    "neighbour": (A1C, "worker", NEXT_CELL, "the same in the next cell of the same community"),
    "worker2": (B1C, "worker", B1C, "the same in a whole community of the other district"),
    "secretary": (A1C, "secretary", A1C, "registers, dispatches, signs off and resolves conflicts in their community"),
    "secretary2": (B1C, "secretary", B1C, "the same in a community of the other district"),
    "operator": (A1, "operator", A1, "works at the street's desk, above its communities"),
    "district-admin": (A, "admin", A, "uses the admin for their district; reads its cases, changes none"),
    "handler": (DEPARTMENT, "handler", A, "sees and works the cases sent to their department, wherever they lie"),
    "supervisor": ("", "supervisor", None, "sees the whole city, supervises and resolves conflicts"),
    "former": (A1C, "worker", CELL, "was a worker of the cell until long ago; sees nothing now"),
    "admin": (None, None, None, "superuser: the whole admin, no cases by role"),
    "stranger": (None, None, None, "has an account and nothing else"),
}

_grounds = itertools.count(1)


def fixed(name: str) -> uuid.UUID:
    """The id of something of this world."""
    return uuid.uuid5(IDS, name)


def corner(column: int, row: int) -> tuple[float, float]:
    """A corner of the squares, on the grid of 1e-7 degree."""
    return (1_089_000_000 + column * 100_000) / 1e7, (342_000_000 + row * 100_000) / 1e7


class World:
    """What the fixture gives: places by code, units by the code of their place, people by user name."""

    def __init__(self) -> None:
        numbers.forget()  # blocks of a database that was emptied
        # Each world has ground versions of its own: what the process keeps under one is never that of another test.
        Head.objects.get_or_create(pk=1)
        Head.objects.filter(pk=1).update(ground=next(_grounds) * 1_000_000, epoch=uuid.uuid4())
        City.objects.update_or_create(pk=1, defaults={"name": "西安市", "synthetic": True, "levels": []})
        self.places = _places()
        self.units = _units(self.places)
        self.people = _people(self.places, self.units)
        publish_places(places=self.places.values(), now=NOW)
        publish_units(units=self.units.values(), now=NOW)
        load_categories(now=NOW)

    # --- people ------------------------------------------------------------------------------------------------

    def user(self, name: str) -> User:
        """One of the cast."""
        return self.people[name]

    def actor(self, name: str, *, now: dt.datetime | None = None) -> Actor:
        """The caller as the API sees them on that day (default: today)."""
        user = self.people[name]
        ground = Head.objects.values_list("ground", flat=True).get(pk=1)
        scope, past = grants_of(user=str(user.pk), ground=ground, day=city_day(now or timezone.now()))
        return Actor(
            user=str(user.pk), username=user.username, name=user.name, language=user.language,
            superuser=user.is_superuser, scope=scope, past=past, ground=ground,
        )  # fmt: skip

    def token(self, name: str) -> str:
        """A new device of theirs; the token for `Authorization: Token …`."""
        return begin_token(user=self.people[name], device_name=f"{name}'s phone", now=timezone.now())[0]

    def client(self, name: str | None = None, **headers: str) -> Client:
        """Django's test client, with a token of that person (None: not logged in)."""
        sent = {"Authorization": f"Token {self.token(name)}"} if name else {}
        return Client(headers=sent | headers)

    def browser(self, name: str) -> Client:
        """Django's test client, signed in at /login/ with a password, as a browser is."""
        client = Client()
        answer = client.post("/login/", {"username": name, "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return client

    # --- places ------------------------------------------------------------------------------------------------

    def point(self, code: str = CELL, *, east: float = 0.5, north: float = 0.5) -> tuple[float, float]:
        """(lng, lat) inside a square cell, WGS-84, as shares of its box, to 7 decimals."""
        at = self.places[code]
        return round(at.west + east * (at.east - at.west), 7), round(at.south + north * (at.north - at.south), 7)

    def position(self, code: str = CELL, *, east: float = 0.5, north: float = 0.5, **more: Any) -> dict[str, Any]:
        """A position of the protocol inside a cell."""
        lng, lat = self.point(code, east=east, north=north)
        return {"lng": lng, "lat": lat, "datum": "wgs84", "accuracy_m": 8, "source": "gps", **more}


def _places() -> dict[str, Place]:
    """Places by code, parents before children, sids in that order."""
    communities = [A1C, A1N, A2C, A2 + "201", B1C, B1 + "201"]
    squares: dict[str, shapely.Polygon] = {}
    for column, community in enumerate(communities):
        for row in (0, 1):
            (w, s), (e, n) = corner(column, row), corner(column + 1, row + 1)
            squares[f"{community}{row + 1:03d}"] = shapely.Polygon([(w, s), (e, s), (e, n), (w, n)])
    made: dict[str, Place] = {}
    shapes: dict[str, Any] = {}
    for level, length in (("district", 6), ("street", 9), ("community", 12), ("grid", 15)):
        for code in sorted({cell[:length] for cell in squares}):
            shapes[code] = shapely.coverage_union_all([shape for cell, shape in squares.items() if cell.startswith(code)])
            _add(made, code, level, made.get(code[: length - 3]), shapes[code])
    w, s = corner(0, 0)
    hut = shapely.box(*(round(value, 7) for value in (w + 0.002, s + 0.002, w + 0.0022, s + 0.0021)))
    _add(made, A1C + "00001", "building", made[CELL], hut)
    _number(made)
    Place.objects.bulk_create(made.values())
    return made


def _add(made: dict[str, Place], code: str, level: str, parent: Place | None, shape: Any) -> None:
    sid = len(made) + 1
    multi = shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])
    west, south, east, north = multi.bounds
    inner = multi.centroid
    place = Place(
        id=fixed(code), sid=sid, code=code, name=NAMES[level].format(sid=sid), level=level,
        kind="basic" if level == "grid" else None, parent=parent, path=(parent.path if parent else "") + f"{sid}/",
        geometry=shapely.to_wkb(multi), west=west, south=south, east=east, north=north, lng=inner.x, lat=inner.y,
        area_m2=float(areas_m2(geometries=[multi])[0]), synthetic=True, valid_from=dt.date(2020, 1, 1),
    )  # fmt: skip
    for above in ("district", "street", "community", "cell"):
        setattr(place, above, getattr(parent, above) if parent else None)
    if level != "building":
        setattr(place, "cell" if level == "grid" else level, sid)
    made[code] = place


NAMES = {"district": "第{sid}区", "street": "第{sid}街道", "community": "第{sid}社区", "grid": "第{sid}网格", "building": "{sid}号楼"}


def _number(made: dict[str, Place]) -> None:
    """Left and right values, one tree a district."""
    children: dict[str | None, list[Place]] = {}
    for place in made.values():
        children.setdefault(place.parent.code if place.parent else None, []).append(place)

    def walk(place: Place, tree: int, depth: int, count: Iterator[int]) -> None:
        place.tree_id, place.depth, place.lft = tree, depth, next(count)
        for child in children.get(place.code, ()):
            walk(child, tree, depth + 1, count)
        place.rght = next(count)

    for tree, root in enumerate(children[None], 1):
        walk(root, tree, 0, itertools.count(1))


def _units(places: dict[str, Place]) -> dict[str, OrgUnit]:
    """The city's centre under "", the others under the code of their place; one department."""
    made = {"": OrgUnit(id=fixed("unit "), name="西安市网格中心", kind="centre", level="city")}
    for code, place in places.items():
        if place.level in ("district", "street", "community"):
            above = made[place.parent.code if place.parent else ""]
            made[code] = OrgUnit(
                id=fixed(f"unit {code}"), name=f"{place.name}网格中心", kind="centre", level=place.level, parent=above, place=place
            )
    made[DEPARTMENT] = OrgUnit(
        id=fixed(f"unit {DEPARTMENT}"), name="城管局", kind="department", level="district", parent=made[A], place=places[A]
    )  # fmt: skip
    OrgUnit.objects.bulk_create(made.values())
    return made


def _people(places: dict[str, Place], units: dict[str, OrgUnit]) -> dict[str, User]:
    hashed = make_password(PASSWORD)
    made = {
        name: User(
            id=fixed(f"user {name}"), username=name, name=name, password=hashed, is_superuser=name == "admin",
            is_staff=name in ("admin", "district-admin"), language="en" if name == "worker2" else "zh-hans",
        )
        for name in CAST
    }  # fmt: skip
    User.objects.bulk_create(made.values())
    Membership.objects.bulk_create(
        Membership(
            id=fixed(f"member {name}"), user=made[name], unit=units[unit], role=role, place=places[place] if place else None,
            since=dt.date(2020, 1, 1), until=dt.date(2021, 1, 1) if name == "former" else None,
        )
        for name, (unit, role, place, _) in CAST.items()
        if unit is not None and role is not None
    )  # fmt: skip
    return made


@pytest.fixture
def world(db: None) -> World:
    """The tiny city with its cast, in the test's database; ask for `transactional_db` too where threads must see it."""
    return World()
