"""The nightly pass: files without rows, rows without files, pictures that nobody needs, pictures that have rotted."""

import datetime as dt
import os
import uuid
from pathlib import Path

import pytest
from django.utils import timezone

from incidents import photo_files
from incidents.image_worker import render_waiting
from incidents.models import Conflict, Delivery, Photo, Picture
from incidents.photo_sweep import SCRUB_DAYS, sweep
from tests.sync.uploading import declare, feed, jpeg, photos_of, push, sha256, upload
from tests.world import World

pytestmark = pytest.mark.django_db


def aged(*paths: Path) -> None:
    """As if written 25 hours ago."""
    then = (timezone.now() - dt.timedelta(hours=25)).timestamp()
    for path in paths:
        os.utime(path, (then, then))


def files() -> set[Path]:
    return {path for kind in ("source", "pictures") for path in (photo_files.root() / kind).glob("??/*")}


def made(path: Path) -> Path:
    photo_files.make_folder(path.parent)
    path.write_bytes(b"x")
    return path


def test_files_that_no_row_names_go_after_a_day_and_not_before(world: World) -> None:
    client, data, waiting = world.client("worker"), jpeg(), jpeg(70, 70)
    declare(world, client, data, waiting)
    upload(client, data)
    render_waiting(now=timezone.now())
    upload(client, waiting)
    picture = Picture.objects.get()
    needed = {
        photo_files.picture_path(str(picture.view_sha256)),
        photo_files.picture_path(str(picture.thumb_sha256)),
        photo_files.source_path(sha256(waiting)),
    }
    stray = [
        made(photo_files.source_path("ab" + "0" * 62)),
        made(photo_files.picture_path("ab" + "1" * 62)),
        made(photo_files.picture_path("ab.new")),
    ]
    aged(*needed, *stray)
    young = made(photo_files.source_path("cd" + "0" * 62))
    sweep(now=timezone.now())
    assert needed | {young} <= files()
    assert not set(stray) & files()
    young.unlink()


def test_a_picture_whose_photos_were_all_taken_back_goes_and_its_bytes_would_be_asked_for_again(world: World) -> None:
    client, data = world.client("worker"), jpeg(71, 71)
    op = declare(world, client, data)
    upload(client, data)
    render_waiting(now=timezone.now())
    names = [photo_files.picture_path(str(name)) for name in Picture.objects.values_list("view_sha256", "thumb_sha256").get()]
    withdraw = {"op_id": str(uuid.uuid4()), "kind": "photo.withdraw", "at": op["at"], "photo": op["photos"][0]["photo"]}
    push(client, withdraw)
    sweep(now=timezone.now())
    assert Picture.objects.exists()  # a day's grace
    aged(*names)
    later = timezone.now() + dt.timedelta(hours=25)
    sweep(now=later)
    sweep(now=later)
    assert not Picture.objects.exists()
    assert not any(name.exists() for name in names)
    again = declare(world, client, data)
    assert push(client, again)[0]["missing_photos"] == [sha256(data)]


def test_bytes_of_a_parked_photo_are_kept_while_it_is_parked(world: World) -> None:
    former, data = world.client("former"), jpeg(72, 72)
    case = declare(world, world.client("worker"))
    added = {
        "op_id": str(uuid.uuid4()), "kind": "photo.add", "at": case["at"], "incident": case["incident"], "photo": str(uuid.uuid4()),
        "sha256": sha256(data), "size": len(data), "stage": "after",
    }  # fmt: skip
    assert push(former, added)[0]["code"] == "handed_over"
    upload(former, data)
    aged(photo_files.source_path(sha256(data)))
    sweep(now=timezone.now())
    assert photo_files.source_path(sha256(data)).exists()
    parked = str(Conflict.objects.get().pk)
    resolve = {
        "op_id": str(uuid.uuid4()),
        "kind": "conflict.resolve",
        "at": case["at"],
        "conflict": parked,
        "take": "client",
        "base_version": 1,
    }
    assert push(world.client("secretary"), resolve)[0]["outcome"] == "applied"
    assert render_waiting(now=timezone.now()) == 1
    photo = photos_of(world.client("worker"), case["incident"])[0]
    assert (photo["state"], photo["by"]) == ("stored", str(world.user("former").pk))


def test_bytes_of_a_parked_photo_that_was_dropped_go(world: World) -> None:
    former, data = world.client("former"), jpeg(73, 73)
    case = declare(world, world.client("worker"))
    added = {
        "op_id": str(uuid.uuid4()), "kind": "photo.add", "at": case["at"], "incident": case["incident"], "photo": str(uuid.uuid4()),
        "sha256": sha256(data), "size": len(data), "stage": "after",
    }  # fmt: skip
    push(former, added)
    upload(former, data)
    Conflict.objects.update(state="dropped")
    aged(photo_files.source_path(sha256(data)))
    sweep(now=timezone.now())
    assert not photo_files.source_path(sha256(data)).exists()
    assert not Delivery.objects.exists()


def test_a_photo_that_was_declared_while_its_bytes_arrived_is_received_at_last(world: World) -> None:
    """A handover carried out by another person does not wait for its author's uploads."""
    client, data = world.client("worker"), jpeg(74, 74)
    op = declare(world, client, data)
    upload(client, data)
    Photo.objects.update(state="declared", received_at=None)
    sweep(now=timezone.now())
    assert feed(client)[("photo", op["photos"][0]["photo"])]["state"] == "received"


@pytest.mark.parametrize("damage", ["one bit", "cut", "gone"])
def test_a_picture_that_has_rotted_is_found_within_a_month_and_asked_for_again(world: World, damage: str) -> None:
    client, data, good = world.client("worker"), jpeg(75, 75), jpeg(76, 76)
    op = declare(world, client, data, good)
    upload(client, data)
    upload(client, good)
    render_waiting(now=timezone.now())
    path = photo_files.picture_path(str(Picture.objects.get(sha256=sha256(data)).thumb_sha256))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(content) if damage == "one bit" else bytes(content[:-1]))
    now = timezone.now()
    for day in range(SCRUB_DAYS):
        sweep(now=now + dt.timedelta(days=day))
    states = {photo["sha256"]: photo["state"] for photo in photos_of(client, op["incident"])}
    assert states == {sha256(data): "declared", sha256(good): "stored"}
    assert push(client, op)[0]["missing_photos"] == [sha256(data)]
    upload(client, data)
    assert render_waiting(now=timezone.now()) == 1
    assert photo_files.hash_of(path) == path.name
