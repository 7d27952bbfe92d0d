"""The place tree: loading, inserting, moving, retiring under lock; damage is found and mended; two writers do no harm."""

import datetime as dt
import io
import json
import threading
import uuid
from typing import Any

import pytest
import shapely
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from grids import tree, treecheck
from grids.models import Place
from tests.world import A1, A1C, A1N, A2C, B1, B1C, A, B, World


def fields(code: str, level: str, **more: Any) -> dict[str, Any]:
    """What a new place needs besides its parent."""
    box = shapely.MultiPolygon([shapely.box(108.9, 34.2, 108.91, 34.21)])
    figures = {"west": 108.9, "south": 34.2, "east": 108.91, "north": 34.21, "lng": 108.905, "lat": 34.205, "area_m2": 1e6}
    return {"id": uuid.uuid4(), "code": code, "name": code, "level": level, "geometry": box.wkb, **figures, **more}


def command(*arguments: str) -> tuple[int, str]:
    """verify_tree: exit code and output."""
    out = io.StringIO()
    try:
        call_command("verify_tree", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def by(code: str) -> Place:
    return Place.objects.get(code=code)


def test_a_new_place_goes_last_below_its_parent_with_path_and_level_columns(world: World) -> None:
    made = tree.insert(parent=by(A1C).pk, **fields(A1C + "003", "grid"))
    fresh, parent = by(A1C + "003"), by(A1C)
    assert fresh.pk == made.pk
    assert fresh.path == f"{parent.path}{fresh.sid}/"
    assert (fresh.district, fresh.street, fresh.community, fresh.cell) == (parent.district, parent.street, parent.sid, fresh.sid)
    assert [place.code for place in parent.get_descendants() if place.level == "grid"][-1] == A1C + "003"
    assert treecheck.verify() == []


def test_a_new_district_is_a_tree_of_its_own(world: World) -> None:
    tree.insert(parent=None, **fields("610115", "district"))
    tree.load(rows=[f | {"parent_id": None} for f in (fields("610116", "district"), fields("610117", "district"))])
    assert len(set(Place.objects.filter(parent=None).values_list("tree_id", flat=True))) == 5
    assert treecheck.verify() == []


@pytest.mark.parametrize(("parent", "level"), [(A, "grid"), (A1C, "street"), (None, "street"), (A1C + "001", "grid")])
def test_a_place_needs_a_parent_of_the_level_above(world: World, parent: str | None, level: str) -> None:
    with pytest.raises(tree.TreeError):
        tree.insert(parent=None if parent is None else by(parent).pk, **fields("999999", level))
    with pytest.raises(tree.TreeError):
        tree.load(rows=[fields("999999", "district") | {"parent_id": None}, fields("99", "grid") | {"parent_id": uuid.uuid4()}])
    assert treecheck.verify() == [] and not Place.objects.filter(code="999999").exists()


def test_a_cell_moves_to_another_community_with_what_stands_in_it_and_keeps_its_ids(world: World) -> None:
    cell = by(A1C + "001")
    moved = tree.move(place=cell.pk, parent=by(A2C).pk)
    assert moved == 2  # the cell and its building
    now, community = by(A1C + "001"), by(A2C)
    assert (now.pk, now.sid, now.parent_id) == (cell.pk, cell.sid, community.pk)
    assert (now.street, now.community, now.cell, now.path) == (community.street, community.sid, cell.sid, f"{community.path}{cell.sid}/")
    building = by(A1C + "00001")
    assert building.path.startswith(now.path) and building.community == community.sid
    assert treecheck.verify() == []


def test_a_street_moves_to_another_district_and_both_trees_stay_right(world: World) -> None:
    tree.move(place=by(A1).pk, parent=by(B).pk)
    assert {place.district for place in Place.objects.filter(code__startswith=A1)} == {by(B).sid}
    assert treecheck.verify() == []


def test_a_place_does_not_move_below_itself_or_to_a_wrong_level(world: World) -> None:
    for code, parent in ((A1, A1C), (A1C + "001", A1), (A1C, A), (A1, A1)):
        with pytest.raises(tree.TreeError):
            tree.move(place=by(code).pk, parent=by(parent).pk)
    assert treecheck.verify() == []


def test_a_place_is_retired_only_after_what_lies_below_it(world: World) -> None:
    day = dt.date(2026, 6, 1)
    with pytest.raises(tree.TreeError):
        tree.retire(place=by(B1C).pk, on=day)
    for code in (B1C + "001", B1C + "002", B1C):
        tree.retire(place=by(code).pk, on=day)
    assert by(B1C).valid_to == day
    with pytest.raises(tree.TreeError):
        tree.insert(parent=by(B1C).pk, **fields(B1C + "003", "grid"))
    assert treecheck.verify() == []


DAMAGE = {
    "left and right": lambda: Place.objects.filter(code=A1C).update(lft=F("lft") + 1),
    "depth": lambda: Place.objects.filter(code=A1).update(depth=4),
    "a node in another tree": lambda: Place.objects.filter(code=A1N).update(tree_id=by(B).tree_id),
    "a parent set behind the tree's back": lambda: Place.objects.filter(code=A1C + "001").update(parent=by(A1N)),
    "path": lambda: Place.objects.filter(code=A1C + "001").update(path="1/2/3/"),
    "level columns": lambda: Place.objects.filter(code=B1).update(street=None),
    "two districts in one tree": lambda: Place.objects.filter(district=by(B).sid).update(tree_id=by(A).tree_id),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told_with_the_id_of_the_place_and_mended(world: World, what: str) -> None:
    DAMAGE[what]()
    code, text = command("--format", "json")
    problems = json.loads(text)["problems"]
    assert code == 1 and problems
    known = {str(pk) for pk in Place.objects.values_list("pk", flat=True)}
    assert all(problem.keys() == {"id", "what"} and problem["id"] in known and problem["what"] for problem in problems)
    assert command("--repair")[0] == 0
    assert command("--format", "json") == (0, '{"problems": []}\n')
    before = list(Place.objects.order_by("pk").values_list("pk", "lft", "rght", "depth"))
    Place.objects.rebuild()  # what the library itself makes of the parents
    assert list(Place.objects.order_by("pk").values_list("pk", "lft", "rght", "depth")) == before


def test_what_the_parents_themselves_have_wrong_is_told_and_not_mended(world: World) -> None:
    Place.objects.filter(code=A1).update(parent=by(A1C))  # a circle
    Place.objects.filter(code=B1C).update(parent=by(B))  # a community below a district
    ids = {problem["id"] for problem in json.loads(command("--repair", "--format", "json")[1])["problems"]}
    assert {str(by(A1).pk), str(by(A1C).pk), str(by(B1C).pk)} <= ids
    assert command()[0] == 1


def test_one_district_is_looked_at_alone_and_an_unknown_one_is_misuse(world: World) -> None:
    DAMAGE["left and right"]()
    assert command("--district", B)[0] == 0
    assert command("--district", A)[0] == 1
    with pytest.raises(CommandError) as misuse:
        call_command("verify_tree", "--district", "999999")
    assert misuse.value.returncode == 2


def test_writers_at_the_same_time_leave_a_right_tree(transactional_db: None, world: World) -> None:
    start, failed = threading.Barrier(4), []

    def write(number: int) -> None:
        try:
            start.wait(10)
            for step in range(3):
                parent = by(A1C if number % 2 else B1C)
                tree.insert(parent=parent.pk, **fields(f"{parent.code}{number}{step}9", "grid"))
            tree.move(place=by(f"{A1C if number % 2 else B1C}{number}09").pk, parent=by(A2C).pk)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert Place.objects.filter(level="grid").count() == 24
    assert treecheck.verify() == []
