"""`manage.py move_member` (protocol §9): old rights end at once, reports stay the author's, the phone is told by a reset."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from grids.models import Membership
from tests.world import B1C, CELL


@pytest.mark.django_db
def test_a_moved_worker_sees_the_new_place_from_the_next_call_on(world, capsys):
    client = world.client("worker")
    first = client.get("/api/v1/sync/changes").json()
    call_command("move_member", user="worker", to=B1C, format="json")
    told = json.loads(capsys.readouterr().out)
    assert [m["to"] for m in told["memberships"]] == [B1C]
    assert [m["scope"]["code"] for m in client.get("/api/v1/me").json()["memberships"]] == [B1C]
    page = client.get("/api/v1/sync/changes", {"since": first["cursor"]}).json()
    assert page["reset"] == "scope"
    assert [part["code"] for part in page["scope"]] == [B1C]
    assert CELL not in {c["record"]["code"] for c in page["changes"] if c["type"] == "place"}


@pytest.mark.django_db
def test_the_old_membership_is_kept_and_ended(world):
    call_command("move_member", user="worker", to=B1C)
    ended = Membership.objects.get(user=world.user("worker"), place=world.places[CELL])
    assert ended.until is not None


@pytest.mark.django_db
@pytest.mark.parametrize(("user", "to", "status"), [("nobody", B1C, 2), ("worker", "999", 2), ("stranger", B1C, 1)])
def test_what_cannot_be_moved_is_refused_with_a_status(world, user, to, status):
    with pytest.raises(CommandError) as refusal:
        call_command("move_member", user=user, to=to)
    assert refusal.value.returncode == status
