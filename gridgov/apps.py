"""The roof's own app: registers the system checks. No models."""

from django.apps import AppConfig


class GridgovConfig(AppConfig):
    """App entry."""

    name = "gridgov"
    label = "gridgov"

    def ready(self) -> None:
        """Register the checks by importing them."""
        from gridgov import checks  # noqa: F401
