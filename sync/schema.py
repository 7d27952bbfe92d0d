"""The sync calls in the OpenAPI document: DRF views by decorators, the plain hot views by a post-processing hook."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers as s

from sync.schema_uploads import upload_paths

_PROBLEM = {"type": "object", "required": ["type", "title", "status", "detail", "code"], "properties": {
    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}, "code": {"type": "string"},
}}  # fmt: skip

_USER = inline_serializer("User", {"id": s.UUIDField(), "username": s.CharField(), "name": s.CharField(), "language": s.CharField()})
_SCOPE = inline_serializer(
    "MembershipScope",
    {"id": s.UUIDField(allow_null=True), "code": s.CharField(allow_null=True), "name": s.CharField(), "level": s.CharField()},
)
_MEMBERSHIP = inline_serializer(
    "Membership",
    {"role": s.CharField(), "unit": s.UUIDField(), "scope": _SCOPE, "from": s.DateField(), "to": s.DateField(allow_null=True)},
    many=True,
)
_DEVICE = inline_serializer(
    "Device",
    {
        "id": s.UUIDField(), "name": s.CharField(), "queued": s.IntegerField(), "photos_waiting": s.IntegerField(),
        "told_at": s.DateTimeField(allow_null=True),
    },
)  # fmt: skip

ME = extend_schema(
    operation_id="me",
    summary="Who calls, and what they may see",
    responses={
        200: inline_serializer(
            "Me", {"user": _USER, "memberships": _MEMBERSHIP, "device": _DEVICE, "protocol": s.ListField(child=s.IntegerField())}
        )
    },
)
LIMITS = extend_schema(
    operation_id="sync_limits",
    summary="The largest things that the server takes",
    responses={
        200: inline_serializer(
            "Limits",
            {
                name: s.IntegerField()
                for name in (
                    "ops", "push_bytes", "op_bytes", "page", "page_bytes", "photo_bytes", "photo_pixels", "photos_per_op",
                    "description", "comment", "json_depth",
                )
            },
        )
    },
)  # fmt: skip
TOKEN = extend_schema(
    operation_id="auth_token",
    summary="A token for a program or phone",
    auth=[],
    request=inline_serializer("TokenRequest", {"username": s.CharField(), "password": s.CharField(), "device_name": s.CharField()}),
    responses={
        200: inline_serializer(
            "TokenAnswer", {"token": s.CharField(), "expires_at": s.DateTimeField(), "user": _USER, "memberships": _MEMBERSHIP}
        ),
        401: OpenApiResponse(description="bad_credentials"),
        429: OpenApiResponse(description="slow_down, with Retry-After"),
    },
)
LOGOUT = extend_schema(operation_id="auth_logout", summary="End this device's token or session", request=None, responses={204: None})


def _answers(ok: dict[str, Any], *codes: tuple[int, str]) -> dict[str, Any]:
    found = {"200": {"description": "", "content": {"application/json": {"schema": ok}}}}
    for status, what in codes:
        found[str(status)] = {"description": what, "content": {"application/problem+json": {"schema": _PROBLEM}}}
    return found


_ANSWER = {
    "type": "object",
    "required": [
        "op_id", "outcome", "repeated", "code", "message", "details", "warnings", "incident", "version", "seq", "number", "cell",
        "missing_photos", "conflicts",
    ],
    "properties": {
        "op_id": {"type": ["string", "null"]},
        "outcome": {"enum": ["applied", "merged", "conflict", "refused", "retry"]},
        "repeated": {"type": "boolean"},
        "code": {"type": ["string", "null"]},
        "message": {"type": ["string", "null"]},
        "details": {"type": ["object", "null"]},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "incident": {"type": ["string", "null"]},
        "version": {"type": ["integer", "null"]},
        "seq": {"type": ["integer", "null"]},
        "number": {"type": ["string", "null"]},
        "cell": {"type": ["object", "null"]},
        "missing_photos": {"type": "array", "items": {"type": "string"}},
        "conflicts": {"type": "array", "items": {"type": "object"}},
        "detail_expired": {"type": "boolean"},
    },
}  # fmt: skip
_PUSH = {
    "type": "object",
    "required": ["ops"],
    "properties": {
        "queued": {"type": "integer", "minimum": 0},
        "photos_waiting": {"type": "integer", "minimum": 0},
        "ops": {"type": "array", "maxItems": 200, "items": {"type": "object"}},
    },
}
_PUSHED = {
    "type": "object",
    "required": ["answers", "stored_seq", "safe_seq", "server_time"],
    "properties": {
        "answers": {"type": "array", "items": _ANSWER}, "stored_seq": {"type": "integer"}, "safe_seq": {"type": "integer"},
        "server_time": {"type": "string", "format": "date-time"},
    },
}  # fmt: skip
_PAGE = {
    "type": "object",
    "required": ["changes", "cursor", "more", "reset", "stored_seq", "safe_seq", "server_time"],
    "properties": {
        "changes": {"type": "array", "items": {"type": "object", "required": ["seq", "type", "id"]}},
        "cursor": {"type": "string"}, "more": {"type": "boolean"}, "reset": {"enum": [None, "scope", "epoch", "history", "protocol"]},
        "stored_seq": {"type": "integer"}, "safe_seq": {"type": "integer"}, "server_time": {"type": "string", "format": "date-time"},
        "scope": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip
_LOGIN = (401, "not_authenticated"), (403, "account_closed, device_revoked, csrf_failed")
_VERSION = {"name": "Gridgov-Protocol", "in": "header", "schema": {"type": "string", "default": "1"}}


def add_hot_views(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular post-processing hook: the calls that are not DRF views, uploads among them."""
    security: list[dict[str, list[str]]] = [{"deviceToken": []}, {"session": []}]
    result["paths"] |= upload_paths(problem=_PROBLEM) | {
        "/api/v1/sync/ops": {"post": {
            "operationId": "sync_ops", "summary": "Push: carry out ops, each once", "tags": ["sync"], "security": security, "parameters": [_VERSION],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _PUSH}}},
            "responses": _answers(
                _PUSHED, (400, "not_json"), *_LOGIN, (413, "too_large"), (415, "unsupported_media_type"), (426, "protocol_unknown"), (503, "unavailable")
            ),
        }},
        "/api/v1/sync/changes": {"get": {
            "operationId": "sync_changes", "summary": "Pull: a page of the feed", "tags": ["sync"], "security": security,
            "parameters": [
                _VERSION, {"name": "since", "in": "query", "schema": {"type": "string"}},
                {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 500}},
            ],
            "responses": _answers(_PAGE, (400, "bad_query"), *_LOGIN, (426, "protocol_unknown"), (503, "unavailable")),
        }},
        "/api/v1/sync/digest": {"get": {
            "operationId": "sync_digest", "summary": "What a follower's store must hash to", "tags": ["sync"], "security": security,
            "parameters": [{"name": "at", "in": "query", "required": True, "schema": {"type": "string"}}],
            "responses": _answers(
                {"type": "object", "required": ["count", "digest"], "properties": {"count": {"type": "integer"}, "digest": {"type": "string"}}},
                (400, "bad_query"), *_LOGIN, (409, "moved_on"), (413, "too_large"),
            ),
        }},
    }  # fmt: skip
    result["paths"] = dict(sorted(result["paths"].items()))
    result.setdefault("components", {}).setdefault("securitySchemes", {}).update(
        {
            "deviceToken": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token …, from auth/token"},
            "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        }
    )
    return result
