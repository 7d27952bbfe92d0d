"""The socket at /ws/changes/ (protocol §6): who may open it, what is sent, when it ends. Data goes through the feed alone.

A plain ASGI application: channels' consumers hold a channel of the layer each, and would all fall when Redis does.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from gridgov.errors import Refusal
from gridgov.http import DATABASE_AWAY
from sync.auth import actor_of, read_token
from sync.hub import NOT_LOGGED_IN, Socket, hub_here, in_thread, poke_here
from sync.layer import messenger

log = logging.getLogger("gridgov.live")

PATH: Final = "/ws/changes/"
WRONG_ORIGIN: Final = 4403
TOO_BIG: Final = 1009
TRY_LATER: Final = 1013
FRAME_BYTES: Final = 1024
# At most five a second; the newest wins.
PAUSE_S: Final = 0.2

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_actor_of = in_thread(actor_of)


def poke() -> None:
    """After a commit that moved the feed: sockets of all processes look at once. Never raises, never waits.

    Who forgets it costs half a second: the hub looks at the head anyway.
    """
    try:
        poke_here()
        messenger.send()
    except Exception:
        log.exception("a poke failed")


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


async def websocket_application(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """ASGI entry for every socket; there is one address."""
    if (await receive())["type"] != "websocket.connect":
        return
    if scope["path"] != PATH:
        await send({"type": "websocket.close"})
        return
    # Accepted first: a browser learns the code of a close, but not the status of a refused handshake.
    await send({"type": "websocket.accept"})
    with contextlib.suppress(OSError):  # the other side is gone
        try:
            socket = await _admit(scope)
            await _serve(socket, receive, send)
        except _Refused as refused:
            await send({"type": "websocket.close", "code": refused.code})


async def _admit(scope: Mapping[str, Any]) -> Socket:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    token, session_key = None, None
    if "authorization" in headers:
        token = read_token(headers["authorization"])
    else:
        session_key = _cookie(headers.get("cookie", ""))
    origin = headers.get("origin")
    if (session_key is not None and origin is None) or (origin is not None and not _is_ours(origin, headers)):
        raise _Refused(WRONG_ORIGIN)
    try:
        actor, _ = await _actor_of(token=token, session_key=session_key, now=timezone.now())
    except Refusal as refused:
        raise _Refused(NOT_LOGGED_IN) from refused
    except DATABASE_AWAY as error:
        raise _Refused(TRY_LATER) from error
    return Socket(actor, token_hash=hashlib.sha256(token.encode()).hexdigest() if token else None, session_key=session_key)


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def _is_ours(origin: str, headers: Mapping[str, str]) -> bool:
    """Is it the address that the handshake was sent to, and one of ours? (Or one that the operator trusts for forms.)"""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    host = headers.get("host", "")
    secure = ("https",) if settings.HTTPS else ("http", "https")
    return (
        parts.scheme in secure
        and parts.netloc.lower() == host.lower()
        and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    )


async def _serve(socket: Socket, receive: Receive, send: Send) -> None:
    hub = hub_here()
    try:
        tasks = {asyncio.create_task(_listen(receive)), asyncio.create_task(_tell(socket, send))}
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for task in done:
            task.result()
    finally:
        await hub.leave(socket)


async def _listen(receive: Receive) -> None:
    """Frames are ignored. Ends when the other side does.

    :raises _Refused: for a frame over 1 KiB.
    """
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if len((message.get("text") or "").encode()) > FRAME_BYTES or len(message.get("bytes") or b"") > FRAME_BYTES:
            raise _Refused(TOO_BIG)


async def _tell(socket: Socket, send: Send) -> None:
    """The head with its epoch, then every newest position, at most five a second.

    :raises _Refused: when the hub ends the line.
    """
    try:
        standing = await hub_here().join(socket)
    except DATABASE_AWAY as error:
        raise _Refused(TRY_LATER) from error
    sent = standing.seq
    await _say(send, {"seq": sent, "epoch": standing.epoch})
    while True:
        await asyncio.sleep(PAUSE_S)
        await socket.news.wait()
        socket.news.clear()
        if socket.closing is not None:
            raise _Refused(socket.closing)
        if socket.pending > sent or socket.again:
            sent, socket.again = socket.pending, False
            await _say(send, {"seq": sent})


async def _say(send: Send, message: Mapping[str, Any]) -> None:
    await send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})
