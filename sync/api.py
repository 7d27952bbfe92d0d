"""The HTTP face of the sync protocol (§2–4, §8): authenticate, take `now`, parse, one call, answer.

The hot calls (push, changes, digest) are plain views: DRF's request handling would cost a quarter of an empty poll. Their
part of the OpenAPI document stands in `sync.schema`.
"""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import msgspec
from django.contrib.auth import authenticate as check_password
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gridgov.errors import Refusal
from gridgov.feed.gate import writing
from gridgov.http import problem_from_exception
from grids.models import User
from grids.scope import Actor
from incidents.answers import Mark
from incidents.door import carry_out
from incidents.rules import ops as limits
from sync import auth, schema
from sync.changes import LARGEST_PAGE, PAGE, PAGE_BYTES, changes, digest, read_head
from sync.live import poke
from sync.models import Device
from sync.wire import answers_json, read_object, read_push, unpack

PROTOCOLS = ["1"]
Call = Callable[[HttpRequest, Actor, dt.datetime], HttpResponse]


def hot(method: str, *, versioned: bool = False) -> Callable[[Call], Callable[[HttpRequest], HttpResponse]]:
    """A plain view for programs: one method, the caller known, refusals as problem documents, never cached."""

    def wrap(call: Call) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @wraps(call)
        def view(request: HttpRequest) -> HttpResponse:
            try:
                if request.method != method:
                    raise Refusal("method_not_allowed", headers={"Allow": method})
                now = timezone.now()
                actor = auth.authenticate(request, now=now)
                if versioned and (version := request.headers.get("Gridgov-Protocol", "1")) not in PROTOCOLS:
                    raise Refusal("protocol_unknown", details={"supported": [int(p) for p in PROTOCOLS], "asked": version[:20]})
                response = call(request, actor, now)
            except Exception as error:
                told = problem_from_exception(error)
                if told is None:
                    raise
                response = told
            response["Cache-Control"] = "no-store"
            return response

        return view

    return wrap


def _wire_time(now: dt.datetime) -> str:
    return now.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _json_body(request: HttpRequest) -> bytes:
    kind, *parameters = request.META.get("CONTENT_TYPE", "").lower().split(";")
    named = dict(part.strip().partition("=")[::2] for part in parameters)
    if kind.strip() not in ("application/json", "") or named.get("charset", "").strip('"') not in ("", "utf-8", "utf8"):
        raise Refusal("unsupported_media_type")
    return unpack(request.body, request.headers.get("Content-Encoding", "").strip().lower())


@hot("POST", versioned=True)
def push(request: HttpRequest, actor: Actor, now: dt.datetime) -> HttpResponse:
    """`POST sync/ops`: as many answers as ops, in their order."""
    said = read_push(_json_body(request))

    def keep_what_it_holds() -> None:
        if said.queued is not None or said.photos_waiting is not None:
            Device.objects.filter(pk=cast(str, actor.device)).update(
                queued=said.queued or 0, photos_waiting=said.photos_waiting or 0, told_at=now
            )  # fmt: skip

    outcome = carry_out(ops=said.ops, actor=actor, now=now, also=keep_what_it_holds)
    mark = outcome.mark
    if mark is None:
        with writing():
            keep_what_it_holds()
        head = read_head(0)
        mark = Mark(stored_seq=head.seq, safe_seq=head.safe_seq)
    else:
        poke()
    body = {
        "answers": answers_json(outcome.answers),
        "stored_seq": mark.stored_seq,
        "safe_seq": mark.safe_seq,
        "server_time": _wire_time(now),
    }
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


