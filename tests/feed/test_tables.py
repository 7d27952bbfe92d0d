"""Hot tables: structs are the model's columns, and whatever is written is read back the same, on either database."""

import datetime as dt
import uuid

import msgspec
import pytest
from django.db import transaction

from gridgov.feed.commit import Batch
from gridgov.feed.tables import Table
from incidents import models, tables
from incidents.rules import rows
from tests.world import World

NOW = dt.datetime(2026, 5, 4, 1, 12, 31, 250_000, tzinfo=dt.UTC)
HARD = "漢字 \U0001f6b0 ' \" \\ , { } [ ] NULL null \n\t\r \u202e é e\u0301 %s %(x)s $1 ?"


def conflict(**more: object) -> rows.Conflict:
    values: dict[str, object] = {
        "id": str(uuid.uuid4()), "incident": str(uuid.uuid4()), "kind": "field", "code": "field_changed", "field": "answers",
        "base": None, "server": {"a": [1, 2.5, None, True, HARD]}, "client": HARD, "args": None, "by": str(uuid.uuid4()), "op_id": str(uuid.uuid4()),
        "at": NOW, "parked_at": NOW.replace(microsecond=0), "state": "open", "value": None, "resolved_by": None, "resolved_at": None,
    }  # fmt: skip
    return rows.Conflict(**(values | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["INCIDENTS", "EVENTS", "CONTENTS", "CONFLICTS", "NOTICES", "PHOTOS", "RECEIPTS"])
def test_a_struct_has_the_columns_of_its_table(name: str) -> None:
    table = getattr(tables, name)
    model = {
        "INCIDENTS": models.Incident, "EVENTS": models.Event, "CONTENTS": models.EventContent, "CONFLICTS": models.Conflict,
        "NOTICES": models.Notice, "PHOTOS": models.Photo, "RECEIPTS": models.Receipt,
    }[name]  # fmt: skip
    columns = {f.column for f in model._meta.concrete_fields if f.get_internal_type() != "CompositePrimaryKey"}
    assert columns - set(table.struct.__struct_fields__) == ({"seq"} if name == "RECEIPTS" else set())
    assert set(table.struct.__struct_fields__) <= columns


def test_a_struct_with_a_column_that_the_table_has_not_is_refused() -> None:
    class Wrong(msgspec.Struct):
        user: str
        sha256: str
        when: dt.datetime

    with pytest.raises(TypeError, match="when"):
        Table(models.Delivery, Wrong, key="sha256")


def kept(*written: rows.Conflict) -> list[rows.Conflict]:
    batch = Batch()
    batch.insert(tables.CONFLICTS, written)
    with transaction.atomic():
        batch.write(now=NOW)
    found = {row.id: row for row in tables.CONFLICTS.select("1 = 1")}
    return [found[row.id] for row in written]


def test_texts_numbers_times_json_and_nothing_come_back_as_they_were(db: None) -> None:
    written = [
        conflict(),
        conflict(base=0, server=0.1, client=False, args=[], value=""),
        conflict(base=[], server={}, client=-(2**53), args={"键": {"deep": [[[]]]}}, value=1e-9),
        conflict(base="null", server="1", client='{"a":1}', field=None, resolved_by=str(uuid.uuid4()), resolved_at=NOW, state="taken"),
        conflict(at=dt.datetime(1970, 1, 1, tzinfo=dt.UTC), parked_at=dt.datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)),
    ]
    assert kept(*written) == written


def test_django_reads_what_the_fast_path_wrote(db: None) -> None:
    row = conflict()
    kept(row)
    found = models.Conflict.objects.get(pk=row.id)
    assert (found.server, found.client, found.at, found.parked_at) == (row.server, row.client, row.at, row.parked_at)
    assert str(found.by) == row.by
    assert found.base is None


def test_the_fast_path_reads_what_django_wrote(db: None) -> None:
    row = conflict()
    models.Conflict.objects.create(**msgspec.structs.asdict(row))
    assert tables.CONFLICTS.select("1 = 1") == [row]


def test_columns_that_are_all_empty_and_lists_of_none_are_written(db: None) -> None:
    written = [conflict(server=None, client=None) for _ in range(3)]
    assert kept(*written) == written
    assert kept() == []


def test_replacing_takes_the_last_of_a_key_and_leaves_others_alone(db: None) -> None:
    one, two = conflict(), conflict()
    kept(one, two)
    batch = Batch()
    batch.replace(
        tables.CONFLICTS, [msgspec.structs.replace(one, state="taken"), msgspec.structs.replace(one, state="dropped", value=HARD)]
    )
    with transaction.atomic():
        batch.write(now=NOW)
    found = {row.id: row for row in tables.CONFLICTS.select("1 = 1")}
    assert found == {one.id: msgspec.structs.replace(one, state="dropped", value=HARD), two.id: two}


def test_inserting_again_is_an_error_or_is_left_alone_as_asked(world: World) -> None:
    from incidents.images import DELIVERIES, Delivery

    row = Delivery(user=str(world.user("worker").pk), sha256="a" * 64, at=NOW)
    for _ in range(2):
        batch = Batch()
        batch.insert(DELIVERIES, [row], ignore=True)
        with transaction.atomic():
            batch.write(now=NOW)
    assert models.Delivery.objects.count() == 1
    batch = Batch()
    batch.insert(DELIVERIES, [row])
    with pytest.raises(Exception, match=r"(?i)unique"), transaction.atomic():
        batch.write(now=NOW)


def test_a_local_time_is_kept_as_the_instant_that_it_is(db: None) -> None:
    at = dt.datetime(2026, 5, 4, 9, 12, 31, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert kept(conflict(at=at))[0].at == at
