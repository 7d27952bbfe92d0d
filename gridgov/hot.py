"""A short way for the calls that phones make all day: past sessions, forms and messages, which they do not use.

Only calls with a token take it; browsers go through every middleware. What the views answer is the same either way.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation

from sync import api

_VIEWS: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"/api/v1/sync/changes": api.pull, "/api/v1/sync/ops": api.push}


def straight_to_sync(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: push and changes with a token go straight to their views."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        view = _VIEWS.get(request.path_info) if "HTTP_AUTHORIZATION" in request.META else None
        if view is None:
            return get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            request.get_host()  # a host name that is not ours is refused here too
            response = view(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return answer
