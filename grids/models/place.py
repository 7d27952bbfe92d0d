"""Places: the MPTT tree from district to building, one tree per district. Only `grids.tree` moves nodes."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from mptt.models import MPTTModel, TreeForeignKey


class City(models.Model):
    """The city's profile: its name and how its codes are made. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(_("name"), max_length=100)
    # [{"level": "district", "digits": 6}, …]: digits are those of the whole code at that level.
    levels = models.JSONField(_("levels"), default=list)
    synthetic = models.BooleanField(_("schematic shapes"), default=False)

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("city")

    def __str__(self) -> str:
        return self.name


class Place(MPTTModel):
    """A node of the tree. `id` and `sid` never change; code and name are labels."""

    class Level(models.TextChoices):
        DISTRICT = "district", _("district or county")
        STREET = "street", _("street or town")
        COMMUNITY = "community", _("community or village")
        GRID = "grid", _("grid cell")
        BUILDING = "building", _("building")

    class Kind(models.TextChoices):
        BASIC = "basic", _("basic grid")
        EXCLUSIVE = "exclusive", _("exclusive grid")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sid = models.IntegerField(unique=True, editable=False)
    code = models.CharField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=100)
    level = models.CharField(_("level"), max_length=12, choices=Level.choices)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, null=True, blank=True)
    parent = TreeForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent"))
    # sids from the district down to this node, joined by "/", with one at the end: "3/41/977/".
    path = models.CharField(max_length=80, editable=False, db_index=True)
    # The sids of the node's ancestors and itself by level; null below its own level.
    district = models.IntegerField(null=True, editable=False)
    street = models.IntegerField(null=True, editable=False)
    community = models.IntegerField(null=True, editable=False)
    cell = models.IntegerField(null=True, editable=False)
    # WKB of a MultiPolygon, WGS-84, on the grid of 1e-7 degree.
    geometry = models.BinaryField(editable=False)
    west = models.FloatField(editable=False)
    south = models.FloatField(editable=False)
    east = models.FloatField(editable=False)
    north = models.FloatField(editable=False)
    lng = models.FloatField(editable=False)
    lat = models.FloatField(editable=False)
    area_m2 = models.FloatField(_("area (m²)"), editable=False)
    boundary_version = models.IntegerField(_("boundary version"), default=1, editable=False)
    synthetic = models.BooleanField(_("schematic shape"), default=False, editable=False)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(_("retired on"), null=True, blank=True)

    class MPTTMeta:
        # No order_insertion_by: it would renumber all later trees. Siblings are sorted by code when they are read.
        level_attr = "depth"

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        indexes = [models.Index(fields=["level", "code"], name="place_level_code"), models.Index(fields=["name"], name="place_name")]

    def __str__(self) -> str:
        return f"{self.name} {self.code}"
