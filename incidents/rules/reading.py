"""Reading an op whole: its shape, then what the tables of fields and actions say of its values. Pure.

What is wrong here is `malformed`, whoever sends it and whatever the case: no row is needed to tell it, and no receipt is kept.
"""

from msgspec import UNSET

from gridgov.errors import Refusal, malformed
from incidents.rules.fields import MERGEABLE, RECORD_KEYS, read_value
from incidents.rules.ops import Act, Edit, Op, Read, Report
from incidents.rules.raw import read_op
from incidents.rules.workflow import ACTIONS, OUTCOMES, check_arguments


def read(raw: bytes) -> Read:
    """One op.

    :raises Refusal: op_too_large, malformed; `details` then has the op_id to echo.
    """
    found = read_op(raw)
    try:
        _check(found.op)
    except Refusal as refusal:
        refusal.details = {"op_id": found.op.op_id}
        raise
    return found


def _check(op: Op) -> None:
    if isinstance(op, Edit):
        for field in op.fields:
            if field not in RECORD_KEYS:
                raise malformed("/fields/" + field.replace("~", "~0").replace("/", "~1"), "no incident has this field")
            if field in MERGEABLE:
                _check_value(field, op.base[field], f"/base/{field}")
                _check_value(field, op.fields[field], f"/fields/{field}")
    elif isinstance(op, Act):
        if (action := ACTIONS.get(op.action)) is not None:
            check_arguments(action=action, args=op.args)
    elif isinstance(op, Report) and op.handled_here is not UNSET and op.handled_here.outcome not in OUTCOMES:
        raise malformed("/handled_here/outcome", "one of " + ", ".join(OUTCOMES))


def _check_value(field: str, value: object, pointer: str) -> None:
    try:
        read_value(field, value, pointer)
    except Refusal as refusal:
        if refusal.code == "malformed":  # a missing datum has a code of its own, and a receipt
            raise
