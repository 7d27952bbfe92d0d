"""What the product does not keep (SECURITY.md): no register of persons, no track of a worker, no position by itself."""

import re
from itertools import pairwise
from typing import Any

import msgspec
from django.apps import apps
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from incidents.rules.ops import KINDS
from tests.architecture.source import ROOT

OURS = ("feed", "grids", "incidents", "sync")
PERSONS = {
    "resident", "residents", "household", "tenant", "family", "relation", "relationship", "spouse", "child", "children", "guardian", "idcard",
    "identity", "passport", "ethnic", "ethnicity", "nationality", "religion", "faith", "political", "health", "disease", "illness", "disability",
    "birth", "birthday", "birthdate", "born", "gender", "sex", "age", "marital", "criminal", "score", "credit", "face", "plate", "fingerprint",
    "email", "mail", "phone", "telephone", "mobile", "wechat",
}  # fmt: skip
TRACKS = {"track", "tracks", "trajectory", "trail", "route", "location", "lastposition", "heading", "speed", "steps", "geofence", "fence"}
PAIRS = {
    ("id", "number"),
    ("id", "card"),
    ("key", "person"),
    ("last", "seen"),
    ("last", "position"),
    ("last", "lng"),
    ("last", "lat"),
    ("last", "ip"),
}
POSITIONS = {"position", "lng", "lat", "longitude", "latitude", "accuracy_m", "sent", "point", "coordinates"}


def fields() -> list[tuple[str, str]]:
    """(model, field) of everything that is stored, also of what the models are joined by."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models(include_auto_created=True)]
    assert len(models) > 15
    return [(model._meta.label, field.name) for model in models for field in model._meta.local_fields]


def bad(word: str) -> bool:
    parts = word.lower().split("_")
    return bool(set(parts) & (PERSONS | TRACKS)) or any(pair in PAIRS for pair in pairwise(parts))


def test_no_field_describes_a_person_or_where_somebody_was() -> None:
    assert [(model, field) for model, field in fields() if bad(field)] == []
    models = {model.partition(".")[2] for model, _ in fields()}
    assert [model for model in models if bad(re.sub(r"(?<!^)(?=[A-Z])", "_", model))] == []


def test_positions_stand_on_cases_and_places_alone() -> None:
    assert {model for model, field in fields() if field in POSITIONS} == {"incidents.Incident", "grids.Place"}


def test_of_a_person_no_more_is_kept_than_an_account_needs() -> None:
    kept = {field for model, field in fields() if model == "grids.User"}
    assert kept == {
        "id", "username", "name", "language", "password", "last_login", "is_active", "is_staff", "is_superuser", "date_joined",
    }  # fmt: skip


def test_a_device_tells_what_waits_on_it_and_not_where_or_from_which_address() -> None:
    kept = {field for model, field in fields() if model == "sync.Device"}
    assert kept == {
        "id", "user", "name", "token_hash", "cookie_hash", "session_key", "created_at", "used_on", "queued", "photos_waiting", "told_at",
        "revoked_at", "revoked_why",
    }  # fmt: skip


def test_a_position_comes_inside_a_report_an_edit_or_a_check_and_nowhere_else() -> None:
    with_one = {kind for kind, shape in KINDS.items() if POSITIONS & {field.name for field in msgspec.structs.fields(shape)}}
    assert with_one <= {"incident.report", "incident.edit", "incident.check"}
    assert "incident.report" in with_one


def positions_asked_for(schema: Any) -> set[str]:
    """Names of positions anywhere in a schema."""
    if isinstance(schema, list):
        return set().union(*(positions_asked_for(part) for part in schema))
    if not isinstance(schema, dict):
        return set()
    return (POSITIONS & set(schema.get("properties", ()))).union(*(positions_asked_for(part) for part in schema.values()))


def test_no_address_takes_a_position_but_to_look_something_up_there() -> None:
    with translation.override("en"):
        paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    calls = {(path, method): told for path, methods in paths.items() for method, told in methods.items()}
    asked = {call for call, told in calls.items() if any(p["name"] in POSITIONS for p in told.get("parameters", ()))}
    assert asked == {("/api/v1/cells/locate", "get"), ("/api/v1/incidents/nearby", "get")}  # reads: nothing is stored
    assert [call for call, told in calls.items() if positions_asked_for(told.get("requestBody", {}))] == []


def test_the_browser_asks_for_the_position_in_one_place_and_lets_go_of_it() -> None:
    scripts = [path for package in ("gridgov", "grids", "incidents", "sync") for path in (ROOT / package).rglob("*.js")]
    assert len(scripts) > 20
    asking = [path for path in scripts if re.search(r"watchPosition|getCurrentPosition", path.read_text("utf-8"))]
    assert [path.name for path in asking] == ["locate.js"]  # called by the form of a report; ends with a good fix or after its time
    text = asking[0].read_text("utf-8")
    assert (text.count("watchPosition("), text.count("clearWatch("), text.count("setTimeout(")) == (1, 1, 1)
    findings = {path.name for path in scripts if "findPlace" in path.read_text("utf-8")}
    assert {one for one in findings if one != "locate.js"} == {"report_place.js"}
