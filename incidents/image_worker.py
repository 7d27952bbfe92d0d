"""The worker: makes pictures of what has arrived, one photo after another, and sweeps now and then.

Two workers do no harm: each locks the source file that it works on; the lock ends with its process. What a crash of the
decoder costs is a try; after three the photo counts as damaged. A fault of our own never rejects a photo, it waits.
"""

import datetime as dt
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator

from django.utils import timezone

from gridgov.errors import Refusal
from gridgov.feed.gate import GateBusy
from incidents import images, photo_files
from incidents.photo_sweep import night
from incidents.renderer import ChildDied, Pictures, Renderer

log = logging.getLogger("incidents.images")

PAGE = 100
TRIES = 3
LOOK_S = 0.5
DAY_S = 24 * 3600.0
STEPS_A_LOOK = 10
LONGEST_PAUSE_S = 3600.0


class Worker:
    """Goes through what waits. Keeps only how often a decoder died over a photo."""

    def __init__(self, renderer: Renderer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._renderer, self._clock = renderer, clock
        self._died: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def round(self, *, now: dt.datetime, stop: threading.Event | None = None) -> int:
        """Look once at what waits, and do it. How many hashes were dealt with."""
        clock = self._clock()
        self._not_before = {sha256: at for sha256, at in self._not_before.items() if at > clock}
        done = 0
        for sha256 in images.waiting(limit=PAGE + len(self._not_before)):
            if stop is not None and stop.is_set():
                break
            if sha256 not in self._not_before:
                done += self._one(sha256, now=now)
        return done

    def _one(self, sha256: str, *, now: dt.datetime) -> bool:
        picture = images.picture_of(sha256)
        if picture is not None:
            images.link(picture=picture, now=now)
            photo_files.remove(photo_files.source_path(sha256))
            return True
        path = photo_files.source_path(sha256)
        if not path.exists():
            if images.picture_of(sha256) is None and images.is_waiting(sha256):  # no other worker has just been here
                images.ask_again(sha256=sha256, now=now)
            return True
        with photo_files.locked(path) as ours:
            return ours and images.is_waiting(sha256) and self._render(sha256, now=now)

    def _render(self, sha256: str, *, now: dt.datetime) -> bool:
        made = self._make(sha256)
        if made is None:
            return False
        images.store(sha256=sha256, made=made, now=now)
        photo_files.remove(photo_files.source_path(sha256))
        return True

    def _make(self, sha256: str) -> Pictures | str | None:
        """The pictures, a reason, or None: later."""
        try:
            made = self._renderer.render(photo_files.source_path(sha256))
        except ChildDied as death:
            died = self._died[sha256] = self._died.get(sha256, 0) + 1
            if death.by_signal and died >= TRIES:
                del self._died[sha256]
                return "damaged"
            self._not_before[sha256] = self._clock() + min(2.0**died, LONGEST_PAUSE_S)
            log.error("no picture of photo %s yet: %s", sha256[:12], death)
            return None
        self._died.pop(sha256, None)
        return made


def render_waiting(*, now: dt.datetime) -> int:
    """Everything that waits now, in this thread. How many hashes were dealt with."""
    total = 0
    with Renderer() as renderer:
        worker = Worker(renderer)
        while done := worker.round(now=now):
            total += done
    return total


def work_forever(stop: threading.Event) -> None:
    """Until `stop` is set: look every half second, at once again while there is work; where there is none, sweep a little."""
    sweeping, begun = night(now=timezone.now()), time.monotonic()
    with Renderer() as renderer:
        worker = Worker(renderer)
        while not stop.is_set():
            busy = 0
            try:
                busy = worker.round(now=timezone.now(), stop=stop)
                if not busy and not _step(sweeping) and time.monotonic() - begun >= DAY_S:
                    sweeping, begun = night(now=timezone.now()), time.monotonic()
            except (GateBusy, Refusal):
                log.info("the database is busy; photos wait")
            if not busy:
                stop.wait(LOOK_S)


def _step(steps: Iterator[None]) -> bool:
    """A few steps; False when there are none left."""
    return bool(list(itertools.islice(steps, STEPS_A_LOOK)))
