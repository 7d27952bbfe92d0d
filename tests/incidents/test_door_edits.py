"""Edits at the door (protocol §3.3): merge, field policy for each role and state, what is parked and with what values."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from grids.actions import raise_ground
from grids.models import Membership
from grids.queries import city_day
from grids.rules.datum import from_wgs84
from incidents.models import Category, Conflict, Event, Incident
from tests.incidents.pushing import Hand, Json, act, add_photo, comment, edit, new_id, report, resolve, told
from tests.world import A1C, A1N, B1C, CELL, NEXT_CELL, World

FIELDS = ("description", "category", "urgent", "position", "address", "component_code", "occurred_at", "answers")
STATES = ("reported", "registered", "resolved", "closed", "rejected")
TO = {
    "description": ("litter", "a heap of litter"), "category": ("0301", "0102"), "urgent": (False, True), "address": (None, "3rd floor"),
    "component_code": (None, "6101040100000001"), "occurred_at": (None, "2026-05-04T01:00:00Z"), "answers": (None, {"since": 3}),
}  # fmt: skip
CELL_FIELDS = ("description", "position", "address", "answers")


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


def pair(world: World, field: str) -> tuple[Any, Any]:
    """(what the author saw, what they want)."""
    if field == "position":
        return world.position(CELL), world.position(CELL, east=0.6)
    return TO[field]


# Who → what an edit of a field is answered: "y" applied, "n" parked not_allowed_now, "-" not_editable; a sign for each of STATES.
# By hand from the page. "author" reported from another district, "worker" did not report.
_DESK = dict.fromkeys(FIELDS, "yyynn") | {"category": "ynnnn"}
_CELL = dict.fromkeys(FIELDS, "-----") | dict.fromkeys(CELL_FIELDS, "yyynn")
_BOTH = dict.fromkeys(FIELDS, "ynnnn") | dict.fromkeys(CELL_FIELDS, "yyynn")
POLICY: dict[str, dict[str, str]] = {
    "worker": _CELL,
    "secretary": _DESK,
    "operator": _DESK,
    "supervisor": dict.fromkeys(FIELDS, "-----"),
    "district-admin": dict.fromkeys(FIELDS, "-----"),
}
# Out of their scope: nothing is told.
NOT_FOUND = ("handler", "admin", "neighbour", "secretary2", "worker2", "stranger")
ANSWERS = {"y": ("applied", None), "n": ("conflict", "not_allowed_now"), "-": ("refused", "not_editable")}


@pytest.mark.parametrize("state", STATES)
def test_each_role_field_and_state_as_the_page_has_it(hand: Hand, world: World, state: str) -> None:
    for name, table in POLICY.items():
        for field in FIELDS:
            key = hand.in_state(state, by="stranger")
            before = Incident.objects.get(pk=key)
            answer = hand.one(name, edit(key, before.version, **{field: pair(world, field)}))
            sign = table[field][STATES.index(state)]
            assert (name, field, told(answer)) == (name, field, ANSWERS[sign])
            after = Incident.objects.get(pk=key)
            assert (after.version - before.version, after.state) == (1 if sign == "y" else 0, state)
            if sign == "n":
                (conflict,) = answer["conflicts"]
                assert (conflict["kind"], conflict["code"], conflict["field"], conflict["state"]) == (
                    "field",
                    "not_allowed_now",
                    field,
                    "open",
                )
    key = hand.in_state(state, by="stranger")
    for name in NOT_FOUND:
        if name != "stranger":
            assert told(hand.one(name, edit(key, 1, description=TO["description"]))) == ("refused", "not_found")


@pytest.mark.parametrize("field", FIELDS)
def test_an_author_edits_while_it_is_reported_and_hands_over_when_it_left_their_scope(hand: Hand, world: World, field: str) -> None:
    """The author has no membership: in scope as author only (§3.2, 6 and 7)."""
    for state in STATES:
        key = hand.in_state(state, by="stranger")
        answer = hand.one("stranger", edit(key, 1, **{field: pair(world, field)}))
        assert (state, told(answer)) == (state, ("applied", None) if state == "reported" else ("conflict", "handed_over"))


@pytest.mark.parametrize("state", STATES)
def test_an_author_who_works_the_cell_has_both_rights(hand: Hand, world: World, state: str) -> None:
    for field in FIELDS:
        key = hand.in_state(state, by="worker")
        answer = hand.one("worker", edit(key, Incident.objects.get(pk=key).version, **{field: pair(world, field)}))
        assert (field, told(answer)) == (field, ANSWERS[_BOTH[field][STATES.index(state)]])


def test_a_secretary_of_another_unit_whose_scope_covers_the_place_may_not_edit(hand: Hand, world: World) -> None:
    """The case is owned by the street's centre: the community's secretary sees it, the street's operator decides."""
    key = hand.reported()
    Incident.objects.filter(pk=key).update(owner_unit=world.units["610104001"].pk)
    assert told(hand.one("secretary", edit(key, 1, urgent=(False, True)))) == ("refused", "not_editable")
    assert told(hand.one("operator", edit(key, 1, urgent=(False, True)))) == ("applied", None)


