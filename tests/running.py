"""A real server for tests: `manage.py serve --demo` in a process and a folder of its own."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "test-password-4711"
KEEP = ("PATH", "HOME", "LANG", "TMPDIR")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Start, kill, start again on the same data. `url` stays the same."""

    def __init__(self, *, data: Path, args: str = "--scale small --seed 7", database_url: str = "", **env: str) -> None:
        self.port, self.data, self.args = free_port(), data, args
        self.url = f"{'https' if env.get('HTTPS') == '1' else 'http'}://127.0.0.1:{self.port}"
        self.env = {key: value for key, value in os.environ.items() if key in KEEP} | {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "GRIDGOV_DATA": str(data),
            "GRIDGOV_DEMO_PASSWORD": PASSWORD,
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        if database_url:
            self.env["DATABASE_URL"] = database_url
        self.demo = True  # False once the city stands: a start without looking at accounts again
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All that it has printed."""
        return (self.data / "server.log").read_text("utf-8", "replace")

    def start(self, within_s: float = 120) -> "Server":
        """Start, and wait until /readyz answers 200."""
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.data / "server.log", "ab") as log:
            command = [sys.executable, "manage.py", "serve", *(("--demo", *self.args.split()) if self.demo else ())]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + within_s
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError), self.open("/readyz", timeout=5):
                return self
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        self.kill()
        raise RuntimeError(f"the server was not ready:\n{self.log[-3000:]}")

    def open(self, path: str, timeout: float = 30) -> Any:
        """The answer to a GET; raises HTTPError from 400 on. HTTPS is believed by the server's own certificate only."""
        context = ssl.create_default_context(cafile=str(self.data / "https" / "local.crt")) if self.url.startswith("https:") else None
        return urllib.request.urlopen(self.url + path, timeout=timeout, context=context)

    def wait_until_gone(self, within_s: float = 20) -> None:
        """Until nobody listens on the port any more."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.05)  # between two looks at another process
        raise RuntimeError(f"port {self.port} is still answered")

    def stop(self) -> int:
        """SIGTERM; the exit status. Raises where it does not end within 20 s."""
        assert self.process
        self.process.terminate()
        status = self.process.wait(20)
        self.process = None
        return status

    def kill(self) -> None:
        """SIGKILL of the whole group, at any moment."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)
            self.process = None

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """An operator's command beside the running server."""
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300, check=False
        )


@contextlib.contextmanager
def running(*, args: str = "--scale small --seed 7", database_url: str = "", **env: str) -> Iterator[Server]:
    """A started server in a new folder; killed and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="gridgov-server-", ignore_cleanup_errors=True) as folder:
        server = Server(data=Path(folder) / "data", args=args, database_url=database_url, **env)
        try:
            yield server.start()
        finally:
            server.kill()
