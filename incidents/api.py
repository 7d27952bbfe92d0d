"""The API of cases (protocol §8): reads alone; every change goes through `sync/ops`. Thin: parse, one call, answer."""

from typing import Any, cast

import msgspec
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gridgov.errors import Refusal
from grids import query_values as values
from grids.place_queries import access_place
from grids.rules.datum import DATUMS, to_wgs84
from grids.scope import Actor
from incidents.categories import rows_of
from incidents.models import Category
from incidents.queries import access_incident, case_record, incident_page, nearby
from incidents.queries.allowed import allowed
from incidents.queries.cases import MOST, Filter, states_of
from incidents.rules.workflow import ACTIONS, STATES

NO_STORE = {"Cache-Control": "no-store"}
_PROBLEMS = {401: OpenApiResponse(description="not_authenticated"), 400: OpenApiResponse(description="bad_query")}
_UNDER = {"grid": "cell", "district": "district", "street": "street", "community": "community"}


def _parameter(name: str, what: str, *, required: bool = False, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=what, required=required)


class IncidentDetail(APIView):
    """One case."""

    @extend_schema(
        operation_id="incidents_retrieve",
        summary="One case with its log, photos, checks, conflicts and what may be done now",
        responses={200: OpenApiResponse(description="The record as in the feed (docs/protocol.md §4.1) with events, photos, checks, conflicts, allowed"),
                   404: OpenApiResponse(description="not_found"), **_PROBLEMS},
    )  # fmt: skip
    def get(self, request: Request, incident: str) -> Response:
        """What the reader may not see and what is not there look alike."""
        actor = cast(Actor, request.auth)
        found = access_incident(key=str(incident), scope=actor.scope)
        record = case_record(incident=found, actor=actor)
        record = msgspec.to_builtins(record)  # times as in the feed
        return Response(record | {"allowed": allowed(incident=found, actor=actor, now=timezone.now())}, headers=NO_STORE)


class IncidentList(APIView):
    """Pages of cases."""

    @extend_schema(
        operation_id="incidents_list",
        summary="Cases of the reader's scope, newest first, the archive too",
        parameters=[
            _parameter("state", "a state, several with commas, or open"), _parameter("under", "code of a place"), _parameter("category", "code"),
            _parameter("overdue", "true: past their due time", kind=bool), _parameter("q", "beginning of a number, or words of the description"),
            _parameter("limit", "1 to 200", kind=int), _parameter("cursor", "where the next page begins"),
        ],
        responses={
            200: OpenApiResponse(description="{results: [records as in the feed], next}"), 404: OpenApiResponse(description="unknown place"),
            **_PROBLEMS,
        },
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """By keyset, never by offset."""
        actor = cast(Actor, request.auth)
        query = request.query_params
        under = None
        if code := values.optional_text(query, "under", most=32):
            place = access_place(code=code)
            column = _UNDER.get(place.level, "cell")
            under = (column, getattr(place, column))
        overdue = query.get("overdue", "")
        if overdue not in ("", "true", "false"):
            raise values.bad_query("overdue", "true, false")
        records, following = incident_page(
            scope=actor.scope,
            narrow=Filter(
                states=states_of(values.optional_text(query, "state", most=200)), under=under, overdue=overdue == "true",
                category=values.optional_text(query, "category", most=32), text=values.optional_text(query, "q", most=100),
            ),
            now=timezone.now(), limit=values.limit(query, default=50, most=MOST), after=values.optional_text(query, "cursor", most=200),
        )  # fmt: skip
        return Response(msgspec.to_builtins({"results": records, "next": following}), headers=NO_STORE)


class Nearby(APIView):
    """Candidates for "already reported"."""

    @extend_schema(
        operation_id="incidents_nearby",
        summary="Open cases near a point",
        parameters=[
            _parameter("lng", "degrees", required=True, kind=float), _parameter("lat", "degrees", required=True, kind=float),
            _parameter("datum", "wgs84, cgcs2000, gcj02 or bd09", required=True), _parameter("category", "code"),
            _parameter("radius_m", "up to 2,000; default 100", kind=float),
        ],
        responses={200: OpenApiResponse(description="{results: [records with distance_m and age_s]}"), **_PROBLEMS},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Nearest first."""
        actor = cast(Actor, request.auth)
        query = request.query_params
        lng, lat = values.coordinate(query, "lng", most=180), values.coordinate(query, "lat", most=90)
        datum = query.get("datum", "")
        if not datum:
            raise Refusal("datum_missing")
        if datum not in DATUMS:
            raise values.bad_query("datum", ", ".join(DATUMS))
        radius = values.coordinate({"radius_m": query.get("radius_m", "100")}, "radius_m", most=2000)
        if radius <= 0:
            raise values.bad_query("radius_m", "> 0")
        x, y = to_wgs84(datum, lng, lat)
        found = nearby(
            scope=actor.scope, lng=x, lat=y, radius_m=radius, category=values.optional_text(query, "category", most=32), now=timezone.now()
        )  # fmt: skip
        return Response(msgspec.to_builtins({"results": found}), headers=NO_STORE)


class Workflow(APIView):
    """THE table."""

    @extend_schema(
        operation_id="workflow",
        summary="States and actions of a case",
        responses={
            200: OpenApiResponse(description="{states: [{code, name, open}], actions: [{code, name, from, to, roles, offline, args}]}")
        },
    )
    def get(self, request: Request) -> Response:
        """Names in the reader's language; codes never translated."""
        states = [{"code": code, "name": gettext(name), "open": is_open} for code, (name, is_open) in STATES.items()]
        actions = [
            {
                "code": a.code, "name": gettext(a.name), "from": list(a.sources), "to": a.to, "roles": list(a.roles), "offline": a.offline,
                "args": [{"name": g.name, "type": g.type, "required": g.required} | ({"choices": list(g.choices)} if g.choices else {}) for g in a.args],
            }
            for a in ACTIONS.values()
        ]  # fmt: skip
        return Response({"states": states, "actions": actions}, headers=NO_STORE)


class CategoryList(APIView):
    """All categories."""

    @extend_schema(
        operation_id="categories_list",
        summary="Categories, in the order of their codes",
        responses={200: OpenApiResponse(description="{results: [records as in the feed], next}")},
    )
    def get(self, request: Request) -> Response:
        """One page holds them all: they are some dozens."""
        records = [msgspec.json.decode(row.wire) for row in rows_of(categories=Category.objects.order_by("code"))]
        return Response({"results": records, "next": None}, headers=NO_STORE)
