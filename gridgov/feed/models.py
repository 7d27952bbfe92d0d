"""The feed's tables: one head, one row a commit, one row a record (by seq), and extra audiences.

Written only by `gridgov.feed.commit`; read by `sync.changes` and `sync.live`.
"""

import uuid

from django.db import models


class Head(models.Model):
    """The one row under whose lock positions are given (id = 1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(default=uuid.uuid4)
    seq = models.BigIntegerField(default=0)
    chain = models.CharField(max_length=64, default="")
    # Raised whenever places, units, categories or memberships change: what processes keep in memory is keyed by it.
    ground = models.BigIntegerField(default=1)
    safe_seq = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="feed_head_is_one")]


class Commit(models.Model):
    """One row for each commit that moved the head: the chain over all, and the cursor's check value."""

    seq = models.BigIntegerField(primary_key=True)
    nonce = models.CharField(max_length=32)
    # The hashes of its events one after the other, in the order in which they stand in the chain: with them every link can
    # be reckoned anew, and a case that is wholly lost is missed. (The feed keeps no history: an event's row moves on.)
    events = models.TextField(db_default="", default="")
    chain = models.CharField(max_length=64)
    at = models.DateTimeField()


class FeedRow(models.Model):
    """A record as it goes out, at the seq of its last change, with its audience.

    `key` is the record's (type letter + id); a `left` row has a key of its own and names the live row in `live`.
    The level columns hold short ids (`Place.sid`).
    """

    key = models.CharField(max_length=64, primary_key=True)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=12)
    rid = models.CharField(max_length=36)
    incident = models.UUIDField(null=True)
    district = models.IntegerField(null=True)
    street = models.IntegerField(null=True)
    community = models.IntegerField(null=True)
    cell = models.IntegerField(null=True)
    internal = models.BooleanField(default=False)
    person = models.UUIDField(null=True)
    gone = models.BooleanField(default=False)
    why = models.CharField(max_length=8, null=True)
    live = models.CharField(max_length=64, null=True)
    wire = models.TextField(default="")
    # Only where a category is restricted: the whole text, and who gets it.
    full = models.TextField(null=True)
    full_unit = models.UUIDField(null=True)
    full_user = models.UUIDField(null=True)

    class Meta:
        # Unique as `seq + 0`, so that no index leads with plain seq: a prepared plan would walk it for the ranges below, and a
        # poll would read whatever happened in the whole city (protocol §4, 7). Who does want the whole city says `seq + 0`.
        constraints = [models.UniqueConstraint(models.F("seq") + 0, name="feed_seq")]
        indexes = [
            models.Index(fields=["district", "seq"], name="feed_district"),
            models.Index(fields=["street", "seq"], name="feed_street"),
            models.Index(fields=["community", "seq"], name="feed_community"),
            models.Index(fields=["cell", "seq"], name="feed_cell"),
            models.Index(fields=["person", "seq"], name="feed_person"),
            models.Index(fields=["incident"], name="feed_incident"),
        ]


class FeedExtra(models.Model):
    """An audience besides the place's: `u:` unit, `p:` person, `a:` those below a place (its sid), `all`."""

    pk = models.CompositePrimaryKey("key", "audience")
    key = models.CharField(max_length=64)
    audience = models.CharField(max_length=40)
    seq = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["audience", "seq"], name="feed_extra_audience")]
