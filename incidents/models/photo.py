"""Photos: what was declared, what has arrived, and the pictures made of it."""

from django.db import models


class Photo(models.Model):
    """A photo of a case, declared by its hash before its bytes come (protocol §5)."""

    id = models.UUIDField(primary_key=True, editable=False)
    incident = models.UUIDField(db_index=True)
    by = models.UUIDField()
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    stage = models.CharField(max_length=8)
    taken_at = models.DateTimeField(null=True)
    declared_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=24, null=True)
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    near_pin = models.BooleanField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], name="photo_to_render", condition=models.Q(state="received")),
            models.Index(fields=["declared_at"], name="photo_awaited", condition=models.Q(state="declared")),
        ]


class Delivery(models.Model):
    """A user has brought the bytes of this hash. What others brought does not count: a hash is no key."""

    pk = models.CompositePrimaryKey("user", "sha256")
    user = models.UUIDField()
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()


class Picture(models.Model):
    """The rendition and thumbnail of a source hash, content-addressed; the source itself is deleted."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    view_sha256 = models.CharField(max_length=64, null=True)
    thumb_sha256 = models.CharField(max_length=64, null=True)
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    # Why it was rejected; null where it is stored.
    reason = models.CharField(max_length=24, null=True)
    at = models.DateTimeField()

    class Meta:
        # Not db_index: on PostgreSQL that would make a second one of each, for LIKE.
        indexes = [
            models.Index(fields=["view_sha256"], name="picture_view"),
            models.Index(fields=["thumb_sha256"], name="picture_thumb"),
        ]
