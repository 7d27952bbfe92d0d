"""Reading an op: what protocol §2 and §3.1 call malformed, with its pointer, the op_id that is echoed, and the hash."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import Refusal
from incidents.rules.ops import OP_BYTES, instant
from incidents.rules.reading import read

OP_ID = "0198a1b2-0000-7000-8000-000000000001"
ID = "0198a1b2-0000-7000-8000-0000000000aa"
SHA = "a" * 64
PHOTO = {"photo": ID, "sha256": SHA, "size": 412331, "stage": "before"}
POSITION = {"lng": 108.94, "lat": 34.26, "datum": "gcj02", "accuracy_m": 12, "source": "gps"}
HEAD = {"op_id": OP_ID, "at": "2026-05-04T09:12:31+08:00"}
# Every kind of this server with all its compulsory keys.
OPS: dict[str, dict[str, Any]] = {
    "incident.report": {"incident": ID, "category": "0102", "position": POSITION, "description": "x"},
    "incident.edit": {"incident": ID, "base_version": 1, "base": {"description": "old"}, "fields": {"description": "new"}},
    "incident.act": {"incident": ID, "base_version": 1, "action": "close"},
    "incident.comment": {"incident": ID, "comment": ID, "text": "x"},
    "photo.add": {"incident": ID, **PHOTO},
    "photo.withdraw": {"photo": ID},
    "conflict.resolve": {"conflict": ID, "take": "client", "base_version": 1},
}


def made(kind: str, **more: Any) -> dict[str, Any]:
    return HEAD | {"kind": kind} | OPS[kind] | more


def without(content: dict[str, Any], *path: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(content))
    inner: Any = copy
    for step in path[:-1]:
        inner = inner[int(step) if isinstance(inner, list) else step]
    del inner[path[-1]]
    return copy


def put(content: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(content))
    inner: Any = copy
    *steps, last = pointer.removeprefix("/").split("/")
    for step in steps:
        inner = inner[int(step) if isinstance(inner, list) else step]
    inner[int(last) if isinstance(inner, list) else last] = value
    return copy


def refusal_of(content: Any) -> Refusal:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(Refusal) as caught:
        read(raw)
    return caught.value


def malformed_at(content: Any, pointer: str) -> None:
    found = refusal_of(content)
    assert (found.code, found.errors[0]["pointer"]) == ("malformed", pointer)


@pytest.mark.parametrize("kind", OPS)
def test_the_smallest_op_of_each_kind_is_taken(kind: str) -> None:
    assert read(json.dumps(made(kind)).encode()).op.op_id == OP_ID


def _compulsory() -> Iterator[tuple[str, str]]:
    for kind, keys in OPS.items():
        for key in ("op_id", "at", *keys):
            if (kind, key) not in (("incident.report", "position"), ("incident.report", "description")):
                yield kind, key


@pytest.mark.parametrize(("kind", "key"), list(_compulsory()))
def test_without_a_compulsory_key_it_is_malformed_and_says_which(kind: str, key: str) -> None:
    malformed_at(without(made(kind), key), f"/{key}")


def test_without_its_kind_it_is_malformed() -> None:
    malformed_at(without(made("photo.withdraw"), "kind"), "/kind")


@pytest.mark.parametrize("key", ["lng", "lat", "source"])
def test_a_position_without_a_compulsory_key_is_malformed(key: str) -> None:
    malformed_at(without(made("incident.report"), "position", key), f"/position/{key}")


def test_a_position_without_datum_is_read_since_that_has_a_code_of_its_own() -> None:
    assert read(json.dumps(without(made("incident.report"), "position", "datum")).encode()).op.op_id == OP_ID


@pytest.mark.parametrize("key", PHOTO)
def test_a_declaration_without_a_compulsory_key_is_malformed(key: str) -> None:
    malformed_at(without(made("incident.report", photos=[PHOTO]), "photos", "0", key), f"/photos/0/{key}")


@pytest.mark.parametrize("kind", OPS)
@pytest.mark.parametrize("key", ["surprise", "a/b", "~", "a.b", ""])
def test_an_unknown_key_is_malformed_with_its_pointer(kind: str, key: str) -> None:
    malformed_at(made(kind) | {key: 1}, "/" + key.replace("~", "~0").replace("/", "~1"))


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (put(made("incident.report"), "/position/height", 1), "/position/height"),
        (made("incident.report", photos=[PHOTO | {"exif": {}}]), "/photos/0/exif"),
        (made("incident.report", handled_here={"outcome": "fixed", "why": "x"}), "/handled_here/why"),
        (made("incident.edit", base={"colour": 1}, fields={"colour": 2}), "/fields/colour"),
        (made("incident.act", action="close", args={"colour": "red"}), "/args/colour"),
    ],
)
def test_an_unknown_key_inside_is_malformed_too(content: dict[str, Any], pointer: str) -> None:
    malformed_at(content, pointer)


@pytest.mark.parametrize(
    ("kind", "pointer", "value"),
    [
        ("incident.report", "/kind", "incident.fly"), ("incident.report", "/kind", None), ("incident.report", "/kind", 7),
        ("incident.report", "/op_id", 7), ("incident.report", "/incident", "x"), ("incident.report", "/category", 102),
        ("incident.report", "/category", ""), ("incident.report", "/urgent", "yes"), ("incident.report", "/urgent", 1),
        ("incident.report", "/urgent", None), ("incident.report", "/description", None), ("incident.report", "/description", ["x"]),
        ("incident.report", "/description", "x" * 1001), ("incident.report", "/address", "x" * 201), ("incident.report", "/address", None),
        ("incident.report", "/answers", []), ("incident.report", "/answers", None), ("incident.report", "/incident_kind", "crime"),
        ("incident.report", "/component_code", None), ("incident.report", "/occurred_at", None), ("incident.report", "/occurred_at", "yesterday"),
        ("incident.report", "/on_behalf", "yes"), ("incident.report", "/cell", "610104001001001"), ("incident.report", "/cell", None),
        ("incident.report", "/photos", None), ("incident.report", "/photos", {}), ("incident.report", "/photos", [PHOTO] * 21),
        ("incident.report", "/photos", [PHOTO, PHOTO]), ("incident.report", "/position", None), ("incident.report", "/position", []),
        ("incident.report", "/position/lng", "108.94"), ("incident.report", "/position/lng", 180.1), ("incident.report", "/position/lng", True),
        ("incident.report", "/position/lat", -90.1), ("incident.report", "/position/lat", None), ("incident.report", "/position/datum", None),
        ("incident.report", "/position/datum", "wgs-84"), ("incident.report", "/position/source", "guess"),
        ("incident.report", "/position/accuracy_m", -1), ("incident.report", "/position/accuracy_m", 100_001),
        ("incident.report", "/handled_here", True), ("incident.report", "/handled_here", {"outcome": "magic"}),
        ("incident.report", "/handled_here", {}), ("incident.report", "/after", "x"), ("incident.report", "/after", None),
        ("incident.edit", "/base_version", "1"), ("incident.edit", "/base_version", -1), ("incident.edit", "/base_version", 1.5),
        ("incident.edit", "/base_version", True), ("incident.edit", "/base_version", None), ("incident.edit", "/base", {}),
        ("incident.edit", "/base", {"description": "a", "urgent": False}), ("incident.edit", "/base", None), ("incident.edit", "/fields", None),
        ("incident.act", "/action", ""), ("incident.act", "/action", 5), ("incident.act", "/args", []), ("incident.act", "/args", None),
        ("incident.comment", "/text", ""), ("incident.comment", "/text", "x" * 2001), ("incident.comment", "/visibility", "secret"),
        ("incident.comment", "/to", "somebody"), ("incident.comment", "/to", None),
        ("photo.add", "/size", 0), ("photo.add", "/size", 10 * 1024 * 1024 + 1), ("photo.add", "/size", "1"), ("photo.add", "/sha256", "A" * 64),
        ("photo.add", "/sha256", "a" * 63), ("photo.add", "/stage", "during the night"), ("photo.add", "/taken_at", "2026-13-01T00:00:00Z"),
        ("photo.add", "/near_pin", "yes"), ("photo.withdraw", "/photo", None),
        ("conflict.resolve", "/take", "mine"), ("conflict.resolve", "/base_version", None), ("conflict.resolve", "/conflict", 1),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_malformed_with_its_pointer(kind: str, pointer: str, value: Any) -> None:
    found = refusal_of(put(made(kind), pointer, value))
    assert found.code == "malformed"
    # What is missing or too much inside the value is pointed at itself.
    assert found.errors[0]["pointer"].startswith(pointer)


@pytest.mark.parametrize("key", ["taken_at", "near_pin"])
def test_null_is_allowed_where_the_protocol_says_so(key: str) -> None:
    read(json.dumps(made("photo.add", **{key: None})).encode())
    read(json.dumps(put(made("incident.report"), "/position/accuracy_m", None)).encode())


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("description", "x" * 1000, "x" * 1001), ("description", None, 5), ("category", "0102", None), ("urgent", True, None),
        ("urgent", False, 0), ("address", "x" * 200, "x" * 201), ("component_code", None, 5), ("occurred_at", "2026-05-04T01:00:00Z", "noon"),
        ("answers", {"q": [1, None]}, []), ("answers", None, "x"), ("position", POSITION, None), ("position", POSITION, {"lng": 1}),
        ("position", POSITION, POSITION | {"source": "guess"}),
    ],
)  # fmt: skip
def test_values_of_fields_are_looked_at_in_base_and_fields(field: str, good: Any, bad: Any) -> None:
    read(json.dumps(made("incident.edit", base={field: good}, fields={field: good})).encode())
    for key in ("base", "fields"):
        other = made("incident.edit", base={field: good}, fields={field: good}) | {key: {field: bad}}
        found = refusal_of(other)
        assert (found.code, found.errors[0]["pointer"].startswith(f"/{key}/{field}")) == ("malformed", True)


def test_an_edit_of_nothing_is_malformed() -> None:
    malformed_at(made("incident.edit", base={}, fields={}), "/fields")


def test_a_position_in_an_edit_is_taken_with_and_without_sent() -> None:
    read(json.dumps(made("incident.edit", base={"position": POSITION | {"sent": POSITION}}, fields={"position": POSITION})).encode())


@pytest.mark.parametrize(
    ("action", "args", "pointer"),
    [
        ("reject", {"reason": "because", "sentence": "x", "office": "y"}, "/args/reason"),
        ("reject", {"reason": 5, "sentence": "x", "office": "y"}, "/args/reason"),
        ("reject", {"reason": None, "sentence": "x", "office": "y"}, "/args/reason"),
        ("resolve", {"outcome": "magic"}, "/args/outcome"),
        ("resolve", {"outcome": "fixed", "note": "x" * 2001}, "/args/note"),
        ("reopen", {"sentence": ["x"]}, "/args/sentence"),
    ],
)
def test_arguments_of_the_wrong_form_are_malformed(action: str, args: dict[str, Any], pointer: str) -> None:
    malformed_at(made("incident.act", action=action, args=args), pointer)


def test_a_report_needs_a_place_and_a_description_or_a_photo() -> None:
    report = made("incident.report")
    malformed_at(without(report, "position"), "/position")
    malformed_at(without(report, "description"), "/description")
    malformed_at(report | {"description": ""}, "/description")
    read(json.dumps(without(report, "description") | {"photos": [PHOTO]}).encode())
    read(json.dumps(without(report, "position") | {"cell": ID}).encode())


def test_take_value_needs_a_value_and_the_others_take_none() -> None:
    malformed_at(made("conflict.resolve", take="value"), "/value")
    malformed_at(made("conflict.resolve", take="client", value="x"), "/value")
    assert read(json.dumps(made("conflict.resolve", take="value", value=None)).encode()).op.op_id == OP_ID


# --- texts and numbers that nothing can keep ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", OPS)
@pytest.mark.parametrize(
    ("spoilt", "pointer"),
    [
        (rb'"a\u0000b"', ""), (rb'"cut \ud83d"', ""), (rb'"\ude00 cut"', ""), (b"1e999", ""), (b"-1e999", ""), (b"9007199254740993", ""),
        (b"-9007199254740994", ""), (b"1e300", ""), (b"9" * 5000, ""), (rb'{"a":{"b":["\u0000"]}}', "/a/b/0"), (rb'{"\u0000":1}', "/\0"),
    ],
)  # fmt: skip
def test_what_nobody_can_keep_is_malformed_where_it_stands(kind: str, spoilt: bytes, pointer: str) -> None:
    found = refusal_of(json.dumps(made(kind)).encode()[:-1] + b',"x":' + spoilt + b"}")
    assert (found.code, found.details["op_id"], found.errors[0]["pointer"]) == ("malformed", OP_ID, "/x" + pointer)


def test_the_largest_number_is_taken_and_the_one_above_is_not() -> None:
    read(json.dumps(made("incident.edit", base={"answers": {}}, fields={"answers": {"n": 2**53}})).encode())
    malformed_at(made("incident.edit", base={"answers": {}}, fields={"answers": {"n": 2**53 + 1}}), "/fields/answers/n")


def test_bytes_that_are_no_utf8_are_malformed() -> None:
    assert refusal_of(json.dumps(made("incident.comment", text="?")).encode().replace(b"?", b"\xff")).code == "malformed"


def test_an_emoji_and_a_chinese_text_are_counted_in_characters() -> None:
    for text in ("😀" * 1000, "脏" * 1000):
        read(json.dumps(made("incident.report", description=text)).encode())
    malformed_at(made("incident.report", description="😀" * 1001), "/description")


# --- times and ids -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["2026-05-04T09:12:31Z", "2026-05-04T09:12:31+08:00", "2026-05-04T09:12:31.1Z", "2026-05-04T09:12:31.123456-11:30", "1970-01-01T00:00:00Z",
     "2099-12-31T23:59:59Z"],
)  # fmt: skip
def test_a_time_with_an_offset_is_taken(text: str) -> None:
    read(json.dumps(made("photo.withdraw", at=text)).encode())


@pytest.mark.parametrize(
    "text",
    ["2026-05-04T09:12:31", "2026-05-04 09:12:31Z", "2026-05-04T09:12:31.1234567Z", "2026-02-30T00:00:00Z", "2026-05-04T25:00:00Z", "1969-12-31T23:59:59Z",
     "2100-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-05-04", "", "2026-05-04T09:12:31+99:00", "2026-05-04T09:12:31.Z",
     "٢٠٢٦-05-04T09:12:31Z", "2026-05-04T09:12:31Z\n"],
)  # fmt: skip
def test_any_other_time_is_malformed(text: str) -> None:
    malformed_at(made("photo.withdraw", at=text), "/at")


def test_an_instant_is_the_same_whatever_its_offset() -> None:
    assert instant("2026-05-04T09:12:31+08:00", "/at") == instant("2026-05-04T01:12:31Z", "/at")


@pytest.mark.parametrize(
    "text",
    [OP_ID.upper(), str(uuid.uuid5(uuid.NAMESPACE_DNS, "x")), "0e239e9c-e867-11f1-9daf-02fc00000001",
     OP_ID.replace("-", ""), "{" + OP_ID + "}", OP_ID[:-1], OP_ID + "0",
     "00000000-0000-0000-0000-000000000000", "0198a1b2-0000-7000-c000-000000000001"],
)  # fmt: skip
def test_an_id_that_a_client_makes_is_version_4_or_7_in_lower_case(text: str) -> None:
    malformed_at(made("photo.withdraw", op_id=text), "/op_id")
    malformed_at(made("incident.report", incident=text), "/incident")
    malformed_at(made("incident.report", photos=[PHOTO | {"photo": text}]), "/photos/0/photo")
    malformed_at(made("incident.comment", comment=text), "/comment")


def test_versions_4_and_7_are_taken_and_an_id_of_the_server_in_any_version() -> None:
    for text in (str(uuid.uuid4()), OP_ID):
        read(json.dumps(made("incident.report", op_id=text, incident=text)).encode())
    for text in (str(uuid.uuid5(uuid.NAMESPACE_DNS, "x")), "0e239e9c-e867-11f1-9daf-02fc00000001"):
        read(json.dumps(made("conflict.resolve", conflict=text)).encode())
        read(json.dumps(made("incident.report", cell=text)).encode())


# --- the op_id that is echoed, size ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op_id", "echo"),
    [("x" * 64, "x" * 64), ("x" * 65, None), (7, None), (None, None), ([], None), ("", ""), ("含\n", "含\n"), ("\u0000", "\u0000")],
)
def test_a_malformed_op_is_echoed_by_a_string_of_at_most_64_characters(op_id: Any, echo: str | None) -> None:
    assert refusal_of(made("photo.withdraw", op_id=op_id)).details["op_id"] == echo


@pytest.mark.parametrize("content", [b"1", b"null", b'"x"', b"[]", b"1e999", b'"\\ud800"'])
def test_what_is_no_object_is_malformed_without_an_op_id(content: bytes) -> None:
    found = refusal_of(content)
    assert (found.code, found.details["op_id"]) == ("malformed", None)


def test_size_is_looked_at_first() -> None:
    short = json.dumps(made("incident.comment", text="")).encode()
    fits = made("incident.comment", text="x" * (OP_BYTES - len(short)))
    assert len(json.dumps(fits).encode()) == OP_BYTES
    malformed_at(fits, "/text")
    found = refusal_of(fits | {"text": fits["text"] + "x"})
    assert (found.code, found.details["op_id"]) == ("op_too_large", OP_ID)


# --- the hash ----------------------------------------------------------------------------------------------------


def hash_of(text: bytes) -> str:
    return read(text).hash


def test_order_of_keys_blanks_escapes_numbers_by_value_and_after_do_not_change_the_hash() -> None:
    op = made("incident.edit", base={"answers": {"a": 1, "b": "é"}}, fields={"answers": {"a": 100, "b": "x"}})
    expected = hash_of(json.dumps(op).encode())
    turned = {key: op[key] for key in reversed(op)}
    assert hash_of(json.dumps(turned, indent=3).encode()) == expected
    assert hash_of(json.dumps(op, ensure_ascii=False).encode()) == expected
    assert hash_of(json.dumps(op).replace(": 100", ": 1.0e2").replace(": 1,", ": 1.0,").encode()) == expected
    assert hash_of(json.dumps(op | {"after": [ID]}).encode()) == expected


@pytest.mark.parametrize(
    "change",
    [{"urgent": False}, {"description": "y"}, {"photos": []}, {"position": POSITION | {"lng": 108.9400001}}, {"answers": {}}],
)
def test_another_value_and_a_key_that_says_its_default_change_the_hash(change: dict[str, Any]) -> None:
    plain = hash_of(json.dumps(made("incident.report")).encode())
    assert hash_of(json.dumps(made("incident.report", **change)).encode()) != plain


def test_true_is_not_one_for_the_hash() -> None:
    hashes = {hash_of(json.dumps(made("incident.report", answers={"a": value})).encode()) for value in (True, 1, "1", None, False, 0)}
    assert len(hashes) == 6


def test_of_doubled_keys_the_last_counts() -> None:
    good = json.dumps(made("incident.comment")).encode()
    assert hash_of(good[:-1] + b',"text":"first","text":"x"}') == hash_of(good)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(
    kind=st.sampled_from([*OPS, "x"]),
    key=st.sampled_from(["op_id", "at", "after", "x", *{k for keys in OPS.values() for k in keys}]),
    value=_json,
)
def test_whatever_stands_in_an_op_it_is_read_or_refused(kind: str, key: str, value: Any) -> None:
    content = HEAD | {"kind": kind} | OPS.get(kind, {}) | {key: value}
    try:
        read(json.dumps(content, allow_nan=True).encode())
    except Refusal as refusal:
        assert refusal.code == "malformed"
