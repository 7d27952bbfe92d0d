"""Pokes from process to process, through the channel layer. Only latency depends on it: whatever fails here is logged and tried again.

The in-memory layer reaches nobody outside, so it is not used: within the process the hubs are poked directly.
"""

import asyncio
import logging
import threading
import time
from typing import Any, Final

from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer

log = logging.getLogger("gridgov.live")

GROUP: Final = "changes"
MESSAGE: Final = {"type": "changes"}
# Redis may forget the group when it is started anew; it is joined again this often.
JOIN_S: Final = 60.0
PAUSE_S: Final = 5.0
SEND_S: Final = 2.0


def _reaches_others(layer: Any) -> bool:
    return layer is not None and not isinstance(layer, InMemoryChannelLayer)


async def listen(poked: asyncio.Event) -> None:
    """Set `poked` for every message of the group, until cancelled."""
    layer = get_channel_layer()
    if not _reaches_others(layer):
        return
    failing = False
    while True:
        try:
            channel = await layer.new_channel()
            while True:
                await layer.group_add(GROUP, channel)
                if failing:
                    log.info("the channel layer answers again")
                failing = False
                try:
                    async with asyncio.timeout(JOIN_S):
                        while True:
                            await layer.receive(channel)
                            poked.set()
                except TimeoutError:
                    pass
        except Exception as error:
            if not failing:
                log.warning("the channel layer is away, sockets are up to half a second slower: %s", error)
            failing = True
            await asyncio.sleep(PAUSE_S)


class Messenger:
    """A thread of its own that tells other processes: a request never waits for Redis, and several pokes make one message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._something = threading.Event()

    def send(self) -> None:
        """Tell them soon. Returns at once."""
        if not _reaches_others(get_channel_layer()):
            return
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="poke others", daemon=True)
                    self._thread.start()
        self._something.set()

    def _run(self) -> None:
        # Not asyncio.to_thread for the waiting: its threads are no daemons, the process would never end.
        with asyncio.Runner() as runner:
            layer = channel_layers.make_backend("default")  # its connections belong to this loop
            failing = False
            while True:
                self._something.wait()
                self._something.clear()
                try:
                    runner.run(self._send(layer))
                    failing = False
                except Exception as error:
                    if not failing:
                        log.warning("other processes cannot be poked, they look every half second: %s", error)
                    failing = True
                    time.sleep(PAUSE_S)

    async def _send(self, layer: Any) -> None:
        async with asyncio.timeout(SEND_S):
            await layer.group_send(GROUP, MESSAGE)


messenger = Messenger()
