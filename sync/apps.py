"""The app's name and start-up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SyncConfig(AppConfig):
    """App entry."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "sync"
    verbose_name = _("Devices")
