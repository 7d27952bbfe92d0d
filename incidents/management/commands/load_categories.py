"""`manage.py load_categories`: store the starter categories that are missing. Run again, it changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.categories import load


class Command(BaseCommand):
    """What was edited in the admin stays as it is."""

    help = "Store the starter categories that are missing (incidents/data/categories.json)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many were new, unless asked to be quiet."""
        count = load(now=timezone.now())
        if options["verbosity"]:
            self.stdout.write(_("%(count)d categories were new.") % {"count": count})
