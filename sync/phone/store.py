"""What the phone knows of the server: the feed's records, and the rules by which pages change them (protocol §4).

Pure: no clock, no line. The server's record replaces what is held; nothing is ever merged here.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

Record = dict[str, Any]
Key = tuple[str, str]
TAKEN_ALONG = frozenset({"event", "photo", "assignment", "check"})  # by the `gone` of their incident
ORPHANS_HIDDEN = TAKEN_ALONG - {"check"}  # a check given to the reader outlives the sight of its incident
KNOWN = TAKEN_ALONG | {"incident", "conflict", "notice", "place", "unit", "category"}
RESETS_AN_HOUR = 3


class NotAPage(ValueError):
    """The answer is no page of the feed: it changes nothing."""


@dataclass(slots=True)
class Row:
    """A record and its place in the feed. Of a type that this phone does not know only the place is kept."""

    seq: int
    record: Record | None


@dataclass(slots=True)
class Copy:
    """One copy of the reader's part of the server, and how far it has come."""

    cursor: str | None = None
    seq: int = 0
    rows: dict[Key, Row] = field(default_factory=dict)  # in the order of the feed: what changes goes to the end
    kinds: dict[str, dict[str, Row]] = field(default_factory=dict)  # the same by type
    children: dict[str, set[Key]] = field(default_factory=dict)

    def put(self, key: Key, row: Row) -> None:
        """Hold a record. A child may come before its incident; it waits here as an orphan."""
        self.drop(key)
        self.rows[key] = row
        self.kinds.setdefault(key[0], {})[key[1]] = row
        parent = (row.record or {}).get("incident")
        if isinstance(parent, str):
            self.children.setdefault(parent, set()).add(key)

    def drop(self, key: Key) -> None:
        """Forget one record, alone."""
        row = self.rows.pop(key, None)
        self.kinds.get(key[0], {}).pop(key[1], None)
        parent = (row.record or {}).get("incident") if row else None
        if isinstance(parent, str) and parent in self.children:
            self.children[parent].discard(key)
            if not self.children[parent]:
                del self.children[parent]

    def gone(self, key: Key, *, me: str) -> None:
        """Forget a record; an incident takes its events, photos and assignments along, and checks not given to `me`."""
        self.drop(key)
        if key[0] != "incident":
            return
        for child in list(self.children.get(key[1], ())):
            mine = child[0] == "check" and (self.rows[child].record or {}).get("worker") == me
            if child[0] in TAKEN_ALONG and not mine:
                self.drop(child)

    def keep_within(self, scope: Iterable[Mapping[str, Any]], *, me: str) -> None:
        """Before page 2 after a reset: cases outside the new scope leave with all that hangs on them.

        A case stays where its cell's code lies under a code of the scope, or where `me` reported it; in doubt it goes,
        for the fresh load brings back what is ours.
        """
        codes = tuple((one.get("code") or "") for one in scope)
        outside = [
            key
            for key, row in self.rows.items()
            if key[0] == "incident"
            and ((row.record or {}).get("by") or {}).get("user") != me
            and not any(str(((row.record or {}).get("cell") or {}).get("code", "")).startswith(code) for code in codes)
        ]
        for key in outside:
            for child in list(self.children.get(key[1], ())):
                self.drop(child)
            self.drop(key)

    def digest(self) -> tuple[int, str]:
        """`(count, digest)` as `GET sync/digest` reckons it (protocol §4, 8)."""
        lines = sorted(f"{kind} {ident} {row.seq}\n".encode() for (kind, ident), row in self.rows.items())
        return len(lines), hashlib.sha256(b"".join(lines)).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a page did: how many changes it held, whether more wait, and a reset that it told."""

    changes: int
    more: bool
    reset: str | None


class Store:
    """The copy that is shown, and a second one while a fresh load runs."""

    def __init__(self) -> None:
        self.first = Copy()
        self.second: Copy | None = None
        self.resets: list[float] = []  # when, in seconds since 1970
        self.oddities: list[str] = []  # where the server broke the rules of the feed

    @property
    def since(self) -> str | None:
        """The cursor to ask with; None for a first load."""
        return (self.second or self.first).cursor

    def get(self, kind: str, ident: str) -> Record | None:
        """The record as the server has it, None where the reader has none."""
        row = self.first.rows.get((kind, ident))
        return row.record if row else None

    def all(self, kind: str) -> list[Record]:
        """All records of a type, those of children only where their incident is held too, in the order of the feed."""
        return list(self._all(kind, self.first.kinds.get(kind, {}).values()))

    def newest(self, kind: str, count: int) -> list[Record]:
        """The `count` records of a type that changed last, the newest first."""
        return list(islice(self._all(kind, reversed(self.first.kinds.get(kind, {}).values())), count))

    def _all(self, kind: str, rows: Iterable[Row]) -> Iterator[Record]:
        for row in rows:
            if row.record and (kind not in ORPHANS_HIDDEN or self._has_parent(row.record)):
                yield row.record

    def too_many_resets(self, now: float) -> bool:
        """Three in an hour: back off and show it (protocol §4, 5)."""
        return len([at for at in self.resets if now - at < 3600]) >= RESETS_AN_HOUR

    def apply(self, *, page: Mapping[str, Any] | None, me: str, now: float) -> Applied:
        """Carry out a page.

        :raises NotAPage: it lacks what every page has; nothing was changed.
        """
        changes, cursor, more, reset = self._read(page)
        if reset is not None:
            self.resets = [at for at in self.resets if now - at < 3600] + [now]
            self.second = Copy()
            self.first.keep_within((page or {}).get("scope") or [], me=me)
        copy = self.second or self.first
        if more and not changes and cursor == copy.cursor:
            raise NotAPage("the page says that there is more, and leads nowhere")
        for change in changes:
            self._change(copy, change, me)
        copy.cursor = cursor
        if self.second is not None and not more:
            self.first, self.second = self.second, None
        return Applied(len(changes), more, reset)

    def _read(self, page: Mapping[str, Any] | None) -> tuple[list[Record], str, bool, str | None]:
        if not isinstance(page, Mapping):
            raise NotAPage("not JSON")
        changes, cursor, more, reset = (page.get(key) for key in ("changes", "cursor", "more", "reset"))
        if not isinstance(changes, list) or not isinstance(cursor, str) or not isinstance(more, bool):
            raise NotAPage("changes, cursor or more is missing")
        if any(not isinstance(one, dict) or not {"seq", "type", "id"} <= one.keys() for one in changes):
            raise NotAPage("a change without seq, type or id")
        return changes, cursor, more, reset if isinstance(reset, str) else None

    def _change(self, copy: Copy, change: Record, me: str) -> None:
        key, seq = (str(change["type"]), str(change["id"])), int(change["seq"])
        if seq <= copy.seq:
            self.oddities.append(f"{key} at {seq} came after {copy.seq}")
        copy.seq = max(copy.seq, seq)
        if change.get("gone"):
            copy.gone(key, me=me)
        else:
            copy.put(key, Row(seq, change.get("record") if key[0] in KNOWN else None))

    def _has_parent(self, record: Record) -> bool:
        return ("incident", str(record.get("incident"))) in self.first.rows

    def dump(self) -> dict[str, Any]:
        """Plain values that JSON can hold, the second copy too: it survives a restart. `Store.load` takes them."""
        return {
            "first": _dump(self.first),
            "second": _dump(self.second) if self.second else None,
            "resets": self.resets,
        }

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> "Store":
        """A store as `dump` gave it."""
        store = cls()
        store.first = _load(dumped["first"])
        store.second = _load(dumped["second"]) if dumped["second"] else None
        store.resets = list(dumped["resets"])
        return store


def _dump(copy: Copy) -> dict[str, Any]:
    rows = [[kind, ident, row.seq, row.record] for (kind, ident), row in copy.rows.items()]
    return {"cursor": copy.cursor, "seq": copy.seq, "rows": rows}


def _load(dumped: Mapping[str, Any]) -> Copy:
    copy = Copy(cursor=dumped["cursor"], seq=dumped["seq"])
    for kind, ident, seq, record in dumped["rows"]:
        copy.put((kind, ident), Row(seq, record))
    return copy
