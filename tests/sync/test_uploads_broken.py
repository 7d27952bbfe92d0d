"""Uploads that break: at any byte, on either side, by altered bytes, by a full disk, by two writers at once (protocol §5, 3–4)."""

import datetime as dt
import hashlib
import os
import random
import select
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gridgov.feed.models import FeedRow
from incidents import images, photo_files
from incidents.models import Delivery, Photo
from sync import receiving, spool
from sync.models import Mismatch, Upload
from tests.sync.uploading import b64, begin, create, declare, feed, head, patch, push, sha256, upload
from tests.world import World

SIZE = 150_000  # more than two blocks of 64 KiB


def spool_of(url: str) -> str:
    """The file in which an upload's bytes lie."""
    return str(photo_files.spool_path(url.rsplit("/", 1)[1]))


# --- going on ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    breaks=st.lists(
        st.tuples(st.integers(1, 70_000), st.sampled_from(["answer lost", "crash before the row", "wrong bytes", "none"])), max_size=8
    ),
)
def test_an_upload_goes_on_from_the_servers_offset_wherever_it_broke(world: World, breaks: list[tuple[int, str]]) -> None:
    client = world.client("worker")
    data = os.urandom(SIZE)  # each example is another photo
    declare(world, client, data)
    url, sent = begin(client, data), 0
    for length, broke in breaks:
        at = int(head(client, url)["Upload-Offset"])
        if at == SIZE:
            break
        piece = data[at : at + length]
        if broke == "crash before the row":
            # Bytes that reached the disk, of which the row does not know.
            os.makedirs(os.path.dirname(spool_of(url)), exist_ok=True)
            with open(spool_of(url), "ab") as file:
                file.write(os.urandom(SIZE))
        elif broke == "wrong bytes":
            right = b64(hashlib.sha256(piece).digest())
            assert patch(client, url, at, piece[:-1], **{"Upload-Checksum": f"sha256 {right}"}).status_code == 460
        else:
            assert patch(client, url, at, piece).status_code == 204
            sent += len(piece)
    at = int(head(client, url)["Upload-Offset"])
    assert at == sent  # what was stored is not asked for again
    for start in range(at, SIZE, 64_000):
        assert patch(client, url, start, data[start : start + 64_000]).status_code == 204
    assert photo_files.hash_of(photo_files.source_path(sha256(data))) == sha256(data)
    assert Photo.objects.get(sha256=sha256(data)).state == "received"
    assert not os.path.exists(spool_of(url))


@pytest.mark.django_db
def test_the_file_never_holds_less_than_the_row_says_or_the_upload_is_gone(world: World) -> None:
    """As after a backup of the database alone."""
    client = world.client("worker")
    data = random.Random(3).randbytes(SIZE)
    declare(world, client, data)
    url = begin(client, data)
    patch(client, url, 0, data[:100_000])
    os.truncate(spool_of(url), 99_999)
    assert head(client, url).status_code == 410
    assert patch(client, url, 100_000, data[100_000:]).status_code == 410
    os.remove(spool_of(url))
    assert head(client, url).status_code == 410
    upload(client, data)
    assert Photo.objects.get().state == "received"


