"""Reports at the door (protocol §3.1): where they land, under which category, what is only a wish; and what is refused."""

from typing import Any

import pytest

from grids.actions import raise_ground
from grids.rules.datum import from_wgs84
from incidents.models import Category, Event, Incident, Photo
from tests.incidents.pushing import Hand, Json, photo, report, told
from tests.world import A1C, A1N, B1C, CELL, NEXT_CELL, World

BEIJING = {"lng": 116.4, "lat": 39.9, "datum": "wgs84", "source": "map"}


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


@pytest.mark.parametrize(
    "name", ["worker", "neighbour", "secretary2", "handler", "district-admin", "supervisor", "admin", "stranger", "former"]
)
def test_anyone_may_report_anywhere_in_the_city_and_it_goes_to_the_cell_that_holds_the_point(hand: Hand, world: World, name: str) -> None:
    answer = hand.one(name, report(world, A1N + "002"))
    assert (told(answer), answer["cell"]["code"], answer["version"]) == (("applied", None), A1N + "002", 1)
    case = Incident.objects.get()
    assert (case.owner_unit, case.state, case.cell_code, str(case.by_user)) == (
        world.units[A1N].pk,
        "reported",
        A1N + "002",
        str(world.user(name).pk),
    )
    assert told(hand.one(name, report(world, B1C + "001"))) == ("applied", None)


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_a_point_lands_where_it_is_in_every_datum(hand: Hand, world: World, datum: str) -> None:
    lng, lat = from_wgs84(datum, *world.point(CELL))
    sent = {"lng": lng, "lat": lat, "datum": datum, "source": "map"}
    made = report(world, position=sent)
    assert hand.one("worker", made)["cell"]["code"] == CELL
    record = world.client("worker").get(f"/api/v1/incidents/{made['incident']}/").json()["position"]
    assert (record["datum"], record["sent"], record["accuracy_m"], record["source"]) == ("wgs84", sent, None, "map")
    # BD-09 has no exact way back: it is turned round to about a millimetre.
    assert abs(record["lng"] - world.point(CELL)[0]) < 2e-7
    assert abs(record["lat"] - world.point(CELL)[1]) < 2e-7
    assert round(record["lng"], 7) == record["lng"]


def test_only_a_cell_is_its_inner_point(hand: Hand, world: World) -> None:
    made = report(world, position=None, cell=str(world.places[NEXT_CELL].pk))
    answer = hand.one("worker", made)
    assert (told(answer), answer["cell"]["code"], answer["warnings"]) == (("applied", None), NEXT_CELL, [])
    case, at = Incident.objects.get(), world.places[NEXT_CELL]
    assert at.west < case.lng < at.east
    assert at.south < case.lat < at.north
    assert (case.source, case.sent, case.accuracy_m) == ("code", None, None)


def test_where_both_are_said_the_point_decides_with_a_warning(hand: Hand, world: World) -> None:
    answer = hand.one("worker", report(world, CELL, cell=str(world.places[NEXT_CELL].pk)))
    assert (told(answer), answer["cell"]["code"], answer["warnings"]) == (("applied", None), CELL, ["cell_mismatch"])
    assert hand.one("worker", report(world, CELL, cell=str(world.places[CELL].pk)))["warnings"] == []


@pytest.mark.parametrize("key", ["0198a1b2-0000-7000-8000-0000000000aa", "a street", "a retired cell"])
def test_an_unknown_cell_is_unknown(hand: Hand, world: World, key: str) -> None:
    if key == "a street":
        key = str(world.places["610104001"].pk)  # a place, and no cell
    if key == "a retired cell":
        import datetime as dt

        cell = world.places[NEXT_CELL]
        type(cell).objects.filter(pk=cell.pk).update(valid_to=dt.date(2026, 1, 1))
        raise_ground()
        key = str(cell.pk)
    assert told(hand.one("worker", report(world, position=None, cell=key))) == ("refused", "cell_unknown")
    assert told(hand.one("worker", report(world, cell=key))) == ("refused", "cell_unknown")


