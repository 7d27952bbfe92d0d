"""What the bench stands on: a database of its own, the demo city, a server of two processes, accounts. All removed afterwards."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.raw import SCHEMA, Spot

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("GRIDGOV_BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
WORKERS, THREADS = 2, 2


@dataclass
class Ground:
    """A loaded database and a running server."""

    url: str
    port: int
    server: int
    env: dict[str, str]
    told: dict[str, Any]
    spots: list[Spot] = field(default_factory=list)

    def serving(self) -> list[int]:
        """Ids of the server's processes and of all of PostgreSQL's."""
        found = [self.server]
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    status = Path("/proc", name, "stat").read_text()
                    title, parent = status.partition("(")[2].rpartition(")")[0], int(status.rpartition(")")[2].split()[1])
                    if parent == self.server or title.startswith("postgres"):
                        found.append(int(name))
        return found

    def one(self, query: str) -> Any:
        """One value from the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(query).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None

    def analyze(self) -> None:
        """Statistics as after a night: plans made for empty tables cost twenty times (docs/decisions)."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def port_is_free(port: int) -> None:
    """Refuse a port that somebody listens on.

    granian shares its port with whoever has it: a forgotten server would answer a part of the requests, unseen.
    :raises SystemExit: it is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that are just ending do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SystemExit(f"bench: port {port} is taken; end what runs there, or choose another with --port") from error


@contextlib.contextmanager
def ground(*, port: int, scale: str, connections: int) -> Iterator[Ground]:
    """Database, city, accounts, server. :raises SystemExit: where one of them cannot be had."""
    port_is_free(port)
    name = f"gridgov_bench_{secrets.token_hex(4)}"
    with psycopg.connect(POSTGRES + "/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    url = f"{POSTGRES}/{name}"
    try:
        with tempfile.TemporaryDirectory(prefix="gridgov-bench-") as data:
            env = os.environ | {"DATABASE_URL": url, "GRIDGOV_DATA": data, "LOG_LEVEL": "WARNING", "PORT": str(port), "HOST": "127.0.0.1"}
            env |= {"DJANGO_SETTINGS_MODULE": "gridgov.settings", "GRIDGOV_STATEMENT_TIMEOUT_S": "0"}
            _run(env, "manage.py", "migrate", "-v", "0")
            _run(env, "manage.py", "demo_city", "--scale", scale, "--password", secrets.token_hex(8))
            _run(env, "manage.py", "load_categories")
            told = json.loads(_run(env, "-m", "bench.people", str(connections)))
            env["GRIDGOV_STATEMENT_TIMEOUT_S"] = "15"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(SCHEMA)  # type: ignore[arg-type]
            with _server(env, port, Path(data)) as server:
                made = Ground(url, port, server, env, told, [Spot(*one) for one in told["spots"]])
                yield made
    finally:
        with psycopg.connect(POSTGRES + "/postgres", autocommit=True) as admin:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def _run(env: dict[str, str], *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(words)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


@contextlib.contextmanager
def _server(env: dict[str, str], port: int, data: Path) -> Iterator[int]:
    command = [
        str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--workers", str(WORKERS),
        "--blocking-threads", str(THREADS), "--host", "127.0.0.1", "--port", str(port), "--no-log", "gridgov.wsgi:application",
    ]  # fmt: skip
    with open(data / "server.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"bench: the server did not start:\n{(data / 'server.log').read_text()[-3000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
