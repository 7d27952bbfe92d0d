"""What this machine does not have, asked in one place: PostgreSQL, Redis, Chromium, the test data.

A test that needs one asks here, and returns early where the answer is None. What was left out is printed at the end of the run;
with GRIDGOV_NOTHING_LEFT_OUT=1 (as .ci/run sets it) it is a failure instead.
"""

import contextlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

POSTGRES = os.environ.get("GRIDGOV_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432")
REDIS = os.environ.get("GRIDGOV_TEST_REDIS", "redis://127.0.0.1:6379")
STRICT = os.environ.get("GRIDGOV_NOTHING_LEFT_OUT") == "1"

noted: set[str] = set()


def leave_out(what: str) -> None:
    """Note that something was not tested here, and why."""
    if STRICT:
        raise AssertionError(f"left out: {what}")
    noted.add(what)
    print(f"left out: {what}")


def real_data(*parts: str) -> Path | None:
    """A file or folder of the test data, or None (noted)."""
    root = os.environ.get("GRIDGOV_TEST_DATA")
    path = Path(root, *parts) if root else None
    if path is not None and path.exists():
        return path
    leave_out(f"tests with {'/'.join(parts) or 'real data'} (GRIDGOV_TEST_DATA is {'without it' if root else 'not set'})")
    return None


def chromium() -> str | None:
    """The path of Chromium, or None (noted)."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        leave_out("browser tests (no Chromium)")
    return found


def redis_url() -> str | None:
    """The address of a Redis that answers, or None (noted)."""
    parts = urlsplit(REDIS)
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=2):
        return REDIS
    leave_out("tests with Redis (none at " + REDIS + ")")
    return None


@contextlib.contextmanager
def postgres_database() -> Iterator[str | None]:
    """The URL of a new, empty PostgreSQL database that is dropped afterwards, or None (noted)."""
    name = f"gridgov_test_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(POSTGRES + "/postgres", autocommit=True, connect_timeout=5) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError:
        leave_out("tests on PostgreSQL (none at " + POSTGRES + ")")
        yield None
        return
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        with psycopg.connect(POSTGRES + "/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextlib.contextmanager
def database_of_kind(kind: str) -> Iterator[str | None]:
    """DATABASE_URL for `sqlite` (empty: a file under GRIDGOV_DATA) or `postgres`. None: not to be had here (noted)."""
    if kind == "sqlite":
        yield ""
    else:
        with postgres_database() as url:
            yield url
