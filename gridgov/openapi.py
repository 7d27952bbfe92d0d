"""What the OpenAPI schema must be told: how callers identify themselves. Imported by the URL map, which serves the schema."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class Credentials(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A device's token, or a browser's session with the CSRF header on unsafe calls."""

    target_class = "sync.auth.DeviceAuthentication"
    name = ["deviceToken", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Two schemes; either will do."""
        return [
            {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token …`, from `POST auth/token`"},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": settings.SESSION_COOKIE_NAME,
                "description": "from `/login/`; unsafe calls: `X-CSRFToken`",
            },
        ]
