"""A colleague who is not in a browser: calls to a real server's API by token, for the other side of a story."""

import json
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from typing import Any


class Colleague:
    """Somebody with a token."""

    def __init__(self, *, url: str, username: str, password: str) -> None:
        self.url, self.token = url, ""
        self.token = self.call("POST", "auth/token", {"username": username, "password": password, "device_name": "desk"})["token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; raises HTTPError from 400 on."""
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/v1/{path}", data, headers, method=method), timeout=30
        ) as answer:
            return json.load(answer)

    def push(self, kind: str, **keys: Any) -> dict[str, Any]:
        """Send one op; its answer."""
        op = {"op_id": str(uuid.uuid4()), "kind": kind, "at": datetime.now(UTC).isoformat(), **keys}
        answer: dict[str, Any] = self.call("POST", "sync/ops", {"queued": 1, "photos_waiting": 0, "ops": [op]})["answers"][0]
        return answer

    def incident(self, key: str) -> dict[str, Any]:
        """The record with events, photos, conflicts."""
        record: dict[str, Any] = self.call("GET", f"incidents/{key}/")
        return record

    def until_stored(self, key: str, photos: int, within_s: float = 60) -> None:
        """Wait until the server has made the pictures."""
        end = time.monotonic() + within_s
        while sum(photo["state"] == "stored" for photo in self.incident(key)["photos"]) < photos:
            assert time.monotonic() < end, "the photos are not stored"
            time.sleep(0.2)
