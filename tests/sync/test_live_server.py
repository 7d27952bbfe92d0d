"""Sockets of real servers, one process and several: what an HTTP push commits is told to whom it concerns, through any process."""

import contextlib
import json
import uuid
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests import left_out
from tests.browser.api import Colleague
from tests.running import PASSWORD, Server, running

AT = {"lng": 108.9157698, "lat": 34.3267206, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}  # inside the worker's community


def _open(stack: contextlib.ExitStack, server: Server, who: Colleague | None, address: str = "/ws/changes/") -> ClientConnection:
    headers = {"Authorization": f"Token {who.token}"} if who else {}
    return stack.enter_context(connect(f"ws://127.0.0.1:{server.port}{address}", additional_headers=headers, open_timeout=10))


def _said(line: ClientConnection) -> Any:
    return json.loads(line.recv(timeout=15))


def _told(line: ClientConnection, seq: int) -> None:
    """Wait until that position is told; earlier ones may come before it."""
    while _said(line)["seq"] < seq:
        pass


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_push_is_told_to_readers_in_every_process_and_to_nobody_else(kind: str) -> None:
    redis = left_out.redis_url() if kind == "postgres" else None
    if kind == "postgres" and redis is None:
        return
    with left_out.database_of_kind(kind) as database:
        if database is None:
            return
        args = "--scale small --seed 7" + (" --workers 2" if redis else "")
        with (
            contextlib.ExitStack() as stack,
            running(args=args, database_url=database, **({"REDIS_URL": redis} if redis else {})) as server,
        ):
            people = {
                name: Colleague(url=server.url, username=name, password=PASSWORD)
                for name in ("worker", "secretary", "worker2", "supervisor")
            }
            # Several sockets a reader: with two processes some of them are the other's.
            lines = {name: [_open(stack, server, who) for _ in range(4)] for name, who in people.items()}
            first = [_said(line) for held in lines.values() for line in held]
            assert len({one["epoch"] for one in first}) == 1 and all(set(one) == {"seq", "epoch"} for one in first)

            incident = str(uuid.uuid4())
            answer = people["worker"].push("incident.report", incident=incident, category="0301", position=AT, description="a lamp is out")
            assert answer["outcome"] == "applied", answer
            for name in ("worker", "secretary", "supervisor"):
                for line in lines[name]:
                    _told(line, answer["seq"])
            for line in lines["worker2"]:
                with pytest.raises(TimeoutError):
                    line.recv(timeout=0.3)

            # A frame is ignored; one over 1 KiB ends the line.
            lines["worker"][0].send("x" * 1024)
            answer = people["secretary"].push("incident.act", incident=incident, base_version=1, action="register", args={})
            _told(lines["worker"][0], answer["seq"])
            lines["worker"][0].send("x" * 1025)
            assert _code(lines["worker"][0]) == 1009

            _log_out(people["worker"])
            assert _code(lines["worker"][1]) == 4401
            stranger = _open(stack, server, None, f"/ws/changes/?token={people['secretary'].token}")
            assert _code(stranger) == 4401
            stack.close()
            assert server.stop() == 0


def _code(line: ClientConnection) -> int | None:
    """The code with which the server ends the line; what it says before is passed over."""
    try:
        while True:
            line.recv(timeout=15)
    except ConnectionClosed as ended:
        return ended.rcvd.code if ended.rcvd else None


def _log_out(who: Colleague) -> None:
    """End the token; the answer has no body."""
    with pytest.raises(json.JSONDecodeError):
        who.call("POST", "auth/logout", {})
