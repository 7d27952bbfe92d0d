"""What runs beside requests: warming up (loading the city's shapes) and, in the embedded default, worker loops.

`LOOPS` is the list of it all; nothing registers itself from elsewhere. Each loop is a function that takes a threading.Event and
returns soon after it is set.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import OperationalError, connections

from gridgov.feed.models import Head
from grids.locate import locator
from incidents import clocks, image_worker
from sync import receiving

log = logging.getLogger("gridgov.background")

Loop = Callable[[threading.Event], None]

LOOPS: tuple[tuple[str, Loop], ...] = (
    ("photo worker", image_worker.work_forever),
    ("clocks", clocks.work_forever),
    ("upload sweeper", receiving.sweep_forever),
)

loops_here = False  # set by `serve` where one process does everything

_warming: threading.Thread | None = None
_warm = threading.Event()


def load_the_ground() -> None:
    """The city's shapes, for point → cell."""
    locator(Head.objects.values_list("ground", flat=True).get(pk=1))


def start_warming() -> None:
    """Load what the first request would otherwise wait for, in a thread: never at import, never in a request's transaction."""
    global _warming
    if _warming is None:
        _warming = threading.Thread(target=_warm_up, name="warming", daemon=True)
        _warming.start()


def warming_problem() -> str | None:
    """None once warm, or where nobody asked for warming (tests, commands)."""
    return None if _warming is None or _warm.is_set() else "still warming up"


def _warm_up() -> None:
    while True:
        try:
            load_the_ground()
            break
        except OperationalError:  # the database is away: until it is back we are not ready anyway
            time.sleep(1)
        except Exception:  # the first request will try again, and tell its caller
            log.exception("warming up failed")
            break
        finally:
            connections.close_all()
    _warm.set()


class Loops:
    """The worker loops as threads of this process. A loop that falls over is started again, with a line in the log."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(name, loop), name=name, daemon=True) for name, loop in LOOPS]

    def start(self) -> None:
        """Start all threads."""
        for thread in self.threads:
            thread.start()

    def stop(self, *, within_s: float = 10) -> None:
        """Ask all to end, and wait; what is still running then is abandoned to the process's end."""
        self.ending.set()
        until = time.monotonic() + within_s
        for thread in self.threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, name: str, loop: Loop) -> None:
        while not self.ending.is_set():
            try:
                loop(self.ending)
                return
            except Exception:
                log.exception("%s fell over; it starts again in 5 s", name)
                self.ending.wait(5)
            finally:
                connections.close_all()


def watch_parent(*, then: Callable[[], None]) -> None:
    """Call `then` when the process that started this one is gone: nobody must answer on the port of a dead server."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        then()

    threading.Thread(target=watch, name="parent", daemon=True).start()
