"""A scanned code binds in one scan or shows the slip's case, and tells a stranger nothing."""

import pytest

from bot.messages import Scanned, Subscribed
from handlers.citizen.access import is_settled
from handlers.citizen.scanning import bind_scene, slip_scene
from ledger.bindings import WRONG_TRIES_MAX
from tests.desk.processes import at_once
from tests.handlers_citizen.chats import DAY, shown

ASK = "要看这件事，请在编号后面加上小票上的8位查询码。"


def scan(person, scene: str, kind=Scanned, **how) -> str:
    return shown(person.sends(lambda **envelope: kind(scene=scene, **envelope), **how))


@pytest.fixture
def opened(stage):
    return stage.hand_in()


@pytest.fixture
def code(stage, opened) -> str:
    return str(stage.town.civil.desk.binding_code_for(opened.citizen, 300))


def bindings(stage, openid: str):
    with stage.town.civil.facts() as facts:
        return facts.citizens_of(openid)


# --- binding ---


@pytest.mark.parametrize("kind", [Scanned, Subscribed])
def test_one_scan_binds_at_level_one_and_says_what_can_be_done_now(stage, opened, code, kind):
    person = stage.person()
    told = scan(person, bind_scene(code), kind)
    assert "绑定好了" in told
    assert "11月24日12:00起，可以在这里确认钱收到了" in told
    [binding] = bindings(stage, person.openid)
    assert (binding.citizen, binding.level) == (opened.citizen, 1)
    assert opened.number in person.reads("1")


def test_a_new_binding_says_nothing_about_money_for_a_day(stage, code):
    person = stage.person()
    scan(person, bind_scene(code))
    [binding] = bindings(stage, person.openid)
    assert not is_settled(binding, stage.town.clock() + DAY - 1)
    assert is_settled(binding, stage.town.clock() + DAY)


def test_the_account_before_is_told_of_a_new_one(stage, opened, code):
    old = stage.bind(opened.citizen)
    stage.town.clock.wait(60)
    new = stage.person()
    scan(new, bind_scene(stage.town.civil.desk.binding_code_for(opened.citizen, 300)))
    [told] = stage.outbox.texts(old.openid)
    assert "又有一个微信号绑定了您的信息" in told
    assert stage.outbox.texts(new.openid) == []


def test_a_code_that_two_people_scan_binds_one_and_tells_the_other_kindly(stage, code):
    first, second = stage.person(), stage.person()
    assert "绑定好了" in scan(first, bind_scene(code))
    told = scan(second, bind_scene(code))
    assert "这个二维码过期了，或者已经有人用过" in told
    assert "窗口" in told
    assert bindings(stage, second.openid) == []


def test_a_code_that_two_people_scan_at_the_same_moment_binds_one(stage, opened, code):
    deeds = [lambda desk, who=who: desk.bind(who, code) for who in ("c-a", "c-b")]
    assert at_once(stage.town.civil, deeds) == ["binding-code-wrong", "done"]
    with stage.town.civil.facts() as facts:
        assert len(facts.accounts_of(opened.citizen)) == 1


def test_a_code_older_than_five_minutes_binds_nobody(stage, code):
    stage.town.clock.wait(300)
    person = stage.person()
    assert "过期了" in scan(person, bind_scene(code))
    assert bindings(stage, person.openid) == []


def test_scanning_again_is_no_new_binding_and_alarms_nobody(stage, opened, code):
    person, other = stage.bind(opened.citizen, settled=False), stage.bind(opened.citizen, settled=False)
    stage.town.clock.wait(2 * DAY)
    told = scan(person, bind_scene(stage.town.civil.desk.binding_code_for(opened.citizen, 300)))
    assert "早就绑定好了" in told
    assert stage.outbox.texts(other.openid) == []


def test_whoever_guesses_codes_by_made_up_scans_waits_an_hour(stage, code):
    person = stage.person()
    for guess in range(WRONG_TRIES_MAX):
        scan(person, bind_scene(f"{guess:08}"))
    assert "请过一小时再试" in scan(person, bind_scene(code))
    assert bindings(stage, person.openid) == []


