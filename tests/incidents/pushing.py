"""Pushes of the cast for tests: ops as clients make them, answers as JSON tells them. Nothing here is a rule.

`hand(world)` pushes through `incidents.door`, `line(world)` over HTTP; both give answers as plain JSON values.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection
from django.utils import timezone

from incidents.door import carry_out
from sync.wire import answers_json
from tests.world import CELL, World

Json = dict[str, Any]
AT = "2026-05-04T09:12:31+08:00"


def new_id() -> str:
    """A client's id."""
    return str(uuid.uuid4())


def op(kind: str, **keys: Any) -> Json:
    """An op with the keys that all have."""
    return {"op_id": new_id(), "kind": kind, "at": AT} | keys


def report(world: World, code: str = CELL, **keys: Any) -> Json:
    """A report in the middle of a cell. A key given as None is left out."""
    made = op("incident.report", incident=new_id(), category="0102", position=world.position(code), description="litter") | keys
    return {key: value for key, value in made.items() if value is not None}


def edit(incident: str, version: int, **fields: tuple[Any, Any]) -> Json:
    """An edit; each field as (base, new)."""
    return op(
        "incident.edit", incident=incident, base_version=version,
        base={name: pair[0] for name, pair in fields.items()}, fields={name: pair[1] for name, pair in fields.items()},
    )  # fmt: skip


def act(incident: str, version: int, action: str, **args: Any) -> Json:
    """A step of the workflow."""
    return op("incident.act", incident=incident, base_version=version, action=action, args=args)


def comment(incident: str, text: str = "seen", **keys: Any) -> Json:
    """A line in the log."""
    return op("incident.comment", incident=incident, comment=new_id(), text=text) | keys


def sha(text: str) -> str:
    """A hash of 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def photo(stage: str = "before", **keys: Any) -> Json:
    """A declaration."""
    key = new_id()
    return {"photo": key, "sha256": sha(key), "size": 1000, "stage": stage} | keys


def add_photo(incident: str, **keys: Any) -> Json:
    """`photo.add`."""
    return op("photo.add", incident=incident, **photo()) | keys


def resolve(conflict: str, take: str, version: int, **keys: Any) -> Json:
    """`conflict.resolve`."""
    return op("conflict.resolve", conflict=conflict, take=take, base_version=version) | keys


class Hand:
    """Pushes through the door, without HTTP."""

    def __init__(self, world: World) -> None:
        self.world = world

    def push(self, name: str, ops: Iterable[Json | bytes], *, now: dt.datetime | None = None) -> list[Json]:
        """The answers, in the order of the ops."""
        moment = now or timezone.now()
        raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in ops]
        outcome = carry_out(ops=raw, actor=self.world.actor(name, now=moment), now=moment)
        told: list[Json] = json.loads(msgspec.json.encode(answers_json(outcome.answers)))
        return told

    def one(self, name: str, made: Json | bytes, *, now: dt.datetime | None = None) -> Json:
        """The answer to a single op."""
        (answer,) = self.push(name, [made], now=now)
        return answer

    def reported(self, code: str = CELL, *, by: str = "worker", **keys: Any) -> str:
        """A new case; its id."""
        made = report(self.world, code, **keys)
        answer = self.one(by, made)
        assert answer["outcome"] == "applied", answer
        return str(made["incident"])

    def does(self, name: str, incident: str, *steps: tuple[str, Json]) -> None:
        """Take steps that must succeed."""
        for action, args in steps:
            answer = self.one(name, act(incident, 10_000, action, **args))
            assert answer["outcome"] == "applied", (action, answer)

    def in_state(self, state: str, *, by: str = "worker", code: str = CELL, desk: str = "secretary", **keys: Any) -> str:
        """A case in that state."""
        key = self.reported(code, by=by, category=keys.pop("category", "0301"), **keys)
        self.does(desk, key, *STEPS[state])
        return key


REJECTION = {"reason": "not_ours", "sentence": "Belongs to the railway.", "office": "Railway"}
STEPS: dict[str, Sequence[tuple[str, Json]]] = {
    "reported": (),
    "registered": (("register", {}),),
    "resolved": (("register", {}), ("resolve", {"outcome": "fixed"})),
    "closed": (("register", {}), ("resolve", {"outcome": "fixed"}), ("close", {})),
    "rejected": (("reject", REJECTION),),
}


def told(answer: Json) -> tuple[str, str | None]:
    """(outcome, code)."""
    return answer["outcome"], answer["code"]


def digest() -> str:
    """SHA-256 over all rows of all tables, but for sessions and devices' last use."""
    found = hashlib.sha256()
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in ("django_session", "sync_device", "axes_accesslog", "incidents_receipt", "incidents_numberblock"):
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            for line in sorted(repr(row) for row in cursor.fetchall()):
                found.update(f"{table} {line}\n".encode())
    return found.hexdigest()


def receipts() -> int:
    """How many receipts there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM incidents_receipt")
        return int(cursor.fetchone()[0])
