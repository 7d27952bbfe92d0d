"""What becomes of an upload: created, grown piece by piece, finished, discarded, swept. Knows rows and files, not HTTP.

Order in a piece: bytes, fsync, row. Order at the end: hash, fsync, second name, one transaction with the photos, first name away.
"""

import datetime as dt
import logging
import re
import threading
from collections.abc import Callable

from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from gridgov.errors import Refusal
from gridgov.feed.gate import GateBusy, writing
from incidents import images, photo_files
from incidents.rules.ops import PHOTO_BYTES
from sync import spool
from sync.models import Mismatch, Upload
from sync.tus import PATCH_BYTES, Checksum

log = logging.getLogger("sync.uploads")

LIFE = dt.timedelta(days=7)
ORPHAN = dt.timedelta(hours=24)
REMEMBERED = dt.timedelta(days=30)
TO_BLAME = 3
# A phone that lost the address begins anew; more than these at once would make a store of us.
OPEN_A_PHOTO = 3
SWEEP_S = 3600.0
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def create(*, user: str, sha256: str, size: int, now: dt.datetime) -> Upload:
    """A new upload for a photo that this user has declared.

    :raises Refusal: too_large, not_declared, size_mismatch.
    """
    if size > PHOTO_BYTES:
        raise Refusal("too_large")
    declared = images.sizes_declared(user=user, sha256=sha256)
    if not declared:
        raise Refusal("not_declared")
    if size not in declared:
        raise Refusal("size_mismatch")
    with writing(), transaction.atomic():
        upload = Upload.objects.create(user=user, sha256=sha256, size=size, created_at=now, expires_at=now + LIFE)
        older = Upload.objects.filter(user=user, sha256=sha256, state=Upload.State.OPEN).order_by("-created_at", "-id")
        crowded = list(older.values_list("id", flat=True)[OPEN_A_PHOTO:])
        Upload.objects.filter(id__in=crowded).update(state=Upload.State.GONE)
    for one in crowded:
        spool.remove(str(one))
    return upload


def find(*, user: str, upload: str, now: dt.datetime) -> Upload:
    """The user's own upload, open or done.

    :raises Refusal: not_found, also for somebody else's; upload_gone for one that expired, was discarded or lost its bytes.
    """
    row = _row(user, upload, now)
    if row.state == Upload.State.OPEN and not spool.holds(upload, row.offset):
        row = _row(user, upload, now)  # perhaps it was finished at this very moment
        if row.state == Upload.State.OPEN and not spool.holds(upload, row.offset):
            raise Refusal("upload_gone")
    return row


def _row(user: str, upload: str, now: dt.datetime) -> Upload:
    row = Upload.objects.filter(pk=upload, user=user).first()
    if row is None:
        raise Refusal("not_found")
    if row.state == Upload.State.GONE or (row.state == Upload.State.OPEN and row.expires_at <= now):
        raise Refusal("upload_gone")
    return row


def append(*, user: str, upload: str, offset: int, read: Callable[[int], bytes], checksum: Checksum | None, now: dt.datetime) -> Upload:
    """A piece that begins at `offset`. The upload after it: further on, or done.

    :raises Refusal: not_found, upload_gone, upload_locked, wrong_offset, too_large, checksum_mismatch (of the piece or of the
        whole), altered_on_the_way, unavailable (the disk is full).
    """
    find(user=user, upload=upload, now=now)
    try:
        with spool.writing_to(upload) as file:
            row = find(user=user, upload=upload, now=now)  # as the writer before us left it
            if row.offset != offset:
                raise Refusal("wrong_offset", headers={"Upload-Offset": str(row.offset)})
            if row.state == Upload.State.OPEN:
                _grow(row, file, read, checksum, now)
            return row
    except OSError as error:
        log.error("an upload could not be written: %s", type(error).__name__)
        raise Refusal("unavailable") from error