@hot("GET", versioned=True)
def pull(request: HttpRequest, actor: Actor, now: dt.datetime) -> HttpResponse:
    """`GET sync/changes`: a page of the feed as this reader may see it."""
    text = request.GET.get("limit", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise Refusal("bad_query", errors=[{"pointer": "/limit", "code": "bad_query", "detail": "a whole number above 0"}])
    page = changes(actor=actor, since=request.GET.get("since"), limit=int(text or PAGE), now=now)
    return HttpResponse(page + b',"server_time":"' + _wire_time(now).encode() + b'"}', content_type="application/json")


@hot("GET")
def read_digest(request: HttpRequest, actor: Actor, now: dt.datetime) -> HttpResponse:
    """`GET sync/digest`: what a follower's store must hash to."""
    return HttpResponse(msgspec.json.encode(digest(actor=actor, at=request.GET.get("at", ""), now=now)), content_type="application/json")


def _membership(grant: Any) -> dict[str, Any]:
    return {
        "role": grant.role,
        "unit": grant.unit,
        "scope": {"id": grant.place, "code": grant.code, "name": grant.name, "level": grant.level},
        "from": grant.since,
        "to": grant.until,
    }


class Me(APIView):
    """Who calls, what they may see, and what this device said it holds."""

    @schema.ME
    def get(self, request: Request) -> Response:
        """Sets the CSRF cookie too, so that a client whose cookie went stale can go on."""
        actor = cast(Actor, request.auth)
        get_token(request._request)
        device = Device.objects.get(pk=cast(str, actor.device))
        return Response(
            {
                "user": {"id": actor.user, "username": actor.username, "name": actor.name, "language": actor.language},
                "memberships": [_membership(grant) for grant in actor.grants],
                "device": {
                    "id": str(device.pk),
                    "name": device.name,
                    "queued": device.queued,
                    "photos_waiting": device.photos_waiting,
                    "told_at": _wire_time(device.told_at) if device.told_at else None,
                },
                "protocol": [int(p) for p in PROTOCOLS],
            },
            headers={"Cache-Control": "no-store"},
        )


class Limits(APIView):
    """The largest things that the server takes."""

    @schema.LIMITS
    def get(self, request: Request) -> Response:
        """The same for everybody."""
        return Response(
            {
                "ops": limits.OPS_A_PUSH,
                "push_bytes": limits.PUSH_BYTES,
                "op_bytes": limits.OP_BYTES,
                "page": LARGEST_PAGE,
                "page_bytes": PAGE_BYTES,
                "photo_bytes": limits.PHOTO_BYTES,
                "photo_pixels": limits.PHOTO_PIXELS,
                "photos_per_op": limits.PHOTOS_AN_OP,
                "description": limits.DESCRIPTION,
                "comment": limits.COMMENT,
                "json_depth": limits.JSON_DEPTH,
            },
            headers={"Cache-Control": "no-store"},
        )


class Token(APIView):
    """A token for a program or phone."""

    authentication_classes: list[type] = []
    permission_classes: list[type] = []

    @schema.TOKEN
    def post(self, request: Request) -> Response:
        """User name and password → a new device with a token.

        :raises Refusal: not_json, malformed, bad_credentials, slow_down.
        """
        data = read_object(_json_body(request._request))
        fields = {name: data.get(name) for name in ("username", "password", "device_name")}
        for name, value in fields.items():
            if not isinstance(value, str) or not value or len(value) > 200 or "\0" in value or not _encodable(value):
                raise Refusal("malformed", errors=[{"pointer": f"/{name}", "code": "malformed", "detail": "a text of 1 to 200 characters"}])
        user = check_password(request._request, username=fields["username"], password=fields["password"])
        if not isinstance(user, User):
            raise Refusal("slow_down" if getattr(request._request, "axes_locked_out", False) else "bad_credentials")
        now = timezone.now()
        token, _device = auth.begin_token(user=user, device_name=str(fields["device_name"]), now=now)
        actor, _ = auth.actor_of(token=token, session_key=None, now=now)
        return Response(
            {
                "token": token,
                "expires_at": _wire_time(now + dt.timedelta(days=auth.TOKEN_DAYS)),
                "user": {"id": actor.user, "username": actor.username, "name": actor.name, "language": actor.language},
                "memberships": [_membership(grant) for grant in actor.grants],
            },
            headers={"Cache-Control": "no-store"},
        )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Logout(APIView):
    """The end of this device's token or session."""

    @schema.LOGOUT
    def post(self, request: Request) -> Response:
        """From the next call on it is worth nothing."""
        auth.end(cast(Actor, request.auth), session_key=request._request.session.session_key)
        return Response(status=204, headers={"Cache-Control": "no-store"})


__all__ = ["Limits", "Logout", "Me", "Token", "pull", "push", "read_digest"]
