"""Who calls: a token or a session → device, user, scope, in one statement. Also begins and ends them.

Tokens have 256 bits and are kept as SHA-256; a session belongs to a device too, so that one can be logged off alone.
"""

import datetime as dt
import hashlib
import secrets
from typing import Any, cast

from django.conf import settings
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from gridgov.errors import Refusal
from gridgov.feed.models import Head
from gridgov.feed.sql import run, same
from gridgov.feed.tables import uuid_text
from grids.models import User
from grids.queries import city_day, grants_of
from grids.scope import Actor
from sync.models import Device

DEVICE_COOKIE = "gridgov_device"
DEVICE_COOKIE_DAYS = 400
TOKEN_DAYS = 90
CHALLENGE = {"WWW-Authenticate": 'Token realm="gridgov"'}

_COLUMNS = """
SELECT d.id, d.revoked_why, d.used_on, u.id, u.username, u.name, u.language, u.is_superuser, u.is_active, h.ground, s.expire_date
FROM sync_device d JOIN grids_user u ON u.id = d.user_id JOIN feed_head h ON h.id = 1
LEFT JOIN django_session s ON s.session_key = d.session_key WHERE
"""


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def utc(value: dt.datetime | str | None) -> dt.datetime | None:
    """A time as a raw statement gives it: SQLite's have no zone, and are UTC."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    return value if value is None or value.tzinfo is not None else value.replace(tzinfo=dt.UTC)


def not_authenticated() -> Refusal:
    return Refusal("not_authenticated", headers=CHALLENGE)


def lifetime(actor: Actor) -> dt.timedelta:
    """How long a session of this person lives without use: 30 days in the field, 12 h at a desk, 30 min for admins."""
    roles = {grant.role for grant in actor.grants}
    if actor.superuser or "admin" in roles:
        return dt.timedelta(minutes=30)
    if roles - {"worker"}:
        return dt.timedelta(hours=12)
    return dt.timedelta(days=30)


def actor_of(*, token: str | None, session_key: str | None, now: dt.datetime) -> tuple[Actor, dt.datetime | None]:
    """The caller and, for a session, when it ends.

    :raises Refusal: not_authenticated, account_closed, device_revoked.
    """
    if token is not None:
        rows = run(_COLUMNS + same("d.token_hash", "credential", "text"), {"credential": _sha(token)})
    elif session_key is not None:
        rows = run(_COLUMNS + same("d.session_key", "credential", "text"), {"credential": session_key})
    else:
        raise not_authenticated()
    if not rows:
        raise not_authenticated()
    device, revoked, used_on, user, username, name, language, superuser, active, ground, ends = rows[0]
    if revoked is not None:
        raise Refusal("device_revoked" if revoked == Device.Revoked.LOST else "account_closed")
    if not active:
        raise Refusal("account_closed")
    used_on = used_on if isinstance(used_on, dt.date) else dt.date.fromisoformat(used_on)
    ends = utc(ends)
    today = city_day(now)
    if token is None and (ends is None or ends <= now):
        raise not_authenticated()
    if token is not None and used_on < today - dt.timedelta(days=TOKEN_DAYS):
        raise not_authenticated()
    if used_on != today:
        Device.objects.filter(pk=uuid_text(device)).update(used_on=today)
    scope, past = grants_of(user=uuid_text(user), ground=ground, day=today)
    actor = Actor(
        user=uuid_text(user), username=username, name=name, language=language, superuser=bool(superuser), scope=scope, past=past,
        device=uuid_text(device), ground=ground,
    )  # fmt: skip
    return actor, None if token is not None else ends


def read_token(header: str) -> str | None:
    """The token of an Authorization header; None where there is none."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "token" and token.strip() else None


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _no_response(request: HttpRequest) -> HttpResponse:
    raise AssertionError(request)


def _no_view(request: HttpRequest) -> HttpResponse:
    """A view that is not exempt, for the check."""
    raise AssertionError(request)


