"""What leaves a reader: `gone` with its reason, what it takes along, and whom nobody tells (protocol §4, 1–4)."""

import datetime as dt

from django.utils import timezone

from gridgov.feed.models import FeedRow
from incidents.clocks import archive
from tests.sync import saying
from tests.sync.following import Everybody, Reader, fresh
from tests.world import A1N, A2C, B1C, CELL, NEXT_CELL, World

FAR = B1C + "001"
BESIDE = A1N + "001"


def archived_now() -> int:
    """The clock after thirty days."""
    now = timezone.now()
    return archive(before=now + dt.timedelta(seconds=1), now=now)


def gones(reader: Reader, kind: str, rid: str) -> list[str]:
    """Why a record went, as often as it did."""
    return [change["why"] for change in reader.told(kind, rid) if change.get("gone")]


def test_who_no_longer_sees_a_case_is_told_that_it_is_gone_and_who_still_sees_it_gets_it_again(world: World) -> None:
    case = saying.report(world, "worker", photos=2)
    everybody = Everybody(world)
    assert len(everybody["secretary"].of("photo")) == 2
    saying.move(world, "secretary", case, FAR)
    told = everybody.check()
    for name in ("secretary", "operator", "district-admin"):
        assert gones(everybody[name], "incident", case) == ["scope"], name
        assert everybody[name].of("incident", "event", "photo") == set(), name
    for name in ("worker", "supervisor", "worker2", "secretary2"):
        assert everybody[name].record("incident", case)["cell"]["code"] == FAR, name
        assert len(everybody[name].of("photo")) == 2, name
    for name in ("neighbour", "handler", "former", "admin", "stranger"):
        assert told[name] == [], name


def test_the_author_keeps_seeing_the_report_wherever_it_lies_and_gets_no_gone(world: World) -> None:
    case = saying.report(world, "worker", photos=1)
    saying.comment(world, "secretary", case, visibility="reporter")
    worker = fresh(world.client("worker"))
    saying.move(world, "secretary", case, FAR)
    saying.act(world, "secretary2", case, "register")
    worker.poll()
    assert gones(worker, "incident", case) == []
    assert worker.record("incident", case)["state"] == "registered"
    assert len(worker.of("event")) == 4  # submit, comment, edit, register
    assert len(worker.of("photo")) == 1


def test_what_hangs_on_a_case_moves_to_the_end_unchanged_for_new_readers(world: World) -> None:
    case = saying.report(world, "stranger", photos=1)
    line = saying.comment(world, "secretary", case, visibility="public")
    conflict = saying.clash(world, "worker", case)
    new = fresh(world.client("secretary2"))  # stands behind all of it
    old = fresh(world.client("supervisor"))
    before = {key: value for key, value in old.store.items() if key[0] in ("event", "photo", "conflict")}
    saying.move(world, "secretary", case, FAR)
    told = new.poll()
    assert {(c["type"], c["id"]) for c in told} >= {("incident", case), ("event", line), ("conflict", conflict), *before}
    old.poll()
    for key, (seq, record) in before.items():
        assert old.store[key][1] == record, "the record did not change"
        assert old.store[key][0] > seq, "its position did"
        assert new.store[key] == old.store[key]


def test_who_comes_back_loses_nothing_and_the_old_place_is_told_once(world: World) -> None:
    case = saying.report(world, "stranger", photos=1)
    everybody = Everybody(world)
    for cell in (NEXT_CELL, BESIDE, CELL):  # A → B → C → A
        saying.move(world, "operator", case, cell)
        everybody.check()
    assert gones(everybody["worker"], "incident", case) == ["scope"]
    assert gones(everybody["neighbour"], "incident", case) == ["scope"]
    assert gones(everybody["secretary"], "incident", case) == ["scope"]
    assert gones(everybody["operator"], "incident", case) == [], "the street saw it all the time"
    assert everybody["worker"].of("incident") == {case}
    assert len(everybody["worker"].of("photo")) == 1
    assert everybody["neighbour"].of("incident", "event", "photo") == set()


