"""/, /login/ and /logout/ for browsers, the admin's too. Programs use `POST /api/v1/auth/token`.

The device cookie, the Device row and how long a session lives are `sync.auth`'s.
"""

import contextlib
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from gridgov.errors import Refusal
from grids.models import Membership
from sync.auth import actor_of, begin_session, end


class LoginPage(LoginView):
    """The one sign-in page. Who is signed in already sees it too: it is where one comes from a page of another account."""

    template_name = "login.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in, and remember the device."""
        response = super().form_valid(form)
        self.request.session.cycle_key()  # Django keeps the key where the same person signs in again
        begin_session(self.request, response, user=form.get_user(), now=timezone.now())
        return response


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    """/ leads everybody to their work."""
    user = request.user
    if not user.is_authenticated:
        return redirect("/login/")
    if user.is_superuser:
        return redirect("/admin/")
    at_a_desk = Membership.objects.filter(user_id=user.pk).exclude(role=Membership.Role.WORKER).exists()
    return redirect("/desk/" if at_a_desk else "/field/")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the session here and for this device. The phone's queue stays where it is, keyed by user."""
    key = request.session.session_key
    with contextlib.suppress(Refusal):  # who is not logged in any more is logged off already
        end(actor_of(token=None, session_key=key, now=timezone.now())[0], session_key=key)
    logout(request)
    return redirect("/login/")


def to_login_page(request: HttpRequest) -> HttpResponse:
    """The admin's own login form is not used: one page, one lockout, one device cookie."""
    return redirect("/login/?" + urlencode({"next": request.GET.get("next") or "/admin/"}))
