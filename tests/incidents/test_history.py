"""The log of a case (issue 3, spine): numbered without gaps, chained by hash, readable from the rows alone; words can be erased."""

import hashlib
from typing import Any

import msgspec
import pytest

from gridgov.feed.models import Commit, Head
from incidents.models import Event, EventContent, Incident
from tests.incidents.pushing import Hand, act, add_photo, comment, edit, photo, report, resolve
from tests.world import World

# What the hash of an event covers: all of its row but the hash, in the order of the columns.
COVERED = (
    "id incident n type by_user by_unit by_role at received_at clock_ahead op_id version fields from_state to_state reason visibility via content_hash"
).split()


def plain(value: Any) -> Any:
    """A value of a row as it is written into the chain."""
    return str(value) if hasattr(value, "hex") and hasattr(value, "version") else value


def hash_of(before: str, event: Event) -> str:
    values = [plain(getattr(event, name)) for name in COVERED]
    return hashlib.sha256(before.encode() + msgspec.json.encode(values)).hexdigest()


def content_hash_of(content: EventContent) -> str:
    return hashlib.sha256(content.salt.encode() + msgspec.json.encode([content.text, content.changes], order="sorted")).hexdigest()


@pytest.fixture
def hand(world: World) -> Hand:
    """With three cases that have seen something of everything."""
    made = Hand(world)
    for _ in range(2):
        key = made.in_state("closed", photos=[photo()])
        made.push("worker", [comment(key, "later"), add_photo(key), edit(key, 1, description=("litter", "x"))])
        made.does("supervisor", key, ("reopen", {"sentence": "There again."}))
    key = made.reported(at="2026-05-04T09:12:31.123456+08:00", answers={"b": 1, "a": [1.5]})
    made.one(
        "secretary",
        edit(key, 1, answers=({"a": [1.5], "b": 1}, {"z": 1, "y": {"b": 1, "a": 2}}), occurred_at=(None, "2026-05-04T01:00:00.5Z")),
    )
    (conflict,) = made.one("worker", edit(key, 1, description=("never", "x")))["conflicts"]
    made.push("secretary", [resolve(conflict["id"], "client", 2), act(key, 3, "register"), comment(key, "垃圾", visibility="public")])
    return made


def test_events_are_numbered_from_one_without_a_gap_and_each_holds_the_hash_of_the_one_before(hand: Hand) -> None:
    for case in Incident.objects.all():
        before = ""
        events = list(Event.objects.filter(incident=case.pk).order_by("n"))
        assert [event.n for event in events] == list(range(1, case.n + 1))
        for event in events:
            assert event.hash == hash_of(before, event), event
            before = event.hash
        assert case.last_hash == before


def test_words_are_hashed_with_a_salt_of_their_own(hand: Hand) -> None:
    contents = list(EventContent.objects.all())
    assert len(contents) > 5
    for content in contents:
        assert Event.objects.get(pk=content.event).content_hash == content_hash_of(content)
    assert len({content.salt for content in contents}) == len(contents)
    assert all(len(content.salt) == 32 for content in contents)
    # An event without words has no hash of any.
    assert set(Event.objects.filter(content_hash=None).values_list("pk", flat=True)).isdisjoint(c.event for c in contents)


def test_words_that_are_erased_leave_the_chain_as_it_was(hand: Hand) -> None:
    EventContent.objects.all().delete()
    test_events_are_numbered_from_one_without_a_gap_and_each_holds_the_hash_of_the_one_before(hand)


@pytest.mark.parametrize(
    "change", [{"by_user": None}, {"type": "close"}, {"n": 99}, {"reason": "x"}, {"content_hash": None}, {"visibility": "internal"}]
)
def test_whatever_is_changed_in_a_row_breaks_its_hash(hand: Hand, change: dict[str, Any]) -> None:
    event = Event.objects.filter(type="reopen").first()
    assert event is not None
    before = Event.objects.get(incident=event.incident, n=event.n - 1).hash
    for name, value in change.items():
        setattr(event, name, value)
    assert event.hash != hash_of(before, event)


def test_the_events_of_all_cases_are_bound_by_the_chain_of_commits(hand: Hand) -> None:
    """Each commit that moved the feed hashes what was before, its position, a nonce and the events that it stored."""
    chain, hashes = "", []
    for commit in Commit.objects.order_by("seq"):
        chain = hashlib.sha256((chain + str(commit.seq) + commit.nonce + commit.events).encode()).hexdigest()
        assert commit.chain == chain, commit.seq
        hashes += [commit.events[i : i + 64] for i in range(0, len(commit.events), 64)]
    assert Head.objects.get().chain == chain
    assert sorted(hashes) == sorted(Event.objects.values_list("hash", flat=True))
    assert len(hashes) == len(set(hashes))


def test_an_addition_to_an_archived_case_is_bound_too_and_stays_out_of_the_feed(hand: Hand, world: World) -> None:
    from django.utils import timezone

    key = hand.in_state("closed")
    Incident.objects.filter(pk=key).update(archived_at=timezone.now())
    page = world.client("secretary").get("/api/v1/sync/changes?limit=1000").json()
    answers = hand.push("secretary", [comment(key, "after all"), add_photo(key)])
    assert [a["outcome"] for a in answers] == ["applied", "applied"]
    test_the_events_of_all_cases_are_bound_by_the_chain_of_commits(hand)
    more = world.client("secretary").get("/api/v1/sync/changes", {"since": page["cursor"]}).json()
    assert more["changes"] == []
    texts = [e["text"] for e in world.client("secretary").get(f"/api/v1/incidents/{key}/").json()["events"]]
    assert "after all" in texts


def test_who_did_what_when_and_in_which_role(hand: Hand, world: World) -> None:
    key = hand.reported(at="2020-01-01T00:00:00Z")
    hand.does("operator", key, ("register", {}))
    hand.one("supervisor", comment(key))
    rows = (
        Event.objects.filter(incident=key)
        .order_by("n")
        .values_list("type", "by_user", "by_unit", "by_role", "version", "from_state", "to_state")
    )
    assert list(rows) == [
        ("submit", world.user("worker").pk, world.units["610104001001"].pk, "worker", 1, None, "reported"),
        ("register", world.user("operator").pk, world.units["610104001"].pk, "operator", 2, "reported", "registered"),
        ("comment", world.user("supervisor").pk, world.units[""].pk, "supervisor", 2, None, None),
    ]
    first = Event.objects.get(incident=key, n=1)
    assert (first.at.year, first.received_at == Incident.objects.get(pk=key).received_at) == (2020, True)


def test_an_op_that_changes_nothing_leaves_no_event(hand: Hand) -> None:
    key = hand.reported()
    hand.push("worker", [edit(key, 1, description=("litter", "litter")), edit(key, 1, description=("never", "x"))])
    assert Event.objects.filter(incident=key).count() == 1


def test_the_database_holds_the_numbers_of_a_case_apart(hand: Hand, world: World) -> None:
    from django.db import IntegrityError, transaction

    event = Event.objects.filter(n=1).first()
    assert event is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.filter(pk=event.pk).update(n=2)
    assert hand.one("worker", report(world))["outcome"] == "applied"