def test_a_cursor_from_before_several_moves_hears_what_is_true_now(world: World) -> None:
    case = saying.report(world, "stranger")
    names = ("worker", "neighbour", "secretary", "operator", "secretary2", "supervisor")
    old = {name: fresh(world.client(name)) for name in names}
    for cell in (NEXT_CELL, BESIDE, CELL):
        saying.move(world, "operator", case, cell)
    for name, reader in old.items():
        reader.poll()
        assert reader.store == fresh(reader.client).store, name
    assert gones(old["worker"], "incident", case) == [], "back before this cursor moved"
    saying.move(world, "operator", case, FAR)
    for name, reader in old.items():
        reader.poll()
        assert reader.store == fresh(reader.client).store, name
    assert old["secretary2"].of("incident") == {case}


def test_a_case_edited_in_its_new_place_stays_gone_in_the_old_one(world: World) -> None:
    case = saying.report(world, "stranger")
    late = fresh(world.client("worker"))
    prompt = fresh(world.client("worker"))
    saying.move(world, "secretary", case, FAR)
    prompt.poll()
    saying.edit(world, "secretary2", case, description="新的说明")
    assert prompt.poll() == []
    late.poll()
    assert gones(late, "incident", case) == ["scope"]
    assert late.store == prompt.store


def test_a_page_that_ends_between_gone_and_the_case_s_return_changes_nothing(world: World) -> None:
    cases = [saying.report(world, "stranger", photos=1) for _ in range(3)]
    readers = [fresh(world.client(name)) for name in ("worker", "neighbour", "secretary", "secretary2", "supervisor")]
    for cell in (NEXT_CELL, FAR, NEXT_CELL, CELL):
        for case in cases:
            saying.move(world, "supervisor" if cell == "" else _desk(world, case), case, cell)
    for reader in readers:
        for limit in (1, 2, 3):
            small = Reader(reader.client, limit=limit)
            small.store, small.cursor = dict(reader.store), reader.cursor
            small.poll()
            assert small.store == fresh(reader.client).store


def _desk(world: World, case: str) -> str:
    from incidents.models import Incident

    return {"610104": "operator", "610113": "secretary2"}[Incident.objects.get(pk=case).cell_code[:6]]


def test_conflicts_leave_and_arrive_by_their_own(world: World) -> None:
    case = saying.report(world, "stranger")
    conflict = saying.clash(world, "worker", case)
    everybody = Everybody(world)
    saying.move(world, "secretary", case, FAR)
    everybody.check()
    assert gones(everybody["secretary"], "conflict", conflict) == ["scope"]
    assert gones(everybody["worker"], "conflict", conflict) == [], "its author keeps it"
    assert everybody["secretary2"].record("conflict", conflict)["state"] == "open"
    assert everybody["worker2"].of("conflict") == set(), "workers see no conflicts of others"
    assert gones(everybody["neighbour"], "conflict", conflict) == []


def test_a_move_within_one_s_scope_is_a_change_and_nothing_goes(world: World) -> None:
    case = saying.report(world, "worker2", cell=CELL, photos=1)
    everybody = Everybody(world)
    saying.move(world, "secretary", case, NEXT_CELL)
    told = everybody.check()
    for name in ("secretary", "operator", "district-admin", "supervisor", "worker2"):
        assert [c for c in told[name] if c.get("gone")] == [], name
        assert everybody[name].record("incident", case)["cell"]["code"] == NEXT_CELL, name
    assert gones(everybody["worker"], "incident", case) == ["scope"]


def test_a_case_that_was_moved_away_in_the_push_that_made_it_was_never_there(world: World) -> None:
    readers = {name: fresh(world.client(name)) for name in ("worker", "neighbour", "secretary")}
    op = saying.report_op(world)
    base = {"position": op["position"]}
    away = saying.op("incident.edit", incident=op["incident"], base_version=1, base=base, fields={"position": world.position(FAR)})
    saying.said(world, "stranger", op, away)
    for name, reader in readers.items():
        assert reader.poll() == [], name


