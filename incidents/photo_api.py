"""GET photos/{id}/{thumb,view}: the pictures themselves. Records hold no links; who may read is asked each time."""

import logging
from typing import cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from gridgov.errors import Refusal
from grids.scope import Actor
from incidents.photo_files import picture_path
from incidents.queries.pictures import Size, access_picture

log = logging.getLogger("incidents.images")

# A picture was made by us of bytes that a stranger may have made: whatever it turned out to be, it is shown as a JPEG, alone.
HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": "inline",
}


class Picture(APIView):
    """A photo's rendition or thumbnail."""

    @extend_schema(
        operation_id="photos_picture",
        summary="A stored photo: upright, at most 1,600 px (view) or 320 px (thumb), without metadata",
        parameters=[OpenApiParameter("size", str, OpenApiParameter.PATH, enum=["thumb", "view"])],
        responses={
            (200, "image/jpeg"): OpenApiResponse(response=bytes, description="the picture"),
            304: OpenApiResponse(description="the picture that If-None-Match names"),
            401: OpenApiResponse(description="not_authenticated"),
            404: OpenApiResponse(description="not_found"),
        },
    )
    def get(self, request: Request, photo: str, size: str) -> HttpResponseBase:
        """What is not stored, not visible and not there look alike."""
        actor = cast(Actor, request.auth)
        if size not in ("thumb", "view"):
            raise Refusal("not_found")
        name = access_picture(photo=str(photo), size=cast(Size, size), scope=actor.scope)
        try:
            content = picture_path(name).read_bytes()
        except FileNotFoundError:
            log.error("the file of a stored picture is missing: %s", name[:12])
            raise Refusal("not_found") from None
        etag = f'"{name}"'
        response = HttpResponse(content, content_type="image/jpeg", headers={"ETag": etag})
        told: HttpResponseBase = get_conditional_response(request._request, etag=etag, response=response) or response
        for header, value in HEADERS.items():  # on 304 too: a browser takes over the headers that it brings
            told[header] = value
        return told


picture = Picture.as_view()
