"""From bytes that have arrived to pictures in the feed: derived from rows, whoever dies and however many work (protocol §5, 4–5)."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from gridgov.feed.models import FeedRow, Head
from incidents import images, photo_files
from incidents.image_worker import TRIES, Worker, render_waiting
from incidents.models import Delivery, Incident, Photo, Picture
from incidents.photo_sweep import sweep
from incidents.renderer import Renderer
from tests.sync.uploading import declare, feed, jpeg, photos_of, push, report, sha256, upload
from tests.world import NEXT_CELL, World

ROOT = Path(__file__).resolve().parents[2]


def work() -> int:
    return render_waiting(now=timezone.now())


@pytest.mark.django_db
def test_a_photo_that_has_arrived_becomes_stored_with_its_size_and_its_source_goes(world: World) -> None:
    client, data = world.client("worker"), jpeg(3000, 1500)
    op = declare(world, client, data)
    photo = op["photos"][0]["photo"]
    assert feed(client)[("photo", photo)]["state"] == "declared"
    upload(client, data)
    received = FeedRow.objects.get(rid=photo)
    assert feed(client)[("photo", photo)]["state"] == "received"
    assert photo_files.source_path(sha256(data)).exists()
    assert work() == 1
    record = feed(client)[("photo", photo)]
    assert record == {
        "id": photo, "incident": op["incident"], "by": str(world.user("worker").pk), "sha256": sha256(data), "size": len(data),
        "stage": "before", "taken_at": None, "state": "stored", "reason": None, "width": 1600, "height": 800, "near_pin": None,
    }  # fmt: skip
    assert FeedRow.objects.get(rid=photo).seq > received.seq
    assert Head.objects.get().seq == FeedRow.objects.get(rid=photo).seq
    picture = Picture.objects.get()
    for name in (picture.view_sha256, picture.thumb_sha256):
        assert name is not None
        assert photo_files.hash_of(photo_files.picture_path(name)) == name
    assert not photo_files.source_path(sha256(data)).exists()
    assert work() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "heic"), (b"GIF89a", "not_an_image"), (jpeg()[:300], "damaged"), (jpeg()[:2], "not_an_image")],
)
def test_what_is_no_photo_is_rejected_with_a_reason_and_blocks_nobody(world: World, data: bytes, reason: str) -> None:
    client, good = world.client("worker"), jpeg()
    op = declare(world, client, data, good)
    upload(client, data)
    upload(client, good)
    assert work() == 2
    told = {photo["sha256"]: (photo["state"], photo["reason"]) for photo in photos_of(client, op["incident"])}
    assert told == {sha256(data): ("rejected", reason), sha256(good): ("stored", None)}
    assert not photo_files.source_path(sha256(data)).exists()


@pytest.mark.django_db
def test_nobodys_bytes_count_for_another(world: World) -> None:
    """A hash is no key: the secretary sees no picture of it before the secretary has brought the bytes."""
    worker, secretary, data = world.client("worker"), world.client("secretary"), jpeg()
    early = declare(world, secretary, data)
    declare(world, worker, data)
    upload(worker, data)
    work()
    assert photos_of(secretary, early["incident"])[0]["state"] == "declared"
    op = declare(world, secretary, data)
    assert push(secretary, op)[0]["missing_photos"] == [sha256(data)]
    assert photos_of(secretary, op["incident"])[0]["state"] == "declared"
    assert work() == 0
    upload(secretary, data)
    assert work() == 1
    assert photos_of(secretary, op["incident"])[0]["state"] == "stored"
    assert not photo_files.source_path(sha256(data)).exists()
    assert Picture.objects.count() == 1


@pytest.mark.django_db
def test_who_has_brought_the_bytes_need_not_bring_them_again(world: World) -> None:
    client, data = world.client("worker"), jpeg()
    first = declare(world, client, data)
    upload(client, data)
    answers = push(client, again := report(world, data))
    assert answers[0]["missing_photos"] == []
    assert photos_of(client, again["incident"])[0]["state"] == "received"
    assert work() == 1
    third = declare(world, client, data)
    assert photos_of(client, third["incident"])[0]["state"] == "received"
    assert work() == 1  # the picture is there: it is only linked
    for op in (first, again, third):
        photo = photos_of(client, op["incident"])[0]
        assert (photo["state"], photo["width"], photo["height"]) == ("stored", 64, 48)


@pytest.mark.django_db
def test_a_photo_taken_back_before_its_picture_was_made_stays_withdrawn(world: World) -> None:
    client, data = world.client("worker"), jpeg()
    op = declare(world, client, data)
    upload(client, data)
    withdraw = {"op_id": str(uuid.uuid4()), "kind": "photo.withdraw", "at": op["at"], "photo": op["photos"][0]["photo"]}
    assert push(client, withdraw)[0]["outcome"] == "applied"
    assert work() == 0
    assert photos_of(client, op["incident"])[0]["state"] == "withdrawn"


@pytest.mark.django_db
def test_the_picture_goes_to_the_readers_of_the_place_where_the_case_lies_by_then(world: World) -> None:
    client, data = world.client("worker"), jpeg()
    op = declare(world, client, data)
    upload(client, data)
    moved = world.position(NEXT_CELL)
    edit = {
        "op_id": str(uuid.uuid4()), "kind": "incident.edit", "at": op["at"], "incident": op["incident"], "base_version": 1,
        "base": {"position": op["position"]}, "fields": {"position": moved},
    }  # fmt: skip
    assert push(client, edit)[0]["outcome"] == "applied"
    work()
    row = FeedRow.objects.get(type="photo", gone=False)
    assert (row.cell, '"stored"' in row.wire) == (world.places[NEXT_CELL].sid, True)
    assert feed(world.client("neighbour"))[("photo", row.rid)]["state"] == "stored"


@pytest.mark.django_db
def test_a_photo_of_an_archived_case_is_stored_but_not_put_into_the_feed(world: World) -> None:
    client, data = world.client("worker"), jpeg()
    op = declare(world, client, data)
    upload(client, data)
    Incident.objects.update(archived_at=timezone.now())
    FeedRow.objects.filter(type="photo").delete()
    seq = Head.objects.get().seq
    assert work() == 1
    assert Photo.objects.get().state == "stored"
    assert Head.objects.get().seq == seq
    assert not FeedRow.objects.filter(type="photo").exists()
    assert op["incident"]


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_bytes_that_were_lost_are_asked_for_again(world: World) -> None:
    client, data = world.client("worker"), jpeg()
    op = declare(world, client, data)
    upload(client, data)
    photo_files.source_path(sha256(data)).unlink()
    work()
    assert feed(client)[("photo", op["photos"][0]["photo"])]["state"] == "declared"
    assert push(client, op)[0]["missing_photos"] == [sha256(data)]
    assert not Delivery.objects.exists()
    upload(client, data)
    assert work() == 1
    assert photos_of(client, op["incident"])[0]["state"] == "stored"


@pytest.mark.django_db
def test_a_photo_over_which_the_decoder_dies_waits_longer_each_time_and_is_damaged_after_three(world: World) -> None:
    client, data, good = world.client("worker"), jpeg(900, 900), jpeg()
    op = declare(world, client, data)
    upload(client, data)
    clock = [0.0]
    with Renderer(wall_s=0.0) as deadly:
        worker = Worker(deadly, clock=lambda: clock[0])
        for tries in range(1, TRIES):
            assert worker.round(now=timezone.now()) == 0
            assert photos_of(client, op["incident"])[0]["state"] == "received"
            assert worker.round(now=timezone.now()) == 0  # not at once again: others come first
            clock[0] += 2.0**tries + 0.1
        assert worker.round(now=timezone.now()) == 1
    assert photos_of(client, op["incident"])[0]["reason"] == "damaged"
    other = declare(world, client, good)
    upload(client, good)
    assert work() == 1
    assert photos_of(client, other["incident"])[0]["state"] == "stored"


# --- several at once, and none -----------------------------------------------------------------------------------


def _declared_and_brought(world: World, count: int) -> list[bytes]:
    client = world.client("worker")
    photos = [jpeg(700 + number, 500) for number in range(count)]
    for start in range(0, count, 10):
        declare(world, client, *photos[start : start + 10])
    for data in photos:
        upload(client, data)
    return photos


def _work_in_a_thread(together: threading.Barrier) -> int:
    try:
        together.wait()
        return work()
    finally:
        connection.close()


def test_two_workers_at_once_do_each_photo_once(world: World, transactional_db: None) -> None:
    photos = _declared_and_brought(world, 20)
    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(_work_in_a_thread, together) for _ in range(2)]
        assert sum(one.result() for one in done) >= len(photos)
    work()  # one may have ended while the other held the last
    assert Photo.objects.filter(state="stored").count() == len(photos)
    assert Picture.objects.count() == len(photos)
    assert len(set(FeedRow.objects.filter(type="photo").values_list("seq", flat=True))) == len(photos)


def _worker_process() -> "subprocess.Popen[bytes]":
    name = settings.DATABASES["default"]
    if connection.vendor == "sqlite":
        url = f"sqlite:///{connection.settings_dict['NAME']}"
    else:
        url = f"postgres://{name['USER']}@{name['HOST']}:{name['PORT']}/{connection.settings_dict['NAME']}"
    env = os.environ | {
        "DATABASE_URL": url,
        "GRIDGOV_DATA": str(settings.GRIDGOV_DATA),
        "DJANGO_SETTINGS_MODULE": "gridgov.settings",
        "LOG_LEVEL": "WARNING",
    }
    return subprocess.Popen([sys.executable, "manage.py", "run_worker"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)


def _until(process: Any, stored: int) -> None:
    """Wait until that many are stored; the process must live."""
    while Photo.objects.filter(state="stored").count() < stored:
        assert process.poll() is None


def test_a_worker_killed_at_any_moment_loses_nothing(world: World, transactional_db: None) -> None:
    photos = _declared_and_brought(world, 40)
    for stored in (1, 9, 17):
        process = _worker_process()
        _until(process, stored)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    process = _worker_process()
    _until(process, len(photos))
    process.terminate()
    assert process.wait() == 0
    for picture in Picture.objects.all():
        for name in (picture.view_sha256, picture.thumb_sha256):
            assert name is not None
            assert photo_files.hash_of(photo_files.picture_path(name)) == name
    # One killed after its commit and before its deletion leaves the source to the sweep, which takes what is a day old.
    kept = [photo_files.source_path(sha256(data)) for data in photos if photo_files.source_path(sha256(data)).exists()]
    assert len(kept) <= 3
    sweep(now=timezone.now() + dt.timedelta(hours=25))
    assert not any(path.exists() for path in kept)


def test_the_columns_of_deliveries_and_pictures_are_those_of_their_tables() -> None:
    assert images.DELIVERIES.columns == ["user", "sha256", "at"]
    assert images.PICTURES.columns == ["sha256", "view_sha256", "thumb_sha256", "width", "height", "reason", "at"]


def test_a_photo_that_has_not_come_for_30_days_is_overdue_and_still_accepted(world: World) -> None:
    client = world.client("worker")
    data = jpeg()
    op = declare(world, client, data)
    declared_at = Photo.objects.get().declared_at
    assert images.mark_overdue(now=declared_at + dt.timedelta(days=30)) == 0
    assert images.mark_overdue(now=declared_at + dt.timedelta(days=30, seconds=1)) == 1
    key = op["photos"][0]["photo"]
    assert feed(client)["photo", key]["state"] == "overdue"
    upload(client, data)
    assert photos_of(client, op["incident"])[0]["state"] == "received"
    render_waiting(now=timezone.now())
    assert feed(client)["photo", key]["state"] == "stored"
