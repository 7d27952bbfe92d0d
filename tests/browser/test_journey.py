"""The whole way of a report: from a phone without signal, over a killed browser, to the desk and back; and a conflict decided there."""

import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import left_out
from tests.browser.desk_browser import DeskBrowser, launch
from tests.browser.field_phone import FieldPhone
from tests.running import PASSWORD, running

AT = (108.9157698, 34.3267206)  # inside the worker's community of the small demo city, seed 7
SOON_MS = 30_000


def _travel(*, url: str, chromium: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        phone = FieldPhone(playwright=playwright, chromium=chromium, folder=folder, url=url, at=AT).start()
        phone.sign_in(username="worker", password=PASSWORD)
        desk = DeskBrowser(browser=launch(playwright, chromium), url=url).sign_in("secretary")

        # Without signal: a report with three photos, and the browser dies.
        phone.line(False)
        phone.fill_report(photos=3, text="枣园西路路面塌陷")
        incident = phone.save_report()
        phone.kill()
        phone.start()
        phone.open("#/queue")
        phone.page.locator(f"[data-testid=op][data-incident='{incident}']").wait_for()
        expect(desk.line(incident)).to_have_count(0)

        # Signal: the open desk shows it, and its photos as they come.
        phone.line(True)
        expect(desk.line(incident)).to_be_visible(timeout=SOON_MS)
        desk.open(incident)
        expect(desk.page.get_by_test_id("photo-count")).to_have_text("3 of 3 photos", timeout=SOON_MS)
        expect(desk.page.locator(".gallery img")).to_have_count(3)

        # Registered at the desk, seen on the phone.
        desk.page.keyboard.press("r")
        desk.page.get_by_test_id("send-register").click()
        expect(desk.page.get_by_test_id("state")).to_contain_text("registered", timeout=SOON_MS)
        phone.open(f"#/case/{incident}")
        expect(phone.page.locator("[data-testid=case-state] [data-state=registered]")).to_be_visible(timeout=SOON_MS)

        # Both change the same text.
        phone.line(False)
        phone.page.get_by_test_id("edit").click()
        phone.page.get_by_test_id("edit-text").fill("路面塌陷,两米见方")
        phone.page.get_by_test_id("edit-save").click()
        phone.page.get_by_test_id("case-guess").wait_for()
        desk.page.get_by_test_id("edit").click()
        desk.page.get_by_test_id("edit-text").fill("路面塌陷,已围挡")
        desk.page.get_by_test_id("edit-save").click()
        expect(desk.page.get_by_test_id("description")).to_have_text("路面塌陷,已围挡", timeout=SOON_MS)
        phone.line(True)
        expect(desk.page.get_by_test_id("client")).to_have_text("路面塌陷,两米见方", timeout=SOON_MS)
        expect(desk.page.get_by_test_id("server")).to_have_text("路面塌陷,已围挡")
        expect(phone.page.get_by_test_id("conflict-line")).to_be_visible(timeout=SOON_MS)

        # Decided at the desk, for both.
        desk.page.get_by_test_id("take-client").click()
        expect(desk.page.get_by_test_id("conflict")).to_have_count(0, timeout=SOON_MS)
        expect(desk.page.get_by_test_id("description")).to_have_text("路面塌陷,两米见方")
        expect(phone.page.get_by_test_id("case-text")).to_have_text("路面塌陷,两米见方", timeout=SOON_MS)
        expect(phone.page.get_by_test_id("conflict-line")).to_have_count(0, timeout=SOON_MS)

        assert desk.was_never_reloaded()
        assert desk.errors == []
        assert phone.errors == []
        desk.close()
        phone.kill()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_report_travels_from_a_phone_without_signal_to_the_desk_and_back(kind: str) -> None:
    chromium = left_out.chromium()
    redis = left_out.redis_url() if kind == "postgres" else None
    if chromium is None or (kind == "postgres" and redis is None):
        return
    several = {"REDIS_URL": redis} if redis else {}
    with (
        left_out.database_of_kind(kind) as database,
        tempfile.TemporaryDirectory(prefix="gridgov-phone-", ignore_cleanup_errors=True) as folder,
    ):
        if database is None:
            return
        args = "--scale small --seed 7" + (" --workers 2" if kind == "postgres" else "")
        with running(args=args, database_url=database, **several) as server:
            _travel(url=server.url, chromium=chromium, folder=Path(folder))