def test_an_unsealed_scan_binds_nobody(stage, code):
    person = stage.person()
    assert "认不出是不是您本人" in scan(person, bind_scene(code), sealed=False)
    assert bindings(stage, person.openid) == []


def test_a_repeat_of_the_scan_after_a_crash_is_the_same_binding(stage, code):
    person = stage.person()
    first = scan(person, bind_scene(code), key="delivery", forget=True)
    assert scan(person, bind_scene(code), key="delivery") == first
    assert len(bindings(stage, person.openid)) == 1


def test_the_code_can_be_typed_instead(stage, code):
    person = stage.person()
    assert "绑定好了" in person.reads(f"绑定 {code[:4]} {code[4:]}")


def test_what_stands_on_the_slip_binds_nobody_and_is_explained(stage, opened):
    person = stage.person()
    told = person.reads(f"绑定 {opened.number} {opened.query_code}")
    assert "看这一件事不用绑定" in told
    assert bindings(stage, person.openid) == []
    for _ in range(WRONG_TRIES_MAX):
        person.reads(f"绑定 {opened.number}")
    good = stage.town.civil.desk.binding_code_for(opened.citizen, 300)
    assert "绑定好了" in person.reads(f"绑定 {good}")


# --- the slip ---


@pytest.mark.parametrize("kind", [Scanned, Subscribed])
def test_the_slips_code_shows_what_number_and_code_would(stage, opened, kind):
    typed, scanned = stage.person(), stage.person()
    expected = typed.reads(f"进度 {opened.number} {opened.query_code}")
    assert scan(scanned, slip_scene(opened.number, opened.query_code), kind) == expected
    assert "现在：" in expected
    assert scanned.reads("1") == typed.reads("1")


@pytest.mark.parametrize(
    "scene",
    [
        "slip_{number}_00000000",
        "slip_21261123009998_{code}",
        "slip_99261123004798_{code}",
    ],
)
def test_a_made_up_slip_gets_what_every_stranger_gets(stage, opened, scene):
    made_up = scene.format(number=opened.number, code=opened.query_code)
    _slip, number, code = made_up.split("_")
    assert scan(stage.person(), made_up) == stage.person().reads(f"进度 {number} {code}")
    assert opened.number not in scan(stage.person(), made_up)


def test_guessing_by_made_up_slips_is_counted_with_guessing_by_hand(stage, opened):
    person = stage.person()
    for guess in range(WRONG_TRIES_MAX):
        wrong = f"{(int(opened.query_code) + 1 + guess) % 10**8:08}"
        assert scan(person, slip_scene(opened.number, wrong)) == ASK
    assert "请过一小时再试" in scan(person, slip_scene(opened.number, opened.query_code))
    assert "请过一小时再试" in person.reads(f"进度 {opened.number} {opened.query_code}")


def test_a_slip_of_ones_own_needs_no_good_code(stage, opened):
    person = stage.bind(opened.citizen)
    assert "现在：" in scan(person, slip_scene(opened.number, "00000000"))


# --- anything else ---


@pytest.mark.parametrize(
    "scene",
    [
        "", "desk-1", "bind_", "bind_1234567", "bind_123456789", "bind_１２３４５６７８", "bind_12345678\n", "slip_1_2", "x" * 256,
        "slip_21261123004798", "bind_12345678_9", "BIND_12345678", "进度 21261123004798 12345678",
    ],
)  # fmt: skip
def test_a_code_that_is_not_ours_is_greeted_like_everybody(stage, scene):
    person = stage.person()
    assert "您好，这里是" in scan(person, scene)
    assert bindings(stage, person.openid) == []


def test_following_without_a_scene_is_greeted(stage):
    assert "您好，这里是" in shown(stage.person().sends(Subscribed))


def test_no_number_and_no_code_of_a_scan_is_kept_in_the_session(stage, opened, code):
    person = stage.person()
    scan(person, slip_scene(opened.number, opened.query_code))
    scan(person, bind_scene(code))
    assert opened.query_code not in person.stored
    assert code not in person.stored
