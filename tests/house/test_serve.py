"""`manage.py serve` as an operator meets it: a real process, both databases, both ends of its life."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import psycopg
import pytest

from tests.left_out import POSTGRES, database_of_kind, postgres_database, redis_url
from tests.running import PASSWORD, ROOT, Server, free_port, running


def get(url: str, **headers: str) -> tuple[int, bytes]:
    """Status and body, also of refusals."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def log_in(server: Server, password: str = PASSWORD) -> tuple[int, dict]:
    body = json.dumps({"username": "worker", "password": password, "device_name": "test"}).encode()
    request = urllib.request.Request(server.url + "/api/v1/auth/token", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def refused(tmp_path, *args: str, **env: str) -> str:
    """What a start says that must not succeed: exit status 1, one sentence."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME")}
    command = [sys.executable, "manage.py", "serve", *args]
    env = kept | {"GRIDGOV_DATA": str(tmp_path), "LANG": "en_GB.UTF-8", "PORT": str(free_port()), **env}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_demo_starts_serves_and_ends_politely(kind) -> None:
    with database_of_kind(kind) as url:
        if url is None:
            return
        with running(database_url=url, LANG="en_GB.UTF-8") as server:
            for said in (server.url, PASSWORD, "worker, ", "district-admin", "/field/", "/desk/", "/admin/"):
                assert said in server.log
            assert get(server.url + "/healthz") == (200, b'{"status": "ok"}')
            assert log_in(server)[0] == 200
            status, body = get(server.url + "/static/gridgov/tokens.css")
            assert (status, b"--accent" in body) == (200, True)
            assert server.stop() == 0
            assert "Traceback" not in server.log
            server.start()  # a second time on the same data: no city is made, the accounts are the same
            assert log_in(server)[0] == 200


def test_without_a_given_password_one_is_made_kept_and_printed(tmp_path) -> None:
    server = Server(data=tmp_path / "data", GRIDGOV_DEMO_PASSWORD="")
    try:
        server.start()
        password = (tmp_path / "data" / "demo-password").read_text()
        assert len(password) >= 12
        assert password in server.log
        assert log_in(server, password)[0] == 200
        server.stop()
        server.env["GRIDGOV_DEMO_PASSWORD"] = "another-password-0815"
        server.start()
        assert log_in(server, password)[0] == 401
        assert log_in(server, "another-password-0815")[0] == 200
    finally:
        server.kill()


def test_the_demo_is_refused_in_production(tmp_path) -> None:
    assert "--demo makes accounts with a known password" in refused(tmp_path, "--demo", GRIDGOV_ENV="production", ALLOWED_HOSTS="x.example")


def test_production_without_host_names_is_refused_by_its_check(tmp_path) -> None:
    assert "gridgov.E007" in refused(tmp_path, GRIDGOV_ENV="production")


def test_missing_migrations_are_refused_unless_asked_for(tmp_path) -> None:
    assert "migrations are not applied" in refused(tmp_path)


def test_a_taken_port_is_refused_with_its_number(tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port} of 127.0.0.1 is taken" in refused(tmp_path, "--demo", "--scale", "small", PORT=port)


def test_several_workers_on_sqlite_are_refused(tmp_path) -> None:
    said = refused(tmp_path, "--migrate", "--workers", "2")
    assert "gridgov.E009" in said
    assert "gridgov.E010" in said


def test_a_database_that_is_not_there_is_refused_in_a_sentence(tmp_path) -> None:
    assert "gridgov.E004" in refused(tmp_path, DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/none")


@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("GRIDGOV_ENV", "staging"), ("DATABASE_URL", "mysql://x/y")])
def test_a_setting_that_is_not_understood_stops_the_start_by_name(tmp_path, name, value) -> None:
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    env = kept | {"GRIDGOV_DATA": str(tmp_path), name: value}
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]


def test_https_serves_with_a_local_certificate_and_secure_cookies() -> None:
    with running(HTTPS="1") as server, server.open("/login/") as page:
        assert page.status == 200
        assert "secure" in page.headers["Set-Cookie"].lower()


def test_while_the_database_is_away_503_says_when_to_come_again_and_then_it_goes_on_by_itself() -> None:
    with postgres_database() as url:
        if url is None:
            return
        name = url.rpartition("/")[2]
        with running(database_url=url) as server, psycopg.connect(POSTGRES + "/postgres", autocommit=True) as admin:
            admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            assert get(server.url + "/healthz")[0] == 200
            assert get(server.url + "/readyz")[0] == 503
            status, body = get(server.url + "/api/v1/me", Authorization="Token " + "x" * 43)
            assert (status, json.loads(body)["code"]) == (503, "unavailable")
            admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
            assert get(server.url + "/readyz")[0] == 200
            assert log_in(server)[0] == 200


def test_several_workers_serve_and_none_outlives_a_killed_parent() -> None:
    redis = redis_url()
    with postgres_database() as url:
        if url is None or redis is None:
            return
        with running(args="--scale small --seed 7 --workers 2", database_url=url, REDIS_URL=redis) as server:
            assert log_in(server)[0] == 200
            assert server.process
            os.kill(server.process.pid, signal.SIGKILL)  # only the parent, as the kernel does when memory ends
            server.process.wait(20)
            server.wait_until_gone()
            server.start()
            assert server.stop() == 0
