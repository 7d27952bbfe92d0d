"""Deciding `incident.act` by THE table: never for this role, a missing reason, a bad target; then the state; then the guards."""

from typing import Any

from msgspec.structs import replace

from incidents.rules.decide.facts import Decision, Draft, Facts, in_scope, park, refused, roles_of
from incidents.rules.decide.report import handled_here_why_not
from incidents.rules.ops import Act, Read
from incidents.rules.rows import Incident
from incidents.rules.workflow import ACTIONS, STATES, Action, allowed_now, missing_argument, possible


def why_not(action: Action, incident: Incident, facts: Facts, roles: frozenset[str]) -> str | None:
    """Why this action is not possible now (a code for the desk), or None where it is."""
    if not possible(action=action, roles=roles):
        return "role"
    if incident.archived_at is not None:
        return "archived"
    if incident.state not in action.sources:
        return "state"
    category = facts.category(incident.category)
    stages = {p.stage for p in facts.photos_of(incident.id) if p.state not in ("withdrawn", "rejected")}
    if action.code == "handle_here":
        return None if category is None else handled_here_why_not(stages=stages, category=category, worker="worker" in roles)
    if action.code == "resolve" and category is not None and "after" in category.required_photos and "after" not in stages:
        return "after_photo_missing"
    return None


def decide_act(read: Read, facts: Facts) -> Decision:
    """The step, or why it is refused or parked."""
    op = read.op
    assert isinstance(op, Act)
    incident = facts.incident(op.incident)
    if incident is None or not in_scope(facts.actor, incident):
        return refused("not_found")
    action = ACTIONS.get(op.action)
    if action is None or not action.sources:
        return refused("action_unknown")
    roles = roles_of(facts.actor, incident, facts)
    if not possible(action=action, roles=roles):
        return refused("role")
    if (missing := missing_argument(action=action, args=op.args)) is not None:
        return refused("reason_missing", {"missing": missing})
    now_allowed = allowed_now(state=incident.state, roles=roles)
    if (why := why_not(action, incident, facts, roles)) is not None:
        details: dict[str, Any] = {"state": incident.state, "why": why, "allowed_now": [c for c in now_allowed if c != op.action]}
        return _park(op, incident, "not_allowed_now", details, facts)
    if not action.offline and op.base_version < incident.step_version:
        changed = [
            {"type": e.type, "fields": e.fields, "by": e.by_user, "received_at": e.received_at.isoformat().replace("+00:00", "Z")}
            for e in facts.later_events(incident.id, op.base_version)
        ]
        return _park(op, incident, "stale", {"state": incident.state, "allowed_now": now_allowed, "changed": changed}, facts)
    return carry_out(op, action, incident, facts)


def _park(op: Act, incident: Incident, code: str, details: dict[str, Any], facts: Facts) -> Decision:
    args = {"action": op.action, "args": op.args, "base_version": op.base_version}
    conflict = park(facts, op, incident=incident.id, kind="action", code=code, name="action", server=incident.state, args=args)
    return Decision(outcome="conflict", code=code, details=details, incident=incident, conflicts=[conflict])


def carry_out(op: Act, action: Action, incident: Incident, facts: Facts) -> Decision:
    """The effects of a step that is allowed."""
    now, args = facts.now, op.args
    version = incident.version + 1
    columns: dict[str, Any] = {"state": action.to, "version": version, "step_version": version}
    fields = ["state"]
    reason, text = args.get("reason"), args.get("sentence") or args.get("note")
    if action.code == "register":
        category = facts.category(incident.category)
        cell = facts.cell(incident.cell_id)
        columns |= {
            "handling_class": args.get("handling_class") or (category.handling_class if category else "limited"),
            "registered_at": now,
            "registered_path": list(cell[0].path_codes) if cell else [incident.cell_code],
        }
        fields += ["handling_class", "registered_at", "registered_path"]
    elif action.code == "reject":
        columns["closed_at"] = now
        fields.append("closed_at")
        text = f"{args['sentence']} ({args['office']})"
    elif action.code in ("resolve", "handle_here"):
        columns |= {"outcome": args.get("outcome") or "handled_on_spot", "resolved_at": now}
        reason = columns["outcome"]
        fields += ["outcome", "resolved_at"]
        if action.code == "handle_here":
            columns["handling_class"] = "immediate"
            fields.append("handling_class")
    elif action.code == "close":
        columns["closed_at"] = now
        fields.append("closed_at")
    elif action.code == "reopen":
        columns |= {"closed_at": None, "resolved_at": None, "outcome": None, "reopens": incident.reopens + 1}
        fields += ["closed_at", "resolved_at", "outcome", "reopens"]
    assert action.to in STATES
    draft = Draft(
        incident=incident.id, type=action.code, from_state=incident.state, to_state=action.to, fields=tuple(fields),
        reason=reason, text=text, visibility="public",
    )  # fmt: skip
    return Decision(outcome="applied", incident=replace(incident, **columns), changed=True, drafts=[draft])
