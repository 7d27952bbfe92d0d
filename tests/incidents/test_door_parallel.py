"""Pushes at the same time, on connections of their own (protocol §3.2, 1 and 4; §7, cases 2, 5 and 6)."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from gridgov.feed.models import FeedRow, Head
from incidents import door
from incidents.models import Conflict, Event, Incident, Receipt
from tests.incidents.pushing import Hand, Json, act, comment, edit, new_id, photo, report, told
from tests.world import CELL, World


@pytest.fixture
def hand(transactional_db: None, world: World) -> Hand:
    return Hand(world)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """All at the same time; what each returned."""
    start, found = threading.Barrier(len(works)), {}

    def run(n: int, work: Callable[[], Any]) -> None:
        try:
            start.wait()
            found[n] = work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[n] for n in range(len(works))]


def pushes(hand: Hand, *sent: tuple[str, Iterable[Json]]) -> list[list[Json]]:
    return at_once(*(lambda name=name, ops=list(ops): hand.push(name, ops) for name, ops in sent))


def test_the_same_op_in_parallel_pushes_has_one_effect_and_all_get_the_same_answer(hand: Hand) -> None:
    key = hand.reported()
    ops = [
        report(hand.world, photos=[photo()]),
        comment(key),
        edit(key, 1, description=("litter", "x")),
        edit(key, 1, description=("never", "y")),
    ]
    answers = pushes(hand, *[("worker", ops)] * 4)
    for n in range(len(ops)):
        same = [one[n] | {"repeated": None} for one in answers]
        assert all(answer == same[0] for answer in same)
        assert sorted(one[n]["repeated"] for one in answers) == [False, True, True, True]
    assert (Incident.objects.count(), Conflict.objects.count(), Receipt.objects.filter(op_id__in=[o["op_id"] for o in ops]).count()) == (
        2,
        1,
        4,
    )


def test_parallel_pushes_that_hold_the_same_ops_in_another_order_end_too(hand: Hand) -> None:
    keys = [hand.reported() for _ in range(6)]
    ops = [comment(key) for key in keys]
    answers = pushes(hand, ("worker", ops), ("worker", ops[::-1]), ("worker", ops[::2]))
    assert {told(a) for one in answers for a in one} == {("applied", None)}
    assert Event.objects.filter(type="comment").count() == 6


def test_the_same_incident_reported_by_two_at_once_is_born_once(hand: Hand) -> None:
    for _ in range(4):
        key = new_id()
        one, two = report(hand.world, incident=key), report(hand.world, incident=key)
        (first,), (second,) = pushes(hand, ("worker", [one]), ("neighbour", [two]))
        assert sorted([told(first), told(second)]) == sorted([("applied", None), ("refused", "id_taken")])


def test_two_who_edit_one_field_lose_no_value(hand: Hand) -> None:
    for n in range(4):
        key = hand.reported()
        sent = [(name, [edit(key, 1, description=("litter", f"{name} {n}"))]) for name in ("worker", "secretary", "operator")]
        answers = [one[0] for one in pushes(hand, *sent)]
        assert sorted(told(a) for a in answers) == [("applied", None), ("conflict", "field_changed"), ("conflict", "field_changed")]
        kept = {Incident.objects.get(pk=key).description, *Conflict.objects.filter(incident=key).values_list("client", flat=True)}
        assert kept == {f"{name} {n}" for name in ("worker", "secretary", "operator")}


def test_two_who_edit_different_fields_both_stand(hand: Hand) -> None:
    key = hand.reported()
    answers = pushes(hand, ("worker", [edit(key, 1, description=("litter", "x"))]), ("secretary", [edit(key, 1, urgent=(False, True))]))
    assert sorted(told(one[0]) for one in answers) == [("applied", None), ("merged", None)]
    case = Incident.objects.get(pk=key)
    assert (case.description, case.urgent, case.version) == ("x", True, 3)


def test_two_desks_register_one_case_once(hand: Hand) -> None:
    key = hand.reported()
    answers = pushes(hand, ("secretary", [act(key, 1, "register")]), ("operator", [act(key, 1, "register")]))
    assert sorted(one[0]["outcome"] for one in answers) == ["applied", "conflict"]
    assert Event.objects.filter(incident=key, type="register").count() == 1


def test_many_writers_on_the_same_cases_leave_a_log_without_gaps(hand: Hand) -> None:
    keys = [hand.reported() for _ in range(3)]
    names = ("worker", "secretary", "operator", "supervisor")
    sent = [(name, [comment(keys[(n + shift) % 3]) for n in range(20)]) for shift, name in enumerate(names)]
    answers = pushes(hand, *sent)
    assert {told(a) for one in answers for a in one} == {("applied", None)}
    for key in keys:
        rows = list(Event.objects.filter(incident=key).order_by("n").values_list("n", flat=True))
        assert rows == list(range(1, len(rows) + 1)) == list(range(1, Incident.objects.get(pk=key).n + 1))
    positions = list(FeedRow.objects.order_by("seq").values_list("seq", flat=True))
    assert len(positions) == len(set(positions))
    assert Head.objects.get().seq == positions[-1]


def test_who_waits_longer_than_a_push_may_is_told_to_come_again(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody holds the user's row (PostgreSQL) or the one writer's place (SQLite) for longer than the waiting time."""
    key = hand.reported()
    monkeypatch.setattr(door, "BUSY_AFTER_S", 0.2)
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        from gridgov.feed.gate import writing

        try:
            with writing(), transaction.atomic():
                list(type(hand.world.user("worker")).objects.select_for_update().filter(username="worker"))
                holding.set()
                let_go.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    try:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
        answers = hand.push("worker", [comment(key), report(hand.world, CELL)])
        assert [(told(a), a["details"]["retry_after_s"] > 0) for a in answers] == [(("retry", "busy"), True)] * 2
    finally:
        let_go.set()
        thread.join()
        connection.close()
    assert Receipt.objects.filter(op_id__in=[a["op_id"] for a in answers]).count() == 0
    assert told(hand.one("worker", comment(key))) == ("applied", None)


def test_a_membership_that_ends_while_a_push_is_on_its_way_is_heeded(hand: Hand) -> None:
    """The actor was read before; what counts is what holds under the lock."""
    import datetime as dt
    import json

    from grids.models import Membership
    from grids.queries import city_day

    key = hand.reported(by="stranger")
    now = timezone.now()
    actor = hand.world.actor("worker", now=now)
    member = Membership.objects.get(user=hand.world.user("worker"))
    member.until = city_day(now) - dt.timedelta(days=1)
    member.save()
    outcome = door.carry_out(ops=[json.dumps(comment(key)).encode()], actor=actor, now=now)
    assert (outcome.answers[0].outcome, outcome.answers[0].code) == ("conflict", "handed_over")
