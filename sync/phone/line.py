"""The line to a server: one request out, one reply back. Knows HTTP, and nothing of ops, feed or photos.

`Line` is what a phone needs; `HttpLine` is the real one. Tests bring their own, which drives the server in process.
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit


class LineDown(Exception):
    """No answer came: refused, cut, timed out. Whether the server carried the request out is not known."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None where it is none: a captive portal's page is no answer (protocol §2)."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            return None
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def code(self) -> str | None:
        """The code of a refusal (problem+json), None without one."""
        value = (self.json() or {}).get("code")
        return value if isinstance(value, str) else None

    def rest_s(self, otherwise: float) -> float:
        """Seconds that the server asks to wait (`Retry-After`), `otherwise` without or with an unreadable one."""
        try:
            return max(0.0, float(self.headers["retry-after"]))
        except (KeyError, ValueError):
            return otherwise


class Line(Protocol):
    """Where a phone's requests go."""

    def request(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        """Carry one request; `path` is absolute, with its query.

        :raises LineDown: no whole answer came.
        """
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class HttpLine:
    """A kept-alive HTTP/1.1 connection. Not for two threads at once."""

    def __init__(self, base_url: str, *, timeout_s: float = 30.0, verify: bool = True) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an address of a server: {base_url}")
        self.base_url = base_url.rstrip("/")
        self._host, self._port, self._secure = parts.hostname, parts.port, parts.scheme == "https"
        self._timeout_s, self._verify = timeout_s, verify
        self._connection: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        """See `Line`. A connection that the server closed while idle is opened again once."""
        fresh = self._connection is None
        try:
            return self._once(method, path, body, headers)
        except (ConnectionError, http.client.RemoteDisconnected, http.client.CannotSendRequest) as error:
            self.close()
            if fresh:
                raise LineDown(str(error) or type(error).__name__) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LineDown(str(error) or type(error).__name__) from error
        try:
            return self._once(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LineDown(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Hang up. The next request opens a new connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if self._connection is None:
            self._connection = self._dial()
        self._connection.request(method, path, body=body, headers=dict(headers))
        answer = self._connection.getresponse()
        content = answer.read()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)

    def _dial(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        context = ssl.create_default_context()
        if not self._verify:  # `HTTPS=1` in a LAN runs with a certificate that nobody signed
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
