"""Refusals and exceptions → application/problem+json (RFC 9457), in the reader's language. Nothing else.

People who read pages get a page with the same sentence instead. A database that is away is 503 with Retry-After, never 500.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from rest_framework import exceptions as drf
from rest_framework.negotiation import BaseContentNegotiation

from gridgov.errors import CATALOGUE, Refusal

DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
RETRY_AFTER = {"unavailable": "5", "slow_down": "60"}
CHALLENGE = 'Token realm="gridgov"'


class AlwaysJson(BaseContentNegotiation):
    """What an Accept header asks for does not matter: this API speaks JSON. So no 406 stands between a phone and its answer."""

    def select_parser(self, request: Any, parsers: Iterable[Any]) -> Any:
        """The parser for the request's content type, or None (then 415)."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Any, renderers: Iterable[Any], format_suffix: str | None = None) -> tuple[Any, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type


def problem(
    code: str,
    *,
    details: Mapping[str, Any] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    status: int | None = None,
) -> HttpResponse:
    """The problem document of a code of the catalogue. `details` become members beside `code`; never stored by caches."""
    usual, sentence = CATALOGUE[code]
    text = gettext(sentence)
    body: dict[str, Any] = {
        **(details or {}),
        "type": f"urn:gridgov:problem:{code}",
        "title": text,
        "status": status or usual,
        "detail": text,
        "code": code,
    }
    if errors:
        body["errors"] = [{**error, "detail": error.get("detail") or text} for error in errors]
        body["detail"] = " ".join(dict.fromkeys(error["detail"] for error in body["errors"]))
    response = JsonResponse(
        body, status=status or usual, content_type="application/problem+json", json_dumps_params={"ensure_ascii": False}
    )
    response["Cache-Control"] = "no-store"
    if code in RETRY_AFTER:
        response["Retry-After"] = RETRY_AFTER[code]
    if response.status_code == 401:
        response["WWW-Authenticate"] = CHALLENGE
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def problem_from_exception(exc: BaseException, context: Mapping[str, Any] | None = None) -> HttpResponse | None:
    """DRF's exception handler, and everybody else's. None for what we do not know: that is a 500, with its trace in the log."""
    return _translate(exc)


def _translate(exc: BaseException) -> HttpResponse | None:
    match exc:
        case Refusal():
            return problem(exc.code, details=exc.details, errors=exc.errors, headers=exc.headers)
        case Http404():
            return problem("not_found")
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return problem("not_authenticated")
        case PermissionDenied() | drf.PermissionDenied():
            return problem("forbidden")
        case drf.NotFound():
            return problem("not_found")
        case drf.MethodNotAllowed():
            return problem("method_not_allowed")
        case drf.UnsupportedMediaType():
            return problem("unsupported_media_type")
        case drf.Throttled():
            wait = max(1, round(getattr(exc, "wait", None) or 60))
            return problem("slow_down", headers={"Retry-After": str(wait)})
        case drf.ValidationError():
            return problem("malformed", errors=list(_pointers(exc.detail)))
        case drf.ParseError() | BadRequest():
            return problem("not_json")
        case RequestDataTooBig():
            return problem("too_large")
        case SuspiciousOperation():
            return problem("bad_query")
    if isinstance(exc, DATABASE_AWAY):
        return problem("unavailable")
    return None


def _pointers(detail: Any, at: str = "") -> Any:
    """DRF's nested details as [{pointer, code, detail}]."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _pointers(inner, at if key == "non_field_errors" else f"{at}/{key}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _pointers(inner, f"{at}/{index}" if isinstance(inner, Mapping) else at)
    else:
        yield {"pointer": at, "code": getattr(detail, "code", "malformed"), "detail": str(detail)}


# --- Django's own error views --------------------------------------------------------------------------------


def wants_problem(request: HttpRequest) -> bool:
    """Whether the caller is a program rather than a person with a browser page."""
    return request.path.startswith(("/api/", "/ws/")) or "text/html" not in request.headers.get("Accept", "")


def page_not_found(request: HttpRequest, exception: BaseException | None = None) -> HttpResponse:
    """handler404."""
    return problem("not_found") if wants_problem(request) else render(request, "404.html", status=404)


def forbidden(request: HttpRequest, exception: BaseException | None = None) -> HttpResponse:
    """handler403."""
    return problem("forbidden") if wants_problem(request) else render(request, "403.html", status=403)


def bad_request(request: HttpRequest, exception: BaseException | None = None) -> HttpResponse:
    """handler400. A host name that is not ours comes here too: nothing of the request may be echoed."""
    if isinstance(exception, DisallowedHost):
        return problem("host_unknown")
    return problem("too_large" if isinstance(exception, RequestDataTooBig) else "bad_query")


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: 503 while the database is away, 500 for our own faults."""
    exc = sys.exc_info()[1]
    away = isinstance(exc, DATABASE_AWAY)
    if wants_problem(request):
        return (_translate(exc) if exc else None) or problem("internal")
    status = 503 if away else 500
    response = render(request, "500.html", {"away": away, "user": None}, status=status)
    if away:
        response["Retry-After"] = RETRY_AFTER["unavailable"]
    return response


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW. The reason stays inside: it helps only those who try."""
    return problem("csrf_failed") if wants_problem(request) else render(request, "403.html", {"csrf": True}, status=403)


def locked_out(request: HttpRequest, response: Any = None, credentials: Any = None) -> HttpResponse:
    """django-axes' answer after too many wrong passwords."""
    headers = {"Retry-After": "900"}
    if wants_problem(request):
        return problem("slow_down", headers=headers)
    page = render(request, "403.html", {"locked": True}, status=429)
    page["Retry-After"] = headers["Retry-After"]
    return page
