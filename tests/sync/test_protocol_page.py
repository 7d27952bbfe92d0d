"""docs/protocol.md prints each message once; these tests send exactly those, and compare shapes and outcomes with what is printed."""

import json
import re
from typing import Any

import pytest

from incidents.rules.ops import KINDS
from tests.architecture.source import ROOT
from tests.world import World

PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
MADE_BY_SERVER = {"seq", "number", "cell", "server_time", "stored_seq", "parked_at", "id", "by"}


def printed(name: str) -> Any:
    """The message that is printed under this name."""
    (text,) = re.findall(rf"^```json {name}\n(.*?)^```$", PAGE, re.M | re.S)
    return json.loads(text)


def shape(value: Any) -> Any:
    """A value with what the server makes, and times, left out: names of keys stay."""
    if isinstance(value, dict):
        return {key: "made" if key in MADE_BY_SERVER and inner is not None else shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z$", "a time", value) if isinstance(value, str) else value


def push(world: World, name: str, *ops: Any) -> list[Any]:
    answer = world.client(name).post("/api/v1/sync/ops", {"ops": list(ops)}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["answers"]


@pytest.fixture
def reported(world: World) -> Any:
    """The answer to the printed push."""
    return world.client("worker").post("/api/v1/sync/ops", printed("push"), content_type="application/json").json()


def test_the_printed_push_gets_the_printed_answer(reported) -> None:
    assert shape(reported) == shape(printed("answer"))
    assert reported["safe_seq"] == 0


def test_the_printed_ops_of_the_other_kinds_are_applied(world, reported) -> None:
    assert [answer["outcome"] for answer in push(world, "worker", *printed("ops"))] == ["applied"] * 3


def test_the_printed_act_clash_and_resolving_go_as_the_page_says(world, reported) -> None:
    (registered,) = push(world, "secretary", printed("act"))
    assert (registered["outcome"], registered["version"]) == ("applied", 3)
    (clash,) = push(world, "worker", printed("clash"))
    assert (clash["outcome"], clash["code"]) == ("conflict", "field_changed")
    assert shape(clash["conflicts"]) == [shape(printed("conflict"))]
    resolving = printed("resolve") | {"conflict": clash["conflicts"][0]["id"]}
    (resolved,) = push(world, "secretary", resolving)
    assert (resolved["outcome"], resolved["version"]) == ("applied", 4)


def test_the_printed_refusal_is_what_a_stranger_gets(world) -> None:
    answer = world.client().get("/api/v1/me")
    assert (answer.status_code, answer.json()) == (401, printed("problem"))


CHANGES = "/api/v1/sync/changes"


def follow(client: Any, cursor: str = "", **query: Any) -> dict[str, Any]:
    return dict(client.get(CHANGES, {"since": cursor, "limit": 1000} | query).json())


def outline(value: Any) -> Any:
    """Keys and kinds of values; of what is the server's to say, no more."""
    if isinstance(value, dict):
        return {key: outline(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [outline(inner) for inner in value]
    return "a number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_the_printed_page_is_what_a_follower_gets(world, reported) -> None:
    client = world.client("secretary")
    cursor = follow(client)["cursor"]
    push(world, "secretary", printed("act"))
    page, there = follow(client, cursor), printed("page")
    assert outline(page) == outline(there)
    made = {"number", "cell", "by", "owner_unit", "received_at", "registered_at", "id"}
    for change, example in zip(page["changes"], there["changes"], strict=True):
        assert change["type"] == example["type"]
        for key in set(example["record"]) - made:
            assert change["record"][key] == example["record"][key], key


def test_the_printed_gone_is_what_those_get_whom_the_case_has_left(world, reported) -> None:
    client = world.client("district-admin")
    cursor = follow(client)["cursor"]
    base = {"lng": 108.905, "lat": 34.205, "datum": "wgs84", "source": "gps"}
    move = printed("clash") | {"base": {"position": base}, "fields": {"position": world.position("610113001001001")}, "base_version": 2}
    assert [a["outcome"] for a in push(world, "secretary", move)] == ["applied"]
    page, there = follow(client, cursor), printed("gone")
    assert outline(page) == outline(there)
    assert [c | {"seq": 0} for c in page["changes"]] == [c | {"seq": 0} for c in there["changes"]]


def test_the_printed_reset_is_what_a_cursor_gets_that_is_not_ours(world, reported) -> None:
    page, there = follow(world.client("worker"), "not ours"), printed("reset")
    assert outline(page | {"changes": []}) == outline(there)
    assert page["reset"] == there["reset"]
    assert [one["code"] for one in page["scope"]] == [one["code"] for one in there["scope"]]


def test_the_printed_digest_and_its_refusal_are_what_a_follower_gets(world, reported) -> None:
    client = world.client("secretary")
    cursor = follow(client)["cursor"]
    assert outline(client.get("/api/v1/sync/digest", {"at": cursor}).json()) == outline(printed("digest"))
    push(world, "secretary", printed("act"))
    answer = client.get("/api/v1/sync/digest", {"at": cursor})
    there = printed("moved")
    assert outline(answer.json()) == outline(there)
    assert [answer.json()[key] for key in ("type", "status", "code")] == [there[key] for key in ("type", "status", "code")]
    assert answer.status_code == there["status"]


def test_every_kind_that_is_spoken_is_printed_and_no_other() -> None:
    sent = [*printed("push")["ops"], *printed("ops"), printed("act"), printed("clash"), printed("resolve")]
    assert {op["kind"] for op in sent} == set(KINDS)
    table = PAGE.partition("### 3.1 Kinds")[2].partition("\n\nCompulsory")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))))
    silent = set(re.findall(r"`([a-z]+\.[a-z]+)`", PAGE.partition("**Not spoken yet**")[2].partition("\n\n")[0]))
    assert named - silent == set(KINDS)
