"""The permission rule has two faces, one record asked for and index ranges read: both, and the protocol's words, agree."""

import datetime as dt
import itertools
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgov.feed.models import FeedExtra, FeedRow, Head
from grids.models import Membership, OrgUnit, Place
from grids.queries import grants_of
from grids.scope import Audience
from sync.changes import read_page
from tests.world import A1, A1C, A1N, B1C, CELL, A, B, World, fixed

TODAY = dt.date(2026, 5, 4)
ME = fixed("user stranger")
OTHER = fixed("user worker")
ROLES = [role.value for role in Membership.Role]
STAFF = {"secretary", "operator", "supervisor"}
KINDS = ["incident", "event", "conflict", "notice", "place", "unit"]
DAYS = st.sampled_from([dt.date(2020, 1, 1), TODAY - dt.timedelta(1), TODAY, TODAY + dt.timedelta(1), dt.date(2030, 1, 1)])
# Few places, above and below and beside each other, so that memberships and records meet often.
SPOTS = [A, A1, A1C, CELL, CELL[:-1] + "2", A1C + "00001", A1N + "001", B, B1C + "001"]
PLACES = st.sampled_from(SPOTS)
ABOVE = [A, A1, A1C, B, B1C]  # only records of places above the cells name `a:` keys
_grounds = itertools.count(7_000_000_000)


def member() -> st.SearchStrategy[dict[str, Any]]:
    """A membership: role, unit and place (None: the city) by code, what the unit manages, from when to when."""
    return st.fixed_dictionaries(
        {
            "role": st.sampled_from(ROLES),
            "unit": st.integers(0, 99),
            "place": st.none() | PLACES,
            "manages": st.lists(PLACES, max_size=1),
            "since": DAYS,
            "until": st.none() | st.none() | DAYS,
        }
    ).filter(lambda m: m["until"] is None or m["until"] >= m["since"])


def audience() -> st.SearchStrategy[dict[str, Any]]:
    """A record's readers: where it lies (None: nowhere), for staff only, a person, further keys by number."""
    key = st.tuples(st.sampled_from(["all", "u", "p", "a"]), st.integers(0, 99))
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "place": st.none() | PLACES,
            "internal": st.booleans(),
            "person": st.sampled_from([None, None, None, ME, OTHER]),
            "extra": st.lists(key, max_size=2) | st.just([]),
        }
    )


class Stage:
    """The drawn memberships and records, in the database and as values."""

    def __init__(self, world: World, members: list[dict[str, Any]], audiences: list[dict[str, Any]]) -> None:
        self.world = world
        self.places = sorted(world.places.values(), key=lambda place: place.sid)
        self.units = sorted(world.units.values(), key=lambda unit: unit.pk)
        for table in (FeedExtra, FeedRow, OrgUnit.manages.through):
            table.objects.all().delete()
        Membership.objects.filter(user=ME).delete()
        self.members = [
            (row, Membership(user_id=ME, unit=self.at(self.units, row["unit"]), role=row["role"], place=self.spot(row["place"]),
                             since=row["since"], until=row["until"]))
            for row in members
        ]  # fmt: skip
        Membership.objects.bulk_create(made for _, made in self.members)
        links = {(m.unit.pk, self.spot(code).pk) for row, m in self.members for code in row["manages"]}
        self.managed = {unit: {place for u, place in links if u == unit} for unit, _ in links}
        OrgUnit.manages.through.objects.bulk_create(OrgUnit.manages.through(orgunit_id=u, place_id=p) for u, p in links)
        self.records = [self.record(number, row) for number, row in enumerate(audiences)]
        ground = next(_grounds)
        Head.objects.update(ground=ground)
        self.scope, self.past = grants_of(user=str(ME), ground=ground, day=TODAY)

    def spot(self, code: str | None) -> Any:
        return None if code is None else self.world.places[code]

    @staticmethod
    def at(of: list[Any], number: int | None) -> Any:
        return None if number is None else of[number % len(of)]

    def key(self, kind: str, number: int) -> str:
        match kind:
            case "u":
                return f"u:{self.at(self.units, number).pk}"
            case "p":
                return f"p:{ME if number % 2 else OTHER}"
            case "a":
                return f"a:{self.spot(self.at(ABOVE, number)).sid}"
        return "all"

    def record(self, number: int, row: dict[str, Any]) -> tuple[str, str, Place | None, Audience]:
        place = self.spot(row["place"])
        levels = {name: getattr(place, name) if place else None for name in ("district", "street", "community", "cell")}
        extra = tuple(sorted({self.key(*pair) for pair in row["extra"]}))
        key = f"x{number}"
        FeedRow.objects.create(
            key=key,
            seq=number + 1_000_000,
            type=row["kind"],
            rid=str(uuid.uuid4()),
            internal=row["internal"],
            person=row["person"],
            **levels,
        )
        FeedExtra.objects.bulk_create(FeedExtra(key=key, audience=audience, seq=number + 1_000_000) for audience in extra)
        person = None if row["person"] is None else str(row["person"])
        return key, row["kind"], place, Audience(**levels, internal=row["internal"], person=person, extra=extra)


