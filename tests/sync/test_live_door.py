"""Who may open /ws/changes/, and with which code it ends (protocol §6)."""

import datetime as dt
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import override_settings
from django.utils import timezone

from gridgov.feed.models import Head
from grids.models import User
from sync.models import Device
from tests.sync.lines import OURS, Line, head, nothing_stays_connected, open_line  # noqa: F401
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
HOSTS = override_settings(ALLOWED_HOSTS=["testserver"])


@pytest.fixture
def session(transactional_db: None, world: World) -> str:
    """The key of a secretary's browser session."""
    return world.browser("secretary").cookies["sessionid"].value


async def told_or_code(line: Line) -> object:
    """The first message, or the code of a close; always after an accept."""
    accepted, _ = await line.connect()
    assert accepted
    output = await line.receive_output(timeout=5)
    await line.disconnect()
    return output.get("code") or "told"


async def test_it_says_position_and_epoch_on_connect(transactional_db: None, world: World) -> None:
    line = Line(token=await sync_to_async(world.token)("worker"))
    assert (await line.connect())[0]
    epoch = await Head.objects.values_list("epoch", flat=True).aget(pk=1)
    assert await line.said() == {"seq": await head(), "epoch": str(epoch)}
    await line.disconnect()


@pytest.mark.parametrize(
    ("token", "origin", "expected"),
    [
        (True, None, "told"),
        (True, OURS, "told"),
        (True, "https://elsewhere.example", 4403),
        (True, "null", 4403),
        (False, None, 4401),
        (False, "https://elsewhere.example", 4403),
        ("wrong", None, 4401),
    ],
)
@HOSTS
async def test_with_a_token_the_origin_is_none_or_ours(
    transactional_db: None, world: World, token: object, origin: str | None, expected: object
) -> None:
    good = await sync_to_async(world.token)("worker")
    line = Line(token=good if token is True else "x" * 43 if token else None, origin=origin)
    assert await told_or_code(line) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (OURS, "told"),
        (None, 4403),
        ("http://testserver.elsewhere.example", 4403),
        ("http://testserver:8001", 4403),
        ("ftp://testserver", 4403),
    ],
)
@HOSTS
async def test_with_a_cookie_the_origin_must_be_ours(session: str, origin: str | None, expected: object) -> None:
    assert await told_or_code(Line(session=session, origin=origin)) == expected


@override_settings(ALLOWED_HOSTS=["city.example"])
async def test_a_name_that_only_the_attacker_calls_ours_is_not_ours(session: str) -> None:
    assert await told_or_code(Line(session=session, origin=OURS)) == 4403


@HOSTS
async def test_a_cookie_that_is_no_session_is_not_logged_in(transactional_db: None, world: World) -> None:
    assert await told_or_code(Line(session="nonsense", origin=OURS)) == 4401


async def test_a_token_in_the_address_is_not_read(transactional_db: None, world: World) -> None:
    token = await sync_to_async(world.token)("worker")
    assert await told_or_code(Line(path=f"/ws/changes/?token={token}")) == 4401


async def test_there_is_no_other_socket(transactional_db: None, world: World) -> None:
    line = Line(token=await sync_to_async(world.token)("worker"), path="/ws/other/")
    accepted, _ = await line.connect()
    assert not accepted


async def test_frames_are_ignored_and_over_1_kib_end_the_line_with_1009(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    await line.send_to(text_data="字" * 341)  # 1,023 bytes
    await line.send_to(bytes_data=b"\0" * 1024)
    await line.send_to(text_data="字" * 342)
    assert await line.ended() == 1009


@pytest.mark.parametrize("why", ["lost", "closed"])
async def test_a_revoked_device_is_closed_within_five_seconds(transactional_db: None, world: World, why: str) -> None:
    line, other = await open_line(world, "worker"), await open_line(world, "neighbour")
    await Device.objects.filter(user=world.user("worker")).aupdate(revoked_at=timezone.now(), revoked_why=why)
    assert await line.ended(within_s=5) == 4401
    assert await other.receive_nothing(timeout=0.1)
    await other.disconnect()


async def test_a_token_that_was_logged_off_is_closed(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    await Device.objects.filter(user=world.user("worker")).aupdate(token_hash=None)
    assert await line.ended() == 4401


async def test_a_token_unused_for_90_days_is_closed(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    await Device.objects.filter(user=world.user("worker")).aupdate(used_on=timezone.now().date() - dt.timedelta(days=92))
    assert await line.ended() == 4401


async def test_a_closed_account_is_closed(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    await User.objects.filter(username="worker").aupdate(is_active=False)
    assert await line.ended() == 4401


@pytest.mark.parametrize("how", ["expired", "deleted", "another"])
@HOSTS
async def test_a_session_that_has_ended_is_closed(session: str, how: str) -> None:
    line = Line(session=session, origin=OURS)
    assert (await line.connect())[0]
    await line.said()
    if how == "expired":
        await Session.objects.filter(pk=session).aupdate(expire_date=timezone.now())
    elif how == "deleted":
        await Session.objects.filter(pk=session).adelete()
    else:
        await Device.objects.filter(session_key=session).aupdate(session_key="b" * 32)
    assert await line.ended() == 4401


async def test_another_history_makes_all_connect_anew(transactional_db: None, world: World) -> None:
    line = await open_line(world, "worker")
    await Head.objects.filter(pk=1).aupdate(epoch=uuid.uuid4())
    assert await line.ended() == 1012
