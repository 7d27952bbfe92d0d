"""Archiving by time alone (protocol §4, 3 and 4): 30 days after closing a case leaves the feed, with a word for what goes by its own."""

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from gridgov.feed.models import FeedRow, Head
from incidents.clocks import archive, run_due
from incidents.models import Incident
from tests.incidents.pushing import Hand, Json, add_photo, comment, digest, edit, photo
from tests.world import World

DAYS_30 = dt.timedelta(days=30)


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


def changes(world: World, name: str, since: str = "") -> Json:
    page: Json = world.client(name).get("/api/v1/sync/changes", {"since": since, "limit": 1000}).json()
    assert page["more"] is False
    return page


def feed_digest(world: World, name: str, at: str) -> Any:
    return world.client(name).get("/api/v1/sync/digest", {"at": at}).json()


def test_thirty_days_after_closing_a_case_is_archived_and_not_before(hand: Hand) -> None:
    keys = {state: hand.in_state(state) for state in ("reported", "registered", "resolved", "closed", "rejected")}
    closed = {state: Incident.objects.get(pk=keys[state]).closed_at for state in ("closed", "rejected")}
    assert run_due(now=min(closed.values()) + DAYS_30) == {"archived": 0, "overdue": 0}
    later = max(closed.values()) + DAYS_30 + dt.timedelta(seconds=1)
    assert run_due(now=later) == {"archived": 2, "overdue": 0}
    archived = dict(Incident.objects.values_list("state", "archived_at"))
    assert archived == {"reported": None, "registered": None, "resolved": None, "closed": later, "rejected": later}
    # No key of the record changes, so the version stays.
    assert Incident.objects.get(pk=keys["closed"]).version == 4


def test_a_case_that_was_reopened_stays(hand: Hand) -> None:
    key = hand.in_state("closed")
    hand.does("secretary", key, ("reopen", {"sentence": "There again."}))
    assert run_due(now=timezone.now() + 2 * DAYS_30) == {"archived": 0, "overdue": 0}


def full_case(hand: Hand) -> str:
    """A closed case with photos, comments, an open and an ended conflict, and notices."""
    key = hand.in_state("closed", photos=[photo()])
    hand.push("worker", [comment(key), add_photo(key), edit(key, 4, description=("litter", "x"))])
    hand.one("secretary", comment(key, to=str(hand.world.user("worker").pk), visibility="public"))
    return key


def test_readers_are_told_of_the_case_its_conflicts_and_notices_and_of_nothing_else(hand: Hand, world: World) -> None:
    key, other = full_case(hand), hand.reported()
    stores = {name: changes(world, name) for name in ("worker", "secretary", "supervisor", "neighbour")}
    run_due(now=timezone.now() + DAYS_30 + dt.timedelta(hours=1))
    expected = {
        "worker": {"incident": 1, "conflict": 1, "notice": 1}, "secretary": {"incident": 1, "conflict": 1, "notice": 2},
        "supervisor": {"incident": 1, "conflict": 1}, "neighbour": {},
    }  # fmt: skip
    for name, page in stores.items():
        more = changes(world, name, page["cursor"])
        assert more["reset"] is None
        told: dict[str, int] = {}
        for change in more["changes"]:
            assert (change["gone"], change["why"]) == (True, "archived")
            told[change["type"]] = told.get(change["type"], 0) + 1
        assert (name, told) == (name, expected[name])
        if name != "neighbour":
            assert {c["id"] for c in more["changes"] if c["type"] == "incident"} == {key}
    assert other in {c["id"] for c in changes(world, "worker")["changes"]}


