"""Deliveries that a client seals itself, repeats of them, and many at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import pytest

from tests.demo.network import Answer, Network, until
from tests.fakes.wechat_envelope import WeChatSide, text_xml

pytestmark = pytest.mark.slow


def _side(network: Network, node: str) -> WeChatSide:
    told = network.node(node)["wechat"]
    return WeChatSide(told["token"], told["encoding_aes_key"], told["app_id"])


def _post(network: Network, node: str, xml: str) -> httpx.Response:
    sealed = _side(network, node).deliver(xml)
    url = f"{network.node(node)['url']}/wechat"
    return httpx.post(url, params=sealed.params, content=sealed.body, timeout=10, trust_env=False)


def _say(network: Network, node: str, xml: str) -> Answer:
    answer = _post(network, node, xml)
    assert answer.status_code == 200
    return Answer(_side(network, node).open_reply(answer.content)["Content"])


def test_wechat_can_check_the_url(network: Network):
    query = _side(network, "公安局").url_check("12345")
    url = f"{network.node('公安局')['url']}/wechat"
    assert network.http.get(url, params=query).text == "12345"
    assert network.http.get(url, params={**query, "signature": "0" * 40}).status_code >= 400


def test_a_delivery_sealed_by_a_client_is_answered_in_its_response(network: Network):
    wang = network.citizen("王桂兰")
    answer = _say(network, "民政局", text_xml(wang["openid"], f"进度 {network.number('王桂兰')}"))
    assert answer.line("现在：")


def test_a_repeat_while_the_first_is_being_answered_does_nothing_twice(network: Network):
    sun = network.citizen("孙丽")
    payment = network.number("孙丽", "payments", 0)
    before = network.settled_size("民政局")
    read_back = _say(network, "民政局", text_xml(sun["openid"], f"钱收到了 {payment}"))
    assert "1,560.00元" in read_back.read
    yes = text_xml(sun["openid"], "1")  # one MsgId for all of them

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: _post(network, "民政局", yes), range(6)))

    opened = [_side(network, "民政局").open_reply(answer.content) for answer in answers if answer.status_code == 200]
    said = {one["Content"] for one in opened if one}
    assert len(said) == 1
    assert "1,560.00元" in said.pop()
    assert network.grown_to("民政局", before + 1) == before + 1
    later = _post(network, "民政局", yes)
    assert _side(network, "民政局").open_reply(later.content)["Content"] in {one["Content"] for one in opened if one}
    assert network.settled_size("民政局") == before + 1


def test_a_delivery_for_another_account_or_under_another_signature_is_refused(network: Network):
    xml = text_xml("c-wangguilan", "我的补贴")
    sealed = _side(network, "财政局").deliver(xml)
    url = f"{network.node('民政局')['url']}/wechat"
    assert network.http.post(url, params=sealed.params, content=sealed.body).status_code in range(400, 500)
    own = _side(network, "民政局").deliver(xml)
    forged = {**own.params, "msg_signature": "0" * 40}
    assert network.http.post(url, params=forged, content=own.body).status_code in range(400, 500)
    assert network.http.post(url, content=xml.encode()).status_code in range(400, 500)


def test_many_messages_of_one_sender_at_once_are_all_answered(network: Network):
    chat = network.chat("周大山")
    after = chat.newest_id()
    with ThreadPoolExecutor(10) as pool:
        sent = list(pool.map(lambda _: chat.post(text="我的办件"), range(30)))
    assert len(set(sent)) == 30

    def look() -> list[dict[str, str]] | None:
        said = [one for one in chat.listed(after) if one["from"] == "民政局"]
        return said if len(said) >= 30 else None

    said = until(look, 30, "thirty answers")
    assert len(said) == 30
    assert all("临时救助" in one["text"] for one in said)


def test_the_sandbox_lists_what_the_contract_says(network: Network):
    chat = network.chat("王桂兰")
    sent = chat.post(text="菜单")
    chat.answer_to(sent)
    listed = chat.listed(sent - 1)
    assert all(set(one) == {"id", "from", "text", "time", "kind"} for one in listed)
    assert listed[0]["from"] == "me"
    assert listed[0]["id"] == sent
    assert listed[1]["from"] == "民政局"
    assert [one["id"] for one in listed] == sorted(one["id"] for one in listed)
    assert all(datetime.fromisoformat(one["time"]).tzinfo for one in listed)
    assert chat.listed(listed[-1]["id"]) == []


def test_following_is_greeted(network: Network):
    chat = network.stranger("c-new-follower", "财政局")
    welcome = chat.answer_to(chat.post(event="subscribe"))
    assert "财政局" in welcome.read
    assert [link.label for link in welcome.links] or "1 " in welcome.read


def test_what_the_sandbox_is_not_told_rightly_is_refused(network: Network):
    url = f"{network.sandbox_url}/api/messages"
    for body in ("{", json.dumps({"openid": "c-x", "node": "不存在", "text": "你好"}), json.dumps({"openid": "c-x"})):
        answer = network.http.post(url, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
