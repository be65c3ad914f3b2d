import re
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import xmltodict
from playwright.sync_api import Browser, Locator, Page, expect

from tests.sandbox.browsing import CHROMIUM, DESK, HAND, SMALL_DESK, accessibility_faults, chromium, opened
from tests.sandbox.fake_account import echo, text_answer
from tests.sandbox.rig import NODE, OTHER, SLIP, Rig, until

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "<a href=\"javascript:document.title='owned'\">a</a>"
    '<a href="weixin://bizmsgmenu?msgmenucontent=">b</a>'
)
MENU = {
    "button": [
        {"type": "click", "name": "查进度", "key": "progress"},
        {"name": "更多", "sub_button": [{"type": "click", "name": "我的回执", "key": "receipts"}]},
    ]
}
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: the page was NOT tested"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, served: tuple[Rig, str]) -> Iterator[Page]:
    rig, url = served
    rig.call("menu/create", MENU)
    with opened(browser, url, DESK) as page:
        page.locator(".top").first.wait_for()
        yield page


def citizen(page: Page) -> Locator:
    return page.locator("#citizen")


def say(page: Page, text: str, side: str = "citizen") -> None:
    page.locator(f"#{side} textarea").fill(text)
    page.locator(f"#{side} textarea").press("Enter")


def answers(page: Page, side: str = "citizen") -> Locator:
    return page.locator(f"#{side} .theirs:not(.typing) .bubble")


def test_two_phones_lie_side_by_side_the_citizens_to_the_left(page: Page):
    left, right = (page.locator(f"#{side} .phone").bounding_box() for side in ("citizen", "officer"))
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    expect(page.locator("#citizen .who")).to_have_text("王桂兰67岁，农民")
    expect(page.locator("#officer .who")).to_have_text("林芳受理")


def test_what_is_typed_goes_right_in_green_and_its_answer_comes_left_in_white(page: Page):
    say(page, "进度")
    expect(answers(page)).to_have_text("echo 进度")
    mine = page.locator(".mine .bubble")
    expect(mine).to_have_text("进度")
    expect(mine).to_have_css("background-color", "rgb(149, 236, 105)")
    expect(answers(page)).to_have_css("background-color", "rgb(255, 255, 255)")
    left, right = answers(page).bounding_box(), mine.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]
    expect(citizen(page).locator(".stamp")).to_have_text(re.compile(r"^\d\d:\d\d$"))


def test_each_phone_is_a_chat_of_its_own(page: Page):
    say(page, "进度")
    expect(answers(page)).to_have_text("echo 进度")
    expect(page.locator("#officer .bubble:visible")).to_have_count(0)
    say(page, "#待办", "officer")
    expect(answers(page, "officer")).to_have_text("echo #待办")
    expect(citizen(page).locator(".mine .bubble")).to_have_count(1)


def test_a_tapped_link_speaks_for_the_person_with_its_menu_id(page: Page, account):
    link = '回 <a href="weixin://bizmsgmenu?msgmenucontent=%E8%BF%9B%E5%BA%A6%20100%25&msgmenuid=7">看经过</a>'
    account.answer = lambda m: text_answer(m, link) if m["Content"] == "菜单" else echo(m)
    say(page, "菜单")
    page.get_by_role("button", name="看经过").click()
    expect(page.locator(".mine .bubble").last).to_have_text("进度 100%")
    expect(answers(page).last).to_have_text("echo 进度 100%")
    assert account.heard[-1].message["bizmsgmenuid"] == "7"


def test_hostile_answers_are_shown_as_the_text_they_are(page: Page, account):
    account.answer = lambda m: text_answer(m, HOSTILE)
    say(page, "<b>我</b>")
    expect(answers(page)).to_have_text(HOSTILE)
    assert answers(page).locator("img, script, a, button").count() == 0
    expect(page.locator(".mine .bubble")).to_have_text("<b>我</b>")
    page.locator("#citizen .back").click()
    expect(page.locator("#citizen .row").first).to_contain_text("<img src=x")
    assert page.title() != "owned"


def test_web_addresses_become_links_that_tell_nothing_and_open_beside(page: Page, account):
    account.answer = lambda m: text_answer(m, '见 https://x.test/r?a=1。<a href="http://y.test/">回执</a>')
    say(page, "回执")
    links = page.locator(".bubble a")
    expect(links).to_have_count(2)
    assert [link.get_attribute("href") for link in links.all()] == ["https://x.test/r?a=1", "http://y.test/"]
    assert {link.get_attribute("rel") for link in links.all()} == {"noopener noreferrer"}
    assert {link.get_attribute("target") for link in links.all()} == {"_blank"}