def test_a_follower_a_newcomer_and_the_digest_have_the_same_set(hand: Hand, world: World) -> None:
    key = full_case(hand)
    hand.reported()
    for name in ("worker", "secretary", "supervisor"):
        page = changes(world, name)
        store = {(c["type"], c["id"]): c["seq"] for c in page["changes"]}
        parents = {(c["type"], c["id"]): c["record"].get("incident") for c in page["changes"]}
        archive(before=timezone.now() + dt.timedelta(hours=1), now=timezone.now())
        more = changes(world, name, page["cursor"])
        for change in more["changes"]:
            if change["type"] == "incident":
                # It takes its events and photos with it.
                for at in [at for at, parent in parents.items() if parent == change["id"] and at[0] in ("event", "photo")]:
                    store.pop(at, None)
            store.pop((change["type"], change["id"]), None)
        fresh = changes(world, name)
        assert {(c["type"], c["id"]): c["seq"] for c in fresh["changes"]} == store
        assert key not in {c["id"] for c in fresh["changes"]}
        assert feed_digest(world, name, more["cursor"]) == feed_digest(world, name, fresh["cursor"])
        assert feed_digest(world, name, fresh["cursor"])["count"] == len(store)


def test_archiving_is_a_change_with_a_position(hand: Hand) -> None:
    key = full_case(hand)
    before = Head.objects.get().seq
    archive(before=timezone.now() + dt.timedelta(hours=1), now=timezone.now())
    assert Head.objects.get().seq > before
    rows = FeedRow.objects.filter(incident=key)
    assert set(rows.values_list("type", flat=True)) == {"incident", "conflict", "notice"}
    assert all(row.gone and row.why == "archived" and row.wire == "" and row.seq > before for row in rows)


def test_the_archive_can_be_read_by_who_sees_the_place_and_no_longer_by_an_author_outside(hand: Hand, world: World) -> None:
    key = hand.in_state("closed", by="stranger")
    address = f"/api/v1/incidents/{key}/"
    assert [world.client(name).get(address).status_code for name in ("stranger", "secretary")] == [200, 200]
    archive(before=timezone.now() + dt.timedelta(hours=1), now=timezone.now())
    assert [world.client(name).get(address).status_code for name in ("stranger", "secretary")] == [404, 200]


def test_to_run_twice_is_to_run_once(hand: Hand) -> None:
    for _ in range(3):
        hand.in_state("rejected")
    later = timezone.now() + DAYS_30 + dt.timedelta(hours=1)
    assert run_due(now=later) == {"archived": 3, "overdue": 0}
    before = digest()
    assert run_due(now=later) == {"archived": 0, "overdue": 0}
    assert digest() == before


def test_more_than_one_transaction_takes(hand: Hand) -> None:
    first = Incident.objects.get(pk=hand.in_state("rejected"))
    copies = []
    for n in range(1, 600):
        copy = Incident(**{field.attname: getattr(first, field.attname) for field in Incident._meta.concrete_fields})
        copy.pk, copy.number = uuid.uuid4(), f"610104-000000-{n:05d}"
        copies.append(copy)
    Incident.objects.bulk_create(copies)
    assert archive(before=timezone.now() + dt.timedelta(hours=1), now=timezone.now()) == 600


def test_two_that_run_at_once_archive_each_case_once(transactional_db: None, world: World) -> None:
    hand = Hand(world)
    keys = [hand.in_state("rejected") for _ in range(12)]
    later, done = timezone.now() + DAYS_30 + dt.timedelta(hours=1), []
    start = threading.Barrier(3)

    def work() -> None:
        try:
            start.wait()
            done.append(run_due(now=later)["archived"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == len(keys)
    assert Incident.objects.filter(archived_at=later).count() == len(keys)
    assert FeedRow.objects.filter(type="incident", gone=True).count() == len(keys)


def test_the_command_archives_what_was_closed_before_a_time(hand: Hand) -> None:
    import io
    import json

    from django.core.management import CommandError, call_command

    key = hand.in_state("closed")
    closed = Incident.objects.get(pk=key).closed_at
    assert closed is not None
    for time, count in ((closed, 0), (closed + dt.timedelta(microseconds=1), 1)):
        out = io.StringIO()
        call_command("archive", "--before", time.isoformat(), "--format", "json", stdout=out)
        assert json.loads(out.getvalue()) == {"archived": count}
    for wrong in ("yesterday", "2026-05-04T09:12:31", "2300-01-01T00:00:00Z"):
        with pytest.raises(CommandError) as caught:
            call_command("archive", "--before", wrong)
        assert caught.value.returncode == 2
