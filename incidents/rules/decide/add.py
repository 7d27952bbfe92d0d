"""Deciding what only adds: comments, photos and their withdrawal. They change no version and never conflict."""

from msgspec import UNSET
from msgspec.structs import replace

from incidents.rules.decide.facts import (
    Decision,
    Draft,
    Facts,
    derived,
    hand_over,
    in_scope,
    refused,
    roles_of,
    was_in_scope,
)
from incidents.rules.decide.report import photo_of
from incidents.rules.ops import Comment, Op, PhotoAdd, PhotoWithdraw, Read
from incidents.rules.rows import Incident, Notice
from incidents.rules.workflow import OPEN

_MAY_ADD = frozenset({"author", "worker", "secretary", "operator", "supervisor"})


def _case(read: Read, key: str, facts: Facts) -> Incident | Decision:
    """The case, or what is answered instead."""
    incident = facts.incident(key)
    if incident is None:
        return refused("not_found")
    if in_scope(facts.actor, incident):
        return incident
    return hand_over(read, facts, incident) if was_in_scope(facts.actor, incident) else refused("not_found")


def decide_comment(read: Read, facts: Facts) -> Decision:
    """A line in the log; workers write internal ones only. One addressed to a person raises a notice."""
    op = read.op
    assert isinstance(op, Comment)
    incident = _case(read, op.incident, facts)
    if isinstance(incident, Decision):
        return incident
    roles = roles_of(facts.actor, incident, facts) | _staff(facts, incident)
    if roles.isdisjoint(_MAY_ADD) or (op.visibility != "internal" and roles.isdisjoint({"secretary", "operator", "supervisor"})):
        return refused("role")
    if facts.event_exists(op.comment):
        return refused("id_taken")
    notices = []
    if op.to is not UNSET:
        if not facts.person_exists(op.to):
            return refused("bad_target")
        key = derived(user=facts.actor.user, op_id=op.op_id, name="notice")
        args = {"comment": op.comment, "by": facts.actor.user}
        notices.append(Notice(id=key, incident=incident.id, user=op.to, kind="comment", args=args, at=facts.now, read_at=None))
    notices += _word_of_addition(op, incident, {"comment": op.comment}, facts)
    draft = Draft(incident=incident.id, type="comment", id=op.comment, text=op.text, visibility=op.visibility)
    return Decision(outcome="applied", incident=incident, drafts=[draft], notices=notices)


def _word_of_addition(op: Op, incident: Incident, args: dict[str, str], facts: Facts) -> list[Notice]:
    """The case is closed: its desk hears of what was added. What is archived is looked at by nobody."""
    if incident.state in OPEN or incident.archived_at is not None:
        return []
    me = facts.actor.user
    return [
        Notice(
            id=derived(user=me, op_id=op.op_id, name=f"added:{user}"), incident=incident.id, user=user, kind="added_to_closed",
            args=args | {"by": me}, at=facts.now, read_at=None,
        )
        for user in facts.desk_of(incident.owner_unit) if user != me
    ]  # fmt: skip


def _staff(facts: Facts, incident: Incident) -> frozenset[str]:
    """Staff roles whose scope covers the place, whoever owns the case: they read the log and may write into it."""
    return frozenset(g.role for g in facts.actor.grants if g.role in ("secretary", "operator", "supervisor") and g.covers(incident))


def decide_photo(read: Read, facts: Facts, *, user: str | None = None) -> Decision:
    """A photo more. The same photo of the same case and bytes again: nothing new. `user`: whose bytes will come."""
    op = read.op
    assert isinstance(op, PhotoAdd)
    incident = _case(read, op.incident, facts)
    if isinstance(incident, Decision):
        return incident
    owner = user or facts.actor.user
    there = facts.photo(op.photo)
    if there is not None:
        same = (there.incident, there.sha256, there.by) == (op.incident, op.sha256, owner)
        return Decision(outcome="applied", incident=incident) if same else refused("id_taken")
    roles = roles_of(facts.actor, incident, facts) | _staff(facts, incident)
    if roles.isdisjoint(_MAY_ADD):
        return refused("role")
    photo = photo_of(op.declaration, incident=incident.id, user=owner, facts=facts)
    draft = Draft(incident=incident.id, type="photo", reason=op.stage)
    notices = _word_of_addition(op, incident, {"photo": op.photo}, facts)
    return Decision(outcome="applied", incident=incident, drafts=[draft], photos=[photo], notices=notices)


def decide_withdraw(read: Read, facts: Facts) -> Decision:
    """Who sent a photo takes it back."""
    op = read.op
    assert isinstance(op, PhotoWithdraw)
    photo = facts.photo(op.photo)
    incident = None if photo is None else facts.incident(photo.incident)
    if photo is None or incident is None:
        return refused("not_found")
    if not in_scope(facts.actor, incident) and photo.by != facts.actor.user:
        return refused("not_found")
    if photo.by != facts.actor.user:
        return refused("role")
    if photo.state == "withdrawn":
        return Decision(outcome="applied", incident=incident)
    draft = Draft(incident=incident.id, type="photo_withdrawn", reason=photo.stage)
    return Decision(outcome="applied", incident=incident, drafts=[draft], changed_photos=[replace(photo, state="withdrawn")])
