"""The app's name and start-up."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GridsConfig(AppConfig):
    """App entry."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "grids"
    verbose_name = _("Places and people")
