"""The bytes of unfinished uploads: one file each, one writer at a time, never whole in memory.

A file may hold more than its row says (a crash between the two), never less: bytes are on the disk before the row counts them.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator

from django.http import UnreadablePostError

from gridgov.errors import Refusal
from incidents import photo_files
from sync.tus import Checksum


class TooMuch(Exception):
    """More bytes came than may come."""


class SpoolFile:
    """An upload's file, locked."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._handle).st_size

    def cut(self, offset: int) -> None:
        """Forget what lies behind `offset`."""
        if self.size() != offset:
            os.ftruncate(self._handle, offset)

    def append(self, *, at: int, read: Callable[[int], bytes], most: int, checksum: Checksum | None) -> int:
        """Write what `read` gives behind `at`; how many bytes came. They are not on the disk before `sync`.

        A line that breaks off ends the piece: what came counts.

        :raises TooMuch: more than `most` bytes came.
        """
        count = 0
        while block := _block(read):
            count += len(block)
            if count > most:
                raise TooMuch
            if checksum is not None:
                checksum.update(block)
            view = memoryview(block)
            while view:
                written = os.pwrite(self._handle, view, at + count - len(view))
                view = view[written:]
        return count

    def sync(self) -> None:
        """From here on the bytes survive a power cut."""
        os.fsync(self._handle)

    def sha256(self) -> str:
        """The hash of it all."""
        digest = hashlib.sha256()
        at = 0
        while block := os.pread(self._handle, photo_files.BLOCK, at):
            digest.update(block)
            at += len(block)
        return digest.hexdigest()


def _block(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(photo_files.BLOCK)
    except UnreadablePostError:
        return b""


@contextlib.contextmanager
def writing_to(upload: str) -> Iterator[SpoolFile]:
    """The upload's file, made where it is not there yet, for this writer alone; the lock ends with the process.

    :raises Refusal: upload_locked, while another writer has it.
    """
    path = photo_files.spool_path(upload)
    photo_files.make_folder(path.parent)
    new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("upload_locked") from None
        if new:
            photo_files.sync_folder(path.parent)
        yield SpoolFile(handle)
    finally:
        os.close(handle)


def holds(upload: str, offset: int) -> bool:
    """Are the bytes up to `offset` there?"""
    try:
        return offset == 0 or photo_files.spool_path(upload).stat().st_size >= offset
    except FileNotFoundError:
        return False


def remove(upload: str) -> None:
    """The bytes are not needed any more."""
    photo_files.remove(photo_files.spool_path(upload))
