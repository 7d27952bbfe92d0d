"""Making ops and photos on a phone, with or without signal. Nothing here touches the line: all of it waits in the queue."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sync.phone import ops
from sync.phone.album import Photo
from sync.phone.ids import uuid7
from sync.phone.shelf import Shelf


class Making:
    """The half of a phone that works offline."""

    def __init__(self, *, clock: Callable[[], float], rng: random.Random) -> None:
        self.clock, self.rng = clock, rng
        self.shelves: dict[str, Shelf] = {}
        self.user: dict[str, Any] | None = None

    @property
    def shelf(self) -> Shelf:
        """What the logged-in user has here."""
        if self.user is None:
            raise LookupError("nobody is logged in")
        return self.shelves[self.user["id"]]

    def new_id(self) -> str:
        """A fresh id."""
        return uuid7(now=self.clock(), rng=self.rng)

    def report(
        self,
        *,
        category: str,
        position: Mapping[str, Any],
        description: str = "",
        pictures: Sequence[bytes] = (),
        **optional: Any,
    ) -> ops.Op:
        """Queue a report with its photos; `optional` as `ops.report` takes it."""
        op_id, incident = self.new_id(), self.new_id()
        declared = [self._take_picture(content, incident, op_id) for content in pictures]
        made = ops.report(
            op_id=op_id,
            at=self._at(),
            incident=incident,
            category=category,
            position=position,
            description=description,
            photos=declared,
            **optional,
        )
        return self._enqueue(made, incident)

    def edit(
        self,
        incident: str,
        fields: Mapping[str, Any],
        *,
        base: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> ops.Op:
        """Queue an edit of what the phone shows; `base` and `version` default to the record that it holds."""
        shown = self.shelf.view(incident) or {}
        seen = base if base is not None else {key: _wire(key, shown.get(key)) for key in fields}
        made = ops.edit(
            op_id=self.new_id(),
            at=self._at(),
            incident=incident,
            base_version=version if version is not None else shown.get("version") or 1,
            base=seen,
            fields=fields,
        )
        return self._enqueue(made, incident)

    def act(self, incident: str, action: str, args: Mapping[str, Any] | None = None, *, version: int | None = None) -> ops.Op:
        """Queue a step of the workflow."""
        base = version if version is not None else (self.shelf.view(incident) or {}).get("version") or 1
        made = ops.act(
            op_id=self.new_id(),
            at=self._at(),
            incident=incident,
            base_version=base,
            action=action,
            args=args or {},
        )
        return self._enqueue(made, incident)

    def comment(self, incident: str, text: str, **optional: Any) -> ops.Op:
        """Queue a comment."""
        made = ops.comment(op_id=self.new_id(), at=self._at(), incident=incident, comment=self.new_id(), text=text, **optional)
        return self._enqueue(made, incident)

    def add_photo(self, incident: str, content: bytes, *, stage: str = "before") -> ops.Op:
        """Queue a photo of an incident that exists or waits."""
        op_id = self.new_id()
        declared = self._take_picture(content, incident, op_id, stage)
        return self._enqueue(ops.photo_add(op_id=op_id, at=self._at(), incident=incident, declaration=declared), incident)

    def withdraw_photo(self, photo: str, incident: str) -> ops.Op:
        """Queue the taking back of a photo."""
        return self._enqueue(ops.photo_withdraw(op_id=self.new_id(), at=self._at(), photo=photo), incident)

    def resolve(self, conflict: Mapping[str, Any], take: str, **optional: Any) -> ops.Op:
        """Queue the end of a conflict, a record as the feed gives it."""
        incident = str(conflict["incident"])
        version = (self.shelf.store.get("incident", incident) or {}).get("version") or 1
        made = ops.resolve(
            op_id=self.new_id(),
            at=self._at(),
            conflict=str(conflict["id"]),
            take=take,
            base_version=version,
            **optional,
        )
        return self._enqueue(made, incident)

    def _enqueue(self, op: ops.Op, incident: str) -> ops.Op:
        self.shelf.queue.add(op=op, about=incident)
        return op

    def _take_picture(self, content: bytes, incident: str, op_id: str, stage: str = "before") -> dict[str, Any]:
        photo, digest = self.new_id(), hashlib.sha256(content).hexdigest()
        self.shelf.album.add(Photo(photo, digest, len(content), incident, op_id, content))
        return ops.declaration(photo=photo, sha256=digest, size=len(content), stage=stage, taken_at=self._at())

    def _at(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wire(key: str, value: Any) -> Any:
    """A record's value as `base` wants it: a position goes without `sent` (protocol §2)."""
    if key == "position" and isinstance(value, dict):
        return {name: one for name, one in value.items() if name != "sent"}
    return value
