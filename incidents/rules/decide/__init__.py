"""(op, state, scope, now) → decision. Pure: one function a kind; the next op sees the result of the one before."""

from typing import Final

from incidents.rules.decide.act import decide_act
from incidents.rules.decide.add import decide_comment, decide_photo, decide_withdraw
from incidents.rules.decide.edit import decide_edit
from incidents.rules.decide.facts import Decide, Decision, Draft, Facts
from incidents.rules.decide.give_up import give_up, waits_for_birth
from incidents.rules.decide.report import decide_report
from incidents.rules.decide.resolve import decide_resolve
from incidents.rules.ops import Read

_BY_KIND: Final[dict[str, Decide]] = {
    "incident.report": decide_report,
    "incident.edit": decide_edit,
    "incident.act": decide_act,
    "incident.comment": decide_comment,
    "photo.add": decide_photo,
    "photo.withdraw": decide_withdraw,
    "conflict.resolve": decide_resolve,
}


def decide(read: Read, facts: Facts) -> Decision:
    """What becomes of one op. What belongs to a report that was parked whole is parked beside it."""
    if waits_for_birth(read, facts):
        return give_up(read, facts)
    return _BY_KIND[read.op.kind](read, facts)


__all__ = ["Decision", "Draft", "Facts", "decide", "give_up"]
