"""Pages of the admin and the desk belong to a device, as calls of the API do: a revoked one is signed out at its next call.

The API asks `sync.auth` by itself; Django's own session check, which these pages rest on, knows nothing of devices.
"""

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from gridgov.errors import Refusal
from sync.auth import actor_of, follow_session

FRONT_DOOR, PAGES = "/", ("/admin/", "/desk/")


def signed_in_device(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, behind Django's own authentication: who is signed in here must be so by a device that may call."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        key = request.session.session_key if request.path == FRONT_DOOR or request.path.startswith(PAGES) else None
        if key is None or not request.user.is_authenticated:
            return get_response(request)
        try:
            actor, _ends = actor_of(token=None, session_key=key, now=timezone.now())
        except Refusal:
            logout(request)  # the page then does what it does with strangers
            return get_response(request)
        response = get_response(request)
        # Django gives the session a new key where a password was changed, one's own or somebody else's.
        if request.session.session_key not in (key, None) and request.user.is_authenticated:
            follow_session(device=str(actor.device), session_key=request.session.session_key)
        return response

    return answer
