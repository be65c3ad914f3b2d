"""A link to the pretended article with WeChat's subscribe button: a tap on it is the person's own, and opens no page."""

import pytest
from playwright.sync_api import expect

from bot.sandbox.acts import POPUP
from tests.sandbox.browsing import CHROMIUM, DESK, chromium, opened
from tests.sandbox.fake_account import text_answer
from tests.sandbox.rig import Rig, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: the page was NOT tested"),
]


def test_the_tap_is_an_event_of_the_accounts_template_and_other_pages_stay_links(served: tuple[Rig, str]):
    rig, url = served
    links = f'<a href="{url}/subscribe">打开订阅</a> <a href="https://x.example/subscribe">别处</a>'
    rig.account.answer = lambda message: text_answer(message, links)
    with chromium() as browser, opened(browser, url, DESK) as page:
        page.locator("#citizen textarea").fill("订阅通知")
        page.locator("#citizen textarea").press("Enter")
        elsewhere = page.locator("#citizen").get_by_role("link", name="别处")
        expect(elsewhere).to_have_attribute("href", "https://x.example/subscribe")
        page.locator("#citizen").get_by_role("button", name="打开订阅").click()
        until(lambda: [line["text"] for line in rig.lines() if line["kind"] == "event"] == [f"{POPUP} a-template"])
        rig.settle()
    assert POPUP in [heard.message.get("Event") for heard in rig.account.heard]
