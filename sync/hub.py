"""The hub: all sockets of one server process, who is told what, and whose credential has ended. Knows no HTTP and no frames.

It looks at the head when it is poked and every half second anyway, so a lost poke costs half a second. Each look is two
statements, whatever the number of sockets. One hub an event loop; it runs while there are sockets.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from gridgov.http import DATABASE_AWAY
from grids.queries import city_day
from grids.scope import Actor, Audience, Scope
from sync import hub_reads
from sync.hub_reads import Standing
from sync.layer import listen

log = logging.getLogger("gridgov.live")

LOOK_S: Final = 0.5
BREATH_S: Final = 0.05
CHECK_S: Final = 2.0
NOT_LOGGED_IN: Final = 4401
START_AGAIN: Final = 1012

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Carry a database call over to a thread, and give its connection back afterwards."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connection.close()

    return sync_to_async(call, thread_sensitive=False)


read_standing = in_thread(hub_reads.read_standing)
read_news = in_thread(hub_reads.read_news)
read_scopes = in_thread(hub_reads.read_scopes)
read_credentials = in_thread(hub_reads.read_credentials)


class Socket:
    """One reader's line: the newest position that it must be told, or the code with which it ends."""

    def __init__(self, actor: Actor, *, token_hash: str | None, session_key: str | None) -> None:
        assert actor.device is not None
        self.user, self.device, self.scope = actor.user, actor.device, actor.scope
        self.token_hash, self.session_key = token_hash, session_key
        self.pending = 0
        self.again = False
        self.closing: int | None = None
        self.news = asyncio.Event()
        self.measured: tuple[int, dt.date] | None = None

    def tell(self, seq: int) -> None:
        """There is something for this reader at `seq`. Of several the newest wins."""
        if seq > self.pending:
            self.pending = seq
            self.news.set()

    def tell_again(self, seq: int) -> None:
        """What this reader may see has changed: the next poll says how, though no position is new."""
        self.pending, self.again = max(seq, self.pending), True
        self.news.set()

    def close(self, code: int) -> None:
        """End the line."""
        self.closing = code
        self.news.set()


def _keys(scope: Scope) -> Iterator[tuple[str, Any]]:
    for r in scope.ranges:
        yield r.column, r.value
    for key in scope.keys:
        yield "key", key


def _readers(audience: Audience) -> Iterator[tuple[str, Any]]:
    if audience.district is not None:
        yield "city", 0
    for level in ("district", "street", "community", "cell"):
        if (sid := getattr(audience, level)) is not None:
            yield level, sid
    if audience.person is not None:
        yield "key", f"p:{audience.person}"
    for key in audience.extra:
        yield "key", key


class Hub:
    """Sockets by the keys of what they read."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.sockets: set[Socket] = set()
        self.by_key: dict[tuple[str, Any], set[Socket]] = {}
        self.poked = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.last: int | None = None
        self.epoch = ""
        self.check_at = 0.0
        self.away = False

    # --- who is here -------------------------------------------------------------------------------------------

    async def join(self, socket: Socket) -> Standing:
        """Take a socket in. What is committed behind the position returned, it will be told."""
        self.sockets.add(socket)
        self._index(socket)
        if not self.tasks:
            self.check_at = self.loop.time() + CHECK_S
            self.tasks = [asyncio.create_task(self._run(), name="hub"), asyncio.create_task(listen(self.poked), name="hub's layer")]
        standing = await read_standing()
        if self.last is None:
            self.last, self.epoch = standing.seq, standing.epoch
        return standing

    async def leave(self, socket: Socket) -> None:
        """The line has ended. With the last one the hub rests."""
        self.sockets.discard(socket)
        self._unindex(socket)
        if not self.sockets and self.tasks:
            tasks, self.tasks, self.last = self.tasks, [], None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _index(self, socket: Socket) -> None:
        for key in _keys(socket.scope):
            self.by_key.setdefault(key, set()).add(socket)

    def _unindex(self, socket: Socket) -> None:
        for key in _keys(socket.scope):
            if (found := self.by_key.get(key)) is not None:
                found.discard(socket)
                if not found:
                    del self.by_key[key]

    # --- looking -----------------------------------------------------------------------------------------------

    def poke(self) -> None:
        """From any thread: something was committed."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.poked.set)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.poked.wait(), LOOK_S)
            self.poked.clear()
            try:
                await self._look()
                if self.away:
                    log.info("the database answers again")
                self.away = False
            except DATABASE_AWAY as error:
                if not self.away:
                    log.warning("the database is away, sockets wait: %s", error)
                self.away = True
            except Exception:
                log.exception("a look of the hub failed; the next one follows")
                await asyncio.sleep(1)
            await asyncio.sleep(BREATH_S)  # a burst of commits is one look

    async def _look(self) -> None:
        while True:
            news = await read_news(self.last)
            standing, now = news.standing, timezone.now()
            if self.last is None:
                self.last, self.epoch = standing.seq, standing.epoch
            if standing.epoch != self.epoch or standing.seq < self.last:
                self._start_again(standing)
            await self._measure(standing, now)
            self._tell(news.rows)
            self.last = max(self.last, news.until)
            if self.last >= standing.seq:
                break
        if self.loop.time() >= self.check_at:
            await self._check(now)
            self.check_at = self.loop.time() + CHECK_S

    def _start_again(self, standing: Standing) -> None:
        """Another history (a backup was restored): all connect anew, and learn the new epoch."""
        self.last, self.epoch = standing.seq, standing.epoch
        for socket in self.sockets:
            socket.close(START_AGAIN)

    async def _measure(self, standing: Standing, now: dt.datetime) -> None:
        """Places, units or memberships have changed, or it is another day: what a reader sees now. Who sees something else is told."""
        measure = (standing.ground, city_day(now))
        stale = [socket for socket in self.sockets if socket.measured != measure]
        if not stale:
            return
        scopes = await read_scopes({socket.user for socket in stale}, ground=standing.ground, now=now)
        for socket in stale:
            scope = scopes[socket.user]
            if scope.fingerprint != socket.scope.fingerprint:
                self._unindex(socket)
                socket.scope = scope
                if socket in self.sockets:
                    self._index(socket)
                    socket.tell_again(standing.seq)
            socket.measured = measure

    def _tell(self, rows: list[tuple[int, str, Audience]]) -> None:
        told: set[Socket] = set()
        for seq, kind, audience in reversed(rows):
            for key in _readers(audience):
                for socket in self.by_key.get(key, set()) - told:
                    if socket.scope.allows(audience, kind=kind):
                        socket.tell(seq)
                        told.add(socket)

    async def _check(self, now: dt.datetime) -> None:
        """Close whose credential was revoked, has expired, or belongs to a closed account."""
        held = await read_credentials({socket.device for socket in self.sockets}, now=now)
        for socket in self.sockets:
            good = held.get(socket.device)
            mine = socket.token_hash or socket.session_key
            if good is None or mine is None or mine != (good.token_hash if socket.token_hash else good.session_key):
                socket.close(NOT_LOGGED_IN)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()
_lock = threading.Lock()


def hub_here() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    with _lock:
        if (hub := _hubs.get(loop)) is None:
            hub = _hubs[loop] = Hub()
        return hub


def poke_here() -> None:
    """From any thread: all hubs of this process look at once."""
    with _lock:
        hubs = list(_hubs.values())
    for hub in hubs:
        hub.poke()
