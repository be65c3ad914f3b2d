"""What officers do, over the whole of the pretended WeChat: each confirmed act one record, everything else none."""

import re
import sqlite3
import time
from contextlib import closing

import pytest

from tests.demo.network import Answer, Network, OfficerChat, until

pytestmark = pytest.mark.slow

SIGN_IN_FIRST = "请先登录：#登录 加6位动态码"


def _signed(answer: Answer) -> Answer:
    assert answer.read.startswith("已签名"), answer.read
    assert re.search(r"记录号 [0-9A-HJKMNP-TV-Z]{12}", answer.read)
    return answer


def _read_back(answer: Answer, *told: str) -> Answer:
    assert re.search(r"请核对（草稿[0-9]+），签名后只能更正、不能删除", answer.read), answer.read
    for each in told:
        assert each in answer.read
    return answer


def _by_code(officer: OfficerChat, command: str, *told: str) -> Answer:
    _read_back(officer.say(command), *told, "6位动态码")
    return _signed(officer.say(officer.code()))


def _confirmed(officer: OfficerChat, command: str, *told: str) -> Answer:
    [draft] = re.findall(r"草稿([0-9]+)", _read_back(officer.say(command), *told).read)
    return _signed(officer.say(f"确认 {draft}"))


def _waiting(officer: OfficerChat, label: str, name: str) -> tuple[Answer, str]:
    """The list, once it offers this for this person; and the number it is offered for."""

    def look() -> tuple[Answer, str] | None:
        shown = officer.say("#待办")
        for line in shown.lines:
            if name in line and label in line:
                [number] = re.findall(r"[0-9]{12,20}", line)
                return shown, number
        return None

    return until(look, 60, f"{label} {name}", pause=0.3)


def test_nobody_is_signed_in_at_the_start(network: Network):
    officer = network.officer("赵磊")
    for word in ("#待办", "＃待办", "/疑点", "#节点", "#查 1", "#批准 1"):
        assert officer.say(word).read.startswith(SIGN_IN_FIRST)


def test_a_code_that_signed_in_is_used_up_and_a_wrong_one_signs_nobody_in(network: Network):
    officer = network.officer("李敏")
    wrong = officer.say("#登录 000000")
    assert "登录好了" not in wrong.read
    code = officer.code()
    assert "登录好了" in officer.say(f"#登录 {code}").read
    assert "登录好了" not in officer.say(f"#登录 {code}").read
    assert "陈*强" in officer.say(f"#查 {network.number('陈志强')}").read


def test_what_is_not_allowed_is_refused_at_the_command(network: Network):
    officer = network.officer("李敏")
    before = network.settled_size("公安局")
    number = network.number("陈志强")
    for command in (f"#受理 {number}", f"#完成 {number}", f"#批准 {number}"):
        answer = officer.say(command)
        assert answer.read.startswith("不能"), answer.read
        assert "草稿" not in answer.read
    dropped = officer.say(f"#收补正 {number}")
    assert "草稿" in dropped.read
    officer.say("取消")
    officer.say("确认")
    assert network.settled_size("公安局") == before


def test_the_whole_way_of_he_xiuyings_money(network: Network):
    number, daughter = network.number("何秀英"), network.chat("何秀英")
    lin, gao = network.officer("林芳"), network.officer("高伟")
    wu, ma = network.officer("吴倩"), network.officer("马骏")
    civil, finance = network.settled_size("民政局"), network.size("财政局")

    lin.be_signed_in()
    shown = lin.say("#待办")
    assert number in shown.read
    [draft] = re.findall(r"草稿([0-9]+)", _read_back(lin.tap(shown, "受理", number), "何*英").read)
    _signed(lin.say(f"确认 {draft}"))
    _confirmed(lin, f"#完成 {number}", "100.00元（壹佰元整）")
    assert network.grown_to("民政局", civil + 2) == civil + 2

    gao.be_signed_in()
    assert lin.say(f"#批准 {number}").read.startswith("不能")
    _by_code(gao, f"#批准 {number}", "100.00元（壹佰元整）", "高伟", "林芳", "不是同一人")
    assert network.grown_to("民政局", civil + 3) == civil + 3
    assert "已批准 100.00元" in daughter.say(f"进度 {network.slip('何秀英')}").line("现在：")

    wu.be_signed_in()
    _, award = _waiting(wu, "支付", "何*英")
    assert award.startswith("21")
    _by_code(wu, f"#支付 {award}", "100.00元（壹佰元整）", "尾号3308", "吴倩")
    assert network.grown_to("财政局", finance + 1) == finance + 1
    assert wu.say(f"#支付 {award}").read.startswith("不能")

    ma.be_signed_in()
    _, payment = _waiting(ma, "复核支付", "何*英")
    assert payment.startswith("22")
    _by_code(ma, f"#复核支付 {payment}", "100.00元（壹佰元整）", "马骏", "吴倩", "不是同一人")
    assert network.grown_to("财政局", finance + 2) == finance + 2
    assert ma.say(f"#支付 {award}").read.startswith("不能")

    _by_code(wu, f"#银行结果 {payment} 成功", "100.00元")
    assert network.grown_to("财政局", finance + 3) == finance + 3
    case = network.citizen("何秀英")["cases"][0]

    def arrived() -> Answer | None:
        answer = daughter.say(f"补贴 {case['number']} {case['query_code']}")
        return answer if "尚未附银行回执" in answer.read else None

    told = until(arrived, 60, "what the officer typed reaches her own department", pause=0.3)
    assert "财政局登记" in told.read
    assert "银行回执：" not in told.read
    assert "您收到多少" not in told.read
    assert "疑点" not in told.read
    for known in (award, payment):
        assert "100.00元" in daughter.say(f"补贴 {known} {case['query_code']}").read
    assert network.settled_size("民政局") == civil + 3
    assert network.size("财政局") == finance + 3


