"""`POST sync/ops` as HTTP (protocol §2, §3): what the body may be, how large, how deep, how packed; what every answer carries."""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.pushing import Json, comment, digest, new_id, photo, receipts, report
from tests.world import World

URL = "/api/v1/sync/ops"
MIB = 1024 * 1024


@pytest.fixture
def client(world: World) -> Client:
    return world.client("worker")


def push(client: Client, body: bytes | Json, content_type: str = "application/json", **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(URL, raw, content_type=content_type, headers=headers)


def refused_with(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), response.content[:200]
    body = response.json()
    assert (body["code"], body["status"]) == (code, status)
    assert {"type", "title", "detail"} <= set(body)
    assert response["Cache-Control"] == "no-store"


def test_an_answer_carries_the_marks_of_the_feed_and_the_time(client: Client, world: World) -> None:
    response = push(client, {"ops": [report(world)]})
    assert (response.status_code, response["Content-Type"], response["Cache-Control"]) == (200, "application/json", "no-store")
    body = response.json()
    assert set(body) == {"answers", "stored_seq", "safe_seq", "server_time"}
    assert body["stored_seq"] >= body["answers"][0]["seq"]
    assert body["safe_seq"] == 0
    assert body["server_time"].endswith("Z")


def test_an_empty_push_says_where_the_feed_stands_and_keeps_what_the_phone_holds(client: Client) -> None:
    body = push(client, {"queued": 7, "photos_waiting": 3, "ops": []}).json()
    assert (body["answers"], body["stored_seq"] > 0) == ([], True)
    device = client.get("/api/v1/me").json()["device"]
    assert (device["queued"], device["photos_waiting"]) == (7, 3)


@pytest.mark.parametrize(
    "held", [{}, {"queued": None}, {"queued": "many"}, {"queued": -1}, {"queued": True}, {"queued": 1.5}, {"queued": 10**30}]
)
def test_counts_that_are_none_are_not_kept_and_refuse_nothing(client: Client, held: Json) -> None:
    push(client, {"queued": 2, "ops": []})
    assert push(client, held | {"ops": []}).status_code == 200
    assert client.get("/api/v1/me").json()["device"]["queued"] == 2


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000, b'"\\ud800"'])
def test_a_count_that_no_number_holds_is_not_kept_and_refuses_nothing(client: Client, world: World, number: bytes) -> None:
    body = b'{"queued":' + number + b',"ops":[' + json.dumps(report(world)).encode() + b"]}"
    assert [a["outcome"] for a in push(client, body).json()["answers"]] == ["applied"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"nonsense", b"[]", b"null", b"5", b'"ops"', b"{}", b'{"ops":null}', b'{"ops":{}}', b'{"ops":"x"}', b'{"ops":5}', b'{"Ops":[]}',
        b'{"ops":[]', b'{"ops":[]}]', b'{"ops":[],}', b'\xef\xbb\xbf{"ops":[]}', b'{"ops":[],"x":"\xff"}', b'{"ops":[],"\xc3\x28":1}',
        b'{"ops":[{"op_id":"\xe8\x84"}]}', b'{"ops":[{"a":NaN}]}', b'{"ops":[],"x":NaN}', b'{"ops":[],"x":Infinity}', b'{"ops":[-Infinity]}',
        b'{"ops":[{"a":01}]}', b'{"ops":[{"a":+1}]}', b'{"ops":[{"a":1.}]}', b"{'ops':[]}", b'{"ops":[{"a":"line\nbreak"}]}', b'{"ops":[{"a":"\\x41"}]}',
        b'{"ops":[/* x */]}', '{"ops":[]}'.encode("utf-16"), '{"ops":[]}'.encode("utf-32"), b"ops=1", b"\x00",
        # with a lone surrogate elsewhere, too
        b'{"ops":["\\ud800",{"a":NaN}]}', b'{"ops":["\\ud800"],"x":tru}', b'["\\ud800"]', b'{"ops":"\\ud800"}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_with_ops_in_utf8_is_not_json(client: Client, body: bytes) -> None:
    before = digest()
    refused_with(push(client, body), 400, "not_json")
    assert (digest(), receipts()) == (before, 0)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


def _too_deep() -> Iterator[bytes]:
    # The body is 1, ops 2, an op 3 deep.
    yield b'{"ops":[{"x":' + nested(30) + b"}]}"
    yield b'{"ops":[],"ignored":' + nested(32) + b"}"
    yield b'{"ops":[],"ignored":{"a":' + nested(31) + b"}}"
    yield b'{"ops":[' + nested(31) + b"]}"
    yield b'{"ops":[' + nested(100_000) + b"]}"
    yield b'{"ignored":' + nested(100_000) + b"}"
    yield nested(100_000)
    yield b'{"ops":["\\ud800"],"ignored":' + nested(32) + b"}"
    yield b'{"ops":[{"a":"]]]]]]]]]]]]]]]]]]]]","x":' + nested(30) + b"}]}"


@pytest.mark.parametrize("body", list(_too_deep()), ids=range(9))
def test_deeper_than_32_is_not_json_wherever_it_is(client: Client, body: bytes) -> None:
    refused_with(push(client, body), 400, "not_json")


def test_32_levels_are_taken(client: Client) -> None:
    response = push(client, b'{"ignored":' + nested(31) + b',"ops":[{"x":' + nested(29) + b'},{"x":"' + b"[" * 500 + b'"}]}')
    assert [a["code"] for a in response.json()["answers"]] == ["malformed", "malformed"]


def test_unknown_keys_of_the_envelope_are_ignored_and_of_doubled_ones_the_last_counts(client: Client, world: World) -> None:
    first, second = json.dumps(report(world)), json.dumps(report(world))
    response = push(client, f'{{"device":{{"a":[1]}},"ops":[{first}],"ops":[{second}]}}'.encode())
    assert [a["op_id"] for a in response.json()["answers"]] == [json.loads(second)["op_id"]]


# --- one bad op never blocks the others -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoilt",
    [rb'"cut \ud83d"', rb'"\ude00"', rb'"a\u0000b"', b"1e999", b"-1e400", b"9" * 5000, b"12345678901234567890", b"[]", b"null", b"{}"],
)
def test_one_broken_value_makes_its_op_malformed_and_the_199_others_go_through(client: Client, world: World, spoilt: bytes) -> None:
    ops = [json.dumps(report(world, description=None, photos=[photo()])).encode() for _ in range(199)]
    bad = report(world, description="?")
    ops.insert(77, json.dumps(bad).encode().replace(b'"?"', spoilt))
    answers = push(client, b'{"ops":[' + b",".join(ops) + b"]}").json()["answers"]
    assert [a["outcome"] for a in answers] == ["applied"] * 77 + ["refused"] + ["applied"] * 122
    told = answers[77]
    assert (told["code"], told["op_id"], told["details"]["pointer"]) == ("malformed", bad["op_id"], "/description")


