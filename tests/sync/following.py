"""A follower of the feed, written from the protocol's words, and the feed check: what it holds = what a fresh load gives."""

import hashlib
import json
from typing import Any

from django.test import Client

from tests.world import CAST, World

CHANGES = "/api/v1/sync/changes"
DIGEST = "/api/v1/sync/digest"
Key = tuple[str, str]
# What the `gone` of an incident takes along (protocol §4, 4).
TAKEN_ALONG = {"event", "photo", "assignment"}


class Reader:
    """One client: keeps (type, id) → (seq, record), asks page by page, and looks at what every page must be."""

    def __init__(self, client: Client, *, limit: int = 1000) -> None:
        self.client, self.limit = client, limit
        self.store: dict[Key, tuple[int, Any]] = {}
        self.loading: dict[Key, tuple[int, Any]] | None = None
        self.cursor = ""
        self.resets: list[str] = []
        self.heard: list[dict[str, Any]] = []

    def ask(self, **more: Any) -> dict[str, Any]:
        """A page as it comes."""
        answer = self.client.get(CHANGES, {"since": self.cursor, "limit": self.limit} | more)
        assert answer.status_code == 200, answer.content
        assert answer["Cache-Control"] == "no-store"
        return dict(json.loads(answer.content))

    def page(self) -> dict[str, Any]:
        """A page, taken over."""
        first = not self.cursor
        page = self.ask()
        changes = page["changes"]
        assert set(page) == {"changes", "cursor", "more", "reset", "stored_seq", "safe_seq", "server_time"} | (
            {"scope"} if page["reset"] else set()
        )
        assert len(changes) <= self.limit
        seqs = [change["seq"] for change in changes]
        assert seqs == sorted(set(seqs)), "ascending, each position once"
        assert all(seq <= page["stored_seq"] for seq in seqs)
        there = [(c["type"], c["id"]) for c in changes if not c.get("gone")]
        assert len(set(there)) == len(there), "a record stands in the feed once"
        # It may be gone from two places that this reader had.
        assert set(there).isdisjoint((c["type"], c["id"]) for c in changes if c.get("gone"))
        if page["reset"]:
            assert page["reset"] in ("scope", "epoch", "history", "protocol")
            self.resets.append(page["reset"])
        if page["reset"] or first:
            self.loading = {}
        into = self.store if self.loading is None else self.loading
        for change in changes:
            self._take(into, change)
        self.heard += changes
        self.cursor = page["cursor"]
        if not page["more"] and self.loading is not None:
            self.store, self.loading = self.loading, None
        return page

    @staticmethod
    def _take(into: dict[Key, tuple[int, Any]], change: dict[str, Any]) -> None:
        key = (change["type"], change["id"])
        if not change.get("gone"):
            assert set(change) == {"seq", "type", "id", "record"}
            assert change["record"]["id"] == change["id"]
            into[key] = (change["seq"], change["record"])
            return
        assert set(change) == {"seq", "type", "id", "gone", "why"}
        assert change["why"] in ("scope", "archived", "erased")
        into.pop(key, None)
        if change["type"] == "incident":
            for other in [k for k, (_, r) in into.items() if k[0] in TAKEN_ALONG and r["incident"] == change["id"]]:
                del into[other]

    def poll(self) -> list[dict[str, Any]]:
        """All pages until there is no more; the changes."""
        before, resets = len(self.heard), len(self.resets)
        while self.page()["more"]:
            assert len(self.resets) <= resets + 1, "a load that begins anew again and again"
        orphans = [k for k, (_, r) in self.store.items() if k[0] in ("event", "photo") and ("incident", r["incident"]) not in self.store]
        assert orphans == [], "whoever reads a line of a case or its photo reads the case"
        return self.heard[before:]

    def digest(self) -> dict[str, Any]:
        """What the server says that this store must hash to."""
        answer = self.client.get(DIGEST, {"at": self.cursor})
        assert answer.status_code == 200, answer.content
        return dict(json.loads(answer.content))

    def own_digest(self) -> dict[str, Any]:
        """The same, reckoned from what is held."""
        lines = sorted(f"{kind} {rid} {seq}\n".encode() for (kind, rid), (seq, _) in self.store.items())
        return {"count": len(lines), "digest": hashlib.sha256(b"".join(lines)).hexdigest()}

    def of(self, *kinds: str) -> set[str]:
        """Ids of what is held of these types."""
        return {rid for kind, rid in self.store if kind in kinds}

    def record(self, kind: str, rid: str) -> Any:
        """The record as held, or None."""
        return self.store.get((kind, rid), (0, None))[1]

    def told(self, kind: str, rid: str) -> list[dict[str, Any]]:
        """All that was ever heard of a record."""
        return [change for change in self.heard if (change["type"], change["id"]) == (kind, rid)]


def fresh(client: Client, *, limit: int = 1000) -> Reader:
    """Somebody who loads from the start now."""
    reader = Reader(client, limit=limit)
    reader.poll()
    assert not any(change.get("gone") for change in reader.heard), "who never had anything loses nothing"
    return reader


class Everybody:
    """All of the cast, following. `check()` is the feed check."""

    def __init__(self, world: World, *names: str) -> None:
        self.readers = {name: Reader(world.client(name)) for name in names or CAST}
        self.check()

    def __getitem__(self, name: str) -> Reader:
        return self.readers[name]

    def check(self) -> dict[str, list[dict[str, Any]]]:
        """Everybody polls: what they hold is what a fresh load gives, and what the digest says. What each was told."""
        told = {}
        for name, reader in self.readers.items():
            told[name] = reader.poll()
            assert reader.digest() == reader.own_digest(), name
            assert fresh(reader.client).store == reader.store, name
        return told