@pytest.mark.parametrize("field", ["state", "number", "version", "by", "cell", "owner_unit", "restricted", "at"])
def test_other_keys_of_the_record_are_not_editable_and_the_whole_op_is_refused(hand: Hand, field: str) -> None:
    key = hand.reported()
    made = edit(key, 1, description=TO["description"])
    made["base"][field], made["fields"][field] = None, "x"
    answer = hand.one("secretary", made)
    assert (told(answer), answer["details"]["field"]) == (("refused", "not_editable"), field)
    assert Incident.objects.get(pk=key).description == "litter"


def test_one_field_that_is_not_editable_refuses_the_whole_op(hand: Hand) -> None:
    key = hand.reported(by="stranger")
    answer = hand.one("worker", edit(key, 1, description=TO["description"], urgent=(False, True)))
    assert (told(answer), answer["details"]["field"]) == (("refused", "not_editable"), "urgent")


# --- merge -----------------------------------------------------------------------------------------------------------


def test_two_phones_edit_one_field_from_one_version_and_no_value_is_lost(hand: Hand, world: World) -> None:
    key = hand.reported()
    first = hand.one("worker", edit(key, 1, description=("litter", "from the worker")))
    second = hand.one("secretary", edit(key, 1, description=("litter", "from the desk")))
    assert (told(first), told(second)) == (("applied", None), ("conflict", "field_changed"))
    (conflict,) = second["conflicts"]
    assert {name: conflict[name] for name in ("incident", "kind", "code", "field", "base", "server", "client", "state", "by", "value")} == {
        "incident": key, "kind": "field", "code": "field_changed", "field": "description", "base": "litter", "server": "from the worker",
        "client": "from the desk", "state": "open", "by": str(world.user("secretary").pk), "value": None,
    }  # fmt: skip
    assert set(conflict) == {
        "id",
        "incident",
        "kind",
        "code",
        "field",
        "base",
        "server",
        "client",
        "args",
        "by",
        "op_id",
        "at",
        "parked_at",
        "state",
        "value",
        "resolved_by",
        "resolved_at",
    }
    case = Incident.objects.get(pk=key)
    assert (case.description, case.version) == ("from the worker", 2)


def test_two_phones_edit_different_fields_and_both_stand(hand: Hand) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, description=("litter", "x")))
    answer = hand.one("secretary", edit(key, 1, urgent=(False, True)))
    assert (told(answer), answer["version"]) == (("merged", None), 3)
    case = Incident.objects.get(pk=key)
    assert (case.description, case.urgent) == ("x", True)


@pytest.mark.parametrize(
    ("who", "since", "outcome"),
    [("secretary", 1, "merged"), ("worker", 1, "applied"), ("secretary", 2, "applied"), ("secretary", 99, "applied")],
)
def test_merged_is_said_when_another_user_changed_another_field_since(hand: Hand, who: str, since: int, outcome: str) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, description=("litter", "x")))
    assert told(hand.one(who, edit(key, since, address=(None, "3rd floor")))) == (outcome, None)


def test_a_step_of_another_counts_as_their_change(hand: Hand) -> None:
    key = hand.reported()
    hand.does("secretary", key, ("register", {}))
    assert told(hand.one("worker", edit(key, 1, description=("litter", "x")))) == ("merged", None)


def test_a_comment_or_photo_of_another_does_not(hand: Hand) -> None:
    key = hand.reported()
    hand.push("secretary", [comment(key), add_photo(key)])
    assert told(hand.one("worker", edit(key, 1, description=("litter", "x")))) == ("applied", None)


def test_the_same_new_value_from_both_is_nothing_to_do(hand: Hand) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, description=("litter", "x")))
    answer = hand.one("secretary", edit(key, 1, description=("litter", "x")))
    assert (told(answer), answer["version"], answer["seq"]) == (("applied", None), 2, None)


