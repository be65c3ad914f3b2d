"""What the page around the telephones is told: codes of officers, steps that tick themselves off, levers, unread lines."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyotp
import pytest

from bot.sandbox.app import create_sandbox
from bot.sandbox.cast import SandboxConfig
from bot.sandbox.levers import LeversAt
from tests.sandbox.rig import NODE, OTHER, PATIENT, TOTP_SECRET, Clock, Rig, cast

# --- the code on an officer's telephone ---


def totp(rig: Rig, openid="lin"):
    return rig.http.get("/api/chat", query_string={"openid": openid, "node": NODE}).get_json()["totp"]


def at(rig: Rig, steps: int) -> str:
    return pyotp.TOTP(TOTP_SECRET).at(int(rig.clock().timestamp()) + 30 * steps)


def test_an_officer_sees_the_code_of_this_moment_and_how_long_it_lasts(rig):
    assert totp(rig) == {"code": at(rig, 0), "left": 30, "early": False}
    rig.clock.pass_(seconds=29)
    assert totp(rig)["left"] == 1


def test_a_citizen_has_no_codes_and_nobody_sees_the_secret(rig):
    assert totp(rig, "wang") is None
    for path in ("/api/people", "/api/state", "/api/steps"):
        assert TOTP_SECRET not in rig.http.get(path).text


def test_a_code_that_was_sent_is_followed_by_the_next_and_then_by_none(rig):
    rig.send("lin", text=f"#登录 {at(rig, 0)}")
    assert totp(rig) == {"code": at(rig, 1), "left": 30, "early": True}
    rig.send("lin", text=at(rig, 1))
    assert totp(rig)["code"] is None
    rig.clock.pass_(seconds=30)
    assert totp(rig) == {"code": at(rig, 1), "left": 30, "early": True}


@pytest.mark.parametrize("text", ["999", "编号 21261030004787", "{code}1", "1{code}"])
def test_digits_that_are_no_code_spend_none(rig, text):
    rig.send("lin", text=text.format(code=at(rig, 0)))
    assert totp(rig)["early"] is False


def test_another_persons_message_spends_no_officers_code(rig):
    rig.send("wang", text=at(rig, 0))
    assert totp(rig)["early"] is False


# --- steps ---


def place(openid, node=NODE):
    return {"openid": openid, "node": node}


def tap(seen="", by="citizen", **act):
    people = {"citizen": place("wang"), "officer": place("lin")}
    return {"label": "试", **people, "by": by, "act": act or {"say": {"zh": "进度", "en": "progress"}}, "seen": seen}


STEPS = [
    {
        "title": {"zh": "一", "en": "one"},
        "taps": [tap("^echo (进度|progress)$"), tap("echo #待办", "officer", say="#待办")],
    },
    {
        "title": "二",
        "taps": [
            tap(lever="rewrite"),
            tap("永远", link={"zh": "支付", "en": "pay"}, about="何", first="#待办"),
            tap("绑定好了", scan="bind_"),
        ],
    },
]


@contextmanager
def rig_with(account, **changed) -> Iterator[Rig]:
    clock = Clock()
    plain = json.loads(json.dumps({"steps": STEPS}))
    config = replace(cast(account.url), steps=SandboxConfig.parse(as_parsed(account.url) | plain).steps, **changed)
    app = create_sandbox(config, clock=clock, pace=PATIENT)
    yield Rig(app, app.test_client(), clock, account)
    app.extensions["sandbox"].close()


def as_parsed(url: str) -> dict[str, Any]:
    """The smallest configuration that the steps' people are in."""
    one = {
        "url": url,
        "token": "t",
        "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "app_secret": "s",
    }
    accounts = [{"name": NODE, "app_id": "a", **one}, {"name": OTHER, "app_id": "b", **one}]
    return {"accounts": accounts, "people": [{"openid": "wang", "name": "王"}, {"openid": "lin", "name": "林"}]}


@pytest.fixture
def stepped(account):
    with rig_with(account) as rig:
        yield rig


def done(rig: Rig):
    return rig.http.get("/api/state").get_json()["steps"]


def test_nothing_is_done_before_anybody_has_done_anything(stepped):
    assert done(stepped) == [[False, False], [False, False, False]]


def test_a_tap_is_done_when_the_account_has_said_so_in_that_chat_and_stays_done(stepped):
    stepped.send("lin", text="进度")
    stepped.settle("lin")
    assert done(stepped)[0] == [False, False]  # somebody else's chat
    stepped.send(text="progress")
    stepped.settle()
    assert done(stepped)[0] == [True, False]
    stepped.send("lin", text="#待办")
    stepped.settle("lin")
    assert done(stepped)[0] == [True, True]


def test_what_the_person_writes_does_not_tick_only_what_the_account_says(stepped, account):
    account.answer = lambda _message: ""
    stepped.send(text="echo 进度")
    stepped.settle()
    assert done(stepped)[0] == [False, False]


