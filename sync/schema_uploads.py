"""The calls of tus 1.0.0 in the OpenAPI document. Says what `sync.uploads` does; parses and answers nothing."""

from typing import Any

from sync.tus import ABILITIES, PATCH_BYTES, VERSION

_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
_TEXT: dict[str, Any] = {"type": "string"}
_VERSION = {"name": "Tus-Resumable", "in": "header", "required": True, "schema": {"const": VERSION}}
_SECURITY: list[dict[str, list[str]]] = [{"deviceToken": []}, {"session": []}]
_UPLOAD = {"name": "upload", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_STANDING: dict[str, Any] = {"Upload-Offset": _NUMBER, "Upload-Expires": _TEXT}
_CALLER = (
    (401, "not_authenticated"),
    (403, "account_closed, device_revoked, csrf_failed"),
    (412, "protocol_unknown: another Tus-Resumable"),
)
_OF_ONE = (*_CALLER, (404, "not_found, somebody else's too"), (410, "upload_gone"))


def _header(name: str, what: str, schema: dict[str, Any] | None = None, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": what, "schema": schema or _TEXT}


def _call(
    *, key: str, summary: str, ok: tuple[int, dict[str, Any]], refused: tuple[tuple[int, str], ...], problem: dict[str, Any], **more: Any
) -> dict[str, Any]:
    status, headers = ok
    told = {name: {"schema": schema} for name, schema in ({"Tus-Resumable": {"const": VERSION}} | headers).items()}
    answers: dict[str, Any] = {str(status): {"description": "", "headers": told}}
    for code, what in refused:
        answers[str(code)] = {"description": what, "content": {"application/problem+json": {"schema": problem}}}
    return {"operationId": key, "summary": summary, "tags": ["sync"], "responses": answers, **more}


def upload_paths(*, problem: dict[str, Any]) -> dict[str, Any]:
    """{address: its operations}. `problem`: the shape of a problem document."""
    abilities: dict[str, Any] = {
        "summary": "What the server can do (tus)", "ok": (204, {name: {"const": value} for name, value in ABILITIES.items()}), "refused": (),
        "problem": problem, "security": [{}],
    }  # fmt: skip
    return {
        "/api/v1/sync/photos/": {
            "post": _call(
                key="sync_photos_create", summary="Begin to upload a photo that was declared in an op", problem=problem, security=_SECURITY,
                parameters=[
                    _VERSION,
                    _header("Upload-Length", "bytes, as declared; there is no deferred length", _NUMBER),
                    _header("Upload-Metadata", "`sha256` and the hash (64 hex digits) in base64; other keys are not kept"),
                ],
                ok=(201, {"Location": {"type": "string", "format": "uri-reference"}, **_STANDING}),
                refused=(
                    (400, "malformed, size_mismatch"), *_CALLER, (409, "not_declared"), (413, "too_large"), (503, "unavailable"),
                ),
            ),
            "options": _call(key="sync_photos_abilities", **abilities),
        },
        "/api/v1/sync/photos/{upload}": {
            "head": _call(
                key="sync_photos_standing", summary="How far an upload has come", problem=problem, security=_SECURITY, parameters=[_UPLOAD, _VERSION],
                ok=(200, {"Upload-Length": _NUMBER, "Upload-Metadata": _TEXT, **_STANDING}), refused=_OF_ONE,
            ),
            "patch": _call(
                key="sync_photos_append", summary=f"Send a piece, at most {PATCH_BYTES:,} bytes", problem=problem, security=_SECURITY,
                parameters=[
                    _UPLOAD, _VERSION, _header("Upload-Offset", "where the piece begins", _NUMBER),
                    _header("Upload-Checksum", "`sha1` or `sha256` of the piece, in base64", required=False),
                ],
                requestBody={"required": True, "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
                ok=(204, _STANDING),
                refused=(
                    (400, "malformed, checksum_unknown"), *_OF_ONE, (409, "wrong_offset, with Upload-Offset"), (413, "too_large"),
                    (415, "unsupported_media_type"), (423, "upload_locked"), (460, "checksum_mismatch, altered_on_the_way"),
                    (503, "unavailable"),
                ),
            ),
            "delete": _call(
                key="sync_photos_discard", summary="Discard an upload", problem=problem, security=_SECURITY, parameters=[_UPLOAD, _VERSION],
                ok=(204, {}), refused=(*_OF_ONE, (423, "upload_locked")),
            ),
            "options": _call(key="sync_photos_abilities_of_one", parameters=[_UPLOAD], **abilities),
        },
    }  # fmt: skip
