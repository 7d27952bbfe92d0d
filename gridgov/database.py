"""From DATABASE_URL to Django's DATABASES entry, and what both databases need around it.

Knows durability, time limits and the pool; knows no tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# FULL: in a power cut NORMAL lost 200 of 200 acknowledged commits, FULL none. Checked at start (gridgov.E001).
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=134217728;"
    "PRAGMA journal_size_limit=67108864;PRAGMA cache_size=-20000;"
)


def read_database_url(url: str, *, data: Path, statement_timeout_s: int, pool_size: int, keep: bool = False) -> dict[str, Any]:
    """The DATABASES entry for a URL (`keep`: under a WSGI server): empty (SQLite under `data`), `sqlite:///path`, or `postgres://user@host/name`.

    :raises ImproperlyConfigured: for any other scheme, a missing name, or an unknown option.
    """
    if not url:
        return _sqlite(data / "gridgov.sqlite3")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}.") from None
    if "\0" in unquote(url):  # libpq would cut everything behind it, and take another database than was meant
        raise ImproperlyConfigured("DATABASE_URL: it has a NUL in it.")
    if parts.scheme == "sqlite":
        path = unquote(parts.path[1:])
        if not path:
            raise ImproperlyConfigured("DATABASE_URL: sqlite:/// wants a path, as in sqlite:////srv/gridgov/db.sqlite3.")
        return _sqlite(Path(path))
    if parts.scheme not in ("postgres", "postgresql"):
        named = (
            f"{parts.scheme} is no database we know" if parts.scheme else "it does not say which database"
        )  # the rest may hold a password
        raise ImproperlyConfigured(f"DATABASE_URL: {named}; use sqlite:/// or postgres://.")
    name = unquote(parts.path[1:])
    if not name:
        raise ImproperlyConfigured("DATABASE_URL: the name of the database is missing, as in postgres://user@host:5432/name.")
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("DATABASE_URL: the port is no number from 1 to 65535.") from None
    options = dict(parse_qsl(parts.query))
    if unknown := set(options) - {"sslmode", "sslrootcert", "host"}:
        raise ImproperlyConfigured(f"DATABASE_URL: unknown option {', '.join(sorted(unknown))}.")
    host = options.pop("host", None) or unquote(parts.hostname or "")
    if keep:
        # A thread keeps its connection: no pool to ask and none to check at each request. After the database was away
        # a kept connection fails once (503, the phone tries again) and is dropped.
        lasting: dict[str, Any] = {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": False}
        pool: dict[str, Any] = {}
    else:
        # The pool is the only lasting connection: CONN_MAX_AGE leaks under ASGI, where each request has its own thread.
        lasting = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
        # While the database is away: 503 after four seconds, and no back-off longer than that, so that it is found again at once.
        pool = {"pool": {"min_size": 1, "max_size": pool_size, "timeout": 4, "reconnect_timeout": 4, "max_lifetime": 1800, "max_idle": 300}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        **lasting,
        "TIME_ZONE": "UTC",
        "OPTIONS": {
            **options,
            **pool,
            "application_name": "gridgov",
            "connect_timeout": 5,
            "options": (
                f"-c statement_timeout={statement_timeout_s}s -c lock_timeout={'5s' if statement_timeout_s else '0'} "
                "-c idle_in_transaction_session_timeout=60s -c jit=off -c timezone=UTC"
            ),
            # Django turns preparing off by default (None); the hot path's statements are prepared at their first use.
            "prepare_threshold": 5,
        },
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_PRAGMAS},
    }


@contextmanager
def without_time_limits() -> Iterator[None]:
    """Within: statements on this thread's connection may take as long as they need (migrations, the demo city)."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
                cursor.execute("RESET lock_timeout")
