"""What the server knows of clients: devices and unfinished uploads."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Device(models.Model):
    """A phone, browser or program of a user. A token or session belongs to exactly one.

    There is no position, no address and no time of last contact beyond what a token's end needs (a day, not an hour).
    """

    class Revoked(models.TextChoices):
        LOST = "lost", _("lost")
        CLOSED = "closed", _("account closed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100, blank=True)
    # SHA-256 of the token, of the cookie that outlives a wiped store; the session that is open now.
    token_hash = models.CharField(max_length=64, null=True, unique=True)
    cookie_hash = models.CharField(max_length=64, null=True, db_index=True)
    session_key = models.CharField(max_length=40, null=True, unique=True)
    created_at = models.DateTimeField()
    used_on = models.DateField()
    # What the device said it held, before its last push was answered, and when it said so.
    queued = models.IntegerField(default=0)
    photos_waiting = models.IntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_why = models.CharField(max_length=8, choices=Revoked.choices, null=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")

    def __str__(self) -> str:
        return self.name or str(self.id)


class Upload(models.Model):
    """A tus upload of one user: bytes lie in the spool under its id up to `offset`."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        GONE = "gone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.UUIDField(db_index=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "sha256"], name="upload_of_user")]


class Mismatch(models.Model):
    """How often a user's bytes did not hash to what was declared; the third time the network is to blame."""

    pk = models.CompositePrimaryKey("user", "sha256")
    user = models.UUIDField()
    sha256 = models.CharField(max_length=64)
    times = models.IntegerField(default=0)