def test_a_broken_text_does_not_make_its_neighbours_larger(client: Client, world: World) -> None:
    # 60 KB in UTF-8, twice that where each sign is written as an escape.
    large = report(world, answers={"a": "垃" * 20_000})
    assert len(json.dumps(large, ensure_ascii=False).encode()) < 64 * 1024 < len(json.dumps(large))
    bad = json.dumps(report(world, description="?")).replace("?", "\\ud800")
    answers = push(client, f'{{"ops":[{bad},{json.dumps(large, ensure_ascii=False)}]}}'.encode()).json()["answers"]
    assert [a["code"] for a in answers] == ["malformed", None]


def test_one_fat_op_is_refused_alone_and_without_a_receipt(client: Client, world: World) -> None:
    good, fat = report(world), report(world, description="x" * 65_600)
    answers = push(client, {"ops": [fat, good]}).json()["answers"]
    assert [(a["outcome"], a["code"], a["op_id"]) for a in answers] == [
        ("refused", "op_too_large", fat["op_id"]), ("applied", None, good["op_id"]),
    ]  # fmt: skip
    assert receipts() == 1


# --- limits ------------------------------------------------------------------------------------------------------


def test_200_ops_are_taken_and_of_201_nothing_is_carried_out(client: Client, world: World) -> None:
    ops = [report(world) for _ in range(201)]
    refused_with(push(client, {"ops": ops}), 413, "too_large")
    assert receipts() == 0
    assert len(push(client, {"ops": ops[:200]}).json()["answers"]) == 200
    refused_with(push(client, b'{"ops":["\\ud800"' + b",1" * 200 + b"]}"), 413, "too_large")


def test_a_push_of_more_than_a_mebibyte_is_too_large_packed_or_not(client: Client, world: World) -> None:
    frame = json.dumps({"ops": [report(world)], "x": ""}).encode()
    fits = frame[:-2] + b"x" * (MIB - len(frame)) + b'"}'
    over = frame[:-2] + b"x" * (MIB - len(frame) + 1) + b'"}'
    assert (len(fits), len(over)) == (MIB, MIB + 1)
    for body, headers in ((over, {}), (gzip.compress(over), {"Content-Encoding": "gzip"})):
        refused_with(push(client, body, **headers), 413, "too_large")
    assert receipts() == 0
    assert push(client, gzip.compress(fits), **{"Content-Encoding": "gzip"}).status_code == 200
    assert push(client, fits).json()["answers"][0]["repeated"] is True


