"""What happens to photos after they were declared: their bytes arrive, pictures are made of them, what is dead is swept.

All of it is derived from rows, so a process may end at any moment: the next one goes on. Photos and their feed rows are
changed here and by the door, by nobody else; the bytes come from `sync.uploads`.
"""

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction
from msgspec.structs import replace

from gridgov.feed.commit import Batch
from gridgov.feed.gate import writing
from gridgov.feed.sql import any_of, is_postgres, run, same
from gridgov.feed.tables import Table, uuid_text
from incidents import models, photo_files
from incidents.renderer import Pictures
from incidents.rules.photos import declared_sizes
from incidents.rules.rows import Conflict, Incident, Photo
from incidents.tables import CONFLICTS, INCIDENTS, PHOTOS
from incidents.wire import photo_row

log = logging.getLogger("incidents.images")


class Delivery(msgspec.Struct, frozen=True):
    """A user has brought the bytes of a hash."""

    user: str
    sha256: str
    at: dt.datetime


class Picture(msgspec.Struct, frozen=True):
    """What was made of a hash, or why nothing was."""

    sha256: str
    view_sha256: str | None
    thumb_sha256: str | None
    width: int | None
    height: int | None
    reason: str | None
    at: dt.datetime


_BY = '"by"'  # a word of SQL
AWAITED = "state IN ('declared', 'overdue')"
OVERDUE_AFTER = dt.timedelta(days=30)
_HASH = "sha256 = %(sha256)s"

DELIVERIES: Table[Delivery] = Table(models.Delivery, Delivery, key="sha256")
PICTURES: Table[Picture] = Table(models.Picture, Picture, key="sha256")


def _lock(kind: str) -> str:
    return f" FOR {kind}" if is_postgres() else ""


def _change(batch: Batch, where: str, params: dict[str, Any], change: Callable[[Photo], Photo]) -> int:
    """Lock the photos that meet a condition, after their cases, change and publish them. How many.

    The case is locked since its place is the photo's audience: who moves the case meanwhile waits, or has been waited for.
    """
    found = run(f'SELECT DISTINCT incident FROM "{PHOTOS.name}" WHERE {where}', params)
    ids = sorted(uuid_text(row[0]) for row in found)
    if not ids:
        return 0
    cases = {case.id: case for case in INCIDENTS.select(any_of("id", "ids") + " ORDER BY id" + _lock("NO KEY UPDATE"), ids=ids)}
    photos = [photo for photo in PHOTOS.select(where + " ORDER BY id" + _lock("UPDATE"), **params) if photo.incident in cases]
    changed = [change(photo) for photo in photos]
    batch.replace(PHOTOS, changed)
    for photo in changed:
        _publish(batch, photo, cases[photo.incident])
    return len(changed)


def _publish(batch: Batch, photo: Photo, case: Incident) -> None:
    if case.archived_at is None:  # what is archived has left the feed
        batch.publish(photo_row(photo, case))


def _declared_by(user: str, sha256: str) -> tuple[str, dict[str, Any]]:
    return f"{same(_BY, 'user')} AND {_HASH} AND {AWAITED}", {"user": user, "sha256": sha256}


# --- what is declared --------------------------------------------------------------------------------------------


def parked_with(sha256: str, *, more: str, **params: str) -> list[Conflict]:
    """Conflicts whose parked op or answer declares that hash, and that meet a further condition (trusted SQL)."""
    holds = "strpos(args::text, %(sha256)s::text)" if is_postgres() else "instr(args, %(sha256)s)"
    found = CONFLICTS.select(f"{more} AND {holds} > 0", sha256=sha256, **params)
    return [conflict for conflict in found if declared_sizes(conflict.args, sha256)]


def sizes_declared(*, user: str, sha256: str) -> set[int]:
    """The sizes in bytes under which this user has declared that hash, in an op that stands or is parked. Empty: never."""
    where = f"{same(_BY, 'user')} AND {_HASH}"
    sizes = {photo.size for photo in PHOTOS.select(where, user=user, sha256=sha256)}
    if not sizes:
        for conflict in parked_with(sha256, more=same(_BY, "user"), user=user):
            sizes |= declared_sizes(conflict.args, sha256)
    return sizes


# --- bytes arrive ------------------------------------------------------------------------------------------------


def keep_source(*, sha256: str, path: Path) -> None:
    """Put bytes that were verified and synced where the worker finds them. To be called before `deliver`."""
    photo_files.keep(path, photo_files.source_path(sha256))


def deliver(*, user: str, sha256: str, now: dt.datetime) -> None:
    """The bytes of a hash have arrived from a user: their declared photos are `received`. In the caller's transaction.

    The user's row is locked first, as by their pushes: a declaration either sees this delivery or is seen by it.
    """
    if is_postgres():
        run("SELECT 1 FROM grids_user WHERE id = %(user)s::uuid FOR NO KEY UPDATE", {"user": user})
    batch = Batch()
    batch.insert(DELIVERIES, [Delivery(user=user, sha256=sha256, at=now)], ignore=True)
    where, params = _declared_by(user, sha256)
    _change(batch, where, params, lambda photo: replace(photo, state="received", received_at=now, reason=None))
    batch.write(now=now)


