"""One fair gate before SQLite's one writer: first come, first served, a queue with an end. On PostgreSQL it stands open.

SQLite lets waiting writers try by chance, so one can starve for seconds; here they go in order of arrival.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from gridgov.errors import Refusal
from gridgov.feed.sql import is_postgres

LONGEST_QUEUE = 256
WAIT_S = 20.0

_lock = threading.Lock()
_waiting: deque[threading.Event] = deque()
_inside = threading.local()
_taken = False


class GateBusy(Refusal):
    """It took too long to come in; nothing was done. Where nobody knows better, it is `unavailable`."""

    def __init__(self) -> None:
        super().__init__("unavailable", headers={"Retry-After": "5"})


def _enter(wait_s: float) -> None:
    global _taken
    with _lock:
        if not _taken:
            _taken = True
            return
        if len(_waiting) >= LONGEST_QUEUE:
            raise Refusal("unavailable", headers={"Retry-After": "5"})
        turn = threading.Event()
        _waiting.append(turn)
    if turn.wait(wait_s):
        return
    with _lock:
        if turn in _waiting:
            _waiting.remove(turn)
            raise GateBusy
    # The turn came just as the wait ended: it is ours.


def _leave() -> None:
    global _taken
    with _lock:
        if _waiting:
            _waiting.popleft().set()
        else:
            _taken = False


@contextmanager
def writing(*, wait_s: float = WAIT_S) -> Iterator[None]:
    """Be the one writer of this process; again inside itself is free.

    :raises GateBusy: not admitted within `wait_s` seconds.
    :raises Refusal: unavailable, when the queue is full.
    """
    if is_postgres() or getattr(_inside, "yes", False):
        yield
        return
    _enter(wait_s)
    _inside.yes = True
    try:
        yield
    finally:
        _inside.yes = False
        _leave()
