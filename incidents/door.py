"""THE one way in: ops → answers. Phones, the desk, clocks and imports all come through here.

Read → prepare outside the transaction → lock, load, decide, store → commit → answer. `now` comes in; JSON of the answers
is `sync.wire`'s. Nothing is acknowledged before the commit that holds it is on the disk.
"""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import psycopg
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from msgspec.structs import replace

from gridgov.errors import Refusal
from gridgov.feed.commit import Batch, GroundMoved
from gridgov.feed.gate import GateBusy, writing
from gridgov.feed.sql import any_of, in_order, is_postgres, run, same
from gridgov.feed.tables import dashed
from grids.locate import locator
from grids.queries import city_day, grants_of, unit_tree
from grids.scope import Actor
from incidents import numbers
from incidents.categories_kept import categories
from incidents.rules import ops as shapes
from incidents.rules import rows
from incidents.rules.decide import Decision, decide
from incidents.rules.decide.facts import LocatedLike
from incidents.rules.fields import Point, to_point
from incidents.rules.ops import Read, declared, read_op
from incidents.tables import RECEIPTS
from incidents.wire import conflict_record
from incidents.workset import Workset, for_update

log = logging.getLogger(__name__)
BUSY_AFTER_S = 5.0
TRIES = 3
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


class _Item(msgspec.Struct):
    """One op on its way through."""

    read: Read | None
    answer: Answer | None


def retry(op_id: str | None, code: str) -> Answer:
    """Nothing was recorded; the client keeps the op."""
    return Answer(op_id=op_id, outcome="retry", code=code, details={"retry_after_s": WAIT_S[code]})


def _refused(op_id: str | None, refusal: Refusal) -> Answer:
    details = {k: v for k, v in refusal.details.items() if k != "op_id"}
    if refusal.errors:
        details |= {"pointer": refusal.errors[0]["pointer"], "errors": [dict(e) for e in refusal.errors]}
    return Answer(op_id=op_id, outcome="refused", code=refusal.code, details=details or None)


def carry_out(*, ops: Sequence[bytes], actor: Actor, now: dt.datetime, also: Callable[[], None] | None = None) -> Outcome:
    """Carry out the ops of one push, in order, each once.

    Must not be called inside a transaction. A bad op is answered alone; `retry` where nothing could be recorded.
    `also` is run inside the transaction, under the user's lock (what the device said it holds is kept with its push).

    :raises Refusal: unavailable, where SQLite's queue of writers is full.
    :raises OperationalError: where the database is away (nothing was done; the caller answers 503).
    """
    items: list[_Item] = []
    for raw in ops:
        try:
            items.append(_Item(read=read_op(raw), answer=None))
        except Refusal as refusal:
            items.append(_Item(read=None, answer=_refused(refusal.details.get("op_id"), refusal)))
    waiting = [item for item in items if item.answer is None]
    mark = _carry_out_set(waiting, actor, now, also) if waiting else None
    return Outcome(answers=[item.answer for item in items if item.answer is not None], mark=mark)


def _carry_out_set(items: list[_Item], actor: Actor, now: dt.datetime, also: Callable[[], None] | None) -> Mark | None:
    """One transaction; on data that the database does not take, halves, so that one poisoned op stands alone."""
    for _ in range(TRIES):
        try:
            return _attempt(items, actor, now, also)
        except (GateBusy, psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
            break
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation, GroundMoved):
            continue
        except IntegrityError:
            continue
        except (OperationalError, psycopg.OperationalError) as error:
            if _is_busy(error):
                break
            raise
        except (DatabaseError, psycopg.DatabaseError):
            log.exception("a push could not be stored")
            if len(items) == 1:
                return _failed(items[0], actor, now)
            middle = len(items) // 2
            marks = [_carry_out_set(half, actor, now, also) for half in (items[:middle], items[middle:])]
            return next((mark for mark in reversed(marks) if mark is not None), None)
    for item in items:
        assert item.read is not None
        item.answer = retry(item.read.op.op_id, "busy")
    return None


def _is_busy(error: Exception) -> bool:
    cause = error.__cause__
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled) or "locked" in str(error)


def _failed(item: _Item, actor: Actor, now: dt.datetime) -> None:
    """Our own failure is never a refusal: counted outside the transaction that failed, and kept by the client."""
    assert item.read is not None
    item.answer = retry(item.read.op.op_id, "internal")
    _count_failures([item.read.op.op_id], actor)


def _count_failures(op_ids: list[str], actor: Actor) -> None:
    user = "%(user)s::uuid" if is_postgres() else "replace(%(user)s, '-', '')"
    ids = "unnest(%(ids)s::uuid[]) AS x(id)" if is_postgres() else "(SELECT replace(value, '-', '') AS id FROM json_each(%(ids)s)) AS x"
    with writing(), transaction.atomic():
        run(
            f'INSERT INTO incidents_opfailure ("user", op_id, times) SELECT {user}, x.id, 1 FROM {ids} WHERE true '
            'ON CONFLICT ("user", op_id) DO UPDATE SET times = incidents_opfailure.times + 1',
            {"user": actor.user, "ids": op_ids},
        )


