"""Who is told what by the socket: something of theirs, and nothing else (protocol §6)."""

import asyncio
import contextlib
import itertools

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import override_settings

from gridgov.feed.models import FeedRow
from gridgov.feed.rows import Row
from grids.models import Membership
from grids.scope import Audience
from sync.hub import Hub, Socket
from sync.layer import Messenger, listen
from tests import left_out
from tests.running import free_port
from tests.sync.lines import at_place, commit, commit_and_poke, for_nobody_by_place, head, nothing_stays_connected, open_line  # noqa: F401
from tests.world import A1, A1C, B1C, CAST, CELL, NEXT_CELL, World

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_commit_of_mine_is_told_with_its_position_and_can_be_read_then(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    seq = await commit_and_poke(at_place(world, CELL), at_place(world, B1C + "001"))
    assert await line.said() == {"seq": seq - 1}
    assert await FeedRow.objects.filter(seq=seq - 1, cell=world.places[CELL].sid).aexists()
    await line.disconnect()


async def test_without_a_poke_it_is_told_all_the_same(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    seq = await sync_to_async(commit)([at_place(world, CELL)])
    assert await line.said() == {"seq": seq}
    await line.disconnect()


async def test_strangers_to_the_place_are_told_nothing(transactional_db: None, world: World) -> None:
    mine = await open_line(world, "worker")
    foreign = [await open_line(world, name) for name in ("neighbour", "worker2", "secretary2", "handler", "former", "stranger", "admin")]
    seq = await commit_and_poke(at_place(world, CELL))
    assert await mine.said() == {"seq": seq}
    for line in foreign:
        assert await line.receive_nothing(timeout=0.3)
        await line.disconnect()
    await mine.disconnect()


def test_told_is_who_may_see_it_for_all_of_the_cast(transactional_db: None, world: World) -> None:
    unit = world.units["department-610104"].pk
    kinds: list[Row] = [
        *(at_place(world, code) for code in (CELL, NEXT_CELL, A1C, A1, B1C, B1C + "001")),
        *(at_place(world, code, kind="place") for code in (CELL, A1C, A1, B1C)),
        at_place(world, CELL, kind="event", internal=True),
        at_place(world, CELL, kind="event", internal=True, person=str(world.user("neighbour").pk)),
        at_place(world, CELL, person=str(world.user("worker2").pk)),
        at_place(world, B1C + "001", extra=(f"u:{unit}", f"p:{world.user('former').pk}")),
        at_place(world, A1, kind="place", extra=(f"a:{world.places[A1].sid}",)),
        for_nobody_by_place(person=str(world.user("stranger").pk)),
        for_nobody_by_place(kind="unit", extra=("all",)),
    ]

    async def told(row: Row) -> dict[str, bool]:
        hub = Hub()
        sockets = {}
        for name in CAST:
            sockets[name] = Socket(await sync_to_async(actor_with_device)(world, name), token_hash=None, session_key="x")
            await hub.join(sockets[name])
        seq = await sync_to_async(commit)([row])
        await hub._look()
        said = {name: socket.pending for name, socket in sockets.items()}
        assert set(said.values()) <= {0, seq}
        for socket in sockets.values():
            await hub.leave(socket)
        return {name: pending == seq for name, pending in said.items()}

    seen = set()
    for row in kinds:
        audience = Audience(row.district, row.street, row.community, row.cell, row.internal, row.person, row.extra)
        expected = {name: world.actor(name).scope.allows(audience, kind=row.type) for name in CAST}
        assert asyncio.run(told(row)) == expected
        seen.add(tuple(expected.values()))
    assert len(seen) > 8  # the cases differ


def actor_with_device(world: World, name: str) -> object:
    """The actor as authentication gives it."""
    actor = world.actor(name)
    return type(actor)(**{f: getattr(actor, f) for f in actor.__struct_fields__} | {"device": "3c2a51f0-0000-4000-8000-000000000000"})


async def test_at_most_five_a_second_and_the_newest_wins(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    loop, said = asyncio.get_running_loop(), []
    began = loop.time()
    for _ in range(40):
        seq = await commit_and_poke(at_place(world, CELL))
    while not said or said[-1] != seq:
        said.append((await line.said())["seq"])
    elapsed = loop.time() - began
    assert said == sorted(set(said))
    assert len(said) <= 1 + elapsed * 5
    await line.disconnect()


async def test_a_changed_membership_changes_what_is_told(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    moved = await Membership.objects.aget(user=world.user("worker"))
    moved.place = world.places[B1C]
    await sync_to_async(moved.save)()
    assert await line.said() == {"seq": await head()}  # their scope has changed: the next poll says so
    await commit_and_poke(at_place(world, CELL))
    seq = await commit_and_poke(at_place(world, B1C + "001"))
    assert await line.said() == {"seq": seq}
    await line.disconnect()


async def test_a_bulk_of_5000_records_is_told_to_the_end(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    foreign = await open_line(world, "worker2")
    seq = await commit_and_poke(at_place(world, B1C), *(at_place(world, CELL) for _ in range(5_000)))
    assert await foreign.said() == {"seq": seq - 5_000}
    while (await line.said())["seq"] != seq:
        pass
    await line.disconnect()
    await foreign.disconnect()


async def test_a_look_is_two_statements_whatever_the_number_of_sockets(transactional_db: None, world: World) -> None:
    from django.test.utils import CaptureQueriesContext

    from sync import hub_reads

    before = await head()
    await sync_to_async(commit)([at_place(world, CELL) for _ in range(50)])

    def count(after: int) -> int:
        with CaptureQueriesContext(connection) as caught:
            hub_reads.read_news(after)
        return len(caught)

    assert await sync_to_async(count)(before) == 2
    assert await sync_to_async(count)(before + 50) == 1


async def test_the_hub_survives_looks_that_fail(transactional_db: None, world: World, caplog: pytest.LogCaptureFixture) -> None:
    line = await open_line(world, "worker")
    await sync_to_async(rename)("feed_head", "feed_gone")
    try:
        async with asyncio.timeout(10):
            while not any(record.name == "gridgov.live" for record in caplog.records):
                await asyncio.sleep(0)
    finally:
        await sync_to_async(rename)("feed_gone", "feed_head")
    seq = await sync_to_async(commit)([at_place(world, CELL)])
    assert await line.said() == {"seq": seq}
    await line.disconnect()


def rename(old: str, new: str) -> None:
    """Take a table away, or bring it back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def redis_layer(address: str) -> override_settings:
    """Settings with the channel layer of several processes."""
    config = {"hosts": [{"address": address, "socket_timeout": None}]}
    return override_settings(CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}})


async def test_with_redis_dead_it_is_told_all_the_same(transactional_db: None, world: World) -> None:
    with redis_layer(f"redis://127.0.0.1:{free_port()}"):
        line = await open_line(world, "worker")
        seqs = [await commit_and_poke(at_place(world, CELL)) for _ in range(3)]
        said = 0
        while said != seqs[-1]:
            said = (await line.said())["seq"]
        await line.disconnect()


async def test_a_poke_reaches_the_hubs_of_other_processes_through_redis(transactional_db: None) -> None:
    address = left_out.redis_url()
    if address is None:
        return
    with redis_layer(address):
        poked, messenger = asyncio.Event(), Messenger()
        listening = asyncio.create_task(listen(poked))
        async with asyncio.timeout(10):
            for _ in itertools.count():
                messenger.send()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(poked.wait(), 0.2)
                    break
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
