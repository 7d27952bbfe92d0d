"""tus 1.0.0 at sync/photos/: authenticate, read the headers, one call, answer. Plain views, since DRF would read the body."""

import functools
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from gridgov.errors import Refusal
from gridgov.feed.gate import GateBusy
from gridgov.http import problem, problem_from_exception
from sync import receiving, tus
from sync.auth import authenticate
from sync.live import poke
from sync.models import Upload

Handler = Callable[..., HttpResponse]


def _tus(**handlers: Handler) -> Handler:
    """A view of one address: the version, the caller's method, refusals as problem documents. `authenticate` checks CSRF."""

    @csrf_exempt
    def view(request: HttpRequest, **kwargs: str) -> HttpResponse:
        try:
            response = _answer(request, handlers, kwargs)
        except GateBusy:
            response = problem("unavailable")
        except Exception as exc:
            told = problem_from_exception(exc)
            if told is None:
                raise
            response = told
        response["Tus-Resumable"] = tus.VERSION
        response["Cache-Control"] = "no-store"
        return response

    return functools.wraps(next(iter(handlers.values())))(view)


def _answer(request: HttpRequest, handlers: dict[str, Handler], kwargs: dict[str, str]) -> HttpResponse:
    method = tus.method_of(request)
    if method == "OPTIONS":
        return HttpResponse(status=204, headers=tus.ABILITIES)
    if request.headers.get("Tus-Resumable") != tus.VERSION:
        return problem("protocol_unknown", status=412, headers={"Tus-Version": tus.VERSION})
    if method not in handlers:
        raise Refusal("method_not_allowed", headers={"Allow": ", ".join(("OPTIONS", *handlers))})
    return handlers[method](request, **kwargs)


def _create(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    actor = authenticate(request, now=now)
    size, sha256 = tus.number(request, "Upload-Length"), tus.sha256_in(request)
    upload = receiving.create(user=actor.user, sha256=sha256, size=size, now=now)
    # Relative: which name and scheme the client reached us by is its own business.
    return HttpResponse(status=201, headers={"Location": f"{request.path}{upload.pk}", **_standing(upload)})


def _look(request: HttpRequest, upload: str) -> HttpResponse:
    now = timezone.now()
    actor = authenticate(request, now=now)
    row = receiving.find(user=actor.user, upload=_id(upload), now=now)
    headers = {"Upload-Length": str(row.size), "Upload-Metadata": tus.metadata(row.sha256), **_standing(row)}
    return HttpResponse(status=200, headers=headers)


def _patch(request: HttpRequest, upload: str) -> HttpResponse:
    now = timezone.now()
    actor = authenticate(request, now=now)
    if request.content_type != tus.CONTENT_TYPE:
        raise Refusal("unsupported_media_type")
    if request.headers.get("Content-Length", "0").isdecimal() and int(request.headers.get("Content-Length", "0")) > tus.PATCH_BYTES:
        raise Refusal("too_large")
    row = receiving.append(
        user=actor.user,
        upload=_id(upload),
        offset=tus.number(request, "Upload-Offset"),
        read=request.read,
        checksum=tus.checksum_in(request),
        now=now,
    )
    if row.state == Upload.State.DONE:
        poke()
    return HttpResponse(status=204, headers=_standing(row))


def _discard(request: HttpRequest, upload: str) -> HttpResponse:
    now = timezone.now()
    actor = authenticate(request, now=now)
    receiving.discard(user=actor.user, upload=_id(upload), now=now)
    return HttpResponse(status=204)


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Refusal("not_found") from None


def _standing(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.offset), "Upload-Expires": tus.expires(upload.expires_at)}


urlpatterns = [
    path("", _tus(POST=_create), name="uploads"),
    path("<str:upload>", _tus(HEAD=_look, PATCH=_patch, DELETE=_discard), name="upload"),
]
