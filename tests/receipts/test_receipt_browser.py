"""The receipt page in a real browser, on a phone: one screen, two languages, no script, nothing from elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from ledger.node import Node
from ledger.records.check_code import check_code, in_groups
from tests.receipts.rig import Bureau, order_less, put_by, twin
from tests.sandbox.browsing import ARGS, CHROMIUM

PHONE: ViewportSize = {"width": 390, "height": 844}
LANGUAGES = ("zh", "en")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: the page was NOT tested"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@contextmanager
def served(bureau: Bureau, node: Node | None = None) -> Iterator[str]:
    """民政局's web side, or another one, on a port."""
    server = make_server("127.0.0.1", 0, bureau.app(node or bureau.civil), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def url(calm: Bureau) -> Iterator[str]:
    with served(calm) as url:
        yield url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with phone(browser, url) as page:
        yield page


@contextmanager
def phone(browser: Browser, url: str) -> Iterator[Page]:
    """A phone. Any script error, any blocked resource and any request elsewhere fails the test."""
    context = browser.new_context(viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else troubles.append(request.url))
    yield page
    context.close()
    assert [one for one in troubles if "404 (NOT FOUND)" not in one] == []


def sizes(page: Page) -> tuple[int, int]:
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth"), page.evaluate(f"{root}.scrollHeight")


@pytest.fixture(scope="module")
def disputed(calm: Bureau, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bureau, str]]:
    """A county of which everybody knows that something does not agree, and the web side of 民政局."""
    bureau = twin(calm, tmp_path_factory.mktemp("disputed"))
    order_less(bureau)
    with served(bureau) as url:
        yield bureau, url
    bureau.county.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", ["own", "mirrored"])
def test_a_receipt_with_a_finding_is_one_screen_of_a_phone_too(
    browser: Browser, disputed: tuple[Bureau, str], language: str, of: str
):
    bureau, url = disputed
    node, kind = (bureau.civil, "award-approved") if of == "own" else (bureau.finance, "payment-created")
    with phone(browser, url) as page:
        page.goto(f"{url}/receipts/{bureau.record(node, kind).record_id}?lang={language}")
        put_by(f"receipt-finding-{of}-{language}.png", page.screenshot(full_page=True))
        expect(page.locator(".warning")).to_have_count(1)
        expect(page.locator(".warning")).to_contain_text("3,000.00")
        width, height = sizes(page)
        assert width <= PHONE["width"]
        assert height <= PHONE["height"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("of", ["own", "mirrored"])
def test_a_receipt_is_one_screen_of_a_phone(page: Page, url: str, calm: Bureau, language: str, of: str):
    record = calm.record(calm.civil, "award-approved") if of == "own" else calm.record(calm.finance, "bank-result")
    page.goto(f"{url}/receipts/{record.record_id}?lang={language}")
    put_by(f"receipt-{of}-{language}.png", page.screenshot(full_page=True))
    width, height = sizes(page)
    assert width <= PHONE["width"]
    assert height <= PHONE["height"]
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    expect(page.locator("h1")).to_contain_text("20,000.00")
    expect(page.locator(".letters")).to_have_text(in_groups(check_code(record.leaf)))
    expect(page.locator(".letters")).to_be_in_viewport()
    assert page.locator(".code img").evaluate("image => image.complete && image.naturalWidth > 0")
    expect(page.locator("li")).to_have_count(2)


def test_the_other_language_is_one_tap_away_and_back(page: Page, url: str, calm: Bureau):
    page.goto(f"{url}/receipts/{calm.record(calm.civil, 'award-approved').record_id}")
    expect(page.locator("summary")).to_have_text("怎么自己核对")
    page.get_by_role("link", name="English").tap()
    expect(page.locator("summary")).to_have_text("Check it yourself")
    page.get_by_role("link", name="中文").tap()
    expect(page.locator("summary")).to_have_text("怎么自己核对")


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_to_check_it_opens_without_a_script_and_leads_to_the_file(
    page: Page, url: str, calm: Bureau, language: str
):
    record = calm.record(calm.civil, "award-approved")
    page.goto(f"{url}/receipts/{record.record_id}?lang={language}")
    page.locator("summary").tap()
    put_by(f"receipt-how-{language}.png", page.screenshot(full_page=True))
    assert sizes(page)[0] <= PHONE["width"]
    with page.expect_download() as download:
        page.locator("details a").tap()
    assert download.value.suggested_filename == f"{record.record_id}.tlog-proof"
    assert Path(download.value.path()).read_bytes().startswith(b"c2sp.org/tlog-proof@v1\n")
    assert page.locator("script, style, [style], [onclick]").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_not_here_is_told_kindly_on_one_screen(page: Page, url: str, language: str):
    answer = page.goto(f"{url}/receipts/{'x' * 42}A?lang={language}")
    put_by(f"receipt-unknown-{language}.png", page.screenshot(full_page=True))
    assert answer is not None
    assert answer.status == 404
    width, height = sizes(page)
    assert width <= PHONE["width"]
    assert height <= PHONE["height"]


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_it_fits_other_widths(page: Page, url: str, calm: Bureau, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{url}/receipts/{calm.record(calm.finance, 'payment-created').record_id}")
    assert sizes(page)[0] <= width
