"""What ops are answered, and the receipts that repeat it: values and the one statement that reads receipts. Writes nothing."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from gridgov.errors import Refusal
from gridgov.feed.sql import any_of, in_order, is_postgres, run, same
from gridgov.feed.tables import dashed
from grids.scope import Actor
from incidents.rules import rows
from incidents.rules.decide import Decision
from incidents.rules.decide.facts import reads_words
from incidents.rules.ops import Read
from incidents.wire import conflict_record, redacted

QUOTED_USER = '"user"'  # a reserved word
WAIT_S = {"needs_unknown_op": 10, "busy": 5, "internal": 30}


class Answer(msgspec.Struct):
    """What an op is answered. `message` is filled in at the edge, in the reader's language; `seq` after the commit."""

    op_id: str | None
    outcome: str
    repeated: bool = False
    code: str | None = None
    message: str | None = None
    details: dict[str, Any] | None = None
    warnings: list[str] = []
    incident: str | None = None
    version: int | None = None
    seq: int | None = None
    number: str | None = None
    cell: dict[str, str] | None = None
    missing_photos: list[str] = []
    conflicts: list[dict[str, Any]] = []
    detail_expired: bool = False


class Outcome(msgspec.Struct):
    """Answers in the order of the ops, and where the feed stands (None: the database was not asked)."""

    answers: list[Answer]
    mark: "Mark | None"


class Mark(msgspec.Struct, frozen=True):
    """Committed and on the disk up to `stored_seq`; on a replica or in a backup too up to `safe_seq`."""

    stored_seq: int
    safe_seq: int


def retry(op_id: str | None, code: str) -> Answer:
    """Nothing was recorded; the client keeps the op."""
    return Answer(op_id=op_id, outcome="retry", code=code, details={"retry_after_s": WAIT_S[code]})


def refused_answer(op_id: str | None, refusal: Refusal) -> Answer:
    """An op that was refused before any row was looked at."""
    details = {k: v for k, v in refusal.details.items() if k != "op_id"}
    if refusal.errors:
        details |= {"pointer": refusal.errors[0]["pointer"], "errors": [dict(e) for e in refusal.errors]}
    return Answer(op_id=op_id, outcome="refused", code=refusal.code, details=details or None)


class Receipt(msgspec.Struct):
    """What was answered to an op before (answer None: retention took it)."""

    hash: str
    outcome: str
    answer: Answer | None
    seq: int | None
    # Where the op stands twice in one push: the answer to the first, whose seq is not known yet.
    first: Answer | None = None


def receipts_of(reads: Sequence[Read], *, user: str) -> dict[str, Receipt]:
    """First answers of these ops and of those that they name in `after`. One statement."""
    wanted = {read.op.op_id for read in reads} | {needed for read in reads for needed in read.op.after}
    rows_found = run(
        f"SELECT op_id, hash, outcome, answer, seq FROM incidents_receipt WHERE {same(QUOTED_USER, 'user')} AND {any_of('op_id', 'ids')}",
        {"user": user, "ids": in_order(wanted)},
    )
    found: dict[str, Receipt] = {}
    for op_id, digest, outcome, answer, seq in rows_found:
        key = str(op_id) if is_postgres() else dashed(op_id)
        first = None if answer is None else msgspec.json.decode(answer, type=Answer)
        found[key] = Receipt(hash=digest, outcome=outcome, answer=first, seq=seq)
    return found


def repeat(first: Receipt, read: Read) -> Answer:
    """The first answer again; another content under the same id is refused, and tells nothing of it."""
    op_id = read.op.op_id
    if first.hash != read.hash:
        return Answer(op_id=op_id, outcome="refused", code="op_id_reused")
    if first.answer is None:
        return Answer(op_id=op_id, outcome=first.outcome, repeated=True, seq=first.seq, detail_expired=True)
    seq = first.seq if first.seq is not None else first.answer.seq
    return msgspec.structs.replace(first.answer, op_id=op_id, repeated=True, seq=seq)


def answer_of(read: Read, decision: Decision, actor: Actor) -> Answer:
    """The answer to a decided op, without `seq` and `missing_photos`; with the words that the actor may read."""
    details = dict(decision.details) if decision.details else {}
    if decision.errors:
        details |= {"pointer": decision.errors[0]["pointer"], "errors": decision.errors}
    answer = Answer(
        op_id=read.op.op_id, outcome=decision.outcome, code=decision.code, details=details or None, warnings=decision.warnings,
        incident=getattr(read.op, "incident", None),
    )  # fmt: skip
    if decision.incident is not None and not decision.silent:
        case = decision.incident
        answer.incident, answer.version, answer.number = case.id, case.version, case.number
        answer.cell = {"id": case.cell_id, "code": case.cell_code}
    if not decision.silent:
        answer.conflicts = [conflict_record(conflict) for conflict in decision.conflicts]
        if decision.incident is not None and not reads_words(actor.scope, decision.incident):
            answer.conflicts = [redacted("conflict", record) for record in answer.conflicts]
    return answer


def receipt_of(answer: Answer, read: Read, *, user: str, now: dt.datetime) -> rows.Receipt:
    """The row that is kept for ever; `seq` is filled in when it is written."""
    text = msgspec.json.encode(answer).decode()
    return rows.Receipt(user=user, op_id=read.op.op_id, hash=read.hash, outcome=answer.outcome, answer=text, at=now)
