"""Statements of the hot path: prepared, with binary arrays on PostgreSQL; plain on SQLite.

Django's own cursor binds on the client, which costs more than the statement (docs/decisions/0003). What is run here is
also written to `connection.queries_log`, so that tests which count statements see it.
"""

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import psycopg
from django.db import connection
from psycopg.adapt import Dumper
from psycopg.pq import ExecStatus, Format


class Texts(list[str | None]):
    """A column of texts on its way into an array parameter; the statement casts it to what the column is."""


class _TextsDumper(Dumper):
    """Always text[] in binary, whatever is in it, so that one prepared statement serves every push."""

    format = Format.BINARY
    oid = 1009  # text[]

    def dump(self, obj: Texts) -> bytes:
        if not obj:
            return _EMPTY
        head = _HEAD(1, 1, 25, len(obj), 1)
        if obj[0] is None and obj.count(None) == len(obj):
            return head + _NULL * len(obj)  # most columns of a new case
        try:
            # No function call for a cell: there are some thousands in a push of 50.
            cells = [_NULL if item is None else _LENGTHS[len(data := item.encode())] + data for item in obj]
        except IndexError:
            cells = [_NULL if item is None else len(data := item.encode()).to_bytes(4, "big") + data for item in obj]
        return head + b"".join(cells)


_HEAD = struct.Struct("!IIIII").pack
_EMPTY = struct.pack("!III", 0, 0, 25)
_NULL = b"\xff\xff\xff\xff"
_LENGTHS = [n.to_bytes(4, "big") for n in range(4096)]


psycopg.adapters.register_dumper(Texts, _TextsDumper)


_natives: dict[str, tuple[bytes, list[str]]] = {}
_NAMED = re.compile(r"%\((\w+)\)s")


def _native(query: str) -> tuple[bytes, list[str]]:
    """The statement with `$1`, `$2` …, and the names in that order. Kept: psycopg parses long statements anew each time."""
    found = _natives.get(query)
    if found is None:
        names: list[str] = []

        def number(match: re.Match[str]) -> str:
            if match[1] not in names:
                names.append(match[1])
            return f"${names.index(match[1]) + 1}"

        text = _NAMED.sub(number, query).replace("%%", "%")
        if len(_natives) > 2_000:
            _natives.clear()
        found = _natives[query] = (text.encode(), names)
    return found


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def run(query: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement and fetch all its rows. Parameters are named: `%(name)s`; lists become arrays.

    On PostgreSQL lists of texts are sent as text[] (cast them), on SQLite as a JSON text (read it with json_each).
    """
    if is_postgres():
        connection.ensure_connection()
        raw: psycopg.RawCursor[Any] = psycopg.RawCursor(connection.connection)
        native, names = _native(query)
        sent = [Texts(v) if type(v) is list else v for v in map(params.__getitem__, names)]
        if connection.queries_logged:
            connection.queries_log.append({"sql": query, "time": "0"})
        raw.execute(native, sent, prepare=True, binary=True)
        result = raw.pgresult
        # Not `raw.description`: it would make an object for each column.
        return raw.fetchall() if result is not None and result.status == ExecStatus.TUPLES_OK else []
    with connection.cursor() as cursor:
        named = {k: msgspec.json.encode(v).decode() if isinstance(v, list) else v for k, v in params.items()}
        # Without parameters Django would not unescape, and with an empty mapping sqlite3 would not bind.
        cursor.execute(query, named or None)
        return list(cursor.fetchall()) if cursor.description is not None else []


def any_of(column: str, name: str, kind: str = "uuid") -> str:
    """SQL: the column is one of the list parameter `name`. `kind`: uuid, text or bigint."""
    if is_postgres():
        # The sub-select is evaluated once; a bare cast of a parameter would be evaluated for each row of a scan.
        return f"{column} = ANY(CAST((SELECT %({name})s::{kind}[]) AS {kind}[]))"
    value = "replace(value, '-', '')" if kind == "uuid" else "value"
    return f"{column} IN (SELECT {value} FROM json_each(%({name})s))"


def same(column: str, name: str, kind: str = "uuid") -> str:
    """SQL: the column equals the parameter `name` (for a uuid: a text of 36 characters)."""
    if is_postgres():
        return f"{column} = %({name})s::{kind}"
    return f"{column} = " + (f"replace(%({name})s, '-', '')" if kind == "uuid" else f"%({name})s")


def in_order(items: Iterable[str]) -> list[str]:
    """Unique, sorted: so that two processes lock in the same order."""
    return sorted(set(items))
