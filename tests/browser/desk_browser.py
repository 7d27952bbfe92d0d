"""A desk in Chromium: a signed-in browser of its own, wide, in English, with what went wrong in it."""

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright

from tests.running import PASSWORD

WAIT_MS = 30_000
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright, chromium: str) -> Browser:
    """A browser in which several people's desks may stand."""
    return playwright.chromium.launch(executable_path=chromium, args=ARGS)


class DeskBrowser:
    """One person's desk."""

    def __init__(self, *, browser: Browser, url: str, width: int = 1280, height: int = 800) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(locale="en-GB", viewport={"width": width, "height": height})
        self.context.set_default_timeout(WAIT_MS)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        # A content policy that is broken is told here, not as an error of the page.
        self.page.on("console", lambda said: self.errors.append(said.text) if "Content Security Policy" in said.text else None)

    def sign_in(self, username: str, path: str = "/desk/") -> "DeskBrowser":
        """From the page that one wanted through the sign-in page and back, until it is live."""
        page = self.page
        page.goto(self.url + path)
        page.fill("[name=username]", username)
        page.fill("[name=password]", PASSWORD)
        page.click("form.card button[type=submit]")
        page.locator("#live[data-state=live]").wait_for()
        page.evaluate("window.sameDocument = true")
        return self

    def line(self, incident: str) -> Locator:
        """The case's line in the queue."""
        return self.page.locator(f"[data-role=lines] li[data-id='{incident}']")

    def open(self, incident: str) -> None:
        """Open a case that stands in the queue."""
        self.line(incident).locator("a").click()
        self.page.locator(f"article[data-case='{incident}']").wait_for()

    def was_never_reloaded(self) -> bool:
        """Is it the document that it was after signing in?"""
        return self.page.evaluate("window.sameDocument === true") is True

    def close(self) -> None:
        """Leave the desk."""
        self.context.close()
