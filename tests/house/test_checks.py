"""Wrong combinations of settings are found at start, each under its id."""

import pytest
from django.core.checks import run_checks
from django.db import connection

from gridgov import checks
from gridgov.settings import GRIDGOV_DATA


def ids(found) -> list[str]:
    return [message.id for message in found]


def test_the_settings_of_the_tests_have_no_fault(db) -> None:
    assert [message for message in run_checks(databases=["default"]) if message.id.startswith("gridgov.E")] == []


def test_a_database_that_forgets_on_a_power_cut_is_refused(db) -> None:
    if connection.vendor == "sqlite":
        connection.cursor().execute("COMMIT")  # the pragma cannot be changed inside a transaction
        try:
            for value, expected in (("OFF", ["gridgov.E001"]), ("NORMAL", ["gridgov.E001"]), ("FULL", [])):
                connection.cursor().execute(f"PRAGMA synchronous={value}")
                assert ids(checks.durability(databases=["default"])) == expected
        finally:
            connection.cursor().execute("BEGIN")
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
        assert ids(checks.durability(databases=["default"])) == ["gridgov.E003"]


def test_durability_is_not_asked_where_no_database_is_meant() -> None:
    assert checks.durability(databases=None) == []


def test_kept_connections_are_refused(settings, monkeypatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 60)
    assert ids(checks.connections_are_not_kept()) == ["gridgov.E005"]


@pytest.mark.parametrize(("change", "expected"), [
    ({"ALLOWED_HOSTS": ["city.example"], "SECRET_KEY": "own" * 20}, []),
    ({"ALLOWED_HOSTS": ["city.example"], "SECRET_KEY": "own" * 20, "DEBUG": True}, ["gridgov.E006"]),
    ({"ALLOWED_HOSTS": [], "SECRET_KEY": "own" * 20}, ["gridgov.E007"]),
    ({"ALLOWED_HOSTS": ["*"], "SECRET_KEY": "own" * 20}, ["gridgov.E007"]),
])  # fmt: skip
def test_production_is_closed(settings, change, expected) -> None:
    settings.PRODUCTION = True
    for key, value in change.items():
        setattr(settings, key, value)
    assert ids(checks.production_is_closed()) == expected


def test_the_generated_key_in_production_is_a_warning(settings) -> None:
    settings.PRODUCTION, settings.ALLOWED_HOSTS = True, ["city.example"]
    settings.SECRET_KEY = (GRIDGOV_DATA / "secret").read_text().strip()
    assert ids(checks.production_is_closed()) == ["gridgov.W001"]


def test_several_workers_need_postgresql_and_a_shared_layer(settings, monkeypatch) -> None:
    sqlite, postgres = "django.db.backends.sqlite3", "django.db.backends.postgresql"
    for engine, redis, expected in (
        (sqlite, None, ["gridgov.E009", "gridgov.E010"]),
        (postgres, None, ["gridgov.E010"]),
        (postgres, "redis://x", []),
    ):
        monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
        settings.REDIS_URL = redis
        assert ids(checks.several_processes(workers=2)) == expected
        assert checks.several_processes(workers=1) == []


def test_browser_libraries_that_are_not_installed_are_a_warning(settings, tmp_path) -> None:
    settings.NODE_MODULES = tmp_path
    assert ids(checks.browser_libraries_are_there()) == ["gridgov.W002"]
