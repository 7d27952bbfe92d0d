"""The feed as a phone keeps it: protocol §4's rules for pages, `gone`, `reset` and the digest. No server."""

import hashlib
import json
from typing import Any

import pytest

from sync.phone.store import NotAPage, Store

ME = "me"


def change(seq: int, kind: str, ident: str, **record: Any) -> dict[str, Any]:
    return {"seq": seq, "type": kind, "id": ident, "record": {"id": ident, **record}}


def gone(seq: int, kind: str, ident: str, why: str = "scope") -> dict[str, Any]:
    return {"seq": seq, "type": kind, "id": ident, "gone": True, "why": why}


def page(*changes: dict[str, Any], cursor: str = "c", more: bool = False, **rest: Any) -> dict[str, Any]:
    return {"changes": list(changes), "cursor": cursor, "more": more, "reset": None} | rest


def follow(store: Store, *pages: dict[str, Any], now: float = 0.0) -> Store:
    for one in pages:
        store.apply(page=one, me=ME, now=now)
    return store


def test_a_record_is_replaced_by_its_newest_state_and_never_merged() -> None:
    store = follow(Store(), page(change(1, "incident", "i", version=1, urgent=True)), page(change(5, "incident", "i", version=2)))
    assert store.get("incident", "i") == {"id": "i", "version": 2}


def test_an_incident_that_goes_takes_events_photos_and_assignments_and_leaves_conflicts_and_notices() -> None:
    hanging = [change(seq, kind, kind, incident="i") for seq, kind in enumerate(["event", "photo", "assignment", "conflict", "notice"], 2)]
    store = follow(Store(), page(change(1, "incident", "i"), *hanging), page(gone(9, "incident", "i")))
    assert sorted(kind for kind, _ in store.first.rows) == ["conflict", "notice"]


def test_a_check_that_was_given_to_the_reader_outlives_its_incident_and_anothers_does_not() -> None:
    checks = [
        change(2, "check", "mine", incident="i", worker=ME),
        change(3, "check", "theirs", incident="i", worker="x"),
    ]
    store = follow(Store(), page(change(1, "incident", "i"), *checks), page(gone(4, "incident", "i")))
    assert [one["id"] for one in store.all("check")] == ["mine"]


def test_a_child_that_comes_before_its_incident_is_kept_and_shown_once_the_incident_is_there() -> None:
    store = follow(Store(), page(change(1, "event", "e", incident="i"), more=True))
    assert store.all("event") == []
    follow(store, page(change(2, "incident", "i"), cursor="d"))
    assert [one["id"] for one in store.all("event")] == ["e"]


def test_of_an_unknown_type_the_place_is_kept_and_the_rest_ignored() -> None:
    store = follow(Store(), page(change(7, "weather", "w", rain=True)))
    assert store.get("weather", "w") is None
    assert store.first.digest() == (1, hashlib.sha256(b"weather w 7\n").hexdigest())


def test_the_digest_is_over_the_lines_sorted_as_bytes() -> None:
    store = follow(Store(), page(change(9, "incident", "b"), change(10, "event", "a"), change(11, "incident", "B")))
    lines = b"event a 10\nincident B 11\nincident b 9\n"
    assert store.first.digest() == (3, hashlib.sha256(lines).hexdigest())


def test_what_has_gone_does_not_count_in_the_digest() -> None:
    store = follow(Store(), page(change(1, "incident", "i")), page(gone(2, "incident", "i", "archived")))
    assert store.first.digest() == (0, hashlib.sha256(b"").hexdigest())


def test_during_a_fresh_load_the_old_copy_is_shown_until_the_last_page() -> None:
    old = page(change(1, "incident", "old", cell={"code": "6101"}, by={"user": "x"}))
    first = page(change(1, "incident", "new"), cursor="p1", more=True, reset="epoch", scope=[{"code": "61", "level": "city"}])
    store = follow(Store(), old, first)
    assert store.get("incident", "old") and not store.get("incident", "new")
    assert store.since == "p1"
    follow(store, page(cursor="p2"))
    assert store.get("incident", "new") and not store.get("incident", "old")


def test_after_a_reset_what_lies_outside_the_new_scope_is_deleted_before_page_two() -> None:
    cases = [
        change(1, "incident", "inside", cell={"code": "610104001001001"}, by={"user": "x"}),
        change(2, "incident", "outside", cell={"code": "610105001001001"}, by={"user": "x"}),
        change(3, "incident", "reported by me", cell={"code": "610105001001001"}, by={"user": ME}),
        change(4, "event", "e", incident="outside"),
        change(5, "conflict", "k", incident="outside"),
    ]
    told = page(more=True, reset="scope", scope=[{"id": "1", "code": "610104001001", "level": "community"}])
    store = follow(Store(), page(*cases), told)
    assert sorted(ident for _, ident in store.first.rows) == ["inside", "reported by me"]


def test_a_reader_of_the_whole_city_loses_nothing_before_page_two() -> None:
    told = page(more=True, reset="scope", scope=[{"id": "1", "code": None, "level": "city"}])
    store = follow(Store(), page(change(1, "incident", "i", cell={"code": "610104001001001"})), told)
    assert store.get("incident", "i")


def test_a_reset_in_the_middle_of_a_fresh_load_starts_the_load_again() -> None:
    store = follow(
        Store(),
        page(change(1, "incident", "a"), cursor="1", more=True, reset="epoch"),
        page(change(1, "incident", "b"), cursor="2", more=True, reset="epoch"),
        page(change(2, "incident", "c"), cursor="3"),
    )
    assert sorted(ident for _, ident in store.first.rows) == ["b", "c"]


def test_three_resets_within_an_hour_are_too_many_and_three_in_a_day_are_not() -> None:
    quick, slow = Store(), Store()
    for n in range(3):
        follow(quick, page(reset="epoch"), now=n * 600.0)
        follow(slow, page(reset="epoch"), now=n * 28_000.0)
    assert quick.too_many_resets(1200.0)
    assert not slow.too_many_resets(56_000.0)


def test_the_second_copy_survives_a_restart_of_the_phone() -> None:
    store = follow(Store(), page(change(1, "incident", "a"), cursor="p1", more=True, reset="epoch"))
    again = Store.load(json.loads(json.dumps(store.dump())))
    assert again.since == "p1"
    follow(again, page(change(2, "event", "e", incident="a"), cursor="p2"))
    assert [one["id"] for one in again.all("event")] == ["e"]


@pytest.mark.parametrize(
    "portal",
    [
        None,
        {},
        {"changes": [], "cursor": "c"},
        {"changes": {}, "cursor": "c", "more": False},
        {"changes": [{"id": "x"}], "cursor": "c", "more": False},
        {"changes": [], "cursor": None, "more": False},
    ],
)
def test_what_is_no_page_changes_nothing(portal: Any) -> None:
    store = follow(Store(), page(change(1, "incident", "i"), cursor="before"))
    with pytest.raises(NotAPage):
        store.apply(page=portal, me=ME, now=0.0)
    assert store.since == "before" and store.get("incident", "i")


def test_a_page_that_leads_nowhere_is_no_page() -> None:
    store = follow(Store(), page(cursor="same"))
    with pytest.raises(NotAPage):
        store.apply(page=page(cursor="same", more=True), me=ME, now=0.0)


def test_a_change_out_of_order_is_noted_against_the_server() -> None:
    store = follow(Store(), page(change(5, "incident", "a"), change(4, "incident", "b")))
    assert len(store.oddities) == 1
