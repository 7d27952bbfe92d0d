"""Parking an op on which the server itself fails again and again, so that it blocks nothing (protocol §3.2). Pure.

A report that is parked so has no case: what must be known of it (who decides, who reads) is worked out from the parked op.
"""

from msgspec import UNSET, json
from msgspec.structs import replace

from incidents.rules.decide.facts import CellLike, Decision, Facts, case_of, park, refused, was_in_scope
from incidents.rules.fields import to_point
from incidents.rules.ops import Read, Report, Resolve, instant
from incidents.rules.raw import read_op
from incidents.rules.rows import Conflict, Incident

CODE = "internal"
NOBODY = "00000000-0000-0000-0000-000000000000"


def give_up(read: Read, facts: Facts) -> Decision:
    """The whole op waits for a person of the unit in charge; the answer tells nothing of the case."""
    key = case_of(read.op, facts)
    case = None if key is None else facts.incident(key) or facts.unborn(key)
    if key is None or (case is None and not isinstance(read.op, Report)) or (case is not None and not was_in_scope(facts.actor, case)):
        return refused("not_found")
    conflict = park(facts, read.op, incident=key, kind="handover", code=CODE, name="handover", args=read.content)
    return Decision(outcome="conflict", code=CODE, conflicts=[conflict], silent=True)


def waits_for_birth(read: Read, facts: Facts) -> bool:
    """Is the op about the actor's own report that was parked whole, and of which there is no case yet?"""
    key = None if isinstance(read.op, Report | Resolve) else case_of(read.op, facts)
    if key is None or facts.incident(key) is not None:
        return False
    report = facts.unborn(key)
    return report is not None and report.by_user == facts.actor.user


def is_parked_report(conflict: Conflict) -> bool:
    """Does this conflict hold a report on which the server failed?"""
    return conflict.code == CODE and isinstance(conflict.args, dict) and conflict.args.get("kind") == "incident.report"


def unborn(conflict: Conflict, facts: Facts) -> Incident:
    """What the case of a parked report would be, as far as it decides who reads and resolves: place, owner, author.

    Where the place cannot be worked out, district 0 stands for it: none but readers of the whole city see that.
    """
    op, cell = _report(conflict), None
    if op is not None:
        cell = _cell(op, facts)
    category = facts.category(op.category) if op is not None else None
    at = instant(conflict.args["at"], "/at")
    incident = Incident(
        id=conflict.incident, number="", version=0, step_version=0, n=0, last_hash="", kind="problem", channel="", category="", description=None,
        urgent=False, handling_class=None, lng=0.0, lat=0.0, accuracy_m=None, source="code", sent=None, address=None, answers=None,
        component_code=None, occurred_at=None, at=at, received_at=conflict.parked_at, registered_at=None, resolved_at=None, closed_at=None,
        archived_at=None, cell_id=cell.id if cell else "", cell_code=cell.code if cell else "", district=cell.district if cell else 0,
        street=cell.street if cell else None, community=cell.community if cell else None, cell=cell.cell if cell else 0, registered_path=None,
        boundary_version=0, owner_unit="", lead_unit=None, by_user=conflict.by, by_unit=None, by_role=None, state="", outcome=None,
        due_step=None, due_at=None, paused=False, returns=0, reworks=0, reopens=0, parent=None, merged_into=None,
        restricted=category is not None and category.restricted,
    )  # fmt: skip
    try:
        owner = facts.owner_of(incident)
    except LookupError:
        owner = NOBODY
    return replace(incident, owner_unit=owner)


def _report(conflict: Conflict) -> Report | None:
    op = read_op(json.encode(conflict.args)).op
    return op if isinstance(op, Report) else None


def _cell(op: Report, facts: Facts) -> CellLike | None:
    try:
        if op.position is not UNSET:
            return facts.located(to_point(op.position)).cell
        found = facts.cell(op.cell) if op.cell is not UNSET else None
    except Exception:  # whatever the server fails at may be just this
        return None
    return None if found is None else found[0]