def test_a_value_that_the_author_did_not_change_undoes_nobodys_change(hand: Hand) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, description=("litter", "x")))
    answer = hand.one("secretary", edit(key, 1, description=("litter", "litter"), urgent=(False, True)))
    assert told(answer) == ("merged", None)
    assert Incident.objects.get(pk=key).description == "x"


def test_base_counts_and_not_the_version(hand: Hand) -> None:
    """After a restore, version 5 is another 5: a version that is right beside a base that is wrong is a clash."""
    key = hand.reported()
    assert told(hand.one("worker", edit(key, 1, description=("another history", "x")))) == ("conflict", "field_changed")
    assert told(hand.one("worker", edit(key, 7, description=("litter", "x")))) == ("applied", None)


def test_part_of_an_edit_is_taken_while_another_is_parked_and_the_first_code_is_told(hand: Hand, world: World) -> None:
    key = hand.reported()
    hand.does("secretary", key, ("register", {}))
    made = edit(key, 2, description=("never", "x"), address=(None, "3rd floor"), urgent=(False, True), answers=({}, {"a": 1}))
    answer = hand.one("worker", made)
    assert told(answer) == ("conflict", "field_changed")
    assert [(c["field"], c["code"]) for c in answer["conflicts"]] == [
        ("description", "field_changed"), ("urgent", "not_allowed_now"), ("answers", "field_changed"),
    ]  # fmt: skip
    case = Incident.objects.get(pk=key)
    assert (case.address, case.description, case.urgent, case.version) == ("3rd floor", "litter", False, 3)
    assert Conflict.objects.count() == 3


def test_a_second_clash_on_the_same_field_is_a_second_record(hand: Hand) -> None:
    key = hand.reported()
    ids = [hand.one("secretary", edit(key, 1, description=("never", text)))["conflicts"][0]["id"] for text in ("x", "y")]
    assert len(set(ids)) == Conflict.objects.filter(incident=key, state="open").count() == 2


def test_answers_are_compared_as_json_values(hand: Hand) -> None:
    key = hand.reported(answers={"a": 1})
    assert told(hand.one("worker", edit(key, 1, answers=({"a": 1.0}, {"a": 2})))) == ("applied", None)
    answer = hand.one("worker", edit(key, 2, answers=({"a": True}, {"a": 3})))
    assert told(answer) == ("conflict", "field_changed")
    # true instead of 1 is a change.
    other = hand.reported(answers={"a": 1})
    assert hand.one("worker", edit(other, 1, answers=({"a": 1}, {"a": True})))["version"] == 2


def test_null_empties_a_field(hand: Hand) -> None:
    key = hand.reported(address="3rd floor", answers={"a": 1})
    made = edit(key, 1, address=("3rd floor", None), answers=({"a": 1}, None), description=("litter", None))
    assert told(hand.one("worker", made)) == ("applied", None)
    case = Incident.objects.get(pk=key)
    assert (case.address, case.answers, case.description) == (None, None, None)


# --- position and category -------------------------------------------------------------------------------------------


def test_a_moved_pin_relocates_in_the_same_op_and_the_owner_changes_while_it_is_reported(hand: Hand, world: World) -> None:
    key = hand.reported()
    answer = hand.one("worker", edit(key, 1, position=(world.position(CELL), world.position(A1N + "001"))))
    assert (told(answer), answer["cell"]["code"], answer["version"]) == (("applied", None), A1N + "001", 2)
    case = Incident.objects.get(pk=key)
    assert (case.cell_code, case.owner_unit, case.step_version) == (A1N + "001", world.units[A1N].pk, 2)
    assert case.sent == world.position(A1N + "001")


def test_a_moved_pin_leaves_the_owner_after_registering(hand: Hand, world: World) -> None:
    key = hand.reported()
    hand.does("secretary", key, ("register", {}))
    answer = hand.one("operator", edit(key, 2, position=(world.position(CELL), world.position(A1N + "001"))))
    case = Incident.objects.get(pk=key)
    assert (answer["cell"]["code"], case.owner_unit, case.step_version) == (A1N + "001", world.units[A1C].pk, 2)
    assert case.registered_path == ["610104", "610104001", A1C, CELL]


def test_a_pin_moved_inside_its_cell_keeps_owner_and_step(hand: Hand, world: World) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, position=(world.position(CELL), world.position(CELL, east=0.9))))
    case = Incident.objects.get(pk=key)
    assert (case.owner_unit, case.version, case.step_version) == (world.units[A1C].pk, 2, 1)