# --- one transaction ---------------------------------------------------------------------------------------------


def _attempt(items: list[_Item], actor: Actor, now: dt.datetime, also: Callable[[], None] | None) -> Mark:
    day = city_day(now)
    ground = actor.ground
    for _ in range(TRIES):
        prepared = _prepare(items, ground, day)
        failed: list[str] = []
        with writing(wait_s=BUSY_AFTER_S), transaction.atomic():
            found, mark = _lock_user(actor.user)
            if found != ground:
                ground = found
                scope, past = grants_of(user=actor.user, ground=ground, day=day)
                actor = replace(actor, scope=scope, past=past, ground=ground)
                continue
            if also is not None:
                also()
            head = _decide_and_store(items, actor, now, day, prepared, failed)
        if failed:
            _count_failures(failed, actor)
        return mark if head is None else replace(mark, stored_seq=head)
    raise GroundMoved


def _lock_user(user: str) -> tuple[int, Mark]:
    """Lock the user's row (one push of a user at a time); the ground version, and where the feed stands.

    `NO KEY`: receipts and events point at the row.
    """
    found = run(
        f"SELECT h.ground, h.seq, h.safe_seq FROM grids_user u, feed_head h WHERE h.id = 1 AND {same('u.id', 'user')}{for_update('u')}", {"user": user}
    )  # fmt: skip
    ground, seq, safe = found[0]
    return ground, Mark(stored_seq=seq, safe_seq=safe)


class _Prepared(msgspec.Struct):
    located: dict[Point, LocatedLike]
    numbers: dict[str, list[str]]


def _prepare(items: list[_Item], ground: int, day: dt.date) -> _Prepared:
    """Outside the transaction: where the points lie, and numbers for the reports."""
    kept = locator(ground)
    points: list[Point] = []
    wanted: Counter[str] = Counter()
    reports: list[Point] = []
    for item in items:
        op = item.read.op if item.read else None
        if not isinstance(op, shapes.Report):
            continue
        if isinstance(op.position, shapes.Position):
            try:
                point = to_point(op.position)
            except Refusal:
                continue
            points.append(point)
            reports.append(point)
        elif isinstance(op.cell, str) and (cell := kept.by_id.get(op.cell)) is not None:
            wanted[cell.path_codes[0]] += 1
    located: dict[Point, LocatedLike] = {}
    if points:
        located = dict(zip(points, kept.many([p.lng for p in points], [p.lat for p in points]), strict=True))
    for point in reports:
        cell_at = located[point].cell
        if cell_at is not None:
            wanted[cell_at.path_codes[0]] += 1
    return _Prepared(located=located, numbers=numbers.take(wanted=wanted, day=day) if wanted else {})


def _decide_and_store(
    items: list[_Item], actor: Actor, now: dt.datetime, day: dt.date, prepared: _Prepared, failed: list[str]
) -> int | None:  # fmt: skip
    receipts = _receipts(items, actor)
    fresh = [item for item in items if item.read is not None and item.read.op.op_id not in receipts]
    work = Workset(
        actor=actor, now=now, day=day, locator=locator(actor.ground), units=unit_tree(ground=actor.ground),
        categories=categories(ground=actor.ground), located=prepared.located, numbers=prepared.numbers,
    )  # fmt: skip
    work.load([item.read for item in fresh if item.read is not None])
    outcomes: dict[str, str] = {op_id: found.outcome for op_id, found in receipts.items()}
    held: set[str] = set()
    answers: list[tuple[Answer, frozenset[str], Read]] = []
    echoes: list[tuple[Answer, Answer]] = []
    for item in items:
        read = item.read
        assert read is not None
        op_id = read.op.op_id
        if (first := receipts.get(op_id)) is not None:
            item.answer = _repeat(first, read)
            if item.answer.repeated and op_id in outcomes and first.first is not None:
                echoes.append((item.answer, first.first))
            continue
        if (stop := _held_back(read, outcomes, held, work)) is not None:
            item.answer = stop
            if stop.outcome == "retry":
                continue
            keys: frozenset[str] = frozenset()
        else:
            try:
                decision = decide(read, work)
                keys = work.apply(decision, read.op)
            except Exception:
                log.exception("an op made the server fail", extra={"op_id": op_id})
                failed.append(op_id)
                item.answer = retry(op_id, "internal")
                held |= _cases(read, work)
                continue
            item.answer = _answer(read, decision)
        outcomes[op_id] = item.answer.outcome
        receipts[op_id] = _Receipt(hash=read.hash, outcome=item.answer.outcome, answer=item.answer, seq=None, first=item.answer)
        answers.append((item.answer, keys, read))
    if not answers:
        return _fill_missing(items, actor, None)
    batch = Batch()
    work.fill(batch)
    batch.receipts(RECEIPTS, [(_receipt(answer, read, actor, now), keys) for answer, keys, read in answers])
    head = batch.write(now=now, ground=actor.ground)
    for answer, keys, _ in answers:
        answer.seq = batch.seq_of(keys)
    for echo, original in echoes:
        echo.seq = original.seq
    return _fill_missing(items, actor, head)