def test_the_menu_and_its_sub_menu_send_their_keys(page: Page):
    here = citizen(page)
    here.get_by_role("button", name="查进度").click()
    expect(answers(page).last).to_have_text("echo CLICK progress")
    expect(here.locator(".event")).to_have_text(re.compile("查进度"))
    expect(here.get_by_role("button", name="我的回执")).to_be_hidden()
    here.locator(".menu").get_by_role("button", name="更多").click()
    here.get_by_role("button", name="我的回执").click()
    expect(answers(page).last).to_have_text("echo CLICK receipts")


def test_a_pushed_notice_slides_in_with_its_mark(page: Page, served):
    rig, _ = served
    assert rig.push(content="救助金 20,000.00元 已转入您的卡。") == 0
    notice = citizen(page).locator(".line.notice")
    expect(notice.locator(".bubble")).to_contain_text("20,000.00元")
    expect(notice.locator(".flag")).to_have_text("通知")
    assert notice.evaluate("line => getComputedStyle(line).animationName") == "drop"


def test_three_dots_show_while_the_account_thinks(page: Page, account):
    thinking = threading.Event()
    account.answer = lambda m: echo(m) if thinking.wait(30) else ""
    say(page, "进度")
    try:
        expect(citizen(page).locator(".typing")).to_be_visible()
        expect(citizen(page).locator(".title")).to_have_text("对方正在输入…")
    finally:
        thinking.set()
    expect(citizen(page).locator(".typing")).to_be_hidden()


def test_what_comes_to_somebody_who_is_not_shown_is_counted_until_it_is_read(page: Page, served):
    rig, _ = served
    rig.push("zhou", "第一条")
    rig.push("zhou", "第二条")
    badge = page.locator(".person[data-openid=zhou] .badge")
    expect(badge).to_have_text("2")
    expect(badge).to_have_attribute("aria-label", "2条未读")
    page.locator(".person[data-openid=zhou]").click()
    expect(citizen(page).locator(".line.notice .bubble")).to_have_count(2)
    expect(badge).to_be_hidden()


def test_what_comes_into_another_chat_of_the_same_person_slides_in_and_opens_with_a_tap(page: Page, served):
    rig, _ = served
    citizen(page).locator(".back").click()
    citizen(page).get_by_role("button", name=OTHER).click()
    expect(citizen(page).get_by_role("heading", name=OTHER)).to_be_visible()
    rig.push(content="钱到了")
    banner = citizen(page).locator(".banner .note")
    expect(banner).to_contain_text("钱到了")
    expect(citizen(page).locator(".back .badge")).to_have_text("1")
    banner.click()
    expect(citizen(page).get_by_role("heading", name=NODE)).to_be_visible()
    expect(citizen(page).locator(".line.notice")).to_have_count(1)
    expect(citizen(page).locator(".back .badge")).to_be_hidden()


def test_each_person_has_a_card_whose_words_can_be_put_into_the_message(page: Page):
    expect(citizen(page).locator(".wants")).to_contain_text("想知道救助金到了没有")
    citizen(page).locator(".wants").get_by_role("button", name="进度").click()
    expect(citizen(page).get_by_role("textbox")).to_have_value("进度")
    expect(citizen(page).get_by_role("textbox")).to_be_focused()


def test_an_officers_code_counts_down_and_is_put_behind_a_begun_command(page: Page, served):
    code = page.locator("#officer .totp")
    expect(code.locator(".totp-digits")).to_have_text(re.compile(r"^\d{3} \d{3}$"))
    expect(code.locator(".totp-left")).to_have_text(re.compile(r"^\d+秒后换$"))
    assert page.locator("#citizen .totp").count() == 0
    page.locator("#officer textarea").fill("#登录")
    code.click()
    expect(page.locator("#officer textarea")).to_have_value(re.compile(r"^#登录 \d{6}$"))
    page.locator("#officer textarea").press("Enter")
    expect(code.locator(".totp-left")).to_have_text("下一组，现在可用")


def test_another_account_is_another_chat(page: Page):
    say(page, "进度")
    expect(citizen(page).locator(".mine .bubble")).to_have_count(1)
    citizen(page).locator(".back").click()
    expect(citizen(page).locator(".row")).to_have_count(2)
    expect(citizen(page).locator(".row").first).to_contain_text("echo 进度")
    citizen(page).get_by_role("button", name=OTHER).click()
    expect(citizen(page).get_by_role("heading", name=OTHER)).to_be_visible()
    expect(citizen(page).locator(".bubble:visible")).to_have_count(0)


