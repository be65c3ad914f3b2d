"""The six things to try, by the page alone: at a desk's and a phone's width, in both languages, on one network.

The demo begins again before each. `make demo` and a browser are all that a visitor has; so here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.demo.network import Network, until
from tests.demo.pictures import Album, shows
from tests.sandbox.browsing import CHROMIUM, DESK, HAND, SMALL_DESK, accessibility_faults, chromium, opened

LEVER_SECONDS = 120
TAP_SECONDS = 60
TAPS_MAX = 20
HONEST = ("民政局", "公安局", "审计局")
NAMES = {"zh": ("下一步", "6步都试过了"), "en": ("Next", "All six are done")}
# The width a visitor may have, and the language: each pair goes through all six.
VISITS = [pytest.param((DESK, "zh"), id="desk"), pytest.param((HAND, "en"), id="hand")]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Debian's chromium is not installed: the six steps were NOT tried"
    ),
]


@pytest.fixture(scope="module")
def town(network: Network) -> Network:
    """The network of all these tests: what they did to it is put back first."""
    return network


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def state(town: Network) -> Any:
    return town.http.get(f"{town.sandbox_url}/api/state").json()


def can(town: Network, lever: str) -> bool:
    """Whether a lever may be pulled now."""
    return any(one["name"] == lever and one["enabled"] for one in state(town)["levers"]["levers"])


def pull(town: Network, lever: str, department: str = "") -> None:
    """Pull a lever as the page does, and wait until it is done."""
    answer = town.http.post(f"{town.sandbox_url}/api/levers", json={"lever": lever, "department": department})
    assert answer.status_code == 202, answer.text
    until(lambda: state(town)["levers"]["running"] is None or None, LEVER_SECONDS, lever, pause=0.2)
    assert state(town)["levers"]["failed"] is False, state(town)["levers"]["says"]


@pytest.fixture(scope="module", params=VISITS)
def visit(request: pytest.FixtureRequest, town: Network, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A visitor who finds the demo as it began, and leaves it to the next."""
    size, language = request.param
    if state(town)["levers"]["beginnings"] > 1 or any(map(any, state(town)["steps"])):
        pull(town, "reset")
    assert not any(map(any, state(town)["steps"]))
    with opened(browser, f"{town.sandbox_url}/#lang={language}", size) as page:
        page.locator("#next").wait_for()
        yield page, language
    if can(town, "restore"):
        pull(town, "restore")


def done(town: Network, at: int) -> bool:
    return all(state(town)["steps"][at])


def go_on(page: Page, town: Network, at: int, look: Callable[[], None] = lambda: None) -> None:
    """Press what comes next until a step is done, and look after each press."""
    before = None
    for _ in range(TAPS_MAX):
        if done(town, at):
            return
        now = state(town)["steps"]
        assert now != before, (page.locator("#next").inner_text(), chat(page, "citizen"), chat(page, "officer"))
        before = now
        page.locator("#next").click()
        expect(page.locator("#onward")).to_have_attribute("aria-busy", "false", timeout=TAP_SECONDS * 1000)
        look()
    raise AssertionError(f"step {at + 1} took more than {TAPS_MAX} taps")


def chat(page: Page, side: str) -> str:
    return page.locator(f"#{side} .chat").inner_text()[-1500:]


def last_answer(page: Page, side: str) -> Locator:
    return page.locator(f"#{side} .theirs:not(.typing) .bubble").last


def fits(page: Page) -> None:
    width = page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#next")).to_be_in_viewport()


# The steps stand in the order in which a visitor takes them; each begins where the one before ended.


def test_1_the_farmer_asks_whether_the_money_has_come(visit, town, album: Album):
    page, language = visit
    answered = album.once(page, "asked", lambda: shows(last_answer(page, "citizen"), "您收到多少"), "citizen")
    go_on(page, town, 0, answered)
    said = {"zh": "已批准 20,000.00元", "en": "20,000.00 yuan"}[language]
    expect(last_answer(page, "citizen")).to_contain_text(said)
    fits(page)


def test_2_she_says_what_she_received(visit, town):
    page, language = visit
    go_on(page, town, 1)
    said = {"zh": "说收到了救助金 20,000.00元", "en": "20,000.00 yuan"}[language]
    expect(last_answer(page, "citizen")).to_contain_text(said)
    expect(last_answer(page, "citizen")).to_contain_text(re.compile(r"[0-9A-HJKMNP-TV-Z]{12}"))


def test_3_the_migrant_worker_binds_and_his_permit_is_approved_by_two_people(visit, town, album: Album):
    page, language = visit
    read_back = album.once(
        page, "read-back", lambda: shows(last_answer(page, "officer"), "请核对", "批准"), "citizen", "officer"
    )
    go_on(page, town, 2, read_back)
    expect(page.locator("#citizen .who")).to_contain_text({"zh": "陈志强", "en": "Chen Zhiqiang"}[language])
    said = {"zh": "现在：已批准", "en": "approved"}[language]
    expect(last_answer(page, "citizen")).to_contain_text(said)


def test_4_the_old_womans_allowance_goes_through_four_people_of_two_departments(visit, town):
    page, language = visit
    go_on(page, town, 3)
    said = {"zh": "尚未附银行回执", "en": "100.00 yuan"}[language]
    expect(last_answer(page, "citizen")).to_contain_text(said)
    assert not [one for one in town.http.get(f"{town.sandbox_url}/api/codes").json() if one["expires"] is None]


