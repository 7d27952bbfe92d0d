"""The desk in a real browser: news come without moving the reader, typed text stays, keys work, a stale page says so."""

import contextlib
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests import left_out
from tests.browser.api import Colleague
from tests.browser.desk_browser import DeskBrowser, launch
from tests.running import PASSWORD, Server, running

AT = {"lng": 108.9157698, "lat": 34.3267206, "datum": "wgs84", "accuracy_m": 8, "source": "gps"}  # inside the worker's community
SOON_MS = 10_000


class Story:
    """A desk that looks on while colleagues work."""

    def __init__(self, *, server: Server, desk: DeskBrowser) -> None:
        self.server, self.desk, self.page = server, desk, desk.page
        self.worker = Colleague(url=server.url, username="worker", password=PASSWORD)
        self.secretary = Colleague(url=server.url, username="secretary", password=PASSWORD)

    def report(self, text: str, **keys: object) -> str:
        """A new case of the worker's; its id."""
        incident = str(uuid.uuid4())
        keys = {"category": "0102", "position": AT} | keys
        answer = self.worker.push("incident.report", incident=incident, description=text, **keys)
        assert answer["outcome"] == "applied", answer
        return incident

    def act(self, incident: str, action: str, **args: str) -> None:
        """A colleague's step."""
        version = self.secretary.incident(incident)["version"]
        answer = self.secretary.push("incident.act", incident=incident, base_version=version, action=action, args=args)
        assert answer["outcome"] == "applied", answer


@pytest.fixture(scope="module")
def server() -> Iterator[Server | None]:
    """One server for this file; None where there is no browser to look at it."""
    with running() if left_out.chromium() else contextlib.nullcontext() as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser | None]:
    """One Chromium for this file, or None."""
    chromium = left_out.chromium()
    if chromium is None:
        yield None
        return
    with sync_playwright() as playwright:
        started = launch(playwright, chromium)
        yield started
        started.close()


@pytest.fixture
def story(server: Server | None, browser: Browser | None) -> Iterator[Story | None]:
    """The secretary at a fresh desk."""
    if server is None or browser is None:
        yield None
        return
    desk = DeskBrowser(browser=browser, url=server.url).sign_in("secretary")
    yield Story(server=server, desk=desk)
    assert desk.errors == []
    desk.close()


