"""Typed readers of the environment, and DATABASE_URL: what is not understood stops the start with a sentence."""

import stat
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured

from gridgov import environment
from gridgov.database import read_database_url


@pytest.mark.parametrize(("given", "meant"), [("1", True), ("true", True), ("ON", True), ("0", False), ("no", False), ("", False)])
def test_a_flag_is_one_of_eight_words(monkeypatch, given, meant) -> None:
    monkeypatch.setenv("SOME_FLAG", given)
    assert environment.read_flag("SOME_FLAG", not meant) is meant


@pytest.mark.parametrize("call", [
    lambda: environment.read_flag("SOMETHING", False),
    lambda: environment.read_number("SOMETHING", 1, least=0, most=9),
    lambda: environment.read_choice("SOMETHING", "a", of=("a", "b")),
])  # fmt: skip
def test_what_is_not_understood_is_refused_and_named(monkeypatch, call) -> None:
    monkeypatch.setenv("SOMETHING", "maybe")
    with pytest.raises(ImproperlyConfigured, match=r"^SOMETHING='maybe': expected "):
        call()


@pytest.mark.parametrize("given", ["-1", "10"])
def test_a_number_outside_its_range_is_refused(monkeypatch, given) -> None:
    monkeypatch.setenv("SOMETHING", given)
    with pytest.raises(ImproperlyConfigured, match="expected 0 to 9"):
        environment.read_number("SOMETHING", 1, least=0, most=9)


def test_an_empty_variable_counts_as_not_set(monkeypatch) -> None:
    monkeypatch.setenv("SOMETHING", "")
    assert environment.read_text("SOMETHING", "default") == "default"
    assert environment.read_number("SOMETHING", 4, least=0, most=9) == 4
    assert environment.read_list("SOMETHING", ["x"]) == ["x"]
    assert environment.read_secret("SOMETHING") is None


def test_a_secret_may_stand_in_a_file(monkeypatch, tmp_path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("SOME_KEY", "from the variable")
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "key"))
    assert environment.read_secret("SOME_KEY") == "from the file"


def test_a_secret_file_that_is_not_there_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="SOME_KEY_FILE"):
        environment.read_secret("SOME_KEY")


def test_a_kept_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path) -> None:
    found = []
    threads = [threading.Thread(target=lambda: found.append(environment.kept_secret(tmp_path / "deep" / "secret"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) >= 50
    assert stat.S_IMODE((tmp_path / "deep" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["secret"]


def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match="GRIDGOV_DATA must be a folder"):
        environment.kept_secret(tmp_path / "file" / "secret")


def url(text: str, tmp_path, timeout: int = 15):
    return read_database_url(text, data=tmp_path, statement_timeout_s=timeout, pool_size=3)


def test_without_a_url_sqlite_lies_in_the_data_folder_and_is_durable(tmp_path) -> None:
    entry = url("", tmp_path)
    assert entry["NAME"] == str(tmp_path / "gridgov.sqlite3")
    assert "synchronous=FULL" in entry["OPTIONS"]["init_command"]
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_a_postgres_url_becomes_an_entry_with_a_pool_and_time_limits(tmp_path) -> None:
    entry = url("postgres://u%40x:p%2Fw@db.example:6543/name?sslmode=require", tmp_path)
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"], entry["NAME"]) == ("u@x", "p/w", "db.example", "6543", "name")
    assert entry["OPTIONS"]["sslmode"] == "require"
    assert entry["OPTIONS"]["pool"]["max_size"] == 3
    assert entry["CONN_MAX_AGE"] == 0
    assert "statement_timeout=15s" in entry["OPTIONS"]["options"]
    assert "timezone=UTC" in entry["OPTIONS"]["options"]


def test_commands_run_without_time_limits(tmp_path) -> None:
    options = url("postgres:///name", tmp_path, timeout=0)["OPTIONS"]["options"]
    assert "statement_timeout=0s" in options
    assert "lock_timeout=0 " in options


@pytest.mark.parametrize("wrong", [
    "mysql://u@h/n", "just words", "postgres://u@h", "postgres://u@h:port/n", "postgres://u@h:70000/n", "sqlite://", "postgres://h/n?pool=9",
])  # fmt: skip
def test_a_url_that_is_not_understood_is_refused(tmp_path, wrong) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        url(wrong, tmp_path)
