"""What is logged, and what never is."""

import json
import logging
import sys

from django.test import Client

from gridgov.logs import JsonFormatter


def test_a_log_line_is_one_json_object_without_the_exceptions_text() -> None:
    try:
        raise ValueError("phone 13800138000")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "went wrong: %s", ("here",), sys.exc_info())
    line = JsonFormatter().format(record)
    said = json.loads(line)
    assert "\n" not in line
    assert (said["level"], said["message"], said["exception"]) == ("ERROR", "went wrong: here", "ValueError")
    assert said["at"].endswith("Z")
    assert "13800138000" not in line
    assert said["trace"][0].endswith("test_a_log_line_is_one_json_object_without_the_exceptions_text")


def test_a_requests_line_has_method_path_status_and_time_but_neither_query_nor_body(db, caplog) -> None:
    caplog.set_level(logging.INFO, logger="gridgov.request")
    Client().post("/api/v1/nothing/?lng=108.94&q=13800138000", {"text": "my address"}, content_type="application/json")
    line = JsonFormatter().format(caplog.records[-1])
    said = json.loads(line)
    assert (said["method"], said["path"], said["status"]) == ("POST", "/api/v1/nothing/", 404)
    assert not {"108.94", "13800138000", "my address"} & set(line.split('"'))
    assert "108.94" not in line


def test_probes_that_succeed_are_not_logged(db, caplog) -> None:
    caplog.set_level(logging.INFO, logger="gridgov.request")
    Client().get("/healthz")
    assert caplog.records == []
