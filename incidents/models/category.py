"""Categories: what can be reported, as editable data."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class HandlingClass(models.TextChoices):
    IMMEDIATE = "immediate", _("at once")
    LIMITED = "limited", _("within a limit")
    TRACKED = "tracked", _("tracked")


class Category(models.Model):
    """A class or sub-class of incidents. Cases are filed under leaves only."""

    class Kind(models.TextChoices):
        COMPONENT = "component", _("component")
        EVENT = "event", _("event")
        REQUEST = "request", _("request")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(_("code"), max_length=12, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent"))
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    handling_class = models.CharField(_("handling class"), max_length=12, choices=HandlingClass.choices, default=HandlingClass.LIMITED)
    restricted = models.BooleanField(_("restricted"), default=False, help_text=_("The text is seen by the owner unit and the author only."))
    retired = models.BooleanField(_("retired"), default=False)
    replaced_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("replaced by")
    )
    # Stages of which a photo is asked for: "before", "after".
    required_photos = models.JSONField(_("required photos"), default=list, blank=True)
    radius_m = models.PositiveIntegerField(_("duplicate radius (m)"), default=50)
    questions = models.JSONField(_("questions"), default=list, blank=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"
