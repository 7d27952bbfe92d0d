"""The desk's pages under /desk/: whole pages, and their two parts (queue, case) that the scripts fetch again when something changes.

Reads alone: what is pressed here goes through `sync/ops`, as everywhere.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from gridgov.errors import Refusal
from gridgov.http import problem
from grids.models import User
from grids.queries import unit_tree
from grids.scope import Actor
from incidents import desk_map, desk_words
from incidents.desk_view import show_case, show_line
from incidents.queries import access_incident, case_record
from incidents.queries.allowed import allowed
from incidents.queries.desk import QUEUES, actor_at_the_desk, around, counts, queue_page
from incidents.rules.decide.facts import roles_of
from incidents.rules.fields import may_edit

PAGE: Final = 50
MOST: Final = 200
TEXT: Final = 100

Page = Callable[..., HttpResponse]


def at_the_desk(*, part: bool) -> Callable[[Page], Page]:
    """A page for who is signed in; others are sent to sign in (of a part: 401, so that a script can say so)."""

    def wrap(page: Page) -> Page:
        @require_safe
        @ensure_csrf_cookie
        @wraps(page)
        def view(request: HttpRequest, **rest: Any) -> HttpResponse:
            if not isinstance(request.user, User):
                return problem("not_authenticated") if part else redirect_to_login(request.get_full_path())
            actor = actor_at_the_desk(user=request.user, now=timezone.now())
            try:
                response = page(request, actor, **rest)
            except Refusal as refused:
                if refused.code == "not_found":
                    raise Http404 from refused
                raise BadRequest from refused
            response["Cache-Control"] = "no-store"
            return response

        return view

    return wrap


@at_the_desk(part=False)
def desk(request: HttpRequest, actor: Actor, case: uuid.UUID | None = None) -> HttpResponse:
    """The whole page: the queue, and a case beside it where the address names one."""
    shown: dict[str, Any] = _queue(request, actor) | {"me": actor, "places": [grant.name for grant in actor.grants]}
    if case is not None:
        shown |= {"case": _case(actor, case), "opened": str(case)}
    return render(request, "desk/page.html", shown)


@at_the_desk(part=True)
def queue_part(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The queue alone, with the counters."""
    return render(request, "desk/queue.html", _queue(request, actor))


@at_the_desk(part=True)
def case_part(request: HttpRequest, actor: Actor, case: uuid.UUID) -> HttpResponse:
    """One case alone."""
    return render(request, "desk/case.html", {"case": _case(actor, case)})


def _chinese() -> bool:
    return not (get_language() or "").startswith("en")


def _queue(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    text = request.GET.get("q", "").strip()[:TEXT]
    queue = request.GET.get("queue", "all" if text else "reported")
    if queue not in QUEUES or (queue == "all" and not text):
        raise Http404
    asked = request.GET.get("limit", "")
    limit = min(int(asked), MOST) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 5 and int(asked) else PAGE
    lines, following = queue_page(
        scope=actor.scope, queue=queue, text=text, limit=limit, after=request.GET.get("cursor") or None, chinese=_chinese()
    )  # fmt: skip
    counted = counts(scope=actor.scope)
    tabs = [{"code": code, "word": desk_words.QUEUES[code], "count": counted[code]} for code in QUEUES if code != "all"]
    return {
        "queue": queue, "q": text, "tabs": tabs, "lines": [show_line(line) for line in lines], "next": following,
        "queue_word": desk_words.QUEUES[queue], "empty": desk_words.EMPTY[queue], "first": not request.GET.get("cursor"),
    }  # fmt: skip


def _case(actor: Actor, case: uuid.UUID) -> dict[str, Any]:
    incident = access_incident(key=str(case), scope=actor.scope)
    record = case_record(incident=incident, actor=actor)
    units = {incident.owner_unit, incident.by_unit, *(event["by"]["unit"] for event in record["events"])}
    categories = {code for event in record["events"] for code in event["changes"].get("category", ()) if code}
    surroundings = around(incident=incident, units={unit for unit in units if unit}, categories=categories, chinese=_chinese())
    roles = roles_of(actor, incident, unit_tree(ground=actor.ground))
    shown = show_case(
        record=record, allowed=allowed(incident=incident, actor=actor, now=timezone.now()), around=surroundings, me=actor.user,
        handling_class=incident.handling_class or "", decides=not roles.isdisjoint({"secretary", "operator"}),
    )  # fmt: skip
    shown["may_edit"] = may_edit(field="description", state=incident.state, roles=roles) and not shown["hidden"]
    shown["map"] = desk_map.sketch(
        places=surroundings.places, cell=incident.cell, lng=incident.lng, lat=incident.lat, accuracy_m=incident.accuracy_m
    )  # fmt: skip
    return shown