def read_from_the_feed(stage: "Stage") -> set[str]:
    """What the feed's own statement gives this reader."""
    keys = {number + 1_000_000: key for number, (key, *_) in enumerate(stage.records)}
    return {keys[row[0]] for row in read_page(stage.scope, since=0, limit=1000)[1]}


def by_the_words_of_the_protocol(stage: Stage, kind: str, place: Place | None, audience: Audience) -> bool:
    """Protocol §4.1, read slowly: by walking up the tree, one membership after the other."""
    own_line = kind == "event" and audience.internal and audience.person == str(ME)  # a worker's own, while they see its place
    if (audience.person == str(ME) and not own_line) or "all" in audience.extra or f"p:{ME}" in audience.extra:
        return True
    for row, m in stage.members:
        if not (row["since"] <= TODAY and (row["until"] is None or row["until"] > TODAY)):
            continue
        if m.role == "handler" and f"u:{m.unit.pk}" in audience.extra:
            return True
        own = [m.place, *(p for p in stage.places if p.pk in stage.managed.get(m.unit.pk, ()))]
        for area in own:
            if area is not None and {f"a:{above.sid}" for above in line(area)[1:]} & set(audience.extra):
                return True
            if place is None:
                continue
            inside = area is None or any(step.pk == cell_of(area).pk for step in line(place))
            if inside and (m.role in STAFF or not audience.internal or own_line) and (m.role != "handler" or kind == "place"):
                return True
        # a worker of a cell also reads the other places of its community
        beside = m.place is not None and m.place.level == "grid" and any(step.pk == m.place.parent.pk for step in line(place))
        if beside and kind == "place" and not audience.internal:
            return True
    return False


def cell_of(place: Place) -> Place:
    """Cases lie in cells: a building stands for its cell."""
    return place.parent if place.level == "building" else place


def line(place: Place | None) -> list[Place]:
    """The place and its ancestors, upwards."""
    found = []
    while place is not None:
        found.append(place)
        place = place.parent
    return found


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(member(), max_size=4), audiences=st.lists(audience(), min_size=1, max_size=12))
def test_what_is_allowed_is_what_the_ranges_give_and_what_the_protocol_says(
    world: World, members: list[dict[str, Any]], audiences: list[dict[str, Any]]
) -> None:
    stage = Stage(world, members, audiences)
    allowed = {key for key, kind, _, audience in stage.records if stage.scope.allows(audience, kind=kind)}
    assert allowed == read_from_the_feed(stage)
    assert allowed == {key for key, kind, place, audience in stage.records if by_the_words_of_the_protocol(stage, kind, place, audience)}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(member(), max_size=4))
def test_what_has_ended_is_past_and_what_has_not_begun_is_nowhere(world: World, members: list[dict[str, Any]]) -> None:
    stage = Stage(world, members, [])
    today = [m for row, m in stage.members if row["since"] <= TODAY and (row["until"] is None or row["until"] > TODAY)]
    ended = [m for row, m in stage.members if row["until"] is not None and row["until"] <= TODAY and row["since"] <= TODAY]
    assert sorted(g.role for g in stage.scope.grants) == sorted(m.role for m in today)
    assert sorted(g.role for g in stage.past) == sorted(m.role for m in ended)


@pytest.mark.parametrize(
    ("name", "sees", "internal"),
    [
        ("worker", {CELL}, False), ("secretary", {CELL, CELL[:-1] + "2"}, True), ("worker2", {B + "001001001", B + "001001002"}, False),
        ("supervisor", None, True), ("district-admin", A, False), ("handler", set(), False), ("former", set(), False), ("stranger", set(), False),
        ("admin", set(), False),
    ],
)  # fmt: skip
def test_the_cast_sees_the_cells_that_it_is_said_to_see(world: World, name: str, sees: Any, internal: bool) -> None:
    scope = world.actor(name, now=dt.datetime(2026, 5, 4, tzinfo=dt.UTC)).scope
    cells = {code: place for code, place in world.places.items() if place.level == "grid"}

    def at(place: Place, for_staff: bool = False) -> Audience:
        return Audience(district=place.district, street=place.street, community=place.community, cell=place.cell, internal=for_staff)

    seen = {code for code, place in cells.items() if scope.allows(at(place), kind="incident")}
    expected = set(cells) if sees is None else {c for c in cells if c.startswith(sees)} if isinstance(sees, str) else sees
    assert seen == expected
    assert {code for code, place in cells.items() if scope.allows(at(place, True), kind="event")} == (seen if internal else set())


def test_the_fingerprint_changes_with_what_may_be_seen_and_only_then(world: World) -> None:
    before = world.actor("worker").scope.fingerprint
    assert world.actor("worker").scope.fingerprint == before
    Membership.objects.get(user=world.user("neighbour")).delete()
    assert world.actor("worker").scope.fingerprint == before
    member = Membership.objects.get(user=world.user("worker"))
    member.role = "secretary"
    member.save(update_fields=["role"])
    assert world.actor("worker").scope.fingerprint != before
