"""manage.py verify_tree: compares the place tree with its parents. Exit 0: all is right; 1: problems (told as JSON or lines); 2: misuse."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from grids import tree, treecheck
from grids.actions import raise_ground
from grids.models import Place


class Command(BaseCommand):
    """See the module's first line."""

    help = "Compare left and right values, depth, path and level columns of all places with their parents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of protocol §9."""
        parser.add_argument("--district", metavar="CODE", help="only this district")
        parser.add_argument("--repair", action="store_true", help="write anew what the parents do not say; then look again")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, district: str | None, repair: bool, format: str, **options: Any) -> None:
        """Look, mend if asked, tell."""
        roots = dict(Place.objects.filter(level=Place.Level.DISTRICT).order_by("code").values_list("code", "pk"))
        if district is not None and district not in roots:
            raise CommandError(_("There is no district with the code %(code)s.") % {"code": district}, returncode=2)
        root = None if district is None else roots[district]
        problems = treecheck.verify(root=root)
        mended = 0
        if repair and problems:
            for pk in roots.values() if root is None else [root]:
                mended += tree.repair(root=pk)
            raise_ground()
            problems = treecheck.verify(root=root)
        if format == "json":
            told: dict[str, Any] = {"problems": [problem._asdict() for problem in problems]}
            self.stdout.write(json.dumps(told | ({"repaired": mended} if repair else {}), ensure_ascii=False))
        else:
            for problem in problems:
                self.stdout.write(f"{problem.id}  {problem.what}")
            if repair:
                self.stdout.write(_("%(count)d places written anew.") % {"count": mended})
            if not problems:
                self.stdout.write(_("The tree is what its parents say."))
        if problems:
            raise SystemExit(1)
