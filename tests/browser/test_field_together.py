"""The field app beside others: news come live, two changes that disagree are shown, another person's queue stays theirs."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests import left_out
from tests.browser.api import Colleague
from tests.browser.field_phone import FieldPhone
from tests.running import PASSWORD, Server, running

AT = (108.9157698, 34.3267206)  # inside the worker's community of the small demo city, seed 7


@pytest.fixture(scope="module")
def server() -> Iterator[Server | None]:
    """One server for this file; None where there is no browser to look at it."""
    if not left_out.chromium():
        yield None
        return
    with running() as started:
        yield started


@pytest.fixture
def phone(server: Server | None) -> Iterator[FieldPhone | None]:
    """A signed-in worker's phone."""
    chromium = left_out.chromium()
    if server is None or chromium is None:
        yield None
        return
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="gridgov-phone-", ignore_cleanup_errors=True) as folder:
        held = FieldPhone(playwright=playwright, chromium=chromium, folder=Path(folder), url=server.url, at=AT).start()
        held.sign_in(username="worker", password=PASSWORD)
        yield held
        held.kill()


def _delivered(phone: FieldPhone, text: str) -> str:
    phone.fill_report(photos=1, text=text)
    incident = phone.save_report()
    phone.page.locator(f"[data-testid=op][data-incident='{incident}'][data-state=applied]").wait_for()
    return incident


def test_what_the_secretary_does_appears_on_the_open_case_without_a_reload(phone: FieldPhone | None) -> None:
    if phone is None:
        return
    incident = _delivered(phone, "井盖松动")
    phone.open(f"#/case/{incident}")
    phone.page.locator("[data-testid=case-state] [data-state=reported]").wait_for()
    secretary = Colleague(url=phone.url, username="secretary", password=PASSWORD)
    record = secretary.incident(incident)
    answer = secretary.push("incident.act", incident=incident, base_version=record["version"], action="register", args={})
    assert answer["outcome"] == "applied", answer
    phone.page.locator("[data-testid=case-state] [data-state=registered]").wait_for(timeout=10_000)
    secretary.push("incident.comment", incident=incident, comment=str(uuid.uuid4()), text="哪一根路灯杆？", visibility="reporter")
    phone.page.get_by_test_id("timeline").get_by_text("哪一根路灯杆？").wait_for(timeout=10_000)


def test_two_edits_of_one_text_are_a_conflict_that_the_author_sees_and_may_give_up(phone: FieldPhone | None) -> None:
    if phone is None:
        return
    incident = _delivered(phone, "原文")
    phone.open(f"#/case/{incident}")
    phone.page.locator("[data-testid=case-state] [data-state=reported]").wait_for()
    phone.line(False)
    phone.page.get_by_test_id("edit").click()
    phone.page.get_by_test_id("edit-text").fill("网格员的改动")
    phone.page.get_by_test_id("edit-save").click()
    phone.page.get_by_test_id("case-guess").wait_for()
    secretary = Colleague(url=phone.url, username="secretary", password=PASSWORD)
    record = secretary.incident(incident)
    answer = secretary.push(
        "incident.edit",
        incident=incident,
        base_version=record["version"],
        base={"description": "原文"},
        fields={"description": "书记的改动"},
    )
    assert answer["outcome"] == "applied", answer
    assert phone.page.get_by_test_id("case-text").inner_text() == "网格员的改动"
    phone.line(True)
    phone.page.get_by_test_id("conflict-line").wait_for()
    phone.page.locator("[data-testid=case-text]", has_text="书记的改动").wait_for()
    phone.open("#/today")
    phone.page.get_by_test_id("conflict-line").first.click()
    texts = {key: phone.page.get_by_test_id(f"conflict-{key}").locator("p").inner_text() for key in ("base", "mine", "theirs")}
    assert texts == {"base": "原文", "mine": "网格员的改动", "theirs": "书记的改动"}
    phone.page.get_by_test_id("take-server").click()
    phone.page.get_by_test_id("take-server").wait_for(state="detached")
    phone.page.get_by_text("保留了对方的内容").wait_for()
    kept = secretary.incident(incident)
    assert kept["description"] == "书记的改动"
    assert [conflict["state"] for conflict in kept["conflicts"]] == ["dropped"]


def test_logging_off_says_what_is_unsent_and_the_queue_waits_for_its_author(phone: FieldPhone | None) -> None:
    if phone is None:
        return
    page = phone.page
    page.route("**/api/v1/sync/ops", lambda route: route.abort())
    phone.fill_report(photos=1, text="未送达的一件")
    incident = phone.save_report()
    page.route("**/api/v1/sync/ops", lambda route: route.fulfill(status=503, body="{}", headers={"Content-Type": "application/json"}))
    phone.open("#/me")
    page.get_by_test_id("send-now").wait_for(state="detached")
    page.get_by_test_id("log-off").click()
    assert "1 件" in page.locator("dialog").inner_text()
    page.get_by_test_id("ask-yes").click()
    page.wait_for_url("**/login/**")
    page.unroute("**/api/v1/sync/ops")

    phone.sign_in_again(username="worker2", password=PASSWORD)
    phone.open("#/queue")
    page = phone.page
    page.get_by_test_id("pile-waiting").wait_for()
    assert page.locator(f"[data-incident='{incident}']").count() == 0
    phone.open("#/me")
    page.get_by_test_id("log-off").click()
    page.get_by_test_id("ask-yes").click()
    page.wait_for_url("**/login/**")

    phone.sign_in_again(username="worker", password=PASSWORD)
    phone.open("#/queue")
    phone.page.locator(f"[data-testid=op][data-incident='{incident}'][data-state=applied]").wait_for()


def test_the_app_opens_cold_and_shows_its_cases_while_the_server_is_away(phone: FieldPhone | None, server: Server | None) -> None:
    if phone is None or server is None:
        return
    incident = _delivered(phone, "断线也看得到")
    phone.open("#/today")
    phone.page.locator(f"[data-testid=case-line][data-incident='{incident}']").wait_for()
    phone.kill()
    server.kill()
    try:
        phone.start()
        phone.open("#/today")
        phone.page.locator(f"[data-testid=case-line][data-incident='{incident}']").wait_for()
        phone.page.locator("[data-sync=stale]").wait_for()
        assert phone.errors == []
    finally:
        server.start()
