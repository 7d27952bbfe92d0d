"""Who gets which record of a case in the feed, role by role, as the table of protocol §4.1 says it."""

import pytest

from grids.actions import publish_units
from tests.incidents.readers import readers_of
from tests.sync import saying
from tests.sync.following import fresh
from tests.sync.oracle import assert_reads
from tests.world import A1, A1C, B1C, CAST, CELL, NEXT_CELL, NOW, A, World

# Of a case in CELL that somebody from elsewhere reported: by place, and the author.
BY_PLACE = {"worker", "secretary", "operator", "district-admin", "supervisor"}
DESKS = {"secretary", "operator", "supervisor"}


def test_a_case_is_read_by_those_whose_scope_covers_its_place_and_by_its_author(world: World) -> None:
    mine = saying.report(world, "worker")
    strangers = saying.report(world, "stranger")
    others = saying.report(world, "worker2")
    assert readers_of(world, "incident", mine) == BY_PLACE
    assert readers_of(world, "incident", strangers) == BY_PLACE | {"stranger"}
    assert readers_of(world, "incident", others) == BY_PLACE | {"worker2"}


def test_a_superuser_a_handler_without_an_assignment_and_somebody_whose_membership_ended_get_no_case(world: World) -> None:
    saying.report(world, "worker", photos=1)
    for name in ("admin", "handler", "former", "stranger"):
        reader = fresh(world.client(name))
        assert reader.of("incident", "event", "photo", "conflict", "notice") == set(), name


def test_public_and_reporter_lines_are_read_by_all_who_see_the_case(world: World) -> None:
    case = saying.report(world, "stranger")
    for visibility in ("public", "reporter"):
        line = saying.comment(world, "secretary", case, visibility=visibility)
        assert readers_of(world, "event", line) == BY_PLACE | {"stranger"}


def test_internal_lines_are_for_the_desks_of_the_place_whoever_owns_the_case(world: World) -> None:
    case = saying.report(world, "stranger")
    assert readers_of(world, "event", saying.comment(world, "secretary", case)) == DESKS
    assert readers_of(world, "event", saying.comment(world, "supervisor", case)) == DESKS


def test_a_worker_reads_their_own_internal_lines_and_no_others(world: World) -> None:
    case = saying.report(world, "stranger")
    own = saying.comment(world, "worker", case)
    assert readers_of(world, "event", own) == DESKS | {"worker"}
    assert readers_of(world, "event", saying.comment(world, "operator", case)) == DESKS


def test_an_author_from_afar_reads_their_own_internal_line_and_none_of_the_desk(world: World) -> None:
    case = saying.report(world, "worker2")
    own = saying.comment(world, "worker2", case)
    desk = saying.comment(world, "secretary", case)
    assert readers_of(world, "event", own) == DESKS | {"worker2"}
    assert readers_of(world, "event", desk) == DESKS
    saying.move(world, "operator", case, NEXT_CELL)
    assert readers_of(world, "event", own) == DESKS | {"worker2"}
    assert readers_of(world, "event", desk) == DESKS


def test_a_worker_s_own_internal_line_goes_when_the_case_leaves_the_worker(world: World) -> None:
    case = saying.report(world, "stranger")
    own = saying.comment(world, "worker", case)
    worker = fresh(world.client("worker"))
    saying.move(world, "secretary", case, NEXT_CELL)
    worker.poll()
    assert ("event", own) not in worker.store
    assert worker.digest() == worker.own_digest()
    assert readers_of(world, "event", own) == DESKS
    saying.move(world, "secretary", case, CELL)
    assert readers_of(world, "event", own) == DESKS | {"worker"}


def test_a_secretary_s_own_internal_line_goes_when_the_case_leaves_their_community(world: World) -> None:
    case = saying.report(world, "stranger")
    own = saying.comment(world, "secretary", case)
    saying.move(world, "secretary", case, B1C + "001")
    assert readers_of(world, "event", own) == {"secretary2", "supervisor"}
    assert readers_of(world, "incident", case) == {"worker2", "secretary2", "supervisor", "stranger"}


def test_a_photo_is_read_by_all_who_see_the_case_whoever_took_it(world: World) -> None:
    case = saying.report(world, "stranger")
    photo = saying.add_photo(world, "worker", case)
    assert readers_of(world, "photo", photo) == BY_PLACE | {"stranger"}