def test_a_pin_moved_out_of_the_city_is_parked_and_the_rest_is_taken(hand: Hand, world: World) -> None:
    key = hand.reported()
    beijing = {"lng": 116.4, "lat": 39.9, "datum": "wgs84", "source": "map"}
    answer = hand.one("worker", edit(key, 1, position=(world.position(CELL), beijing), description=("litter", "x")))
    assert told(answer) == ("conflict", "outside_grid")
    assert answer["details"]["nearest"]["code"] in world.places
    assert answer["details"]["distance_m"] > 500_000
    (conflict,) = answer["conflicts"]
    assert (conflict["field"], conflict["client"]) == ("position", beijing)
    case = Incident.objects.get(pk=key)
    assert (case.cell_code, case.description) == (CELL, "x")


def test_positions_are_compared_at_seven_decimals_in_any_datum(hand: Hand, world: World) -> None:
    key = hand.reported()
    lng, lat = from_wgs84("gcj02", *world.point(CELL))
    seen = {"lng": lng, "lat": lat, "datum": "gcj02", "source": "map"}
    assert told(hand.one("worker", edit(key, 1, position=(seen, world.position(CELL, east=0.7))))) == ("applied", None)
    # Accuracy and source alone are no change.
    answer = hand.one(
        "worker", edit(key, 2, position=(world.position(CELL, east=0.7), world.position(CELL, east=0.7, accuracy_m=500, source="map")))
    )
    assert (told(answer), answer["version"]) == (("applied", None), 2)


def test_a_case_that_was_reported_by_its_cell_can_be_given_a_pin(hand: Hand, world: World) -> None:
    """Its base is the position that the record shows."""
    key = hand.reported(position=None, cell=str(world.places[CELL].pk))
    shown = world.client("worker").get(f"/api/v1/incidents/{key}/").json()["position"]
    shown.pop("sent")
    assert told(hand.one("worker", edit(key, 1, position=(shown, world.position(CELL))))) == ("applied", None)


def test_a_position_without_datum_refuses_the_op_with_its_own_code(hand: Hand, world: World) -> None:
    key = hand.reported()
    bare = {"lng": 108.9, "lat": 34.2, "source": "gps"}
    for values in ((bare, world.position()), (world.position(), bare)):
        assert told(hand.one("worker", edit(key, 1, position=values))) == ("refused", "datum_missing")


def retire(code: str, replaced_by: str) -> None:
    Category.objects.filter(code=code).update(retired=True, replaced_by=Category.objects.get(code=replaced_by))
    raise_ground()


def test_a_retired_category_is_mapped_and_one_that_never_was_is_unknown(hand: Hand) -> None:
    key = hand.reported(category="0301")
    for base in ("0301", "0302"):  # also where the field has changed meanwhile
        assert told(hand.one("secretary", edit(key, 1, category=(base, "9999")))) == ("refused", "category_unknown")
        assert told(hand.one("secretary", edit(key, 1, category=(base, "01")))) == ("refused", "category_unknown")  # no leaf
    retire("0103", "0102")
    assert told(hand.one("secretary", edit(key, 1, category=("0301", "0103")))) == ("applied", None)
    assert Incident.objects.get(pk=key).category == "0102"
    # The phone that still shows the old one asks for the same again.
    assert hand.one("secretary", edit(key, 2, category=("0102", "0103")))["version"] == 2


def test_what_an_edit_changed_stands_in_its_event(hand: Hand, world: World) -> None:
    key = hand.reported()
    made = edit(key, 1, description=("litter", "x"), urgent=(False, True))
    hand.one("secretary", made)
    event = Event.objects.get(incident=key, type="edit")
    assert (event.version, set(event.fields), event.op_id, str(event.by_user)) == (
        2, {"description", "urgent"}, made["op_id"], str(world.user("secretary").pk),
    )  # fmt: skip
    record = next(e for e in world.client("worker").get(f"/api/v1/incidents/{key}/").json()["events"] if e["type"] == "edit")
    assert record["changes"] == {"description": ["litter", "x"], "urgent": [False, True]}


def test_conflicts_reach_the_staff_of_the_place_and_their_author(hand: Hand, world: World) -> None:
    key = hand.reported()
    hand.one("worker", edit(key, 1, description=("never", "x")))
    for name, sees in (
        ("worker", 1),
        ("secretary", 1),
        ("operator", 1),
        ("supervisor", 1),
        ("neighbour", 0),
        ("secretary2", 0),
        ("district-admin", 0),
    ):
        page: Json = world.client(name).get("/api/v1/sync/changes?limit=1000").json()
        assert (name, len([c for c in page["changes"] if c["type"] == "conflict"])) == (name, sees)


