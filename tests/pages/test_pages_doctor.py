"""The doctor's page: red lines first with what to do, in two languages, for the officer who has the link, and nobody else."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, ViewportSize, expect

from handlers.doctor_lines import Line
from handlers.locale import TEXTS
from handlers.pages import create_blueprint
from ledger.desk import Purpose
from ledger.tickets import OPEN_SECONDS
from tests.pages.counter import GRANT, Counter
from tests.sandbox.browsing import CHROMIUM, accessibility_faults, chromium

CONSOLE = Path(__file__).parents[2] / "handlers" / "console"
LINES = (
    Line("settings", good=True, found="complete"),
    Line("backup", good=False, found="never made", mend="every night: python app.py backup FILE (docs/backup.md)"),
    Line("log key", good=True, found="mz.example/log+0a0b0c0d", kind="key"),
    Line("department 财政局", good=False, found="<b>x</b> did not answer", mend="ask them", kind="department"),
    Line("disk", good=True, found="/a/very/long/path" * 12),
)


@dataclass
class Examined:
    """How often somebody looked, and what there was to see."""

    lines: tuple[Line, ...] = LINES
    looks: list[int] = field(default_factory=list)

    look: Callable[[], tuple[Line, ...]] | None = None  # instead of these

    def __call__(self) -> tuple[Line, ...]:
        self.looks.append(1)
        return self.look() if self.look else self.lines


@pytest.fixture
def examined(counter: Counter) -> Examined:
    """The counter's pages, with the doctor behind them."""
    made = Examined()
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(replace(counter.services, examine=made)))
    counter.app = app
    return made


def link(counter: Counter, name: str = "林芳") -> str:
    return f"/doctor/{counter.desk.give_ticket(counter.officer(name), Purpose.DOCTOR, '').token}"


def text(counter: Counter, path: str, status: int = 200) -> str:
    answer = counter.look(path)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data(as_text=True)


def test_what_is_red_stands_first_with_what_to_do_and_what_the_terminal_would_say(counter, examined):
    said = text(counter, link(counter))
    assert "有2项要修" in said
    places = [
        said.index(words) for words in ("备份", "今天就做一次备份", "never made", "核对其他部门", "配置", "磁盘空间")
    ]
    assert places == sorted(places)
    assert "department 财政局" in said
    assert "log key" in said
    assert "&lt;b&gt;x" in said  # what another department's server says is no page of ours
    assert said.count("要修") >= 2


def test_it_speaks_english_when_it_is_asked_to_and_says_when_all_is_good(counter, examined):
    examined.lines = LINES[:1]
    path = link(counter)
    assert "All is good" in text(counter, f"{path}?lang=en")
    assert "全部正常" in text(counter, path)


def test_each_look_looks_anew_and_writes_nothing(counter, examined):
    path, size = link(counter), counter.size()
    for _ in range(3):
        text(counter, path)
    assert len(examined.looks) == 3
    assert counter.size() == size
    assert counter.client.post(path).status_code == 405


def test_a_second_look_at_the_same_moment_waits_for_nobody(counter, examined):
    """A look asks every department: reloads must not take all the threads that answer people."""
    path = link(counter)
    seen: list[Any] = []

    def look_again():
        if not seen:
            seen.append(counter.look(path))
        return LINES

    examined.look = look_again
    assert "有2项要修" in text(counter, path)
    assert seen[0].status_code == 503
    assert "半分钟" in seen[0].get_data(as_text=True)
    assert "有2项要修" in text(counter, path)


def test_whatever_is_no_such_link_is_gone_byte_for_byte_and_nothing_is_looked_at(counter, examined):
    gone = text(counter, "/doctor/" + "A" * 32, 404)
    over, revoked = link(counter), link(counter, "高伟")
    counter.town.civil.desk.revoke(counter.officer("高伟"))
    for path in ("/doctor/x", counter.link(GRANT).replace("/intake/", "/doctor/"), revoked):
        assert text(counter, path, 404) == gone
    assert text(counter, link(counter).replace("/doctor/", "/intake/"), 404) == gone
    counter.town.clock.wait(OPEN_SECONDS)
    assert text(counter, over, 404) == gone
    assert examined.looks == []
    assert counter.look("/doctor").status_code == 404


def topics() -> Iterator[str]:
    """What every line that the doctor can say is about."""
    for file in ("doctor.py", "doctor_network.py", "doctor_epoch.py"):
        for node in ast.walk(ast.parse((CONSOLE / file).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Line":
                named = [word.value for word in node.keywords if word.arg == "kind"] or node.args[:1]
                assert isinstance(named[0], ast.Constant), ast.unparse(node)
                yield str(named[0].value)


@pytest.mark.parametrize("language", TEXTS)
def test_every_line_of_the_doctor_has_its_words(language):
    found = set(topics())
    assert {"backup", "key", "department", "of-us", "codes", "policy", "member"} <= found
    assert {f"doctor.{part}.{topic}" for topic in found for part in ("name", "mend")} == {
        key for key in TEXTS[language] if key.startswith(("doctor.name.", "doctor.mend."))
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: the pages were NOT tested")
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_in_a_browser_it_fits_has_no_serious_fault_and_the_keyboard_reaches_the_other_language(
    browser, counter, examined, width
):
    context = browser.new_context(viewport=ViewportSize(width=width, height=740), bypass_csp=True)
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    with counter.served() as url:
        page.goto(url + link(counter))
        expect(page.get_by_role("heading", name="民政局节点体检")).to_be_visible()
        assert page.locator(".doctor.red li").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert accessibility_faults(page) == []
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="English")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_text("2 to be mended")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == "en"
        assert accessibility_faults(page) == []
    context.close()
    assert troubles == []
