"""Refuses bodies that no address takes, before Django keeps them: a stranger's gigabyte must not fill a disk.

Outside Django, beside the server. By Content-Length where there is one; where the body comes in pieces, by counting. What Django and
the calls themselves refuse later stays as it is: these limits are a little wider.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, parse_cookie
from django.http.response import HttpResponseBase
from django.utils import translation

from gridgov.http import problem
from gridgov.logs import request_log
from gridgov.security import security_headers
from incidents.rules.ops import PUSH_BYTES
from sync.tus import PATCH_BYTES, VERSION

# Packed bodies may be a little longer than what is in them; what is only a little over is refused by the call, in its own words.
SLACK: Final = 64 * 1024
OTHERS: Final = 2 * 1024 * 1024
OPS: Final = "/api/v1/sync/ops"
UPLOADS: Final = "/api/v1/sync/photos/"


def limit(path: str) -> int:
    """The longest body that is read for this address, in bytes."""
    if path == OPS:
        return PUSH_BYTES + SLACK
    if path.startswith(UPLOADS):
        return PATCH_BYTES + SLACK
    return OTHERS


def _too_large(request: HttpRequest) -> HttpResponseBase:
    details = {"push_bytes": PUSH_BYTES} if request.path == OPS else {}
    headers = {"Tus-Resumable": VERSION} if request.path.startswith(UPLOADS) else {}
    with translation.override(translation.get_language_from_request(request)):
        return problem("too_large", details=details, headers=headers)


_answer = request_log(security_headers(_too_large))


def _refusal(*, method: str, path: str, headers: Mapping[str, str]) -> HttpResponse:
    """What is told instead, with the headers and the log line that every answer has. `headers`: names as in WSGI."""
    request = HttpRequest()
    request.method, request.path, request.path_info = method, path, path
    request.META.update(headers)
    request.COOKIES = parse_cookie(headers.get("HTTP_COOKIE", ""))
    response = _answer(request)
    assert isinstance(response, HttpResponse)
    response["Content-Length"] = str(len(response.content))
    response["X-Content-Type-Options"] = "nosniff"
    return response


def limited_asgi(application: Any) -> Any:
    """An ASGI application behind these limits."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        most, length, pieces = limit(scope["path"]), 0, False
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = int(value) if value.isdigit() else 0  # the server refuses what is no number
            elif name == b"transfer-encoding":
                pieces = True
        if length > most:
            await _refuse_asgi(scope, send)
        elif not pieces:
            await application(scope, receive, send)
        else:
            await _counted(application, scope, receive, send, most)

    return answer


async def _counted(application: Any, scope: Any, receive: Any, send: Any, most: int) -> None:
    came, over = 0, False

    async def count() -> Any:
        nonlocal came, over
        message = await receive()
        if message["type"] == "http.request":
            came += len(message.get("body", b""))
            if came > most:
                over = True
                return {"type": "http.disconnect"}  # Django lets go of what it has, and answers nothing
        return message

    async def pass_on(message: Any) -> None:
        if not over:
            await send(message)

    await application(scope, count, pass_on)
    if over:
        await _refuse_asgi(scope, send)


async def _refuse_asgi(scope: Any, send: Any) -> None:
    headers = {"HTTP_" + name.decode("latin-1").upper().replace("-", "_"): value.decode("latin-1") for name, value in scope["headers"]}
    response = _refusal(method=scope["method"], path=scope["path"], headers=headers)
    told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": told})
    await send({"type": "http.response.body", "body": response.content})


def limited_wsgi(application: Any) -> Any:
    """A WSGI application behind these limits. Without a Content-Length Django reads nothing there, so there is nothing to count."""

    def answer(environ: Any, start_response: Any) -> Any:
        path, length = environ.get("PATH_INFO", ""), environ.get("CONTENT_LENGTH") or ""
        if not (length.isdecimal() and int(length) > limit(path)):
            return application(environ, start_response)
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        response = _refusal(method=environ["REQUEST_METHOD"], path=path, headers=headers)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    return answer