@pytest.mark.parametrize(
    "point", [BEIJING, BEIJING | {"lng": 0.0, "lat": 0.0}, BEIJING | {"lng": -180, "lat": -90}, BEIJING | {"lng": 180.0, "lat": 90.0}]
)
@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_outside_tells_the_nearest_cell_and_the_distance(hand: Hand, world: World, point: Json, datum: str) -> None:
    answer = hand.one("worker", report(world, position=point | {"datum": datum}))
    assert told(answer) == ("refused", "outside_grid")
    nearest = answer["details"]["nearest"]
    assert str(world.places[nearest["code"]].pk) == nearest["id"]
    assert answer["details"]["distance_m"] > 500_000
    assert [answer[name] for name in ("version", "number", "cell", "seq")] == [None, None, None, None]


def test_just_outside_is_metres_away(hand: Hand, world: World) -> None:
    at = world.places[CELL]
    answer = hand.one("worker", report(world, position=world.position() | {"lng": at.west - 0.001, "lat": (at.south + at.north) / 2}))
    assert answer["details"]["nearest"]["code"] == CELL
    # A thousandth of a degree of longitude at 34.2° north: 92.2 m.
    assert 91 < answer["details"]["distance_m"] < 93.5


def test_without_a_datum_it_is_refused_with_a_code_of_its_own_and_a_receipt(hand: Hand, world: World) -> None:
    made = report(world, position={"lng": 108.9, "lat": 34.2, "source": "gps"})
    first = hand.one("worker", made)
    assert told(first) == ("refused", "datum_missing")
    assert hand.one("worker", made) == first | {"repeated": True}


# --- category ------------------------------------------------------------------------------------------------------------


def retire(code: str, replaced_by: str | None) -> None:
    Category.objects.filter(code=code).update(
        retired=True, replaced_by=None if replaced_by is None else Category.objects.get(code=replaced_by)
    )
    raise_ground()


def test_a_retired_category_is_mapped_along_the_chain(hand: Hand, world: World) -> None:
    retire("0103", "0102")
    retire("0102", "0104")
    assert told(hand.one("worker", report(world, category="0103"))) == ("applied", None)
    assert Incident.objects.get().category == "0104"


def test_a_retired_category_without_successor_is_still_taken(hand: Hand, world: World) -> None:
    """Phones carry old lists: a report must not be lost for it."""
    retire("0103", None)
    assert told(hand.one("worker", report(world, category="0103"))) == ("applied", None)
    assert Incident.objects.get().category == "0103"


def test_categories_that_replace_each_other_end_nothing(hand: Hand, world: World) -> None:
    retire("0103", "0102")
    retire("0102", "0103")
    assert hand.one("worker", report(world, category="0103"))["outcome"] == "applied"


@pytest.mark.parametrize("code", ["9999", "01", "0102 ", "x" * 32, "脏"])
def test_a_category_that_never_was_or_is_no_leaf_is_unknown(hand: Hand, world: World, code: str) -> None:
    assert told(hand.one("worker", report(world, category=code))) == ("refused", "category_unknown")


# --- handled here --------------------------------------------------------------------------------------------------------

BOTH = ("before", "after")


@pytest.mark.parametrize(
    ("name", "category", "stages", "possible"),
    [
        ("worker", "0102", BOTH, True),
        ("worker", "0102", ("before",), False),
        ("worker", "0102", (), False),
        ("worker", "0103", BOTH, False),  # not of the class that is handled at once
        ("neighbour", "0102", BOTH, False),  # not their cell
        ("secretary", "0102", BOTH, False),  # no worker
        ("stranger", "0102", BOTH, False),
        ("former", "0102", BOTH, False),
    ],
)
def test_handled_here_is_a_wish(hand: Hand, world: World, name: str, category: str, stages: tuple[str, ...], possible: bool) -> None:
    wish = {"outcome": "fixed", "note": "swept up"}
    made = report(world, category=category, photos=[photo(stage) for stage in stages], handled_here=wish)
    answer = hand.one(name, made)
    case = Incident.objects.get()
    assert (told(answer), answer["version"], case.version) == (("applied", None), 1, 1)
    if possible:
        assert (answer["warnings"], case.state, case.outcome, case.handling_class) == ([], "resolved", "fixed", "immediate")
        events = list(Event.objects.order_by("n").values_list("type", "from_state", "to_state"))
        assert events == [("submit", None, "reported"), ("handle_here", "reported", "resolved")]
    else:
        assert (answer["warnings"], case.state, case.outcome) == (["handled_here_not_possible"], "reported", None)
        assert Event.objects.count() == 1


