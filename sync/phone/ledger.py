"""What was answered and is kept until it is safe (protocol §3.2, 9), so that a server that lost its last hours gets it again.

Pure: no clock, no line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sync.phone.ops import Op
from sync.phone.queue import Settled, encode

KEEP_S = 7 * 86_400
KEEP_BYTES = 200 * 1024 * 1024


@dataclass(slots=True)
class Kept:
    """An answered op. It is safe once the server's `safe_seq` reaches `bound`."""

    op: Op
    about: str
    outcome: str
    bound: int
    answered_at: float
    size: int


class Ledger:
    """Answered ops that a lost server could still need, oldest first."""

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self.kept: dict[str, Kept] = {one.op["op_id"]: one for one in kept}

    def __contains__(self, op_id: object) -> bool:
        return op_id in self.kept

    def __len__(self) -> int:
        return len(self.kept)

    def enter(self, *, settled: Settled, stored_seq: int, now: float) -> None:
        """Keep an op with its answer; one that was refused changed nothing and is not kept.

        An answer without `seq` (nothing changed then; after a restore it may) is bound by the `stored_seq` beside it.
        """
        if settled.outcome == "refused":
            return
        seq = settled.answer.get("seq")
        bound = seq if isinstance(seq, int) else stored_seq
        self.kept.pop(settled.op["op_id"], None)
        self.kept[settled.op["op_id"]] = Kept(settled.op, settled.about, settled.outcome, bound, now, len(encode(settled.op)))

    def free(self, *, safe_seq: int, now: float) -> None:
        """Forget what is safe, what is older than 7 days, and the oldest above 200 MB."""
        self.kept = {op_id: one for op_id, one in self.kept.items() if one.bound > safe_seq and now - one.answered_at < KEEP_S}
        over = sum(one.size for one in self.kept.values()) - KEEP_BYTES
        for op_id in list(self.kept):
            if over <= 0:
                break
            over -= self.kept.pop(op_id).size

    def unsafe(self) -> list[tuple[Op, str]]:
        """Everything that is kept, in the order in which it was answered."""
        return [(one.op, one.about) for one in self.kept.values()]

    def dump(self) -> list[dict[str, Any]]:
        """Plain values that JSON can hold; `Ledger.load` takes them."""
        return [asdict(one) for one in self.kept.values()]

    @classmethod
    def load(cls, dumped: Iterable[Mapping[str, Any]]) -> "Ledger":
        """A ledger as `dump` gave it."""
        return cls(Kept(**one) for one in dumped)
