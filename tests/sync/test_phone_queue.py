"""Queue, ledger and ids of the Python phone: what is sent next and what an answer does (protocol §2, §3.2). No server."""

import json
import random
import uuid
from typing import Any

from sync.phone.backoff import line_pause_s, op_pause_s
from sync.phone.ids import uuid7
from sync.phone.ledger import KEEP_BYTES, KEEP_S, Ledger
from sync.phone.queue import Queue, Settled


def op(op_id: str, kind: str = "incident.edit", **more: Any) -> dict[str, Any]:
    return {"op_id": op_id, "kind": kind} | more


def queue(*ops: tuple[str, str, str]) -> Queue:
    made = Queue()
    for op_id, kind, about in ops:
        made.add(op=op(op_id, kind), about=about)
    return made


def answer(op_id: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"op_id": op_id, "outcome": outcome, "code": None, "details": None} | more


def ids(ops: list[dict[str, Any]]) -> list[str]:
    return [one["op_id"] for one in ops]


def due(made: Queue, now: float = 0.0, held: tuple[str, ...] = (), **limits: int) -> list[dict[str, Any]]:
    return made.due(now=now, held=held, **limits)


def take(made: Queue, *answers: Any, now: float = 0.0) -> list[Settled]:
    sent = {one.op_id for one in made.waiting}
    return made.take(answers=answers, sent=sent, now=now, rng=random.Random(1))


REPORT, EDIT = "incident.report", "incident.edit"


def test_ids_are_version_7_and_sort_by_the_moment_they_were_made() -> None:
    rng = random.Random(3)
    made = [uuid7(now=1_777_856_400.0 + n / 100, rng=rng) for n in range(200)]
    assert all(uuid.UUID(one).version == 7 and uuid.UUID(one).variant == uuid.RFC_4122 for one in made)
    assert made == sorted(made) and len(set(made)) == 200
    assert all(len(one) == 36 and one == one.lower() for one in made)


def test_an_op_on_an_incident_that_is_not_born_yet_names_the_report_in_after() -> None:
    made = queue(("r", REPORT, "i"), ("e", EDIT, "i"), ("x", EDIT, "other"))
    assert [one.get("after") for one in due(made)] == [None, ["r"], None]


def test_a_needed_op_that_was_answered_and_is_still_held_stays_in_after_and_one_let_go_is_struck() -> None:
    made = queue(("r", REPORT, "i"), ("e", EDIT, "i"))
    take(made, answer("r", "applied"))
    assert due(made, held=("r",))[0]["after"] == ["r"]
    assert "after" not in due(made)[0]


def test_a_resting_op_holds_back_its_own_incident_and_nobody_else() -> None:
    made = queue(("r", REPORT, "i"), ("x", REPORT, "j"), ("e", EDIT, "i"))
    take(made, answer("r", "retry", code="busy"), now=100.0)
    assert ids(due(made, now=101.0)) == ["x"]
    assert ids(due(made, now=200.0)) == ["r", "x", "e"]


def test_an_op_that_names_a_resting_op_in_after_waits_with_it() -> None:
    made = queue(("r", REPORT, "i"))
    made.add(op=op("n", "notice.read", after=["r"]), about="")
    take(made, answer("r", "retry", code="internal"), now=100.0)
    assert due(made, now=101.0) == []


def test_final_answers_leave_the_queue_and_retry_or_an_unknown_outcome_stays() -> None:
    names = ["applied", "merged", "conflict", "refused", "retry", "postponed"]
    made = queue(*((name, EDIT, name) for name in names))
    settled = take(made, *(answer(name, name) for name in names))
    assert [one.outcome for one in settled] == ["applied", "merged", "conflict", "refused"]
    assert [one.op_id for one in made.waiting] == ["retry", "postponed"]


def test_an_answer_that_names_no_op_of_the_push_takes_nothing_out() -> None:
    made = queue(("a", EDIT, "i"))
    assert take(made, answer("b", "applied"), {"outcome": "applied"}, None, "portal", answer("", "applied")) == []
    assert len(made) == 1


