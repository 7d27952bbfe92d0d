"""A phone in Chromium: a browser with a folder of its own, which can lose the line, be killed and be started again."""

import contextlib
import io
import os
import signal
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright

WAIT_MS = 30_000


def photo(number: int, *, width: int = 2400, height: int = 1800) -> dict[str, Any]:
    """A JPEG for a file input, different for each number."""
    picture = Image.effect_noise((width // 8, height // 8), 40 + number).resize((width, height)).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return {"name": f"photo-{number}.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


class FieldPhone:
    """One person's browser. `folder` outlives a kill, as a phone's storage does."""

    def __init__(
        self, *, playwright: Playwright, chromium: str, folder: Path, url: str, at: tuple[float, float], lang: str = "zh-hans"
    ) -> None:
        self.playwright, self.chromium, self.folder, self.url, self.at, self.lang = playwright, chromium, folder, url, at, lang
        self.errors: list[str] = []
        self.offline = False
        self.context: BrowserContext
        self.page: Page

    def start(self) -> "FieldPhone":
        """Start the browser, with the line as it was."""
        lng, lat = self.at
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.folder), executable_path=self.chromium, headless=True, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            viewport={"width": 390, "height": 844}, locale="zh-CN" if self.lang == "zh-hans" else "en-GB",
            geolocation={"longitude": lng, "latitude": lat, "accuracy": 8}, permissions=["geolocation"],
        )  # fmt: skip
        self.context.set_default_timeout(WAIT_MS)
        self.context.set_offline(self.offline)
        self.page = self.context.pages[0]
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        return self

    def kill(self) -> None:
        """SIGKILL, as when the system ends an app: nothing is flushed, nobody is asked."""
        marker = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if marker in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.context.close()
        for lock in self.folder.glob("Singleton*"):
            lock.unlink()

    def line(self, there: bool) -> None:
        """Lose the line, or have it back."""
        self.offline = not there
        self.context.set_offline(self.offline)

    def sign_in(self, *, username: str, password: str) -> None:
        """From the shell through the sign-in page and back, until the first load is complete."""
        self.sign_in_again(username=username, password=password)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        # A browser keeps new cookies in memory for half a minute: sign-in is meant to have happened yesterday.
        self.context.close()
        self.start()

    def sign_in_again(self, *, username: str, password: str) -> None:
        """The same without starting the browser anew."""
        self.page.goto(self.url + "/field/")
        self.page.get_by_test_id("sign-in").click()
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.click("button[type=submit]:has-text('登录'), button[type=submit]:has-text('Sign in')")
        self.page.locator("[data-sync=fresh]").wait_for()

    def open(self, hash_: str = "") -> None:
        """Open the app, as from the home screen."""
        self.page.goto(f"{self.url}/field/{hash_}")

    def fill_report(self, *, photos: int, text: str, category: str = "0102") -> None:
        """Fill the report's screen; the place comes from the phone."""
        page = self.page
        page.goto(f"{self.url}/field/#/report")
        page.set_input_files("[data-testid=photos]", [photo(number) for number in range(1, photos + 1)])
        page.locator(f"[data-testid=gallery] figure >> nth={photos - 1}").wait_for()
        if (
            page.get_by_test_id("category-search").is_hidden()
            and not page.locator(f"[data-testid=category-chips] [data-category='{category}']").count()
        ):
            page.get_by_test_id("category-more").click()
        chip = page.locator(f"[data-testid=category-chips] [data-category='{category}']")
        (chip if chip.count() else page.locator(f"[data-testid=category-list] [data-category='{category}']")).click()
        page.get_by_test_id("description").fill(text)
        page.get_by_text("±8 m").wait_for()

    def save_report(self) -> str:
        """Press the button; the incident's id once the queue shows it."""
        self.page.get_by_test_id("save-report").click()
        row = self.page.locator("[data-testid=op]").first
        row.wait_for()
        return row.get_attribute("data-incident") or ""

    def until(self, script: str, what: str, within_s: float = 60) -> None:
        """Wait until JavaScript says true."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"not within {within_s} s: {what}\n{self.page.inner_text('body')}")
