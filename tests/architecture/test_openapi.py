"""docs/openapi.yaml is what the server tells, is valid OpenAPI, and names every address under /api/v1/ with its methods."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from tests.architecture.source import ROOT

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@pytest.fixture(scope="module")
def document() -> Any:
    """As `make openapi` makes it."""
    with translation.override("en"):
        return SchemaGenerator().get_schema(request=None, public=True)


def addresses(patterns: Any, before: str = "/") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        else:
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path), pattern


def ours() -> dict[str, URLPattern]:
    return {path: pattern for path, pattern in addresses(get_resolver().url_patterns) if path.startswith("/api/v1/")}


def test_the_committed_document_is_what_the_server_generates(document: Any) -> None:
    made = OpenApiYamlRenderer().render(document, renderer_context={}).decode()
    assert (ROOT / "docs" / "openapi.yaml").read_text("utf-8") == made, "run `make openapi`"


@pytest.mark.django_db
def test_the_server_tells_the_same_document() -> None:
    answer = Client(headers={"Accept-Language": "en", "Accept": "application/vnd.oai.openapi"}).get("/api/schema/")
    assert yaml.safe_load(answer.content) == yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text("utf-8"))


def test_the_document_is_valid_openapi(document: Any) -> None:
    validate_schema(document)
    keys = [operation["operationId"] for path in document["paths"].values() for method, operation in path.items() if method in METHODS]
    assert len(keys) == len(set(keys))


def test_every_address_under_the_api_is_in_the_document_and_no_other(document: Any) -> None:
    assert len(ours()) >= 19
    assert sorted(ours()) == sorted(document["paths"])


def test_every_parameter_of_an_address_is_described(document: Any) -> None:
    for path, told in document["paths"].items():
        for method in set(told) & set(METHODS):
            parameters = told[method].get("parameters", ())
            assert set(re.findall(r"{(\w+)}", path)) == {p["name"] for p in parameters if p["in"] == "path"}, (method, path)


def test_the_document_names_the_methods_that_an_address_takes_and_no_other(world: Any, document: Any) -> None:
    for path, told in document["paths"].items():
        address = path.replace("{code}", "x").replace("{size}", "view")
        address = re.sub(r"{\w+}", "0198a1b2-0000-7000-8000-000000000001", address)
        for method in ("get", "post", "put", "patch", "delete"):
            client = world.client("worker", **{"Tus-Resumable": "1.0.0"})  # another each time: one of the calls ends the token
            answer = getattr(client, method)(address)
            assert (answer.status_code != 405) == (method in told), (method, path, answer.status_code)
