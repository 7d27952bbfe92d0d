"""What a reader may do with a case now, from THE table: for buttons, and for `allowed` of GET incidents/{id}/."""

import datetime as dt
from typing import Any

from gridgov.feed.sql import any_of
from grids.locate import locator
from grids.queries import city_day, unit_tree
from grids.scope import Actor
from incidents.categories_kept import categories
from incidents.rules import rows
from incidents.rules.decide.act import why_not
from incidents.rules.decide.facts import roles_of
from incidents.rules.workflow import ACTIONS
from incidents.tables import PHOTOS
from incidents.workset import Workset


def allowed(*, incident: rows.Incident, actor: Actor, now: dt.datetime) -> list[dict[str, Any]]:
    """[{action, ok, why}] for every action of the table; `why` is a code (role, state, archived, …), null where it is ok."""
    work = Workset(
        actor=actor, now=now, day=city_day(now), locator=locator(actor.ground), units=unit_tree(ground=actor.ground),
        categories=categories(ground=actor.ground), located={}, numbers={},
    )  # fmt: skip
    work.know_photos(PHOTOS.select(any_of("incident", "ids"), ids=[incident.id]))
    roles = roles_of(actor, incident, work)
    told = []
    for action in ACTIONS.values():
        if not action.sources:
            continue
        why = why_not(action, incident, work, roles)
        told.append({"action": action.code, "ok": why is None, "why": why})
    return told
