"""Pages of the feed (protocol §4): one row a record at its last change, ascending, limits, where the cursor stands, statements."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gridgov.feed.models import FeedRow, Head
from tests.sync import saying
from tests.sync.feeding import commit, strange
from tests.sync.following import CHANGES, Reader, fresh
from tests.world import A1C, B1C, CELL, NEXT_CELL, World


def test_a_record_stands_once_at_its_last_change_with_its_newest_state(world: World) -> None:
    case = saying.report(world, "worker")
    first = FeedRow.objects.get(type="incident", rid=case).seq
    for text in ("一", "二", "三"):
        saying.edit(world, "secretary", case, description=text)
    reader = fresh(world.client("worker"))
    told = reader.told("incident", case)
    assert len(told) == 1
    assert told[0]["record"]["description"] == "三"
    assert told[0]["record"]["version"] == 4
    assert told[0]["seq"] > first
    assert FeedRow.objects.filter(rid=case).count() == 1
    assert len(reader.of("event")) == 4, "history is the events"


def test_ops_of_one_push_that_change_the_same_record_share_its_one_position(world: World) -> None:
    op = saying.report_op(world)
    base = {"description": op["description"]}
    edits = saying.op("incident.edit", incident=op["incident"], base_version=1, base=base, fields={"description": "新"})
    answers = saying.said(world, "worker", op, edits)
    row = FeedRow.objects.get(type="incident", rid=op["incident"])
    assert [a.version for a in answers] == [1, 2]
    assert all(a.seq is not None and a.seq >= row.seq for a in answers)
    assert Head.objects.get().seq == max(a.seq or 0 for a in answers)


def test_the_answer_s_seq_is_the_highest_position_of_what_the_op_changed(world: World) -> None:
    answer = saying.said(world, "worker", saying.report_op(world, photos=2))[0]
    reader = fresh(world.client("worker"))
    positions = [seq for (kind, _), (seq, _) in reader.store.items() if kind in ("incident", "event", "photo")]
    assert answer.seq == max(positions)


def test_with_more_false_the_cursor_stands_at_the_head_though_nothing_was_in_scope(world: World) -> None:
    reader = fresh(world.client("worker"))
    before = reader.cursor
    for _ in range(3):
        saying.report(world, "worker2", cell=B1C + "001")
    page = reader.page()
    assert (page["changes"], page["more"], page["reset"]) == ([], False, None)
    assert page["stored_seq"] == Head.objects.get().seq
    assert reader.cursor != before
    assert reader.page()["changes"] == []


def test_an_empty_poll_changes_nothing(world: World) -> None:
    reader = fresh(world.client("worker"))
    cursor, store = reader.cursor, dict(reader.store)
    page = reader.page()
    assert page["changes"] == []
    assert (reader.cursor, reader.store) == (cursor, store)


def test_since_absent_and_empty_are_the_first_load(world: World) -> None:
    saying.report(world, "worker")
    client = world.client("worker")
    absent, empty = (json.loads(client.get(CHANGES, query).content) for query in ({}, {"since": ""}))
    assert absent["changes"] == empty["changes"]
    assert absent["reset"] is empty["reset"] is None
    assert "scope" not in absent


def test_a_page_has_500_unless_asked_and_never_more_than_1000(world: World) -> None:
    commit(*(strange() for _ in range(1_100)))
    client = world.client("stranger")
    for query, expected in (({}, 500), ({"limit": "7"}, 7), ({"limit": "1000"}, 1000), ({"limit": "999999"}, 1000)):
        page = json.loads(client.get(CHANGES, query).content)
        assert (len(page["changes"]), page["more"]) == (expected, True), query


def test_a_page_of_exactly_what_there_is_says_that_there_is_no_more(world: World) -> None:
    reader = fresh(world.client("stranger"))
    commit(*(strange() for _ in range(10)))
    reader.limit = 10
    page = reader.page()
    assert (len(page["changes"]), page["more"]) == (10, False)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "１０", "1e3", " 5", "9" * 30])
def test_a_limit_that_is_no_number_is_a_bad_query(world: World, limit: str) -> None:
    answer = world.client("worker").get(CHANGES, {"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_query")


def test_a_page_ends_at_one_mebibyte_of_what_goes_out_and_says_that_there_is_more(world: World) -> None:
    reader = fresh(world.client("stranger"))
    commit(*(strange("漢" * 10_000) for _ in range(80)))  # 30 kB each, 2.4 MB in all
    sizes, seen = [], 0
    while True:
        raw = reader.client.get(CHANGES, {"since": reader.cursor, "limit": 1000})
        sizes.append(len(raw.content))
        page = reader.page()
        seen += len(page["changes"])
        if not page["more"]:
            break
    assert seen == 80
    assert max(sizes) < 1024 * 1024 + 2_000
    assert len(sizes) == 3


def test_small_pages_give_what_one_large_page_gives(world: World) -> None:
    for cell in (CELL, NEXT_CELL, CELL):
        saying.move(world, "secretary", saying.report(world, "worker", photos=1), cell)
    for name in ("worker", "secretary", "stranger"):
        whole = fresh(world.client(name))
        for limit in (1, 2, 3, 17):
            assert fresh(world.client(name), limit=limit).store == whole.store


def test_a_first_page_full_of_what_is_gone_does_not_end_the_load(world: World) -> None:
    """What went before the load began is left out; the pages must go on behind it all the same."""
    cases = [saying.report(world, "stranger") for _ in range(6)]
    for case in cases:
        saying.move(world, "secretary", case, B1C + "001")
    stays = saying.report(world, "worker")
    for limit in (1, 2, 3):
        reader = fresh(world.client("worker"), limit=limit)
        assert reader.of("incident") == {stays}


def test_unknown_types_are_given_like_all_others(world: World) -> None:
    row = strange("?")
    head = commit(row)
    reader = fresh(world.client("worker"))
    assert reader.store["strange", row.rid] == (head, {"id": row.rid, "text": "?"})
    assert reader.digest() == reader.own_digest()


def test_only_get_is_answered_and_only_a_known_version_of_the_protocol(world: World) -> None:
    client = world.client("worker")
    answer = client.post(CHANGES, {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"], answer["Allow"]) == (405, "method_not_allowed", "GET")
    answer = client.get(CHANGES, headers={"Gridgov-Protocol": "2"})
    assert (answer.status_code, answer.json()["code"], answer.json()["supported"]) == (426, "protocol_unknown", [1])
    assert client.get(CHANGES, headers={"Gridgov-Protocol": "1"}).status_code == 200
    answer = world.client(None).get(CHANGES)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert "WWW-Authenticate" in answer


# --- statements ------------------------------------------------------------------------------------------------------


def statements(client, **query: str) -> tuple[int, dict]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(CHANGES, query)
    assert answer.status_code == 200
    return len(asked), json.loads(answer.content)


@pytest.mark.parametrize("name", ["worker", "secretary", "supervisor", "stranger"])
@pytest.mark.parametrize("how", ["token", "session"])
def test_an_empty_poll_is_three_statements_at_most_the_login_s_among_them(world: World, name: str, how: str) -> None:
    saying.report(world, "worker")
    client = world.client(name) if how == "token" else world.browser(name)
    reader = Reader(client)
    reader.poll()
    count, page = statements(client, since=reader.cursor)
    assert page["changes"] == []
    assert 1 <= count <= 3


def test_a_page_of_a_thousand_changes_is_twelve_statements_at_most(world: World) -> None:
    """With moved cases among them, of which some are still seen, at a place in the middle of a commit."""
    reader = fresh(world.client("supervisor"))
    beside = fresh(world.client("operator"))
    for cell in (NEXT_CELL, B1C + "001"):
        saying.move(world, "secretary", saying.report(world, "worker", photos=1), cell)
    commit(*(strange() for _ in range(1_500)))
    for follower in (reader, beside):
        follower.client.get("/api/v1/me")
        count, page = statements(follower.client, since=follower.cursor, limit="1000")
        assert (len(page["changes"]) >= 990, page["more"]) == (True, True)
        assert count <= 12


def test_the_statements_of_a_page_do_not_grow_with_its_changes(world: World) -> None:
    reader = fresh(world.client("worker"))
    commit(strange())
    few, _ = statements(reader.client, since=reader.cursor)
    commit(*(strange() for _ in range(400)))
    many, page = statements(reader.client, since=reader.cursor)
    assert len(page["changes"]) == 401
    assert many == few


def test_an_empty_commit_does_not_move_the_head_and_resets_nobody(world: World) -> None:
    from grids.actions import publish_units
    from tests.world import NOW

    reader = fresh(world.client("worker"))
    seq = Head.objects.get().seq
    for _ in range(2):
        publish_units(units=[], now=NOW)
    assert Head.objects.get().seq == seq
    assert reader.page()["reset"] is None
    publish_units(units=[world.units[A1C]], now=NOW)
    assert [c["type"] for c in reader.page()["changes"]] == ["unit"]
