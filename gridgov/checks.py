"""System checks with ids gridgov.E001 …: combinations of settings that would lose data or open a door. `serve` refuses on errors."""

import os
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.db.utils import DatabaseError

DURABLE = "What was acknowledged must survive a power cut: docs/operations.md#durability."


@register(Tags.database)
def durability(*, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """E001 SQLite without synchronous=FULL; E002 PostgreSQL with fsync off; E003 with synchronous_commit off."""
    if not databases or "default" not in databases:
        return []
    found: list[CheckMessage] = []
    connection = connections["default"]
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA synchronous")
                if int(cursor.fetchone()[0]) < 2:
                    found.append(Error("SQLite runs without synchronous=FULL.", hint=DURABLE, id="gridgov.E001"))
                return found
            cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
            fsync, synchronous_commit = cursor.fetchone()
            if fsync != "on":
                found.append(Error("PostgreSQL runs with fsync off.", hint=DURABLE, id="gridgov.E002"))
            if synchronous_commit == "off":
                found.append(Error("PostgreSQL runs with synchronous_commit off.", hint=DURABLE, id="gridgov.E003"))
    except DatabaseError as error:
        found.append(Error(f"The database does not answer: {type(error).__name__}.", hint="See DATABASE_URL.", id="gridgov.E004"))
    return found


@register("gridgov")
def connections_are_not_kept(**kwargs: Any) -> list[CheckMessage]:
    """E005: CONN_MAX_AGE leaks connections under ASGI."""
    if settings.DATABASES["default"].get("CONN_MAX_AGE", 0) == 0 or os.environ.get("GRIDGOV_KEEP_CONNECTIONS") == "1":
        return []  # gridgov.wsgi sets it for itself
    return [Error("CONN_MAX_AGE is not 0.", hint="Under ASGI each request has its own thread; use the pool.", id="gridgov.E005")]


@register("gridgov")
def production_is_closed(**kwargs: Any) -> list[CheckMessage]:
    """E006 DEBUG in production; E007 no host names; W001 the generated secret key."""
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("DEBUG is on while GRIDGOV_ENV=production.", hint="Unset DEBUG.", id="gridgov.E006"))
    if not settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS is empty.", hint="ALLOWED_HOSTS=city.example,10.0.0.5", id="gridgov.E007"))
    elif "*" in settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS takes every host.", hint="Name the hosts.", id="gridgov.E007"))
    if (settings.GRIDGOV_DATA / "secret").exists() and (settings.GRIDGOV_DATA / "secret").read_text().strip() == settings.SECRET_KEY:
        found.append(
            Warning(
                "SECRET_KEY is the one that was generated into GRIDGOV_DATA.",
                hint="Several machines need one key: set SECRET_KEY.",
                id="gridgov.W001",
            )
        )
    return found


@register("gridgov")
def redis_is_patient(**kwargs: Any) -> list[CheckMessage]:
    """E008: redis-py 8 cuts every idle socket of channels-redis after five seconds."""
    if not settings.REDIS_URL:
        return []
    import redis

    if int(redis.__version__.partition(".")[0]) < 8:
        return []
    return [Error(f"redis {redis.__version__} breaks channels-redis.", hint="Install redis==7.4.1.", id="gridgov.E008")]


@register("gridgov")
def browser_libraries_are_there(**kwargs: Any) -> list[CheckMessage]:
    """W002: pages would come without map and store."""
    if (settings.NODE_MODULES / "leaflet" / "dist").is_dir():
        return []
    return [Warning("The browser libraries are not installed.", hint="Run `make setup`.", id="gridgov.W002")]


def several_processes(*, workers: int) -> list[CheckMessage]:
    """E009, E010: what more than one server process needs. Asked by `serve`, which alone knows the number."""
    if workers < 2:
        return []
    found: list[CheckMessage] = []
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(Error("Several workers need PostgreSQL.", hint="Set DATABASE_URL=postgres://… or use --workers 1.", id="gridgov.E009"))
    if not settings.REDIS_URL:
        found.append(
            Error("Several workers need a channel layer they share.", hint="Set REDIS_URL=redis://… or use --workers 1.", id="gridgov.E010")
        )
    return found
