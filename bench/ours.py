"""The product's side: kept-alive HTTP over bare sockets, requests prepared as bytes, so that the client costs little.

Every answer is looked at: a push counts only ops that were applied, a page only the changes that it holds.
"""

import json
import random
import socket
from typing import Any

from bench.raw import Spot
from sync.phone.ids import uuid7

AT = "2026-05-04T09:12:31+08:00"


class Wire:
    """One kept-alive connection, logged in with a token."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Token {token}\r\nGridgov-Protocol: 1\r\n"
        self.buffer = bytearray()

    def get(self, path: str) -> bytes:
        """The bytes of a GET."""
        return f"GET /api/v1/{path} HTTP/1.1\r\n{self.head}\r\n".encode()

    def post(self, path: str, value: Any) -> bytes:
        """The bytes of a POST of JSON."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        head = f"POST /api/v1/{path} HTTP/1.1\r\n{self.head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def ask(self, request: bytes) -> bytes:
        """Send a prepared request; the body of its answer. Anything but 200 ends the bench."""
        self.socket.sendall(request)
        buffer = self.buffer
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        head = bytes(buffer[:end]).lower()
        at = head.find(b"content-length:")
        if at < 0:
            raise RuntimeError(f"an answer without a length: {head[:300]!r}")
        length = int(head[at + 15 :].partition(b"\r\n")[0])
        while len(buffer) < end + 4 + length:
            self._more()
        body = bytes(buffer[end + 4 : end + 4 + length])
        del buffer[: end + 4 + length]
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{head[:40]!r} {body[:400]!r}")
        return body

    def json(self, path: str) -> Any:
        """What a GET gives, decoded."""
        return json.loads(self.ask(self.get(path)))

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _more(self) -> None:
        got = self.socket.recv(1 << 18)
        if not got:
            raise RuntimeError("the server hung up")
        self.buffer += got


class Maker:
    """Makes ops with ids of its own; two makers with one seed would send the same ids."""

    def __init__(self, seed: int) -> None:
        self.rng, self.clock = random.Random(seed), 1_777_856_400.0 + seed

    def new_id(self) -> str:
        """A version 7 id."""
        self.clock += 0.001
        return uuid7(now=self.clock, rng=self.rng)

    def report(self, spot: Spot) -> dict[str, Any]:
        """A report at a point."""
        op = self.new_id()
        position = {"lng": spot.lng, "lat": spot.lat, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}
        return {
            "op_id": op, "kind": "incident.report", "at": AT, "incident": self.new_id(), "category": "0102",
            "description": f"井盖缺失,行人绕行 {op[-6:]}", "urgent": False, "position": position,
        }  # fmt: skip

    def edit(self, incident: str, version: int, old: str, new: str) -> dict[str, Any]:
        """An edit of the description by its author."""
        return {
            "op_id": self.new_id(), "kind": "incident.edit", "at": AT, "incident": incident, "base_version": version,
            "base": {"description": old}, "fields": {"description": new},
        }  # fmt: skip


def applied(body: bytes) -> int:
    """How many ops of a push were applied."""
    return body.count(b'"outcome":"applied"') + body.count(b'"outcome": "applied"')


def changes(body: bytes) -> int:
    """How many changes a page holds."""
    return body.count(b'"seq":')


class Push:
    """Pushes of `size` reports."""

    def __init__(self, wire: Wire, maker: Maker, spots: list[Spot], *, size: int, count: int) -> None:
        self.wire, self.size, self.close = wire, size, wire.close
        bodies = (
            {"queued": size, "photos_waiting": 0, "ops": [maker.report(maker.rng.choice(spots)) for _ in range(size)]} for _ in range(count)
        )
        self.work = iter([wire.post("sync/ops", body) for body in bodies])

    def step(self) -> int:
        """One push."""
        request = next(self.work, None)
        if request is None:
            return -1
        body = self.wire.ask(request)
        if applied(body) != self.size:
            raise RuntimeError(f"of {self.size} reports {applied(body)} were applied: {body[:400]!r}")
        return self.size


class Edit:
    """Guarded edits, one a push, over 40 incidents that it reported itself."""

    def __init__(self, wire: Wire, maker: Maker, spots: list[Spot], *, count: int) -> None:
        self.wire, self.close = wire, wire.close
        reports = [maker.report(maker.rng.choice(spots)) for _ in range(40)]
        if applied(wire.ask(wire.post("sync/ops", {"ops": reports}))) != 40:
            raise RuntimeError("the reports to be edited were not applied")
        texts = [one["description"] for one in reports]
        work = []
        for n in range(count):
            version, which = 1 + n // 40, n % 40
            new = f"第{version}次修改"
            op = maker.edit(reports[which]["incident"], version, texts[which], new)
            texts[which] = new
            work.append(wire.post("sync/ops", {"queued": 1, "photos_waiting": 0, "ops": [op]}))
        self.work = iter(work)

    def step(self) -> int:
        """One edit."""
        request = next(self.work, None)
        if request is None:
            return -1
        body = self.wire.ask(request)
        if applied(body) != 1:
            raise RuntimeError(f"an edit was not applied: {body[:400]!r}")
        return 1


class Pull:
    """Ten pages of 1,000, from the first page that holds incidents: what comes before are places, units and categories."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.close = wire, wire.close
        cursor, page = None, wire.json("sync/changes?limit=1000")
        while page["more"] and not any(one["type"] == "incident" for one in page["changes"]):
            cursor, page = page["cursor"], wire.json(f"sync/changes?limit=1000&since={page['cursor']}")
        self.requests = []
        for _ in range(10):
            self.requests.append(wire.get(f"sync/changes?limit=1000{f'&since={cursor}' if cursor else ''}"))
            page = wire.json(f"sync/changes?limit=1000{f'&since={cursor}' if cursor else ''}")
            cursor = page["cursor"]
        if not page["more"]:
            raise RuntimeError("the reader has fewer than 10,000 records")

    def step(self) -> int:
        """All ten pages."""
        return sum(changes(self.wire.ask(request)) for request in self.requests)


class Poll:
    """A poll of a worker who is `behind` changes behind."""

    def __init__(self, wire: Wire, *, behind: int) -> None:
        self.wire, self.behind, self.close = wire, behind, wire.close
        ends, page = [("", 0)], {"cursor": "", "more": True}  # where each page ended, and how many changes it held
        while page["more"]:
            page = wire.json(f"sync/changes?limit=100&since={page['cursor']}")
            ends.append((page["cursor"], len(page["changes"])))
        while len(ends) > 1 and ends[-1][1] < behind:
            behind -= ends.pop()[1]
        cursor, held = ends[-1]
        if behind and held > behind:
            cursor = wire.json(f"sync/changes?limit={held - behind}&since={ends[-2][0]}")["cursor"]
        elif behind:
            cursor = ends[-2][0]
        self.request = wire.get(f"sync/changes?since={cursor}")

    def step(self) -> int:
        """One poll."""
        found = changes(self.wire.ask(self.request))
        if found != self.behind:
            raise RuntimeError(f"a poll gave {found} changes instead of {self.behind}")
        return 1
