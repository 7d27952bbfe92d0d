"""The words of a restricted case are for its owner unit and its author: nobody else hears them, over any channel (protocol §4.1)."""

import json
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident
from tests.sync import saying
from tests.sync.following import CHANGES, Everybody, fresh
from tests.sync.oracle import assert_reads
from tests.world import B1C, CAST, CELL, NEXT_CELL, World

# Each text that a person wrote has its own canary.
CANARIES = ("金丝雀甲", "金丝雀乙", "金丝雀丙", "金丝雀丁", "金丝雀戊", "金丝雀己")
FIRST, SECOND, LINE, ASIDE, PARKED, STEP = CANARIES
MAY = {"secretary", "stranger"}
SEE = {"worker", "secretary", "operator", "district-admin", "supervisor", "stranger"}


def everything(client: Client, case: str) -> str:
    """All that this reader can get at by reading."""
    texts, cursor = [], ""
    while True:
        page = client.get(CHANGES, {"since": cursor, "limit": 1000})
        texts.append(page.content.decode())
        found = json.loads(page.content)
        cursor = found["cursor"]
        if not found["more"]:
            break
    for path, query in (
        (f"/api/v1/incidents/{case}/", {}),
        ("/api/v1/incidents/", {"limit": 200}),
        ("/api/v1/incidents/", {"q": "金丝雀"}),
        ("/api/v1/incidents/", {"q": FIRST}),
        ("/api/v1/incidents/nearby", {"lng": 108.905, "lat": 34.205, "datum": "wgs84", "radius_m": 2000}),
    ):  # fmt: skip
        texts.append(client.get(path, query).content.decode())
    return "\n".join(texts)


def heard(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary in text}


def full_of_words(world: World, *, category: str = saying.RESTRICTED) -> str:
    """A case in which everybody has said something."""
    case = saying.report(world, "stranger", category=category, description=FIRST)
    saying.edit(world, "secretary", case, description=SECOND)
    saying.comment(world, "secretary", case, LINE, visibility="public")
    saying.comment(world, "secretary", case, ASIDE)
    saying.clash(world, "secretary", case, value=PARKED)
    said = saying.act_op(case, "reject", reason="not_ours", sentence=STEP, office="铁路局")
    saying.said(world, "secretary", said)
    return case


@pytest.mark.parametrize("name", list(CAST))
def test_no_word_of_it_reaches_anybody_but_the_owner_unit_and_the_author(world: World, name: str) -> None:
    case = full_of_words(world)
    found = heard(everything(world.client(name), case))
    # The author reads public and reporter lines; the aside and what another parked are the desk's.
    expected = {"secretary": set(CANARIES), "stranger": {FIRST, SECOND, LINE, STEP}}.get(name, set())
    assert found == expected
    assert_reads(world, name, fresh(world.client(name)))


def test_the_rest_of_it_is_shown_to_whoever_sees_the_case(world: World) -> None:
    case = full_of_words(world)
    for name in SEE - MAY:
        reader = fresh(world.client(name))
        record = reader.record("incident", case)
        assert (record["description"], record["restricted"], record["state"]) == (None, True, "rejected"), name
        events = [r for (kind, _), (_, r) in reader.store.items() if kind == "event"]
        assert {"submit", "edit", "comment", "reject"} <= {event["type"] for event in events}
        assert all(event["text"] is None and "description" not in event["changes"] for event in events)


def test_a_case_that_becomes_restricted_takes_its_words_back_from_followers_and_gives_them_again(world: World) -> None:
    case = full_of_words_open(world)
    everybody = Everybody(world)
    assert heard(held(everybody, "worker")) == {FIRST, SECOND, LINE}
    saying.edit(world, "secretary", case, category=saying.RESTRICTED)
    everybody.check()
    for name in SEE - MAY:
        assert heard(held(everybody, name)) == set(), name
        assert heard(everything(world.client(name), case)) == set(), name
    assert heard(held(everybody, "secretary")) == {FIRST, SECOND, LINE, ASIDE, PARKED}
    saying.edit(world, "secretary", case, category=saying.PLAIN)
    everybody.check()
    assert heard(held(everybody, "worker")) == {FIRST, SECOND, LINE}
    assert heard(held(everybody, "operator")) == {FIRST, SECOND, LINE, ASIDE, PARKED}
    for name in CAST:
        assert_reads(world, name, everybody[name])


