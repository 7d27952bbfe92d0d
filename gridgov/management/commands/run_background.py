"""manage.py run_background: the photo worker and the clocks in a process of their own, for several server processes."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from gridgov import background


class Command(BaseCommand):
    """Runs until SIGTERM, SIGINT, or the end of the process that started it."""

    help = "Run the photo worker and the clocks until SIGTERM. With one server process `serve` does this itself."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start all loops and wait."""
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        background.watch_parent(then=ending.set)
        loops = background.Loops()
        loops.start()
        ending.wait()
        loops.stop()
