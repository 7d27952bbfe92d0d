"""manage.py move_member: a user's memberships hold for another place from today on. Exit 0 done, 1 refused, 2 misuse (protocol §9)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from grids.actions import move_member
from grids.models import Place, User
from grids.queries import city_day


class Command(BaseCommand):
    """Works beside a running server: the next call of the user's devices has the new scope."""

    help = "End a user's memberships today and begin the same ones at another place."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of protocol §9."""
        parser.add_argument("--user", required=True, metavar="NAME")
        parser.add_argument("--to", required=True, metavar="CODE", help="a place of any level above buildings")
        parser.add_argument("--format", choices=("text", "json"), default="text")

    def handle(self, *args: Any, user: str, to: str, format: str, **options: Any) -> None:
        """Look both up, move, tell."""
        account = User.objects.filter(username=user).first()
        place = Place.objects.filter(code=to, valid_to=None).defer("geometry").first()
        if account is None:
            raise CommandError(_("There is no user %(name)s.") % {"name": user}, returncode=2)
        if place is None or place.level == Place.Level.BUILDING:
            raise CommandError(_("There is no place with the code %(code)s that can be a scope.") % {"code": to}, returncode=2)
        try:
            made = move_member(user=account, place=place, day=city_day(timezone.now()))
        except ValueError as error:
            if format == "json":
                self.stdout.write(json.dumps({"problems": [{"id": user, "what": str(error)}]}))
                raise SystemExit(1) from None
            raise CommandError(_("%(name)s has no membership today that could be moved.") % {"name": user}) from error
        told = [{"role": m.role, "unit": str(m.unit_id), "to": place.code} for m in made]
        if format == "json":
            self.stdout.write(json.dumps({"memberships": told}, ensure_ascii=False))
        else:
            self.stdout.write(_("%(name)s now works in %(place)s.") % {"name": user, "place": place})
