"""The picture of a photo, for a reader whose right is looked at each time."""

from typing import Literal

from gridgov.errors import Refusal
from gridgov.feed.sql import same
from grids.scope import Scope
from incidents.images import picture_of
from incidents.queries.cases import access_incident
from incidents.tables import PHOTOS

Size = Literal["thumb", "view"]


def access_picture(*, photo: str, size: Size, scope: Scope) -> str:
    """The hash under which the picture lies.

    :raises Refusal: not_found, for what is not there, what the reader may not see and what is not stored alike.
    """
    found = PHOTOS.select(same("id", "id"), id=photo)
    if not found:
        raise Refusal("not_found")
    access_incident(key=found[0].incident, scope=scope)
    picture = picture_of(found[0].sha256) if found[0].state == "stored" else None
    name = None if picture is None else picture.view_sha256 if size == "view" else picture.thumb_sha256
    if name is None:
        raise Refusal("not_found")
    return name
