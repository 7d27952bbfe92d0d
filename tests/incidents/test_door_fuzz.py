"""Random pushes of the whole cast on a few cases: every op is answered, the server never fails, and what must always hold holds."""

import random
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.models import Conflict, Event, Incident, Receipt
from tests.incidents.pushing import REJECTION, Hand, Json, act, add_photo, comment, edit, new_id, op, photo, report, resolve
from tests.world import A1N, B1C, CAST, CELL, NEXT_CELL, World

CELLS = (CELL, CELL, CELL, NEXT_CELL, A1N + "001", B1C + "001")
VALUES: dict[str, tuple[Any, ...]] = {
    "description": ("litter", "x", "垃圾", None, ""), "urgent": (True, False), "category": ("0102", "0301", "0601", "9999", "01"),
    "address": (None, "here", "there"), "component_code": (None, "1", ""), "occurred_at": (None, "2026-05-04T01:00:00Z"),
    "answers": (None, {}, {"a": True}, {"a": 1}, {"a": {"b": [1.5, None]}}), "state": ("closed",),
}  # fmt: skip
ACTIONS = {
    "register": {}, "reject": REJECTION, "resolve": {"outcome": "fixed"}, "close": {}, "reopen": {"sentence": "again"}, "handle_here": {}, "fly": {},
}  # fmt: skip


class Player:
    """Makes ops that are mostly sensible, about what there is."""

    def __init__(self, hand: Hand, rng: random.Random) -> None:
        self.hand, self.rng, self.sent = hand, rng, [new_id()]
        self.cases, self.photos, self.conflicts = [hand.reported() for _ in range(3)], [new_id()], [new_id()]

    def position(self) -> Json:
        if self.rng.random() < 0.1:
            return {"lng": 100.0, "lat": 30.0, "datum": self.rng.choice(("bd09", "wgs84")), "source": "map"}
        return self.hand.world.position(self.rng.choice(CELLS), east=self.rng.choice((0.25, 0.5)))

    def make(self) -> Json:
        rng, case = self.rng, self.rng.choice(self.cases)
        version = rng.choice((0, 1, 2, 3, 5, 50))
        kind = rng.choice(("report", "edit", "edit", "edit", "act", "act", "comment", "photo", "withdraw", "resolve", "resolve", "again"))
        if kind == "report":
            made = report(
                self.hand.world,
                rng.choice(CELLS),
                category=rng.choice(VALUES["category"]),
                photos=[photo(s) for s in ("before", "after")[: rng.randrange(3)]],
            )
            if rng.random() < 0.3:
                made["handled_here"] = {"outcome": "fixed"}
            if rng.random() < 0.1:
                made["incident"] = case
            self.cases.append(made["incident"])
            self.photos += [p["photo"] for p in made["photos"]]
        elif kind == "edit":
            fields: Json = {}
            for name in rng.sample([*VALUES, "position"], rng.randint(1, 3)):
                fields[name] = (
                    (self.position(), self.position()) if name == "position" else (rng.choice(VALUES[name]), rng.choice(VALUES[name]))
                )
            made = edit(case, version, **fields)
        elif kind == "act":
            action = rng.choice(list(ACTIONS))
            made = act(case, version, action, **(ACTIONS[action] if rng.random() < 0.9 else {}))
        elif kind == "comment":
            made = comment(case, visibility=rng.choice(("internal", "public")))
            if rng.random() < 0.3:
                made["to"] = str(self.hand.world.user(rng.choice(list(CAST))).pk)
        elif kind == "photo":
            made = add_photo(case)
            if rng.random() < 0.2:
                made["photo"] = rng.choice(self.photos)
            self.photos.append(made["photo"])
        elif kind == "withdraw":
            made = op("photo.withdraw", photo=rng.choice(self.photos))
        elif kind == "resolve":
            take = rng.choice(("server", "client", "value"))
            more = {"value": rng.choice(("x", None, 5, self.position(), True, {"a": 1}))} if take == "value" else {}
            made = resolve(rng.choice(self.conflicts), take, version, **more)
        else:
            return comment(case) | {"op_id": rng.choice(self.sent)}
        if rng.random() < 0.07:
            made["after"] = [rng.choice(self.sent)]
        self.sent.append(made["op_id"])
        return made


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whoever_sends_whatever_is_answered_and_what_must_hold_holds(hand: Hand, seed: int) -> None:
    rng = random.Random(seed)
    player = Player(hand, rng)
    outcomes: dict[tuple[str, str], tuple[str, str | None]] = {}
    for _ in range(6):
        name = rng.choice((*CAST, *["worker", "secretary", "operator", "secretary"] * 5))
        player.conflicts = [str(pk) for pk in Conflict.objects.values_list("pk", flat=True)] or player.conflicts
        ops = [player.make() for _ in range(rng.randint(1, 15))]
        for answer, made in zip(hand.push(name, ops), ops, strict=True):
            assert answer["op_id"] == made["op_id"]
            assert (answer["outcome"], answer["code"] is None) in (
                ("applied", True), ("merged", True), ("conflict", False), ("refused", False), ("retry", False),
            )  # fmt: skip
            assert answer["code"] not in ("internal", "busy"), answer
            final = (answer["outcome"], answer["code"])
            if answer["outcome"] != "retry" and answer["code"] not in ("malformed", "op_too_large", "op_id_reused"):
                assert outcomes.setdefault((name, made["op_id"]), final) == final
                assert Receipt.objects.filter(op_id=made["op_id"], user=hand.world.user(name).pk, outcome=answer["outcome"]).exists()
    for case in Incident.objects.all():
        events = list(Event.objects.filter(incident=case.pk).order_by("n"))
        assert [event.n for event in events] == list(range(1, case.n + 1))
        versions = [event.version for event in events]
        assert versions == sorted(versions)
        assert (versions[0], versions[-1]) == (1, case.version)
        assert case.step_version <= case.version
        assert (case.closed_at is None) == (case.state not in ("closed", "rejected"))
        moves = [(e.from_state, e.to_state) for e in events if e.to_state is not None]
        assert [to for _, to in moves[:-1]] == [at for at, _ in moves[1:]]
        assert (moves[0][0], moves[-1][1]) == (None, case.state)
    for conflict in Conflict.objects.all():
        assert (conflict.state == "open") == (conflict.resolved_at is None) == (conflict.resolved_by is None)
        assert Incident.objects.filter(pk=conflict.incident).exists()
        assert conflict.pk.version == 5
        assert isinstance(conflict.incident, uuid.UUID)
