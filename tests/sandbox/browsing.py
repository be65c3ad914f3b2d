"""A browser for tests of the page: nothing may go wrong in it, nothing may leave this machine, and axe looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK = {"width": 1440, "height": 900}
SMALL_DESK = {"width": 1024, "height": 768}
HAND = {"width": 390, "height": 844}
# The dots of somebody who is typing never end.
ENDED = """async () => {
  const ending = (each) => Number.isFinite(each.effect.getComputedTiming().endTime);
  await Promise.allSettled(document.getAnimations().filter(ending).map((each) => each.finished));
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, viewport: dict[str, int], **context: Any) -> Iterator[Page]:
    """The page at this size. Any script error, and any request elsewhere, fails the test."""
    # axe is put into the page by the test, which the page's own policy rightly forbids.
    made = browser.new_context(viewport=viewport, bypass_csp=True, **context)  # type: ignore[arg-type]
    page = made.new_page()
    troubles: list[str] = []
    here = (url.partition("#")[0], "data:")
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(here) else troubles.append(request.url))
    page.goto(url)
    page.locator(".phone .composer").first.wait_for(state="attached")
    yield page
    made.close()
    assert troubles == []


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds serious or critical in what is seen now, once nothing slides or fades any more."""
    page.evaluate(ENDED)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
