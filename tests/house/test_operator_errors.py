"""What an operator reads when a setting or the database is wrong: one sentence in their language, exit status 1, never a trace."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from gridgov.database import read_database_url
from gridgov.environment import read_redis_url
from tests.running import ROOT


def said(tmp_path, *args: str, **env: str) -> str:
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    command = [sys.executable, "manage.py", *args]
    env = kept | {"GRIDGOV_DATA": str(tmp_path / "data")} | env
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("TIME_ZONE", "Mars/Base"), ("DATABASE_URL", "postgres://[::1/x"), ("REDIS_URL", "junk")]
)
def test_a_wrong_setting_is_told_in_one_line_in_the_operators_language(tmp_path, name: str, value: str) -> None:
    english = said(tmp_path, "verify_tree", LANG="en_GB.UTF-8", **{name: value})
    assert english.startswith("A setting is not understood. ") and "\n" not in english
    assert said(tmp_path, "serve", **{name: value}).startswith("有一项设置无法识别。")


def test_a_data_folder_that_cannot_be_written_is_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    assert "GRIDGOV_DATA" in said(tmp_path, "serve", "--demo", GRIDGOV_DATA=str(tmp_path / "file"))


@pytest.mark.parametrize("command", [("serve", "--demo", "--scale", "small"), ("verify_tree",), ("demo_city", "--scale", "small")])
def test_a_file_that_is_no_database_is_told(tmp_path, command) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "gridgov.sqlite3").write_bytes(b"no database at all" * 1000)
    told = said(tmp_path, *command, PORT="1", LANG="en_GB.UTF-8")
    assert "file is not a database" in told or "Port 1 " in told


def test_a_command_on_an_empty_database_says_what_is_missing(tmp_path) -> None:
    assert "manage.py migrate" in said(tmp_path, "verify_tree", LANG="en_GB.UTF-8")


@pytest.mark.parametrize("url", ["postgres://postgres@127.0.0.1/%00", "sqlite:////tmp/a%00b", "postgres://[::1/x"])
def test_an_address_that_would_mean_another_database_is_refused(tmp_path, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL: "):
        read_database_url(url, data=tmp_path, statement_timeout_s=1, pool_size=1)


@pytest.mark.parametrize("url", ["junk", "http://h:1", "redis:/h", ":secret@h"])
def test_an_address_of_no_redis_is_refused_without_repeating_it(monkeypatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: expected redis") as refused:
        read_redis_url("REDIS_URL")
    assert "secret" not in str(refused.value)
