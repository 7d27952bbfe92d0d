"""A record on its way into the feed: its key, its audience, its wire text. Values only."""

import msgspec

LETTERS = {
    "incident": "i",
    "event": "e",
    "photo": "p",
    "check": "k",
    "assignment": "a",
    "conflict": "c",
    "notice": "n",
    "place": "l",
    "unit": "u",
    "category": "g",
}


def key_of(kind: str, rid: str) -> str:
    """The feed's key of a record."""
    return LETTERS[kind] + rid.replace("-", "")


class Row(msgspec.Struct):
    """A row of the feed before its position is known. Level columns hold short ids of places.

    `internal`: for staff of the place only. `person`: one reader besides (the author). `extra`: further keys of readers
    (`u:<unit>`, `p:<user>`, `a:<sid>`, `all`). `live`: on a left row, the key of the record that went away.
    """

    key: str
    type: str
    rid: str
    incident: str | None
    wire: str
    district: int | None = None
    street: int | None = None
    community: int | None = None
    cell: int | None = None
    internal: bool = False
    person: str | None = None
    gone: bool = False
    why: str | None = None
    live: str | None = None
    full: str | None = None
    full_unit: str | None = None
    full_user: str | None = None
    extra: tuple[str, ...] = ()
