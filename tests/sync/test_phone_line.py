"""The Python phone on a bad line: nothing but an answer takes an op out of the queue (protocol §2, reliability P8–P10, L9)."""

import json
from typing import Any

import pytest

from sync.phone import LineDown, Phone, Reply
from tests.sync.scripted import USER, Clock, Scripted, as_json, empty_page, phone, problem

POSITION = {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}


def report(made: Phone, **more: Any) -> dict[str, Any]:
    return made.report(category="0102", position=POSITION, description="井盖缺失", **more)


@pytest.mark.parametrize("status", [*range(400, 452), 460, *range(500, 512), 599])
def test_no_status_from_400_to_599_takes_anything_out_of_the_queue(status: int) -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    line.push = lambda sent: Reply(status, {"content-type": "text/html"}, b"<h1>sorry</h1>")
    assert made.sync().trouble
    assert len(made.shelf.queue) == 1


@pytest.mark.parametrize(
    "portal",
    [
        Reply(200, {"content-type": "text/html"}, b"<h1>Welcome to our WLAN</h1>"),
        Reply(200, {"content-type": "application/json"}, b"<h1>"),
        as_json(200, {"ok": True}),
        as_json(200, {"answers": [{"op_id": "another", "outcome": "applied"}]}),
        as_json(200, {"answers": []}),
        as_json(200, ["applied"]),
    ],
)
def test_a_captive_portals_200_is_no_answer(portal: Reply) -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    line.push = lambda sent: portal
    assert made.sync().trouble == "portal"
    assert len(made.shelf.queue) == 1


def test_a_lost_answer_sends_the_same_op_again() -> None:
    line = Scripted()
    made = phone(line)
    op = report(made)

    def lose(sent: dict[str, Any]) -> Reply:
        raise LineDown("gone")

    line.push = lose
    assert made.sync().trouble == "line"
    line.push = None
    assert [one.op for one in made.sync().settled] == [op]
    assert line.pushed[0]["ops"] == line.pushed[1]["ops"]


def test_a_401_asks_for_a_login_and_keeps_the_queue_for_it() -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    line.push = lambda sent: problem(401, "not_authenticated")
    made.sync()
    assert made.needs_login and len(made.shelf.queue) == 1
    line.push = None
    made.log_in("worker", "secret")
    assert len(made.sync().settled) == 1


def test_a_closed_account_takes_what_it_names_and_asks_for_its_photos() -> None:
    line = Scripted()
    made = phone(line)
    first, second = report(made, pictures=[b"one"]), report(made, pictures=[b"two"])
    digest = first["photos"][0]["sha256"]
    line.push = lambda sent: problem(403, "account_closed", taken=[first["op_id"]], missing_photos=[digest])
    made.sync()
    assert [one.op_id for one in made.shelf.queue.waiting] == [second["op_id"]]
    assert [one.sha256 for one in made.shelf.album.due(made.clock())] == [digest]


def test_a_phone_that_was_reported_lost_wipes_itself() -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    line.push = lambda sent: problem(403, "device_revoked")
    made.sync()
    assert made.shelves == {} and made.api.token is None


def test_ops_belong_to_their_author_and_wait_for_them() -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    made.shelves["other"] = made.shelves.pop(USER)
    made.log_in("worker2", "secret")
    made.sync()
    assert line.pushed == [] and len(made.shelves["other"].queue) == 1


def test_a_push_that_is_too_large_is_halved() -> None:
    line = Scripted()
    made = phone(line)
    for _ in range(100):
        report(made)
    line.push = lambda sent: problem(413, "too_large") if len(sent["ops"]) > 30 else line.applied(sent)
    assert len(made.sync().settled) == 100
    assert [len(one["ops"]) for one in line.pushed] == [100, 100, 50, 25, 25, 25, 25]


def test_the_phone_tells_what_it_holds_before_the_push_is_answered() -> None:
    line = Scripted()
    made = phone(line)
    report(made, pictures=[b"a", b"b"])
    made.comment(report(made)["incident"], "再看一次")
    made.sync()
    assert (line.pushed[0]["queued"], line.pushed[0]["photos_waiting"]) == (3, 2)


@pytest.mark.parametrize(("reset", "again"), [("epoch", True), ("history", True), ("scope", False), ("protocol", False)])
def test_after_a_reset_of_the_history_what_is_not_safe_goes_out_again(reset: str, again: bool) -> None:
    line = Scripted()
    made = phone(line)
    op = report(made)
    made.sync()
    made.api.get = _with_me(made.api.get)  # type: ignore[method-assign]
    line.page = lambda: as_json(200, empty_page(reset=reset, scope=[]))
    made.sync()
    assert [one.op for one in made.shelf.queue.waiting] == ([op] if again else [])


def _with_me(get: Any) -> Any:
    return lambda path, **params: {"memberships": []} if path == "me" else get(path, **params)


def test_what_the_server_calls_safe_is_let_go() -> None:
    line = Scripted()
    made = phone(line)
    report(made)
    made.sync()
    assert len(made.shelf.ledger) == 1
    line.page = lambda: as_json(200, empty_page(safe_seq=100))
    made.sync()
    assert len(made.shelf.ledger) == 0


def test_the_screen_shows_the_servers_record_and_the_users_own_waiting_ops() -> None:
    line = Scripted()
    made = phone(line)
    record = {"id": "i", "version": 4, "description": "旧", "urgent": False}
    change = {"seq": 1, "type": "incident", "id": "i", "record": record}
    line.page = lambda: as_json(200, empty_page(changes=[change]))
    made.sync()
    made.edit("i", {"description": "新"})
    second = made.edit("i", {"description": "更新"})
    assert made.shelf.view("i") == record | {"description": "更新"}
    assert (second["base"], second["base_version"]) == ({"description": "新"}, 4)
    assert made.shelf.store.get("incident", "i") == record


def test_after_failures_the_line_rests_longer_and_a_whole_round_ends_the_rest() -> None:
    line, clock = Scripted(), Clock()
    made = phone(line, clock)
    report(made)
    line.push = lambda sent: Reply(503, {"retry-after": "40", "content-type": "text/html"}, b"")
    made.sync()
    assert made.wakes_at() is not None and (made.wakes_at() or 0) >= clock.now + 40
    line.push = None
    made.sync()
    assert made.rests_until == 0.0 and made.failures == 0


def test_a_phone_that_is_switched_off_and_on_goes_on_with_everything() -> None:
    line = Scripted()
    made = phone(line)
    report(made, pictures=[b"picture"])
    dumped = json.dumps(made.shelf.dump())
    later = phone(line)
    later.shelves[USER] = type(made.shelf).load(json.loads(dumped))
    done = later.sync()
    assert len(done.settled) == 1 and len(done.uploaded) == 1
    assert bytes(line.tus.stored) == b"picture"
