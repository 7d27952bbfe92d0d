"""THE one way in: ops → answers. Phones, the desk, clocks and imports all come through here.

Read → prepare outside the transaction → lock, load, decide, store → commit → answer. `now` comes in; JSON of the answers
is `sync.wire`'s. Nothing is acknowledged before the commit that holds it is on the disk.
"""

import datetime as dt
import logging
from collections.abc import Callable, Sequence

import msgspec
import psycopg
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from msgspec.structs import replace

from gridgov.errors import Refusal
from gridgov.feed.commit import Batch, GroundMoved
from gridgov.feed.gate import GateBusy, writing
from gridgov.feed.sql import run, same
from grids.locate import locator
from grids.queries import city_day, grants_of, unit_tree
from grids.scope import Actor
from incidents.answers import Answer, Mark, Outcome, Receipt, answer_of, receipt_of, receipts_of, refused_answer, repeat, retry
from incidents.categories_kept import categories
from incidents.failures import count_failures
from incidents.locking import for_update
from incidents.preparing import Prepared, prepare
from incidents.rules import ops as shapes
from incidents.rules.decide import decide, give_up
from incidents.rules.decide.facts import case_of
from incidents.rules.ops import Read, declared, named_case
from incidents.rules.reading import read
from incidents.tables import RECEIPTS
from incidents.workset import Workset

log = logging.getLogger(__name__)
BUSY_AFTER_S = 5.0
TRIES = 3
GIVE_UP_AFTER = 3


class _Item(msgspec.Struct):
    """One op on its way through. `failed`: the server's own code did not get through it; `given_up`: it is parked whole."""

    read: Read | None
    answer: Answer | None
    failed: bool = False
    given_up: bool = False

    @property
    def op(self) -> shapes.Op:
        assert self.read is not None
        return self.read.op

    def fail(self) -> None:
        self.failed, self.answer = True, retry(self.op.op_id, "internal")


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
            items.append(_Item(read=read(raw), answer=None))
        except Refusal as refusal:
            items.append(_Item(read=None, answer=refused_answer(refusal.details.get("op_id"), refusal)))
    waiting = [item for item in items if item.answer is None]
    mark = _carry_out_set(waiting, _Push(actor=actor, now=now, also=also)) if waiting else None
    return Outcome(answers=[item.answer for item in items if item.answer is not None], mark=mark)


class _Push(msgspec.Struct):
    """What all transactions of a push share. `held`: incidents that an op answered with retry was about."""

    actor: Actor
    now: dt.datetime
    also: Callable[[], None] | None
    held: set[str] = msgspec.field(default_factory=set)


def _carry_out_set(items: list[_Item], push: _Push) -> Mark | None:
    """One transaction; on data that the database does not take, halves, so that one poisoned op stands alone."""
    trouble: Exception | None = None
    for _ in range(TRIES):
        try:
            mark = _attempt(items, push)
        except (GateBusy, psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
            _busy(items, push)
            return None
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, GroundMoved):
            trouble = None
        except Refusal:
            raise
        except Exception as error:
            if _is_away(error):
                if not _is_busy(error):
                    raise
                _busy(items, push)
                return None
            trouble = error
            if not _is_race(error):
                break
        else:
            return _look_after_failures(items, push, mark)
    if trouble is None:
        _busy(items, push)
        return None
    log.error("a push could not be stored", exc_info=trouble)
    if len(items) == 1:
        items[0].fail()
        return _look_after_failures(items, push, None)
    middle = len(items) // 2
    marks = [_carry_out_set(half, push) for half in (items[:middle], items[middle:])]
    return next((mark for mark in reversed(marks) if mark is not None), None)


def _busy(items: list[_Item], push: _Push) -> None:
    for item in items:
        op = item.op
        item.answer = retry(op.op_id, "busy")
        if (key := named_case(op)) is not None:
            push.held.add(key)


def _is_busy(error: Exception) -> bool:
    cause = error.__cause__
    return isinstance(cause, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled) or "locked" in str(error)


def _is_away(error: Exception) -> bool:
    """Is it the database (away, full, busy), and not what we wanted of it? A row too large counts as ours (class 54)."""
    found = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(found, psycopg.Error) and (found.sqlstate or "").startswith("54"):
        return False
    return isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError)


def _is_race(error: Exception) -> bool:
    """Did somebody else store the same key meanwhile? Then to read again helps."""
    return isinstance(error, psycopg.errors.UniqueViolation) or (isinstance(error, IntegrityError) and "UNIQUE" in str(error))


