"""What the people of the county read, and what their words do."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.demo.network import Answer, Network, until

pytestmark = pytest.mark.slow

CHINA = timezone(timedelta(hours=8))
STRANGER = "要看这件事，请在编号后面加上小票上的8位查询码。"


def _day(network: Network, offset: int) -> str:
    """A day of the story, counted from the start, as people write it."""
    started = datetime.fromtimestamp(network.launcher.folder.stat().st_ctime, CHINA).date()
    number = network.number("何秀英")  # given on D-1: the folder may have been made before midnight
    start = datetime.strptime(number[2:8], "%y%m%d").replace(tzinfo=CHINA).date() + timedelta(days=1)
    assert abs((start - started).days) <= 1
    day = start + timedelta(days=offset)
    year = "" if day.year == datetime.now(CHINA).year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


def _trusted(network: Network, person: str, text: str) -> Answer:
    """The answer as soon as other departments have cosigned what it is computed from."""
    chat = network.chat(person)

    def look() -> Answer | None:
        answer = chat.say(text)
        return answer if any("各存了一份" in line for line in answer.trust_lines) else None

    return until(look, 60, "others hold it", pause=0.3)


def test_wang_guilan_asks_whether_her_money_has_come_and_says_that_it_has_one_record(network: Network):
    chat = network.chat("王桂兰")
    asked = _trusted(network, "王桂兰", "我的钱到了没")
    assert f"民政局{_day(network, -12)}批准 20,000.00元" in asked.read
    assert f"{_day(network, -8)}，银行回执：救助金 20,000.00元 已转入您尾号0836的卡。" in asked.read
    assert [line[:2] for line in asked.lines[asked.lines.index("您收到多少？") :]] == ["您收", "1 ", "2 ", "3 ", "4 "]
    before = network.settled_size("民政局")

    for question in ("到账没", "到账了吗", "钱收到了吗", "是不是收到了", "收到没有呀"):
        chat.say(question)
    assert network.settled_size("民政局") == before

    read_back = chat.say("钱收到了")
    assert "20,000.00元" in read_back.read
    assert _day(network, -8) in read_back.read
    said = chat.say("1")
    assert "20,000.00元" in said.read
    assert network.grown_to("民政局", before + 1) == before + 1

    assert "没有" in chat.say("钱收到了").read
    again = chat.say(f"补贴 {network.number('王桂兰')}")
    assert "您收到多少" not in again.read
    assert f"您{_day(network, 0)}说：收到了" in again.read or f"您{_day(network, 1)}说：收到了" in again.read
    assert network.settled_size("民政局") == before + 1


def test_wang_guilan_asks_twice_and_reads_the_same(network: Network):
    first, second = (_trusted(network, "王桂兰", f"进度 {network.number('王桂兰')}") for _ in range(2))
    assert len(first.trust_lines) == len(second.trust_lines) == 1
    assert [line for line in first.lines if "核对" not in line] == [line for line in second.lines if "核对" not in line]
    assert f"已批准 20,000.00元，{_day(network, -12)}" in first.line("现在：")
    assert "疑点" not in first.read
    assert "⚠" not in first.read


def test_the_line_of_trust_names_those_who_hold_both_logs_and_not_her_own_node(network: Network):
    [line] = _trusted(network, "王桂兰", f"补贴 {network.number('王桂兰')}").trust_lines
    assert line.startswith("公安局、审计局各存了一份")
    assert "民政局" not in line


def test_chen_zhiqiang_reads_what_is_missing_and_by_when_with_his_slip(network: Network):
    answer = _trusted(network, "陈志强", f"进度 {network.slip('陈志强')}")
    assert answer.lines[0].startswith("居住证")
    assert "补材料" in answer.line("现在：")
    assert "租房合同（原来的已过期）" in answer.line("缺：")
    assert f"{_day(network, 6)}前" in answer.read
    assert "柳树镇便民服务中心" in answer.read
    assert len(answer.trust_lines) == 1


def test_chen_zhiqiang_binds_once_and_nobody_else_with_his_code(network: Network):
    chat, code = network.chat("陈志强"), network.citizen("陈志强")["binding_code"]
    thief = network.stranger("o-somebody-else", "公安局")
    before = chat.say("我的办件")
    assert "居住证" not in before.read
    assert "绑定好了" in chat.say(f"绑定 {code}").read
    assert "居住证" in chat.say("我的办件").read
    assert "绑定好了" not in thief.say(f"绑定 {code}").read
    assert "居住证" not in thief.say("我的办件").read
    assert "居住证" in chat.say(f"进度 {network.number('陈志强')[-4:]}").read


def test_sun_li_reads_why_it_failed_and_that_it_comes_again(network: Network):
    answer = network.chat("孙丽").say("我的补贴")
    lines = [line for line in answer.lines if "低保金 1,560.00元" in line]
    assert len(lines) == 2
    oldest = network.chat("孙丽").say(f"补贴 {network.number('孙丽', 'payments', 0)}")
    assert "银行回执" in oldest.read
    assert "尾号4471" in oldest.read
    newest = network.chat("孙丽").say(f"补贴 {network.number('孙丽', 'payments', 1)}")
    assert "没能打进您的卡" in newest.read


def test_zhou_dashan_reads_300_of_3000_and_who_found_it(network: Network):
    for text in (f"进度 {network.number('周大山')}", f"补贴 {network.number('周大山')}", "我的钱怎么少了"):
        answer = network.chat("周大山").say(text)
        assert "批准 3,000.00元" in answer.read
        assert "300.00元" in answer.read
        assert "2,700.00元" in answer.read
        [line] = [line for line in answer.lines if "疑点" in line]
        assert "民政局核对时发现" in line
        assert "请财政局" in line
        assert "尚未附银行回执" in answer.read


def test_nobody_else_reads_of_the_finding(network: Network):
    for name in ("王桂兰", "孙丽"):
        for text in (f"进度 {network.number(name)}", f"补贴 {network.number(name)}"):
            assert "疑点" not in network.chat(name).say(text).read
            assert "⚠" not in network.chat(name).say(text).read


def test_he_xiuyings_daughter_reads_it_with_the_slip_and_nothing_without(network: Network):
    chat = network.chat("何秀英")
    assert chat.say(f"进度 {network.number('何秀英')}").text == STRANGER
    answer = chat.say(network.slip("何秀英"))
    assert "高龄津贴" in answer.read
    assert answer.line("现在：")


def test_strangers_get_one_fixed_text_for_whatever_they_type(network: Network):
    stranger = network.stranger("c-stranger", "民政局")
    own = network.number("王桂兰")
    invented = _number("219901010001")
    for text in (
        f"进度 {own}",
        f"进度 {invented}",
        f"进度 {network.number('陈志强')}",
        f"进度 {_number('989901010001')}",
        f"进度 {own[-4:]}",
        f"补贴 {network.number('周大山', 'payments')}",
        f"进度 {own} 00000000",
        f"进度 {invented} 00000000",
        own,
    ):
        answer = stranger.say(text)
        assert answer.text == STRANGER, text
        assert not re.search(own[:8], answer.text)


def _number(body: str) -> str:
    return f"{body}{98 - 100 * int(body) % 97:02d}"


def test_a_mistyped_number_is_called_mistyped(network: Network):
    number = network.number("王桂兰")
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert "输错" in network.chat("王桂兰").say(f"进度 {wrong}").read


def test_five_wrong_codes_an_hour_and_then_wait_and_the_owner_is_not_locked_out(network: Network):
    guesser, number = network.stranger("c-guesser", "民政局"), network.number("何秀英")
    answers = [guesser.say(f"进度 {number} {guess:08d}").read for guess in range(1, 8)]
    assert answers[:5] == [STRANGER] * 5
    assert all("一小时" in answer for answer in answers[5:])
    assert "高龄津贴" in network.chat("何秀英").say(f"进度 {network.slip('何秀英')}").read


def test_full_width_digits_spaces_and_another_script_are_forgiven(network: Network):
    number = network.number("王桂兰")
    wide = number.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)})
    for text in (f"进度{number}", f"進度 {wide}", f"progress {number[:8]} {number[8:]}"):
        assert "20,000.00" in network.chat("王桂兰").say(text).read


def test_the_story_notified_nobody(network: Network):
    for name in ("王桂兰", "周大山", "陈志强"):
        assert network.chat(name).notices() == []


def test_staff_words_are_nonsense_to_citizens(network: Network):
    chat = network.stranger("c-curious", "民政局")
    nonsense = chat.say("#没有这个词").text
    for word in ("#待办", "＃批准 1", "/登录 123456", f"#批准 {network.number('何秀英')}"):
        assert chat.say(word).text == nonsense
