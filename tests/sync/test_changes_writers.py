"""No gaps: who follows while many write misses nothing and hears it in order (protocol §4, 2). Real connections, real threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from gridgov.feed.models import Commit, FeedRow, Head
from grids.locate import locator
from incidents.models import Incident
from tests.feed.chain import assert_chain_holds
from tests.sync import saying
from tests.sync.following import Reader, fresh
from tests.world import A1N, A2C, B1C, CELL, NEXT_CELL, World

WRITERS = {
    "worker": CELL, "neighbour": NEXT_CELL, "secretary": CELL, "operator": A1N + "001", "worker2": B1C + "001",
    "secretary2": B1C + "002", "stranger": A2C + "001", "handler": A1N + "002",
}  # fmt: skip
PUSHES = 8


@pytest.mark.django_db(transaction=True)
def test_two_readers_who_follow_eight_writers_miss_nothing(transactional_db: None, world: World) -> None:
    locator(world.actor("worker").ground)  # built once, not by eight threads
    readers = [Reader(world.client("supervisor"), limit=limit) for limit in (1000, 7)]
    for reader in readers:
        reader.poll()
    start, done = threading.Barrier(len(WRITERS) + len(readers)), threading.Event()
    positions: dict[Reader, list[int]] = {reader: [] for reader in readers}

    def write(name: str, cell: str) -> list[str]:
        """Reports, and edits of one's own first report that move it."""
        try:
            start.wait()
            mine: list[str] = []
            for turn in range(PUSHES):
                ops = [saying.report_op(world, cell=cell, photos=1) for _ in range(2)]
                if mine:
                    ops.append(saying.edit_op(mine[0], address=f"{turn} 楼"))
                answers = saying.do(world, name, *ops)
                assert all(a.outcome == "applied" for a in answers), answers
                mine += [op["incident"] for op in ops[:2]]
            return mine
        finally:
            connections.close_all()

    def follow(reader: Reader) -> None:
        try:
            start.wait()
            while True:
                ended = done.is_set()
                changes = reader.poll()
                positions[reader] += [change["seq"] for change in changes]
                if ended:
                    return
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(WRITERS) + len(readers)) as pool:
        following = [pool.submit(follow, reader) for reader in readers]
        writing = [pool.submit(write, name, cell) for name, cell in WRITERS.items()]
        try:
            cases = [case for future in writing for case in future.result(120)]
        finally:
            done.set()
        for future in following:
            future.result(120)

    assert len(cases) == len(WRITERS) * PUSHES * 2
    assert set(map(str, Incident.objects.values_list("pk", flat=True))) == set(cases)
    for reader in readers:
        assert positions[reader] == sorted(set(positions[reader])), "in order, over all pages"
        assert reader.of("incident") == set(cases)
        assert {c["id"] for c in reader.heard if c["type"] == "incident"} == set(cases)
        assert reader.store == fresh(reader.client).store
        assert reader.digest() == reader.own_digest()
    head = Head.objects.get().seq
    assert FeedRow.objects.order_by("-seq").values_list("seq", flat=True)[0] == head
    assert Commit.objects.order_by("-seq").values_list("seq", flat=True)[0] == head
    assert_chain_holds()
