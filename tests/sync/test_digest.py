"""`GET sync/digest`: exactly what `changes` would give this reader from the start (protocol §4, 8)."""

import hashlib
import uuid

import pytest

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
    from gridgov.feed.models import FeedRow

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
    from gridgov.feed.models import Head
    from grids.models import Membership

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
    reader = fresh(world.client("stranger"))
    commit(*(strange() for _ in range(50_000 - len(reader.store))))
    reader.poll()
    assert reader.digest() == reader.own_digest()
    assert reader.own_digest()["count"] == 50_000
    commit(strange())
    reader.poll()
    answer = reader.client.get(DIGEST, {"at": reader.cursor})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_it_needs_a_login_and_a_get(world: World) -> None:
    assert world.client(None).get(DIGEST).status_code == 401
    assert world.client("worker").post(DIGEST).status_code == 405
