"""GET photos/{id}/{thumb,view}: whoever may see the case, asked each time; everybody else finds nothing (protocol §5, 7)."""

import io
import uuid

import pytest
from django.utils import timezone
from PIL import Image

from grids.models import Membership
from incidents.image_worker import render_waiting
from tests.sync.uploading import declare, jpeg, push, upload
from tests.world import World

pytestmark = pytest.mark.django_db


def stored(world: World) -> str:
    """The id of a stored photo of the worker's cell."""
    client, data = world.client("worker"), jpeg(800, 600)
    op = declare(world, client, data)
    upload(client, data)
    render_waiting(now=timezone.now())
    return str(op["photos"][0]["photo"])


def test_both_sizes_come_as_jpeg_with_headers_that_let_nothing_else_happen(world: World) -> None:
    photo, client = stored(world), world.client("worker")
    for size, expected in (("view", (800, 600)), ("thumb", (320, 240))):
        answer = client.get(f"/api/v1/photos/{photo}/{size}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Cache-Control"] == "private, no-cache"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert Image.open(io.BytesIO(answer.content)).size == expected
        again = client.get(f"/api/v1/photos/{photo}/{size}", headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "sandbox" in again["Content-Security-Policy"]
        assert client.get(f"/api/v1/photos/{photo}/{size}", headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("worker", 200), ("secretary", 200), ("operator", 200), ("supervisor", 200), ("district-admin", 200), ("neighbour", 404),
        ("worker2", 404), ("secretary2", 404), ("handler", 404), ("former", 404), ("admin", 404), ("stranger", 404), (None, 401),
    ],
)  # fmt: skip
def test_who_sees_the_case_sees_the_picture(world: World, who: str | None, status: int) -> None:
    photo, client = stored(world), world.client(who)
    for size in ("view", "thumb"):
        assert client.get(f"/api/v1/photos/{photo}/{size}").status_code == status
    assert client.get(f"/api/v1/photos/{photo}/view", headers={"If-None-Match": "*"}).status_code == (304 if status == 200 else status)


def test_what_may_not_be_seen_and_what_is_not_there_look_alike(world: World) -> None:
    photo, client = stored(world), world.client("secretary2")
    hidden, missing = client.get(f"/api/v1/photos/{photo}/view"), client.get(f"/api/v1/photos/{uuid.uuid4()}/view")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert {k: v for k, v in hidden.items() if k != "X-Request-ID"} == {k: v for k, v in missing.items() if k != "X-Request-ID"}


def test_the_right_is_looked_at_each_time(world: World) -> None:
    photo, client = stored(world), world.client("secretary")
    answer = client.get(f"/api/v1/photos/{photo}/view")
    assert answer.status_code == 200
    Membership.objects.get(user=world.user("secretary")).delete()
    assert client.get(f"/api/v1/photos/{photo}/view", headers={"If-None-Match": answer["ETag"]}).status_code == 404


def test_before_it_is_stored_and_after_it_was_taken_back_there_is_no_picture(world: World) -> None:
    client, data = world.client("worker"), jpeg(81, 81)
    op = declare(world, client, data)
    url = f"/api/v1/photos/{op['photos'][0]['photo']}/view"
    assert client.get(url).status_code == 404
    upload(client, data)
    assert client.get(url).status_code == 404
    render_waiting(now=timezone.now())
    assert client.get(url).status_code == 200
    push(client, {"op_id": str(uuid.uuid4()), "kind": "photo.withdraw", "at": op["at"], "photo": op["photos"][0]["photo"]})
    assert client.get(url).status_code == 404


def test_there_are_two_sizes_and_one_method(world: World) -> None:
    photo, client = stored(world), world.client("worker")
    assert client.get(f"/api/v1/photos/{photo}/source").status_code == 404
    assert client.get("/api/v1/photos/no-id/view").status_code == 404
    assert client.post(f"/api/v1/photos/{photo}/view").status_code == 405
