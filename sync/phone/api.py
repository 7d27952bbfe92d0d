"""The server's calls as the phone makes them: paths, headers, and what a status means. Keeps only the credential.

A status never takes anything out of a queue here; it becomes a `Trouble`, and the phone decides.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sync.phone.line import Line, LineDown, Reply

BASE = "/api/v1/"
PROTOCOL = "1"


class Trouble(Exception):
    """A call without the answer that was asked for. `code`: the server's, or `line`, `portal`, `status_NNN`.

    `passing` says that the same call may well succeed later by itself; `asked_s` what `Retry-After` said.
    """

    def __init__(self, code: str, *, passing: bool, asked_s: float | None = None, reply: Reply | None = None) -> None:
        super().__init__(code)
        self.code, self.passing, self.asked_s, self.reply = code, passing, asked_s, reply


class Api:
    """Calls over one line, with one credential."""

    def __init__(self, line: Line, *, language: str = "zh-hans") -> None:
        self.line, self.language = line, language
        self.token: str | None = None

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """One request with the credential and the headers of every call.

        :raises Trouble: the line broke, or an answer that says nothing about the request: 401, 403, 408, 429, 5xx, 426.
        """
        every = {"Accept-Language": self.language, "Gridgov-Protocol": PROTOCOL, "Accept": "application/json"}
        if self.token:
            every["Authorization"] = f"Token {self.token}"
        try:
            reply = self.line.request(method, path, body=body, headers=every | dict(headers))
        except LineDown as error:
            raise Trouble("line", passing=True) from error
        if reply.status in (401, 403, 408, 426, 429) or reply.status >= 500:
            passing = reply.status in (408, 429) or reply.status >= 500
            code = reply.code() or f"status_{reply.status}"
            raise Trouble(code, passing=passing, asked_s=reply.rest_s(0.0) or None, reply=reply)
        return reply

    def tus(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """A request of tus."""
        return self.ask(method, path, body, {"Tus-Resumable": "1.0.0"} | dict(headers))

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """A JSON object from `/api/v1/` + path. Parameters that are None are left out.

        :raises Trouble: also for 404 and other refusals.
        """
        query = urlencode({key: value for key, value in params.items() if value is not None})
        return self._object(self.ask("GET", BASE + path + (f"?{query}" if query else ""), None, {}))

    def post(self, path: str, value: Any) -> dict[str, Any]:
        """Send JSON, get a JSON object.

        :raises Trouble: see `get`.
        """
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        return self._object(self.ask("POST", BASE + path, body, {"Content-Type": "application/json"}))

    def picture(self, photo: str, kind: str = "view") -> Reply:
        """`kind`: thumb or view, of a photo (protocol §5, 7)."""
        return self.ask("GET", f"{BASE}photos/{photo}/{kind}", None, {"Accept": "*/*"})

    def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All rows of a list with `results` and an opaque `next`."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            found += page["results"]
            cursor = page.get("next")
            if not cursor:
                return found

    @staticmethod
    def _object(reply: Reply) -> dict[str, Any]:
        value = reply.json()
        if reply.status == 200 and value is not None:
            return value
        if reply.status == 200:
            raise Trouble("portal", passing=True, reply=reply)
        raise Trouble(reply.code() or f"status_{reply.status}", passing=False, reply=reply)
