"""The feed as a reader may see it (protocol §4): pages, resets, gone, digest. Reads only; three statements a page with the login's."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from django.conf import settings

from gridgov.errors import Refusal
from gridgov.feed.sql import is_postgres, run
from gridgov.feed.tables import uuid_or_none
from grids.scope import Actor, Audience, Range, Scope
from sync.cursor import Cursor, read_cursor, write_cursor

PAGE = 500
LARGEST_PAGE = 1000
PAGE_BYTES = 1024 * 1024
DIGEST_RECORDS = 50_000
# So long `gone` rows are kept: who has not asked for longer may have missed one.
HISTORY = dt.timedelta(days=400)
_EPOCH_DAY = dt.date(1970, 1, 1)

_COLUMNS = 'f.seq, f.type, f.rid, f.gone, f.why, f.live, f.wire, f."full", f.full_unit, f.full_user'
# The head as a row of a page, so that both are read in one statement and one snapshot: its type is empty, its wire text
# holds the chain, the chain of the commit that holds the cursor's seq ("-": none) and safe_seq.
_HEAD = (
    "SELECT h.seq, '', h.epoch{text}, NULL, NULL, NULL, h.chain || ' ' || coalesce((SELECT c.chain FROM feed_commit c "
    "WHERE c.seq >= %(since)s ORDER BY c.seq LIMIT 1), '-') || ' ' || h.safe_seq, NULL, NULL, NULL FROM feed_head h WHERE h.id = 1"
)


class Head(msgspec.Struct, frozen=True):
    """The head, and the check values of the history at the cursor (None: no commit holds that seq)."""

    epoch: str
    seq: int
    safe_seq: int
    chain: str
    at_cursor: str | None


@lru_cache(maxsize=1)
def _key() -> bytes:
    return hashlib.sha256(f"cursor:{settings.SECRET_KEY}".encode()).digest()


def _head_query() -> str:
    return _HEAD.replace("{text}", "::text" if is_postgres() else "")


def _head(row: Sequence[Any]) -> Head:
    chain, at_cursor, safe = row[6].split(" ")
    epoch = row[2].replace("-", "")
    return Head(epoch=epoch, seq=row[0], safe_seq=int(safe), chain=chain, at_cursor=None if at_cursor == "-" else at_cursor)


def read_head(seq: int) -> Head:
    """The head, and the chain of the commit that holds `seq`; one statement."""
    return _head(run(_head_query(), {"since": seq})[0])


# --- the ranges of a reader as SQL -------------------------------------------------------------------------------


def _range_params(scope: Scope) -> dict[str, Any]:
    """The parameters that `_branches` leaves open."""
    values = {f"r{index}": r.value for index, r in enumerate(scope.ranges) if r.column != "city"}
    return {"me": scope.user, "keys": list(scope.keys), **values}


def _branches(ranges: tuple[Range, ...], *, since: str, limit: str) -> list[str]:
    """One index range for each of the reader's places, one for the person, one for all further keys: (seq, key) each."""
    order = f"ORDER BY seq {limit}" if limit else ""
    me = "%(me)s::uuid" if is_postgres() else "replace(%(me)s, '-', '')"
    branches = []
    for index, r in enumerate(ranges):
        city = r.column == "city"
        where = "district IS NOT NULL" if city else f"{r.column} = %(r{index})s"
        if r.places_only:
            where += " AND type = 'place' AND NOT internal"
        elif not r.internal:
            where += f" AND (NOT internal OR (type = 'event' AND person = {me}))"
        branch = f"SELECT seq, key FROM feed_feedrow WHERE {where} AND {since} {order}"
        # Only the whole city is read by the index over all positions, which stands on `seq + 0` (FeedRow.Meta says why).
        branches.append(branch.replace("AND seq >", "AND seq + 0 >").replace("ORDER BY seq", "ORDER BY seq + 0") if city else branch)
    # Who wrote an internal line reads it by its place, so that it goes when the case does.
    branches.append(f"SELECT seq, key FROM feed_feedrow WHERE person = {me} AND NOT (internal AND type = 'event') AND {since} {order}")
    keys = "ANY(%(keys)s::text[])" if is_postgres() else None
    extra = f"audience = {keys}" if keys else "audience IN (SELECT value FROM json_each(%(keys)s))"
    branches.append(f"SELECT seq, key FROM feed_feedextra WHERE {extra} AND {since} {order}")
    return branches


