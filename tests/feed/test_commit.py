"""One commit of the feed: positions, one row a record, drops, receipts, the ground, and the chain over all (architecture §3, §4)."""

import datetime as dt
import hashlib
import uuid

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from gridgov.feed.commit import Batch, GroundMoved
from gridgov.feed.models import Commit, FeedExtra, FeedRow, Head
from gridgov.feed.rows import Row
from incidents.models import Event, Incident, Receipt
from incidents.tables import RECEIPTS
from tests.feed.chain import assert_chain_holds
from tests.sync import saying
from tests.sync.feeding import commit, strange
from tests.world import NEXT_CELL, World

NOW = dt.datetime(2026, 5, 4, 1, 12, 31, 250_000, tzinfo=dt.UTC)


def written(batch: Batch, **more: object) -> int | None:
    with transaction.atomic():
        return batch.write(now=NOW, **more)  # type: ignore[arg-type]


def test_records_get_positions_in_the_order_in_which_they_were_published(world: World) -> None:
    head = Head.objects.get().seq
    rows = [strange() for _ in range(5)]
    assert commit(*rows) == head + 5
    assert [FeedRow.objects.get(key=row.key).seq for row in rows] == [head + n for n in range(1, 6)]
    assert set(FeedExtra.objects.filter(key__in=[r.key for r in rows]).values_list("key", "seq")) == {
        (row.key, head + n) for n, row in enumerate(rows, 1)
    }


def test_of_several_texts_of_one_record_the_last_counts_at_one_position(world: World) -> None:
    head = Head.objects.get().seq
    first, other = strange(), strange()
    last = msgspec.structs.replace(first, wire='{"last":true}')
    assert commit(first, other, last) == head + 2
    assert FeedRow.objects.get(key=first.key).wire == '{"last":true}'
    assert FeedRow.objects.get(key=first.key).seq == head + 2


def test_a_record_that_changes_leaves_its_old_position_empty(world: World) -> None:
    row = strange()
    old = commit(row, strange())
    new = commit(msgspec.structs.replace(row, district=1))
    assert new == old + 1
    found = FeedRow.objects.get(key=row.key)
    assert (found.seq, found.district) == (new, 1)
    assert not FeedRow.objects.filter(seq=old - 1).exists()
    assert FeedExtra.objects.get(key=row.key).seq == new


def test_every_column_of_a_row_is_kept(world: World) -> None:
    row = Row(
        key="?all", type="strange", rid=str(uuid.uuid4()), incident=str(uuid.uuid4()), wire='{"z":"井盖"}', district=1, street=2, community=3,
        cell=4, internal=True, person=str(uuid.uuid4()), gone=True, why="scope", live="i123", full='{"z":"全"}', full_unit=str(uuid.uuid4()),
        full_user=str(uuid.uuid4()), extra=("u:1", "a:2"),
    )  # fmt: skip
    commit(row)
    found = FeedRow.objects.get(key="?all")
    for name in row.__struct_fields__:
        if name != "extra":
            value = getattr(found, name)
            assert (str(value) if isinstance(value, uuid.UUID) else value) == getattr(row, name), name
    assert set(FeedExtra.objects.filter(key="?all").values_list("audience", flat=True)) == {"u:1", "a:2"}


def test_what_is_dropped_goes_without_a_word_unless_it_is_published_too(world: World) -> None:
    gone, kept = strange(), strange()
    commit(gone, kept)
    batch = Batch()
    batch.publish(kept)
    batch.drop([gone.key, kept.key, "?never"])
    written(batch)
    assert not FeedRow.objects.filter(key=gone.key).exists()
    assert not FeedExtra.objects.filter(key=gone.key).exists()
    assert FeedRow.objects.filter(key=kept.key).exists()


def test_receipts_get_the_highest_position_of_what_their_op_changed(world: World) -> None:
    from incidents.rules.rows import Receipt as Row_

    user = str(world.user("worker").pk)
    rows = [strange() for _ in range(3)]
    ids = [str(uuid.uuid4()) for _ in range(3)]
    batch = Batch()
    for row in rows:
        batch.publish(row)
    changed = [frozenset({rows[0].key, rows[2].key}), frozenset({rows[1].key}), frozenset()]
    receipts = [Row_(user=user, op_id=op_id, hash="h", outcome="applied", answer="{}", at=NOW) for op_id in ids]
    batch.receipts(RECEIPTS, list(zip(receipts, changed, strict=True)))
    head = written(batch)
    assert head is not None
    found = {str(r.op_id): r.seq for r in Receipt.objects.all()}
    assert [found[op_id] for op_id in ids] == [head, head - 1, None]
    assert [batch.seq_of(keys) for keys in changed] == [head, head - 1, None]


