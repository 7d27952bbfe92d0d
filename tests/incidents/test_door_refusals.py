"""A refusal changes nothing: all tables before and after are the same, for every code that an op can be refused with."""

from collections.abc import Callable

import pytest

from tests.incidents.pushing import (
    REJECTION,
    Hand,
    Json,
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
    resolve,
    told,
)
from tests.world import CELL, World

Make = Callable[[Hand], tuple[str, Json]]


def _ended(hand: Hand) -> str:
    key = hand.reported()
    (conflict,) = hand.one("worker", edit(key, 1, description=("never", "x")))["conflicts"]
    hand.one("secretary", resolve(conflict["id"], "server", 1))
    return str(conflict["id"])


def _open(hand: Hand, *, newer: bool = False) -> str:
    key = hand.reported()
    (conflict,) = hand.one("worker", edit(key, 1, description=("never", "x")))["conflicts"]
    if newer:
        hand.one("secretary", edit(key, 1, description=("litter", "newer")))
    return str(conflict["id"])


def _reused(hand: Hand) -> tuple[str, Json]:
    made = report(hand.world)
    hand.one("worker", made)
    return "worker", made | {"urgent": True}


def _needs_refused(hand: Hand) -> tuple[str, Json]:
    bad = report(hand.world, category="9999")
    hand.one("worker", bad)
    return "worker", comment(bad["incident"], after=[bad["op_id"]])


def _parked_step(hand: Hand) -> tuple[str, Json]:
    key = hand.reported()
    (conflict,) = hand.one("secretary", act(key, 1, "close"))["conflicts"]
    return "secretary", resolve(conflict["id"], "client", 1)


CASES: dict[str, Make] = {
    "malformed": lambda hand: ("worker", report(hand.world) | {"surprise": 1}),
    "op_too_large": lambda hand: ("worker", report(hand.world, description="x" * 70_000)),
    "op_id_reused": _reused,
    "id_taken": lambda hand: ("worker", report(hand.world, incident=hand.reported())),
    "needs_refused_op": _needs_refused,
    "datum_missing": lambda hand: ("worker", report(hand.world, position={"lng": 108.9, "lat": 34.2, "source": "gps"})),
    "outside_grid": lambda hand: ("worker", report(hand.world, position=hand.world.position() | {"lng": 0, "lat": 0}, photos=[photo()])),
    "category_unknown": lambda hand: ("worker", report(hand.world, category="9999")),
    "cell_unknown": lambda hand: ("worker", report(hand.world, position=None, cell=new_id())),
    "not_found": lambda hand: ("worker2", add_photo(hand.reported())),
    "not_editable": lambda hand: ("worker", edit(hand.reported(by="stranger"), 1, description=("litter", "x"), urgent=(False, True))),
    "role": lambda hand: ("worker", act(hand.reported(), 1, "register")),
    "reason_missing": lambda hand: ("secretary", act(hand.reported(), 1, "reject", **(REJECTION | {"sentence": ""}))),
    "bad_target": lambda hand: ("secretary", comment(hand.reported(), to=new_id())),
    "action_unknown": lambda hand: ("secretary", act(hand.reported(), 1, "fly")),
    "stale": lambda hand: ("secretary", resolve(_open(hand, newer=True), "client", 1)),
    "already_resolved": lambda hand: ("secretary", resolve(_ended(hand), "client", 1)),
    "not_allowed_now": _parked_step,
}


@pytest.mark.parametrize("code", CASES)
def test_a_refusal_changes_nothing_but_for_its_receipt(world: World, code: str) -> None:
    hand = Hand(world)
    name, made = CASES[code](hand)
    before, count = digest(), receipts()
    answer = hand.one(name, made)
    assert told(answer) == ("refused", code)
    assert answer["message"]
    assert (answer["seq"], answer["conflicts"], answer["missing_photos"]) == (None, [], [])
    assert digest() == before
    assert receipts() - count == (0 if code in ("malformed", "op_too_large", "op_id_reused") else 1)
    again = hand.one(name, made)
    assert again == answer | {"repeated": code not in ("malformed", "op_too_large", "op_id_reused")}
    assert digest() == before


def test_a_photo_that_may_not_be_withdrawn_stays(world: World) -> None:
    hand = Hand(world)
    shot = photo()
    hand.reported(CELL, photos=[shot])
    before = digest()
    for name in ("secretary", "worker2"):
        assert hand.one(name, op("photo.withdraw", photo=shot["photo"]))["outcome"] == "refused"
    assert digest() == before
