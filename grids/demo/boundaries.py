"""District outlines for the generator: the schematic ones, or those of a GeoJSON file that the operator brings."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from gridgov.errors import Misuse
from grids.rules import city, datum, outline


def schematic() -> dict[str, BaseGeometry]:
    """The outlines that ship: hand-placed, not real boundaries."""
    return outline.districts(frame=city.MIDDLE)


def read_outlines(*, path: Path, datum_name: str, codes: Sequence[str]) -> dict[str, BaseGeometry]:
    """Outlines of the districts `codes` from a GeoJSON FeatureCollection, in the generator's metres.

    The code of a feature is its property `code` or `adcode`. Points are converted one by one, so shared edges stay shared.

    :raises Misuse: for a file that is none, that lacks a district, or whose outlines overlap or do not meet.
    """
    try:
        document = json.loads(path.read_text("utf-8-sig"))  # some editors begin files with a byte order mark
        found = {_code(feature): shape(feature["geometry"]) for feature in document["features"]}
    except OSError as error:
        raise Misuse(_("%(path)s cannot be read: %(why)s") % {"path": path, "why": error.strerror}) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ShapelyError) as error:
        raise Misuse(_("%(path)s is not a GeoJSON FeatureCollection of polygons.") % {"path": path}) from error
    if missing := [code for code in codes if code not in found]:
        raise Misuse(_("%(path)s has no outline for %(codes)s.") % {"path": path, "codes": ", ".join(missing)})
    shapes = np.array([found[code] for code in codes], object)
    wrong = [
        c for c, g in zip(codes, shapes, strict=True) if g.geom_type not in ("Polygon", "MultiPolygon") or g.is_empty or not g.is_valid
    ]
    if wrong:
        raise Misuse(_("The outlines of %(codes)s are no valid polygons.") % {"codes": ", ".join(wrong)})

    def to_metres(points: NDArray[np.float64]) -> NDArray[np.float64]:
        lngs, lats = datum.many_to_wgs84(datum_name, points[:, 0], points[:, 1])
        return city.MIDDLE.to_metres(degrees=np.column_stack([lngs, lats]))

    flat = shapely.transform(shapes, to_metres)
    bounds = shapely.total_bounds(flat)
    if not np.isfinite(bounds).all() or np.abs(bounds).max() > 1_000_000:
        raise Misuse(_("The outlines do not lie about this city. Are the coordinates degrees, longitude first?"))
    if not shapely.coverage_is_valid(flat):
        raise Misuse(_("The outlines overlap, or their shared edges do not match vertex for vertex."))
    return dict(zip(codes, flat.tolist(), strict=True))


def _code(feature: dict[str, Any]) -> str:
    properties = feature["properties"]
    return str(properties.get("code") or properties["adcode"])
