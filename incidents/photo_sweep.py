"""Takes away what no row needs, mends rows that no file stands behind, and verifies stored pictures, a part of them a night.

Files younger than a day are left alone: their transaction may still be on its way.
"""

import datetime as dt
import logging
from collections.abc import Iterator

from django.db import transaction

from gridgov.feed.gate import writing
from gridgov.feed.sql import any_of, run
from gridgov.feed.tables import uuid_text
from incidents import images, photo_files
from incidents.tables import PHOTOS

log = logging.getLogger("incidents.images")

ORPHAN = dt.timedelta(hours=24)
SCRUB_DAYS = 30
PREFIXES = tuple(f"{number:02x}" for number in range(256))


def sweep(*, now: dt.datetime) -> None:
    """The whole of a night at once."""
    for _ in night(now=now):
        pass


def night(*, now: dt.datetime) -> Iterator[None]:
    """Everything once, in small steps, by the first two digits of hashes. May be broken off anywhere, beside workers and uploads.

    In `SCRUB_DAYS` nights every stored picture has been read and compared with its hash.
    """
    for number, prefix in enumerate(PREFIXES):
        span = {"low": prefix, "high": prefix + "g"}  # "g" comes after every digit
        _receive_forgotten(span, now=now)
        _drop_pictures_of_nothing(span, now=now)
        _remove_orphans(prefix, before=(now - ORPHAN).timestamp())
        yield
        if number % SCRUB_DAYS == now.toordinal() % SCRUB_DAYS:
            yield from _scrub(span, now=now)


def _receive_forgotten(span: dict[str, str], *, now: dt.datetime) -> None:
    """Photos declared although their user has brought the bytes: a handover that was carried out at that very moment."""
    query = (
        f'SELECT DISTINCT d."user", d.sha256 FROM "{PHOTOS.name}" p JOIN "{images.DELIVERIES.name}" d '
        'ON d."user" = p."by" AND d.sha256 = p.sha256 '
        f"WHERE p.sha256 >= %(low)s AND p.sha256 < %(high)s AND p.{images.AWAITED}"
    )
    for user, sha256 in run(query, span):
        with writing(), transaction.atomic():
            images.deliver(user=uuid_text(user), sha256=sha256, now=now)


def _drop_pictures_of_nothing(span: dict[str, str], *, now: dt.datetime) -> None:
    """Pictures of photos that were all withdrawn: who takes a photo back does not want it kept."""
    query = (
        f'SELECT i.sha256 FROM "{images.PICTURES.name}" i WHERE i.sha256 >= %(low)s AND i.sha256 < %(high)s AND NOT EXISTS '
        f"(SELECT 1 FROM \"{PHOTOS.name}\" p WHERE p.sha256 = i.sha256 AND p.state <> 'withdrawn')"
    )
    for (sha256,) in run(query, span):
        picture = images.picture_of(sha256)
        if picture is not None and picture.at < now - ORPHAN and not images.parked_with(sha256, more="state = 'open'"):
            images.drop_picture(sha256=sha256)


def _remove_orphans(prefix: str, *, before: float) -> None:
    """Files of one folder that no row names."""
    for path in photo_files.old_files("source", prefix, before=before):
        if not images.is_waiting(path.name) and not images.parked_with(path.name, more="state = 'open'"):
            images.drop_picture(sha256=path.name)
            photo_files.remove(path)
    old = list(photo_files.old_files("pictures", prefix, before=before))
    if old:
        needed = set()
        for column in ("view_sha256", "thumb_sha256"):
            query = f'SELECT {column} FROM "{images.PICTURES.name}" WHERE {any_of(column, "names", "text")}'
            needed |= {row[0] for row in run(query, {"names": [path.name for path in old]})}
        for path in old:
            if path.name not in needed:
                photo_files.remove(path)


def _scrub(span: dict[str, str], *, now: dt.datetime) -> Iterator[None]:
    for picture in images.PICTURES.select("sha256 >= %(low)s AND sha256 < %(high)s AND view_sha256 IS NOT NULL", **span):
        if not all(_whole(name) for name in (picture.view_sha256, picture.thumb_sha256) if name):
            log.error("the stored picture of photo %s is damaged; it is asked for again", picture.sha256[:12])
            images.lose_picture(sha256=picture.sha256, now=now)
        yield


def _whole(name: str) -> bool:
    path = photo_files.picture_path(name)
    return path.is_file() and photo_files.hash_of(path) == name
