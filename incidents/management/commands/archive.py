"""`manage.py archive --before TIME`: archive closed cases early or late (protocol §9)."""

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from gridgov.errors import Refusal
from incidents.clocks import archive
from incidents.rules.ops import instant


class Command(BaseCommand):
    """Works beside a running server."""

    help = "Archive the cases that were closed before TIME (RFC 3339)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, metavar="TIME")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            before = instant(options["before"], "/before")
            if dt.datetime.fromisoformat(options["before"]).tzinfo is None:
                raise ValueError
        except (Refusal, ValueError):
            raise CommandError(_("--before wants a time with its zone, such as 2026-05-04T09:12:31+08:00."), returncode=2) from None
        count = archive(before=before, now=timezone.now())
        self.stdout.write(
            json.dumps({"archived": count}) if options["format"] == "json" else _("Cases archived: %(count)d") % {"count": count}
        )
