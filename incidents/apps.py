"""The app's name and start-up."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    """App entry."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "incidents"
