"""Deciding `incident.report`: anyone may report anywhere in the city; it goes to the cell that holds the point."""

from typing import Any

from msgspec import UNSET, to_builtins
from msgspec.structs import replace

from gridgov.errors import Refusal
from grids.scope import BY_PLACE
from incidents.rules.decide.facts import Decision, Draft, Facts, outside, refused, refused_by
from incidents.rules.fields import to_point
from incidents.rules.ops import Declaration, Op, Read, Report, instant
from incidents.rules.rows import Category, Incident, Photo

_CHANNELS = {"worker": "patrol", "secretary": "secretary"}


def given(value: Any) -> Any:
    """What was said, or None."""
    return None if value is UNSET else value


def current_category(code: str, facts: Facts) -> Category:
    """The leaf to file under: a retired one is mapped to what replaced it.

    :raises Refusal: category_unknown, where there never was such a leaf.
    """
    category = facts.category(code)
    for _ in range(8):
        if category is None or not category.retired or category.replaced_by is None:
            break
        category = facts.category(category.replaced_by)
    if category is None or not category.leaf:
        raise Refusal("category_unknown")
    return category


def photo_of(declared: Declaration, *, incident: str, user: str, facts: Facts) -> Photo:
    """A declared photo: `received` at once where this user has brought these bytes before."""
    there = facts.delivered(user, declared.sha256)
    taken = given(declared.taken_at)
    return Photo(
        id=declared.photo, incident=incident, by=user, sha256=declared.sha256, size=declared.size, stage=declared.stage,
        taken_at=instant(taken, "/taken_at") if taken else None, declared_at=facts.now, received_at=facts.now if there else None,
        state="received" if there else "declared", reason=None, width=None, height=None, near_pin=given(declared.near_pin),
    )  # fmt: skip


def _place(op: Report, facts: Facts) -> tuple[Any, Any, list[str], dict[str, Any]]:
    """(cell, point, warnings, position columns).

    :raises Refusal: datum_missing, outside_grid, cell_unknown.
    """
    named = None
    if op.cell is not UNSET:
        named = facts.cell(op.cell)
        if named is None:
            raise Refusal("cell_unknown")
    if op.position is UNSET:
        assert named is not None  # the shape wants one of them
        cell, point = named
        return cell, point, [], {"accuracy_m": None, "source": "code", "sent": None}
    point = to_point(op.position)
    located = facts.located(point)
    if located.cell is None:
        raise Refusal("outside_grid", details=outside(located))
    warnings = ["cell_mismatch"] if named is not None and named[0].id != located.cell.id else []
    sent = to_builtins(op.position)
    return located.cell, point, warnings, {"accuracy_m": given(op.position.accuracy_m), "source": op.position.source, "sent": sent}


def decide_report(read: Read, facts: Facts, *, user: str | None = None) -> Decision:
    """A new case, or why there is none. `user`: whose bytes of the photos will come, if not the actor's."""
    op = read.op
    assert isinstance(op, Report)
    if facts.incident(op.incident) is not None or any(facts.photo(p.photo) is not None for p in op.photos):
        return refused("id_taken")
    try:
        cell, point, warnings, position = _place(op, facts)
        category = current_category(op.category, facts)
    except Refusal as refusal:
        return refused_by(refusal)
    actor, now = facts.actor, facts.now
    grant = next((g for g in actor.grants if g.role in BY_PLACE and g.covers(cell)), actor.grants[0] if actor.grants else None)
    role = grant.role if grant else None
    incident = Incident(
        id=op.incident, number=facts.number(cell), version=1, step_version=1, n=0, last_hash="", kind=given(op.incident_kind) or "problem",
        channel=_CHANNELS.get(role or "", "citizen" if grant is None else "patrol"), category=category.code,
        description=given(op.description), urgent=op.urgent, handling_class=None, lng=point.lng, lat=point.lat,
        address=given(op.address), answers=given(op.answers), component_code=given(op.component_code),
        occurred_at=instant(op.occurred_at, "/occurred_at") if op.occurred_at is not UNSET else None,
        at=instant(op.at, "/at"), received_at=now, registered_at=None, resolved_at=None, closed_at=None, archived_at=None,
        cell_id=cell.id, cell_code=cell.code, district=cell.district, street=cell.street, community=cell.community, cell=cell.cell,
        registered_path=None, boundary_version=cell.boundary_version, owner_unit=facts.owner_of(cell), lead_unit=None,
        by_user=actor.user, by_unit=grant.unit if grant else None, by_role=role, state="reported", outcome=None, due_step=None, due_at=None,
        paused=False, returns=0, reworks=0, reopens=0, parent=None, merged_into=None, restricted=category.restricted, **position,
    )  # fmt: skip
    drafts = [Draft(incident=incident.id, type="submit", to_state="reported", visibility="public")]
    photos = [photo_of(p, incident=incident.id, user=user or actor.user, facts=facts) for p in op.photos]
    if op.handled_here is not UNSET:
        stages = {p.stage for p in photos}
        if handled_here_why_not(stages=stages, category=category, worker=any(g.role == "worker" and g.covers(cell) for g in actor.grants)):
            warnings.append("handled_here_not_possible")
        else:
            incident = replace(incident, state="resolved", outcome=op.handled_here.outcome, resolved_at=now, handling_class="immediate")
            drafts.append(handled_here(op, incident, given(op.handled_here.note)))
    return Decision(outcome="applied", warnings=warnings, incident=incident, changed=True, drafts=drafts, photos=photos)


def handled_here_why_not(*, stages: set[str], category: Category, worker: bool) -> str | None:
    """Why a case may not be marked as handled on the spot; None where it may (domain D.6, 2)."""
    if not worker:
        return "role"
    if category.handling_class != "immediate":
        return "class_not_immediate"
    return None if {"before", "after"} <= stages else "photos_missing"


def handled_here(op: Op, incident: Incident, note: str | None) -> Draft:
    """The event of handling on the spot."""
    return Draft(
        incident=incident.id, type="handle_here", name="handle_here", from_state="reported", to_state="resolved",
        fields=("state", "outcome"), text=note, reason=incident.outcome, visibility="public",
    )  # fmt: skip
