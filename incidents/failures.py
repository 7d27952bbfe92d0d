"""How often the server's own code failed on an op: counted outside the transaction that failed, so that it is kept."""

from django.db import transaction

from gridgov.feed.gate import writing
from gridgov.feed.sql import in_order, is_postgres, run
from gridgov.feed.tables import uuid_text
from grids.scope import Actor


def count_failures(op_ids: list[str], actor: Actor) -> dict[str, int]:
    """How often the server has failed on each of these ops, this time included."""
    user = "%(user)s::uuid" if is_postgres() else "replace(%(user)s, '-', '')"
    ids = "unnest(%(ids)s::uuid[]) AS x(id)" if is_postgres() else "(SELECT replace(value, '-', '') AS id FROM json_each(%(ids)s)) AS x"
    with writing(), transaction.atomic():
        found = run(
            f'INSERT INTO incidents_opfailure ("user", op_id, times) SELECT {user}, x.id, 1 FROM {ids} WHERE true '
            'ON CONFLICT ("user", op_id) DO UPDATE SET times = incidents_opfailure.times + 1 RETURNING op_id, times',
            {"user": actor.user, "ids": in_order(op_ids)},
        )
    return {uuid_text(op_id): times for op_id, times in found}
