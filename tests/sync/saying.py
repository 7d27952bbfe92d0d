"""Short words for what people of the cast do: each makes an op of the protocol, carries it out, and looks at the outcome."""

import datetime as dt
import json
import uuid
from typing import Any

from django.utils import timezone

from incidents.answers import Answer
from incidents.door import carry_out
from incidents.models import Incident
from tests.world import CELL, World

AT = "2026-05-04T09:12:31+08:00"
PLAIN, RESTRICTED, REQUEST = "0102", "0601", "2101"


def new_id() -> str:
    return str(uuid.uuid4())


def op(kind: str, **more: Any) -> dict[str, Any]:
    """An op of that kind."""
    return {"op_id": new_id(), "kind": kind, "at": AT, **more}


def do(world: World, name: str, *ops: dict[str, Any], now: dt.datetime | None = None) -> list[Answer]:
    """One push; the answers."""
    now = now or timezone.now()
    return carry_out(ops=[json.dumps(one).encode() for one in ops], actor=world.actor(name, now=now), now=now).answers


def said(world: World, name: str, *ops: dict[str, Any], outcome: str = "applied") -> list[Answer]:
    """One push, all of it with that outcome."""
    answers = do(world, name, *ops)
    assert [a.outcome for a in answers] == [outcome] * len(ops), answers
    return answers


def report_op(world: World, *, cell: str = CELL, photos: int = 0, **more: Any) -> dict[str, Any]:
    """A report of a cell."""
    declared = [
        {"photo": new_id(), "sha256": uuid.uuid4().hex * 2, "size": 1000 + n, "stage": "before"} for n in range(photos)
    ]  # fmt: skip
    return op(
        "incident.report",
        **{
            "incident": new_id(),
            "category": PLAIN,
            "description": "井盖缺失",
            "position": world.position(cell),
            "photos": declared,
        }
        | more,
    )


def report(world: World, name: str = "worker", **more: Any) -> str:
    """A new case; its id."""
    return str(said(world, name, report_op(world, **more))[0].incident)


def edit_op(case: str, *, base: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """An edit by somebody who saw the case as it is now (or `base`)."""
    row = Incident.objects.get(pk=case)
    seen = {name: _wire(row, name) for name in fields} if base is None else base
    return op("incident.edit", incident=case, base_version=row.version, base=seen, fields=fields)


def _wire(row: Incident, name: str) -> Any:
    if name == "position":
        return {"lng": row.lng, "lat": row.lat, "datum": "wgs84", "source": row.source, "accuracy_m": row.accuracy_m}
    return getattr(row, name)


def edit(world: World, name: str, case: str, *, outcome: str = "applied", **fields: Any) -> Answer:
    return said(world, name, edit_op(case, **fields), outcome=outcome)[0]


def move(world: World, name: str, case: str, cell: str, *, outcome: str = "applied") -> Answer:
    """The case lies in another cell from now on."""
    return edit(world, name, case, outcome=outcome, position=world.position(cell))


ARGS: dict[str, dict[str, Any]] = {
    "reject": {"reason": "not_ours", "sentence": "不属于本市", "office": "铁路局"},
    "resolve": {"outcome": "fixed", "note": "已修复"},
    "reopen": {"sentence": "又坏了"},
}


def act_op(case: str, action: str, **args: Any) -> dict[str, Any]:
    version = Incident.objects.get(pk=case).version
    return op("incident.act", incident=case, base_version=version, action=action, args=args or ARGS.get(action, {}))


def act(world: World, name: str, case: str, *actions: str, outcome: str = "applied") -> None:
    for action in actions:
        said(world, name, act_op(case, action), outcome=outcome)


def close(world: World, name: str, case: str) -> None:
    """Registered, resolved (with the photo that this wants) and closed."""
    add_photo(world, name, case, stage="after")
    act(world, name, case, "register", "resolve", "close")


def comment(world: World, name: str, case: str, text: str = "看过了", *, outcome: str = "applied", **more: Any) -> str:
    """A comment; its id, which is the event's."""
    key = new_id()
    said(world, name, op("incident.comment", incident=case, comment=key, text=text, **more), outcome=outcome)
    return key


def add_photo(world: World, name: str, case: str, *, stage: str = "after") -> str:
    """A photo more; its id."""
    key = new_id()
    said(world, name, op("photo.add", incident=case, photo=key, sha256=uuid.uuid4().hex * 2, size=1000, stage=stage))
    return key


def clash(world: World, name: str, case: str, *, field: str = "description", value: Any = "别的话") -> str:
    """An edit of somebody who saw another value: parked. The conflict's id."""
    answer = said(world, name, edit_op(case, base={field: "从前的话"}, **{field: value}), outcome="conflict")[0]
    return str(answer.conflicts[0]["id"])


def hand_over(world: World, name: str, case: str) -> None:
    """An edit of what is out of the author's scope now."""
    said(world, name, edit_op(case, base={"address": None}, address="三楼"), outcome="conflict")


def resolve_op(conflict: str, take: str, *, base_version: int = 10_000, **more: Any) -> dict[str, Any]:
    return op("conflict.resolve", conflict=conflict, take=take, base_version=base_version, **more)


def resolve(world: World, name: str, conflict: str, take: str, **more: Any) -> None:
    said(world, name, resolve_op(conflict, take, **more))
