"""When a reader must begin anew: another scope, another history, too long ago, not our cursor (protocol §4, 5 and 6)."""

import base64
import datetime as dt
import uuid

import pytest
from django.utils import timezone

from gridgov.feed.models import Commit, FeedRow, Head
from grids.actions import publish_units
from grids.models import Membership
from tests.sync import saying
from tests.sync.feeding import OnAnotherDay, commit, copy_of_the_feed, restore, strange
from tests.sync.following import DIGEST, Reader, fresh
from tests.world import A1C, B1C, CELL, NEXT_CELL, NOW, World


def begins_anew(reader: Reader, why: str) -> dict:
    """The next page says so, and is page 1 of the fresh load; after it the reader holds what a newcomer holds."""
    page = reader.page()
    assert page["reset"] == why
    anew = fresh(reader.client, limit=reader.limit)
    assert page["changes"] == anew.heard[: len(page["changes"])]
    if page["more"]:
        reader.poll()
    assert reader.store == anew.store
    assert reader.page()["reset"] is None, "once"
    return page


def scope_of(world: World, code: str) -> dict[str, object]:
    place = world.places[code]
    return {"id": str(place.pk), "code": code, "level": place.level}


# --- scope -----------------------------------------------------------------------------------------------------------


def test_a_new_membership_resets_its_holder_and_nobody_else(world: World) -> None:
    there = saying.report(world, "worker2", cell=B1C + "001")
    worker, secretary = fresh(world.client("worker")), fresh(world.client("secretary"))
    Membership.objects.create(
        user=world.user("worker"), unit=world.units[B1C], role="worker", place=world.places[B1C + "001"], since=dt.date(2026, 1, 1)
    )
    page = begins_anew(worker, "scope")
    assert page["scope"] == [scope_of(world, CELL), scope_of(world, B1C + "001")]
    assert worker.of("incident") == {there}
    assert secretary.page()["reset"] is None


def test_a_membership_that_is_taken_away_resets_and_the_new_scope_is_empty(world: World) -> None:
    saying.report(world, "neighbour", cell=CELL)
    worker = fresh(world.client("worker"))
    Membership.objects.get(user=world.user("worker")).delete()
    assert begins_anew(worker, "scope")["scope"] == []
    assert worker.of("incident", "place") == set()


def test_the_city_is_named_without_a_code(world: World) -> None:
    reader = Reader(world.client("supervisor"))
    reader.cursor = "junk"
    assert reader.page()["scope"] == [{"id": None, "code": None, "level": "city"}]


def test_a_membership_that_ends_by_its_date_resets_on_that_day(world: World) -> None:
    saying.report(world, "neighbour", cell=CELL)
    today = timezone.now()
    member = Membership.objects.get(user=world.user("worker"))
    member.until = (today + dt.timedelta(days=3)).date()
    member.save(update_fields=["until"])
    reader = OnAnotherDay(world, "worker", today)
    reader.poll()
    assert len(reader.of("incident")) == 1
    reader.now = today + dt.timedelta(days=1)
    assert reader.page()["reset"] is None
    reader.now = today + dt.timedelta(days=4)
    assert reader.page()["reset"] == "scope"
    assert reader.of("incident") == set()


def test_cells_that_the_unit_manages_are_scope_and_are_named(world: World) -> None:
    there = saying.report(world, "worker2", cell=B1C + "001")
    worker = fresh(world.client("worker"))
    world.units[A1C].manages.add(world.places[B1C + "001"])
    publish_units(units=[world.units[A1C]], now=NOW)
    page = begins_anew(worker, "scope")
    assert page["scope"] == [scope_of(world, CELL), scope_of(world, B1C + "001")]
    assert worker.of("incident") == {there}
    world.units[A1C].manages.clear()
    publish_units(units=[world.units[A1C]], now=NOW)
    assert begins_anew(worker, "scope")["scope"] == [scope_of(world, CELL)]


def test_the_scope_is_named_only_with_a_reset(world: World) -> None:
    reader = Reader(world.client("worker"))
    assert "scope" not in reader.page()
    assert "scope" not in reader.page()


def test_somebody_else_s_cursor_is_another_scope(world: World) -> None:
    saying.report(world, "worker")
    mine, theirs = fresh(world.client("worker")), fresh(world.client("secretary"))
    mine.cursor = theirs.cursor
    begins_anew(mine, "scope")


def test_the_fingerprint_is_the_same_in_every_process(world: World) -> None:
    """A reader with several desks: a set's order differs from process to process."""
    import subprocess
    import sys

    for code in (A1C, B1C):
        Membership.objects.create(
            user=world.user("stranger"), unit=world.units[code], role="secretary", place=world.places[code], since=dt.date(2026, 1, 1)
        )
    scope = world.actor("stranger").scope
    program = (
        "import sys, pickle, base64\nfrom grids.scope import Area, Grant, Scope\n"
        "print(pickle.loads(base64.b64decode(sys.stdin.read())).fingerprint)"
    )
    import pickle

    sent = base64.b64encode(pickle.dumps(scope)).decode()
    found = {
        subprocess.run(
            [sys.executable, "-c", program], input=sent, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": str(seed)}
        ).stdout.strip()
        for seed in (1, 2, 3, 4)
    }  # fmt: skip
    assert found == {scope.fingerprint}


# --- epoch -----------------------------------------------------------------------------------------------------------


