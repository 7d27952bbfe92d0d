"""The one gate before SQLite's writer: one at a time, first come first served, an end to the queue; open on PostgreSQL."""

import threading

import pytest

from gridgov.errors import Refusal
from gridgov.feed import gate
from gridgov.feed.gate import GateBusy, writing
from gridgov.feed.sql import is_postgres


def queue_of(length: int) -> None:
    """Come back when so many wait."""
    while len(gate._waiting) < length:
        threading.Event().wait(0.001)


def test_again_inside_itself_is_free_and_it_is_left_after_an_error(db: None) -> None:
    with writing(), writing(wait_s=0):
        pass
    with pytest.raises(ValueError), writing():
        raise ValueError
    with writing(wait_s=0):
        pass


def test_one_at_a_time_in_order_of_arrival(db: None) -> None:
    if is_postgres():
        return  # stands open there: test_on_postgresql_it_stands_open
    order: list[int] = []
    inside = [0]
    threads = []

    def write(number: int) -> None:
        with writing(wait_s=60):
            inside[0] += 1
            assert inside[0] == 1
            order.append(number)
            inside[0] -= 1

    with writing():
        for number in range(8):
            thread = threading.Thread(target=write, args=(number,))
            thread.start()
            threads.append(thread)
            queue_of(number + 1)
    for thread in threads:
        thread.join(60)
    assert order == list(range(8))


def in_a_thread(wait_s: float) -> BaseException | None:
    """What somebody else meets who tries to come in."""
    met: list[BaseException | None] = [None]

    def write() -> None:
        try:
            with writing(wait_s=wait_s):
                pass
        except Exception as error:
            met[0] = error

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(60)
    return met[0]


def test_who_waits_too_long_has_done_nothing_and_stands_in_nobody_s_way(db: None) -> None:
    if is_postgres():
        return
    with writing():
        met = in_a_thread(0.01)
        assert isinstance(met, GateBusy)
        assert (met.code, met.headers) == ("unavailable", {"Retry-After": "5"})
        assert len(gate._waiting) == 0
    assert in_a_thread(60) is None


def test_a_full_queue_is_unavailable_with_a_time_to_come_back(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_postgres():
        return
    monkeypatch.setattr(gate, "LONGEST_QUEUE", 1)
    with writing():
        waiting = threading.Thread(target=in_a_thread, args=(60,))
        waiting.start()
        queue_of(1)
        met = in_a_thread(60)
        assert isinstance(met, Refusal) and not isinstance(met, GateBusy)
        assert (met.code, met.headers["Retry-After"]) == ("unavailable", "5")
    waiting.join(60)


def test_on_postgresql_it_stands_open(db: None) -> None:
    if not is_postgres():
        return
    with writing():
        assert in_a_thread(0) is None
