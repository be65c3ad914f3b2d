"""The page of a finding in a real browser, on a phone: one screen, two languages, no script, nothing from elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.receipts.rig import Bureau, order_less, put_by, twin
from tests.receipts.test_finding_pages import open_finding, two_faces
from tests.receipts.test_receipt_browser import LANGUAGES, PHONE, browser, phone, pytestmark, served, sizes

__all__ = ["browser", "pytestmark"]


@pytest.fixture(scope="module")
def findings(calm: Bureau, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """公安局's web side, where two findings are open."""
    bureau = twin(calm, tmp_path_factory.mktemp("findings"))
    order_less(bureau)
    found = {"amounts": open_finding(bureau, "R19"), "evidence": two_faces(bureau)}
    with served(bureau, bureau.police) as url:
        yield url, found
    bureau.county.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["amounts", "evidence"])
def test_a_finding_is_one_screen_of_a_phone(
    browser: Browser, findings: tuple[str, dict[str, str]], language: str, kind: str
):
    url, found = findings
    with phone(browser, url) as page:
        page.goto(f"{url}/findings/{found[kind]}?lang={language}")
        put_by(f"finding-{kind}-{language}.png", page.screenshot(full_page=True))
        width, height = sizes(page)
        assert width <= PHONE["width"]
        assert height <= PHONE["height"]
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
        expect(page.locator("h1")).to_have_count(1)
        assert page.locator("script, style, [style], [onclick]").count() == 0
        page.locator("summary").tap()
        assert sizes(page)[0] <= PHONE["width"]


def test_the_other_language_the_receipts_and_the_evidence_are_one_tap_away(
    browser: Browser, findings: tuple[str, dict[str, str]]
):
    url, found = findings
    with phone(browser, url) as page:
        page.goto(f"{url}/findings/{found['amounts']}")
        page.get_by_role("link", name="English").tap()
        expect(page.locator("summary")).to_have_text("What became of it, and how to check it")
        page.locator(".compared a").first.tap()
        expect(page.locator(".letters")).to_be_visible()
        page.goto(f"{url}/findings/{found['evidence']}")
        with page.expect_download() as download:
            page.get_by_role("link", name="下载证据文件").tap()
        assert json.loads(Path(download.value.path()).read_bytes())["version"] == 1


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_it_fits_other_widths(browser: Browser, findings: tuple[str, dict[str, str]], width: int):
    url, found = findings
    with phone(browser, url) as page:
        page.set_viewport_size({"width": width, "height": 800})
        for finding in found.values():
            page.goto(f"{url}/findings/{finding}")
            assert sizes(page)[0] <= width
