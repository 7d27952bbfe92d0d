"""Photos on the Python phone: resumed from the server's offset, and freed only when they may be (protocol §5)."""

import json

from sync.phone import Phone
from sync.phone.album import KEEP_BYTES, KEEP_S, Album, Photo
from sync.phone.uploads import CHUNK_BYTES
from tests.sync.scripted import Clock, Scripted, as_json, phone

PICTURE = bytes(range(256)) * 4096  # four chunks
POSITION = {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}


def reporting(line: Scripted, clock: Clock | None = None) -> Phone:
    made = phone(line, clock)
    made.report(category="0102", position=POSITION, pictures=[PICTURE])
    return made


def test_a_photo_goes_in_chunks_after_its_op_was_answered() -> None:
    line = Scripted()
    done = reporting(line).sync()
    assert len(done.uploaded) == 1 and bytes(line.tus.stored) == PICTURE
    assert line.tus.calls == len(PICTURE) // CHUNK_BYTES


def test_a_cut_upload_goes_on_from_the_servers_offset_and_wastes_at_most_a_chunk() -> None:
    for before, after in (({2}, set()), (set(), {2}), ({1, 3}, {5})):
        line = Scripted()
        line.tus.cut_before, line.tus.cut_after = before, after
        made = reporting(line)
        while not made.sync().uploaded:
            assert line.tus.calls < 20
        assert bytes(line.tus.stored) == PICTURE and line.tus.creations == 1
        assert line.tus.received <= len(PICTURE) + CHUNK_BYTES * len(before)


def test_an_upload_that_has_expired_is_started_again() -> None:
    line, clock = Scripted(), Clock()
    line.tus.cut_before = {3}
    made = reporting(line, clock)
    made.sync()
    line.tus.exists = False
    made.sync()
    assert line.tus.creations == 2 and bytes(line.tus.stored) == PICTURE


def test_bytes_that_were_altered_on_the_way_are_sent_again_and_after_the_third_time_a_person_is_told() -> None:
    line, clock = Scripted(), Clock()
    line.tus.spoil = 3
    made = reporting(line, clock)
    for _ in range(3):
        made.sync()
        clock.now += 3600
    (photo,) = made.shelf.album.photos.values()
    assert (photo.code, photo.state) == ("altered_on_the_way", "due")
    assert photo.content == PICTURE


def test_a_photo_that_the_server_knows_is_not_sent() -> None:
    line = Scripted()
    line.push = lambda sent: as_json(
        200,
        {"answers": [{"op_id": sent["ops"][0]["op_id"], "outcome": "applied", "missing_photos": []}], "stored_seq": 1},
    )
    made = reporting(line)
    assert made.sync().uploaded == [] and line.tus.creations == 0
    assert made.shelf.album.waiting() == 0


def test_the_photo_of_a_refused_op_is_kept_and_not_sent() -> None:
    line = Scripted()
    line.push = lambda sent: as_json(200, {"answers": [{"op_id": sent["ops"][0]["op_id"], "outcome": "refused", "code": "outside_grid"}]})
    made = reporting(line)
    made.sync()
    (photo,) = made.shelf.album.photos.values()
    assert (photo.state, photo.code, photo.content) == ("undeclared", "outside_grid", PICTURE)


def album(*states: str, size: int = 3) -> Album:
    photos = [Photo(str(n), "h", size, "i", "op", b"abc", state=state) for n, state in enumerate(states)]
    for one in photos:
        one.acknowledged_at = 0.0
        one.stored_at, one.stored_seq = (0.0, 10) if one.state == "stored" else (None, None)
    return Album(photos)


def freed(made: Album, *, safe_seq: int = 0, seen: tuple[str, ...] = (), now: float = 1.0) -> list[str]:
    return made.free(safe_seq=safe_seq, seen=seen, now=now)


def test_a_stored_photo_is_freed_when_it_is_safe_or_after_seven_days() -> None:
    assert freed(album("stored"), safe_seq=9) == []
    assert freed(album("stored"), safe_seq=10) == ["0"]
    assert freed(album("stored"), now=KEEP_S) == ["0"]


def test_what_is_not_stored_is_never_freed_while_its_record_is_seen() -> None:
    made = album("waiting", "due", "acknowledged", "rejected", "undeclared")
    assert freed(made, safe_seq=99, seen=("0", "1", "2", "3", "4"), now=99 * KEEP_S) == []


def test_a_photo_whose_record_does_not_come_is_freed_seven_days_after_its_last_byte() -> None:
    assert freed(album("acknowledged"), now=KEEP_S - 1) == []
    assert freed(album("acknowledged"), now=KEEP_S) == ["0"]
    assert freed(album("due"), now=KEEP_S) == []


def test_above_200_megabytes_the_oldest_stored_photo_goes_first() -> None:
    made = album("acknowledged", "stored", "stored", size=KEEP_BYTES // 3 + 1)
    assert freed(made, seen=("0", "1", "2")) == ["1"]


def test_an_album_that_is_switched_off_and_on_is_the_same() -> None:
    made = album("due", "stored")
    assert Album.load(json.loads(json.dumps(made.dump()))).photos == made.photos
