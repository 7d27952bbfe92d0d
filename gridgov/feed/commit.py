"""One commit of the feed: rows of any tables first, then the head, then what needs positions. No Python after the head.

On PostgreSQL it is one statement, on SQLite one a table; the caller opens the transaction and has locked what it
replaces (user → incidents by id → the rest → head).
"""

import datetime as dt
import secrets
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec.structs import astuple

from gridgov.feed.models import FeedExtra, FeedRow
from gridgov.feed.rows import Row, key_of
from gridgov.feed.sql import any_of, is_postgres, run
from gridgov.feed.tables import Table

S = TypeVar("S", bound=msgspec.Struct)


class _Stored(msgspec.Struct):
    key: str
    type: str
    rid: str
    incident: str | None
    wire: str
    district: int | None
    street: int | None
    community: int | None
    cell: int | None
    internal: bool
    person: str | None
    gone: bool
    why: str | None
    live: str | None
    full: str | None
    full_unit: str | None
    full_user: str | None


class _Extra(msgspec.Struct):
    key: str
    audience: str


_ROWS: Table[_Stored] = Table(FeedRow, _Stored, key="key")
_EXTRAS: Table[_Extra] = Table(FeedExtra, _Extra, key="key")
_FIELDS = _Stored.__struct_fields__
_UPSERT = 'ON CONFLICT ("key") DO UPDATE SET ' + ", ".join(f'"{c}" = excluded."{c}"' for c in (*_FIELDS[1:], "seq"))


class GroundMoved(Exception):
    """Places, units or categories changed since the caller decided: decide again."""


