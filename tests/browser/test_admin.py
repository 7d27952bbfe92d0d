"""The admin in Chromium: down the tree to a cell's map, a place chosen by typing, both languages, and nothing that the policy forbids."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.left_out import chromium
from tests.running import PASSWORD, Server, running

SIZES = [(1280, 900), (320, 700)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server | None]:
    """A demo city, where there is a browser."""
    if chromium() is None:
        yield None
        return
    with running() as started:
        yield started


class Admin:
    """A signed-in administrator's browser; `wrong` collects errors of pages, failed loads and breaches of the policy."""

    def __init__(self, playwright: Any, url: str, *, language: str, size: tuple[int, int], path: str) -> None:
        self.browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"])
        context = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=language)
        self.wrong: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.goto(f"{url}/login/?next={path}")
        self.page.fill("[name=username]", "admin")
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form.card button[type=submit]")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("language", "whole"), [("zh-CN", "全市"), ("en-GB", "Whole city")])
def test_one_walks_down_the_tree_to_the_map_of_a_cell(server: Server | None, language: str, whole: str, size: tuple[int, int]) -> None:
    if server is None:
        return
    with sync_playwright() as playwright:
        admin = Admin(playwright, server.url, language=language, size=size, path="/admin/grids/place/")
        page = admin.page
        for step in range(3):
            page.locator("a.down").first.click()
            expect(page.locator("nav.line a")).to_have_count(step + 2)  # the city, the places above, and the map of this one
        expect(page.locator("nav.line a").first).to_have_text(whole)
        page.locator("th.field-code a").first.click()
        expect(page.locator("#place-map path.own")).to_have_count(1)
        expect(page.locator("#place-map path.parent")).to_have_count(1)
        assert page.locator("#place-map path.sibling").count() >= 1
        expect(page.locator("#place-map .watermark")).to_have_text("示意数据 · not real boundaries")
        own, sibling = (
            page.locator(f"#place-map path.{role}").first.evaluate("e => getComputedStyle(e).stroke") for role in ("own", "sibling")
        )
        assert own == "rgb(24, 87, 182)" and sibling != own, "the cell in the accent, its neighbours in the colour of lines"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is wider than the screen"
        assert admin.wrong == []
        admin.browser.close()


def test_a_membership_is_made_by_typing_parts_of_codes_and_names(server: Server | None) -> None:
    if server is None:
        return
    with sync_playwright() as playwright:
        admin = Admin(playwright, server.url, language="en-GB", size=SIZES[0], path="/admin/grids/membership/add/")
        page = admin.page
        for field, text in (("user", "worker2"), ("unit", "610104"), ("place", "610104001")):
            page.locator(f"#id_{field} + .select2").click()
            with page.expect_response(lambda answer, text=text: f"term={text}&" in answer.url + "&"):
                page.keyboard.type(text)  # the list that opened first, for no text at all, must not be taken for the answer
            page.locator(".select2-results__option--highlighted").first.wait_for()
            page.locator(".select2-results__option[aria-selected]").first.click()
        page.select_option("#id_role", "secretary")
        page.fill("#id_since", "2026-01-01")
        page.click("[name=_save]")
        page.locator(".messagelist .success").wait_for()
        page.goto(f"{server.url}/admin/grids/membership/?q=worker2&role__exact=secretary")
        expect(page.locator("#result_list tbody tr")).to_have_count(1)
        assert admin.wrong == []
        admin.browser.close()


def test_the_language_is_switched_where_one_is(server: Server | None) -> None:
    if server is None:
        return
    with sync_playwright() as playwright:
        admin = Admin(playwright, server.url, language="zh-CN", size=SIZES[0], path="/admin/grids/orgunit/?q=610104")
        admin.page.click("form.languages button[value=en]")
        expect(admin.page.locator("html")).to_have_attribute("lang", "en")
        assert admin.page.url.endswith("/admin/grids/orgunit/?q=610104")
        admin.page.click("#logout-form button")
        admin.page.wait_for_url("**/login/**")
        admin.page.goto(f"{server.url}/admin/")
        assert "/login/" in admin.page.url
        assert admin.wrong == []
        admin.browser.close()
