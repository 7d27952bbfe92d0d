"""manage.py serve: the whole product in one command. `--demo` makes the database, the city and the accounts as well.

Refuses to start on what would lose data (gridgov.E…), on missing migrations, on a taken port; each with a sentence.
"""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections
from django.utils import translation
from django.utils.translation import gettext as _

from gridgov import serving
from gridgov.checks import several_processes
from gridgov.database import without_time_limits
from gridgov.environment import kept_secret, own_addresses, read_secret
from gridgov.errors import Misuse
from gridgov.health import pending_migrations
from grids.demo.accounts import ACCOUNTS, set_demo_password
from grids.models import Place


class Command(BaseCommand):
    """See the module's first line."""

    help = "Serve HTTP and sockets. With --demo: make the demo city and its accounts first."
    requires_system_checks = []  # ours run with the database, below

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of protocol §9."""
        parser.add_argument("--demo", action="store_true", help="migrate, make the demo city and its accounts if there are none")
        parser.add_argument("--scale", choices=("city", "small"), default="city", help="size of the demo city (default: city)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same ids, codes and shapes (default: 1)")
        parser.add_argument("--workers", type=int, default=1, help="server processes; more than one needs PostgreSQL and REDIS_URL")
        parser.add_argument("--migrate", action="store_true", help="apply missing migrations instead of refusing to start")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, prepare, serve."""
        # The operator's language: Chinese unless the terminal says English.
        with translation.override("en" if os.environ.get("LANG", "").startswith("en") else "zh-hans"):
            try:
                self._serve(**options)
            except Misuse as refused:
                raise CommandError(str(refused)) from refused

    def _serve(self, *, demo: bool, scale: str, seed: int, workers: int, migrate: bool, **_rest: Any) -> None:
        if workers < 1:
            raise CommandError(_("--workers wants a number from 1."), returncode=2)
        if demo and settings.PRODUCTION:
            raise Misuse(_("--demo makes accounts with a known password: not with GRIDGOV_ENV=production."))
        taken = serving.take_port(settings.HOST, settings.PORT)
        certificate = None
        if settings.HTTPS and not settings.BEHIND_PROXY:
            certificate = serving.local_certificate(settings.GRIDGOV_DATA / "https", names=own_addresses())
        self._check(workers=workers)
        self._migrate(allowed=demo or migrate)
        scheme = "https" if certificate else "http"
        if demo:
            password = self._make_demo(scale=scale, seed=seed)
            self._tell(address=f"{scheme}://{_shown(settings.HOST)}:{settings.PORT}/", password=password)
        else:
            self.stdout.write(f"gridgov: {scheme}://{_shown(settings.HOST)}:{settings.PORT}/")
        connections.close_all()
        serving.serve(taken, workers=workers, certificate=certificate)

    def _check(self, *, workers: int) -> None:
        if found := [message for message in several_processes(workers=workers) if isinstance(message, Error)]:
            raise Misuse(" ".join(f"{message.id}: {message.msg} {message.hint}" for message in found))
        self.check(databases=["default"])  # raises SystemCheckError on errors, prints warnings

    def _migrate(self, *, allowed: bool) -> None:
        try:
            pending = pending_migrations()
            if pending and not allowed:
                raise Misuse(
                    _("%(count)s migrations are not applied. Run `manage.py migrate`, or start with --migrate.") % {"count": len(pending)}
                )
            if pending:
                self.stdout.write(_("Preparing the database …"))
                with without_time_limits():
                    call_command("migrate", interactive=False, verbosity=0)
        except DatabaseError as error:
            raise Misuse(_("The database does not answer as it should: %(why)s") % {"why": str(error).strip()}) from error

    def _make_demo(self, *, scale: str, seed: int) -> str:
        password = read_secret("GRIDGOV_DEMO_PASSWORD") or kept_secret(settings.GRIDGOV_DATA / "demo-password", size=9)
        if not Place.objects.exists():
            with without_time_limits():
                call_command("demo_city", scale=scale, seed=seed, password=password)
        call_command("load_categories", verbosity=0)
        set_demo_password(password=password)
        return password

    def _tell(self, *, address: str, password: str) -> None:
        self.stdout.write(f"\ngridgov  {address}")
        self.stdout.write(_("  field app  %(url)s") % {"url": f"{address}field/"})
        self.stdout.write(_("  desk       %(url)s") % {"url": f"{address}desk/"})
        self.stdout.write(_("  admin      %(url)s") % {"url": f"{address}admin/"})
        self.stdout.write(_("  accounts   %(names)s") % {"names": ", ".join(ACCOUNTS)})
        self.stdout.write(_("  password   %(password)s") % {"password": password} + "\n")
        self.stdout.flush()


def _shown(host: str) -> str:
    """The host as a browser wants it; for every address of the machine, the one that others reach."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        return next((name for name in own_addresses() if name[0].isdigit() and not name.startswith("127.")), "127.0.0.1")
    return f"[{host}]" if ":" in host else host