class Batch:
    """What one transaction writes. Add rows in any order; `write` gives the positions."""

    def __init__(self) -> None:
        self._inserts: dict[str, tuple[Table[Any], list[Any], bool]] = {}
        self._replaces: dict[str, tuple[Table[Any], dict[str, Any]]] = {}
        self._rows: dict[str, Row] = {}
        self._drops: list[str] = []
        self._hashes: list[str] = []
        self._receipts: tuple[Table[Any], list[tuple[Any, frozenset[str]]]] | None = None
        self.base = 0
        self.positions: dict[str, int] = {}

    def insert(self, table: Table[S], rows: Iterable[S], *, ignore: bool = False) -> None:
        """New rows. `ignore`: those that are there already are left alone."""
        new = list(rows)
        if new:
            name = f"{table.name}{'_i' if ignore else ''}"
            self._inserts.setdefault(name, (table, [], ignore))[1].extend(new)

    def replace(self, table: Table[S], rows: Iterable[S]) -> None:
        """Rows that are there: the last value of a key counts."""
        for row in rows:
            self._replaces.setdefault(table.name, (table, {}))[1][getattr(row, table.key)] = row

    def publish(self, row: Row) -> None:
        """A record moves to the end of the feed; of several for one record the last counts, at one position."""
        self._rows.pop(row.key, None)
        self._rows[row.key] = row

    def drop(self, keys: Iterable[str]) -> None:
        """Feed rows that go without a word (children of what has gone; a left row that is no longer true)."""
        self._drops += [key for key in keys if key not in self._rows]

    def prove(self, event_hash: str) -> None:
        """An event of this commit, for the chain over all."""
        self._hashes.append(event_hash)

    def receipts(self, table: Table[S], rows: list[tuple[S, frozenset[str]]]) -> None:
        """Receipts and the keys of the records that each op changed; the column seq is filled from their positions."""
        self._receipts = (table, rows)

    def published(self, kind: str, rid: str) -> bool:
        return key_of(kind, rid) in self._rows

    def seq_of(self, keys: Iterable[str]) -> int | None:
        """After `write`: the highest position of these records, or None."""
        found = [self.positions[key] for key in keys if key in self.positions]
        return self.base + max(found) if found else None

    # --- writing -----------------------------------------------------------------------------------------------

    def write(self, *, now: dt.datetime, ground: int | None = None, bump: bool = False) -> int | None:
        """Write it all. The new head, or None where nothing moved it.

        `ground`: the ground version that the caller decided with; `bump`: raise it (places, units, categories changed).
        :raises GroundMoved: the ground version is another one now; the transaction must be rolled back.
        """
        self.positions = {key: index for index, key in enumerate(self._rows, 1)}
        steps: list[tuple[str, dict[str, Any]]] = []
        replaces = dict(self._replaces)
        for name, (table, rows, ignore) in self._inserts.items():
            if not is_postgres() and not ignore and name in replaces:
                # SQLite has one writer, who has looked which rows are there: one statement a table serves both.
                _, kept = replaces.pop(name)
                steps.append((table.insert(name, update=True), table.params(name, [*rows, *kept.values()])))
                continue
            steps.append((table.insert(name, ignore=ignore), table.params(name, rows)))
        for name, (table, kept) in replaces.items():
            steps.append((table.replace(f"{name}_r"), table.params(f"{name}_r", list(kept.values()))))
        if self._drops:
            steps.append((f"DELETE FROM {_ROWS.name} WHERE {any_of('key', 'drops', 'text')}", {"drops": self._drops}))
            steps.append((f"DELETE FROM {_EXTRAS.name} WHERE {any_of('key', 'drops', 'text')}", {"drops": self._drops}))
        count = len(self.positions)
        if not count:
            if bump:  # the head does not move: no commit, no link
                steps.append(("UPDATE feed_head SET ground = ground + 1 WHERE id = 1", {}))
            if self._receipts is not None and self._receipts[1]:
                table, pairs = self._receipts
                steps.append((table.insert("receipt"), table.params("receipt", [row for row, _ in pairs])))
            for query, params in steps:
                run(query, params)
            return None
        nonce = secrets.token_hex(16)
        events = "".join(self._hashes)
        head = {"n": count, "proof": nonce + events, "events": events, "ground": ground, "bump": int(bump), "nonce": nonce, "now": now}
        write = self._write_postgres if is_postgres() else self._write_sqlite
        seq = write(steps, head)
        self.base = seq - count
        return seq

    def _after(self) -> list[tuple[Table[Any], str, list[Any], list[int | None], str, str]]:
        """What needs positions: (table, parameter name, rows, positions, column of the position, tail of the statement)."""
        found: list[tuple[Table[Any], str, list[Any], list[int | None], str, str]] = []
        if self._rows:
            rows = [_Stored(*astuple(row)[:-1]) for row in self._rows.values()]  # `extra` is the last
            found.append((_ROWS, "feed", rows, [*self.positions.values()], "seq", _UPSERT))
            pairs = [(_Extra(row.key, audience), self.positions[row.key]) for row in self._rows.values() for audience in row.extra]
            if pairs:
                tail = 'ON CONFLICT ("key", "audience") DO UPDATE SET "seq" = excluded."seq"'
                found.append((_EXTRAS, "extra", [p[0] for p in pairs], [p[1] for p in pairs], "seq", tail))
        if self._receipts is not None and self._receipts[1]:
            table, receipts = self._receipts
            at = [max((self.positions[k] for k in keys if k in self.positions), default=None) for _, keys in receipts]
            found.append((table, "receipt", [row for row, _ in receipts], at, "seq", ""))
        return found

    def _write_postgres(self, steps: list[tuple[str, dict[str, Any]]], head: dict[str, Any]) -> int:
        parts, params = [], dict(head)
        for index, (query, sent) in enumerate(steps):
            parts.append(f"s{index} AS ({query} RETURNING 1)")
            params |= sent
        # A CTE that nobody reads runs last: counting the others makes the head the last lock.
        waits = "".join(f" AND (SELECT count(*) FROM s{index}) >= 0" for index in range(len(steps)))
        parts.append(
            "h AS (UPDATE feed_head SET seq = seq + %(n)s::bigint, ground = ground + %(bump)s::bigint, "
            "chain = encode(sha256(convert_to(chain || (seq + %(n)s::bigint)::text || %(proof)s::text, 'UTF8')), 'hex') "
            f"WHERE id = 1 AND (%(ground)s::bigint IS NULL OR ground = %(ground)s::bigint){waits} RETURNING seq, chain)"
        )
        parts.append(
            "c AS (INSERT INTO feed_commit (seq, nonce, events, chain, at) "
            "SELECT seq, %(nonce)s::text, %(events)s::text, chain, %(now)s::timestamptz FROM h)"
        )
        for index, (table, name, rows, at, column, tail) in enumerate(self._after()):
            parts.append(f"a{index} AS ({table.insert_placed(name, column, 'h.seq - %(n)s::bigint', tail)})")
            params |= table.params(name, rows, {"pos": ("bigint", at)})
        found = run(f"WITH {', '.join(parts)} SELECT seq FROM h", params)
        if not found:
            raise GroundMoved
        return int(found[0][0])

    def _write_sqlite(self, steps: list[tuple[str, dict[str, Any]]], head: dict[str, Any]) -> int:
        for query, params in steps:
            run(query, params)
        found = run(
            "UPDATE feed_head SET seq = seq + %(n)s, ground = ground + %(bump)s, chain = sha256(chain || (seq + %(n)s) || %(proof)s) "
            "WHERE id = 1 AND (%(ground)s IS NULL OR ground = %(ground)s) RETURNING seq, chain",
            head,
        )
        if not found:
            raise GroundMoved
        seq, chain = found[0]
        run(
            "INSERT INTO feed_commit (seq, nonce, events, chain, at) VALUES (%(seq)s, %(nonce)s, %(events)s, %(chain)s, %(now)s)",
            {
                "seq": seq,
                "nonce": head["nonce"],
                "events": head["events"],
                "chain": chain,
                "now": str(head["now"].astimezone(dt.UTC).replace(tzinfo=None)),
            },
        )
        base = seq - head["n"]
        for table, name, rows, at, column, tail in self._after():
            run(table.insert_placed(name, column, "%(base)s", tail), table.params(name, rows, {"pos": ("bigint", at)}) | {"base": base})
        return int(seq)
