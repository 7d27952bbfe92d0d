"""The field app in a real browser against a real server: written without a line, killed, started again, delivered."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests import left_out
from tests.browser.field_phone import FieldPhone
from tests.running import PASSWORD, Server, running

AT = (108.9157698, 34.3267206)  # inside the worker's community of the small demo city, seed 7

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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


def test_a_report_with_three_photos_survives_a_killed_browser_without_a_line_and_is_delivered(phone: FieldPhone | None) -> None:
    if phone is None:
        return
    phone.line(False)
    phone.fill_report(photos=3, text="路面塌陷,夜里看不见")
    incident = phone.save_report()
    phone.kill()
    phone.start()
    phone.open("#/queue")
    row = phone.page.locator(f"[data-testid=op][data-incident='{incident}']")
    row.wait_for()
    assert row.get_attribute("data-state") == "waiting"
    assert row.locator("[data-testid=photo]").count() == 3
    phone.line(True)
    phone.page.get_by_test_id("send-now").click()
    phone.page.locator(f"[data-testid=op][data-incident='{incident}'][data-state=applied]").wait_for()
    phone.page.locator(f"[data-testid=op][data-incident='{incident}'] [data-photo-state=stored] >> nth=2").wait_for()
    phone.open(f"#/case/{incident}")
    phone.page.locator("[data-testid=case-state] [data-state=reported]").wait_for()
    assert "3/3" in phone.page.get_by_test_id("photo-count").inner_text()
    assert phone.errors == []


def test_a_draft_is_there_again_after_a_killed_tab(phone: FieldPhone | None) -> None:
    if phone is None:
        return
    phone.line(False)
    phone.fill_report(photos=1, text="写到一半")
    phone.page.wait_for_function("document.querySelector('[data-testid=draft-note]').textContent.length > 0")
    phone.until("document.querySelector('[data-testid=draft-note]').textContent.match(/已存|saved/) !== null", "the draft is saved")
    phone.page.wait_for_timeout(600)
    phone.kill()
    phone.start()
    phone.open("#/queue")
    phone.page.get_by_test_id("draft-line").first.click()
    phone.page.get_by_test_id("description").wait_for()
    assert phone.page.get_by_test_id("description").input_value() == "写到一半"
    assert phone.page.locator("[data-testid=gallery] figure").count() == 1
