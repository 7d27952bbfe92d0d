"""`manage.py run_clocks [--once]`: what time alone does to cases."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.clocks import run_due, work_forever


class Command(BaseCommand):
    """Every minute until it is stopped, or once."""

    help = "Archive cases 30 days after their closing. Safe to run twice, in parallel, and after standing still."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is due now, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            done = run_due(now=timezone.now())
            self.stdout.write(_("Cases archived: %(archived)d; photos overdue: %(overdue)d") % done)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        work_forever(stop)
