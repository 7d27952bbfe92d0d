"""The API of places (protocol §8): read by every account, changed by none. Thin: parse, one call, answer."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gridgov.errors import Refusal
from grids import api_schema as schema
from grids import query_values as values
from grids.locate import Located, locator
from grids.place_queries import access_place, features, geojson_geometry, ground_version, lineage, page_of, sids_of
from grids.queries import city_day
from grids.rules.datum import DATUMS, to_wgs84

PAGE, MOST = 100, 1_000
NO_STORE = {"Cache-Control": "no-store"}


class PlaceList(APIView):
    """Pages of places."""

    @extend_schema(
        operation_id="cells_list",
        summary="Places, in the order of their codes",
        parameters=[schema.LEVEL, schema.UNDER, schema.PARENT, schema.TEXT, schema.LIMIT, schema.CURSOR],
        responses={200: schema.PlacePage, **schema.BAD_QUERY, **schema.NOT_FOUND, **schema.REFUSED},
    )
    def get(self, request: Request) -> Response:
        """A page; never more than 1,000, always by keyset."""
        query = request.query_params
        rows, last = page_of(
            day=city_day(timezone.now()),
            level=values.level(query),
            under=values.optional_text(query, "under", most=32),
            parent=values.optional_text(query, "parent", most=32),
            text=values.optional_text(query, "q", most=100),
            after=values.cursor(query),
            limit=values.limit(query, default=PAGE, most=MOST),
        )
        return Response({"results": rows, "next": values.cursor_of(last)}, headers=NO_STORE)


class PlaceDetail(APIView):
    """One place."""

    @extend_schema(
        operation_id="cells_retrieve",
        summary="One place with its shape and its ancestors",
        responses={200: schema.PlaceWithGeometry, **schema.NOT_FOUND, **schema.REFUSED},
    )
    def get(self, request: Request, code: str) -> Response:
        """Shape and ancestors included."""
        place = access_place(code=code, geometry=True)
        *ancestors, record = lineage(sids=sids_of(path=place.path))
        geometry = geojson_geometry(wkb=bytes(place.geometry))
        return Response({**record, "geometry": geometry, "ancestors": ancestors}, headers=NO_STORE)


class Locate(APIView):
    """The cell at a point."""

    @extend_schema(
        operation_id="cells_locate",
        summary="The cell that holds a point",
        parameters=[schema.LNG, schema.LAT, schema.DATUM],
        responses={
            200: schema.LocatedPlace,
            (400, "application/problem+json"): schema.problem_response("datum_missing, bad_query"),
            (404, "application/problem+json"): schema.problem_response("outside_grid", schema.Outside),
            **schema.REFUSED,
        },
    )
    def get(self, request: Request) -> Response:
        """A point on a shared edge belongs to exactly one cell."""
        query = request.query_params
        datum = query.get("datum", "")
        if not datum:
            raise Refusal("datum_missing")
        if datum not in DATUMS:
            raise values.bad_query("datum", _("One of %(datums)s.") % {"datums": ", ".join(DATUMS)})
        lng, lat = to_wgs84(datum, values.coordinate(query, "lng", most=180), values.coordinate(query, "lat", most=90))
        found = locator(ground_version()[1]).one(lng, lat)
        if found.cell is None:
            raise Refusal("outside_grid", details=_how_far(found))
        cell = found.cell
        *ancestors, record = lineage(sids=[cell.district, cell.street, cell.community, cell.sid])
        return Response({"cell": record, "ancestors": ancestors, "on_edge": found.on_edge}, headers=NO_STORE)


def _how_far(found: Located) -> dict[str, Any]:
    near = found.nearest
    if near is None:
        return {"nearest": None, "distance_m": None}
    return {"nearest": {"id": near.id, "code": near.code, "name": near.name}, "distance_m": round(found.distance_m, 1)}


class Shapes(APIView):
    """All shapes of a level."""

    @extend_schema(
        operation_id="cells_geojson",
        summary="The shapes of a level as a FeatureCollection",
        parameters=[schema.LEVEL, schema.UNDER, schema.IF_NONE_MATCH],
        responses={
            (200, "application/geo+json"): schema.FeatureCollection,
            304: OpenApiResponse(description="Nothing has changed since that ETag."),
            **schema.BAD_QUERY,
            **schema.NOT_FOUND,
            **schema.REFUSED,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Streamed. The ETag is the boundary version; `level` is `grid` where it is not said."""
        level = values.level(request.query_params, default="grid")
        assert level is not None
        code = values.optional_text(request.query_params, "under", most=32)
        under = None if code is None else access_place(code=code)
        # The version is read first: what is sent is at least as new as its ETag says.
        epoch, ground = ground_version()
        day = city_day(timezone.now())
        headers = {"ETag": f'"{epoch[:8]}-{ground}-{day:%y%m%d}"', "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
        unchanged = get_conditional_response(request._request, etag=headers["ETag"])
        if unchanged is not None:
            for name, value in headers.items():
                unchanged[name] = value
            return unchanged
        pieces = features(day=day, level=level, under=under)
        body = _one_by_one(pieces) if isinstance(request._request, ASGIRequest) else pieces
        answer: HttpResponse | StreamingHttpResponse = StreamingHttpResponse(body, content_type="application/geo+json", headers=headers)
        return answer


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made in a thread when the one before has been sent: a slow phone holds one piece, not the city."""
    waiting = iter(pieces)

    def following() -> bytes | None:
        return next(waiting, None)

    while (piece := await sync_to_async(following)()) is not None:
        yield piece
