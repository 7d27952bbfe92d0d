"""Who may change which field when (protocol §3.3, field policy), by hand; and by what values are compared."""

import datetime as dt
from typing import Any

import pytest

from incidents.rules.fields import MERGEABLE, RECORD_KEYS, Point, compared, could_edit, may_edit, read_value

# The page: "Mergeable: description, category, urgent, position, address, component_code, occurred_at, answers."
FIELDS = ("description", "category", "urgent", "position", "address", "component_code", "occurred_at", "answers")
STATES = ("reported", "registered", "resolved", "closed", "rejected")
# y: may change it now · n: could in another state (parked) · -: never (not_editable)
# role → field → one sign for each of STATES
_OWN = dict.fromkeys(FIELDS, "ynnnn")
_CELL = dict.fromkeys(("description", "position", "address", "answers"), "yyynn") | dict.fromkeys(
    ("category", "urgent", "component_code", "occurred_at"), "-----"
)
_DESK = dict.fromkeys(FIELDS, "yyynn") | {"category": "ynnnn"}
_NONE = dict.fromkeys(FIELDS, "-----")
TABLE: dict[tuple[str, ...], dict[str, str]] = {
    ("author",): _OWN,
    ("worker",): _CELL,
    ("author", "worker"): {field: "yyynn" if field in ("description", "position", "address", "answers") else "ynnnn" for field in FIELDS},
    ("secretary",): _DESK,
    ("operator",): _DESK,
    ("secretary", "author"): _DESK,
    ("supervisor",): _NONE,
    ("handler",): _NONE,
    ("admin",): _NONE,
    ("anyone",): _NONE,
}


def test_the_mergeable_fields_are_those_of_the_page() -> None:
    assert MERGEABLE == FIELDS


def test_every_key_of_the_record_is_known() -> None:
    page = (
        "id number version step_version kind channel category description urgent handling_class position address answers component_code "
        "occurred_at at received_at registered_at resolved_at closed_at cell registered_path boundary_version owner_unit lead_unit by state "
        "outcome due_step due_at paused returns reworks reopens parent merged_into restricted"
    )
    assert set(page.split()) == RECORD_KEYS


@pytest.mark.parametrize("roles", list(TABLE))
@pytest.mark.parametrize("field", FIELDS)
def test_each_role_and_field_in_each_state(roles: tuple[str, ...], field: str) -> None:
    for state, sign in zip(STATES, TABLE[roles][field], strict=True):
        found = "y" if may_edit(field=field, state=state, roles=roles) else "n" if could_edit(field=field, roles=roles) else "-"
        assert (state, found) == (state, sign)


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("occurred_at", "2026-05-04T09:12:31+08:00", "2026-05-04T01:12:31Z"),
        ("position", {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "source": "gps"}, {"lng": 108.94000004, "lat": 34.26, "datum": "wgs84", "source": "map"}),
        ("position", {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "source": "gps"},
         {"lng": 108.94, "lat": 34.26, "datum": "cgcs2000", "source": "gps", "accuracy_m": 3, "sent": {}}),
        ("answers", {"a": 1, "b": [1, None]}, {"b": [1, None], "a": 1}),
    ],
)  # fmt: skip
def test_the_same_value_said_otherwise_is_equal(field: str, one: Any, other: Any) -> None:
    assert compared(field, read_value(field, one, "/x")) == compared(field, read_value(field, other, "/x"))


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("answers", {"a": True}, {"a": 1}),
        ("answers", {"a": False}, {"a": 0}),
        ("answers", {"a": None}, {}),
        ("answers", {"a": "1"}, {"a": 1}),
        ("answers", None, {}),
        ("description", None, ""),
        ("description", "a", "a "),
        (
            "position",
            {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "source": "gps"},
            {"lng": 108.94, "lat": 34.26, "datum": "gcj02", "source": "gps"},
        ),
        (
            "position",
            {"lng": 108.94, "lat": 34.26, "datum": "wgs84", "source": "gps"},
            {"lng": 108.9400001, "lat": 34.26, "datum": "wgs84", "source": "gps"},
        ),
    ],
)
def test_another_value_is_another(field: str, one: Any, other: Any) -> None:
    assert compared(field, read_value(field, one, "/x")) != compared(field, read_value(field, other, "/x"))


def test_values_are_read_as_they_are_stored() -> None:
    assert read_value("occurred_at", "2026-05-04T09:12:31+08:00", "/x") == dt.datetime(2026, 5, 4, 1, 12, 31, tzinfo=dt.UTC)
    assert read_value("position", {"lng": 108.123456789, "lat": 34.2, "datum": "wgs84", "source": "gps"}, "/x") == Point(108.1234568, 34.2)