def test_another_epoch_resets_everybody(world: World) -> None:
    saying.report(world, "worker")
    readers = [fresh(world.client(name)) for name in ("worker", "supervisor", "stranger")]
    Head.objects.update(epoch=uuid.uuid4())
    for reader in readers:
        begins_anew(reader, "epoch")


def test_a_head_below_the_cursor_is_another_history(world: World) -> None:
    copy = copy_of_the_feed()
    saying.report(world, "worker")
    reader = fresh(world.client("worker"))
    restore(copy)
    begins_anew(reader, "epoch")


@pytest.mark.parametrize("limit", [1000, 1, 2, 3])
def test_a_history_that_was_replaced_is_found_though_its_numbers_have_overtaken_the_cursor(world: World, limit: int) -> None:
    """A backup of yesterday: the phone's commits are gone, others stand under the same numbers."""
    case = saying.report(world, "worker")
    common = fresh(world.client("worker"))
    copy = copy_of_the_feed()
    on_the_dead_branch = Reader(world.client("worker"), limit=limit)
    on_the_dead_branch.store, on_the_dead_branch.cursor = dict(common.store), common.cursor
    saying.edit(world, "worker", case, description="死枝")
    commit(*(strange("dead") for _ in range(4)))
    stops = []  # cursors at the end of commits and in the middle of one
    while on_the_dead_branch.page()["more"]:
        assert on_the_dead_branch.resets == [], "every place on this branch is known to it"
        stops.append(on_the_dead_branch.cursor)
    stops.append(on_the_dead_branch.cursor)
    restore(copy)
    commit(*(strange("other") for _ in range(3)))
    commit(*(strange("other") for _ in range(20)))
    for cursor in stops:
        reader = Reader(world.client("worker"))
        reader.cursor = cursor
        begins_anew(reader, "epoch")
    assert common.page()["reset"] is None, "who stood where both histories are one goes on"
    assert {r["text"] for (kind, _), (_, r) in common.store.items() if kind == "strange"} == {"other"}


def test_a_cursor_in_the_middle_of_a_commit_goes_on(world: World) -> None:
    reader = fresh(world.client("worker"))
    commit(*(strange(str(n)) for n in range(7)))
    reader.limit = 2
    texts = []
    for _ in range(4):
        page = reader.page()
        assert page["reset"] is None
        texts += [c["record"]["text"] for c in page["changes"]]
    assert texts == list("0123456")


def test_the_first_commit_of_all_and_an_empty_feed_are_followed(world: World) -> None:
    FeedRow.objects.all().delete()
    Commit.objects.all().delete()
    Head.objects.update(seq=0, chain="")
    reader = fresh(world.client("stranger"))
    assert reader.store == {}
    assert reader.page()["reset"] is None
    commit(strange())
    assert len(reader.page()["changes"]) == 1


# --- history ---------------------------------------------------------------------------------------------------------


def test_a_cursor_older_than_400_days_begins_anew_however_quiet_the_city_was(world: World) -> None:
    begun = timezone.now()
    reader = OnAnotherDay(world, "worker", begun)
    reader.poll()
    saying.report(world, "worker")
    reader.now = begun + dt.timedelta(days=400)
    assert reader.page()["reset"] is None
    reader.now += dt.timedelta(days=400)
    assert reader.page()["reset"] is None, "asked in time"
    reader.now += dt.timedelta(days=401)
    page = reader.page()
    assert page["reset"] == "history"
    assert page["scope"] == [scope_of(world, CELL)]
    assert len(reader.of("incident")) == 1


def test_a_first_load_of_old_records_is_no_old_cursor(world: World) -> None:
    reader = OnAnotherDay(world, "worker", timezone.now() + dt.timedelta(days=2_000), limit=10)
    reader.poll()
    assert reader.resets == []


# --- protocol --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "since",
    ["junk", "0", "-1", "null", "42", "AAAA", "漢字", "%00", "\x00", "a" * 10_000, "🙂", "'; DROP TABLE feed_head; --", "=" * 60, "_" * 60],
)  # fmt: skip
def test_what_is_no_cursor_of_ours_begins_anew(world: World, since: str) -> None:
    saying.report(world, "worker")
    reader = Reader(world.client("worker"))
    reader.cursor = since
    begins_anew(reader, "protocol")


def test_every_flipped_bit_and_every_cut_of_a_cursor_is_found(world: World) -> None:
    reader = fresh(world.client("worker"))
    good = reader.cursor
    data = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
    wrong = [good[:at] for at in range(1, len(good), 7)] + [good + "A", good + "=", " " + good, good + "\n", good.swapcase()]
    for bit in range(0, len(data) * 8, 3):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        wrong.append(base64.urlsafe_b64encode(flipped).decode().rstrip("="))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    wrong += [good[:-1] + sign for sign in alphabet if sign != good[-1]]
    for text in wrong:
        reader.cursor = text
        page = reader.ask(limit=1)
        assert page["reset"] == "protocol", text
    answer = reader.client.get(DIGEST, {"at": wrong[-1]})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")


def test_after_a_reset_the_old_store_is_replaced_by_what_is_there_now(world: World) -> None:
    mine, away = saying.report(world, "worker"), saying.report(world, "stranger")
    reader = fresh(world.client("worker"))
    saying.move(world, "secretary", away, NEXT_CELL)
    reader.cursor = "junk"
    begins_anew(reader, "protocol")
    assert reader.of("incident") == {mine}
    assert not any(c.get("gone") for c in reader.heard[-200:]), "a fresh load names nothing that is gone"
