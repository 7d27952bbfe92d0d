"""Plain psycopg, as well as it can be written: what the product is compared with.

One statement and one durable transaction a push: incident, event, receipt and feed row, positions under the lock of the head
row. No HTTP, no permission, no parsing, no merge: the floor of what a push must cost.
"""

import hashlib
import json
import random
from dataclasses import dataclass
from typing import Any

import psycopg

from sync.phone.ids import uuid7

SCHEMA = """
CREATE SCHEMA raw;
CREATE TABLE raw.incident (id uuid PRIMARY KEY, version int, state text, category text, description text, urgent bool,
  lng float8, lat float8, district int, community int, author uuid, received_at timestamptz);
CREATE TABLE raw.event (incident uuid, n int, kind text, actor uuid, op_id uuid, at timestamptz, changes text, hash text,
  PRIMARY KEY (incident, n));
CREATE TABLE raw.receipt (actor uuid, op_id uuid, digest text, answer text, seq bigint, PRIMARY KEY (actor, op_id));
CREATE TABLE raw.feed (key uuid PRIMARY KEY, seq bigint UNIQUE, district int, community int, wire text);
CREATE INDEX ON raw.feed (community, seq);
CREATE INDEX ON raw.feed (district, seq);
CREATE TABLE raw.head (id int PRIMARY KEY, seq bigint);
INSERT INTO raw.head VALUES (1, 0);
"""

PUSH = """
WITH d AS (SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::float8[], %b::float8[], %b::int4[], %b::text[], %b::text[],
    %b::text[]) WITH ORDINALITY AS t(id, op, description, lng, lat, community, wire, digest, answer, n)),
i AS (INSERT INTO raw.incident SELECT id, 1, 'reported', '0102', description, false, lng, lat, community / 1000000, community, %b::uuid, now()
    FROM d RETURNING 1),
e AS (INSERT INTO raw.event SELECT id, 1, 'report', %b::uuid, op, now(), '{}', digest FROM d RETURNING 1),
h AS (UPDATE raw.head SET seq = seq + %b::int WHERE id = 1 AND (SELECT count(*) FROM i) + (SELECT count(*) FROM e) >= 0 RETURNING seq),
f AS (INSERT INTO raw.feed SELECT d.id, h.seq - %b::int + d.n, community / 1000000, community, wire FROM d, h RETURNING 1),
r AS (INSERT INTO raw.receipt SELECT %b::uuid, op, digest, answer, h.seq - %b::int + d.n FROM d, h RETURNING 1)
SELECT count(*) FROM r
"""

EDIT = """
WITH u AS (UPDATE raw.incident SET description = %b, version = version + 1 WHERE id = %b::uuid AND version = %b
    RETURNING id, version, district, community),
e AS (INSERT INTO raw.event SELECT id, version, 'edit', %b::uuid, %b::uuid, now(), %b, %b FROM u RETURNING 1),
h AS (UPDATE raw.head SET seq = seq + 1 WHERE id = 1 AND (SELECT count(*) FROM e) = 1 RETURNING seq),
f AS (INSERT INTO raw.feed SELECT u.id, h.seq, u.district, u.community, %b FROM u, h
    ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, wire = excluded.wire RETURNING 1),
r AS (INSERT INTO raw.receipt SELECT %b::uuid, %b::uuid, %b, %b, h.seq FROM h RETURNING 1)
SELECT count(*) FROM r
"""

PAGE = "SELECT seq, wire FROM raw.feed WHERE district = %b AND seq > %b ORDER BY seq LIMIT 1000"
POLL = """SELECT h.seq, p.seq, p.wire FROM raw.head h LEFT JOIN LATERAL
    (SELECT seq, wire FROM raw.feed WHERE community = %b AND seq > %b ORDER BY seq LIMIT 500) p ON true WHERE h.id = 1"""


@dataclass(frozen=True)
class Spot:
    """A point and the place that it lies in, as numbers: the number of a community, those outside the first district beyond a million."""

    lng: float
    lat: float
    community: int
    code: str


def wire_of(ident: str, version: int, description: str, spot: Spot, actor: str) -> str:
    """A record with the keys of an incident of the protocol, so that both sides move texts of the same size."""
    by = {"user": actor, "unit": actor, "role": "worker"}
    position = {"lng": spot.lng, "lat": spot.lat, "accuracy_m": 8, "source": "gps"}
    position["sent"] = dict(position, datum="wgs84")  # type: ignore[assignment]
    empty = (
        "handling_class address component_code occurred_at registered_at resolved_at closed_at lead_unit outcome due_step due_at paused "
        "parent merged_into"
    )
    record = {
        "id": ident, "number": "610104-260504-00017", "version": version, "step_version": 1, "kind": "problem", "channel": "patrol",
        "category": "0102", "description": description, "urgent": False, "position": position, "answers": {},
        "at": "2026-05-04T01:12:31.000000Z", "received_at": "2026-05-04T01:12:31.000000Z", "cell": {"id": actor, "code": spot.code},
        "registered_path": [], "boundary_version": 1, "owner_unit": actor, "by": by, "state": "reported", "returns": 0, "reworks": 0,
        "reopens": 0, "restricted": False, **dict.fromkeys(empty.split()),
    }  # fmt: skip
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