def check_csrf(request: HttpRequest) -> None:
    """:raises Refusal: csrf_failed."""
    check = _Csrf(_no_response)
    check.process_request(request)
    if check.process_view(request, _no_view, (), {}) is not None:
        raise Refusal("csrf_failed")


def authenticate(request: HttpRequest, *, now: dt.datetime) -> Actor:
    """The caller of an HTTP request, by token or by session (then with the CSRF check on unsafe methods).

    :raises Refusal: not_authenticated, account_closed, device_revoked, csrf_failed.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        token = read_token(header)
        if token is None:
            raise not_authenticated()
        return actor_of(token=token, session_key=None, now=now)[0]
    actor, ends = actor_of(token=None, session_key=request.COOKIES.get(settings.SESSION_COOKIE_NAME), now=now)
    if request.method not in ("GET", "HEAD", "OPTIONS", "TRACE"):
        check_csrf(request)
    if ends is not None and ends - now < lifetime(actor) * 0.95:
        request.session.set_expiry(lifetime(actor))  # slides; the middleware saves it and sends the cookie again
    return actor


class DeviceAuthentication(BaseAuthentication):
    """DRF's door to `authenticate`: `request.auth` is the Actor, `request.user` the account (read only when asked for)."""

    def authenticate(self, request: Request) -> tuple[Any, Actor]:
        from_django: HttpRequest = request._request
        actor = authenticate(from_django, now=timezone.now())
        return Account(actor), actor

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE["WWW-Authenticate"]


class Account:
    """What DRF wants to know of a user, without a statement."""

    is_authenticated = True

    def __init__(self, actor: Actor) -> None:
        self.pk = self.id = actor.user
        self.username = actor.username
        self.is_active = True


def begin_token(*, user: User, device_name: str, now: dt.datetime) -> tuple[str, Device]:
    """A new device with a token of 256 bits; the token is told once."""
    token = secrets.token_urlsafe(32)
    device = Device.objects.create(user=user, name=device_name[:100], token_hash=_sha(token), created_at=now, used_on=city_day(now))
    return token, device


def begin_session(request: HttpRequest, response: HttpResponse, *, user: User, now: dt.datetime) -> Device:
    """After Django's login(): bind the session to the browser's device, and set the cookie that outlives a wiped store."""
    from_browser = request.COOKIES.get(DEVICE_COOKIE)
    device = None
    if from_browser:
        device = Device.objects.filter(user=user, cookie_hash=_sha(from_browser), revoked_at=None).first()
    if device is None:
        from_browser = secrets.token_urlsafe(32)
        name = request.META.get("HTTP_USER_AGENT", "")[:100]
        device = Device(user=user, name=name, cookie_hash=_sha(from_browser), created_at=now)
    if request.session.session_key is None:
        request.session.save()
    ground = Head.objects.values_list("ground", flat=True).get(pk=1)
    scope, past = grants_of(user=str(user.pk), ground=ground, day=city_day(now))
    actor = Actor(
        user=str(user.pk),
        username=user.username,
        name=user.name,
        language=user.language,
        superuser=user.is_superuser,
        scope=scope,
        past=past,
    )
    request.session.set_expiry(lifetime(actor))
    device.session_key = request.session.session_key
    device.used_on = city_day(now)
    device.save()
    response.set_cookie(
        DEVICE_COOKIE,
        from_browser or "",
        max_age=DEVICE_COOKIE_DAYS * 24 * 3600,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return device


def end(actor: Actor, *, session_key: str | None) -> None:
    """Log this device off: its token or session is worth nothing from the next call on."""
    Device.objects.filter(pk=cast(str, actor.device)).update(token_hash=None, session_key=None)
    if session_key:
        Session.objects.filter(session_key=session_key).delete()


def end_all(*, user: str) -> None:
    """Log all devices of a person off. They are not revoked: nothing is wiped, and a login makes them good again."""
    Device.objects.filter(user_id=user).update(token_hash=None, session_key=None)


def follow_session(*, device: str, session_key: str) -> None:
    """The browser's session goes on under another key: its device is signed in by that one."""
    Device.objects.filter(pk=device, revoked_at=None).update(session_key=session_key)
