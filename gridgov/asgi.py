"""HTTP, sockets and the process's own life, for an ASGI server. Wires only; each part is somebody else's.

The lifespan part is ours because Django has none: it warms up, holds SQLite's idle connection, and, where `serve` asks for it,
runs the worker loops in this process.
"""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gridgov.settings")
_django = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402  (after Django is set up)
from django.conf import settings  # noqa: E402

from gridgov import background  # noqa: E402
from gridgov.body_limits import limited_asgi  # noqa: E402
from gridgov.static_files import with_static_files  # noqa: E402
from sync.live import websocket_application  # noqa: E402


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """ASGI lifespan: start, wait, stop."""
    idle: sqlite3.Connection | None = None
    loops = background.Loops() if background.loops_here else None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            database = settings.DATABASES["default"]
            if database["ENGINE"].endswith("sqlite3"):
                # Without one connection that stays, each last close checkpoints and deletes the WAL: 2.5 ms instead of 0.5 ms.
                idle = sqlite3.connect(database["NAME"], check_same_thread=False)
                idle.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if multiprocessing.parent_process() is not None:  # one of several, started by `serve`
                background.watch_parent(then=lambda: os.kill(os.getpid(), signal.SIGTERM))
            background.start_warming()
            if loops:
                loops.start()
            await send({"type": "lifespan.startup.complete"})
        else:
            if loops:
                await asyncio.to_thread(loops.stop)
            if idle:
                idle.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


application = ProtocolTypeRouter(
    {"http": limited_asgi(with_static_files(_django, asgi=True)), "websocket": websocket_application, "lifespan": lifespan},
)
