"""Tables as the hot path sees them: columns from the Django model, rows as frozen structs, one statement a table.

`Table.of(Model, Struct)` needs the struct's fields to be the model's columns, in any order; a test holds that.
"""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from django.db import models
from msgspec.structs import astuple

from gridgov.feed.sql import is_postgres, run

S = TypeVar("S", bound=msgspec.Struct)

_KINDS: dict[str, str] = {
    "UUIDField": "uuid",
    "CharField": "text",
    "TextField": "text",
    "IntegerField": "bigint",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "DateTimeField": "timestamptz",
    "JSONField": "jsonb",
    "FloatField": "double precision",
}
_UTC = dt.UTC


def dashed(text: str) -> str:
    """The 36-character form of a uuid kept as 32 hexadecimal digits."""
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid_text(value: Any) -> str:
    """A uuid column, as either database gives it, in 36 characters."""
    return str(value) if is_postgres() else dashed(value)


def uuid_or_none(value: Any) -> str | None:
    """`uuid_text`, or None for null."""
    return None if value is None else uuid_text(value)


def _texts(kind: str, values: Sequence[Any]) -> list[str | None]:
    """A column for an array of texts that PostgreSQL casts."""
    if kind in ("uuid", "text"):
        return list(values)
    if kind == "jsonb":
        return [None if value is None else msgspec.json.encode(value).decode() for value in values]
    if kind == "timestamptz":
        return [None if value is None else value.isoformat() for value in values]
    return [None if value is None else str(value) for value in values]


def _as_json(kind: str, value: Any) -> Any:
    """For a JSON row that SQLite unpacks, in the form in which Django stores the column there."""
    if value is None:
        return None
    if kind == "uuid":
        return value.replace("-", "")
    if kind == "timestamptz":
        return str(value.astimezone(_UTC).replace(tzinfo=None))
    if kind == "boolean":
        return int(value)
    if kind == "jsonb":
        return msgspec.json.encode(value).decode()
    return value