def mark_overdue(*, now: dt.datetime, at_once: int = 500) -> int:
    """Photos whose bytes have not come for 30 days are `overdue`: said so to both sides, and still accepted. How many."""
    bound = now - OVERDUE_AFTER
    before = bound if is_postgres() else str(bound.astimezone(dt.UTC).replace(tzinfo=None))
    done = 0
    while True:
        with writing(), transaction.atomic():
            query = f"SELECT id FROM \"{PHOTOS.name}\" WHERE state = 'declared' AND declared_at < %(before)s ORDER BY declared_at LIMIT %(limit)s"
            ids = [uuid_text(row[0]) for row in run(query, {"before": before, "limit": at_once})]
            if not ids:
                return done
            batch = Batch()
            where = f"{any_of('id', 'ids')} AND state = 'declared'"
            done += _change(batch, where, {"ids": ids}, lambda photo: replace(photo, state="overdue"))
            batch.write(now=now)


def mark_altered(*, user: str, sha256: str, now: dt.datetime) -> None:
    """The network changes this user's photo on the way: say so at the photo, which stays declared. In the caller's transaction."""
    batch = Batch()
    where, params = _declared_by(user, sha256)
    _change(batch, where, params, lambda photo: replace(photo, reason="altered_on_the_way"))
    batch.write(now=now)


# --- pictures are made -------------------------------------------------------------------------------------------


def waiting(*, limit: int) -> list[str]:
    """Hashes of photos that have arrived and have no picture yet, the oldest first, each once."""
    query = f"SELECT sha256 FROM \"{PHOTOS.name}\" WHERE state = 'received' ORDER BY received_at LIMIT %(limit)s"
    return list(dict.fromkeys(row[0] for row in run(query, {"limit": limit})))


def is_waiting(sha256: str) -> bool:
    """Is a photo of this hash still without its picture?"""
    query = f"SELECT 1 FROM \"{PHOTOS.name}\" WHERE {_HASH} AND state = 'received' LIMIT 1"
    return bool(run(query, {"sha256": sha256}))


def picture_of(sha256: str) -> Picture | None:
    """What was made of a hash before."""
    found = PICTURES.select(_HASH, sha256=sha256)
    return found[0] if found else None


def store(*, sha256: str, made: Pictures | str, now: dt.datetime) -> None:
    """Pictures, or the code of why there are none, become the state of all photos of that hash that wait."""
    if isinstance(made, str):
        picture = Picture(sha256=sha256, view_sha256=None, thumb_sha256=None, width=None, height=None, reason=made, at=now)
    else:
        view, thumb = photo_files.write_picture(made.view), photo_files.write_picture(made.thumb)
        picture = Picture(sha256=sha256, view_sha256=view, thumb_sha256=thumb, width=made.width, height=made.height, reason=None, at=now)
    link(picture=picture, now=now)


def link(*, picture: Picture, now: dt.datetime) -> None:
    """Photos that wait for this picture get it: `stored`, with the view's size, or `rejected`, with the reason."""
    state = "stored" if picture.reason is None else "rejected"
    params = {"sha256": picture.sha256}
    with writing(), transaction.atomic():
        batch = Batch()
        batch.insert(PICTURES, [picture], ignore=True)
        _change(
            batch,
            f"{_HASH} AND state = 'received'",
            params,
            lambda photo: replace(photo, state=state, reason=picture.reason, width=picture.width, height=picture.height),
        )
        batch.write(now=now)


def ask_again(*, sha256: str, now: dt.datetime) -> None:
    """Bytes that had arrived are not there any more (a lost disk, an old backup): the photos are `declared` again.

    The phone still holds them, for it frees nothing that is not stored; the delivery is forgotten, so it is asked for them.
    """
    with writing(), transaction.atomic():
        batch = Batch()
        where = f"{_HASH} AND state = 'received'"
        params = {"sha256": sha256}
        run(f'DELETE FROM "{DELIVERIES.name}" WHERE {_HASH}', params)
        count = _change(batch, where, params, lambda photo: replace(photo, state="declared", received_at=None))
        batch.write(now=now)
    if count:
        log.warning("the bytes of %d photos are gone; their phones are asked again", count)


def lose_picture(*, sha256: str, now: dt.datetime) -> None:
    """A stored picture has been found damaged: its photos are `declared` again, and whoever still holds the bytes is asked."""
    with writing(), transaction.atomic():
        batch = Batch()
        where, params = f"{_HASH} AND state = 'stored'", {"sha256": sha256}
        run(f'DELETE FROM "{PICTURES.name}" WHERE {_HASH}', params)
        run(f'DELETE FROM "{DELIVERIES.name}" WHERE {_HASH}', params)
        _change(batch, where, params, lambda photo: replace(photo, state="declared", received_at=None, width=None, height=None))
        batch.write(now=now)


def drop_picture(*, sha256: str) -> None:
    """Forget a picture that no photo needs, and that its bytes ever came: declared again, they are asked for.

    Its files go with the next sweep. Where a photo needs it after all, nothing is done.
    """
    with writing(), transaction.atomic():
        if not run(f"SELECT 1 FROM \"{PHOTOS.name}\" WHERE {_HASH} AND state <> 'withdrawn' LIMIT 1", {"sha256": sha256}):
            run(f'DELETE FROM "{PICTURES.name}" WHERE {_HASH}', {"sha256": sha256})
            run(f'DELETE FROM "{DELIVERIES.name}" WHERE {_HASH}', {"sha256": sha256})