# --- scope: handovers --------------------------------------------------------------------------------------------------


def test_a_former_worker_of_the_place_hands_over_and_learns_nothing(hand: Hand, world: World) -> None:
    key = hand.reported()
    for made in (edit(key, 1, description=("litter", "x")), comment(key), add_photo(key)):
        answer = hand.one("former", made)
        assert told(answer) == ("conflict", "handed_over")
        assert [answer[name] for name in ("version", "number", "cell", "conflicts", "details")] == [None, None, None, [], None]
        assert answer["missing_photos"] == ([made["sha256"]] if made["kind"] == "photo.add" else [])
        parked = Conflict.objects.get(op_id=made["op_id"])
        assert (parked.kind, parked.code, parked.state, parked.args, str(parked.incident)) == ("handover", "handed_over", "open", made, key)
    assert Incident.objects.get(pk=key).version == 1


def test_what_is_handed_over_is_read_by_staff_and_not_by_its_author(hand: Hand, world: World) -> None:
    key = hand.reported()
    hand.one("former", edit(key, 1, description=("litter", "x")))
    for name, sees in (("former", 0), ("worker", 0), ("secretary", 1), ("supervisor", 1), ("secretary2", 0)):
        page: Json = world.client(name).get("/api/v1/sync/changes?limit=1000").json()
        assert (name, len([c for c in page["changes"] if c["type"] == "conflict"])) == (name, sees)


def test_every_other_kind_of_op_on_what_is_out_of_scope_is_not_found(hand: Hand, world: World) -> None:
    key = hand.reported()
    conflict = hand.one("worker", edit(key, 1, description=("never", "x")))["conflicts"][0]["id"]
    assert told(hand.one("former", act(key, 1, "handle_here"))) == ("refused", "not_found")
    for take in ("server", "client"):
        assert told(hand.one("former", resolve(conflict, take, 1))) == ("refused", "not_found")
    assert told(hand.one("former", resolve(new_id(), "server", 1))) == ("refused", "not_found")


def test_what_counts_is_where_the_case_lies_today(hand: Hand, world: World) -> None:
    """The case moves to the next cell: the worker of the old one is out, though it was theirs; nothing is dropped silently."""
    key = hand.reported(by="stranger")
    hand.one("secretary", edit(key, 1, position=(world.position(CELL), world.position(NEXT_CELL))))
    assert told(hand.one("worker", edit(key, 1, description=("litter", "x")))) == ("refused", "not_found")
    assert told(hand.one("former", edit(key, 1, description=("litter", "x")))) == ("refused", "not_found")
    assert told(hand.one("neighbour", edit(key, 2, description=("litter", "x")))) == ("applied", None)


def test_a_worker_who_was_moved_hands_over_what_lies_in_the_old_cell(hand: Hand, world: World) -> None:
    key = hand.reported()
    today = city_day(dt.datetime.now(dt.UTC))
    member = Membership.objects.get(user=world.user("worker"))
    member.until = today
    member.save()
    Membership(user=world.user("worker"), unit=world.units[B1C], role="worker", place=world.places[B1C + "001"], since=today).save()
    # Their own report: comments and, while reported, edits are never out of their scope.
    assert told(hand.one("worker", edit(key, 1, description=("litter", "x")))) == ("applied", None)
    hand.does("secretary", key, ("register", {}))
    assert told(hand.one("worker", edit(key, 2, description=("x", "y")))) == ("conflict", "handed_over")
    other = hand.reported(by="stranger")
    assert told(hand.one("worker", edit(other, 1, description=("litter", "y")))) == ("conflict", "handed_over")
    # A new report goes where it lies.
    assert hand.one("worker", report(world))["cell"]["code"] == CELL


def test_an_archived_case_of_ones_own_is_out_of_scope_and_handed_over(hand: Hand, world: World) -> None:
    key = hand.in_state("closed", by="stranger")
    assert told(hand.one("stranger", comment(key))) == ("applied", None)
    Incident.objects.filter(pk=key).update(archived_at=timezone.now())
    assert told(hand.one("stranger", comment(key))) == ("conflict", "handed_over")
    assert told(hand.one("stranger", act(key, 4, "handle_here"))) == ("refused", "not_found")
