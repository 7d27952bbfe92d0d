"""The admin: who may enter, what they see, and that no page reads the whole tree."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gridgov.feed.models import FeedRow, Head
from grids.models import Membership, OrgUnit, Place, User
from tests.world import A1, A1C, B1C, CAST, CELL, A, B, World

PLACES, PEOPLE, UNITS, MEMBERS = (f"/admin/grids/{name}/" for name in ("place", "user", "orgunit", "membership"))
LISTS = [PLACES, PEOPLE, UNITS, MEMBERS, "/admin/incidents/incident/", "/admin/incidents/event/", "/admin/incidents/conflict/",
         "/admin/incidents/category/", "/admin/sync/device/"]  # fmt: skip


def text(client: Client, path: str, query: dict[str, Any] | None = None) -> str:
    answer = client.get(path, query or {})
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("who", [name for name in CAST if name not in ("admin", "district-admin")])
def test_who_is_no_administrator_does_not_enter(world: World, who: str) -> None:
    client = world.browser(who)
    for path in ("/admin/", *LISTS, f"{PLACES}{world.places[CELL].pk}/change/", f"{PLACES}{world.places[CELL].pk}/shapes/"):
        answer = client.get(path)
        assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/"), path


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_list_and_form_opens_in_both_languages(world: World, language: str) -> None:
    client = world.browser("admin")
    client.cookies["django_language"] = language
    for path in ("/admin/", *LISTS, *(f"{path}?q=610104" for path in LISTS)):
        assert f'<html lang="{language}"' in text(client, path)
    for path in (PEOPLE, UNITS, MEMBERS, "/admin/incidents/category/"):
        text(client, path + "add/")
    for path, pk in (
        (PLACES, world.places[CELL].pk), (UNITS, world.units[A].pk), (PEOPLE, world.user("worker").pk),
        (MEMBERS, Membership.objects.get(user=world.user("worker")).pk),
    ):  # fmt: skip
        text(client, f"{path}{pk}/change/")
        text(client, f"{path}{pk}/history/")


def test_no_page_has_inline_script_or_style(world: World) -> None:
    client = world.browser("admin")
    pages = ["/admin/", *LISTS, f"{PLACES}{world.places[CELL].pk}/change/", f"{PEOPLE}add/", f"{UNITS}add/", f"{MEMBERS}add/"]
    for path in pages:
        page = text(client, path)
        assert "<style" not in page and " style=" not in page and " onclick" not in page, path
        assert all("src=" in tag or 'type="application/json"' in tag for tag in page.split("<script")[1:]), path


# --- the tree ----------------------------------------------------------------------------------------------------


def rows(page: str) -> list[str]:
    return [part.partition("</a>")[0].rpartition(">")[2] for part in page.split('class="field-code"')[1:]]


def test_the_tree_opens_one_level_at_a_time(world: World) -> None:
    client = world.browser("admin")
    assert rows(text(client, PLACES)) == [A, B]
    below = text(client, PLACES, {"parent": str(world.places[A].pk)})
    assert rows(below) == ["610104001", "610104002"] and world.places[A].name in below
    deeper = text(client, PLACES, {"parent": str(world.places[A1C].pk)})
    assert rows(deeper) == [A1C + "001", A1C + "002"]
    for above in (A, A1):
        assert f"?parent={world.places[above].pk}" in deeper, "the way back up"


def test_a_search_finds_by_code_and_by_name_in_all_levels(world: World) -> None:
    client = world.browser("admin")
    assert rows(text(client, PLACES, {"q": "610113"})) == sorted(c for c in world.places if c.startswith(B))
    assert rows(text(client, PLACES, {"q": world.places[CELL].name})) == [CELL]


@pytest.mark.parametrize(
    "query",
    [
        {"parent": "x"},
        {"parent": ""},
        {"parent": "6f0f2f0c-0000-4b1a-9d55-6d2a9f3c1b00"},
        {"level__exact": "x"},
        {"p": "x"},
        {"nothing": "1"},
    ],
)
def test_junk_in_the_address_is_no_server_error(world: World, query: dict[str, str]) -> None:
    assert world.browser("admin").get(PLACES, query, follow=True).status_code == 200


@pytest.mark.parametrize("path", [PLACES, UNITS, MEMBERS, PEOPLE])
def test_more_rows_take_no_more_statements(world: World, path: str) -> None:
    client = world.browser("admin")

    def statements(query: dict[str, str]) -> int:
        client.get(path, query)
        with CaptureQueriesContext(connection) as ran:
            client.get(path, query)
        return len(ran)

    few = {"q": CELL} if path in (PLACES, MEMBERS) else {"q": "worker"} if path == PEOPLE else {"q": A1C}
    assert statements(few) == statements({"q": ""} if path != PLACES else {"q": "610"})


@pytest.mark.parametrize("path", [PLACES, UNITS, MEMBERS, PEOPLE])
def test_no_page_reads_the_whole_tree_or_any_shape_it_does_not_draw(world: World, path: str) -> None:
    client = world.browser("admin")
    change = {
        PLACES: world.places[CELL].pk,
        UNITS: world.units[A].pk,
        MEMBERS: Membership.objects.filter(since__gt="2000-01-01")[0].pk,
        PEOPLE: world.user("worker").pk,
    }[path]
    for page in (path, f"{path}{change}/change/", *([f"{path}add/"] if path != PLACES else [])):
        with CaptureQueriesContext(connection) as ran:
            client.get(page)
        for query in ran:
            sql = query["sql"]
            if 'FROM "grids_place"' not in sql:
                assert '"geometry"' not in sql, sql
                continue
            one = any(
                f'"{key}" {how}' in sql
                for key, how in (('grids_place"."id', "="), ('grids_place"."id', "IN ('"), ("orgunit_id", "="), ("sid", "IN ("))
            )
            assert one or "LIMIT" in sql or '"parent_id" IS NULL' in sql, sql
            assert one or '"geometry"' not in sql, sql


def test_autocomplete_finds_places_by_code_and_name_a_page_at_a_time(world: World) -> None:
    client = world.browser("admin")
    query = {"app_label": "grids", "model_name": "membership", "field_name": "place"}
    body = client.get("/admin/autocomplete/", query | {"term": A1C}).json()
    assert [row["text"].split()[-1] for row in body["results"]] == [A1C, A1C + "00001", A1C + "001", A1C + "002"]
    assert len(client.get("/admin/autocomplete/", query | {"term": ""}).json()["results"]) <= 20


def test_a_name_is_changed_and_everybody_hears_of_it(world: World) -> None:
    client, place = world.browser("admin"), world.places[CELL]
    before = Head.objects.get()
    answer = client.post(f"{PLACES}{place.pk}/change/", {"name": "枣园村第3网格", "code": "1", "boundary_version": "9"})
    assert answer.status_code == 302
    after = Place.objects.get(pk=place.pk)
    assert (after.name, after.code, after.boundary_version, after.lft) == ("枣园村第3网格", CELL, 1, place.lft)
    head, row = Head.objects.get(), FeedRow.objects.get(type="place", rid=str(place.pk))
    assert head.ground > before.ground and row.seq == head.seq > before.seq and "枣园村第3网格" in row.wire
    assert LogEntry.objects.filter(object_id=str(place.pk), user=world.user("admin")).exists()


@pytest.mark.parametrize("name", ["", "a" * 101, "a\x00b"])
def test_a_name_that_cannot_be_is_refused_in_words(world: World, name: str) -> None:
    place = world.places[CELL]
    answer = world.browser("admin").post(f"{PLACES}{place.pk}/change/", {"name": name})
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    assert Place.objects.get(pk=place.pk).name == place.name


def test_places_are_neither_made_nor_deleted_here(world: World) -> None:
    client = world.browser("admin")
    assert client.get(f"{PLACES}add/").status_code == 403
    assert client.post(f"{PLACES}{world.places[CELL].pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_map_gets_the_place_its_siblings_and_what_is_around_in_two_more_statements(world: World) -> None:
    client = world.browser("admin")
    with CaptureQueriesContext(connection) as ran:
        body = client.get(f"{PLACES}{world.places[CELL].pk}/shapes/").json()
    roles = {feature["properties"]["code"]: feature["properties"]["role"] for feature in body["features"]}
    assert roles == {CELL: "own", A1C: "parent", A1C + "002": "sibling"}
    assert len(ran) == 6, "session, user, device, the place, its parent, its siblings"
    assert {f["properties"]["role"] for f in client.get(f"{PLACES}{world.places[A].pk}/shapes/").json()["features"]} == {"own", "sibling"}


def test_a_schematic_map_says_so(world: World) -> None:
    client, path = world.browser("admin"), f"{PLACES}{world.places[CELL].pk}/change/"
    assert "示意数据 · not real boundaries" in text(client, path)
    Place.objects.filter(pk=world.places[CELL].pk).update(synthetic=False)
    assert "示意数据" not in text(client, path)


# --- the role admin ----------------------------------------------------------------------------------------------


def test_a_district_administrator_reads_their_district_and_changes_nothing(world: World) -> None:
    client = world.browser("district-admin")
    assert rows(text(client, PLACES)) == [A]
    assert rows(text(client, PLACES, {"q": "610"})) == sorted(c for c in world.places if c.startswith(A))
    assert "secretary2" not in text(client, PEOPLE) and "secretary" in text(client, PEOPLE)
    assert world.units[B1C].name not in text(client, UNITS)
    for path, pk in ((PLACES, world.places[B].pk), (UNITS, world.units[B1C].pk), (PEOPLE, world.user("worker2").pk)):
        assert client.get(f"{path}{pk}/change/").status_code == 302, "not there, as Django's admin says it"
    assert client.get(f"{PLACES}{world.places[B].pk}/shapes/").status_code == 404
    for path, pk in ((PLACES, world.places[A].pk), (UNITS, world.units[A1C].pk), (PEOPLE, world.user("worker").pk)):
        assert client.get(f"{path}{pk}/change/").status_code == 200
        assert client.post(f"{path}{pk}/change/", {"name": "x"}).status_code == 403
    for path in (PEOPLE, UNITS, MEMBERS):
        assert client.get(f"{path}add/").status_code == 403


def test_the_admin_closes_with_the_membership(world: World) -> None:
    client = world.browser("district-admin")
    assert client.get("/admin/").status_code == 200
    member = Membership.objects.get(user=world.user("district-admin"))
    member.until = member.since
    member.save(update_fields=["until"])
    assert client.get("/admin/").status_code == 302


def test_an_account_that_is_switched_off_is_out_at_once(world: World) -> None:
    client = world.browser("admin")
    User.objects.filter(username="admin").update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_units_of_the_world_are_found(world: World) -> None:
    assert OrgUnit.objects.count() == 13
