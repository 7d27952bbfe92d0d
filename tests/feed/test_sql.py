"""The raw statement: named parameters, lists as arrays, counted like Django's own; the same on both databases."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridgov.feed.sql import any_of, in_order, is_postgres, run, same
from tests.world import CAST, World

HARD = ["漢字", "\U0001f6b0", "it's", '"', "\\", "{}", ",", "NULL", "null", "", " ", "%s", "$1", "a\nb", "\u202e"]


def test_texts_come_back_as_they_were_alone_and_in_lists(db: None) -> None:
    cast = "::text" if is_postgres() else ""
    for text in HARD:
        assert run(f"SELECT %(text)s{cast}", {"text": text}) == [(text,)]
    if is_postgres():
        found = run("SELECT x FROM unnest(%(texts)s::text[]) AS u(x)", {"texts": HARD})
    else:
        found = run("SELECT value FROM json_each(%(texts)s)", {"texts": HARD})
    assert [row[0] for row in found] == HARD


def test_a_column_is_one_of_a_list_and_none_of_an_empty_one(world: World) -> None:
    names = {str(user.pk): name for name, user in world.people.items()}
    query = f"SELECT username FROM grids_user WHERE {any_of('id', 'ids')}"
    assert {row[0] for row in run(query, {"ids": list(names)})} == set(CAST)
    assert run(query, {"ids": []}) == []
    assert run(query, {"ids": [str(uuid.uuid4())]}) == []
    by_name = f"SELECT username FROM grids_user WHERE {any_of('username', 'names', 'text')}"
    assert {row[0] for row in run(by_name, {"names": ["worker", "nobody", "' OR 1=1 --"]})} == {"worker"}


def test_a_column_equals_a_parameter(world: World) -> None:
    worker = world.user("worker")
    assert run(f"SELECT username FROM grids_user WHERE {same('id', 'id')}", {"id": str(worker.pk)}) == [("worker",)]
    assert run(f"SELECT username FROM grids_user WHERE {same('username', 'name', 'text')}", {"name": "worker"}) == [("worker",)]


def test_a_name_may_stand_twice_and_a_per_cent_sign_is_doubled(db: None) -> None:
    kind = "::int" if is_postgres() else ""
    assert run(f"SELECT %(n)s{kind} + %(n)s{kind}, 7 %% 4", {"n": 2}) == [(4, 3)]


def test_a_missing_parameter_is_an_error_and_nothing_is_sent(db: None) -> None:
    with pytest.raises(Exception):
        run("SELECT %(there)s", {"not_there": 1})


def test_what_returns_nothing_is_an_empty_list(world: World) -> None:
    assert run("UPDATE feed_head SET safe_seq = safe_seq WHERE id = 1", {}) == []


def test_a_statement_is_counted(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        run("SELECT 1", {})
    assert len(asked) == 1
    assert "SELECT 1" in asked[0]["sql"]


def test_locks_are_taken_in_one_order() -> None:
    assert in_order(["b", "a", "b", "c"]) == ["a", "b", "c"]
