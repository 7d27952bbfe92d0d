"""People and authority: users, units of four levels with owner chains, dated memberships."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridgov.feed.models import Head
from grids.models.place import Place


class UserManager(BaseUserManager["User"]):
    """Makes users; `createsuperuser --noinput` works with a user name and a password alone."""

    def create_user(self, username: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> "User":
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """An account. No e-mail, no telephone number, no post: what is not needed is not kept."""

    class Language(models.TextChoices):
        CHINESE = "zh-hans", "简体中文"
        ENGLISH = "en", "English"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("user name"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=60, blank=True)
    language = models.CharField(_("language"), max_length=12, choices=Language.choices, default=Language.CHINESE)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may use the admin"), default=False)
    date_joined = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.name or self.username


class OrgUnit(models.Model):
    """A unit: the centre of a place, a department, an enforcement team … Every case is owned by one."""

    class Kind(models.TextChoices):
        CENTRE = "centre", _("grid centre")
        DEPARTMENT = "department", _("department")
        ENFORCEMENT = "enforcement", _("enforcement team")
        ENTERPRISE = "enterprise", _("enterprise")
        TEAM = "team", _("team")

    class Level(models.TextChoices):
        CITY = "city", _("city")
        DISTRICT = "district", _("district or county")
        STREET = "street", _("street or town")
        COMMUNITY = "community", _("community or village")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    level = models.CharField(_("level"), max_length=12, choices=Level.choices)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent unit")
    )
    # The place that a centre is the centre of, or in which a department works; none = the city.
    place = models.ForeignKey(Place, on_delete=models.PROTECT, null=True, blank=True, related_name="units", verbose_name=_("place"))
    manages = models.ManyToManyField(Place, blank=True, related_name="managed_by", verbose_name=_("manages cells"))
    retired = models.BooleanField(_("retired"), default=False)

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            models.UniqueConstraint(fields=["place"], condition=models.Q(kind="centre", retired=False), name="one_centre_a_place"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A role of a user in a unit, for a place and what lies below it, from a day to a day (half-open)."""

    class Role(models.TextChoices):
        WORKER = "worker", _("grid worker")
        SECRETARY = "secretary", _("community secretary")
        OPERATOR = "operator", _("operator")
        HANDLER = "handler", _("handler")
        SUPERVISOR = "supervisor", _("supervisor")
        ADMIN = "admin", _("administrator")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user"))
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="memberships", verbose_name=_("unit"))
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    place = models.ForeignKey(
        Place, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships", verbose_name=_("place"),
        help_text=_("Empty: the whole city."),
    )  # fmt: skip
    since = models.DateField(_("from"))
    until = models.DateField(_("to"), null=True, blank=True, help_text=_("The first day on which it no longer holds."))

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("since")), name="membership_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.unit}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Who sees what has changed: what processes remember is out of date from this commit on."""
        super().save(*args, **kwargs)
        Head.objects.filter(pk=1).update(ground=F("ground") + 1)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As `save`: the right ends with the commit."""
        done = super().delete(*args, **kwargs)
        Head.objects.filter(pk=1).update(ground=F("ground") + 1)
        return done

    def clean(self) -> None:
        """A scope is a cell or what lies above it: cases lie in cells, a building alone would show nothing."""
        if self.place is not None and self.place.level == Place.Level.BUILDING:
            raise ValidationError({"place": _("Choose the cell in which the building stands.")})
        if self.until is not None and self.since is not None and self.until < self.since:
            raise ValidationError({"until": _("The end lies before the beginning.")})