def test_5_the_failed_payment_is_issued_again_and_she_is_told(visit, town, album: Album):
    page, language = visit
    failed = album.once(
        page, "failed", lambda: shows(last_answer(page, "citizen"), "没能打进您的卡", "补发"), "citizen"
    )
    go_on(page, town, 4, failed)
    said = {"zh": "已重新发放", "en": "1,560.00 yuan"}[language]
    expect(page.locator("#citizen .chat")).to_contain_text(said)
    expect(page.locator("#citizen .line.notice").first).to_contain_text("1,560.00", timeout=60_000)


def test_6_the_button_rewrites_the_books_and_both_figures_are_read_in_both_chats(visit, town, album: Album):
    page, language = visit
    go_on(page, town, 5)
    for side in ("citizen", "officer"):
        expect(last_answer(page, side)).to_contain_text("20,000.00")
        expect(last_answer(page, side)).to_contain_text("2.00")
        expect(last_answer(page, side)).to_contain_text("⚠")
    if language == "zh":
        expect(last_answer(page, "citizen")).to_contain_text(
            re.compile(
                "⚠ 财政局现在给出的账，和它[0-9年月日]+签过名的不一样：当时签的是 20,000.00元，现在是 2.00元。"
                "民政局、公安局、审计局都存有当时的副本，可以作证据。"
            )
        )
        album.phones(page, "rewritten", "citizen", "officer")
    expect(page.locator("#next")).to_contain_text(NAMES[language][1])
    expect(page.locator(".step.done")).to_have_count(6)
    fits(page)


def test_7_all_ticks_and_the_whole_page_have_no_serious_accessibility_fault(visit, town):
    page, _language = visit
    views = ("citizen", "officer", "guide") if page.viewport_size == HAND else ("guide",)
    for view in views:
        page.evaluate(f"document.querySelector('.views [data-view={view}]').click()")
        for head in page.locator(".step-head").all() if view == "guide" else []:
            head.click()
            assert accessibility_faults(page) == []
        assert accessibility_faults(page) == []


# What lies behind the page is the same for every width and language: looked at once.
ONCE = pytest.mark.parametrize("visit", VISITS[:1], indirect=True)


@ONCE
def test_8_the_evidence_is_kept_at_all_three_and_the_forger_s_own_books_are_good_by_themselves(visit, town):
    keys = [argument for key in town.node("财政局")["log_vkeys"] for argument in ("--vkey", key)]
    done = town.commands({"审计局": ("crosscheck",), "财政局": ("verify", *keys)})
    assert done["审计局"].returncode == 1
    assert re.search(r"^[0-9A-HJKMNP-TV-Z]{8} R36 open 财政局", done["审计局"].stdout, re.MULTILINE), done
    assert done["财政局"].returncode == 0, done
    for node in HONEST:
        assert "R36" in town.open_rules(node)


@ONCE
def test_9_restoring_puts_everything_back_and_the_line_of_trust_is_good_again(visit, town):
    assert visit
    refused = town.http.post(f"{town.sandbox_url}/api/levers", json={"lever": "rewrite"})
    assert refused.status_code == 409
    pull(town, "restore")
    for node in HONEST:
        assert "R36" not in town.open_rules(node)
        assert "R19" in town.open_rules(node)
    wang = town.chat("王桂兰")
    wang.say("中文")

    def is_good() -> bool:
        told = wang.say("补贴")
        return not any("⚠" in line for line in told.lines) and "公安局、审计局各存了一份" in told.read

    until(is_good, 60, "the line of trust is good again", pause=0.3)
    assert all(map(all, state(town)["steps"][:5]))


@pytest.mark.parametrize("size", [DESK, SMALL_DESK, HAND], ids=["desk", "small-desk", "hand"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_as_a_visitor_finds_it_has_no_serious_accessibility_fault(browser, town, size, language):
    with opened(browser, f"{town.sandbox_url}/#lang={language}", size) as page:
        page.locator("#next").wait_for()
        expect(page.locator(".lever-button").first).to_be_visible()
        assert accessibility_faults(page) == []
        fits(page)


def test_a_department_that_stands_still_is_named_with_since_when_and_comes_back_when_it_is_wanted(town):
    if can(town, "restore"):  # the last visitor has left, and what he did stands until the last test
        pull(town, "restore")
    wang = town.chat("王桂兰")
    wang.say("中文")
    begun = town.http.post(f"{town.sandbox_url}/api/levers", json={"lever": "pause", "department": "公安局"})
    assert begun.status_code == 202
    until(lambda: "没有核对" in (state(town)["levers"]["says"] or {"zh": ""})["zh"] or None, 30, "it stands still")
    with pytest.raises(httpx.HTTPError):
        town.http.get(f"{town.node('公安局')['url']}/healthz")
    for lever in ("rewrite", "restore", "reset", "pause"):
        other = town.http.post(f"{town.sandbox_url}/api/levers", json={"lever": lever, "department": "公安局"})
        assert other.status_code == 409

    told: list[list[str]] = []

    def is_named() -> bool:
        told.append(wang.say("补贴").lines)
        return any(re.search(r"公安局也存了一份，\d\d:\d\d以后没有再核对", line) for line in told[-1])

    until(is_named, 110, lambda: f"the line of trust names it; it said {told[-1]}", pause=0.5)
    assert town.http.post(f"{town.sandbox_url}/api/levers", json={"lever": "resume"}).status_code == 202
    until(lambda: state(town)["levers"]["running"] is None or None, LEVER_SECONDS, "it is back", pause=0.5)
    assert town.http.get(f"{town.node('公安局')['url']}/readyz").status_code == 200
    until(lambda: "以后没有再核对" not in wang.say("补贴").read or None, 60, "it compares again", pause=0.5)
