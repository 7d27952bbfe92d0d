"""The OpenAPI schema: how callers identify themselves, and its two views, which bear whatever is asked. Served by the URL map."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response


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


class _AsAskedOrYaml(DefaultContentNegotiation):
    """YAML or JSON as the Accept header wants it; who accepts neither gets the first, not a refusal."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """The renderer and its media type."""
        try:
            found: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type
        return found


class Schema(SpectacularAPIView):
    """The document, in the reader's language. There is one version: the library's `?version=` would go into a header as it is."""

    content_negotiation_class = _AsAskedOrYaml
    http_method_names = ["get", "head"]

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Without the library's `?lang=`, which takes any text for a language."""
        answer: Response = self._get_schema_response(request)  # type: ignore[no-untyped-call]
        return answer

    def _get_version_parameter(self, request: Request) -> None:
        return None


class Docs(SpectacularSwaggerSplitView):
    """The page that shows it."""

    http_method_names = ["get", "head"]
