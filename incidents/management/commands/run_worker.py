"""`manage.py run_worker`: make pictures of the photos that have arrived, until it is told to stop."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django.utils import timezone

from gridgov.http import DATABASE_AWAY
from incidents.image_worker import render_waiting, work_forever

log = logging.getLogger("incidents.images")
PAUSE_S = 5.0


class Command(BaseCommand):
    """Any number of these may run, beside the embedded one too."""

    help = "Make renditions and thumbnails of photos that have arrived; sweep what no photo needs. Ends on SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once`: what waits now, then end."""
        parser.add_argument("--once", action="store_true", help="deal with what waits now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0; with --once it prints how many different photos were dealt with."""
        if options["once"]:
            self.stdout.write(str(render_waiting(now=timezone.now())))
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                work_forever(stop)
            except DATABASE_AWAY:
                log.warning("the database is away; the next try is in %d s", PAUSE_S)
                connections.close_all()
                stop.wait(PAUSE_S)
