"""The shapes of the place API for the OpenAPI document. Nothing is parsed or written with them."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from grids.rules.datum import DATUMS
from grids.rules.levels import LEVELS


class Point(serializers.Serializer[Any]):
    """Degrees, WGS-84."""

    lng = serializers.FloatField()
    lat = serializers.FloatField()


class PlaceRecord(serializers.Serializer[Any]):
    """A place without geometry, as in the feed. `path`: codes from the district down to itself; `bbox`: west, south, east, north."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    level = serializers.ChoiceField(choices=LEVELS)
    kind = serializers.ChoiceField(choices=("basic", "exclusive"), allow_null=True)
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]  # Field.parent is another thing
    path = serializers.ListField(child=serializers.CharField())
    centroid = Point()
    bbox = serializers.ListField(child=serializers.FloatField(), min_length=4, max_length=4)
    area_m2 = serializers.FloatField()
    boundary_version = serializers.IntegerField()
    synthetic = serializers.BooleanField()


class Geometry(serializers.Serializer[Any]):
    """GeoJSON MultiPolygon, WGS-84, on the grid of 1e-7 degree."""

    type = serializers.ChoiceField(choices=("MultiPolygon",))
    coordinates = serializers.ListField()


class PlaceWithGeometry(PlaceRecord):
    """A place with its shape and its ancestors, from the district down."""

    geometry = Geometry()
    ancestors = PlaceRecord(many=True)


class PlacePage(serializers.Serializer[Any]):
    """A page in the order of codes. `next` goes into `cursor`; null: that was all."""

    results = PlaceRecord(many=True)
    next = serializers.CharField(allow_null=True)


class LocatedPlace(serializers.Serializer[Any]):
    """The one cell that holds the point. `on_edge`: several meet there; the lowest code has it."""

    cell = PlaceRecord()
    ancestors = PlaceRecord(many=True)
    on_edge = serializers.BooleanField()


class Feature(serializers.Serializer[Any]):
    """GeoJSON feature; its properties are the record."""

    type = serializers.ChoiceField(choices=("Feature",))
    id = serializers.UUIDField()
    properties = PlaceRecord()
    geometry = Geometry()


class FeatureCollection(serializers.Serializer[Any]):
    """RFC 7946."""

    type = serializers.ChoiceField(choices=("FeatureCollection",))
    features = Feature(many=True)


class FieldProblem(serializers.Serializer[Any]):
    """What is wrong with one parameter or field."""

    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457, with a code that is never translated."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]  # so is Serializer.errors


class CellLabel(serializers.Serializer[Any]):
    """A cell by its names."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class Outside(Problem):
    """Code `outside_grid`, with the nearest cell."""

    nearest = CellLabel(allow_null=True)
    distance_m = serializers.FloatField(allow_null=True)


def problem_response(description: str, shape: type[serializers.Serializer[Any]] = Problem) -> OpenApiResponse:
    """An answer in application/problem+json."""
    return OpenApiResponse(response=shape, description=description)


REFUSED = {
    (401, "application/problem+json"): problem_response("not_authenticated"),
    (403, "application/problem+json"): problem_response("account_closed, device_revoked"),
}
BAD_QUERY = {(400, "application/problem+json"): problem_response("bad_query")}
NOT_FOUND = {(404, "application/problem+json"): problem_response("not_found")}

LEVEL = OpenApiParameter("level", str, enum=LEVELS, description="Only places of this level.")
UNDER = OpenApiParameter("under", str, description="The code of a place: itself and all below it. Unknown: 404.")
PARENT = OpenApiParameter("parent", str, description="The code of a place: its children. Unknown: 404.")
TEXT = OpenApiParameter("q", str, description="The beginning of a code or a part of a name, at most 100 characters.")
LIMIT = OpenApiParameter("limit", int, description="1 to 1000, default 100; more is cut.")
CURSOR = OpenApiParameter("cursor", str, description="`next` of the page before.")
LNG = OpenApiParameter("lng", float, required=True, description="Degrees within ±180, in the datum given.")
LAT = OpenApiParameter("lat", float, required=True, description="Degrees within ±90, in the datum given.")
DATUM = OpenApiParameter("datum", str, required=True, enum=DATUMS, description="Compulsory: without it datum_missing.")
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of an earlier answer.")