class Table(Generic[S]):
    """A model's table and the struct of its rows."""

    def __init__(self, model: type[models.Model], struct: type[S], *, key: str = "id") -> None:
        fields = [f for f in model._meta.concrete_fields if f.get_internal_type() != "CompositePrimaryKey"]
        self.name = model._meta.db_table
        self.struct = struct
        self.key = key
        self.kinds = {f.column: _KINDS[f.get_internal_type()] for f in fields if f.column in struct.__struct_fields__}
        if set(self.kinds) != set(struct.__struct_fields__):
            raise TypeError(f"{struct.__name__} and {self.name} differ: {set(self.kinds) ^ set(struct.__struct_fields__)}")
        self.columns = list(struct.__struct_fields__)
        self._order = [self.kinds[c] for c in self.columns]

    # --- reading -----------------------------------------------------------------------------------------------

    def selection(self, alias: str = "") -> str:
        """The columns, in the struct's order, in a form that `load` understands."""
        prefix = f"{alias}." if alias else ""
        if not is_postgres():
            return ", ".join(f'{prefix}"{c}"' for c in self.columns)
        cast = {"uuid": "::text", "jsonb": "::text"}
        return ", ".join(f'{prefix}"{c}"{cast.get(self.kinds[c], "")}' for c in self.columns)

    def load(self, row: Sequence[Any]) -> S:
        """A struct of a row read by `selection`."""
        values: list[Any] = list(row)
        lite = not is_postgres()
        for index, kind in enumerate(self._order):
            value = values[index]
            if value is None:
                continue
            if kind == "jsonb":
                values[index] = msgspec.json.decode(value)
            elif lite:
                if kind == "uuid":
                    values[index] = dashed(value)
                elif kind == "timestamptz":
                    # Django's converters give a naive datetime for a plain column, a text for an expression.
                    naive = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
                    values[index] = naive.replace(tzinfo=_UTC)
                elif kind == "boolean":
                    values[index] = bool(value)
        return self.struct(*values)

    def select(self, where: str, **params: Any) -> list[S]:
        """Rows that meet a condition (trusted SQL with named parameters)."""
        query = f'SELECT {self.selection()} FROM "{self.name}" WHERE {where}'
        return [self.load(row) for row in run(query, params)]

    # --- writing -----------------------------------------------------------------------------------------------

    def source(self, name: str, alias: str) -> str:
        """SQL: a FROM item that yields the rows given to `params` under that name."""
        return self._source(name, alias, {})

    def _source(self, name: str, alias: str, extra: dict[str, str]) -> str:
        kinds = {c: self.kinds[c] for c in self.columns} | extra
        if is_postgres():
            arrays = ", ".join(f"%({name}_{c})s::{kind}[]" for c, kind in kinds.items())
            names = ", ".join(f'"{c}"' for c in kinds)
            return f"unnest({arrays}) AS {alias}({names})"
        cells = ", ".join(f"json_extract(value, '$[{i}]') AS \"{c}\"" for i, c in enumerate(kinds))
        return f"(SELECT {cells} FROM json_each(%({name})s)) AS {alias}"

    def params(self, name: str, rows: Sequence[S], extra: dict[str, tuple[str, list[Any]]] | None = None) -> dict[str, Any]:
        """The parameters that `source(name, …)` needs. `extra`: name → (kind, values)."""
        more = extra or {}
        if is_postgres():
            columns = zip(*map(astuple, rows), strict=True) if rows else [()] * len(self.columns)
            sent: dict[str, Any] = {
                f"{name}_{column}": _texts(kind, values) for column, kind, values in zip(self.columns, self._order, columns, strict=True)
            }
            for column, (kind, values) in more.items():
                sent[f"{name}_{column}"] = _texts(kind, values)
            return sent
        table = []
        for index, row in enumerate(rows):
            line = [_as_json(kind, value) for kind, value in zip(self._order, astuple(row), strict=True)]
            line += [_as_json(kind, values[index]) for kind, values in more.values()]
            table.append(line)
        return {name: table}

    @cache  # noqa: B019  # tables live as long as the process
    def insert(self, name: str, *, update: bool = False, ignore: bool = False) -> str:
        """SQL: insert the rows under that parameter name; `update`: where the key is there, replace the row."""
        columns = ", ".join(f'"{c}"' for c in self.columns)
        picked = ", ".join(f'x."{c}"' for c in self.columns)
        query = f'INSERT INTO "{self.name}" ({columns}) SELECT {picked} FROM {self.source(name, "x")} WHERE true'
        if ignore:
            query += " ON CONFLICT DO NOTHING"
        if update:
            query += f' ON CONFLICT ("{self.key}") DO UPDATE SET ' + ", ".join(
                f'"{c}" = excluded."{c}"' for c in self.columns if c != self.key
            )
        return query

    @cache  # noqa: B019
    def replace(self, name: str) -> str:
        """SQL: write all columns of rows that are there (and locked)."""
        sets = ", ".join(f'"{c}" = x."{c}"' for c in self.columns if c != self.key)
        return f'UPDATE "{self.name}" SET {sets} FROM {self.source(name, "x")} WHERE "{self.name}"."{self.key}" = x."{self.key}"'

    @cache  # noqa: B019
    def insert_placed(self, name: str, column: str, base: str, tail: str) -> str:
        """SQL: insert rows whose `column` is `base` (an SQL expression, from `h` on PostgreSQL) + their position `pos`."""
        columns = [c for c in self.columns if c != column]
        names = ", ".join(f'"{c}"' for c in columns)
        picked = ", ".join(f'x."{c}"' for c in columns)
        source = self._source(name, "x", {"pos": "bigint"})
        head = ", h" if is_postgres() else ""
        where = "WHERE true " if not is_postgres() else ""
        return f'INSERT INTO "{self.name}" ({names}, "{column}") SELECT {picked}, {base} + x.pos FROM {source}{head} {where}{tail}'
