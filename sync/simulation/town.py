"""What a person in the field knows of the city: cells of their scope, points well inside them, categories, the workflow.

Read once from the server, by the calls that every client has (protocol §8).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import shape

from sync.phone.api import Api

MOST_CELLS = 6
MARGIN = 0.00002  # degrees, some two metres: away from edges, where rounding may choose the neighbour


@dataclass(frozen=True)
class Town:
    """`cells`: polygons by code (WGS-84); `categories`: codes of leaves that everybody may read; `actions`: rows by code."""

    cells: Mapping[str, Any]
    categories: Sequence[str]
    actions: Mapping[str, Mapping[str, Any]]

    def position(self, rng: random.Random) -> dict[str, Any]:
        """A position somewhere inside one of the cells, as a phone sends it."""
        area = self.cells[rng.choice(sorted(self.cells))]
        inner = area.buffer(-MARGIN)
        west, south, east, north = (inner if not inner.is_empty else area).bounds
        for _ in range(50):
            lng, lat = round(rng.uniform(west, east), 7), round(rng.uniform(south, north), 7)
            if inner.contains(shapely.Point(lng, lat)):
                break
        else:
            lng, lat = (round(one, 7) for one in area.representative_point().coords[0])
        return {"lng": lng, "lat": lat, "datum": "wgs84", "accuracy_m": rng.choice((4, 8, 15, 40)), "source": "gps"}


def look_around(api: Api, memberships: Sequence[Mapping[str, Any]]) -> Town:
    """Ask the server. A person without cells of their own (a desk of the whole city, a handler) gets none."""
    cells: dict[str, Any] = {}
    scopes = [one["scope"] for one in memberships if one["role"] in ("worker", "secretary", "operator")]
    for scope in scopes:
        rows = api.rows("cells/", level="grid", under=scope["code"], limit=200)
        for row in sorted(rows, key=lambda one: str(one["code"]))[: MOST_CELLS - len(cells)]:
            cells[row["code"]] = shape(api.get(f"cells/{row['code']}/")["geometry"])
    rows = api.rows("categories/")
    parents = {row["parent"] for row in rows}
    leaves = [row["code"] for row in rows if row["code"] not in parents and not row["restricted"] and not row["retired"]]
    actions = {row["code"]: row for row in api.get("workflow")["actions"]}
    return Town(cells, sorted(leaves), actions)
