"""The photos that this phone took: what is to be sent, what has arrived, and when the bytes may go (protocol §5).

Pure: no clock, no line. `uploads.py` moves the bytes.
"""

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sync.phone.ops import declared_in
from sync.phone.queue import Settled

KEEP_S = 7 * 86_400
KEEP_BYTES = 200 * 1024 * 1024

WAITING = "waiting"  # its op has no answer yet
DUE = "due"  # declared; bytes are missing on the server
ACKNOWLEDGED = "acknowledged"  # the server has every byte
STORED = "stored"  # the server has made and kept its renditions
REJECTED = "rejected"  # the server cannot read it
WITHDRAWN = "withdrawn"
UNDECLARED = "undeclared"  # its op was refused: it is shown, and sent by a new op or not at all


@dataclass(slots=True)
class Photo:
    """One photo. Times in seconds since 1970; `content` is None once the phone has freed the bytes."""

    photo: str
    sha256: str
    size: int
    incident: str
    op_id: str
    content: bytes | None
    state: str = WAITING
    location: str | None = None
    offset: int | None = None
    acknowledged_at: float | None = None
    stored_at: float | None = None
    stored_seq: int | None = None
    tries: int = 0
    not_before: float = 0.0
    code: str | None = None

    def rest(self, *, until: float, code: str | None) -> None:
        """Wait before the next try."""
        self.tries, self.not_before, self.code = self.tries + 1, until, code


class Album:
    """All photos of one user on this phone, oldest first."""

    def __init__(self, photos: Iterable[Photo] = ()) -> None:
        self.photos: dict[str, Photo] = {one.photo: one for one in photos}

    def add(self, photo: Photo) -> None:
        """Keep a new photo; it is sent once its op is answered."""
        self.photos[photo.photo] = photo

    def waiting(self) -> int:
        """How many photos the server does not have yet: the `photos_waiting` of a push."""
        return sum(one.state in (WAITING, DUE) for one in self.photos.values())

    def due(self, now: float) -> list[Photo]:
        """The photos to send now."""
        return [one for one in self.photos.values() if one.state == DUE and one.content and one.not_before <= now]

    def wakes_at(self) -> float | None:
        """When the first photo may be sent, None where none is due."""
        return min((one.not_before for one in self.photos.values() if one.state == DUE and one.content), default=None)

    def answered(self, *, settled: Settled, now: float) -> None:
        """The op that declared photos has its answer: `missing_photos` names the hashes that the server lacks.

        Also when a repeated op says, after a restore, that bytes are missing which were acknowledged before.
        """
        missing = settled.answer.get("missing_photos") or []
        for declared in declared_in(settled.op):
            one = self.photos.get(str(declared["photo"]))
            if one is None or one.state in (REJECTED, WITHDRAWN):
                continue
            if settled.outcome == "refused":
                one.state, one.code = UNDECLARED, settled.answer.get("code")
            else:
                self._sort(one, one.sha256 in missing, now)

    def taken(self, *, op_ids: Collection[str], missing: Collection[str], now: float) -> None:
        """A 403 `account_closed` took these ops; `missing` are the hashes that it still wants (protocol §3.2, 8)."""
        for one in self.photos.values():
            if one.op_id in op_ids:
                self._sort(one, one.sha256 in missing, now)

    def seen(self, *, record: Mapping[str, Any], seq: int, now: float) -> None:
        """The feed told the state of a photo."""
        one = self.photos.get(str(record.get("id")))
        state = record.get("state")
        if one is None or state not in (STORED, REJECTED, WITHDRAWN):
            return
        if state == STORED:
            one.stored_seq, one.stored_at = seq, one.stored_at or now
        if one.state in (WAITING, DUE) and state == STORED:
            return  # an older record of the same photo, after a restore: the answer to its op decides
        one.state, one.code = str(state), record.get("reason")

    def free(self, *, safe_seq: int, seen: Collection[str], now: float) -> list[str]:
        """Let bytes go where that is allowed; the photo ids are returned. `seen` are the photos whose record is held.

        `stored` and safe, or stored for 7 days, or the oldest stored above 200 MB. What is not stored stays, but for one
        whose record does not come (handed over, out of scope, archived): 7 days after its last byte was acknowledged.
        """
        held = [one for one in self.photos.values() if one.content is not None]
        freed = [one for one in held if self._may_go(one, safe_seq, seen, now)]
        over = sum(one.size for one in held) - sum(one.size for one in freed) - KEEP_BYTES
        for one in held:
            if over > 0 and one.state == STORED and one not in freed:
                freed.append(one)
                over -= one.size
        for one in freed:
            one.content = None
        return [one.photo for one in freed]

    def _may_go(self, one: Photo, safe_seq: int, seen: Collection[str], now: float) -> bool:
        if one.state == WITHDRAWN:
            return True
        if one.state == STORED and one.stored_at is not None and one.stored_seq is not None:
            return one.stored_seq <= safe_seq or now - one.stored_at >= KEEP_S
        lost_from_sight = one.state == ACKNOWLEDGED and one.photo not in seen
        return lost_from_sight and one.acknowledged_at is not None and now - one.acknowledged_at >= KEEP_S

    def _sort(self, one: Photo, missing: bool, now: float) -> None:
        if missing:
            if one.state != DUE:
                one.state, one.location, one.offset, one.not_before = DUE, None, None, 0.0
        elif one.state in (WAITING, DUE):
            one.state, one.acknowledged_at = ACKNOWLEDGED, now

    def dump(self) -> list[dict[str, Any]]:
        """Plain values that JSON can hold; `Album.load` takes them."""
        rows = [asdict(one) for one in self.photos.values()]
        return [row | {"content": row["content"] and base64.b64encode(row["content"]).decode()} for row in rows]

    @classmethod
    def load(cls, dumped: Iterable[Mapping[str, Any]]) -> "Album":
        """An album as `dump` gave it."""
        rows = [{**row, "content": base64.b64decode(row["content"]) if row["content"] else None} for row in dumped]
        return cls(Photo(**row) for row in rows)
