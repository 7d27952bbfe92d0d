"""manage.py simulate: phones and desks at work against a running server, with a table at the end. Watch the desk meanwhile.

Exit 0: nothing acknowledged is missing or doubled and all phones agree; 1: something was found; 2: misuse.
"""

import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from gridgov.environment import read_secret
from sync.phone.api import Trouble
from sync.simulation.play import NotReady, Plan, dismiss, gather, play
from sync.simulation.reckoning import reckon
from sync.simulation.table import Progress, as_json, as_text
from sync.simulation.tally import Tally


class Command(BaseCommand):
    """See the module's first line."""

    help = "Let phones and desks work against the running server, then check that nothing acknowledged is missing."
    requires_system_checks = []  # a client: it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options."""
        parser.add_argument("--phones", type=int, default=20, help="how many (default: 20)")
        parser.add_argument("--minutes", type=float, default=2.0, help="how long they work (default: 2)")
        parser.add_argument("--url", help="the server (default: HOST and PORT as serve takes them)")
        parser.add_argument("--password", help="of the demo accounts (default: GRIDGOV_DEMO_PASSWORD, or the one that serve made)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices (default: 1)")
        parser.add_argument("--pace", type=float, default=2.0, help="seconds between two moves of one person (default: 2)")
        parser.add_argument("--no-photos", action="store_true", help="reports without photos")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play and reckon, in the operator's language: Chinese unless the terminal says English."""
        with translation.override("en" if os.environ.get("LANG", "").startswith("en") else "zh-hans"):
            self._simulate(**options)

    def _simulate(self, **options: Any) -> None:
        if options["phones"] < 1 or options["minutes"] <= 0 or options["pace"] <= 0:
            raise CommandError(_("--phones, --minutes and --pace want numbers above 0."), returncode=2)
        scheme = "https" if settings.HTTPS and not settings.PRODUCTION else "http"
        url = options["url"] or f"{scheme}://{settings.HOST}:{settings.PORT}"
        plan = Plan(
            url=url,
            password=options["password"] or _password(),
            phones=options["phones"],
            seconds=options["minutes"] * 60,
            seed=options["seed"],
            pace_s=options["pace"],
            photos=not options["no_photos"],
            verify_tls=False,  # the local certificate is signed by itself, and the password is the demo's
        )
        tally = Tally()
        try:
            players = gather(plan, tally)
            play(plan, players, tick=Progress(self.stderr, tally, players, of=plan.seconds))
            told = reckon(plan, players)
            dismiss(players)
        except ValueError as error:
            raise CommandError(_("--url: %(url)s is no address of a server.") % {"url": url}, returncode=2) from error
        except (NotReady, Trouble) as error:
            raise CommandError(
                _("The server at %(url)s does not answer as it should: %(code)s. Is it running with --demo?") % {"url": url, "code": error}
            ) from error
        self.stderr.write("")
        if options["format"] == "json":
            self.stdout.write(json.dumps(as_json(plan, tally, told), ensure_ascii=False))
        else:
            self.stdout.write(as_text(plan, tally, told))
        if tally.failures or not told.holds:
            sys.exit(1)


def _password() -> str:
    """As `serve --demo` takes it: from the environment, or the one that it made and keeps beside the data."""
    kept = settings.GRIDGOV_DATA / "demo-password"
    given = read_secret("GRIDGOV_DEMO_PASSWORD") or (kept.read_text("utf-8").strip() if kept.exists() else "")
    if not given:
        raise CommandError(_("No password: give --password, or set GRIDGOV_DEMO_PASSWORD as for serve."), returncode=2)
    return given