def test_scanning_shows_the_slips_in_hand_and_the_codes_that_are_live(page: Page, served, account):
    rig, _ = served
    scene = {"scene": {"scene_str": "bind_12345678"}}
    body = {"action_name": "QR_STR_SCENE", "action_info": scene, "expire_seconds": 300}
    assert "ticket" in rig.call("qrcode/create", body)
    citizen(page).get_by_role("button", name="扫一扫").click()
    sheet = page.get_by_role("dialog", name="扫一扫")
    expect(sheet.locator(".code")).to_have_count(2)
    for picture in sheet.locator("img").all():
        expect(picture).to_have_js_property("complete", value=True)
        assert picture.evaluate("image => image.naturalWidth") >= 200
    sheet.get_by_role("button", name="小票 21261030004787").click()
    expect(sheet).to_be_hidden()
    expect(answers(page).last).to_have_text(f"echo SCAN {SLIP}")
    citizen(page).get_by_role("button", name="扫一扫").click()
    sheet.get_by_role("button", name="还有").click()
    expect(answers(page).last).to_have_text("echo SCAN bind_12345678")
    until(lambda: [heard.message["Event"] for heard in account.heard] == ["SCAN", "SCAN"])


def news(message, url: str):
    """An article, as accounts answer with one."""
    article = {"Title": "请扫这个码", "Description": "5分钟内有效", "PicUrl": url, "Url": url}
    whole = {"ToUserName": message["FromUserName"], "FromUserName": message["ToUserName"], "CreateTime": "1700000000"}
    whole |= {"MsgType": "news", "ArticleCount": "1", "Articles": {"item": article}}
    return xmltodict.unparse({"xml": whole})


def test_a_code_in_an_article_is_drawn_and_no_other_picture_is_fetched(page: Page, served, account):
    rig, url = served
    code = rig.sandbox.world.codes.add(NODE, "bind_12345678")
    ours = f"{url}/cgi-bin/showqrcode?{urlencode({'ticket': code.ticket})}"
    account.answer = lambda m: news(m, ours if m["Content"] == "#绑码" else "http://x.test/cgi-bin/showqrcode?ticket=1")
    say(page, "#绑码", "officer")
    picture = answers(page, "officer").get_by_role("img", name="二维码")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 200
    say(page, "别的", "officer")
    expect(answers(page, "officer")).to_have_count(2)
    expect(answers(page, "officer").last.locator("img")).to_have_count(0)


def test_a_code_that_ended_is_said_in_words(browser: Browser, served):
    rig, url = served
    world = rig.sandbox.world
    world.codes.add(NODE, "bind_12345678", world.clock())
    page = browser.new_page()  # a refusal is an error in the console, and is meant here
    page.goto(url)
    citizen(page).get_by_role("button", name="扫一扫").click()
    page.get_by_label("或者输入二维码里的内容").fill("bind_12345678")
    page.get_by_role("button", name="扫码").click()
    expect(citizen(page).get_by_role("alert")).to_contain_text("已经过期")
    page.close()


def test_scanning_by_hand_following_and_leaving(page: Page, account):
    here = citizen(page)
    here.get_by_role("button", name="扫一扫").click()
    page.get_by_label("或者输入二维码里的内容").fill("desk-1")
    page.keyboard.press("Enter")
    expect(answers(page).last).to_have_text("echo SCAN desk-1")
    here.locator(".more").click()
    here.get_by_role("button", name="取消关注").click()
    expect(here.get_by_role("textbox")).to_be_disabled()
    here.locator(".more").click()
    here.get_by_role("button", name="关注公众号").click()
    expect(here.get_by_role("textbox")).to_be_enabled()
    until(lambda: [heard.message["Event"] for heard in account.heard] == ["SCAN", "unsubscribe", "subscribe"])


def test_the_keyboard_alone_is_enough(page: Page):
    here = citizen(page)
    here.get_by_role("textbox").focus()
    page.keyboard.type("一")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("二")
    page.keyboard.press("Enter")
    expect(here.locator(".mine .bubble")).to_have_text("一\n二")
    opener = here.locator(".menu").get_by_role("button", name="更多")
    opener.focus()
    page.keyboard.press("Enter")
    expect(here.get_by_role("button", name="我的回执")).to_be_focused()
    page.keyboard.press("Escape")
    expect(here.get_by_role("button", name="我的回执")).to_be_hidden()
    expect(opener).to_be_focused()
    scan = here.get_by_role("button", name="扫一扫")
    scan.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".scanner .code").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".scanner")).to_be_hidden()
    expect(scan).to_be_focused()


