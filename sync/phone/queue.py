"""The queue of ops that wait for their answer: what to send next, and what an answer does to it (protocol §3.2).

Pure: no clock, no line. Nothing leaves the queue but by a final answer that names the op.
"""

import json
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sync.phone.backoff import NEEDS_YOU_AFTER, op_pause_s
from sync.phone.ops import Op

FINAL = frozenset({"applied", "merged", "conflict", "refused"})
MAX_OPS = 200
MAX_BYTES = 1024 * 1024
ENVELOPE_BYTES = 100  # what stands around the ops of a push


@dataclass(slots=True)
class Waiting:
    """One op in the queue. `about` is the incident whose ops are kept in order, `not_before` in seconds since 1970."""

    op: Op
    about: str
    tries: int = 0
    not_before: float = 0.0
    code: str | None = None

    @property
    def op_id(self) -> str:
        return str(self.op["op_id"])

    @property
    def needs_you(self) -> bool:
        """Tried so often that a person should look (protocol §3.2, 3)."""
        return self.tries >= NEEDS_YOU_AFTER


@dataclass(frozen=True, slots=True)
class Settled:
    """An op with its final answer."""

    op: Op
    about: str
    answer: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        return str(self.answer["outcome"])


class Queue:
    """Ops in the order in which they were made."""

    def __init__(self, waiting: Iterable[Waiting] = ()) -> None:
        self.waiting: list[Waiting] = list(waiting)

    def __len__(self) -> int:
        return len(self.waiting)

    def add(self, *, op: Op, about: str) -> None:
        """Put an op at the end. One on an incident whose report still waits names that report in `after`."""
        parents = [one.op_id for one in self.waiting if one.about == about and one.op["kind"] == "incident.report"]
        after = [*op.get("after", []), *(parent for parent in parents if parent not in op.get("after", []))]
        self.waiting.append(Waiting(op | {"after": after} if after else op, about))

    def put_back(self, kept: Iterable[tuple[Op, str]]) -> None:
        """After a reset `epoch` or `history`: what was answered but is not safe goes out again, before all else."""
        here = {one.op_id for one in self.waiting}
        self.waiting[:0] = [Waiting(op, about) for op, about in kept if op["op_id"] not in here]

    def due(self, *, now: float, held: Collection[str], max_ops: int = MAX_OPS, max_bytes: int = MAX_BYTES) -> list[Op]:
        """The ops of the next push, in order.

        An op that rests holds back later ops on its incident and those that name it in `after`, and nobody else. `held`
        are the answered ops that the phone still has; an op in `after` that is neither waiting nor held is struck.
        """
        here = {one.op_id for one in self.waiting}
        resting: set[str] = set()
        blocked: set[str] = set()
        chosen: list[Op] = []
        size = ENVELOPE_BYTES
        for one in self.waiting:
            after = [parent for parent in one.op.get("after", []) if parent in here or parent in held]
            if one.not_before > now or (one.about and one.about in blocked) or resting.intersection(after):
                blocked.add(one.about)
                resting.add(one.op_id)
                continue
            op = {key: value for key, value in one.op.items() if key != "after"}
            if after:
                op["after"] = after
            more = len(encode(op)) + 1
            if chosen and (len(chosen) == max_ops or size + more > max_bytes):
                break
            size += more
            chosen.append(op)
        return chosen

    def wakes_at(self) -> float | None:
        """When the first op may be sent, None with an empty queue."""
        return min((one.not_before for one in self.waiting), default=None)

    def take(self, *, answers: Iterable[Any], sent: Collection[str], now: float, rng: random.Random) -> list[Settled]:
        """Carry out the answers to a push of the ops `sent`; the final ones leave the queue and are returned.

        Answers that name no op of the push are no answers. `retry`, and an outcome that this phone does not know,
        keep the op and let it rest.
        """
        by_id = {one.op_id: one for one in self.waiting if one.op_id in sent}
        settled: list[Settled] = []
        for answer in answers:
            one = by_id.get(answer["op_id"]) if isinstance(answer, dict) and isinstance(answer.get("op_id"), str) else None
            if one is None:
                continue
            if answer.get("outcome") in FINAL:
                settled.append(Settled(one.op, one.about, answer))
                del by_id[one.op_id]
                self.waiting.remove(one)
            else:
                one.tries += 1
                one.code = answer.get("code")
                asked = (answer.get("details") or {}).get("retry_after_s")
                one.not_before = now + op_pause_s(tries=one.tries, asked_s=asked, rng=rng)
        return settled

    def take_away(self, op_ids: Collection[str]) -> list[Waiting]:
        """Remove ops that a 403 `account_closed` names as `taken` (protocol §3.2, 8)."""
        gone = [one for one in self.waiting if one.op_id in op_ids]
        self.waiting = [one for one in self.waiting if one.op_id not in op_ids]
        return gone

    def dump(self) -> list[dict[str, Any]]:
        """Plain values that JSON can hold; `Queue.load` takes them."""
        return [asdict(one) for one in self.waiting]

    @classmethod
    def load(cls, dumped: Iterable[Mapping[str, Any]]) -> "Queue":
        """A queue as `dump` gave it."""
        return cls(Waiting(**one) for one in dumped)


def encode(value: Any) -> bytes:
    """JSON as it goes out: UTF-8, no spaces, no NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
