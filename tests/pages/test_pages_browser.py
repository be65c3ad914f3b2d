"""The counter's pages in Chromium, at a desk's and a phone's width, by mouse, keyboard and without scripts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from handlers.demo.county import CITIZENS
from handlers.locale import TEXTS
from handlers.pages import fields
from handlers.pages.fields import Wrong
from ledger.desk import Purpose
from tests.pages.counter import GRANT, PERSON, Counter
from tests.pages.test_pages_account import failed  # noqa: F401 -- a fixture
from tests.sandbox.browsing import CHROMIUM, accessibility_faults, chromium

DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=740)
LABELS = {"applicant": "申请人姓名", "id_number": "身份证号", "phone": "电话", "account": "银行卡号"}
SEND = "收件，出小票"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: the pages were NOT tested"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def url(counter: Counter) -> Iterator[str]:
    with counter.served() as served:
        yield served


def open_page(context: BrowserContext, url: str, troubles: list[str]) -> Page:
    """A page on which any script error, and any request elsewhere, is a trouble."""
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else troubles.append(asked.url))
    return page


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Page]:
    troubles: list[str] = []
    context = browser.new_context(viewport=request.param)
    yield open_page(context, url, troubles)
    context.close()
    assert troubles == []


@pytest.fixture
def without_scripts(browser: Browser, url: str) -> Iterator[Page]:
    troubles: list[str] = []
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    yield open_page(context, url, troubles)
    context.close()
    assert troubles == []


def fill(page: Page, typed: dict[str, str] = PERSON) -> None:
    for name, value in typed.items():
        page.get_by_label(LABELS[name], exact=True).fill(value)


def test_an_application_from_the_link_to_the_slip(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link(GRANT))
    expect(page.get_by_text("户口登记信息：向公安局取")).to_be_visible()
    fill(page)
    page.get_by_label("身份证", exact=True).check()
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("heading", name="收好了")).to_be_visible()
    slip = page.locator(".slip")
    expect(slip).to_contain_text(re.compile("编号 [0-9]{14}"))
    expect(slip.get_by_role("img", name="查进度的二维码")).to_be_visible()
    assert page.evaluate("document.querySelector('.slip img').naturalWidth") > 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reload_shows_the_slip_again_and_back_never_the_form(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link())
    fill(page)
    page.get_by_role("button", name=SEND).click()
    number = page.locator(".slip .big").first.inner_text()
    size = counter.size()
    page.reload()
    assert page.locator(".slip .big").first.inner_text() == number
    assert counter.size() == size


def test_what_is_wrong_is_said_while_one_types_and_taken_back_when_it_is_right(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link())
    field, error = page.get_by_label("身份证号"), page.locator("#e-id_number")
    field.fill("33019919440120002")
    page.keyboard.press("Tab")
    expect(error).to_have_text("身份证号是18位，现在填了17位，请再看一下身份证。")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("现在填了17位"))
    field.press("End")
    field.press_sequentially("2")
    expect(error).to_have_text("")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    for name, typed in (("account", "6299990000000073309"), ("phone", "123")):
        page.get_by_label(LABELS[name]).fill(typed)
        page.keyboard.press("Tab")
        expect(page.locator(f"#e-{name}")).not_to_have_text("")


def test_after_a_refusal_the_list_of_what_is_wrong_has_the_focus_and_leads_to_the_fields(
    page: Page, counter: Counter, url: str
):
    page.goto(url + counter.link())
    fill(page, PERSON | {"phone": "1", "applicant": "王2"})
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("身份证号")).to_have_value(PERSON["id_number"])
    page.get_by_role("alert").get_by_role("link", name="电话").click()
    expect(page.get_by_label("电话")).to_be_focused()


def test_the_keyboard_alone_is_enough(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link(GRANT))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="English")).to_be_focused()
    for name in ("applicant", "id_number", "phone", "account"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(LABELS[name])).to_be_focused()
        page.keyboard.type(PERSON[name])
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_label("身份证", exact=True)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_label("身份证", exact=True)).to_be_checked()
    page.get_by_label("申请人姓名").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="收好了")).to_be_visible()


def test_two_presses_are_one_case(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link())
    fill(page)
    size = counter.size()
    page.get_by_role("button", name=SEND).dblclick()
    expect(page.get_by_role("heading", name="收好了")).to_be_visible()
    assert counter.size() == size + 1


def test_the_english_switch_keeps_what_was_typed(page: Page, counter: Counter, url: str):
    page.goto(url + counter.link())
    fill(page)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_label("ID number")).to_have_value(PERSON["id_number"])
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.wait_for_load_state()  # what is checked while somebody types is checked by its script
    page.get_by_label("Telephone").fill("1")
    page.keyboard.press("Tab")
    expect(page.locator("#e-phone")).to_contain_text("A mobile number has 11 digits")
    page.get_by_label("Telephone").fill(PERSON["phone"])
    page.get_by_role("button", name="Take in and make the slip").click()
    expect(page.get_by_role("heading", name="Taken in")).to_be_visible()


def test_another_account_is_read_back_and_registered(page: Page, counter: Counter, url: str, failed):  # noqa: F811
    page.goto(url + counter.link(failed[0], Purpose.ACCOUNT))
    page.get_by_label("银行卡号").fill("6299990000000069025")
    page.get_by_label("收款人", exact=True).fill("王桂兰")
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_text("6299 9900 0000 0069 025")).to_be_visible()
    page.get_by_role("button", name="不对，改一下").click()
    expect(page.get_by_label("银行卡号")).to_have_value("6299990000000069025")
    page.get_by_role("button", name="下一步：核对").click()
    page.get_by_role("button", name="都对，确认登记").click()
    expect(page.get_by_role("heading", name="新账户登记好了")).to_be_visible()


def test_no_page_has_a_serious_fault_for_people_who_cannot_see_or_point(
    browser: Browser,
    counter: Counter,
    url: str,
    failed,  # noqa: F811
):
    # axe is put into the page by the test, which the page's own policy rightly forbids.
    context = browser.new_context(viewport=PHONE, bypass_csp=True)
    page, links = context.new_page(), [counter.link(GRANT), counter.link(failed[0], Purpose.ACCOUNT), "/intake/x"]
    for link in links:
        page.goto(url + link)
        assert accessibility_faults(page) == []
    page.goto(url + links[0])
    page.get_by_role("button", name=SEND).click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert accessibility_faults(page) == []
    fill(page)
    page.get_by_role("button", name=SEND).click()
    expect(page.locator(".slip")).to_be_visible()
    assert accessibility_faults(page) == []
    page.goto(url + links[1])
    page.get_by_label("银行卡号").fill("6299990000000069025")
    page.get_by_label("收款人", exact=True).fill("王桂兰")
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.get_by_role("heading", name="请和卡对一遍")).to_be_visible()
    assert accessibility_faults(page) == []
    context.close()


def test_everything_works_without_scripts(without_scripts: Page, counter: Counter, url: str):
    page = without_scripts
    page.goto(url + counter.link())
    fill(page, PERSON | {"phone": "1"})
    page.get_by_role("button", name=SEND).click()
    expect(page.locator("#e-phone")).to_contain_text("手机号是11位")
    page.get_by_label("电话").fill(PERSON["phone"])
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Take in and make the slip").click()
    expect(page.get_by_role("heading", name="Taken in")).to_be_visible()
    number = page.locator(".slip .big").first.inner_text()
    size = counter.size()
    page.reload()  # sends the form again
    assert page.locator(".slip .big").first.inner_text() == number
    assert counter.size() == size


def test_a_form_on_another_site_is_refused_by_what_a_real_browser_says_of_it(
    browser: Browser, counter: Counter, url: str
):
    link, size = counter.link(), counter.size()
    typed = "".join(f"<input name='{name}' value='{value}'>" for name, value in PERSON.items())
    evil = f"<meta charset=utf-8><form method=post action='{url}{link}'>{typed}<button>x</button></form>"
    page = browser.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(body=evil, content_type="text/html"))
    page.goto("http://evil.example/")
    page.get_by_role("button").click()
    expect(page.get_by_text("不是从我们的页面上交的")).to_be_visible()
    page.close()
    assert counter.size() == size
    assert counter.look(link).status_code == 200


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(("width", "height"), [("80mm", "297mm"), ("105mm", "148mm"), ("210mm", "297mm")])
def test_the_slip_prints_on_one_sheet_and_without_what_is_for_the_screen(
    browser: Browser, counter: Counter, url: str, width: str, height: str, language: str
):
    link = counter.link(GRANT)
    counter.send(link, papers=["0"])
    page = browser.new_page()
    page.goto(f"{url}{link}/slip?lang={language}")
    printed = page.pdf(width=width, height=height)
    page.emulate_media(media="print")
    expect(page.locator(".slip")).to_be_visible()
    expect(page.locator(".screen")).to_be_hidden()
    page.close()
    assert printed.count(b"/Type /Page\n") == 1


def test_the_image_is_drawn_by_the_browser(browser: Browser, counter: Counter, url: str):
    link = counter.link()
    counter.send(link)
    page = browser.new_page()
    page.goto(f"{url}{link}/slip")
    drawn = page.evaluate(
        "async (at) => { const i = new Image(); i.src = at; await i.decode(); return i.naturalWidth; }",
        f"{link}/slip.svg",
    )
    page.close()
    assert drawn > 0


# --- the browser's checks are the server's ---

TODAY = datetime.now(UTC).date()
GOOD_ID, GOOD_CARD = PERSON["id_number"], "6299990000000073308"
SAMPLES = {
    "id": [
        "", " ", "1", "X", "abc", "33019919440120002X", "33019919440120002x", "330199440120002", "３３０１９９１９４４０１２０００２２",
        "330199 1944-0120—0022", "110105194912310021", "11010519491231002X", "330199190013000221", "99" * 9,
        *(citizen.id_number for citizen in CITIZENS),
        *(GOOD_ID[:place] + digit + GOOD_ID[place + 1 :] for place in range(18) for digit in "0159X"),
        *(GOOD_ID[:place] + GOOD_ID[place + 1 :] for place in range(18)),
    ],
    "card": [
        "", "x", "0", GOOD_CARD[:12], GOOD_CARD + "0", "0" * 13, "0" * 20, "6299 9900 0000 0073 308", "６" + GOOD_CARD[1:],
        *(citizen.account for citizen in CITIZENS),
        *(GOOD_CARD[:place] + digit + GOOD_CARD[place + 1 :] for place in range(19) for digit in "0159"),
        *(GOOD_CARD[:length] for length in range(20)),
    ],
    "phone": [
        "", "110", "13800000000", "+86 138 0000 0000", "0086-13800000000", "12800000000", "0571-12345678", "010 1234567",
        "057112345678901", "00571123456", "1380000000a", "1" * 10_000, *(f"1{second}800000000" for second in range(10)),
    ],
}  # fmt: skip


def server_says(check: str, typed: str) -> str | None:
    try:
        if check == "id":
            fields.id_number(typed, TODAY)
        else:
            getattr(fields, check)(typed)
    except Wrong as wrong:
        return wrong.key
    return None


@pytest.mark.parametrize("check", SAMPLES)
def test_the_browser_says_what_the_server_would_say(browser: Browser, counter: Counter, url: str, check: str):
    page = browser.new_page()
    page.goto(url + counter.link())
    told = page.evaluate(
        "async ([check, samples]) => { const m = await import('/s/checks.js'); return samples.map((s) => m[check](s)); }",
        [check, SAMPLES[check]],
    )
    page.close()
    assert dict(zip(SAMPLES[check], told, strict=True)) == {each: server_says(check, each) for each in SAMPLES[check]}