def _look_after_failures(items: list[_Item], push: _Push, mark: Mark | None) -> Mark | None:
    """Our own failure is never a refusal: it is counted outside the transaction that failed, and the client keeps the op;
    but when `internal` was answered three times, the next failure parks the op whole, so that it blocks nothing."""
    failed = [item for item in items if item.failed]
    if not failed:
        return mark
    times = count_failures([item.op.op_id for item in failed], push.actor)
    for item in failed:
        if (key := named_case(item.op)) is not None:
            push.held.add(key)
        if times.get(item.op.op_id, 0) <= GIVE_UP_AFTER:
            continue
        told, item.given_up = item.answer, True
        item.answer, item.failed = None, False
        try:
            mark = _attempt([item], push) or mark
        except Exception:
            log.exception("an op could not even be parked", extra={"op_id": item.op.op_id})
            item.answer = told
    return mark


# --- one transaction ---------------------------------------------------------------------------------------------


def _attempt(items: list[_Item], push: _Push) -> Mark:
    actor, now = push.actor, push.now
    day = city_day(now)
    ground = actor.ground
    for _ in range(TRIES):
        prepared = prepare([item.op for item in items], ground=ground, day=day)
        held = set(push.held)
        with writing(wait_s=BUSY_AFTER_S), transaction.atomic():
            found, mark = _lock_user(actor.user)
            if found != ground:
                ground = found
                scope, past = grants_of(user=actor.user, ground=ground, day=day)
                actor = replace(actor, scope=scope, past=past, ground=ground)
                continue
            if push.also is not None:
                push.also()
            head = _decide_and_store(items, actor, now, day, prepared, held)
        push.held = held
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


def _decide_and_store(
    items: list[_Item], actor: Actor, now: dt.datetime, day: dt.date, prepared: Prepared, held: set[str]
) -> int | None:  # fmt: skip
    for item in items:
        item.failed = False  # an attempt before this one was undone
    receipts = receipts_of([item.read for item in items if item.read is not None], user=actor.user)
    fresh = [item for item in items if item.read is not None and item.read.op.op_id not in receipts]
    work = Workset(
        actor=actor, now=now, day=day, locator=locator(actor.ground), units=unit_tree(ground=actor.ground),
        categories=categories(ground=actor.ground), located=prepared.located, numbers=prepared.numbers,
    )  # fmt: skip
    work.load([item.read for item in fresh if item.read is not None], hashes={p.sha256 for item in items for p in declared(item.op)})
    outcomes: dict[str, str] = {op_id: found.outcome for op_id, found in receipts.items()}
    answers: list[tuple[Answer, frozenset[str], Read]] = []
    echoes: list[tuple[Answer, Answer]] = []
    for item in items:
        read = item.read
        assert read is not None
        op_id = read.op.op_id
        if (first := receipts.get(op_id)) is not None:
            item.answer = repeat(first, read)
            if item.answer.repeated and op_id in outcomes and first.first is not None:
                echoes.append((item.answer, first.first))
            continue
        if not item.given_up and (stop := _held_back(read, outcomes, held, work)) is not None:
            item.answer = stop
            if stop.outcome == "retry":
                continue
            keys: frozenset[str] = frozenset()
        else:
            try:
                decision = give_up(read, work) if item.given_up else decide(read, work)
                keys = work.apply(decision, read.op)
            except Exception:
                log.exception("an op made the server fail", extra={"op_id": op_id})
                item.fail()
                held |= _cases(read, work)
                continue
            item.answer = answer_of(read, decision, actor)
            if decision.code == "malformed":  # final, and without a receipt
                continue
        outcomes[op_id] = item.answer.outcome
        receipts[op_id] = Receipt(hash=read.hash, outcome=item.answer.outcome, answer=item.answer, seq=None, first=item.answer)
        answers.append((item.answer, keys, read))
    if not answers:
        _fill_missing(items, work)
        return None
    batch = Batch()
    work.fill(batch)
    batch.receipts(RECEIPTS, [(receipt_of(answer, read, user=actor.user, now=now), keys) for answer, keys, read in answers])
    head = batch.write(now=now, ground=actor.ground)
    for answer, keys, _ in answers:
        answer.seq = batch.seq_of(keys)
    for echo, original in echoes:
        echo.seq = original.seq
    _fill_missing(items, work)
    return head


def _cases(read: Read, work: Workset) -> set[str]:
    """The incident that an op is about, if that is known."""
    key = case_of(read.op, work)
    return set() if key is None else {key}


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


def _fill_missing(items: list[_Item], work: Workset) -> None:
    """`missing_photos` as of now: declared by this op, not received from this user (whose lock keeps both as they are)."""
    for item in items:
        answer = item.answer
        if answer is not None and answer.outcome not in ("refused", "retry"):
            hashes = dict.fromkeys(p.sha256 for p in declared(item.op))
            answer.missing_photos = [sha256 for sha256 in hashes if not work.delivered(work.actor.user, sha256)]