def test_sun_lis_money_is_issued_again_to_her_new_card_and_she_is_told_once_for_each_record(network: Network):
    wu, ma, sun = network.officer("吴倩"), network.officer("马骏"), network.chat("孙丽")
    failed = network.number("孙丽", "payments", 1)
    before, seen = network.settled_size("财政局"), sun.newest_id()

    _by_code(wu, f"#补发 {failed}", "1,560.00元（壹仟伍佰陆拾元整）", "尾号9025")
    assert network.grown_to("财政局", before + 1) == before + 1
    assert wu.say(f"#补发 {failed}").read.startswith("不能")
    _, again = _waiting(ma, "复核支付", "孙*")
    assert again != failed
    _by_code(ma, f"#复核支付 {again}", "1,560.00元", "尾号9025")
    assert network.grown_to("财政局", before + 2) == before + 2

    notices = until(lambda: told if len(told := sun.notices(seen)) >= 2 else None, 60, "two notices")
    assert len(notices) == 2
    assert all("1,560.00元" in notice and "记录号" in notice for notice in notices)
    read = sun.say(f"补贴 {network.number('孙丽')}").read
    assert "已重新发放" in read
    assert "已送银行" in read


def test_everybody_listed_has_written_within_48_hours_as_far_as_their_node_knows(network: Network):
    """Their news comes as a chat, though they have not said a word since the demo began."""
    for person in (*network.described["citizens"], *network.described["officers"]):
        url = network.node(person["node"])["database_url"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(url)) as database:
            asked = "SELECT last_message_at, followed FROM bot_sessions WHERE openid = ?"
            at, followed = database.execute(asked, (person["openid"],)).fetchone()
        assert followed == 1
        assert time.time() - at < 47 * 3_600


def test_a_stale_confirmation_signs_nothing(network: Network):
    lin = network.officer("林芳")
    before = network.settled_size("民政局")
    number = network.number("何秀英")
    assert lin.say(f"#受理 {number}").read.startswith("不能")
    for word in ("确认", "确认 1", "确认 99", "123456"):
        assert "已签名" not in lin.say(word).read
    assert network.settled_size("民政局") == before


def test_history_tells_every_record_and_which_were_before_the_network(network: Network):
    wu = network.officer("吴倩")
    shown = wu.say(f"#历史 {network.number('王桂兰', 'payments')}")
    lines = [line for line in shown.lines if "联网见证之前" in line]
    assert len(lines) >= 7
    assert any("财政局吴倩" in line for line in lines)
    assert any("财政局马骏" in line for line in lines)


def test_the_auditor_sees_the_finding_with_departments_amounts_and_last_day(network: Network):
    song = network.officer("宋涛")
    assert "登录好了" in song.sign_in().read
    [line] = [line for line in song.say("#疑点").lines if "R19" in line]
    assert re.match(r"[0-9A-HJKMNP-TV-Z]{8} R19", line)
    for told in ("民政局", "财政局", "3,000.00元", "300.00元", "月", "前"):
        assert told in line
    nodes = song.say("#节点")
    for name in ("民政局", "财政局", "公安局"):
        assert "正常" in nodes.line(name)


def test_somebody_who_holds_an_officers_codes_and_not_their_account_is_nobody(network: Network):
    secret = network.officer("宋涛").totp_secret
    thief = OfficerChat(network.http, network.sandbox_url, "c-thief", "审计局", totp_secret=secret)
    nonsense = thief.say("#没有这个词").text
    assert thief.sign_in().text == nonsense
    assert thief.say("#疑点").text == nonsense