@pytest.mark.django_db
def test_a_crash_between_the_photo_and_the_end_of_its_upload_costs_one_piece(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.client("worker")
    data = random.Random(4).randbytes(SIZE)
    declare(world, client, data)
    url = begin(client, data)
    patch(client, url, 0, data[:100_000])

    def away(**_: Any) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(images, "deliver", away)
        answer = patch(client, url, 100_000, data[100_000:])
    assert answer.status_code == 503
    assert "Retry-After" in answer
    assert head(client, url)["Upload-Offset"] == "100000"
    assert Photo.objects.get().state == "declared"
    assert not Delivery.objects.exists()
    assert patch(client, url, 100_000, data[100_000:]).status_code == 204
    assert Photo.objects.get().state == "received"


@pytest.mark.django_db
def test_a_full_disk_is_503_and_leaves_the_offset_where_it_was(world: World) -> None:
    """The device that is always full stands for the disk."""
    client = world.client("worker")
    data = random.Random(5).randbytes(SIZE)
    declare(world, client, data)
    url = begin(client, data)
    photo_files.make_folder(photo_files.spool_path(url.rsplit("/", 1)[1]).parent)
    os.symlink("/dev/full", spool_of(url))
    answer = patch(client, url, 0, data[:1000])
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in answer
    assert head(client, url)["Upload-Offset"] == "0"
    os.remove(spool_of(url))
    assert patch(client, url, 0, data[:1000]).status_code == 204


@pytest.mark.django_db
def test_bytes_are_on_the_disk_before_the_row_counts_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.client("worker")
    data = random.Random(12).randbytes(2000)
    declare(world, client, data)
    url = begin(client, data)
    seen: list[tuple[str, int, int]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        fsync(handle)
        name = os.readlink(f"/proc/self/fd/{handle}")
        seen.append((name, os.fstat(handle).st_size, Upload.objects.get().offset))

    monkeypatch.setattr(os, "fsync", watched)
    patch(client, url, 0, data[:1500])
    assert (spool_of(url), 1500, 0) in seen
    seen.clear()
    patch(client, url, 1500, data[1500:])
    # The whole file, and the folder that holds its second name, while the upload still counts as unfinished.
    assert (spool_of(url), 2000, 1500) in seen
    folder = str(photo_files.source_path(sha256(data)).parent)
    assert [offset for name, _, offset in seen if name == folder] == [1500]


# --- altered bytes -----------------------------------------------------------------------------------------------


def flipped(data: bytes, bit: int) -> bytes:
    """One bit is another."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def try_altered(world: World, client: Any, data: bytes, bit: int) -> Any:
    """A whole upload with one flipped bit; the last answer."""
    url = begin(client, data)
    return url, patch(client, url, 0, flipped(data, bit))


@pytest.mark.django_db
def test_bytes_that_hash_to_something_else_are_never_stored_and_the_third_time_the_network_is_named(world: World) -> None:
    client = world.client("worker")
    data = random.Random(6).randbytes(2000)
    op = declare(world, client, data)
    photo = op["photos"][0]["photo"]
    for time, expected in enumerate(["checksum_mismatch", "checksum_mismatch", "altered_on_the_way", "altered_on_the_way"]):
        url, answer = try_altered(world, client, data, bit=time * 4000)
        assert (answer.status_code, answer.json()["code"]) == (460, expected)
        assert head(client, url).status_code == 410
        assert not os.path.exists(spool_of(url))
        assert not photo_files.source_path(sha256(data)).exists()
        record = feed(client)[("photo", photo)]
        assert record["state"] == "declared"
        assert record["reason"] == (expected if time >= 2 else None)
    assert push(client, op)[0]["missing_photos"] == [sha256(data)]
    # Another network: the photo is whole, and blames nobody any more.
    upload(client, data)
    record = feed(client)[("photo", photo)]
    assert (record["state"], record["reason"]) == ("received", None)
    assert push(client, op)[0]["missing_photos"] == []
    assert not Mismatch.objects.exists()


@pytest.mark.django_db
@settings(max_examples=40, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0, 2000 * 8 - 1))
def test_one_flipped_bit_anywhere_is_noticed(world: World, bit: int) -> None:
    client = world.client("worker")
    data = random.Random(7).randbytes(2000)
    declare(world, client, data)
    assert try_altered(world, client, data, bit)[1].status_code == 460
    assert not photo_files.source_path(sha256(data)).exists()


# --- two at once -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_second_writer_is_423_and_so_is_who_wants_to_remove_it(world: World) -> None:
    client = world.client("worker")
    data = random.Random(8).randbytes(2000)
    declare(world, client, data)
    url = begin(client, data)
    with spool.writing_to(url.rsplit("/", 1)[1]):
        for answer in (patch(client, url, 0, data), client.delete(url, headers={"Tus-Resumable": "1.0.0"})):
            assert (answer.status_code, answer.json()["code"]) == (423, "upload_locked")
        assert head(client, url)["Upload-Offset"] == "0"  # looking is always allowed
    assert patch(client, url, 0, data).status_code == 204


def _request(address: str, url: str, token: str, data: bytes, offset: int, length: int) -> socket.socket:
    """A PATCH of `length` bytes, of which `data` is sent."""
    parts = urlsplit(address)
    line = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    head_lines = [
        f"PATCH {url} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Token {token}", "Tus-Resumable: 1.0.0", f"Upload-Offset: {offset}",
        "Content-Type: application/offset+octet-stream", f"Content-Length: {length}", "Connection: close",
    ]  # fmt: skip
    line.sendall("\r\n".join(head_lines).encode() + b"\r\n\r\n" + data)
    return line


def _status(line: socket.socket) -> int:
    with line, line.makefile("rb") as answer:
        return int(answer.read().split(b" ", 2)[1])


def test_while_one_connection_sends_slowly_another_is_423_and_a_broken_line_keeps_what_came(
    world: World, transactional_db: None, live_server: Any
) -> None:
    client, token = world.client("worker"), world.token("worker")
    data = random.Random(9).randbytes(SIZE)
    declare(world, client, data)
    url = begin(client, data)
    slow = _request(live_server.url, url, token, data[:70_000], 0, SIZE)
    while not os.path.exists(spool_of(url)) or os.path.getsize(spool_of(url)) == 0:
        assert not select.select([slow], [], [], 0.01)[0], "it was answered before it was read"
    assert patch(client, url, 0, data[:1000]).status_code == 423
    slow.sendall(data[70_000:100_000])
    slow.shutdown(socket.SHUT_WR)  # the phone is gone
    assert _status(slow) == 204
    assert head(client, url)["Upload-Offset"] == "100000"
    rest = _request(live_server.url, url, token, data[100_000:], 100_000, SIZE - 100_000)
    assert _status(rest) == 204
    assert Photo.objects.get().state == "received"


def _declare_with(together: threading.Barrier, world: World, client: Any, data: bytes) -> None:
    try:
        together.wait()
        declare(world, client, data)
    finally:
        connection.close()


def test_a_declaration_and_a_delivery_at_the_same_time_never_leave_a_photo_waiting(world: World, transactional_db: None) -> None:
    """Each round: the last piece of one declaration's bytes races with a second declaration of the same bytes."""
    for number in range(8):
        data = random.Random(100 + number).randbytes(500)
        client, second = world.client("worker"), world.client("worker")
        declare(world, client, data)
        url = begin(client, data)
        together = threading.Barrier(2)
        with ThreadPoolExecutor(1) as thread:
            other = thread.submit(_declare_with, together, world, second, data)
            together.wait()
            assert patch(client, url, 0, data).status_code == 204
            other.result()
        assert set(Photo.objects.filter(sha256=sha256(data)).values_list("state", flat=True)) == {"received"}


# --- sweeping ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_sweep_takes_dead_files_and_leaves_what_is_alive(world: World) -> None:
    client = world.client("worker")
    data = random.Random(10).randbytes(2000)
    declare(world, client, data)
    alive, expired = begin(client, data), begin(client, data)
    for url in (alive, expired):
        patch(client, url, 0, data[:1000])
    orphan, young = photo_files.spool_path("ab" + "0" * 34), photo_files.spool_path("ab" + "1" * 34)
    for path in (orphan, young):
        photo_files.make_folder(path.parent)
        path.write_bytes(b"x")
    now = timezone.now()
    yesterday = (now - dt.timedelta(hours=25)).timestamp()
    for name in (str(orphan), spool_of(alive), spool_of(expired)):
        os.utime(name, (yesterday, yesterday))
    Upload.objects.filter(pk=expired.rsplit("/", 1)[1]).update(expires_at=now)
    receiving.sweep(now=now)
    assert [os.path.exists(name) for name in (spool_of(alive), str(young), spool_of(expired), str(orphan))] == [True, True, False, False]
    assert head(client, alive)["Upload-Offset"] == "1000"
    assert head(client, expired).status_code == 410
    receiving.sweep(now=now + dt.timedelta(days=31))
    assert head(client, expired).status_code == 404  # forgotten at last


@pytest.mark.django_db
def test_an_upload_changes_nothing_in_the_feed_before_its_last_byte(world: World) -> None:
    client = world.client("worker")
    data = random.Random(11).randbytes(2000)
    declare(world, client, data)
    before = FeedRow.objects.order_by("-seq").values_list("seq", flat=True).first()
    url = begin(client, data)
    patch(client, url, 0, data[:1999])
    assert create(client, data).status_code == 201
    assert FeedRow.objects.order_by("-seq").values_list("seq", flat=True).first() == before
    patch(client, url, 1999, data[1999:])
    newest = FeedRow.objects.order_by("-seq").first()
    assert newest is not None
    assert (newest.type, newest.seq > (before or 0)) == ("photo", True)