def test_a_body_of_many_mebibytes_is_too_large(client: Client) -> None:
    refused_with(push(client, b'{"ops":[],"x":"' + b"x" * 5 * MIB + b'"}'), 413, "too_large")


def test_a_gzip_bomb_is_unpacked_to_the_limit_and_no_further(client: Client) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * MIB) for _ in range(256)) + packer.flush()
    assert len(bomb) < MIB
    refused_with(push(client, bomb, **{"Content-Encoding": "gzip"}), 413, "too_large")


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "x", "gzip, gzip", "gzip, identity"])
def test_any_other_packing_is_an_unsupported_media_type(client: Client, encoding: str) -> None:
    refused_with(push(client, gzip.compress(b'{"ops":[]}'), **{"Content-Encoding": encoding}), 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["identity", "GZIP", " gzip "])
def test_gzip_and_nothing_are_taken(client: Client, encoding: str) -> None:
    body = b'{"ops":[]}' if encoding == "identity" else gzip.compress(b'{"ops":[]}')
    assert push(client, body, **{"Content-Encoding": encoding}).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [lambda b: b[:-9], lambda b: b"x" + b, lambda b: b + b"more", lambda b: b'{"ops":[]}', lambda b: b"", lambda b: b[:-8] + b"\0" * 8],
)
def test_what_says_gzip_and_is_none_is_not_json(client: Client, spoil: Any) -> None:
    refused_with(push(client, spoil(gzip.compress(b'{"ops":[]}')), **{"Content-Encoding": "gzip"}), 400, "not_json")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=gbk",
    ],
)
def test_any_other_content_type_is_unsupported(client: Client, kind: str) -> None:
    refused_with(push(client, b'{"ops":[]}', kind), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"; x=y', "application/json; x=charset=gbk"],
)
def test_json_is_taken_however_it_is_said(client: Client, kind: str) -> None:
    assert push(client, b'{"ops":[]}', kind).status_code == 200


# --- version, method, caller -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2", "0", "1.0", "", "x", "1, 1", "9" * 500])
def test_a_version_that_is_not_spoken_is_told_with_those_that_are(client: Client, version: str) -> None:
    response = push(client, {"ops": []}, **{"Gridgov-Protocol": version})
    refused_with(response, 426, "protocol_unknown")
    assert response.json()["supported"] == [1]


def test_version_1_may_be_said_or_not(client: Client) -> None:
    assert push(client, {"ops": []}, **{"Gridgov-Protocol": "1"}).status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    response = getattr(client, method)(URL)
    refused_with(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


def test_the_sentences_are_in_the_readers_language_and_the_codes_are_not(world: World) -> None:
    bad = {"ops": [report(world, category="9999")]}
    chinese = push(world.client("worker"), bad).json()["answers"][0]
    english = push(world.client("worker", **{"Accept-Language": "en"}), bad).json()["answers"][0]
    assert chinese["code"] == english["code"] == "category_unknown"
    assert english["message"] == "There is no such category."
    assert chinese["message"] != english["message"]
    # The repeat is equal but for `repeated` and the language.
    assert english | {"message": None, "repeated": False} == chinese | {"message": None}


# --- anything at all ---------------------------------------------------------------------------------------------

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ops", "op_id", "kind", "x"]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=80) | _values.map(lambda v: json.dumps(v).encode()) | _values.map(lambda v: json.dumps({"ops": v}).encode()))
def test_no_body_makes_the_server_fail(client: Client, body: bytes) -> None:
    assert push(client, body).status_code in (200, 400, 413)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_value_in_an_op_makes_the_server_fail(client: Client, world: World, data: st.DataObject) -> None:
    """Ops of all kinds on one case, with a key or two replaced by anything."""
    case = report(world)
    ops: list[Json] = [
        case, comment(case["incident"]),
        {**comment(case["incident"]), "kind": "incident.edit", "base_version": 1, "base": {"description": "litter"}, "fields": {"description": "x"}},
        {**comment(case["incident"]), "kind": "incident.act", "base_version": 1, "action": "handle_here", "args": {}},
        {"op_id": new_id(), "kind": "photo.add", "at": case["at"], "incident": case["incident"], **photo()},
        {"op_id": new_id(), "kind": "photo.withdraw", "at": case["at"], "photo": new_id()},
        {"op_id": new_id(), "kind": "conflict.resolve", "at": case["at"], "conflict": new_id(), "take": "client", "base_version": 1},
    ]  # fmt: skip
    for made in ops:
        key = data.draw(st.sampled_from(sorted(made)))
        made[key] = data.draw(_values | st.just(made[key]))
    response = push(client, json.dumps({"ops": ops}).encode())
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        answers = response.json()["answers"]
        assert len(answers) == len(ops)
        assert "internal" not in [a["code"] for a in answers]
