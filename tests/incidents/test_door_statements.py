"""How many statements a push takes (issue 3, figures): at most 25, whatever the number of ops; 200 edits as few as one, plus 5."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.incidents.pushing import Hand, Json, act, add_photo, comment, edit, op, photo, report, resolve
from tests.world import A1N, B1C, CELL, NEXT_CELL, World

MOST = 25


@pytest.fixture
def hand(world: World) -> Hand:
    return Hand(world)


def statements(world: World, name: str, ops: list[Json]) -> int:
    """What a whole request takes, with a warm process."""
    client = world.client(name)
    client.post("/api/v1/sync/ops", {"ops": []}, content_type="application/json")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.post("/api/v1/sync/ops", {"ops": ops}, content_type="application/json")
    outcomes = {a["outcome"] for a in response.json()["answers"]}
    assert outcomes <= {"applied", "merged", "conflict"}, response.json()["answers"][0]
    return len(queries)


def _reports(hand: Hand, n: int) -> list[Json]:
    return [report(hand.world, (CELL, NEXT_CELL, A1N + "001", B1C + "001")[i % 4], photos=[photo()]) for i in range(n)]


def _edits(hand: Hand, n: int) -> list[Json]:
    keys = [hand.reported() for _ in range(n)]
    hand.push("operator", [edit(key, 1, urgent=(False, True)) for key in keys])
    return [edit(key, 1, description=("litter", "x")) for key in keys]


def _one_case(hand: Hand, n: int) -> list[Json]:
    key = hand.reported()
    return [edit(key, i + 1, description=(str(i) if i else "litter", str(i + 1))) for i in range(n)]


def _moves(hand: Hand, n: int) -> list[Json]:
    keys = [hand.reported() for _ in range(n)]
    hand.push("secretary", [comment(key) for key in keys])
    return [edit(key, 1, position=(hand.world.position(CELL), hand.world.position(A1N + "001"))) for key in keys]


def _mixed(hand: Hand, n: int) -> list[Json]:
    open_case, closed = hand.in_state("resolved"), hand.in_state("closed")
    shot = photo()
    mine = hand.reported(by="secretary", photos=[shot])
    found: list[Json] = []
    for i in range(max(1, n // 8)):
        fresh = report(hand.world, photos=[photo()])
        key = hand.reported()
        (parked,) = hand.one("worker", edit(key, 1, description=("never", "x")))["conflicts"]
        hand.one("former", comment(key))
        found += [
            fresh, comment(fresh["incident"], after=[fresh["op_id"]]), add_photo(closed), comment(closed, to=str(hand.world.user("worker").pk)),
            edit(open_case, 3, address=(None if i == 0 else str(i), str(i + 1))), resolve(parked["id"], "client", 1), act(key, 2, "register"),
            edit(mine, 1, description=("other", "y")),
        ]  # fmt: skip
    return [*found[: n - 1], op("photo.withdraw", photo=shot["photo"])]


@pytest.mark.parametrize("make", [_reports, _edits, _one_case, _moves, _mixed], ids=["reports", "edits", "one case", "moves", "mixed"])
def test_a_push_takes_at_most_25_statements_and_200_ops_no_more_than_a_few_more_than_one(
    hand: Hand, make: Callable[[Hand, int], list[Json]]
) -> None:
    name = "secretary" if make in (_moves, _mixed) else "worker"
    one = statements(hand.world, name, make(hand, 1))
    many = statements(hand.world, name, make(hand, 200))
    assert many <= MOST
    assert many <= (one + 5 if make is not _mixed else MOST)


def test_a_push_that_is_sent_again_takes_no_more(hand: Hand) -> None:
    ops = _reports(hand, 200)
    first = statements(hand.world, "worker", ops)
    assert statements(hand.world, "worker", ops) <= first


def test_what_is_counted_is_what_is_sent(hand: Hand) -> None:
    """The statements of the hot path stand in the log that this test reads."""
    with CaptureQueriesContext(connection) as queries:
        hand.reported()
    log = " ".join(query["sql"] for query in queries)
    for table in ("grids_user", "incidents_receipt", "incidents_incident", "incidents_event", "feed_feedrow", "feed_head"):
        assert table in log