def _grow(row: Upload, file: spool.SpoolFile, read: Callable[[int], bytes], checksum: Checksum | None, now: dt.datetime) -> None:
    file.cut(row.offset)
    try:
        count = file.append(at=row.offset, read=read, most=min(PATCH_BYTES, row.size - row.offset), checksum=checksum)
    except spool.TooMuch:
        file.cut(row.offset)
        raise Refusal("too_large") from None
    if checksum is not None and not checksum.holds():
        file.cut(row.offset)
        raise Refusal("checksum_mismatch")
    file.sync()
    row.offset += count
    row.expires_at = now + LIFE
    if row.offset == row.size:
        _finish(row, file, now)
        return
    with writing():
        _update(row)


def _update(row: Upload) -> None:
    """Only an open upload grows or ends.

    :raises Refusal: upload_gone.
    """
    open_still = Upload.objects.filter(pk=row.pk, state=Upload.State.OPEN)
    if not open_still.update(offset=row.offset, expires_at=row.expires_at, state=row.state):
        raise Refusal("upload_gone")


def _finish(row: Upload, file: spool.SpoolFile, now: dt.datetime) -> None:
    user, upload = str(row.user), str(row.pk)
    if file.sha256() != row.sha256:
        code = _count_mismatch(row, now)
        spool.remove(upload)
        raise Refusal(code)
    row.state = Upload.State.DONE
    images.keep_source(sha256=row.sha256, path=photo_files.spool_path(upload))
    with writing(), transaction.atomic():
        _update(row)
        Mismatch.objects.filter(user=row.user, sha256=row.sha256).delete()
        images.deliver(user=user, sha256=row.sha256, now=now)
    spool.remove(upload)


def _count_mismatch(row: Upload, now: dt.datetime) -> str:
    row.state = Upload.State.GONE
    counted = Mismatch.objects.filter(user=row.user, sha256=row.sha256)
    with writing(), transaction.atomic():
        _update(row)
        Mismatch.objects.bulk_create([Mismatch(user=row.user, sha256=row.sha256)], ignore_conflicts=True)
        counted.update(times=F("times") + 1)
        if counted.values_list("times", flat=True).get() < TO_BLAME:
            return "checksum_mismatch"
        images.mark_altered(user=str(row.user), sha256=row.sha256, now=now)
    return "altered_on_the_way"


def discard(*, user: str, upload: str, now: dt.datetime) -> None:
    """The client does not want it any more. A photo that has arrived stays: `photo.withdraw` takes that back.

    :raises Refusal: not_found, upload_gone, upload_locked.
    """
    find(user=user, upload=upload, now=now)
    with spool.writing_to(upload):
        with writing():
            Upload.objects.filter(pk=upload, user=user).update(state=Upload.State.GONE)
        spool.remove(upload)


# --- sweeping ----------------------------------------------------------------------------------------------------


def sweep(*, now: dt.datetime) -> None:
    """End what has expired, remove files that no open upload needs (older than a day), forget rows long ended."""
    with writing():
        Upload.objects.filter(state=Upload.State.OPEN, expires_at__lte=now).update(state=Upload.State.GONE)
    with writing():
        Upload.objects.filter(expires_at__lte=now - REMEMBERED).exclude(state=Upload.State.OPEN).delete()
    for number in range(256):
        names = [path.name for path in photo_files.old_files("spool", f"{number:02x}", before=(now - ORPHAN).timestamp())]
        ours = [name for name in names if _ID.match(name)]
        alive = {str(pk) for pk in Upload.objects.filter(pk__in=ours, state=Upload.State.OPEN).values_list("pk", flat=True)}
        for name in names:
            if name not in alive:
                spool.remove(name)


def sweep_forever(stop: threading.Event) -> None:
    """Every hour until `stop` is set; the first time a minute after the start."""
    pause = 60.0
    while not stop.wait(pause):
        pause = SWEEP_S
        try:
            sweep(now=timezone.now())
        except (GateBusy, Refusal):
            log.info("the database is busy; dead uploads wait")
        finally:
            connections.close_all()
