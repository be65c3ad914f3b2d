"""Coming in, over the whole of the demo: a link from the chat, a form in a browser's place, a slip, a scan."""

import html
import re

import httpx
import pytest

from tests.demo.network import Network, OfficerChat, until

pytestmark = pytest.mark.slow

PERSON = {
    "applicant": "何志明",
    "id_number": "330199194401200102",
    "phone": "16000000011",
    "account": "6299990000000069025",
    "papers": ["0", "1"],
}


def _link(told: str) -> str:
    [url] = re.findall(r'href="(http://127\.0\.0\.1:[0-9]+/intake/[^"]+)"', told)
    return str(url)


def _words(page: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def _signed_in(network: Network) -> OfficerChat:
    clerk = network.officer("林芳")
    clerk.be_signed_in()
    return clerk


def _taken_in(network: Network, clerk: OfficerChat) -> tuple[str, str]:
    """A new case; its number and query code, as they stand on the slip."""
    url = _link(clerk.say("#收件 高龄津贴").text)
    assert network.http.get(url).status_code == 200
    slip = _words(network.http.post(url, data=PERSON))
    assert "收好了" in slip
    [number] = set(re.findall(r"编号 ([0-9]{14})", slip))
    [code] = re.findall(r"查询码 ([0-9]{8})", slip)
    return number, code


def test_somebody_comes_in_is_bound_by_one_scan_and_sees_the_case(network: Network):
    clerk, before = _signed_in(network), network.settled_size("民政局")
    seen = clerk.newest_id()
    number, code = _taken_in(network, clerk)
    assert network.grown_to("民政局", before + 1) == before + 1

    told = until(lambda: next((one for one in clerk.notices(seen) if number in one), None), 60, "the officer is told")
    assert "何*明" in told
    assert number in clerk.say("#待办").read

    family = network.stranger("c-family", "民政局")
    by_hand = family.say(f"进度 {number} {code}")
    assert "高龄津贴" in by_hand.read
    scanned = family.answer_to(family.post(event="SCAN", scene=f"slip_{number}_{code}"))
    assert scanned.line("现在：") == by_hand.line("现在：")
    assert "请在编号后面加上" in network.stranger("c-other", "民政局").say(f"进度 {number}").read

    [binding] = re.findall(r"绑定 ([0-9]{8})", clerk.say(f"#绑码 {number}").text)
    himself = network.stranger("c-hezhiming", "民政局")
    assert "绑定好了" in himself.answer_to(himself.post(event="SCAN", scene=f"bind_{binding}")).read
    assert number in himself.say("进度").read
    thief = network.stranger("c-thief", "民政局")
    assert "已经有人用过" in thief.answer_to(thief.post(event="SCAN", scene=f"bind_{binding}")).read

    _taken_in(network, clerk)
    assert "您的办件" in himself.say("进度").read  # the second case is his too: the same ID number
    assert network.grown_to("民政局", before + 2) == before + 2


def test_a_link_works_once_and_nothing_personal_is_in_the_logs(network: Network):
    clerk = _signed_in(network)
    url = _link(clerk.say("#收件 高龄津贴").text)
    first = network.http.post(url, data=PERSON)
    assert network.http.post(url, data=PERSON).text == first.text
    assert "收好了" in _words(network.http.get(url))  # the browser that sent it
    gone = httpx.get(url, trust_env=False)
    assert gone.status_code == 404
    assert "再发一次 #收件" in _words(gone)
    evil = network.http.post(
        _link(clerk.say("#收件 高龄津贴").text), data=PERSON, headers={"Origin": "http://evil.test"}
    )
    assert evil.status_code == 403
    logs = network.launcher.logs()
    for secret in (*PERSON.values(), url.rsplit("/", 1)[1]):
        assert str(secret) not in logs
