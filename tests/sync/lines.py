"""Sockets as tests hold them: an in-process line to the live application, and commits that concern one place or person."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connections, transaction

from gridgov.feed.commit import Batch
from gridgov.feed.models import Head
from gridgov.feed.rows import Row, key_of
from sync.live import poke, websocket_application
from tests.world import World

NOW = dt.datetime(2026, 5, 4, 1, 12, 31, tzinfo=dt.UTC)
OURS = "http://testserver"


def commit(rows: list[Row]) -> int:
    """Put rows into the feed in one commit; the head after it."""
    batch = Batch()
    for row in rows:
        batch.publish(row)
    with transaction.atomic():
        seq = batch.write(now=NOW)
    assert seq is not None
    return seq


def at_place(world: World, code: str, *, kind: str = "incident", **more: Any) -> Row:
    """A record that lies in that place, for whoever reads there."""
    place, rid = world.places[code], str(uuid.uuid4())
    levels = {"district": place.district, "street": place.street, "community": place.community, "cell": place.cell}
    return Row(key=key_of(kind, rid), type=kind, rid=rid, incident=rid, wire="{}", **(levels | more))


def for_nobody_by_place(*, kind: str = "notice", **more: Any) -> Row:
    """A record without a place: for a person, a unit, or all."""
    rid = str(uuid.uuid4())
    return Row(key=key_of(kind, rid), type=kind, rid=rid, incident=None, wire="{}", **more)


async def commit_and_poke(*rows: Row) -> int:
    """As the API does it."""
    seq = await sync_to_async(commit)(list(rows))
    poke()
    return seq


async def head() -> int:
    """The head's position."""
    return await Head.objects.values_list("seq", flat=True).aget(pk=1)


@pytest.fixture(autouse=True)
def nothing_stays_connected() -> Iterator[None]:
    """asgiref's thread for database calls of async tests would keep its connection beyond the test, and the database could not go."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


class Line(WebsocketCommunicator):
    """One socket. `said()` is the next message, `ended()` the code of the close."""

    def __init__(
        self, *, token: str | None = None, session: str | None = None, origin: str | None = None, path: str = "/ws/changes/"
    ) -> None:
        headers = [(b"host", b"testserver")]
        if token is not None:
            headers.append((b"authorization", f"Token {token}".encode()))
        if session is not None:
            headers.append((b"cookie", f"other=1; sessionid={session}".encode()))
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        super().__init__(websocket_application, path, headers=headers)

    async def said(self, *, within_s: float = 5) -> Any:
        """The next message, decoded."""
        return json.loads(await self.receive_from(timeout=within_s))

    async def ended(self, *, within_s: float = 6) -> int:
        """The code with which the server closes; what it says before is passed over."""
        while True:
            output = await self.receive_output(timeout=within_s)
            if output["type"] == "websocket.close":
                return int(output["code"])


async def open_line(world: World, name: str) -> Line:
    """A socket of one of the cast, by token, after its first message."""
    line = Line(token=await sync_to_async(world.token)(name))
    assert (await line.connect())[0]
    assert (await line.said())["seq"] == await head()
    return line
