"""Deciding `conflict.resolve`: the server's value stays, the client's is written or carried out, or a person gives one."""

from typing import Any

from msgspec import UNSET, json
from msgspec.structs import replace

from gridgov.errors import Refusal
from grids.scope import STAFF
from incidents.rules.decide.act import decide_act
from incidents.rules.decide.add import decide_comment, decide_photo
from incidents.rules.decide.edit import changed_since, decide_edit, write_field
from incidents.rules.decide.facts import Decision, Draft, Facts, reads_words, refused, refused_by, roles_of
from incidents.rules.decide.give_up import is_parked_report
from incidents.rules.decide.report import decide_report
from incidents.rules.fields import compared, may_edit, shown, value_of
from incidents.rules.ops import Act, Comment, Edit, PhotoAdd, Read, Report, Resolve
from incidents.rules.raw import read_op
from incidents.rules.rows import Conflict, Incident


def decide_resolve(read: Read, facts: Facts) -> Decision:
    """How a conflict ends; or why it stays open."""
    op = read.op
    assert isinstance(op, Resolve)
    conflict = facts.conflict(op.conflict)
    born = None if conflict is None else facts.incident(conflict.incident)
    incident = born or (None if conflict is None else facts.unborn(conflict.incident))
    if conflict is None or incident is None:
        return refused("not_found")
    actor = facts.actor
    own = conflict.by == actor.user and conflict.kind != "handover"
    staff = any(g.role in STAFF and g.covers(incident) for g in actor.grants)
    if not (own or staff):
        return refused("not_found")
    decides = not roles_of(actor, incident, facts).isdisjoint({"secretary", "operator"})
    if not decides and not (own and op.take == "server"):
        return refused("role")
    if conflict.state != "open":
        value = _told(conflict.field, conflict.value, incident, facts)
        return refused("already_resolved", {"state": conflict.state, "resolved_by": conflict.resolved_by, "value": value})
    if op.take == "value" and conflict.kind != "field":
        return Decision(
            outcome="refused", code="malformed", errors=[{"pointer": "/take", "code": "malformed", "detail": "only a field takes a value"}]
        )
    if born is None:
        return _decide_unborn(op, conflict, facts)
    if op.take == "server":
        value = shown(incident, conflict.field) if conflict.field else None
        return _end(op, conflict, incident, "dropped", value, facts)
    if conflict.kind == "field":
        return _write(op, conflict, incident, facts)
    return _carry_out(op, conflict, incident, facts)


def _decide_unborn(op: Resolve, conflict: Conflict, facts: Facts) -> Decision:
    """A report that was parked whole: it is born in the resolver's name, or goes; what waits beside it waits on."""
    if op.take == "server":
        ended = replace(conflict, state="dropped", resolved_by=facts.actor.user, resolved_at=facts.now)
        return Decision(outcome="applied", ended=[ended])
    if not is_parked_report(conflict):
        return refused("not_allowed_now", {"state": None})
    return _finish(op, conflict, _handed_over(op, conflict, facts), None, facts)


def _told(field: str | None, value: Any, incident: Incident, facts: Facts) -> Any:
    """The value, or nothing where it is the words of a restricted case and the actor may not read them."""
    return None if field == "description" and not reads_words(facts.actor.scope, incident) else value


def _end(
    op: Resolve, conflict: Conflict, incident: Incident, state: str, value: Any, facts: Facts, changes: dict[str, Any] | None = None
) -> Decision:
    ended = replace(conflict, state=state, value=value, resolved_by=facts.actor.user, resolved_at=facts.now)
    draft = Draft(
        incident=incident.id, type="conflict", name="conflict", fields=tuple(changes or ()), changes=changes, reason=state, visibility="reporter"
    )  # fmt: skip
    return Decision(outcome="applied", incident=incident, changed=bool(changes), drafts=[draft], ended=[ended])


def _write(op: Resolve, conflict: Conflict, incident: Incident, facts: Facts) -> Decision:
    field = conflict.field or ""
    roles = roles_of(facts.actor, incident, facts)
    if not may_edit(field=field, state=incident.state, roles=roles) or incident.archived_at is not None:
        return refused("not_allowed_now", {"state": incident.state})
    if changed_since(incident, field, op.base_version, facts):
        return refused("stale", {"field": field, "value": _told(field, shown(incident, field), incident, facts)})
    wire = conflict.client if op.take == "client" else op.value
    assert wire is not UNSET
    try:
        new = write_field(incident, field, wire, facts, "/value")
    except Refusal as refusal:
        return refused_by(refusal)
    before, after = shown(incident, field), shown(new, field)
    if compared(field, value_of(incident, field)) == compared(field, value_of(new, field)):
        return _end(op, conflict, incident, "taken", after, facts)
    new = replace(new, version=incident.version + 1)
    if new.owner_unit != incident.owner_unit:
        new = replace(new, step_version=new.version)
    return _end(op, conflict, new, "taken", after, facts, {field: [before, after]})


def _carry_out(op: Resolve, conflict: Conflict, incident: Incident, facts: Facts) -> Decision:
    """A parked act or a whole op, in the resolver's name and by what is legal now."""
    if conflict.kind == "action":
        args = conflict.args
        parked = Act(
            op_id=op.op_id, kind="incident.act", at=op.at, incident=incident.id,
            base_version=incident.version, action=args["action"], args=args["args"],
        )  # fmt: skip
        done = decide_act(Read(op=parked, hash="", content={}), facts)
    else:
        done = _handed_over(op, conflict, facts)
    return _finish(op, conflict, done, incident, facts)


def _finish(op: Resolve, conflict: Conflict, done: Decision, incident: Incident | None, facts: Facts) -> Decision:
    case = done.incident or incident
    if done.outcome not in ("applied", "merged") or case is None:
        return refused("not_allowed_now", {"state": incident.state if incident else None, "code": done.code} | (done.details or {}))
    ended = _end(op, conflict, case, "taken", None, facts)
    done.drafts = done.drafts + ended.drafts
    done.ended = ended.ended
    done.outcome = "applied"
    return done


def _handed_over(op: Resolve, conflict: Conflict, facts: Facts) -> Decision:
    read = read_op(json.encode(conflict.args))
    parked = replace(read.op, op_id=op.op_id)
    read = Read(op=parked, hash="", content=read.content)
    if isinstance(parked, Edit):
        return decide_edit(read, facts)
    if isinstance(parked, Comment):
        return decide_comment(read, facts)
    if isinstance(parked, PhotoAdd):
        return decide_photo(read, facts, user=conflict.by)
    if isinstance(parked, Act):
        return decide_act(read, facts)
    if isinstance(parked, Report):
        return decide_report(read, facts, user=conflict.by)
    return refused("not_allowed_now")
