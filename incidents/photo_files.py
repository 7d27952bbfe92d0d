"""Where photos lie under GRIDGOV_DATA/photos, and how a file gets there so that a power cut leaves all of it or nothing.

`spool` holds unfinished uploads, `source` what has arrived and waits for its rendition, `pictures` what readers get. The last
two are named by the SHA-256 of their content.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

BLOCK = 64 * 1024
_TEMPORARY = ".new"


def root() -> Path:
    """The folder of all photos."""
    return Path(settings.GRIDGOV_DATA) / "photos"


def spool_path(upload: str) -> Path:
    """The unfinished bytes of an upload (its id)."""
    return root() / "spool" / upload[:2] / upload


def source_path(sha256: str) -> Path:
    """A photo as it came."""
    return root() / "source" / sha256[:2] / sha256


def picture_path(sha256: str) -> Path:
    """A rendition or thumbnail, by its own hash."""
    return root() / "pictures" / sha256[:2] / sha256


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """The folder and those above it, durably."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def hash_of(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Within: the file is ours (True), or another thread or process has it, or it is gone (False). Ends with the process."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def keep(path: Path, target: Path) -> None:
    """Give a finished, synced file a second name; the first stays until the caller's transaction is through.

    What stands under the target already is replaced at once by the same content.
    """
    make_folder(target.parent)
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
    try:
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            with open(path, "rb") as source, open(temporary, "wb") as copy:
                shutil.copyfileobj(source, copy, BLOCK)
                copy.flush()
                os.fsync(copy.fileno())
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):  # replace() leaves both names where they were one file already
            temporary.unlink()
    sync_folder(target.parent)


def write_picture(content: bytes) -> str:
    """Store a picture under its hash, which is returned."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = picture_path(sha256)
    make_folder(target.parent)
    temporary = target.with_name(f"{sha256}.{secrets.token_hex(4)}{_TEMPORARY}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return sha256


def remove(path: Path) -> None:
    """Gone, or gone already."""
    path.unlink(missing_ok=True)


def old_files(kind: str, prefix: str, *, before: float) -> Iterator[Path]:
    """Files of one folder of `spool`, `source` or `pictures`, last written before that moment (seconds since 1970)."""
    folder = root() / kind / prefix
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before:
                yield path
