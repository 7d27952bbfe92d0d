"""A line to a server that answers as a test says: for what a real server cannot be made to do on demand."""

import base64
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from sync.phone import LineDown, Phone, Reply

USER = "00000000-0000-4000-8000-000000000001"


def as_json(status: int, value: Any) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(value).encode())


def problem(status: int, code: str, **more: Any) -> Reply:
    return as_json(status, {"code": code, "status": status} | more)


class Scripted:
    """Logs everybody in, applies every op, gives empty pages; `push` and `page` replace those answers."""

    def __init__(self) -> None:
        self.push: Callable[[dict[str, Any]], Reply] | None = None
        self.page: Callable[[], Reply] | None = None
        self.pushed: list[dict[str, Any]] = []
        self.tus = TusDouble()

    def request(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        where = path.removeprefix("/api/v1/").partition("?")[0]
        if where == "auth/token":
            user = {"id": USER, "username": json.loads(body or b"")["username"]}
            return as_json(200, {"token": "t", "expires_at": "", "user": user, "memberships": []})
        if where == "sync/ops":
            sent = json.loads(body or b"")
            self.pushed.append(sent)
            return self.push(sent) if self.push else self.applied(sent)
        if where == "sync/changes":
            return self.page() if self.page else as_json(200, empty_page())
        if where.startswith("sync/photos/"):
            return self.tus.request(method, path, body or b"", headers)
        return problem(404, "not_found")

    def close(self) -> None:
        pass

    def applied(self, sent: dict[str, Any]) -> Reply:
        answers = [{"op_id": op["op_id"], "outcome": "applied", "seq": 100, "missing_photos": missing(op)} for op in sent["ops"]]
        return as_json(200, {"answers": answers, "stored_seq": 100, "safe_seq": 0})


def missing(op: dict[str, Any]) -> list[str]:
    return [one["sha256"] for one in ([op] if "sha256" in op else op.get("photos", []))]


def empty_page(**more: Any) -> dict[str, Any]:
    return {"changes": [], "cursor": "c", "more": False, "reset": None, "stored_seq": 100, "safe_seq": 0} | more


class TusDouble:
    """One upload at a time, in memory. `cut` is called with each PATCH and may raise `LineDown` before or after it."""

    def __init__(self) -> None:
        self.stored = bytearray()
        self.exists = False
        self.creations = self.received = self.mismatches = 0
        self.cut_before: set[int] = set()
        self.cut_after: set[int] = set()
        self.spoil = 0
        self.calls = 0

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        if method == "POST":
            self.creations += 1
            self.stored, self.exists, self.size = bytearray(), True, int(headers["Upload-Length"])
            fields = dict(pair.split(" ") for pair in headers["Upload-Metadata"].split(","))
            self.sha256 = base64.b64decode(fields["sha256"]).decode()
            return Reply(201, {"location": "one"})
        if not self.exists:
            return Reply(410, {})
        if method == "HEAD":
            return Reply(200, {"upload-offset": str(len(self.stored))})
        return self._patch(body, headers)

    def _patch(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.calls += 1
        self.received += len(body)
        if self.calls in self.cut_before:
            raise LineDown("cut before it arrived")
        if int(headers["Upload-Offset"]) != len(self.stored):
            return problem(409, "wrong_offset")
        assert headers["Upload-Checksum"] == "sha256 " + base64.b64encode(hashlib.sha256(body).digest()).decode()
        self.stored += body
        if len(self.stored) == self.size and self.spoil:
            self.spoil -= 1
            self.mismatches += 1
            self.exists = False
            return problem(460, "altered_on_the_way" if self.mismatches == 3 else "checksum_mismatch")
        if self.calls in self.cut_after:
            raise LineDown("cut before the answer came")
        return Reply(204, {"upload-offset": str(len(self.stored))})


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_777_856_400.0

    def __call__(self) -> float:
        return self.now


def phone(line: Scripted, clock: Clock | None = None) -> Phone:
    made = Phone(line, clock=clock or Clock(), rng=random.Random(1))
    made.log_in("worker", "secret")
    return made