class _Receipt(msgspec.Struct):
    hash: str
    outcome: str
    answer: Answer | None
    seq: int | None
    # Where the op stands twice in one push: the answer to the first, whose seq is not known yet.
    first: Answer | None = None


def _receipts(items: list[_Item], actor: Actor) -> dict[str, _Receipt]:
    """First answers of these ops and of those that they name in `after`."""
    wanted = {item.read.op.op_id for item in items if item.read} | {a for item in items if item.read for a in item.read.op.after}
    rows_found = run(
        f"SELECT op_id, hash, outcome, answer, seq FROM incidents_receipt WHERE {same(QUOTED_USER, 'user')} AND {any_of('op_id', 'ids')}",
        {"user": actor.user, "ids": in_order(wanted)},
    )
    found: dict[str, _Receipt] = {}
    for op_id, digest, outcome, answer, seq in rows_found:
        key = str(op_id) if is_postgres() else dashed(op_id)
        first = None if answer is None else msgspec.json.decode(answer, type=Answer)
        found[key] = _Receipt(hash=digest, outcome=outcome, answer=first, seq=seq)
    return found


def _repeat(first: _Receipt, read: Read) -> Answer:
    """The first answer again; another content under the same id is refused, and tells nothing of it."""
    op_id = read.op.op_id
    if first.hash != read.hash:
        return Answer(op_id=op_id, outcome="refused", code="op_id_reused")
    if first.answer is None:
        return Answer(op_id=op_id, outcome=first.outcome, repeated=True, seq=first.seq, detail_expired=True)
    seq = first.seq if first.seq is not None else first.answer.seq
    return msgspec.structs.replace(first.answer, op_id=op_id, repeated=True, seq=seq)


def _cases(read: Read, work: Workset) -> set[str]:
    """The incidents that an op is about."""
    op = read.op
    if isinstance(op, shapes.Resolve):
        conflict = work.conflict(op.conflict)
        return {conflict.incident} if conflict else set()
    if isinstance(op, shapes.PhotoWithdraw):
        photo = work.photo(op.photo)
        return {photo.incident} if photo else set()
    return {op.incident} if isinstance(op, shapes.Report | shapes.Edit | shapes.Act | shapes.Comment | shapes.PhotoAdd) else set()


def _held_back(read: Read, outcomes: dict[str, str], held: set[str], work: Workset) -> Answer | None:
    """An op that waits for another, or builds on a refused one; None where it may go on."""
    op = read.op
    if _cases(read, work) & held:
        return retry(op.op_id, "needs_unknown_op")
    for needed in op.after:
        told = outcomes.get(needed)
        if told == "refused":
            return Answer(op_id=op.op_id, outcome="refused", code="needs_refused_op", details={"needs": needed})
        if told is None:
            held |= _cases(read, work)
            return retry(op.op_id, "needs_unknown_op")
    return None


def _answer(read: Read, decision: Decision) -> Answer:
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
    return answer


def _receipt(answer: Answer, read: Read, actor: Actor, now: dt.datetime) -> rows.Receipt:
    text = msgspec.json.encode(answer).decode()
    return rows.Receipt(user=actor.user, op_id=read.op.op_id, hash=read.hash, outcome=answer.outcome, answer=text, at=now)


def _fill_missing(items: list[_Item], actor: Actor, head: int | None) -> int | None:
    """`missing_photos` as of now: declared by this op, not received from this user."""
    declaring = [(item.answer, [p.sha256 for p in declared(item.read.op)]) for item in items if item.read and item.answer]
    declaring = [
        (answer, hashes) for answer, hashes in declaring if hashes and answer is not None and answer.outcome not in ("refused", "retry")
    ]
    if not declaring:
        return head
    found = run(
        f"SELECT sha256 FROM incidents_delivery WHERE {same(QUOTED_USER, 'user')} AND {any_of('sha256', 'hashes', 'text')}",
        {"user": actor.user, "hashes": in_order(h for _, hashes in declaring for h in hashes)},
    )
    there = {row[0] for row in found}
    for answer, hashes in declaring:
        assert answer is not None
        answer.missing_photos = list(dict.fromkeys(h for h in hashes if h not in there))
    return head
