"""Runs the child that decodes photos (`incidents.rendition`), kills it where it takes too long, and starts another.

Only bytes come back from it. What the child cannot survive is told apart from what our own code got wrong.
"""

import json
import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from incidents import rendition

log = logging.getLogger("incidents.renderer")

WALL_S = 60.0
JOBS_A_CHILD = 200
PICTURE_BYTES = 8 * 1024 * 1024
REASONS = frozenset({"heic", "not_an_image", "too_many_pixels", "damaged"})


class Pictures(msgspec.Struct, frozen=True):
    """What was made of a photo: two JPEGs, and the view's size in pixels."""

    view: bytes
    thumb: bytes
    width: int
    height: int


class ChildDied(Exception):
    """The child ended before it answered. `by_signal`: a limit or a crash of the decoder, else a fault of ours."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the rendition process ended with {status}")
        self.by_signal = status < 0


class Renderer:
    """One child at a time, used by one thread; a context manager."""

    def __init__(self, *, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self._child: subprocess.Popen[bytes] | None = None
        self._jobs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def render(self, path: Path) -> Pictures | str:
        """The pictures of a file, or the code of why there are none.

        :raises ChildDied: it was killed, crashed or failed; the next call starts another.
        """
        child = self._ready()
        watch = threading.Timer(self._wall_s, child.kill)
        watch.daemon = True
        watch.start()
        try:
            return self._ask(child, path)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            child.kill()
            status = child.wait()
            self.close()
            # We killed it ourselves where it had answered nonsense: that is no fault of the photo.
            raise ChildDied(1 if status == -signal.SIGKILL and isinstance(error, ValueError | KeyError | TypeError) else status) from error
        finally:
            watch.cancel()

    def close(self) -> None:
        """End the child."""
        child, self._child, self._jobs = self._child, None, 0
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    log.debug("the rendition process left a job unread")

    def _ready(self) -> "subprocess.Popen[bytes]":
        if self._jobs >= JOBS_A_CHILD:
            self.close()
        if self._child is None:
            # By its file and isolated: it gets neither our environment nor our folder to import from.
            command = [sys.executable, "-I", "-B", str(rendition.__file__)]
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"LANG": "C.UTF-8"}, cwd="/")
        self._jobs += 1
        return self._child

    def _ask(self, child: "subprocess.Popen[bytes]", path: Path) -> Pictures | str:
        assert child.stdin and child.stdout
        child.stdin.write(json.dumps({"path": str(path)}).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline(4096)
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        if "reason" in answer:
            if answer["reason"] not in REASONS:
                raise ValueError("unknown reason")
            return str(answer["reason"])
        view, thumb = _exactly(child.stdout, answer["view"]), _exactly(child.stdout, answer["thumb"])
        return Pictures(view=view, thumb=thumb, width=int(answer["width"]), height=int(answer["height"]))


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    if not 0 < count <= PICTURE_BYTES:
        raise ValueError("a picture of impossible size")
    content = pipe.read(count)
    if len(content) != count:
        raise EOFError
    return content