class Raw:
    """A connection with prepared statements and its own random ids."""

    def __init__(self, url: str, actor: str, seed: int) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.cursor = self.connection.cursor(binary=True)
        self.actor, self.rng = actor, random.Random(seed)
        self.clock = 1_777_856_400.0 + seed

    def new_id(self) -> str:
        self.clock += 0.001
        return uuid7(now=self.clock, rng=self.rng)

    def ask(self, query: str, params: Any) -> list[tuple[Any, ...]]:
        return self.cursor.execute(query, params, prepare=True).fetchall()

    def close(self) -> None:
        self.connection.close()

    def pushes(self, spots: list[Spot], count: int, size: int) -> list[tuple[Any, ...]]:
        """Parameters of `count` pushes of `size` reports."""
        return [self._push([self.rng.choice(spots) for _ in range(size)]) for _ in range(count)]

    def _push(self, spots: list[Spot]) -> tuple[Any, ...]:
        ids, ops = [self.new_id() for _ in spots], [self.new_id() for _ in spots]
        texts = [f"井盖缺失,行人绕行 {op[-6:]}" for op in ops]
        wires = [wire_of(ident, 1, text, spot, self.actor) for ident, text, spot in zip(ids, texts, spots, strict=True)]
        digests = [hashlib.sha256(op.encode()).hexdigest() for op in ops]
        answers = [json.dumps({"op_id": op, "outcome": "applied", "incident": one}) for op, one in zip(ops, ids, strict=True)]
        n = len(spots)
        return (
            ids, ops, texts, [one.lng for one in spots], [one.lat for one in spots], [one.community for one in spots], wires, digests,
            answers, self.actor, self.actor, n, n, self.actor, n,
        )  # fmt: skip


class RawPush:
    """Pushes of `size` reports."""

    def __init__(self, raw: Raw, spots: list[Spot], *, size: int, count: int) -> None:
        self.raw, self.work, self.size = raw, iter(raw.pushes(spots, count, size)), size
        self.close = raw.close

    def step(self) -> int:
        params = next(self.work, None)
        if params is None:
            return -1
        if self.raw.ask(PUSH, params)[0][0] != self.size:
            raise RuntimeError("a raw push did not store all its reports")
        return self.size


class RawEdit:
    """Guarded edits, one a push, over 40 incidents of its own."""

    def __init__(self, raw: Raw, spots: list[Spot], *, count: int) -> None:
        self.raw = raw
        mine = [raw.rng.choice(spots) for _ in range(40)]
        push = raw._push(mine)
        raw.ask(PUSH, push)
        work = []
        for n in range(count):
            ident, spot, version = push[0][n % 40], mine[n % 40], 1 + n // 40
            op, text = raw.new_id(), f"第{version}次修改"
            digest = hashlib.sha256(op.encode()).hexdigest()
            changes = json.dumps({"description": ["旧", text]})
            answer = json.dumps({"op_id": op, "outcome": "applied", "incident": ident})
            wire = wire_of(ident, version + 1, text, spot, raw.actor)
            work.append((text, ident, version, raw.actor, op, changes, digest, wire, raw.actor, op, digest, answer))
        self.work, self.close = iter(work), raw.close

    def step(self) -> int:
        params = next(self.work, None)
        if params is None:
            return -1
        if self.raw.ask(EDIT, params)[0][0] != 1:
            raise RuntimeError("a raw edit met another version")
        return 1


class RawPull:
    """Ten pages of 1,000 of one district."""

    def __init__(self, raw: Raw, *, district: int) -> None:
        self.raw, self.district, self.close = raw, district, raw.close

    def step(self) -> int:
        seq = count = 0
        for _ in range(10):
            page = self.raw.ask(PAGE, (self.district, seq))
            seq, count = page[-1][0], count + len(page)
        return count


class RawPoll:
    """A poll of one community, `behind` changes behind."""

    def __init__(self, raw: Raw, *, community: int, behind: int) -> None:
        self.raw, self.community, self.behind, self.close = raw, community, behind, raw.close
        rows = raw.ask("SELECT seq FROM raw.feed WHERE community = %b ORDER BY seq DESC LIMIT 6", (community,))
        self.seq = rows[behind][0]

    def step(self) -> int:
        found = self.raw.ask(POLL, (self.community, self.seq))
        if sum(row[1] is not None for row in found) != self.behind:
            raise RuntimeError("a raw poll gave another number of changes")
        return 1