def test_an_op_needs_you_after_three_tries_and_the_server_may_ask_for_a_longer_rest() -> None:
    made = queue(("a", EDIT, "i"))
    for n in range(3):
        assert made.waiting[0].needs_you is False
        take(made, answer("a", "retry", details={"retry_after_s": 900}), now=n * 10_000.0)
        assert made.waiting[0].not_before >= n * 10_000.0 + 900
    assert made.waiting[0].needs_you is True


def test_ops_rest_from_five_seconds_to_an_hour_with_jitter() -> None:
    rng = random.Random(1)
    first = [op_pause_s(tries=1, asked_s=None, rng=rng) for _ in range(100)]
    last = [op_pause_s(tries=50, asked_s=None, rng=rng) for _ in range(100)]
    assert 2.5 <= min(first) < max(first) <= 5.0
    assert 1800 <= min(last) < max(last) <= 3600
    assert all(30 <= line_pause_s(failures=9, asked_s=30, rng=rng) <= 90 for _ in range(100))


def test_a_push_keeps_within_200_ops_and_one_mebibyte_of_utf8() -> None:
    many = queue(*((str(n), EDIT, str(n)) for n in range(450)))
    assert len(due(many)) == 200
    fat = Queue()
    for n in range(30):
        fat.add(op=op(str(n), text="路" * 20_000), about=str(n))
    assert len(json.dumps({"ops": due(fat)}, ensure_ascii=False).encode()) <= 1024 * 1024
    assert len(due(fat)) == 17


def test_a_closed_account_takes_only_the_ops_that_it_names() -> None:
    made = queue(("a", EDIT, "i"), ("b", EDIT, "j"))
    made.take_away({"a", "stranger"})
    assert [one.op_id for one in made.waiting] == ["b"]


def test_a_queue_that_is_switched_off_and_on_is_the_same() -> None:
    made = queue(("r", REPORT, "i"), ("e", EDIT, "i"))
    take(made, answer("r", "retry", code="busy"), now=9.0)
    again = Queue.load(json.loads(json.dumps(made.dump())))
    assert again.waiting == made.waiting


def settled(op_id: str, outcome: str = "applied", seq: int | None = None, size: int = 0) -> Settled:
    return Settled(op(op_id, text="x" * size), "i", answer(op_id, outcome, seq=seq))


def test_an_answered_op_is_kept_until_it_is_safe_or_seven_days_old() -> None:
    ledger = Ledger()
    for op_id, seq in (("a", 10), ("b", 20)):
        ledger.enter(settled=settled(op_id, seq=seq), stored_seq=25, now=0.0)
    ledger.free(safe_seq=10, now=1.0)
    assert list(ledger.kept) == ["b"]
    ledger.free(safe_seq=0, now=KEEP_S)
    assert len(ledger) == 0


def test_an_answer_without_a_position_is_bound_by_what_was_stored_beside_it() -> None:
    ledger = Ledger()
    ledger.enter(settled=settled("a", seq=None), stored_seq=25, now=0.0)
    ledger.free(safe_seq=24, now=1.0)
    assert "a" in ledger
    ledger.free(safe_seq=25, now=1.0)
    assert "a" not in ledger


def test_a_refused_op_is_not_kept_and_a_parked_one_is() -> None:
    ledger = Ledger()
    ledger.enter(settled=settled("no", "refused"), stored_seq=1, now=0.0)
    ledger.enter(settled=settled("parked", "conflict", seq=1), stored_seq=1, now=0.0)
    assert list(ledger.kept) == ["parked"]


def test_above_200_megabytes_the_oldest_goes_first() -> None:
    ledger = Ledger()
    for op_id in ("old", "new"):
        ledger.enter(settled=settled(op_id, seq=9, size=10), stored_seq=9, now=0.0)
        ledger.kept[op_id].size = KEEP_BYTES // 2 + 1
    ledger.free(safe_seq=0, now=1.0)
    assert list(ledger.kept) == ["new"]


def test_what_is_not_safe_goes_out_again_before_all_else_and_once() -> None:
    made = queue(("new", EDIT, "i"))
    made.put_back([(op("a", REPORT), "i"), (op("b"), "i"), (op("new"), "i")])
    assert [one.op_id for one in made.waiting] == ["a", "b", "new"]
