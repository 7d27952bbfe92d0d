"""Headers that every answer carries, and what no view should have to look for: a NUL in the address, a body that is not UTF-8.

`SECURE_CSP` is the name that Django 6 uses: this file's first half goes when we stand on the 6.2 line.
"""

from collections.abc import Callable, Mapping, Sequence
from wsgiref.headers import Headers

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gridgov.http import problem

PERMISSIONS = "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()"
# Swagger UI writes one inline style and shows pictures from data: addresses; nowhere else is inline allowed.
DOCS = "/api/docs/"
DOCS_STYLE = ["'self'", "'unsafe-inline'"]
# Python knows codecs that are no character sets (bz2_codec, idna, rot13): a form that names one would raise in Django's parser.
CHARSETS = ("utf-8", "utf8", "us-ascii")


def csp_header(policy: Mapping[str, Sequence[str]]) -> str:
    """The header's text of a policy {directive: [source, …]}."""
    return "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in policy.items())


def security_headers(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: Content-Security-Policy and Permissions-Policy; refuses a NUL before a database sees it, and other charsets."""
    usual = csp_header(settings.SECURE_CSP)
    for_docs = csp_header({**settings.SECURE_CSP, "style-src": DOCS_STYLE})

    def answer(request: HttpRequest) -> HttpResponseBase:
        # A cursor of the feed may be any junk: there it means a fresh load (protocol §4, 6), not an error.
        if "\0" in request.path or ("%00" in request.META.get("QUERY_STRING", "") and not request.path.endswith("/sync/changes")):
            response: HttpResponseBase = problem("bad_query")
        elif (request.encoding or "utf-8").lower() not in CHARSETS:
            response = problem("unsupported_media_type")
        else:
            response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", for_docs if request.path.startswith(DOCS) else usual)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response

    return answer


def add_static_headers(headers: Headers, path: str, url: str) -> None:
    """The same for static files, which never reach Django. Always asked again by ETag: names carry no hash."""
    headers["Cache-Control"] = "no-cache"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = csp_header(settings.SECURE_CSP)
