"""Eight parallel writers and two tailing readers over HTTP, 5,000 changes: none missed, none out of order (protocol §4, 2).

A real server on each database; on PostgreSQL two server processes, where there is a Redis.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from grids.demo.accounts import ACCOUNTS
from sync.phone import HttpLine, Phone
from sync.phone.phone import Round
from sync.phone.queue import Settled
from sync.simulation.town import Town, look_around
from tests.left_out import database_of_kind, redis_url
from tests.running import PASSWORD, running

CHANGES = 5_000
READER = "supervisor"  # sees the whole city


def enter(url: str, username: str, seed: int) -> Phone:
    phone = Phone(HttpLine(url), rng=random.Random(seed))
    phone.log_in(username, PASSWORD)
    return phone


class Writer:
    """Pushes of one to four ops: reports, and comments on its own earlier reports."""

    def __init__(self, phone: Phone, town: Town, seed: int) -> None:
        self.phone, self.town, self.rng = phone, town, random.Random(seed)
        self.settled: list[Settled] = []
        self.mine: list[str] = []

    def changes(self) -> int:
        # A report is two records (incident and event), a comment one.
        return sum(2 if one.op["kind"] == "incident.report" else 1 for one in self.settled)

    def push(self) -> None:
        for _ in range(self.rng.randint(1, 4)):
            if not self.mine or self.rng.random() < 0.7:
                report = self.phone.report(
                    category=self.town.categories[0], position=self.town.position(self.rng), description=f"第{len(self.mine)}件"
                )
                self.mine.append(report["incident"])
            else:
                self.phone.comment(self.rng.choice(self.mine), "再看一次")
        done = Round()
        self.phone.push(done)
        self.settled += done.settled


class Tail:
    """Follows the feed page by page, of random length, and keeps every change in the order in which it came."""

    def __init__(self, phone: Phone, seed: int) -> None:
        self.phone, self.rng = phone, random.Random(seed)
        self.seen: list[tuple[int, str, str]] = []
        self.cursor: str | None = None
        self.pages = 0

    def page(self) -> bool:
        told = self.phone.api.get("sync/changes", since=self.cursor, limit=self.rng.randint(1, 200))
        self.seen += [(one["seq"], one["type"], one["id"]) for one in told["changes"]]
        self.cursor, self.pages = told["cursor"], self.pages + 1
        assert told["reset"] is None
        return bool(told["more"])


def together(*works: Callable[[], None]) -> None:
    """Run them side by side; a fault in one is a fault of the test."""
    faults: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


def write_and_follow(writers: list[Writer], tails: list[Tail]) -> None:
    """Until the writers have made enough changes; then the tails read on to the end."""
    enough, done = CHANGES // len(writers), threading.Event()

    def write(writer: Writer) -> None:
        while writer.changes() < enough:
            writer.push()

    def follow(tail: Tail) -> None:
        try:
            while tail.page() or not done.is_set():
                pass
            while tail.page():  # what was committed between the last page and the end of the writing
                pass
        except BaseException:
            done.set()
            raise

    def write_all() -> None:
        try:
            together(*[lambda w=writer: write(w) for writer in writers])  # type: ignore[misc]
        finally:
            done.set()

    together(write_all, *[lambda t=tail: follow(t) for tail in tails])  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_two_tailing_readers_miss_none_of_5000_changes_of_eight_parallel_writers(kind: str) -> None:
    with database_of_kind(kind) as url:
        if url is None:
            return
        how: dict[str, Any] = {"database_url": url, "LOG_LEVEL": "WARNING"}
        if kind == "postgres" and (redis := redis_url()):
            how |= {"args": "--scale small --seed 7 --workers 2", "REDIS_URL": redis}
        with running(**how) as server:
            phones = [enter(server.url, name, number) for number, name in enumerate(ACCOUNTS)]
            town = look_around(phones[0].api, phones[0].memberships)
            writers = [Writer(phone, town, number) for number, phone in enumerate(phones)]
            tails = [Tail(enter(server.url, READER, 100 + number), number) for number in range(2)]
            write_and_follow(writers, tails)
            fresh = enter(server.url, READER, 200)
            fresh.pull(Round(), limit=1000)
            check(writers, tails, fresh)
            for phone in (*phones, *(tail.phone for tail in tails), fresh):
                phone.hang_up()


def check(writers: list[Writer], tails: list[Tail], fresh: Phone) -> None:
    """What each reader saw, against what was acknowledged and what stands in the feed."""
    settled = [one for writer in writers for one in writer.settled]
    assert len(writers) == 8 and {one.outcome for one in settled} == {"applied"}
    assert sum(writer.changes() for writer in writers) >= CHANGES
    now = {key: row.seq for key, row in fresh.shelf.store.first.rows.items()}
    events = {ident: seq for (kind, ident), seq in now.items() if kind == "event"}
    assert len(events) == len(settled)  # each op made exactly one
    for tail in tails:
        seqs = [seq for seq, _, _ in tail.seen]
        assert seqs == sorted(set(seqs)), "out of order"
        assert tail.pages > 20, "it did not follow, it only looked once"
        last = {(kind, ident): seq for seq, kind, ident in tail.seen}
        assert last == now, "missed or kept something"
        # Events stand where they were put: each was seen once, at its place. A state would hide one that was missed.
        assert Counter(ident for _, kind, ident in tail.seen if kind == "event") == Counter(dict.fromkeys(events, 1))
        assert {one.about for one in settled} <= {ident for kind, ident in last if kind == "incident"}
        positions = {seq for seq, _, _ in tail.seen}
        assert [one.answer["seq"] for one in settled if one.answer["seq"] not in positions] == []