def test_a_conflict_is_for_the_desks_of_the_place_and_for_its_author(world: World) -> None:
    case = saying.report(world, "stranger")
    assert readers_of(world, "conflict", saying.clash(world, "worker", case)) == DESKS | {"worker"}
    assert readers_of(world, "conflict", saying.clash(world, "stranger", case)) == DESKS | {"stranger"}
    assert readers_of(world, "conflict", saying.clash(world, "operator", case)) == DESKS


def test_a_conflict_follows_its_case_and_stays_with_its_author(world: World) -> None:
    case = saying.report(world, "stranger")
    conflict = saying.clash(world, "worker", case)
    saying.move(world, "secretary", case, B1C + "001")
    assert readers_of(world, "conflict", conflict) == {"secretary2", "supervisor", "worker"}


def test_a_handover_is_for_the_desks_alone(world: World) -> None:
    case = saying.report(world, "worker2")
    saying.move(world, "secretary", case, B1C + "001")
    saying.act(world, "secretary2", case, "register")
    saying.move(world, "secretary2", case, CELL)
    saying.hand_over(world, "worker2", case)  # their report, but registered and elsewhere now
    conflicts = fresh(world.client("secretary")).of("conflict")
    assert len(conflicts) == 1
    assert readers_of(world, "conflict", conflicts.pop()) == DESKS


def test_a_notice_is_one_person_s(world: World) -> None:
    case = saying.report(world, "stranger")
    saying.comment(world, "secretary", case, to=str(world.user("worker").pk))
    notices = fresh(world.client("worker")).of("notice")
    assert len(notices) == 1
    assert readers_of(world, "notice", notices.pop()) == {"worker"}


@pytest.mark.parametrize("name", list(CAST))
def test_everybody_gets_all_units_and_categories(world: World, name: str) -> None:
    reader = fresh(world.client(name))
    assert reader.of("unit") == {str(unit.pk) for unit in world.units.values()}
    codes = {record["code"] for (kind, _), (_, record) in reader.store.items() if kind == "category"}
    assert {saying.PLAIN, saying.RESTRICTED, saying.REQUEST} < codes


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        # own places, the other places of their community (its building too), ancestors
        ("worker", {A, A1, A1C, CELL, NEXT_CELL, A1C + "00001"}),
        ("neighbour", {A, A1, A1C, CELL, NEXT_CELL, A1C + "00001"}),
        ("secretary", {A, A1, A1C, CELL, NEXT_CELL, A1C + "00001"}),
        ("secretary2", {B1C[:6], B1C[:9], B1C, B1C + "001", B1C + "002"}),
        ("operator", {A, A1, A1C, CELL, NEXT_CELL, A1C + "00001", A1 + "002", A1 + "002001", A1 + "002002"}),
        ("stranger", set()),
        ("former", set()),
        ("admin", set()),
    ],
)
def test_places_are_one_s_own_those_of_the_community_and_the_ancestors(world: World, name: str, codes: set[str]) -> None:
    reader = fresh(world.client(name))
    assert {record["code"] for (kind, _), (_, record) in reader.store.items() if kind == "place"} == codes


def test_the_city_s_supervisor_gets_every_place_and_a_district_s_people_all_of_the_district(world: World) -> None:
    def codes(name: str) -> set[str]:
        reader = fresh(world.client(name))
        return {record["code"] for (kind, _), (_, record) in reader.store.items() if kind == "place"}

    assert codes("supervisor") == set(world.places)
    assert codes("district-admin") == codes("handler") == {code for code in world.places if code.startswith(A)}


def test_cells_that_a_unit_manages_are_read_by_its_people(world: World) -> None:
    case = saying.report(world, "stranger", cell=B1C + "001")
    unit = world.units[A1C]
    unit.manages.add(world.places[B1C + "001"])
    publish_units(units=[unit], now=NOW)
    assert readers_of(world, "incident", case) == {"worker2", "secretary2", "supervisor", "stranger", "worker", "neighbour", "secretary"}
    for name in ("worker", "secretary"):
        assert_reads(world, name, fresh(world.client(name)))


@pytest.mark.parametrize("name", list(CAST))
def test_the_whole_cast_reads_what_the_table_says(world: World, name: str) -> None:
    here = saying.report(world, "stranger", photos=2)
    there = saying.report(world, "worker", cell=B1C + "001", photos=1)
    for case, desk, field in ((here, "secretary", "worker"), (there, "secretary2", "worker2")):
        for visibility in ("internal", "reporter", "public"):
            saying.comment(world, desk, case, visibility=visibility)
        saying.comment(world, field, case, to=str(world.user("supervisor").pk))
        saying.clash(world, field, case)
    assert_reads(world, name, fresh(world.client(name)))