def test_receipts_alone_do_not_move_the_head(world: World) -> None:
    from incidents.rules.rows import Receipt as Row_

    before = (Head.objects.get().seq, Commit.objects.count())
    batch = Batch()
    receipt = Row_(user=str(world.user("worker").pk), op_id=str(uuid.uuid4()), hash="h", outcome="refused", answer="{}", at=NOW)
    batch.receipts(RECEIPTS, [(receipt, frozenset())])
    assert written(batch) is None
    assert Receipt.objects.count() == 1
    assert (Head.objects.get().seq, Commit.objects.count()) == before


def test_another_ground_than_the_caller_decided_with_stops_the_commit(world: World) -> None:
    ground, seq = Head.objects.values_list("ground", "seq").get()
    batch = Batch()
    row = strange()
    batch.publish(row)
    with pytest.raises(GroundMoved):
        written(batch, ground=ground - 1)
    assert Head.objects.get().seq == seq
    assert not FeedRow.objects.filter(key=row.key).exists()
    again = Batch()
    again.publish(row)
    assert written(again, ground=ground) == seq + 1


def test_a_raise_of_the_ground_without_rows_raises_it_and_makes_no_commit(world: World) -> None:
    before, count = Head.objects.get(), Commit.objects.count()
    for turn in (1, 2):
        assert written(Batch(), bump=True) is None
        assert Head.objects.get().ground == before.ground + turn
    assert (Head.objects.get().seq, Head.objects.get().chain, Commit.objects.count()) == (before.seq, before.chain, count)


def test_an_empty_batch_does_nothing(world: World) -> None:
    before = Head.objects.get()
    assert written(Batch()) is None
    assert Head.objects.get().ground == before.ground


# --- the chain -------------------------------------------------------------------------------------------------------


def test_every_link_can_be_reckoned_anew_from_what_is_stored(world: World) -> None:
    """Positions, nonces and the hashes of events in their order; places and categories are commits without events."""
    case = saying.report(world, "worker", photos=1)
    saying.do(world, "worker", *(saying.report_op(world) for _ in range(5)), saying.edit_op(case, address="三楼"))
    saying.move(world, "secretary", case, NEXT_CELL)
    saying.comment(world, "secretary", case)
    saying.clash(world, "secretary", case)
    assert_chain_holds()
    assert Commit.objects.exclude(events="").count() == 4, "a parked value alone writes no event"
    assert Commit.objects.filter(events="").count() >= 3


def test_a_commit_names_its_events_in_the_order_of_the_ops(world: World) -> None:
    op = saying.report_op(world)
    case = op["incident"]
    first = saying.op("incident.comment", incident=case, comment=saying.new_id(), text="一")
    second = saying.op("incident.comment", incident=case, comment=saying.new_id(), text="二")
    saying.said(world, "worker", op, first, second)
    hashes = "".join(Event.objects.filter(incident=case).order_by("n").values_list("hash", flat=True))
    assert Commit.objects.order_by("-seq")[0].events == hashes


def test_the_event_chain_of_a_case_can_be_reckoned_anew_too(world: World) -> None:
    from incidents.history import content_hash, event_hash
    from incidents.tables import CONTENTS, EVENTS

    case = saying.report(world, "worker")
    saying.edit(world, "secretary", case, description="新", address="三楼")
    saying.comment(world, "worker", case)
    before = ""
    contents = {content.event: content for content in CONTENTS.select("1 = 1")}
    events = EVENTS.select("1 = 1 ORDER BY n")
    assert [event.n for event in events] == [1, 2, 3]
    for event in events:
        assert event.hash == event_hash(before=before, event=event)
        if event.content_hash is not None:
            words = contents[event.id]
            assert event.content_hash == content_hash(salt=words.salt, text=words.text, changes=words.changes)
        before = event.hash
    assert Incident.objects.get(pk=case).last_hash == before
    assert len({content.salt for content in contents.values()}) == len(contents) == 2


@pytest.mark.parametrize("column", ["seq", "nonce", "events", "chain"])
def test_a_changed_commit_row_is_found(world: World, column: str) -> None:
    saying.report(world, "worker")
    saying.report(world, "worker")
    last = Commit.objects.order_by("-seq")[1]
    changed = {"seq": last.seq - 1, "nonce": "0" * 32, "events": hashlib.sha256(b"").hexdigest(), "chain": "0" * 64}[column]
    Commit.objects.filter(pk=last.pk).update(**{column: changed})
    with pytest.raises(AssertionError):
        assert_chain_holds()


def test_a_cut_tail_and_a_lost_case_are_found(world: World) -> None:
    saying.report(world, "worker")
    lost = saying.report(world, "worker")
    with transaction.atomic():
        Commit.objects.order_by("-seq")[0].delete()
        with pytest.raises(AssertionError):
            assert_chain_holds()
        transaction.set_rollback(True)
    Event.objects.filter(incident=lost).delete()
    with pytest.raises(AssertionError):
        assert_chain_holds()


def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(world: World) -> None:
    counts = []
    for size in (1, 200):
        batch = Batch()
        for _ in range(size):
            batch.publish(strange())
        with transaction.atomic(), CaptureQueriesContext(connection) as asked:
            batch.write(now=NOW)
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] == (1 if connection.vendor == "postgresql" else 4)
