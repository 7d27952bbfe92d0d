"""A push at the door: receipts, `after`, order, independence, versions, ids (protocol §3, §3.2)."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from gridgov.feed.models import FeedRow, Head
from incidents.images import deliver
from incidents.models import Conflict, Event, Incident, Photo, Receipt
from tests.incidents.pushing import (
    AT,
    Hand,
    act,
    add_photo,
    comment,
    digest,
    edit,
    new_id,
    op,
    photo,
    receipts,
    report,
    told,
)
from tests.world import CELL, NEXT_CELL, World

KEYS = {
    "op_id", "outcome", "repeated", "code", "message", "details", "warnings", "incident", "version", "seq", "number", "cell",
    "missing_photos", "conflicts",
}  # fmt: skip


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


def test_a_report_is_applied_and_answered_with_every_key(hand: Hand, world: World) -> None:
    made = report(world)
    answer = hand.one("worker", made)
    assert set(answer) == KEYS
    place = world.places[CELL]
    assert {key: answer[key] for key in KEYS - {"seq", "number"}} == {
        "op_id": made["op_id"], "outcome": "applied", "repeated": False, "code": None, "message": None, "details": None, "warnings": [],
        "incident": made["incident"], "version": 1, "cell": {"id": str(place.pk), "code": CELL}, "missing_photos": [], "conflicts": [],
    }  # fmt: skip
    assert isinstance(answer["seq"], int)


# --- once ----------------------------------------------------------------------------------------------------------


def test_a_repeat_gets_the_first_answer_again_and_nothing_new_happens(hand: Hand, world: World) -> None:
    base = hand.reported()
    ops = [
        report(world, photos=[photo()]),
        report(world, position=world.position() | {"lng": 0.0, "lat": 0.0}),
        comment(base),
        edit(base, 1, description=("x", "y")),
    ]
    first = hand.push("worker", ops)
    assert [told(answer) for answer in first] == [
        ("applied", None), ("refused", "outside_grid"), ("applied", None), ("conflict", "field_changed"),
    ]  # fmt: skip
    before = digest()
    again = hand.push("worker", ops)
    assert again == [answer | {"repeated": True} for answer in first]
    assert digest() == before


def test_a_repeat_after_the_case_has_moved_on_still_tells_the_first_answer(hand: Hand) -> None:
    key = hand.reported()
    change = edit(key, 1, description=("litter", "more litter"))
    first = hand.one("worker", change)
    hand.does("secretary", key, ("register", {}))
    assert hand.one("worker", change) == first | {"repeated": True}


def test_missing_photos_are_as_of_now_when_an_op_is_repeated(hand: Hand, world: World) -> None:
    brought, waiting = photo(), photo("after")
    made = report(world, photos=[brought, waiting, photo(sha256=brought["sha256"])])
    assert hand.one("worker", made)["missing_photos"] == [brought["sha256"], waiting["sha256"]]
    _deliver(world, "neighbour", waiting["sha256"])
    _deliver(world, "worker", brought["sha256"])
    assert hand.one("worker", made)["missing_photos"] == [waiting["sha256"]]


def _deliver(world: World, name: str, sha256: str) -> None:
    with transaction.atomic():
        deliver(user=str(world.user(name).pk), sha256=sha256, now=timezone.now())


def test_bytes_that_the_user_has_brought_before_are_received_and_not_asked_for_again(hand: Hand, world: World) -> None:
    known = photo()
    hand.reported(photos=[known])
    _deliver(world, "worker", known["sha256"])
    again = photo(sha256=known["sha256"])
    answer = hand.one("worker", report(world, photos=[again]))
    assert answer["missing_photos"] == []
    assert Photo.objects.get(pk=again["photo"]).state == "received"
    # Nobody's bytes count for another.
    other = photo(sha256=known["sha256"])
    assert hand.one("neighbour", report(world, photos=[other]))["missing_photos"] == [known["sha256"]]
    assert Photo.objects.get(pk=other["photo"]).state == "declared"


@pytest.mark.parametrize("change", [{"urgent": False}, {"description": "other"}, {"photos": []}, {"at": "2026-05-04T09:12:32+08:00"}])
def test_the_same_op_id_with_another_content_is_refused_and_tells_nothing(hand: Hand, world: World, change: dict[str, Any]) -> None:
    made = report(world)
    hand.one("worker", made)
    before, count = digest(), receipts()
    answer = hand.one("worker", made | change)
    assert told(answer) == ("refused", "op_id_reused")
    assert [answer[key] for key in ("repeated", "version", "number", "seq", "cell", "conflicts")] == [False, None, None, None, None, []]
    assert (digest(), receipts()) == (before, count)


def test_the_same_op_said_otherwise_is_a_repeat(hand: Hand, world: World) -> None:
    made = report(world)
    first = hand.one("worker", made)
    other = json.dumps({key: made[key] for key in reversed(made)} | {"after": [new_id()]}, indent=2, ensure_ascii=True)
    assert hand.one("worker", other.replace('"accuracy_m": 8', '"accuracy_m": 8.0').encode()) == first | {"repeated": True}


def test_what_another_user_sent_under_the_same_op_id_reveals_nothing(hand: Hand, world: World) -> None:
    made = report(world)
    hand.one("worker", made)
    answer = hand.one("stranger", made | {"incident": new_id()})
    assert (told(answer), answer["repeated"]) == (("applied", None), False)


def test_the_same_op_twice_in_one_push_has_one_effect_and_two_answers(hand: Hand, world: World) -> None:
    made = report(world)
    first, second = hand.push("worker", [made, made])
    assert second == first | {"repeated": True}
    assert first["seq"] is not None
    assert Incident.objects.count() == 1


def test_a_receipt_whose_answer_retention_took_still_tells_the_outcome(hand: Hand, world: World) -> None:
    made = report(world)
    first = hand.one("worker", made)
    Receipt.objects.update(answer=None)
    answer = hand.one("worker", made)
    assert (answer["outcome"], answer["repeated"], answer["detail_expired"], answer["seq"]) == ("applied", True, True, first["seq"])
    assert Incident.objects.count() == 1


def test_no_receipt_is_kept_of_what_is_malformed_too_large_or_reused(hand: Hand, world: World) -> None:
    key = hand.reported()
    count, before = receipts(), digest()
    made = report(world)
    ops = [
        made | {"urgent": "yes"}, made | {"description": "x" * 70_000}, edit(key, 1, colour=("a", "b")), edit(key, 1, urgent=(False, "yes")),
        act(key, 1, "reject", reason="because"), act(key, 1, "close", colour="red"),
    ]  # fmt: skip
    assert [told(answer) for answer in hand.push("worker", ops)] == [
        ("refused", "malformed"), ("refused", "op_too_large"), *[("refused", "malformed")] * 4,
    ]  # fmt: skip
    assert (receipts(), digest()) == (count, before)
    # The op id is free, and malformed is told before op_id_reused.
    assert told(hand.one("worker", made)) == ("applied", None)
    assert told(hand.one("worker", made | {"urgent": "yes"})) == ("refused", "malformed")
    assert told(hand.one("worker", edit(key, 1, colour=("a", "b")) | {"op_id": made["op_id"]})) == ("refused", "malformed")
    assert told(hand.one("worker", edit(key, 1, description=("a", "b")) | {"op_id": made["op_id"]})) == ("refused", "op_id_reused")


def test_a_malformed_op_tells_its_pointer_and_the_others_go_through(hand: Hand, world: World) -> None:
    good, bad = report(world), report(world) | {"surprise": 1}
    cut = json.dumps(report(world)).encode().replace(b'"litter"', b'"cut \\ud83d"')
    first, second, third, fourth = hand.push("worker", [bad, good, cut, b"5"])
    assert (told(first), first["op_id"], first["details"]["pointer"]) == (("refused", "malformed"), bad["op_id"], "/surprise")
    assert told(second) == ("applied", None)
    assert (told(third), third["details"]["pointer"]) == (("refused", "malformed"), "/description")
    assert (told(fourth), fourth["op_id"], fourth["incident"]) == (("refused", "malformed"), None, None)


# --- after and order -----------------------------------------------------------------------------------------------


def test_an_op_whose_need_is_unknown_is_kept_by_the_client_and_nothing_is_recorded(hand: Hand) -> None:
    key = hand.reported()
    count, before = receipts(), digest()
    answer = hand.one("worker", comment(key, after=[new_id()]))
    assert told(answer) == ("retry", "needs_unknown_op")
    assert answer["details"]["retry_after_s"] > 0
    assert (receipts(), digest()) == (count, before)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("need", ["applied", "merged", "conflict", "refused"])
def test_an_op_goes_on_after_what_was_carried_out_and_not_after_what_was_refused(
    hand: Hand, world: World, need: str, together: bool
) -> None:
    key = hand.reported()
    hand.one("secretary", edit(key, 1, urgent=(False, True)))
    needed = {
        "applied": comment(key),
        "merged": edit(key, 1, description=("litter", "a heap")),
        "conflict": edit(key, 1, description=("never", "a heap")),
        "refused": edit(key, 1, state=("reported", "closed")),
    }[need]
    later = comment(key, after=[needed["op_id"]])
    answers = hand.push("worker", [needed, later]) if together else [hand.one("worker", needed), hand.one("worker", later)]
    assert answers[0]["outcome"] == need
    expected = ("refused", "needs_refused_op") if need == "refused" else ("applied", None)
    assert told(answers[1]) == expected
    assert hand.one("worker", later) == answers[1] | {"repeated": True}


def test_for_after_an_op_that_was_malformed_or_is_another_users_is_unknown(hand: Hand, world: World) -> None:
    key = hand.reported()
    broken, others = comment(key, text=""), comment(key)
    hand.one("worker", broken)
    hand.one("secretary", others)
    for needed in (broken, others):
        assert told(hand.one("worker", comment(key, after=[needed["op_id"]]))) == ("retry", "needs_unknown_op")


def test_an_op_that_stands_behind_what_it_waits_for_must_not_come_first(hand: Hand, world: World) -> None:
    made = report(world)
    first, second = hand.push("worker", [comment(made["incident"], after=[made["op_id"]]), made])
    # The report is on the same incident, so it waits as well; sent in order both go through.
    assert [first["outcome"], second["outcome"]] == ["retry", "retry"]


def test_after_a_retry_later_ops_on_the_same_incident_wait_too_and_no_others(hand: Hand) -> None:
    one, two = hand.reported(), hand.reported()
    early = comment(one, after=[new_id()])
    ops = [early, comment(one), edit(one, 1, description=("litter", "x")), act(one, 1, "handle_here"), add_photo(one), comment(two)]
    assert [told(a) for a in hand.push("worker", ops)] == [("retry", "needs_unknown_op")] * 5 + [("applied", None)]


def test_a_report_and_what_follows_on_it_are_carried_out_in_one_push_in_order(hand: Hand, world: World) -> None:
    made = report(world)
    key, need = made["incident"], [made["op_id"]]
    ops = [made, edit(key, 1, description=("litter", "a")) | {"after": need}, edit(key, 1, description=("a", "b")) | {"after": need},
           comment(key, after=need), add_photo(key, after=need)]  # fmt: skip
    answers = hand.push("worker", ops)
    assert [(told(a), a["version"]) for a in answers] == [
        (("applied", None), 1), (("applied", None), 2), (("applied", None), 3), (("applied", None), 3), (("applied", None), 3),
    ]  # fmt: skip
    assert Incident.objects.get(pk=key).description == "b"


def test_one_refusal_does_not_touch_the_others(hand: Hand, world: World) -> None:
    answers = hand.push("worker", [report(world), report(world, category="9999"), report(world)])
    assert [told(a) for a in answers] == [("applied", None), ("refused", "category_unknown"), ("applied", None)]


def test_an_empty_push_is_answered_with_nothing(hand: Hand) -> None:
    assert hand.push("worker", []) == []


# --- versions, positions, events -------------------------------------------------------------------------------------


def test_the_version_counts_what_changes_the_record(hand: Hand) -> None:
    key = hand.reported(category="0301")
    steps: list[tuple[str, dict[str, Any], int, int]] = [
        ("worker", comment(key), 1, 1),
        ("worker", add_photo(key), 1, 1),
        ("worker", edit(key, 1, description=("litter", "x")), 2, 1),
        ("worker", edit(key, 2, description=("x", "x")), 2, 1),  # nothing to do
        ("secretary", act(key, 2, "register"), 3, 3),
        ("secretary", edit(key, 3, urgent=(False, True), address=(None, "x")), 4, 3),
        ("worker", edit(key, 1, description=("y", "z")), 4, 3),  # parked
        ("secretary", act(key, 4, "resolve", outcome="fixed"), 5, 5),
        ("secretary", act(key, 4, "close"), 5, 5),  # stale, parked
        ("secretary", act(key, 5, "close"), 6, 6),
    ]
    for name, made, version, step_version in steps:
        answer = hand.one(name, made)
        case = Incident.objects.get(pk=key)
        assert (answer["version"], case.version, case.step_version) == (version, version, step_version), made


def test_seq_is_the_highest_position_that_the_op_gave_and_null_where_nothing_changed(hand: Hand, world: World) -> None:
    key = hand.reported()
    nothing = hand.one("worker", edit(key, 1, description=("litter", "litter")))
    assert (told(nothing), nothing["seq"]) == (("applied", None), None)
    made = [edit(key, 1, description=("litter", "a")), edit(key, 2, description=("a", "b")), report(world)]
    first, second, third = hand.push("worker", made)
    position = dict(FeedRow.objects.values_list("rid", "seq"))
    events = {e.op_id: position[str(e.pk)] for e in Event.objects.all() if str(e.pk) in position}
    for answer, one in ((first, made[0]), (second, made[1])):
        assert answer["seq"] == max(position[key], events[one["op_id"]])
    assert third["seq"] == max(position[made[2]["incident"]], events[made[2]["op_id"]])
    assert Head.objects.get().seq == max(position.values())


def test_clocks_of_phones_order_nothing_and_one_far_ahead_is_marked(hand: Hand, world: World) -> None:
    now = timezone.now()
    key = hand.reported(at="1999-01-01T00:00:00Z")
    ahead = (now.replace(microsecond=0) + dt.timedelta(hours=24, minutes=1)).isoformat()
    nearly = (now.replace(microsecond=0) + dt.timedelta(hours=23, minutes=59)).isoformat()
    hand.push("worker", [comment(key, at=ahead), comment(key, at=nearly), comment(key, at="1971-01-01T00:00:00Z")], now=now)
    marks = list(Event.objects.filter(incident=key).order_by("n").values_list("type", "clock_ahead"))
    assert marks == [("submit", False), ("comment", True), ("comment", False), ("comment", False)]
    assert Incident.objects.get(pk=key).received_at.year == now.year


# --- ids --------------------------------------------------------------------------------------------------------------


def test_an_id_that_another_record_has_is_taken_whether_one_sees_it_or_not(hand: Hand, world: World) -> None:
    taken = photo()
    key = hand.reported(photos=[taken])
    said = comment(key)
    hand.one("worker", said)
    mine = hand.reported(by="stranger")
    before = digest()
    ops = [
        report(world, incident=key), report(world, photos=[photo(), photo(photo=taken["photo"])]), comment(mine, comment=said["comment"]),
        add_photo(mine, photo=taken["photo"]), add_photo(mine, photo=taken["photo"], sha256=taken["sha256"]),
    ]  # fmt: skip
    answers = hand.push("stranger", ops)
    # Comments of a person without a role on their own case: allowed as the author's.
    assert [told(a) for a in answers] == [("refused", "id_taken")] * 5
    assert digest() == before


def test_ids_are_taken_inside_one_push_too(hand: Hand, world: World) -> None:
    made = report(world, photos=[photo()])
    said = comment(made["incident"])
    ops = [
        made,
        report(world, incident=made["incident"]),
        said,
        comment(made["incident"], comment=said["comment"]),
        report(world, photos=made["photos"]),
    ]
    assert [told(a) for a in hand.push("worker", ops)] == [
        ("applied", None), ("refused", "id_taken"), ("applied", None), ("refused", "id_taken"), ("refused", "id_taken"),
    ]  # fmt: skip


def test_ids_that_the_server_derives_are_uuid5_of_user_op_and_name(hand: Hand, world: World) -> None:
    key = hand.reported()
    parked = edit(key, 1, description=("never", "x"))
    (conflict,) = hand.one("worker", parked)["conflicts"]
    user = uuid.UUID(str(world.user("worker").pk))
    assert conflict["id"] == str(uuid.uuid5(user, f"{parked['op_id']}:description"))
    assert Conflict.objects.get().pk == uuid.UUID(conflict["id"])


def test_the_same_photo_again_from_another_device_is_applied_and_nothing_new(hand: Hand) -> None:
    key = hand.reported()
    first = add_photo(key)
    hand.one("worker", first)
    before = digest()
    again = first | {"op_id": new_id(), "at": AT, "stage": "after"}
    answer = hand.one("worker", again)
    assert (told(answer), answer["seq"], answer["missing_photos"]) == (("applied", None), None, [first["sha256"]])
    assert digest() == before
    for change in ({"sha256": "0" * 64}, {"incident": hand.reported()}):
        assert told(hand.one("worker", again | {"op_id": new_id()} | change)) == ("refused", "id_taken")
    assert told(hand.one("neighbour", first | {"op_id": new_id()}))[0] == "refused"


def test_a_photo_is_taken_back_by_who_sent_it(hand: Hand, world: World) -> None:
    made = photo()
    key = hand.reported(photos=[made])
    assert told(hand.one("secretary", op("photo.withdraw", photo=made["photo"]))) == ("refused", "role")
    assert told(hand.one("worker2", op("photo.withdraw", photo=made["photo"]))) == ("refused", "not_found")
    assert told(hand.one("worker2", op("photo.withdraw", photo=new_id()))) == ("refused", "not_found")
    answer = hand.one("worker", op("photo.withdraw", photo=made["photo"]))
    assert (told(answer), answer["version"], answer["incident"]) == (("applied", None), 1, key)
    assert Photo.objects.get().state == "withdrawn"
    assert hand.one("worker", op("photo.withdraw", photo=made["photo"]))["seq"] is None


def test_an_op_on_the_neighbours_case_is_not_found_like_one_on_no_case(hand: Hand, world: World) -> None:
    key = hand.reported(NEXT_CELL, by="neighbour")
    for incident in (key, new_id()):
        for made in (
            edit(incident, 1, description=("litter", "x")),
            act(incident, 1, "handle_here"),
            comment(incident),
            add_photo(incident),
        ):
            answer = hand.one("worker", made)
            expected = {"outcome": "refused", "code": "not_found", "version": None, "number": None, "cell": None, "seq": None, "details": None, "conflicts": [],
                        "missing_photos": []}  # fmt: skip
            assert {name: answer[name] for name in expected} == expected
