"""Row locks, in the one order: user → incidents by id → the rest → head."""

from collections.abc import Iterable

from gridgov.feed.sql import any_of, in_order, is_postgres
from incidents.rules import rows
from incidents.tables import INCIDENTS


def for_update(of: str = "") -> str:
    """Row locks, where the database has them."""
    return " FOR NO KEY UPDATE" + (f" OF {of}" if of else "") if is_postgres() else ""


def lock_incidents(ids: Iterable[str]) -> dict[str, rows.Incident]:
    """The incidents of these ids, locked in id order until the transaction ends."""
    wanted = in_order(ids)
    if not wanted:
        return {}
    found = INCIDENTS.select(f"{any_of('id', 'ids')} ORDER BY id{for_update()}", ids=wanted)
    return {row.id: row for row in found}