def test_archiving_takes_a_case_its_conflicts_and_notices_out_of_the_feed_each_with_its_gone(world: World) -> None:
    case = saying.report(world, "worker", photos=1)
    conflict = saying.clash(world, "worker", case)
    saying.comment(world, "secretary", case, to=str(world.user("worker").pk))
    everybody = Everybody(world)
    notice = everybody["worker"].of("notice").pop()
    saying.close(world, "secretary", case)
    everybody.check()
    assert everybody["worker"].record("incident", case)["state"] == "closed", "closed cases stay until they are archived"
    assert archived_now() == 1
    told = everybody.check()
    for name in ("worker", "secretary", "operator", "district-admin", "supervisor"):
        assert gones(everybody[name], "incident", case) == ["archived"], name
        assert everybody[name].of("incident", "event", "photo", "conflict", "notice") == set(), name
    assert {(c["type"], c["id"], c["why"]) for c in told["worker"]} == {
        ("incident", case, "archived"), ("conflict", conflict, "archived"), ("notice", notice, "archived"),
    }  # fmt: skip
    assert {c["type"] for c in told["secretary"]} == {"incident", "conflict"}
    assert {c["type"] for c in told["district-admin"]} == {"incident"}
    for name in ("neighbour", "worker2", "secretary2", "stranger", "handler"):
        assert told[name] == [], name


def test_the_author_from_afar_hears_of_the_archiving(world: World) -> None:
    case = saying.report(world, "stranger")
    stranger = fresh(world.client("stranger"))
    saying.act(world, "secretary", case, "reject")
    archived_now()
    stranger.poll()
    assert gones(stranger, "incident", case) == ["archived"]
    assert stranger.of("incident", "event") == set()


def test_the_old_place_of_an_archived_case_is_told_scope_and_not_archived(world: World) -> None:
    case = saying.report(world, "stranger")
    late = fresh(world.client("worker"))
    saying.move(world, "secretary", case, FAR)
    saying.act(world, "secretary2", case, "reject")
    archived_now()
    late.poll()
    assert gones(late, "incident", case) == ["scope"]
    assert gones(fresh(world.client("worker")), "incident", case) == []


def test_only_what_has_been_closed_for_thirty_days_is_archived(world: World) -> None:
    from incidents.clocks import run_due

    case = saying.report(world, "worker")
    saying.report(world, "worker")
    saying.act(world, "secretary", case, "reject")
    now = timezone.now()
    assert run_due(now=now + dt.timedelta(days=29, hours=23))["archived"] == 0
    assert run_due(now=now + dt.timedelta(days=30, seconds=5))["archived"] == 1
    assert run_due(now=now + dt.timedelta(days=90))["archived"] == 0


def test_a_first_load_in_pages_hears_of_what_leaves_meanwhile(world: World) -> None:
    gone, stays = saying.report(world, "worker2", cell=CELL), saying.report(world, "worker2", cell=A2C + "001")
    reader = Reader(world.client("district-admin"), limit=5)
    while ("incident", gone) not in (reader.loading or reader.store):
        assert reader.page()["more"] or ("incident", gone) in reader.store
    saying.move(world, "secretary", gone, FAR)
    reader.poll()
    assert reader.of("incident") == {stays}
    assert reader.store == fresh(reader.client).store


def test_what_is_parked_on_an_archived_case_waits_for_a_person_and_goes_when_it_is_resolved(world: World) -> None:
    case = saying.report(world, "stranger")
    saying.act(world, "secretary", case, "reject")
    archived_now()
    everybody = Everybody(world)
    answer = saying.edit(world, "worker", case, outcome="conflict", address="三楼")
    assert answer.code == "not_allowed_now"
    everybody.check()
    conflict = everybody["worker"].of("conflict").pop()
    assert everybody["secretary"].record("conflict", conflict)["client"] == "三楼"
    saying.resolve(world, "secretary", conflict, "server")
    everybody.check()
    for name in ("worker", "secretary", "operator", "supervisor"):
        assert gones(everybody[name], "conflict", conflict) == ["archived"], name
        assert everybody[name].of("incident", "event", "conflict") == set(), name


def test_there_is_one_left_row_a_place_at_most_and_none_where_the_case_is(world: World) -> None:
    case = saying.report(world, "stranger")
    conflict = saying.clash(world, "worker", case)
    for cell in (NEXT_CELL, CELL, NEXT_CELL, BESIDE, CELL):
        saying.move(world, "operator", case, cell)
    for rid in (case, conflict):
        left = FeedRow.objects.filter(rid=rid, gone=True)
        assert sorted(left.values_list("cell", flat=True)) == sorted(world.places[code].sid for code in (NEXT_CELL, BESIDE))
