"""From records to what the desk's templates show: words, shapes, counts. Queries nothing, decides nothing."""

from typing import Any

import msgspec
from django.utils.text import capfirst
from django.utils.translation import gettext

from incidents import desk_words as words
from incidents.queries.desk import Around, Line
from incidents.rules.workflow import ACTIONS, STATES

Shown = dict[str, Any]


def state_of(code: str) -> Shown:
    """Shape, word and meaning of a state."""
    shape, tone = words.SHAPES.get(code, ("○", ""))
    return {"code": code, "shape": shape, "tone": tone, "word": gettext(STATES[code][0]) if code in STATES else code}


def show_line(line: Line) -> Shown:
    """A line of a queue."""
    i = line.incident
    return {
        "id": i.id, "number": i.number, "category": line.category, "place": line.place, "state": state_of(i.state), "urgent": i.urgent,
        "text": i.description, "hidden": i.restricted and i.description is None, "received_at": i.received_at, "stored": line.stored,
        "photos": line.photos, "conflicts": line.conflicts, "version": i.version,
    }  # fmt: skip


def _who(by: Shown, around: Around, me: str) -> str:
    """Role and unit, never a person's name: the desk looks at cases, not at people's days."""
    if by["user"] == me:
        return gettext("you")
    if by["user"] is None and by["role"] is None:
        return gettext("the system")
    role = str(words.ROLES.get(by["role"], gettext("a resident")))
    unit = around.units.get(by["unit"] or "")
    return f"{role} · {unit}" if unit else role


def _marked(text: Any, other: Any) -> Shown:
    """A text in three parts, the middle one being what differs from the other."""
    a, b = str(text), str(other)
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return {"before": a[:start], "differs": a[start : len(a) - end], "after": a[len(a) - end :]}


def _event(event: Shown, around: Around, me: str) -> Shown:
    def said(field: str, value: Any) -> Any:
        return around.categories.get(value, value) if field == "category" else words.value(field, value)

    changes = [
        {"field": words.FIELDS.get(field, field), "old": said(field, pair[0]), "new": said(field, pair[1])}
        for field, pair in event["changes"].items()
    ]
    tone = event["visibility"]
    return {
        "id": event["id"], "type": event["type"], "who": _who(event["by"], around, me), "did": words.DONE.get(event["type"], event["type"]),
        "at": event["received_at"], "text": event["text"], "changes": changes, "reason": words.CHOICES.get(event["reason"] or "", ""),
        "visibility": tone, "visible_to": words.VISIBILITY.get(tone, tone), "to": state_of(event["to"]) if event["to"] else None,
        "late": (event["received_at"] - event["at"]).total_seconds() > 600, "written_at": event["at"],
    }  # fmt: skip


def _conflict(conflict: Shown, decides: bool, me: str) -> Shown:
    kind, field = conflict["kind"], conflict["field"]
    shown: Shown = {
        "id": conflict["id"], "kind": kind, "why": words.CLASH.get(conflict["code"], conflict["code"]), "parked_at": conflict["parked_at"],
        "field": words.FIELDS.get(field or "", field), "field_code": field, "typed": decides and kind == "field" and field in words.TYPED,
        "client_ok": decides, "server_ok": decides or (conflict["by"] == me and kind != "handover"), "typed_value": conflict["server"] or "",
    }  # fmt: skip
    if kind == "field":
        server, client = words.value(field, conflict["server"]), words.value(field, conflict["client"])
        shown |= {"base": words.value(field, conflict["base"]), "server": _marked(server, client), "client": _marked(client, server)}
    elif kind == "action":
        args = conflict["args"] or {}
        action = ACTIONS.get(args.get("action", ""))
        given = [str(words.CHOICES.get(value, value)) for value in (args.get("args") or {}).values() if value]
        shown["asked"] = " · ".join([str(capfirst(gettext(action.name))) if action else "", *given])
    else:
        op = conflict["args"] or {}
        told = op.get("text") or (op.get("fields") or {}).get("description") or op.get("description") or ""
        shown["asked"] = " · ".join(filter(None, [str(words.OPS.get(op.get("kind", ""), "")), told]))
    return shown


def _button(told: Shown, category_class: str) -> Shown:
    action = ACTIONS[told["action"]]
    return {
        "code": action.code, "name": capfirst(gettext(action.name)), "key": words.KEYS.get(action.code, ""), "ok": told["ok"],
        "why": words.WHY_NOT.get(told["why"] or "", told["why"]),
        "args": [
            {
                "name": arg.name, "label": words.ARGS.get(arg.name, arg.name), "required": arg.required, "longest": arg.longest,
                "choices": [{"code": code, "word": words.CHOICES.get(code, code), "usual": code == category_class} for code in arg.choices],
            }
            for arg in action.args
        ],
    }  # fmt: skip


def show_case(*, record: Shown, allowed: list[Shown], around: Around, me: str, handling_class: str, decides: bool) -> Shown:
    """The whole case."""
    photos = [p for p in record["photos"] if p["state"] != "withdrawn"]
    shown_photos = [
        {"id": p["id"], "state": p["state"], "stage": words.CHOICES.get(p["stage"], p["stage"]), "word": words.PHOTO.get(p["state"], "")}
        for p in photos
    ]
    buttons = [_button(told, handling_class) for told in allowed if told["action"] in words.KEYS]
    # What can be done stands first; the table's order otherwise.
    buttons.sort(key=lambda button: not button["ok"])
    return record | {
        "state": state_of(record["state"]), "category_name": around.categories.get(record["category"], record["category"]), "way": " › ".join(around.way),
        "photos": shown_photos, "stored": sum(p["state"] == "stored" for p in photos),
        "events": [_event(event, around, me) for event in reversed(record["events"])],
        "open_conflicts": [_conflict(c, decides, me) for c in record["conflicts"] if c["state"] == "open"],
        "buttons": buttons, "from": _who(record["by"], around, me), "hidden": record["restricted"] and record["description"] is None,
        "outcome_word": words.CHOICES.get(record["outcome"] or "", ""), "class_word": words.CHOICES.get(record["handling_class"] or "", ""),
        "owner": around.units.get(record["owner_unit"], ""), "description_json": msgspec.json.encode(record["description"]).decode(),
    }  # fmt: skip
