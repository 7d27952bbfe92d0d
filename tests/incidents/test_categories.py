"""The starter categories, and their editing: every phone hears of it."""

import json
from typing import Any

import pytest

from gridgov.feed.models import FeedRow, Head
from incidents.categories import load, rows_of, starter
from incidents.models import Category
from tests.world import NOW, World

PAGE = "/admin/incidents/category/"
KEYS = [
    "id",
    "code",
    "names",
    "parent",
    "kind",
    "handling_class",
    "restricted",
    "retired",
    "replaced_by",
    "required_photos",
    "radius_m",
    "questions",
]


def record(code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FeedRow.objects.get(type="category", rid=str(Category.objects.get(code=code).pk)).wire)
    return found


def form(code: str, /, **more: Any) -> dict[str, Any]:
    old = Category.objects.get(code=code)
    sent = {
        "code": code, "name_zh": old.name_zh, "name_en": old.name_en, "kind": old.kind, "parent": str(old.parent_id or ""),
        "handling_class": old.handling_class, "required_photos": old.required_photos, "radius_m": str(old.radius_m), "questions": "[]",
        "replaced_by": "",
    } | ({"restricted": "on"} if old.restricted else {})  # fmt: skip
    return sent | more


def test_there_are_five_component_six_event_and_six_request_classes_and_about_forty_leaves(db: None) -> None:
    entries = starter()
    classes = [entry for entry in entries if len(entry.code) == 2]
    assert {kind: sum(entry.kind == kind for entry in classes) for kind in ("component", "event", "request")} == {
        "component": 5,
        "event": 6,
        "request": 6,
    }
    leaves = [entry for entry in entries if len(entry.code) == 4]
    assert 35 <= len(leaves) <= 50 and len(classes) + len(leaves) == len(entries) == len({entry.code for entry in entries})
    for known in classes:
        assert any(leaf.code.startswith(known.code) for leaf in leaves), f"{known.code} has no leaf"


def test_the_only_restricted_one_is_the_dispute_and_it_asks_for_no_photo(db: None) -> None:
    restricted = [entry for entry in starter() if entry.restricted]
    assert [(entry.zh, entry.required_photos) for entry in restricted] == [("矛盾纠纷", ())]


def test_loading_again_changes_nothing_and_keeps_what_was_edited(world: World) -> None:
    Category.objects.filter(code="0102").update(name_zh="垃圾")
    head = Head.objects.get(pk=1)
    assert load(now=NOW) == 0
    assert Category.objects.get(code="0102").name_zh == "垃圾"
    assert (Head.objects.get(pk=1).seq, Head.objects.get(pk=1).ground) == (head.seq, head.ground)


def test_a_record_has_the_keys_of_the_protocol(world: World) -> None:
    assert list(record("0102")) == KEYS
    assert record("0102")["names"] == {"zh-hans": "暴露垃圾", "en": "Litter lying in the open"}
    assert (record("0102")["parent"], record("0102")["kind"], record("01")["parent"]) == ("01", "event", None)
    assert [row.wire for row in rows_of(categories=Category.objects.filter(code="0102"))] == [
        FeedRow.objects.get(rid=record("0102")["id"]).wire
    ]


def test_an_edited_category_goes_to_every_phone(world: World) -> None:
    head = Head.objects.get(pk=1)
    pk = Category.objects.get(code="0102").pk
    answer = world.browser("admin").post(f"{PAGE}{pk}/change/", form("0102", name_en="Litter", radius_m="80", required_photos=["before"]))
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    told, row = record("0102"), FeedRow.objects.get(type="category", rid=str(pk))
    assert (told["names"]["en"], told["radius_m"], told["required_photos"]) == ("Litter", 80, ["before"])
    assert row.seq == head.seq + 1 == Head.objects.get(pk=1).seq and Head.objects.get(pk=1).ground > head.ground


def test_a_category_is_retired_in_favour_of_another(world: World) -> None:
    pk, other = Category.objects.get(code="0103").pk, Category.objects.get(code="0102").pk
    answer = world.browser("admin").post(f"{PAGE}{pk}/change/", form("0103", retired="on", replaced_by=str(other)))
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    assert (record("0103")["retired"], record("0103")["replaced_by"]) == (True, "0102")


def test_a_new_category_stands_below_its_class(world: World) -> None:
    parent = str(Category.objects.get(code="01").pk)
    sent = form(
        "0102",
        code="0150",
        parent=parent,
        name_zh="水域不洁",
        name_en="Dirty water",
        questions='[{"key": "bank", "names": {"en": "Bank"}}]',
    )
    answer = world.browser("admin").post(f"{PAGE}add/", sent)
    assert answer.status_code == 302, answer.context and answer.context["adminform"].form.errors
    assert record("0150")["parent"] == "01" and record("0150")["questions"] == [{"key": "bank", "names": {"en": "Bank"}}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "0102"}, "code"), ({"code": "x"}, "code"), ({"code": "015"}, "code"), ({"code": "٠١٥٠"}, "code"), ({"code": "1150"}, "code"),
        ({"parent": ""}, "parent"), ({"parent": "x"}, "parent"), ({"name_zh": ""}, "name_zh"), ({"radius_m": "-1"}, "radius_m"),
        ({"questions": "{"}, "questions"), ({"questions": "{}"}, "questions"), ({"questions": "[1]"}, "questions"),
        ({"required_photos": ["during"]}, "required_photos"), ({"restricted": "on", "required_photos": ["before"]}, "required_photos"),
        ({"replaced_by": "0103"}, "replaced_by"), ({"retired": "on", "replaced_by": "01"}, "replaced_by"), ({"kind": "x"}, "kind"),
    ],
)  # fmt: skip
def test_a_category_that_cannot_be_is_refused_at_its_field(world: World, change: dict[str, Any], field: str) -> None:
    if change.get("replaced_by"):
        change = change | {"replaced_by": str(Category.objects.get(code=change["replaced_by"]).pk)}
    parent = str(Category.objects.get(code="01").pk)
    answer = world.browser("admin").post(f"{PAGE}add/", form("0102") | {"code": "0150", "parent": parent} | change)
    assert answer.status_code == 200 and field in answer.context["adminform"].form.errors


def test_the_code_kind_and_class_of_a_category_stay(world: World) -> None:
    pk = Category.objects.get(code="0102").pk
    world.browser("admin").post(f"{PAGE}{pk}/change/", form("0102", code="0199", kind="request", parent=""))
    assert (record("0102")["code"], record("0102")["kind"], record("0102")["parent"]) == ("0102", "event", "01")


def test_categories_are_never_deleted(world: World) -> None:
    pk = Category.objects.get(code="0102").pk
    assert world.browser("admin").post(f"{PAGE}{pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_district_administrator_reads_categories(world: World) -> None:
    client = world.browser("district-admin")
    assert client.get(PAGE).status_code == 200
    assert client.post(f"{PAGE}{Category.objects.get(code='0102').pk}/change/", form("0102")).status_code == 403
