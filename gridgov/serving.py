"""What `manage.py serve` needs around uvicorn: the port, the certificate, one process or several, and a polite end.

Knows nothing of the demo city; the command does.
"""

import contextlib
import errno
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.utils.translation import gettext as _
from uvicorn.supervisors import Multiprocess

from gridgov import background
from gridgov.errors import Misuse

CERTIFICATE_DAYS = 300
GRACE_S = 5


def take_port(host: str, port: int) -> socket.socket:
    """A listening socket: whoever connects from now on waits until we serve.

    :raises Misuse: where the port is taken or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError as error:
        taken.close()
        names = {"host": host, "port": port}
        if error.errno == errno.EADDRINUSE:
            raise Misuse(_("Port %(port)s of %(host)s is taken by another program. Choose another: PORT=8001.") % names) from error
        if error.errno == errno.EACCES:
            raise Misuse(_("Port %(port)s may only be opened by the superuser. Choose one above 1023.") % names) from error
        raise Misuse(_("%(host)s is no address of this machine.") % names) from error
    taken.set_inheritable(True)
    return taken


def local_certificate(folder: Path, *, names: list[str]) -> tuple[Path, Path]:
    """Certificate and key for these names, signed by itself, made by the program `openssl` and kept for 300 days.

    :raises Misuse: where there is no `openssl`.
    """
    certificate, key, listed = folder / "local.crt", folder / "local.key", folder / "local.names"
    bare = [name.strip("[]") for name in names]
    wanted = ",".join(("IP:" if ":" in name or name.replace(".", "").isdigit() else "DNS:") + name for name in bare)
    fresh = certificate.exists() and time.time() - certificate.stat().st_mtime < CERTIFICATE_DAYS * 24 * 3600
    if fresh and key.exists() and listed.exists() and listed.read_text("utf-8") == wanted:
        return certificate, key
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256", "-days", "398",
        "-subj", "/CN=gridgov (local)", "-addext", f"subjectAltName={wanted}", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        raise Misuse(_("HTTPS=1 needs the program openssl to make a local certificate. Install it, or run without HTTPS=1.")) from None
    except subprocess.CalledProcessError as error:
        raise Misuse(_("openssl could not make a certificate: %(why)s") % {"why": error.stderr.decode()[-200:]}) from error
    key.chmod(0o600)
    listed.write_text(wanted, "utf-8")
    return certificate, key


def serve(taken: socket.socket, *, workers: int, certificate: tuple[Path, Path] | None) -> None:
    """Serve until SIGTERM or SIGINT. One process does everything; several have a worker process for the loops beside them."""
    options: dict[str, Any] = {
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": settings.BEHIND_PROXY,
        "forwarded_allow_ips": ",".join(settings.PROXY_ADDRESSES),
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": GRACE_S,
        "timeout_worker_healthcheck": 10,
        "ws_ping_interval": 25.0,
        "ws_max_size": 1024,  # protocol §6: clients have nothing to say
        "ws_per_message_deflate": False,
    }
    if certificate:
        options |= {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
    if workers == 1:
        from gridgov.asgi import application  # not before: it starts nothing, but builds the list of static files

        background.loops_here = True
        signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again after its polite end: then it is spent
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(application, **options)).run(sockets=[taken])
        return
    config = uvicorn.Config("gridgov.asgi:application", workers=workers, **options)
    supervisor = Multiprocess(config, sockets=[taken])
    companion = Companion()
    companion.start()
    try:
        supervisor.run()
    finally:
        companion.stop()


class Companion:
    """The worker process beside several server processes. Ended by itself, it is started again."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.thread = threading.Thread(target=self._watch, name="companion", daemon=True)

    def start(self) -> None:
        """Start it, and a thread that looks after it."""
        self.thread.start()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        self.ending.set()
        self.thread.join(GRACE_S)
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def _watch(self) -> None:
        while not self.ending.is_set():
            self.process = subprocess.Popen([sys.executable, "manage.py", "run_background"], cwd=settings.BASE_DIR)
            while self.process.poll() is None and not self.ending.wait(0.5):
                pass
            self.ending.wait(2)
