"""The incident and its log. Rows are written by `incidents.door` alone, in bulk.

References on these hot tables are plain ids without database constraints (docs/decisions/0003): a push of 50 reports
would spend more on checking them than on writing the rows. `verify_tree` and the tests look for dangling ones.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Incident(models.Model):
    """A case: the projection of its events. One row, whatever the channel."""

    id = models.UUIDField(primary_key=True, editable=False)
    number = models.CharField(_("number"), max_length=24, unique=True)
    version = models.IntegerField()
    step_version = models.IntegerField()
    # Of the log: how many events there are, and the hash of the last.
    n = models.IntegerField()
    last_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=12)
    channel = models.CharField(max_length=12)
    category = models.CharField(_("category"), max_length=12)
    description = models.CharField(_("description"), max_length=1000, null=True)
    urgent = models.BooleanField(_("urgent"))
    handling_class = models.CharField(max_length=12, null=True)
    lng = models.FloatField()
    lat = models.FloatField()
    accuracy_m = models.FloatField(null=True)
    source = models.CharField(max_length=8)
    # The position as it was sent, or null where the case was reported by its cell.
    sent = models.JSONField(null=True)
    address = models.CharField(max_length=200, null=True)
    answers = models.JSONField(null=True)
    component_code = models.CharField(max_length=32, null=True)
    occurred_at = models.DateTimeField(null=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField(_("received at"))
    registered_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    cell_id = models.UUIDField()
    cell_code = models.CharField(max_length=32)
    district = models.IntegerField(null=True)
    street = models.IntegerField(null=True)
    community = models.IntegerField(null=True)
    cell = models.IntegerField()
    registered_path = models.JSONField(null=True)
    boundary_version = models.IntegerField()
    owner_unit = models.UUIDField()
    lead_unit = models.UUIDField(null=True)
    by_user = models.UUIDField()
    by_unit = models.UUIDField(null=True)
    by_role = models.CharField(max_length=12, null=True)
    state = models.CharField(_("state"), max_length=12)
    outcome = models.CharField(max_length=24, null=True)
    due_step = models.CharField(max_length=12, null=True)
    due_at = models.DateTimeField(null=True)
    paused = models.BooleanField(default=False)
    returns = models.IntegerField(default=0)
    reworks = models.IntegerField(default=0)
    reopens = models.IntegerField(default=0)
    parent = models.UUIDField(null=True)
    merged_into = models.UUIDField(null=True)
    restricted = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        indexes = [
            models.Index(fields=["received_at", "id"], name="incident_recent"),
            models.Index(fields=["community", "received_at", "id"], name="incident_community"),
            models.Index(fields=["cell", "received_at"], name="incident_cell"),
            models.Index(fields=["by_user", "received_at"], name="incident_author"),
            models.Index(fields=["closed_at"], name="incident_closed", condition=models.Q(archived_at=None, closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.number


class Event(models.Model):
    """One line of a case's log: who, when, what kind of change, and the hash over the one before. Never changed.

    The words stand in EventContent, of which only the salted hash is chained: they alone can be erased.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    incident = models.UUIDField()
    n = models.IntegerField()
    type = models.CharField(max_length=24)
    by_user = models.UUIDField(null=True)
    by_unit = models.UUIDField(null=True)
    by_role = models.CharField(max_length=12, null=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    clock_ahead = models.BooleanField(default=False)
    op_id = models.CharField(max_length=36, null=True)
    # The incident's version after it, and the names of the fields that it changed.
    version = models.IntegerField()
    fields = models.JSONField(default=list)
    from_state = models.CharField(max_length=12, null=True)
    to_state = models.CharField(max_length=12, null=True)
    reason = models.CharField(max_length=24, null=True)
    visibility = models.CharField(max_length=8)
    via = models.UUIDField(null=True)
    content_hash = models.CharField(max_length=64, null=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("log entries")
        constraints = [models.UniqueConstraint(fields=["incident", "n"], name="event_n_of_incident")]

    def __str__(self) -> str:
        return f"{self.n} {self.type}"


class EventContent(models.Model):
    """The words and values of an event. `salt` dies with them, so that the hash tells nothing afterwards."""

    event = models.UUIDField(primary_key=True)
    salt = models.CharField(max_length=32)
    text = models.TextField(null=True)
    # {"field": [old, new]}
    changes = models.JSONField(null=True)


class Conflict(models.Model):
    """What was not taken, parked for a person: a field's value, an act, a whole op."""

    id = models.UUIDField(primary_key=True, editable=False)
    incident = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    field = models.CharField(max_length=24, null=True)
    base = models.JSONField(null=True)
    server = models.JSONField(null=True)
    client = models.JSONField(null=True)
    args = models.JSONField(null=True)
    by = models.UUIDField(db_index=True)
    op_id = models.CharField(max_length=36)
    at = models.DateTimeField()
    parked_at = models.DateTimeField()
    state = models.CharField(max_length=8)
    value = models.JSONField(null=True)
    resolved_by = models.UUIDField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("conflict")
        verbose_name_plural = _("conflicts")


class Notice(models.Model):
    """A word to one person."""

    id = models.UUIDField(primary_key=True, editable=False)
    incident = models.UUIDField(null=True, db_index=True)
    user = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=24)
    args = models.JSONField(null=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)


class Receipt(models.Model):
    """That an op was carried out, and what was answered. The row stays for ever."""

    pk = models.CompositePrimaryKey("user", "op_id")
    user = models.UUIDField()
    op_id = models.UUIDField()
    hash = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8)
    # The answer without seq, which is only known when the row is written. Null: retention took it.
    answer = models.TextField(null=True)
    seq = models.BigIntegerField(null=True)
    at = models.DateTimeField()


class OpFailure(models.Model):
    """How often the server's own code failed on an op; counted outside the transaction that failed."""

    pk = models.CompositePrimaryKey("user", "op_id")
    user = models.UUIDField()
    op_id = models.UUIDField()
    times = models.IntegerField(default=0)


class NumberBlock(models.Model):
    """The next case number of a district and day; processes take blocks, so there may be gaps."""

    pk = models.CompositePrimaryKey("district", "day")
    district = models.CharField(max_length=32)
    day = models.CharField(max_length=6)
    next = models.IntegerField()