def test_new_cases_flash_on_top_or_wait_behind_a_button_when_the_reader_has_scrolled(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    cases = [story.report(f"第 {n} 件") for n in range(14)]
    expect(desk.line(cases[-1])).to_have_class("arrived", timeout=SOON_MS)
    assert page.locator("[data-role=lines] li").first.get_attribute("data-id") == cases[-1]

    page.evaluate("document.querySelector('#queue').scrollTop = 300")
    top = page.evaluate("document.querySelector('#queue').scrollTop")
    before = desk.line(cases[4]).bounding_box()
    story.report("新来的一件")
    latest = story.report("再来一件")
    expect(page.locator("[data-role=fresh]")).to_have_text("2 new cases ↑", timeout=SOON_MS)
    expect(desk.line(latest)).to_have_count(0)
    # The button lies over the list; nothing has moved under the reader.
    after = desk.line(cases[4]).bounding_box()
    assert before and after and abs(before["y"] - after["y"]) < 2, (before, after, top)
    page.locator("[data-role=fresh]").click()
    expect(desk.line(latest)).to_be_visible()
    expect(page.locator("[data-role=fresh]")).to_be_hidden()


def test_typed_text_the_open_form_and_the_focus_stay_while_the_case_changes(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    case = story.report("垃圾堆放")
    desk.open(case)
    page.keyboard.press("x")
    form = page.locator("form[data-action=reject]")
    form.locator("[name=sentence]").fill("不属于本社区")
    page.get_by_test_id("comment").fill("还没写完")
    form.locator("[name=sentence]").focus()
    story.act(case, "register")
    expect(page.get_by_test_id("state")).to_contain_text("registered", timeout=SOON_MS)
    expect(form).to_be_visible()
    expect(form.locator("[name=sentence]")).to_have_value("不属于本社区")
    expect(form.locator("[name=sentence]")).to_be_focused()
    expect(page.get_by_test_id("comment")).to_have_value("还没写完")

    # What was begun on the old state is answered in words, and nothing typed is lost.
    form.locator("[name=reason]").select_option("not_ours")
    form.locator("[name=office]").fill("市政处")
    page.get_by_test_id("send-reject").click()
    expect(page.get_by_test_id("said")).to_contain_text("not possible in the case's present state", timeout=SOON_MS)
    expect(form.locator("[name=sentence]")).to_have_value("不属于本社区")
    expect(page.get_by_test_id("state")).to_contain_text("registered")


def test_a_missing_reason_is_asked_for_before_anything_is_sent(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    desk.open(story.report("噪声"))
    page.keyboard.press("x")
    page.get_by_test_id("send-reject").click()
    expect(page.get_by_test_id("said")).to_have_text("Please fill this in.")
    expect(page.locator("form[data-action=reject] [name=reason]")).to_be_focused()
    expect(page.get_by_test_id("state")).to_contain_text("reported")


def test_a_whole_case_by_keyboard(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    case = story.report("键盘处理", category="0301")
    expect(desk.line(case)).to_be_visible(timeout=SOON_MS)
    page.keyboard.press("j")
    expect(page.locator(f"article[data-case='{case}']")).to_be_visible()
    assert case in page.url
    for key, send, state in (
        ("r", "send-register", "registered"),
        ("s", "send-resolve", "to be signed off"),
        ("c", "send-close", "closed"),
    ):
        page.locator("#case").focus()
        page.keyboard.press(key)
        if key == "s":
            page.locator("form[data-action=resolve] [name=outcome]").select_option("fixed")
        page.get_by_test_id(send).press("Enter")
        expect(page.get_by_test_id("state")).to_contain_text(state, timeout=SOON_MS)
    expect(page.get_by_test_id("timeline").locator("li")).to_have_count(4)
    page.locator("#case").focus()
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    assert desk.was_never_reloaded()


def test_a_conflict_takes_a_value_of_ones_own(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    case = story.report("原文")
    for who, text in ((story.secretary, "甲"), (story.worker, "乙")):
        who.push("incident.edit", incident=case, base_version=1, base={"description": "原文"}, fields={"description": text})
    page.goto(f"{story.server.url}/desk/cases/{case}/")
    page.get_by_test_id("conflict").locator("[name=value]").fill("甲和乙")
    page.get_by_test_id("take-value").click()
    expect(page.get_by_test_id("conflict")).to_have_count(0, timeout=SOON_MS)
    expect(page.get_by_test_id("description")).to_have_text("甲和乙")
    assert [c["state"] for c in story.worker.incident(case)["conflicts"]] == ["taken"]
    assert desk.errors == []


def test_a_text_for_a_conflict_that_a_colleague_decided_is_not_lost(story: Story | None) -> None:
    if story is None:
        return
    page = story.page
    case = story.report("原文")
    for who, text in ((story.secretary, "甲"), (story.worker, "乙")):
        who.push("incident.edit", incident=case, base_version=1, base={"description": "原文"}, fields={"description": text})
    page.goto(f"{story.server.url}/desk/cases/{case}/")
    page.get_by_test_id("conflict").locator("[name=value]").fill("写了很久的一段话")
    record = story.secretary.incident(case)
    story.secretary.push("conflict.resolve", conflict=record["conflicts"][0]["id"], take="client", base_version=record["version"])
    expect(page.get_by_test_id("conflict")).to_have_count(0, timeout=SOON_MS)
    expect(page.locator("[data-role=said] textarea")).to_have_value("写了很久的一段话")


def test_an_own_change_of_a_stale_text_is_parked_and_said(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    case = story.report("原文")
    desk.open(case)
    page.get_by_test_id("edit").click()
    page.get_by_test_id("edit-text").fill("我的改动")
    answer = story.worker.push(
        "incident.edit", incident=case, base_version=1, base={"description": "原文"}, fields={"description": "网格员的改动"}
    )
    assert answer["outcome"] == "applied"
    expect(page.get_by_test_id("description")).to_have_text("网格员的改动", timeout=SOON_MS)
    expect(page.get_by_test_id("edit-text")).to_have_value("我的改动")
    page.get_by_test_id("edit-save").click()
    expect(page.get_by_test_id("said")).to_contain_text("Someone else has changed the same field", timeout=SOON_MS)
    expect(page.get_by_test_id("client")).to_have_text("我的改动")


def test_the_desk_says_that_the_line_is_gone_and_catches_up_by_itself(story: Story | None) -> None:
    if story is None:
        return
    desk, page = story.desk, story.page
    desk.open(story.report("断线之前"))
    page.get_by_test_id("comment").fill("断线时写的")
    story.server.kill()
    expect(page.locator("#live")).to_have_attribute("data-state", "closed", timeout=SOON_MS)
    page.get_by_test_id("comment-send").click()
    expect(page.get_by_test_id("said")).to_contain_text("cannot be reached", timeout=SOON_MS)
    expect(page.get_by_test_id("comment")).to_have_value("断线时写的")
    story.server.start()
    case = story.report("断线期间")
    expect(desk.line(case)).to_be_visible(timeout=60_000)
    page.get_by_test_id("comment-send").click()
    expect(page.get_by_test_id("timeline")).to_contain_text("断线时写的", timeout=SOON_MS)
    expect(page.get_by_test_id("comment")).to_have_value("")


def test_signing_out_elsewhere_is_said(story: Story | None) -> None:
    if story is None:
        return
    story.desk.context.request.post(f"{story.server.url}/api/v1/auth/logout", headers=_csrf(story))
    expect(story.page.locator("#live")).to_have_attribute("data-state", "signed-out", timeout=SOON_MS)
    expect(story.page.locator("#live a")).to_have_attribute("href", "/login/?next=%2Fdesk%2F")


def _csrf(story: Story) -> dict[str, str]:
    token = next(cookie["value"] for cookie in story.desk.context.cookies() if cookie["name"] == "csrftoken")
    return {"X-CSRFToken": token, "Referer": story.server.url}