def full_of_words_open(world: World) -> str:
    case = saying.report(world, "stranger", description=FIRST)
    saying.edit(world, "secretary", case, description=SECOND)
    saying.comment(world, "secretary", case, LINE, visibility="public")
    saying.comment(world, "secretary", case, ASIDE)
    saying.clash(world, "secretary", case, value=PARKED)
    return case


def held(everybody: Everybody, name: str) -> str:
    return json.dumps([record for _, record in everybody[name].store.values()], ensure_ascii=False)


def test_with_a_new_owner_the_words_go_to_the_new_desk_and_leave_the_old_one(world: World) -> None:
    case = saying.report(world, "stranger", category=saying.RESTRICTED, description=FIRST)
    everybody = Everybody(world)
    assert [name for name in CAST if heard(held(everybody, name))] == ["secretary", "stranger"]
    saying.move(world, "secretary", case, B1C + "001")
    everybody.check()
    assert [name for name in CAST if heard(held(everybody, name))] == ["secretary2", "stranger"]
    assert Incident.objects.get(pk=case).owner_unit == world.units[B1C].pk


def test_a_registered_case_that_moves_keeps_its_owner_who_then_no_longer_sees_it_by_place(world: World) -> None:
    """The owner changes only while it is reported; who reads it is the place's matter."""
    case = saying.report(world, "stranger", category=saying.RESTRICTED, description=FIRST)
    saying.act(world, "secretary", case, "register")
    saying.move(world, "secretary", case, B1C + "001")
    for name in CAST:
        reader = fresh(world.client(name))
        assert (("incident", case) in reader.store) == (name in {"worker2", "secretary2", "supervisor", "stranger"}), name
        assert heard(held_by(reader)) == ({FIRST} if name == "stranger" else set()), name


def held_by(reader: Any) -> str:
    return json.dumps([record for _, record in reader.store.values()], ensure_ascii=False)


def test_a_worker_s_own_words_about_it_are_not_kept_on_the_worker_s_phone(world: World) -> None:
    """A parked description of somebody who may not read it comes back without its values."""
    case = saying.report(world, "stranger", category=saying.RESTRICTED, description=FIRST)
    conflict = saying.clash(world, "worker", case, value=PARKED)
    reader = fresh(world.client("worker"))
    record = reader.record("conflict", conflict)
    assert (record["state"], record["base"], record["server"], record["client"]) == ("open", None, None, None)
    assert fresh(world.client("secretary")).record("conflict", conflict)["server"] == FIRST


def test_the_answer_to_an_op_does_not_tell_the_words_either(world: World) -> None:
    case = saying.report(world, "stranger", category=saying.RESTRICTED, description=FIRST)
    for name in ("worker", "operator", "supervisor"):
        client = world.client(name)
        for op in (
            saying.edit_op(case, base={"description": "从前"}, description="猜的"),
            saying.edit_op(case, base={"description": FIRST}, description=FIRST),
            saying.act_op(case, "close"),
            saying.act_op(case, "register") | {"base_version": 0},
        ):  # fmt: skip
            for _ in range(2):  # and the repeated answer
                answer = client.post("/api/v1/sync/ops", {"ops": [op]}, content_type="application/json")
                assert heard(answer.content.decode()) == set(), (name, op["kind"])


def test_other_fields_of_a_restricted_case_are_told_as_of_any(world: World) -> None:
    case = saying.report(world, "stranger", cell=NEXT_CELL, category=saying.RESTRICTED, description=FIRST, address="南门")
    conflict = saying.clash(world, "neighbour", case, field="address", value="北门")
    record = fresh(world.client("neighbour")).record("conflict", conflict)
    assert (record["field"], record["server"], record["client"]) == ("address", "南门", "北门")
    assert fresh(world.client("neighbour")).record("incident", case)["address"] == "南门"
    assert CELL != NEXT_CELL
