"""What the server itself fails on (protocol §3.2, §7 case 16): that op alone is kept by the client, and parked whole in the end.

The failures are real: rows that the database does not take (a trigger), and a city whose units do not own a place.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from gridgov.feed.models import FeedRow
from grids.actions import raise_ground
from grids.models import Membership, OrgUnit
from incidents.models import Conflict, Incident, OpFailure, Photo
from tests.incidents.pushing import Hand, Json, act, add_photo, comment, digest, edit, new_id, photo, receipts, report, resolve, told
from tests.world import A1C, B1C, CELL, B, World


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


@contextmanager
def refusing(column: str, text: str, table: str = "incidents_incident", when: str = "INSERT") -> Iterator[None]:
    """The database takes no row with that text; a constraint that the server's code knows nothing of."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION poison() RETURNS trigger AS $$ BEGIN "
                f"IF NEW.{column} = '{text}' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql"
            )
            cursor.execute(f"CREATE TRIGGER poison BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION poison()")
        else:
            cursor.execute(
                f"CREATE TRIGGER poison BEFORE {when} ON {table} WHEN NEW.{column} = '{text}' BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER poison" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


@contextmanager
def without_owners() -> Iterator[None]:
    """District A has no centre of any level, and the city has none: no unit owns its cells."""
    centres = [
        unit.pk for unit in OrgUnit.objects.filter(kind="centre", retired=False) if unit.place is None or not unit.place.code.startswith(B)
    ]
    OrgUnit.objects.filter(pk__in=centres).update(retired=True)
    raise_ground()
    yield
    OrgUnit.objects.filter(pk__in=centres).update(retired=False)
    raise_ground()


@pytest.mark.parametrize("place", [0, 1, 7, 49])
def test_one_row_that_the_database_does_not_take_stands_alone_and_the_others_go_through(hand: Hand, world: World, place: int) -> None:
    ops = [report(world) for _ in range(50)]
    ops[place]["description"] = "poison"
    with refusing("description", "poison"):
        answers = hand.push("worker", ops)
    expected = [("applied", None)] * 50
    expected[place] = ("retry", "internal")
    assert [told(a) for a in answers] == expected
    assert answers[place]["details"]["retry_after_s"] > 0
    assert {str(pk) for pk in Incident.objects.values_list("pk", flat=True)} == {o["incident"] for o in ops} - {ops[place]["incident"]}
    assert len({a["number"] for a in answers if a["number"]}) == 49


def test_one_op_that_crashes_the_servers_own_code_stands_alone(hand: Hand, world: World) -> None:
    good, bad = [report(world, B1C + "001") for _ in range(4)], report(world)
    with without_owners():
        answers = hand.push("worker", [*good[:2], bad, *good[2:]])
    assert [told(a) for a in answers] == [("applied", None)] * 2 + [("retry", "internal")] + [("applied", None)] * 2
    # When it is mended, the op goes through as if nothing had been.
    assert told(hand.one("worker", bad)) == ("applied", None)


def test_what_follows_on_the_same_incident_waits_with_it_wherever_it_stands_in_the_push(hand: Hand, world: World) -> None:
    bad = report(world, description="poison")
    key = bad["incident"]
    ops = [
        report(world),
        bad,
        *[report(world) for _ in range(9)],
        comment(key),
        edit(key, 1, urgent=(False, True)),
        comment(key, after=[bad["op_id"]]),
    ]
    with refusing("description", "poison"):
        answers = hand.push("worker", ops)
        assert told(answers[1]) == ("retry", "internal")
        assert [told(a) for a in answers[-3:]] == [("retry", "needs_unknown_op")] * 3
        assert {a["outcome"] for a in (answers[0], *answers[2:-3])} == {"applied"}
    assert [told(a) for a in hand.push("worker", ops)] == [("applied", None)] * len(ops)


def test_a_failure_records_nothing_but_its_count(hand: Hand, world: World) -> None:
    key = hand.reported()
    with refusing("description", "poison", when="UPDATE"):
        rows, before = receipts(), _but_failures()
        for times in (1, 2, 3):
            assert told(hand.one("worker", edit(key, 1, description=("litter", "poison")) | {"op_id": "0198a1b2-0000-7000-8000-000000000001"})) == (
                "retry", "internal",
            )  # fmt: skip
            assert OpFailure.objects.get().times == times
            assert (receipts(), _but_failures()) == (rows, before)


def _but_failures() -> str:
    times = list(OpFailure.objects.values())
    OpFailure.objects.all().delete()
    found = digest()
    OpFailure.objects.bulk_create(OpFailure(**{k: v for k, v in row.items() if k != "pk"}) for row in times)
    return found


def fail_three_times(hand: Hand, made: Json, *, by: str = "worker") -> None:
    for _ in range(3):
        assert told(hand.one(by, made)) == ("retry", "internal")


def test_after_the_third_internal_a_report_is_parked_whole_for_the_unit_of_its_cell(hand: Hand, world: World) -> None:
    made = report(world, description="poison", photos=[photo()])
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        answer = hand.one("worker", made)
    assert told(answer) == ("conflict", "internal")
    assert [answer[key] for key in ("version", "number", "cell", "conflicts")] == [None, None, None, []]
    # It was not refused: its photos are asked for.
    assert answer["missing_photos"] == [made["photos"][0]["sha256"]]
    assert hand.one("worker", made) == answer | {"repeated": True}
    parked = Conflict.objects.get()
    assert (parked.kind, parked.code, parked.state, str(parked.incident), str(parked.by)) == (
        "handover", "internal", "open", made["incident"], str(world.user("worker").pk),
    )  # fmt: skip
    assert parked.args == made
    assert not Incident.objects.exists()


def conflicts_seen(world: World, name: str) -> list[Json]:
    page = world.client(name).get("/api/v1/sync/changes?limit=1000").json()
    return [change["record"] for change in page["changes"] if change["type"] == "conflict" and "record" in change]


def test_the_staff_of_the_place_get_the_parked_report_and_its_author_and_others_do_not(hand: Hand, world: World) -> None:
    made = report(world, description="poison")
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        hand.one("worker", made)
    for name in ("secretary", "operator", "supervisor"):
        (record,) = conflicts_seen(world, name)
        assert (record["incident"], record["args"]["description"], record["code"]) == (made["incident"], "poison", "internal")
    for name in ("worker", "neighbour", "secretary2", "worker2", "district-admin", "handler", "stranger"):
        assert conflicts_seen(world, name) == []


def test_a_report_that_no_unit_owns_waits_for_those_above_its_cell(hand: Hand, world: World) -> None:
    made = report(world)
    with without_owners():
        fail_three_times(hand, made)
        assert told(hand.one("worker", made)) == ("conflict", "internal")
        for name, count in (("supervisor", 1), ("secretary", 1), ("secretary2", 0)):
            assert len(conflicts_seen(world, name)) == count
        parked = str(Conflict.objects.get().pk)
        # Nobody is its owner now; as soon as a unit is, that unit decides.
        assert told(hand.one("secretary", resolve(parked, "client", 0))) == ("refused", "role")
    assert told(hand.one("secretary", resolve(parked, "client", 0))) == ("applied", None)


def test_a_report_whose_cell_is_gone_meanwhile_waits_for_the_citys_centre(hand: Hand, world: World) -> None:
    cell = world.places[CELL]
    made = report(world, position=None, cell=str(cell.pk), description="poison")
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        hand.one("worker", made)
    type(cell).objects.filter(pk=cell.pk).update(valid_to=dt.date(2026, 1, 1))
    raise_ground()
    parked = str(Conflict.objects.get().pk)
    assert told(hand.one("secretary", resolve(parked, "server", 0))) == ("refused", "not_found")
    assert told(hand.one("supervisor", resolve(parked, "client", 0))) == ("refused", "role")
    make_operator_of_the_city(world)
    assert told(hand.one("stranger", resolve(parked, "client", 0))) == ("refused", "not_allowed_now")
    assert told(hand.one("stranger", resolve(parked, "server", 0))) == ("applied", None)
    # The city's readers have it, dropped.
    assert [record["state"] for record in conflicts_seen(world, "supervisor")] == ["dropped"]


def make_operator_of_the_city(world: World) -> None:
    Membership(user=world.user("stranger"), unit=world.units[""], role="operator", place=None, since=dt.date(2020, 1, 1)).save()


def test_later_ops_on_a_parked_report_are_parked_beside_it_for_its_author_alone(hand: Hand, world: World) -> None:
    made = report(world, description="poison")
    key = made["incident"]
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        hand.one("worker", made)
    ops = [comment(key, after=[made["op_id"]]), edit(key, 1, urgent=(False, True)), add_photo(key), act(key, 1, "handle_here")]
    for answer in hand.push("worker", ops):
        assert told(answer) == ("conflict", "internal")
        assert [answer[name] for name in ("version", "number", "cell", "conflicts")] == [None, None, None, []]
    assert Conflict.objects.filter(incident=key, kind="handover", code="internal", state="open").count() == 5
    assert len(conflicts_seen(world, "secretary")) == 5
    for name in ("neighbour", "secretary", "stranger"):
        assert told(hand.one(name, comment(key))) == ("refused", "not_found")


def test_the_owner_unit_carries_a_parked_report_out_in_its_own_name_and_then_what_waits_beside(hand: Hand, world: World) -> None:
    shot = photo()
    made = report(world, description="poison", photos=[shot])
    key = made["incident"]
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        hand.one("worker", made)
    later = comment(key, "still there", after=[made["op_id"]])
    hand.one("worker", later)
    first, second = Conflict.objects.order_by("parked_at")
    # Beside a report that is not born yet nothing can be carried out.
    assert told(hand.one("secretary", resolve(str(second.pk), "client", 0))) == ("refused", "not_allowed_now")
    for name, code in (("secretary2", "not_found"), ("worker", "not_found"), ("supervisor", "role"), ("stranger", "not_found")):
        assert told(hand.one(name, resolve(str(first.pk), "client", 0))) == ("refused", code)
    answer = hand.one("secretary", resolve(str(first.pk), "client", 0))
    assert told(answer) == ("applied", None)
    case = Incident.objects.get(pk=key)
    assert (case.description, case.cell_code, case.state, str(case.by_user)) == (
        "poison",
        CELL,
        "reported",
        str(world.user("secretary").pk),
    )
    assert answer["number"] == case.number
    # The bytes are still the worker's to bring.
    assert str(Photo.objects.get(pk=shot["photo"]).by) == str(world.user("worker").pk)
    assert told(hand.one("secretary", resolve(str(second.pk), "client", 1))) == ("applied", None)
    assert set(Conflict.objects.values_list("state", flat=True)) == {"taken"}
    assert told(hand.one("secretary", resolve(str(first.pk), "client", 1))) == ("refused", "already_resolved")


def test_the_owner_unit_may_drop_a_parked_report(hand: Hand, world: World) -> None:
    made = report(world, description="poison")
    with refusing("description", "poison"):
        fail_three_times(hand, made)
        hand.one("worker", made)
    parked = Conflict.objects.get()
    assert told(hand.one("operator", resolve(str(parked.pk), "server", 0))) == ("applied", None)
    assert (Conflict.objects.get().state, Incident.objects.count()) == ("dropped", 0)
    assert FeedRow.objects.filter(rid=str(parked.pk), gone=False).count() == 1


def test_an_op_on_a_case_that_fails_for_good_is_parked_and_the_case_goes_on(hand: Hand, world: World) -> None:
    key = hand.reported()
    made = edit(key, 1, description=("litter", "poison"))
    with refusing("description", "poison", when="UPDATE"):
        fail_three_times(hand, made)
        assert told(hand.one("worker", made)) == ("conflict", "internal")
        assert told(hand.one("worker", edit(key, 1, description=("litter", "fine")))) == ("applied", None)
    parked = Conflict.objects.get()
    assert (parked.kind, parked.code, parked.args["fields"]) == ("handover", "internal", {"description": "poison"})


def test_failing_ops_of_strangers_park_nothing(hand: Hand, world: World) -> None:
    key = hand.reported()
    with refusing("text", "poison", table="incidents_eventcontent"):
        made = comment(key, "poison")
        fail_three_times(hand, made)
        assert told(hand.one("worker", made)) == ("conflict", "internal")
        assert told(hand.one("stranger", comment(key, "poison"))) == ("refused", "not_found")
    assert Conflict.objects.count() == 1


def test_counts_are_kept_for_each_user_and_op(hand: Hand, world: World) -> None:
    ops = [report(world, description="poison") for _ in range(3)]
    with refusing("description", "poison"):
        hand.push("worker", ops)
        hand.push("worker", ops[:1])
        hand.push("neighbour", [ops[0] | {"incident": new_id()}])
    times = {(str(row.user), str(row.op_id)): row.times for row in OpFailure.objects.all()}
    me, other = (str(world.user(name).pk) for name in ("worker", "neighbour"))
    assert times == {(me, ops[0]["op_id"]): 2, (me, ops[1]["op_id"]): 1, (me, ops[2]["op_id"]): 1, (other, ops[0]["op_id"]): 1}


def test_a_category_with_broken_data_does_not_stop_the_others(hand: Hand, world: World) -> None:
    from incidents.models import Category

    for broken in (5, None if connection.vendor == "sqlite" else {"a": 1}, "before", [["before"]]):
        if broken is None:
            continue
        Category.objects.filter(code="0103").update(required_photos=broken)
        raise_ground()
        assert [a["outcome"] for a in hand.push("worker", [report(world), report(world, category="0103"), report(world, A1C + "002")])][::2] == [
            "applied", "applied",
        ]  # fmt: skip