def test_the_page_gets_words_and_acts_and_no_pattern(stepped):
    told = stepped.http.get("/api/steps").get_json()
    assert told[0]["title"] == {"zh": "一", "en": "one"}
    assert told[0]["taps"][0]["phones"]["officer"] == place("lin")
    assert told[1]["taps"][0]["act"] == {"lever": "rewrite"}
    assert told[1]["taps"][2]["act"] == {"scan": "bind_"}
    assert told[1]["taps"][1]["act"] == {"link": {"zh": "支付", "en": "pay"}, "about": "何", "first": "#待办"}
    assert "seen" not in json.dumps(told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "nobody"},
        {"seen": "("},
        {"act": {}},
        {"act": "say"},
        {"citizen": place("stranger")},
        {"officer": place("lin", "教育局")},
        {"label": None},
    ],
)
def test_a_wrong_step_is_refused_by_name(account, wrong):
    steps = [{"title": "一", "taps": [tap("x") | wrong]}]
    with pytest.raises(Exception, match="steps"):
        SandboxConfig.parse(as_parsed(account.url) | {"steps": steps})


# --- levers ---


@dataclass
class Launcher:
    """Whoever started the sandbox, in a few lines: answers what it is told to, and remembers what it was asked."""

    state: dict[str, Any] = field(default_factory=lambda: {"levers": [], "done": [], "beginnings": 1})
    status: int = 200
    heard: list[tuple[str, str | None, Any]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[str]:
        launcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(None)

            def do_POST(self) -> None:
                self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def answer(self, body: Any) -> None:
                launcher.heard.append((self.command, self.headers["Authorization"], body))
                raw = json.dumps(launcher.state).encode()
                self.send_response(launcher.status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/levers"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture
def launcher(account):
    holder = Launcher()
    with holder.listening() as url, rig_with(account, levers=LeversAt(url, "the-token")) as rig:
        yield rig, holder


def test_a_lever_is_handed_on_with_the_token_that_the_page_never_sees(launcher):
    rig, holder = launcher
    answer = rig.http.post("/api/levers", json={"lever": "pause", "department": NODE})
    assert answer.status_code == 200
    assert holder.heard == [("POST", "Bearer the-token", {"lever": "pause", "department": NODE})]
    assert "the-token" not in answer.text + rig.http.get("/api/state").text + rig.http.get("/api/people").text


def test_a_refusal_reaches_the_page_as_it_is(launcher):
    rig, holder = launcher
    holder.status, holder.state = 409, {"detail": "请等一下", "says": {"zh": "请等一下", "en": "please wait"}}
    answer = rig.http.post("/api/levers", json={"lever": "rewrite"})
    assert (answer.status_code, answer.get_json()) == (409, holder.state)
    assert answer.mimetype == "application/problem+json"


def test_a_lever_that_was_pulled_is_a_step_that_is_done(launcher):
    rig, holder = launcher
    assert done(rig)[1] == [False, False, False]
    holder.state["done"] = ["rewrite"]
    assert done(rig)[1] == [True, False, False]


def test_when_the_demo_begins_again_chats_and_ticks_do_too_and_ids_go_on(launcher):
    rig, holder = launcher
    last = rig.send(text="进度")
    rig.settle()
    assert done(rig)[0] == [True, False]
    holder.state = {"levers": [], "done": [], "beginnings": 2}
    assert done(rig)[0] == [False, False]
    assert rig.lines() == []
    assert rig.send(text="再来") > last
    rig.settle()
    assert len(rig.lines()) == 2
    rig.http.get("/api/state")
    assert len(rig.lines()) == 2


def test_while_nobody_answers_the_page_is_told_so_and_the_chats_go_on(account):
    with rig_with(account, levers=LeversAt("http://127.0.0.1:9/levers", "t")) as rig:
        assert rig.http.get("/api/levers").status_code == 502
        assert rig.http.get("/api/state").get_json()["levers"] is None
        assert rig.http.post("/api/levers", json={}).status_code == 502


def test_a_sandbox_by_itself_has_no_levers(rig):
    assert rig.http.get("/api/levers").get_json()["levers"] == []
    assert rig.http.post("/api/levers", json={"lever": "rewrite"}).status_code == 404


def test_no_page_of_another_site_pulls_a_lever(launcher):
    rig, holder = launcher
    refused = rig.http.post("/api/levers", json={"lever": "rewrite"}, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert holder.heard == []


# --- unread ---


def test_the_page_is_told_what_is_new_in_every_chat(rig):
    rig.push(content="钱到了")
    [line] = rig.lines()
    chats = rig.http.get("/api/state").get_json()["chats"]
    assert chats["wang"][NODE] == {"ids": [line["id"]], "newest": line}
    assert chats["wang"][OTHER] == {"ids": [], "newest": None}
