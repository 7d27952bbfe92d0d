"""Exceptions → problem documents, as protocol §2 has them: status, code, media type, language, headers."""

import json

import psycopg
import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import translation
from rest_framework import exceptions as drf

from gridgov.errors import CATALOGUE, Refusal, malformed
from gridgov.http import AlwaysJson, locked_out, problem, problem_from_exception, server_error

CASES = [
    (Http404(), 404, "not_found"),
    (drf.NotFound(), 404, "not_found"),
    (drf.NotAuthenticated(), 401, "not_authenticated"),
    (drf.AuthenticationFailed(), 401, "not_authenticated"),
    (PermissionDenied(), 403, "forbidden"),
    (drf.PermissionDenied(), 403, "forbidden"),
    (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
    (drf.UnsupportedMediaType("text/plain"), 415, "unsupported_media_type"),
    (drf.Throttled(7), 429, "slow_down"),
    (drf.ParseError(), 400, "not_json"),
    (RequestDataTooBig(), 413, "too_large"),
    (SuspiciousOperation(), 400, "bad_query"),
    (OperationalError(), 503, "unavailable"),
    (InterfaceError(), 503, "unavailable"),
    (psycopg.OperationalError(), 503, "unavailable"),
    (Refusal("protocol_unknown"), 426, "protocol_unknown"),
    (Refusal("checksum_mismatch"), 460, "checksum_mismatch"),
]


@pytest.mark.parametrize(
    ("exc", "status", "code"), CASES, ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value)
)
def test_every_known_exception_becomes_its_problem(exc, status, code) -> None:
    response = problem_from_exception(exc, {})
    assert response is not None
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    body = json.loads(response.content)
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert (body["status"], body["code"]) == (status, code)


def test_what_we_do_not_know_is_left_to_become_a_500() -> None:
    assert problem_from_exception(ValueError("secret"), {}) is None


def test_401_says_how_to_log_in_and_503_when_to_come_again() -> None:
    assert problem("not_authenticated")["WWW-Authenticate"].startswith("Token")
    assert problem("bad_credentials")["WWW-Authenticate"].startswith("Token")
    assert int(problem("unavailable")["Retry-After"]) > 0
    assert problem_from_exception(drf.Throttled(7), {})["Retry-After"] == "7"


def test_details_stand_beside_the_code_and_cannot_overwrite_it() -> None:
    body = json.loads(problem("outside_grid", details={"distance_m": 12, "code": "x", "status": 1}).content)
    assert body["distance_m"] == 12
    assert (body["code"], body["status"]) == ("outside_grid", 404)


def test_a_malformed_field_is_pointed_at() -> None:
    body = json.loads(problem_from_exception(malformed("/ops/0/at", "not a time"), {}).content)
    assert body["errors"] == [{"pointer": "/ops/0/at", "code": "malformed", "detail": "not a time"}]


def test_a_serializers_errors_become_pointers() -> None:
    exc = drf.ValidationError({"name": ["too long"], "rows": [{}, {"x": ["no"]}]})
    errors = json.loads(problem_from_exception(exc, {}).content)["errors"]
    assert [(error["pointer"], error["detail"]) for error in errors] == [("/name", "too long"), ("/rows/1/x", "no")]


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_has_a_sentence_in_both_languages(code) -> None:
    with translation.override("en"):
        english = json.loads(problem(code).content)["detail"]
    with translation.override("zh-hans"):
        chinese = json.loads(problem(code).content)["detail"]
    assert english != chinese
    assert not chinese.isascii()


def test_an_unknown_address_of_the_api_is_a_problem_in_the_readers_language() -> None:
    client = Client(headers={"Accept-Language": "en"})
    answer = client.get("/api/v1/nothing/")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Nothing is found here.")
    answer = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9"}).get("/api/v1/nothing/")
    assert (answer.status_code, answer["Content-Language"]) == (404, "zh-hans")


def test_chinese_is_the_language_of_who_asks_for_none() -> None:
    assert Client().get("/api/v1/nothing/")["Content-Language"] == "zh-hans"


def test_a_person_gets_a_page_where_a_program_gets_a_problem() -> None:
    page = Client(headers={"Accept": "text/html"}).get("/nothing/")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert Client().get("/nothing/")["Content-Type"] == "application/problem+json"


def test_a_nul_in_the_address_is_refused_before_a_database_sees_it() -> None:
    assert Client().get("/api/v1/cells/?q=%00").json()["code"] == "bad_query"
    assert Client().get("/api/v1/cells/a%00b/").json()["code"] == "bad_query"


def test_a_host_name_that_is_not_ours_is_refused_without_echo() -> None:
    answer = Client().get("/healthz", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_unknown")
    assert b"evil" not in answer.content


def test_a_missing_csrf_token_is_csrf_failed_to_programs_and_a_page_to_people() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/login/", {"username": "x", "password": "y"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    page = client.post("/login/", {"username": "x"}, headers={"Accept": "text/html"})
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")


def test_our_own_fault_is_a_500_that_tells_nothing_and_a_database_away_is_a_503() -> None:
    for exc, status in ((ValueError("secret"), 500), (OperationalError("secret"), 503)):
        for accept in ("text/html", "*/*"):
            request = RequestFactory().get("/desk/", headers={"Accept": accept})
            try:
                raise exc
            except Exception:
                response = server_error(request)
            assert response.status_code == status
            assert b"secret" not in response.content
            assert ("Retry-After" in response) == (status == 503)


def test_too_many_wrong_passwords_are_slow_down_with_a_time() -> None:
    response = locked_out(RequestFactory().post("/api/v1/auth/token"))
    assert (response.status_code, json.loads(response.content)["code"], response["Retry-After"]) == (429, "slow_down", "900")


def test_no_accept_header_stands_between_a_phone_and_its_answer() -> None:
    class Renderer:
        media_type = "application/json"

    assert AlwaysJson().select_renderer(RequestFactory().get("/", headers={"Accept": "image/png"}), [Renderer])[1] == "application/json"
