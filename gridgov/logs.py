"""One line a request and what goes wrong, as JSON or plain text, tied together by a request id.

Never logs bodies, query strings, contacts, coordinates or tokens: only method, path, status, milliseconds.
"""

import contextvars
import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")
ID = re.compile(r"[A-Za-z0-9-]{8,64}\Z")
EXTRA = ("method", "path", "status", "ms", "user", "op")  # the only keys of `extra=` that go out
QUIET = ("/healthz", "/readyz", "/static/")

log = logging.getLogger("gridgov.request")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; an exception's text stays out, since it may quote data: type and places only."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": request_id.get(),
        }
        line |= {key: getattr(record, key) for key in EXTRA if hasattr(record, key)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["trace"] = [f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(line, ensure_ascii=False, default=str)


def not_away(record: logging.LogRecord) -> bool:
    """Filter: 503 is told in one line by `request_log`; a trace for each request while the database is away helps nobody."""
    return getattr(record, "status_code", None) != 503


def logging_config(*, level: str, style: str) -> dict[str, Any]:
    """The dictConfig: everything to stderr, one formatter; stdout belongs to commands' results."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "gridgov.logs.JsonFormatter"},
            "text": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
        },
        "filters": {"not_away": {"()": lambda: not_away}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # Each 4xx would be told twice: our own request line has them.
            "django.request": {"level": "ERROR", "filters": ["not_away"]},
            "django.server": {"handlers": [], "propagate": True},
            # Anybody can send any host name; the request line with its 400 is enough.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "axes": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }


def request_log(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: give the request an id (a proxy's X-Request-ID if it looks like one), tell it back, log one line."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if ID.match(given) else secrets.token_hex(8))
        began = time.monotonic()
        try:
            response = get_response(request)
            response.headers["X-Request-ID"] = request_id.get()
            if not request.path.startswith(QUIET) or response.status_code >= 500:
                ms = round((time.monotonic() - began) * 1000, 1)
                level = logging.ERROR if response.status_code >= 500 else logging.INFO
                log.log(
                    level, "%s %s %s %s ms", request.method, request.path, response.status_code, ms,
                    extra={"method": request.method, "path": request.path, "status": response.status_code, "ms": ms},
                )  # fmt: skip
            return response
        finally:
            request_id.reset(token)

    return answer
