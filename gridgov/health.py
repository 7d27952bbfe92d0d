"""/healthz (the process lives), /readyz (it can serve: database, migrations, warmed up), /version. For operators; no login, no counts."""

from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from gridgov import __version__, background

_migrated = False  # once true, stays true: migrations are not taken back under a running server


def pending_migrations() -> list[str]:
    """Names of migrations that the code has and the database has not. One query and a walk over the files."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _database_problem() -> str | None:
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            if pending_migrations():
                return "migrations are missing"
            _migrated = True
    except DatabaseError:
        return "the database is away"
    return None


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all; asks nobody else."""
    return _never_stored({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served; 503 with `Retry-After` and what is missing otherwise."""
    missing = [what for what in (_database_problem(), background.warming_problem()) if what]
    if not missing:
        return _never_stored({"status": "ok"})
    response = _never_stored({"status": "unavailable", "missing": missing}, status=503)
    response["Retry-After"] = "2"
    return response


@require_safe
def version(request: HttpRequest) -> JsonResponse:
    """The program's version and the versions of the protocol that it speaks."""
    return _never_stored({"name": "gridgov", "version": __version__, "protocol": [1]})


def _never_stored(body: dict[str, Any], status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    return response
