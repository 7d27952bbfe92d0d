"""Rows put into the feed by hand, and a reader on another day: for what would take long to bring about by reports."""

import datetime as dt
import json
import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from gridgov.feed.commit import Batch
from gridgov.feed.models import Commit, FeedExtra, FeedRow, Head
from gridgov.feed.rows import Row
from sync.changes import changes
from tests.sync.following import Reader
from tests.world import World


def strange(text: str = "", *, audience: str = "all", **more: Any) -> Row:
    """A record of a type that no client knows, for everybody."""
    rid = str(uuid.uuid4())
    wire = json.dumps({"id": rid, "text": text}, ensure_ascii=False)
    return Row(**{"key": f"?{rid}", "type": "strange", "rid": rid, "incident": None, "wire": wire, "extra": (audience,)} | more)


def commit(*rows: Row, now: dt.datetime | None = None) -> int:
    """One commit with these records; the new head."""
    batch = Batch()
    for row in rows:
        batch.publish(row)
    with transaction.atomic():
        head = batch.write(now=now or timezone.now())
    assert head is not None
    return head


class OnAnotherDay(Reader):
    """A reader who asks at a time of the test's choice."""

    def __init__(self, world: World, name: str, now: dt.datetime, *, limit: int = 1000) -> None:
        super().__init__(world.client(name), limit=limit)
        self.world, self.name, self.now = world, name, now

    def ask(self, **more: Any) -> dict[str, Any]:
        actor = self.world.actor(self.name, now=self.now)
        page = changes(actor=actor, since=self.cursor, limit=self.limit, now=self.now)
        return dict(json.loads(page + b',"server_time":""}'))


FEED = (FeedExtra, FeedRow, Commit, Head)


def copy_of_the_feed() -> list[list[dict[str, Any]]]:
    """What a backup of yesterday holds."""
    return [list(model.objects.values()) for model in FEED]


def restore(copy: list[list[dict[str, Any]]]) -> None:
    """The feed is what it was."""
    for model in FEED:
        model.objects.all().delete()
    for model, rows in zip(FEED, copy, strict=True):
        model.objects.bulk_create(model(**row) for row in rows)
