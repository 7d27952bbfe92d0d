"""What one user has on a phone: queue, ledger, store and album. Keyed by user, so that nobody sends another's ops."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.phone.album import Album
from sync.phone.ledger import Ledger
from sync.phone.queue import Queue
from sync.phone.store import Record, Store


@dataclass(slots=True)
class Shelf:
    """One user's things. `safe_seq` and `stored_seq` as the server last told them."""

    user: str
    queue: Queue = field(default_factory=Queue)
    ledger: Ledger = field(default_factory=Ledger)
    store: Store = field(default_factory=Store)
    album: Album = field(default_factory=Album)
    safe_seq: int = 0
    stored_seq: int = 0

    def view(self, incident: str) -> Record | None:
        """What the screen shows: the server's record + the user's own waiting edits. The client never merges."""
        record = self.store.get("incident", incident)
        shown = dict(record) if record else None
        for one in self.queue.waiting:
            if one.about != incident:
                continue
            if one.op["kind"] == "incident.report":
                given = ("category", "description", "urgent", "position", "address")
                shown = {"id": incident, "version": 1, "state": None} | {key: one.op.get(key) for key in given}
            elif one.op["kind"] == "incident.edit" and shown is not None:
                shown.update(one.op["fields"])
        return shown

    def log_out(self) -> None:
        """The base leaves the phone, what was not sent stays."""
        self.store = Store()

    def send_again(self) -> int:
        """After a reset `epoch` or `history`: what is not safe goes back into the queue. How many ops."""
        kept = self.ledger.unsafe()
        self.queue.put_back(kept)
        return len(kept)

    def free(self, now: float) -> None:
        """Forget what the server has told to be safe."""
        self.ledger.free(safe_seq=self.safe_seq, now=now)
        self.album.free(safe_seq=self.safe_seq, seen=self.store.first.kinds.get("photo", {}), now=now)

    def dump(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `Shelf.load` takes them."""
        return {
            "user": self.user,
            "queue": self.queue.dump(),
            "ledger": self.ledger.dump(),
            "store": self.store.dump(),
            "album": self.album.dump(),
            "safe_seq": self.safe_seq,
            "stored_seq": self.stored_seq,
        }

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> "Shelf":
        """A shelf as `dump` gave it: a phone that was switched off and on."""
        return cls(
            user=dumped["user"],
            queue=Queue.load(dumped["queue"]),
            ledger=Ledger.load(dumped["ledger"]),
            store=Store.load(dumped["store"]),
            album=Album.load(dumped["album"]),
            safe_seq=dumped["safe_seq"],
            stored_seq=dumped["stored_seq"],
        )