def test_everybody_can_be_chosen_by_keyboard_and_stays_focused(page: Page):
    page.locator(".person[data-openid=zhou]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#citizen .who strong")).to_have_text("周大山")
    expect(page.locator(".person[data-openid=zhou]")).to_be_focused()
    expect(page.locator(".person[data-openid=zhou]")).to_have_attribute("aria-pressed", "true")


def test_new_lines_are_read_out_and_old_ones_are_not(page: Page):
    log = citizen(page).get_by_role("log")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).not_to_have_attribute("aria-busy", "true")
    expect(citizen(page).get_by_role("log", name=re.compile("王桂兰"))).to_have_count(1)


def test_one_switch_turns_the_whole_page_to_english_and_a_draft_stays(page: Page):
    say(page, "进度")
    citizen(page).locator("textarea").fill("还没写完")
    page.get_by_role("button", name="English").click()
    expect(citizen(page).get_by_role("button", name="Send")).to_be_visible()
    expect(citizen(page).locator(".who")).to_have_text("Wang Guilan67, farmer")
    expect(citizen(page).locator(".wants")).to_contain_text("Wants to know")
    expect(citizen(page).get_by_role("heading", name="Civil Affairs")).to_be_visible()
    expect(citizen(page).locator("textarea")).to_have_value("还没写完")
    expect(page.locator(".mine .bubble")).to_have_text("进度")
    assert page.locator("html").get_attribute("lang") == "en"
    assert "lang=en" in page.url
    page.get_by_role("button", name="中文").click()
    expect(citizen(page).get_by_role("button", name="发送")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 760, 1024, 1440])
def test_it_fits_every_width_without_scrolling_sideways(page: Page, width):
    page.set_viewport_size({"width": width, "height": 740})
    say(page, "长" * 300)
    expect(page.locator(".mine .bubble")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(citizen(page).get_by_role("button", name="发送")).to_be_in_viewport()
    expect(citizen(page).get_by_role("button", name="查进度")).to_be_in_viewport()


def test_whoever_wants_no_motion_gets_none(browser: Browser, served):
    rig, url = served
    with opened(browser, url, DESK, reduced_motion="reduce") as page:
        rig.push(content="钱到了")
        notice = citizen(page).locator(".line.notice")
        expect(notice).to_be_visible()
        assert float(notice.evaluate("line => parseFloat(getComputedStyle(line).animationDuration)")) < 0.001


def test_the_check_for_accessibility_finds_a_fault_that_is_put_in(page: Page):
    assert accessibility_faults(page) == []
    page.evaluate("document.querySelector('#citizen').append(document.createElement('img'))")
    page.evaluate("document.querySelector('#citizen textarea').removeAttribute('aria-label')")
    found = " ".join(accessibility_faults(page))
    assert "image-alt" in found
    assert "label" in found


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [DESK, SMALL_DESK, HAND], ids=["desk", "small-desk", "hand"])
def test_no_view_of_the_phones_has_a_serious_accessibility_fault(browser: Browser, served, language, size):
    rig, url = served
    rig.call("menu/create", MENU)
    rig.push("zhou", "第一条")
    with opened(browser, f"{url}/#lang={language}", size) as page:
        say(page, "进度")
        expect(answers(page)).to_have_count(1)
        rig.push(content="钱到了")
        expect(citizen(page).locator(".line.notice")).to_have_count(1)
        assert accessibility_faults(page) == []
        citizen(page).locator(".menu .opens").click()
        assert accessibility_faults(page) == []
        citizen(page).locator(".more").click()
        assert accessibility_faults(page) == []
        citizen(page).locator(".back").click()
        assert accessibility_faults(page) == []
        citizen(page).locator(".back").click()
        citizen(page).locator(".scan").click()
        assert accessibility_faults(page) == []
        page.keyboard.press("Escape")
        page.evaluate("document.body.dataset.view = 'officer'")
        assert accessibility_faults(page) == []


def test_a_sandbox_that_stopped_is_said_and_recovers(browser: Browser, served):
    _, url = served
    page = browser.new_page()
    page.goto(url)
    citizen(page).locator(".composer").wait_for()
    page.route("**/api/**", lambda route: route.abort())
    expect(citizen(page).get_by_role("alert")).to_contain_text("沙盒没有回应")
    page.unroute("**/api/**")
    expect(citizen(page).get_by_role("alert")).to_be_hidden()
    page.close()
