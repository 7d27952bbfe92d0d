"""tus 1.0.0 as the protocol page wants it: every refusal with its code, every header (protocol §5, 1–3)."""

import datetime as dt
import hashlib
import random
import uuid
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Photo
from sync.models import Upload
from tests.sync.uploading import BASE, TUS, b64, begin, create, declare, head, jpeg, patch, push, report, sha256, upload
from tests.world import World

DATA = random.Random(1).randbytes(3000)

pytestmark = pytest.mark.django_db


def code(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


# --- version and abilities ---------------------------------------------------------------------------------------


def test_options_tells_what_the_server_can_without_login(client: Client) -> None:
    for url in (BASE, BASE + str(uuid.uuid4())):
        answer = client.options(url)
        assert answer.status_code == 204
        assert answer["Tus-Resumable"] == answer["Tus-Version"] == "1.0.0"
        assert set(answer["Tus-Extension"].split(",")) == {"creation", "checksum", "expiration", "termination"}
        assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert answer["Tus-Max-Size"] == str(10 * 1024 * 1024)


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
def test_another_version_of_tus_is_412_with_ours(world: World, version: str | None) -> None:
    answer = world.client("worker").post(BASE, headers={"Tus-Resumable": version} if version else {})
    assert answer.status_code == 412
    assert answer["Tus-Version"] == "1.0.0"


def test_every_answer_names_the_version_and_is_not_cached(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    for answer in (head(client, url), patch(client, url, 0, DATA[:10]), create(client, DATA), head(client, BASE + str(uuid.uuid4()))):
        assert answer["Tus-Resumable"] == "1.0.0"
        assert answer["Cache-Control"] == "no-store"


def test_a_method_in_the_override_header_counts(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    headers = TUS | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert client.post(url, DATA, "application/offset+octet-stream", headers=headers).status_code == 204


@pytest.mark.parametrize(("method", "url"), [("get", BASE), ("put", BASE), ("get", BASE + "x"), ("post", BASE + "x")])
def test_other_methods_are_405(world: World, method: str, url: str) -> None:
    answer = getattr(world.client("worker"), method)(url, headers=TUS)
    assert code(answer) == (405, "method_not_allowed")
    assert "OPTIONS" in answer["Allow"]


# --- who ---------------------------------------------------------------------------------------------------------


def test_without_login_nothing_is_told(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url, nobody = begin(client, DATA), world.client(None)
    for answer in (create(nobody, DATA), head(nobody, url), patch(nobody, url, 0, DATA), nobody.delete(url, headers=TUS)):
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer


def test_somebody_elses_upload_looks_like_one_that_is_not_there(world: World) -> None:
    client, other = world.client("worker"), world.client("secretary")
    declare(world, client, DATA)
    url = begin(client, DATA)
    for wrong in (url, BASE + str(uuid.uuid4()), BASE + "no-id"):
        assert head(other, wrong).status_code == 404
        assert code(patch(other, wrong, 0, DATA)) == (404, "not_found")
        assert code(other.delete(wrong, headers=TUS)) == (404, "not_found")
    assert head(client, url)["Upload-Offset"] == "0"


def test_a_browsers_session_needs_the_csrf_header(world: World) -> None:
    browser = world.browser("worker")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    declare(world, world.client("worker"), DATA)
    assert code(create(strict, DATA)) == (403, "csrf_failed")
    assert code(strict.post(BASE, headers=TUS | {"X-HTTP-Method-Override": "HEAD"})) == (405, "method_not_allowed")
    strict.get("/api/v1/me")
    assert create(strict, DATA, **{"X-CSRFToken": strict.cookies["csrftoken"].value}).status_code == 201


# --- creating ----------------------------------------------------------------------------------------------------


def test_an_upload_is_created_at_a_relative_address_with_its_end(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    answer = create(client, DATA)
    assert answer.status_code == 201
    assert answer["Location"].startswith(BASE)
    week = parsedate_to_datetime(answer["Upload-Expires"]) - timezone.now()
    assert dt.timedelta(days=6, hours=23) < week <= dt.timedelta(days=7)


def test_what_was_not_declared_is_409(world: World) -> None:
    assert code(create(world.client("worker"), DATA)) == (409, "not_declared")


def test_what_somebody_else_declared_is_409(world: World) -> None:
    declare(world, world.client("worker"), DATA)
    assert code(create(world.client("secretary"), DATA)) == (409, "not_declared")


def test_what_a_refused_op_declared_is_409(world: World) -> None:
    client = world.client("worker")
    outside = {"lng": 0, "lat": 0, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}
    assert push(client, report(world, DATA, position=outside))[0]["outcome"] == "refused"
    assert code(create(client, DATA)) == (409, "not_declared")


def test_what_a_parked_op_declared_may_come(world: World) -> None:
    """The worker was of the cell until long ago: the photo on its case is handed over whole."""
    op = declare(world, world.client("worker"))
    former = world.client("former")
    added = {
        "op_id": str(uuid.uuid4()), "kind": "photo.add", "at": "2026-05-04T09:12:31+08:00", "incident": op["incident"],
        "photo": str(uuid.uuid4()), "sha256": sha256(DATA), "size": len(DATA), "stage": "after",
    }  # fmt: skip
    assert push(former, added)[0]["code"] == "handed_over"
    assert not Photo.objects.filter(sha256=sha256(DATA)).exists()
    assert code(create(former, DATA, length="2999")) == (400, "size_mismatch")
    upload(former, DATA)
    assert push(former, added)[0]["missing_photos"] == []


@pytest.mark.parametrize("length", ["2999", "3001", "1"])
def test_another_length_than_declared_is_400(world: World, length: str) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    assert code(create(client, DATA, length=length)) == (400, "size_mismatch")


def test_more_than_10_mib_is_413(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    assert code(create(client, DATA, length=str(10 * 1024 * 1024 + 1))) == (413, "too_large")


@pytest.mark.parametrize("length", ["", "-1", "1e3", "٣", "9" * 40])
def test_a_length_that_is_no_number_is_400(world: World, length: str) -> None:
    assert code(create(world.client("worker"), DATA, length=length)) == (400, "malformed")


def test_a_deferred_length_is_400(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    answer = client.post(BASE, headers=TUS | {"Upload-Defer-Length": "1", "Upload-Metadata": f"sha256 {b64(sha256(DATA))}"})
    assert code(answer) == (400, "malformed")


@pytest.mark.parametrize("metadata", ["", "sha256", "sha256 !!!", "filename eA==", f"sha256 {b64('abc')}"])
def test_metadata_without_a_hash_is_400(world: World, metadata: str) -> None:
    answer = world.client("worker").post(BASE, headers=TUS | {"Upload-Length": "3", "Upload-Metadata": metadata})
    assert code(answer) == (400, "malformed")


def test_a_hash_in_capitals_is_the_same_hash(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    assert create(client, DATA, digest=sha256(DATA).upper()).status_code == 201


def test_beginning_again_and_again_does_not_fill_the_disk(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    urls = [begin(client, DATA) for _ in range(6)]
    for url in urls:
        patch(client, url, 0, DATA[:100])
    assert Upload.objects.filter(state=Upload.State.OPEN).count() == 3
    assert head(client, urls[-1]).status_code == 200
    assert head(client, urls[0]).status_code == 410


# --- pieces ------------------------------------------------------------------------------------------------------


def test_head_tells_where_it_stands(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    assert head(client, url)["Upload-Offset"] == "0"
    answer = patch(client, url, 0, DATA[:1000])
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "1000")
    assert "Upload-Expires" in answer
    answer = head(client, url)
    assert (answer.status_code, answer["Upload-Offset"], answer["Upload-Length"]) == (200, "1000", "3000")
    assert answer["Upload-Metadata"] == f"sha256 {b64(sha256(DATA))}"


def test_after_the_last_byte_the_address_still_tells_that_all_is_there(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = upload(client, DATA)
    assert head(client, url)["Upload-Offset"] == "3000"
    assert code(patch(client, url, 1500, DATA[1500:])) == (409, "wrong_offset")
    assert patch(client, url, 3000, b"")["Upload-Offset"] == "3000"


@pytest.mark.parametrize("offset", [0, 999, 1001, 3000])
def test_a_wrong_offset_is_409_and_names_the_right_one(world: World, offset: int) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    patch(client, url, 0, DATA[:1000])
    answer = patch(client, url, offset, DATA[1000:1100])
    assert code(answer) == (409, "wrong_offset")
    assert answer["Upload-Offset"] == "1000"
    assert head(client, url)["Upload-Offset"] == "1000"


def test_a_piece_of_another_type_is_415(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    answer = client.patch(url, DATA, "image/jpeg", headers=TUS | {"Upload-Offset": "0"})
    assert code(answer) == (415, "unsupported_media_type")


def test_a_piece_over_1_mib_is_413_and_changes_nothing(world: World) -> None:
    client = world.client("worker")
    large = random.Random(2).randbytes(1024 * 1024 + 1)
    declare(world, client, large)
    url = begin(client, large)
    assert code(patch(client, url, 0, large)) == (413, "too_large")
    assert head(client, url)["Upload-Offset"] == "0"
    assert patch(client, url, 0, large[:-1])["Upload-Offset"] == str(1024 * 1024)


def test_more_bytes_than_announced_are_413_and_none_is_kept(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    patch(client, url, 0, DATA[:2000])
    assert code(patch(client, url, 2000, DATA[2000:] + b"x")) == (413, "too_large")
    assert head(client, url)["Upload-Offset"] == "2000"
    assert patch(client, url, 2000, DATA[2000:]).status_code == 204


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_piece_with_the_right_checksum_is_taken_a_wrong_one_is_460_with_the_offset_unchanged(world: World, name: str) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    right = b64(hashlib.new(name, DATA[:500]).digest())
    assert patch(client, url, 0, DATA[:500], **{"Upload-Checksum": f"{name} {right}"})["Upload-Offset"] == "500"
    for piece in (DATA[500:999], DATA[:501], b""):
        assert code(patch(client, url, 500, piece, **{"Upload-Checksum": f"{name} {right}"})) == (460, "checksum_mismatch")
        assert head(client, url)["Upload-Offset"] == "500"


def test_an_unknown_checksum_is_400(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    assert code(patch(client, url, 0, DATA, **{"Upload-Checksum": "md5 1B2M2Y8AsgTpgAmY7PhCfg=="})) == (400, "checksum_unknown")
    assert code(patch(client, url, 0, DATA, **{"Upload-Checksum": "sha1 ???"})) == (400, "malformed")
    assert head(client, url)["Upload-Offset"] == "0"


# --- the end -----------------------------------------------------------------------------------------------------


def test_what_the_client_takes_away_is_gone(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    patch(client, url, 0, DATA[:1000])
    answer = client.delete(url, headers=TUS)
    assert answer.status_code == 204
    assert head(client, url).status_code == 410
    assert code(patch(client, url, 1000, DATA[1000:])) == (410, "upload_gone")
    assert code(client.delete(url, headers=TUS)) == (410, "upload_gone")


def test_an_expired_upload_is_410_and_each_piece_gives_it_seven_more_days(world: World) -> None:
    client = world.client("worker")
    declare(world, client, DATA)
    url = begin(client, DATA)
    soon = timezone.now() + dt.timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)
    patch(client, url, 0, DATA[:1000])
    assert Upload.objects.get().expires_at > soon + dt.timedelta(days=6)
    Upload.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert head(client, url).status_code == 410
    assert code(patch(client, url, 1000, DATA[1000:])) == (410, "upload_gone")


def test_the_refusals_speak_the_readers_language(world: World) -> None:
    for language, words in (("zh-hans", "照片"), ("en", "photo")):
        client = world.client("worker", **{"Accept-Language": language})
        assert words in create(client, jpeg()).json()["detail"]
