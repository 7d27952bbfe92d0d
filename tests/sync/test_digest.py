"""`GET sync/digest`: exactly what `changes` would give this reader from the start (protocol §4, 8)."""

import hashlib
import uuid

import pytest
from django.db import connection

from gridgov.feed.models import FeedExtra, FeedRow, Head
from grids.models import Membership
from tests.sync import saying
from tests.sync.feeding import commit, strange
from tests.sync.following import DIGEST, Reader, fresh
from tests.world import B1C, CAST, NEXT_CELL, World


@pytest.mark.parametrize("name", list(CAST))
def test_it_is_the_hash_of_what_a_follower_holds(world: World, name: str) -> None:
    case = saying.report(world, "worker", photos=1)
    saying.clash(world, "worker", case)
    saying.move(world, "secretary", case, NEXT_CELL)
    commit(strange())
    reader = fresh(world.client(name))
    lines = sorted(f"{kind} {rid} {seq}\n".encode() for (kind, rid), (seq, _) in reader.store.items())
    answer = reader.client.get(DIGEST, {"at": reader.cursor})
    assert answer.json() == {"count": len(reader.store), "digest": hashlib.sha256(b"".join(lines)).hexdigest()}
    assert answer["Cache-Control"] == "no-store"


def test_nothing_hashes_to_the_empty_text(world: World) -> None:
    FeedRow.objects.all().delete()
    reader = fresh(world.client("stranger"))
    assert reader.digest() == {"count": 0, "digest": hashlib.sha256(b"").hexdigest()}


def test_what_lies_behind_the_cursor_in_scope_is_moved_on_and_what_happens_elsewhere_is_not(world: World) -> None:
    case = saying.report(world, "worker")
    reader = fresh(world.client("worker"))
    saying.report(world, "worker2", cell=B1C + "001")
    assert reader.digest() == reader.own_digest()
    saying.comment(world, "secretary", case)  # internal: not for workers
    assert reader.digest() == reader.own_digest()
    saying.comment(world, "secretary", case, visibility="public")
    answer = reader.client.get(DIGEST, {"at": reader.cursor})
    assert (answer.status_code, answer.json()["code"]) == (409, "moved_on")
    reader.poll()
    assert reader.digest() == reader.own_digest()


def test_a_case_that_leaves_is_moved_on_too(world: World) -> None:
    case = saying.report(world, "stranger")
    reader = fresh(world.client("worker"))
    saying.move(world, "secretary", case, NEXT_CELL)
    assert reader.client.get(DIGEST, {"at": reader.cursor}).status_code == 409


def test_in_the_middle_of_a_load_it_is_moved_on(world: World) -> None:
    reader = Reader(world.client("worker"), limit=2)
    assert reader.page()["more"]
    assert reader.client.get(DIGEST, {"at": reader.cursor}).status_code == 409


@pytest.mark.parametrize("change", ["epoch", "scope"])
def test_a_cursor_that_must_begin_anew_is_moved_on(world: World, change: str) -> None:
    reader = fresh(world.client("worker"))
    if change == "epoch":
        Head.objects.update(epoch=uuid.uuid4())
    else:
        Membership.objects.get(user=world.user("worker")).delete()
    answer = reader.client.get(DIGEST, {"at": reader.cursor})
    assert (answer.status_code, answer.json()["code"]) == (409, "moved_on")


@pytest.mark.parametrize("at", ["", "junk", "漢", "0" * 5_000])
def test_what_is_no_cursor_is_a_bad_query(world: World, at: str) -> None:
    answer = world.client("worker").get(DIGEST, {"at": at})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")
    assert answer.json()["errors"][0]["pointer"] == "/at"
    assert world.client("worker").get(DIGEST).status_code == 400


def test_above_50_000_records_it_is_too_large_and_at_50_000_it_is_told(world: World) -> None:
    room = Head.objects.get().seq
    Head.objects.update(seq=room + 60_000)
    commit(strange())
    reader = fresh(world.client("stranger"))
    many_records_from(room + 1, 50_000 - len(reader.store))
    told = reader.digest()
    assert told["count"] == 50_000
    mine = FeedRow.objects.filter(key__in=FeedExtra.objects.filter(audience="all").values("key"))
    lines = sorted(f"{kind} {rid} {seq}\n".encode() for kind, rid, seq in mine.values_list("type", "rid", "seq"))
    assert told["digest"] == hashlib.sha256(b"".join(lines)).hexdigest()
    many_records_from(room + 55_000, 1)
    answer = reader.client.get(DIGEST, {"at": reader.cursor})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def many_records_from(first: int, count: int) -> None:
    """So many records for everybody, at positions that nobody has."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {first + count - 1}) "
    with connection.cursor() as cursor:
        cursor.execute(
            numbers + "INSERT INTO feed_feedrow (key, seq, type, rid, internal, gone, wire) "
            "SELECT 'n' || i, i, 'strange', 'n' || i, false, false, '{}' FROM n"
        )
        cursor.execute(numbers + "INSERT INTO feed_feedextra (key, audience, seq) SELECT 'n' || i, 'all', i FROM n")


def test_it_needs_a_login_and_a_get(world: World) -> None:
    assert world.client(None).get(DIGEST).status_code == 401
    assert world.client("worker").post(DIGEST).status_code == 405
