"""The admin site: who may enter, what it is called, how long a session lives.

Not inside `grids.admin`: that package registers its models with this site while it is imported.
"""

import datetime as dt
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridgov.feed.models import Head
from grids.queries import city_day, grants_of
from grids.scope import Area

# Protocol §2: an administrator's session slides for half an hour.
SESSION = dt.timedelta(minutes=30)


def areas_of(request: HttpRequest) -> tuple[Area, ...] | None:
    """The areas of which the reader is an administrator today; None: everything (superuser). Read once a request."""
    if request.user.is_superuser:
        return None
    found: tuple[Area, ...] | None = getattr(request, "areas_of_admin", None)
    if found is None:
        ground = Head.objects.values_list("ground", flat=True).get(pk=1)
        scope, _ = grants_of(user=str(request.user.pk), ground=ground, day=city_day(timezone.now()))
        found = tuple(area for grant in scope.grants if grant.role == "admin" for area in grant.areas)
        request.areas_of_admin = found  # type: ignore[attr-defined]
    return found


class GridAdminSite(AdminSite):
    """Superusers, and staff with the role admin: these read their own part of the city."""

    site_header = _("gridgov · administration")
    site_title = _("gridgov")
    index_title = _("Administration")
    empty_value_display = "–"
    enable_nav_sidebar = False  # tables need the width; the start page has it all

    def has_permission(self, request: Any) -> bool:
        """Whether the reader is a superuser, or staff who is an administrator somewhere today."""
        user = request.user
        if not (user.is_active and user.is_staff) or areas_of(request) == ():
            return False
        if request.session.get_expiry_age() < SESSION.total_seconds() * 0.95:
            request.session.set_expiry(SESSION)
        return True

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        """Nobody comes here by our pages: they post to /logout/, which ends the device's session too."""
        return redirect("/")