def _union(branches: list[str]) -> str:
    if is_postgres():
        return " UNION ".join(f"({branch})" for branch in branches)
    # SQLite takes no ORDER BY inside a compound select, but a select from one.
    return " UNION ".join(f"SELECT * FROM ({branch})" for branch in branches)


@lru_cache(maxsize=4096)
def _page_query(ranges: tuple[Range, ...], postgres: bool) -> str:
    """The statement of a page for readers with these ranges; kept, since a phone asks it all day."""
    branches = _branches(ranges, since="seq > %(since)s", limit="LIMIT %(limit)s")
    page = (
        f"SELECT {_COLUMNS} FROM (SELECT DISTINCT seq, key FROM ({_union(branches)}) u ORDER BY seq LIMIT %(limit)s) p "
        "JOIN feed_feedrow f ON f.key = p.key AND f.seq = p.seq"
    )
    return f"{_head_query()} UNION ALL {page}"


def read_page(scope: Scope, *, since: int, limit: int) -> tuple[Head, list[tuple[Any, ...]]]:
    """The head, and up to `limit` rows behind `since` that this reader may see, in order; one statement, one snapshot."""
    params = _range_params(scope) | {"since": since, "limit": limit}
    found = run(_page_query(scope.ranges, is_postgres()), params)
    found.sort(key=lambda row: (row[1] != "", row[0]))
    return _head(found[0]), found[1:]


# --- a page ------------------------------------------------------------------------------------------------------


def changes(*, actor: Actor, since: str | None, limit: int, now: dt.datetime) -> bytes:
    """A page as JSON, but for the closing `"server_time": …}` that the edge adds (it knows the clock).

    `since` absent or empty: the first load. What cannot be followed is answered with `reset` and page 1 of a fresh load.
    """
    scope = actor.scope
    cursor = read_cursor(since, key=_key()) if since else None
    size = max(1, min(limit, LARGEST_PAGE))
    head, rows = read_page(scope, since=cursor.seq if cursor else 0, limit=size + 1)
    reset = _reset(since, cursor, head, scope, now)
    if reset and cursor:
        head, rows = read_page(scope, since=0, limit=size + 1)
    start, began = (cursor.seq, cursor.began) if cursor and not reset else (0, head.seq)
    more = len(rows) > size
    parts: list[bytes] = []
    end, bytes_out = start, 0
    hidden = _seen_elsewhere(scope, rows[:size])
    for row in rows[:size]:
        seq = row[0]
        # What was gone before the reader's first load began, the reader never had.
        unheard = seq in hidden or (row[3] and seq <= began)
        text = b"" if unheard else _change(row, scope).encode()
        if bytes_out and bytes_out + len(text) > PAGE_BYTES:
            more = True
            break
        end = seq
        if text:
            parts.append(text)
            bytes_out += len(text)
    if not more:
        end = head.seq
    check = head.chain if end == head.seq else _check_at(end)
    told = Cursor(epoch=head.epoch[:16], seq=end, began=began, day=_day(now), check=check[:12], scope=scope.fingerprint)
    tail = {
        "cursor": write_cursor(told, key=_key()),
        "more": more,
        "reset": reset,
        "stored_seq": head.seq,
        "safe_seq": head.safe_seq,
    }
    if reset:
        tail["scope"] = scope_record(scope)
    return b'{"changes":[' + b",".join(parts) + b"]," + msgspec.json.encode(tail)[1:-1]


def _day(now: dt.datetime) -> int:
    return (now.astimezone(dt.UTC).date() - _EPOCH_DAY).days


def _reset(since: str | None, cursor: Cursor | None, head: Head, scope: Scope, now: dt.datetime) -> str | None:
    """Why the reader must begin anew, or None."""
    if not since:
        return None
    if cursor is None:
        return "protocol"
    if cursor.epoch != head.epoch[:16] or cursor.seq > head.seq:
        return "epoch"
    if cursor.seq and (head.at_cursor is None or head.at_cursor[:12] != cursor.check):
        return "epoch"
    if _day(now) - cursor.day > HISTORY.days:
        return "history"
    return "scope" if cursor.scope != scope.fingerprint else None


