"""Case numbers DDDDDD-YYMMDD-NNNNN: district, day of the city, sequence; never twice, whatever runs beside (protocol §3)."""

import datetime as dt
import re
import threading

import pytest
from django.db import connections

from grids.queries import city_day
from incidents import numbers
from incidents.models import Incident, NumberBlock
from tests.incidents.pushing import Hand, report
from tests.world import B1C, CELL, A, B, World

DAY = dt.date(2026, 5, 4)


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


def test_a_number_is_district_day_and_sequence(hand: Hand, world: World) -> None:
    # 2026-05-04 01:12 in the city is still the third of May at Greenwich.
    now = dt.datetime(2026, 5, 3, 17, 12, tzinfo=dt.UTC)
    answers = hand.push("worker", [report(world), report(world, B1C + "001"), report(world)], now=now)
    assert [a["number"] for a in answers] == ["610104-260504-00001", "610113-260504-00001", "610104-260504-00002"]


@pytest.mark.parametrize(
    ("instant", "day"),
    [("2026-05-03T15:59:59+00:00", "260503"), ("2026-05-03T16:00:00+00:00", "260504"), ("2026-05-04T15:59:59.999999+00:00", "260504")],
)
def test_the_day_is_that_of_the_city(hand: Hand, world: World, instant: str, day: str) -> None:
    now = dt.datetime.fromisoformat(instant)
    assert hand.one("worker", report(world), now=now)["number"].split("-")[1] == day


def test_the_phones_own_clock_has_no_say(hand: Hand, world: World) -> None:
    now = dt.datetime(2026, 5, 4, 4, tzinfo=dt.UTC)
    assert hand.one("worker", report(world, at="1999-01-01T00:00:00Z"), now=now)["number"].startswith("610104-260504-")


def test_each_day_and_district_begins_with_one_and_is_counted_in_blocks(world: World) -> None:
    assert numbers.take(wanted={A: 3, B: 1}, day=DAY) == {
        A: [f"{A}-260504-0000{n}" for n in (1, 2, 3)], B: [f"{B}-260504-00001"],
    }  # fmt: skip
    assert numbers.take(wanted={A: 1}, day=DAY) == {A: [f"{A}-260504-00004"]}
    assert numbers.take(wanted={A: 1}, day=DAY + dt.timedelta(days=1)) == {A: [f"{A}-260505-00001"]}
    assert set(NumberBlock.objects.values_list("district", "day")) == {(A, "260504"), (B, "260504"), (A, "260505")}


def test_a_process_that_ends_leaves_a_gap_and_no_double(world: World) -> None:
    first = numbers.take(wanted={A: 5}, day=DAY)[A]
    numbers.forget()
    second = numbers.take(wanted={A: 5}, day=DAY)[A]
    assert set(first).isdisjoint(second)


def test_more_than_a_block_is_given_at_once(world: World) -> None:
    given = numbers.take(wanted={A: 250}, day=DAY)[A]
    assert given == [f"{A}-260504-{n:05d}" for n in range(1, 251)]
    assert numbers.take(wanted={A: 1}, day=DAY)[A] == [f"{A}-260504-00251"]


def test_above_99999_the_sequence_grows_longer(world: World) -> None:
    NumberBlock.objects.create(district=A, day="260504", next=99_999)
    assert numbers.take(wanted={A: 2}, day=DAY)[A] == [f"{A}-260504-99999", f"{A}-260504-100000"]


def test_a_refused_report_has_none_and_the_database_takes_none_twice(hand: Hand, world: World) -> None:
    from django.db import IntegrityError, transaction

    assert hand.one("worker", report(world, category="9999"))["number"] is None
    hand.push("worker", [report(world), report(world)])
    first, second = Incident.objects.order_by("number")
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=second.pk).update(number=first.number)


@pytest.mark.parametrize("forgetful", [False, True], ids=["one process", "as several processes"])
def test_threads_that_take_at_once_get_no_number_twice(transactional_db: None, world: World, forgetful: bool) -> None:
    given: list[str] = []
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            for size in (1, 7, 60, 120, 3):
                if forgetful:
                    numbers.forget()
                for district in (A, B):
                    given.extend(numbers.take(wanted={district: size}, day=DAY)[district])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 4 * 2 * 191
    assert all(re.fullmatch(r"6101(04|13)-260504-\d{5}", number) for number in given)


def test_every_case_of_a_large_push_has_a_number_of_its_own(hand: Hand, world: World) -> None:
    answers = [a for _ in range(2) for a in hand.push("worker", [report(world, (CELL, B1C + "002")[i % 2]) for i in range(200)])]
    assert len({a["number"] for a in answers}) == 400
    stamp = city_day(dt.datetime.now(dt.UTC)).strftime("%y%m%d")
    assert {a["number"][:14] for a in answers} == {f"{A}-{stamp}-", f"{B}-{stamp}-"}