# --- what is kept --------------------------------------------------------------------------------------------------------


def test_everything_that_was_said_is_kept_as_it_was_said(hand: Hand, world: World) -> None:
    said = {
        "description": "垃圾 😀 \t'quoted' \"%s %(x)s {0}\" \\ </script> \u2028 é e\u0301", "urgent": True, "address": "三楼，电梯后面",
        "answers": {"since": 3, "list": [1, 2.5, None, True, "x"], "深": {"": ""}}, "incident_kind": "suggestion", "component_code": "6101040100000001",
        "occurred_at": "2026-05-03T23:59:59.123456+08:00", "on_behalf": True, "at": "2026-05-04T09:12:31.5+08:00",
    }  # fmt: skip
    shot = photo("during", taken_at="2026-05-04T09:00:00Z", near_pin=True)
    made = report(world, **said, photos=[shot, photo("check", taken_at=None, near_pin=None)])
    assert told(hand.one("worker", made)) == ("applied", None)
    record: Json = world.client("worker").get(f"/api/v1/incidents/{made['incident']}/").json()
    for name in ("description", "urgent", "address", "answers", "component_code"):
        assert record[name] == said[name]
    assert (record["kind"], record["channel"], record["occurred_at"], record["at"]) == (
        "suggestion", "patrol", "2026-05-03T15:59:59.123456Z", "2026-05-04T01:12:31.500000Z",
    )  # fmt: skip
    assert record["by"] == {"user": str(world.user("worker").pk), "unit": str(world.units[A1C].pk), "role": "worker"}
    kept = next(p for p in record["photos"] if p["id"] == shot["photo"])
    assert (kept["sha256"], kept["size"], kept["stage"], kept["taken_at"], kept["near_pin"], kept["state"]) == (
        shot["sha256"], 1000, "during", "2026-05-04T09:00:00Z", True, "declared",
    )  # fmt: skip
    assert Photo.objects.count() == 2


def test_what_was_not_said_is_null_and_false(hand: Hand, world: World) -> None:
    made = report(world)
    hand.one("worker", made)
    record: Json = world.client("worker").get(f"/api/v1/incidents/{made['incident']}/").json()
    expected: Json = dict.fromkeys(
        "handling_class address answers component_code occurred_at registered_at resolved_at closed_at registered_path lead_unit outcome due_step "
        "due_at parent merged_into".split()
    )
    assert {name: record[name] for name in expected} == expected
    assert (record["urgent"], record["paused"], record["restricted"], record["kind"]) == (False, False, False, "problem")


def test_missing_photos_are_the_hashes_of_this_op_each_once(hand: Hand, world: World) -> None:
    one, two = photo(), photo()
    answer = hand.one("worker", report(world, photos=[one, two, photo(sha256=one["sha256"])]))
    assert answer["missing_photos"] == [one["sha256"], two["sha256"]]
    # A refused op declares nothing.
    assert hand.one("worker", report(world, category="9999", photos=[photo()]))["missing_photos"] == []


def test_the_words_of_a_restricted_case_are_for_its_owner_unit_and_its_author(hand: Hand, world: World) -> None:
    made = report(world, category="0601", description="a quarrel")
    hand.one("stranger", made)
    words: dict[str, Any] = {}
    for name in ("stranger", "secretary", "operator", "worker", "supervisor", "district-admin"):
        words[name] = world.client(name).get(f"/api/v1/incidents/{made['incident']}/").json()["description"]
    assert words == {
        "stranger": "a quarrel",
        "secretary": "a quarrel",
        "operator": None,
        "worker": None,
        "supervisor": None,
        "district-admin": None,
    }