def scope_record(scope: Scope) -> list[dict[str, Any]]:
    """What a reset names: the places of the reader's memberships, and those that their units manage; each once."""
    places = [place for g in scope.grants for place in ((g.place, g.code, g.level), *g.manages)]
    return [{"id": key, "code": code, "level": level} for key, code, level in dict.fromkeys(places)]


def _check_at(seq: int) -> str:
    if not seq:
        return ""
    found = run("SELECT chain FROM feed_commit WHERE seq >= %(seq)s ORDER BY seq LIMIT 1", {"seq": seq})
    return str(found[0][0]) if found else ""


def _change(row: Sequence[Any], scope: Scope) -> str:
    seq, kind, rid, gone, why, _, wire, full, full_unit, full_user = row
    if gone:
        return f'{{"seq":{seq},"type":"{kind}","id":"{rid}","gone":true,"why":"{why}"}}'
    if full is not None and (uuid_or_none(full_user) == scope.user or uuid_or_none(full_unit) in scope.full_units):
        wire = full
    return f'{{"seq":{seq},"type":"{kind}","id":"{rid}","record":{wire}}}'


def _seen_elsewhere(scope: Scope, rows: Sequence[Sequence[Any]]) -> set[int]:
    """Left rows whose live row lies in the reader's scope too: nothing has left for this reader."""
    left = {row[5]: row[0] for row in rows if row[5] is not None}
    if not left:
        return set()
    keys = "key = ANY(%(keys)s::text[])" if is_postgres() else "key IN (SELECT value FROM json_each(%(keys)s))"
    names = sorted(left)
    audiences: dict[str, list[str]] = {}
    for key, audience in run(f"SELECT key, audience FROM feed_feedextra WHERE {keys}", {"keys": names}):
        audiences.setdefault(key, []).append(audience)
    found = run(f"SELECT key, type, district, street, community, cell, internal, person FROM feed_feedrow WHERE {keys}", {"keys": names})
    seen: set[str] = set()
    for key, kind, district, street, community, cell, internal, person in found:
        audience = Audience(
            district=district, street=street, community=community, cell=cell, internal=bool(internal),
            person=uuid_or_none(person), extra=tuple(audiences.get(key, ())),
        )  # fmt: skip
        if scope.allows(audience, kind=kind):
            seen.add(key)
    return {row[0] for row in rows if row[5] in seen}


# --- digest ------------------------------------------------------------------------------------------------------


def digest(*, actor: Actor, at: str, now: dt.datetime) -> dict[str, Any]:
    """`{count, digest}` of exactly what `changes` would give this reader from the start (gone not counted).

    :raises Refusal: bad_query (not a cursor), moved_on (something in scope lies behind it), too_large (over 50,000).
    """
    cursor = read_cursor(at, key=_key())
    if cursor is None:
        raise Refusal("bad_query", errors=[{"pointer": "/at", "code": "bad_query", "detail": "not a cursor"}])
    head = read_head(cursor.seq)
    if _reset(at, cursor, head, actor.scope, now):
        raise Refusal("moved_on")
    branches = _branches(actor.scope.ranges, since="true" if is_postgres() else "1", limit="")
    query = (
        f"SELECT f.type, f.rid, f.seq, f.gone FROM (SELECT DISTINCT seq, key FROM ({_union(branches)}) u) p "
        "JOIN feed_feedrow f ON f.key = p.key AND f.seq = p.seq WHERE f.seq > %(cursor)s OR NOT f.gone LIMIT %(most)s"
    )
    rows = run(query, _range_params(actor.scope) | {"cursor": cursor.seq, "most": DIGEST_RECORDS + 2})
    if any(row[2] > cursor.seq for row in rows):
        raise Refusal("moved_on")
    if len(rows) > DIGEST_RECORDS:
        raise Refusal("too_large")
    lines = sorted(f"{kind} {rid} {seq}\n".encode() for kind, rid, seq, _ in rows)
    return {"count": len(lines), "digest": hashlib.sha256(b"".join(lines)).hexdigest()}
