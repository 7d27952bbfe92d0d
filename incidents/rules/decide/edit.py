"""Deciding `incident.edit`: field by field through the three-way merge; who may change what stands in `rules.fields`."""

from typing import Any

from msgspec.structs import replace

from gridgov.errors import Refusal
from incidents.rules.decide.facts import (
    Decision,
    Draft,
    Facts,
    hand_over,
    in_scope,
    moved_to,
    outside,
    park,
    refused,
    refused_by,
    roles_of,
    was_in_scope,
)
from incidents.rules.decide.report import current_category, given
from incidents.rules.fields import MERGEABLE, compared, could_edit, may_edit, read_position, read_value, shown, to_point, value_of
from incidents.rules.merge import merge_field
from incidents.rules.ops import Edit, Read
from incidents.rules.rows import Incident


def write_field(incident: Incident, field: str, wire: Any, facts: Facts, pointer: str) -> Incident:
    """The case with that field written; a position relocates it.

    :raises Refusal: malformed, datum_missing, category_unknown, outside_grid.
    """
    if field == "position":
        position = read_position(wire, pointer)
        point = to_point(position)
        located = facts.located(point)
        if located.cell is None:
            raise Refusal("outside_grid", details=outside(located))
        columns = moved_to(incident, located.cell, facts)
        sent = {k: v for k, v in wire.items() if k != "sent"}
        return replace(
            incident, lng=point.lng, lat=point.lat, accuracy_m=given(position.accuracy_m), source=position.source, sent=sent, **columns
        )  # fmt: skip
    value = read_value(field, wire, pointer)
    if field == "category":
        category = current_category(value, facts)
        return replace(incident, category=category.code, restricted=category.restricted)
    return replace(incident, **{field: value})


def decide_edit(read: Read, facts: Facts) -> Decision:
    """What of an edit is taken, what is parked; or why nothing is."""
    op = read.op
    assert isinstance(op, Edit)
    incident = facts.incident(op.incident)
    if incident is None:
        return refused("not_found")
    actor = facts.actor
    own_report = incident.by_user == actor.user and incident.state == "reported"
    if not actor.scope.covers(incident) and not own_report:
        return hand_over(read, facts, incident) if was_in_scope(actor, incident) else refused("not_found")
    if not in_scope(actor, incident):
        return refused("not_found")
    roles = roles_of(actor, incident, facts)
    for field in op.fields:
        if field not in MERGEABLE or not could_edit(field=field, roles=roles):
            return refused("not_editable", {"field": field})
    try:
        return _merge(op, incident, roles, facts)
    except Refusal as refusal:
        return refused_by(refusal)


def _merge(op: Edit, incident: Incident, roles: frozenset[str], facts: Facts) -> Decision:
    new, conflicts, taken, meant = incident, [], [], set()
    first_code = first_details = None
    for field, wire in op.fields.items():
        base = compared(field, read_value(field, op.base[field], f"/base/{field}"))
        client = compared(field, read_value(field, wire, f"/fields/{field}"))
        server = compared(field, value_of(incident, field))
        if field == "category" and client not in (base, server):
            client = current_category(client, facts).code
        if client != base:
            meant.add(field)
        verdict = merge_field(base=base, server=server, client=client)
        if verdict == "nothing":
            continue
        code, details = None, None
        if not may_edit(field=field, state=incident.state, roles=roles) or incident.archived_at is not None:
            code = "not_allowed_now"
        elif verdict == "conflict":
            code = "field_changed"
        else:
            try:
                new = write_field(new, field, wire, facts, f"/fields/{field}")
                taken.append(field)
            except Refusal as refusal:
                if refusal.code != "outside_grid":
                    raise
                code, details = "outside_grid", refusal.details
        if code is not None:
            first_code, first_details = (first_code, first_details) if first_code else (code, details or {"state": incident.state})
            conflicts.append(
                park(facts, op, incident=incident.id, kind="field", code=code, name=field, field=field,
                     base=op.base[field], server=shown(incident, field), client=wire)
            )  # fmt: skip
    drafts = []
    if taken:
        changes = {field: [shown(incident, field), shown(new, field)] for field in taken}
        moved = ("cell",) if new.cell_id != incident.cell_id else ()
        new = replace(new, version=incident.version + 1)
        if new.owner_unit != incident.owner_unit:
            new = replace(new, step_version=new.version)
        drafts.append(Draft(incident=incident.id, type="edit", fields=(*taken, *moved), changes=changes))
    outcome = "conflict" if conflicts else "applied"
    if taken and not conflicts and _others_changed(op, incident, meant, facts):
        outcome = "merged"
    return Decision(
        outcome=outcome, code=first_code, details=first_details, incident=new, changed=bool(taken), drafts=drafts, conflicts=conflicts
    )  # fmt: skip


def _others_changed(op: Edit, incident: Incident, meant: set[str], facts: Facts) -> bool:
    """Since `base_version`, has another user changed a field that this op did not?"""
    if op.base_version >= incident.version:
        return False
    later = facts.later_events(incident.id, op.base_version)
    return any(event.by_user != facts.actor.user and set(event.fields) - meant for event in later)


def changed_since(incident: Incident, field: str, base_version: int, facts: Facts) -> bool:
    """Has that field changed since that version?"""
    if base_version >= incident.version:
        return False
    return any(field in event.fields for event in facts.later_events(incident.id, base_version))


__all__ = ["changed_since", "decide_edit", "write_field"]
