"""Run as `python -m bench.people` with the server's environment: the bench's own accounts, and points inside cells.

The only part of the bench that loads Django. Prints one JSON object.
"""

import datetime as dt
import json
import random
import sys


def main() -> None:
    """Make them and print them."""
    import django

    django.setup()
    import shapely
    from django.utils import timezone

    from grids.models import Membership, OrgUnit, Place, User
    from sync.auth import begin_token

    now, rng = timezone.now(), random.Random(1)
    connections = int(sys.argv[1])

    def person(name: str, role: str, place: Place) -> str:
        user = User.objects.create(username=name, name=name, is_active=True)
        unit = OrgUnit.objects.get(kind="centre", place=place)
        Membership.objects.create(user=user, unit=unit, role=role, place=place, since=dt.date(2026, 1, 1))
        return begin_token(user=user, device_name="bench", now=now)[0]

    cells = list(Place.objects.filter(level="grid").order_by("code"))
    points = shapely.point_on_surface(shapely.from_wkb([bytes(cell.geometry) for cell in cells]))
    numbers = {sid: n for n, sid in enumerate(sorted({cell.community for cell in cells}))}
    district = cells[0].district
    spots = [
        [round(point.x, 7), round(point.y, 7), numbers[cell.community] + (0 if cell.district == district else 1_000_000), cell.code]
        for cell, point in zip(cells, points, strict=True)
    ]
    # Readers live in the first district, which gets most of the load.
    home = sorted({cell.community for cell in cells if cell.district == district})
    theirs = (home * connections)[:connections]  # the small city has fewer communities than we connections
    communities = {place.sid: place for place in Place.objects.filter(level="community")}
    reporters = [person(f"bench-{n}", "worker", communities[rng.choice(list(communities))]) for n in range(connections)]
    readers = [person(f"bench-reader-{n}", "worker", communities[sid]) for n, sid in enumerate(theirs)]
    desk = person("bench-desk", "operator", Place.objects.get(sid=district))
    told = {"spots": spots, "reporters": reporters, "readers": readers, "desk": desk, "communities": [numbers[sid] for sid in theirs]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
