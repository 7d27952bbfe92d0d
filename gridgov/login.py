"""/login/ and /logout/ for browsers, the admin's too. Programs use `POST /api/v1/auth/token`.

How long a session lives follows from the person's roles; the device cookie and the Device row are `sync`'s.
"""

from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_POST


class LoginPage(LoginView):
    """The one sign-in page."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in, and remember the device."""
        return super().form_valid(form)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End the session. The phone's queue stays where it is, keyed by user."""
    logout(request)
    return redirect("login")


def to_login_page(request: HttpRequest) -> HttpResponse:
    """The admin's own login form is not used: one page, one lockout, one device cookie."""
    return redirect("/login/?" + urlencode({"next": request.GET.get("next") or "/admin/"}))
