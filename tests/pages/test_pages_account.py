"""The page of #登记账户: another account is typed, read back, signed once; and then the money can be paid again."""

import pytest

from ledger.desk import Purpose, new_handle
from ledger.errors import Busy, Refused
from ledger.tickets import OPEN_SECONDS
from tests.pages.counter import CARD, Counter, words_of

GONE = "这个页面打不开了"
TYPED = {"payee": "王桂兰", "account": "6299 9900 0000 0069 025"}
NEW = "6299990000000069025"


@pytest.fixture
def failed(counter: Counter) -> tuple[str, str]:
    """An award whose payment came back because the account is closed; the handles of both."""
    town = counter.town
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = new_handle()
    clear = {"case": case, "programme": "QH-LSJZ", "amount": 156_000, "payer": town.finance.origin}
    town.civil.act("林芳", "award-proposed", award, clear)
    town.civil.act("高伟", "award-approved", award, {"amount": 156_000})
    town.round()
    payment = town.order(award, 156_000)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "rejected", "AC04")
    town.round()
    return award, payment


def link(counter: Counter, award: str) -> str:
    return counter.link(award, Purpose.ACCOUNT)


def account(counter: Counter, award: str):
    with counter.town.civil.facts() as facts:
        return facts.private(counter.town.civil.ref(award), "account")


def test_another_account_is_read_back_before_it_is_signed(counter, failed):
    award, _payment = failed
    page, size = link(counter, award), counter.size()
    shown = words_of(counter.look(page))
    assert "救助金 1,560.00元" in shown
    assert f"原来的账户尾号{CARD[-4:]}" in shown
    read_back = counter.send(page, TYPED | {"step": "check"})
    assert "6299 9900 0000 0069 025" in words_of(read_back)
    assert "王桂兰" in words_of(read_back)
    assert counter.size() == size
    done = words_of(counter.send(page, TYPED | {"step": "confirm"}))
    assert "新账户登记好了" in done
    assert "尾号9025" in done
    assert "财政局一般1分钟内收到" in done
    assert "11月30日前补发" in done
    assert NEW not in done
    assert counter.size() == size + 1
    assert account(counter, award) == NEW


def test_what_is_read_back_is_sent_with_it_and_can_be_changed(counter, failed):
    page = link(counter, failed[0])
    read_back = counter.send(page, TYPED | {"step": "check"}).text
    for name, value in TYPED.items():
        assert f'name="{name}" value="{value}"' in read_back
    changed = counter.send(page, TYPED | {"step": "change"})
    assert "下一步：核对" in words_of(changed)
    assert all(f'value="{value}"' in changed.text for value in TYPED.values())


def test_after_it_the_payment_can_be_issued_again_to_the_new_account(counter, failed):
    town, (award, payment) = counter.town, failed
    with pytest.raises(Refused, match="account-closed"):
        town.order(award, 156_000, reissues=payment)
    town.clock.wait(60)
    counter.send(link(counter, award), TYPED | {"step": "confirm"})
    with pytest.raises(Refused):
        town.order(award, 156_000, reissues=payment)
    town.round()
    again = town.order(award, 156_000, reissues=payment)
    with town.finance.facts() as facts:
        assert facts.private(town.finance.ref(again), "account") == NEW


def test_the_same_form_again_signs_nothing_more(counter, failed):
    page = link(counter, failed[0])
    first = counter.send(page, TYPED | {"step": "confirm"})
    size = counter.size()
    assert counter.send(page, TYPED | {"step": "confirm"}).text == first.text
    assert counter.send(page, {"payee": "别人", "account": CARD, "step": "confirm"}).text == first.text
    assert counter.size() == size
    assert account(counter, failed[0]) == NEW
    assert GONE in words_of(counter.look(page))
    assert GONE in words_of(counter.look(f"{page}/slip"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"account": "6299990000000069026"}, "这个卡号对不上"),
        ({"account": ""}, "请填卡号"),
        ({"payee": ""}, "请填姓名"),
        ({"payee": "王小明"}, "请选他是申请人的什么人"),
    ],
)
@pytest.mark.parametrize("step", ["check", "confirm", ""])
def test_what_is_wrong_is_said_and_never_signed_whatever_the_step(counter, failed, typed, told, step):
    page, size = link(counter, failed[0]), counter.size()
    answer = counter.send(page, TYPED | typed | {"step": step})
    assert told in words_of(answer)
    assert counter.size() == size


def test_another_payee_is_kept_with_how_they_belong(counter, failed):
    award = failed[0]
    typed = {"payee": "王小明", "account": NEW, "relation": "child"}
    read_back = words_of(counter.send(link(counter, award), typed))
    assert "王小明 （申请人的子女）" in read_back or "王小明（申请人的子女）" in read_back
    counter.send(link(counter, award), typed | {"step": "confirm"})
    with counter.town.civil.facts() as facts:
        ref = counter.town.civil.ref(award)
        assert (facts.private(ref, "payee"), facts.private(ref, "relation")) == ("王小明", "child")


def test_the_officer_is_told_and_reads_the_tail_only(counter, failed):
    counter.send(link(counter, failed[0]), TYPED | {"step": "confirm"})
    [told] = counter.outbox.texts("o-林芳")
    assert "尾号9025" in told
    assert NEW not in told
    assert "王桂兰" not in told


def test_an_award_that_was_not_approved_is_refused_with_the_reason_and_the_typed_stays(counter):
    town = counter.town
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = town.propose(case)
    page, size = link(counter, award), counter.size()
    answer = counter.send(page, TYPED | {"step": "confirm"})
    assert answer.status_code == 409
    assert "不能登记账户：这件事现在是“已申报，等审批”" in words_of(answer)
    assert all(f'value="{value}"' in answer.text for value in TYPED.values())
    assert counter.size() == size


def test_busy_keeps_what_was_typed(counter, failed, monkeypatch):
    page = link(counter, failed[0])

    def busy(*_args, **_more):
        raise Busy("locked")

    with monkeypatch.context() as locked:
        locked.setattr(counter.desk, "submit", busy)
        answer = counter.send(page, TYPED | {"step": "confirm"})
    assert answer.status_code == 503
    assert all(f'value="{value}"' in answer.text for value in TYPED.values())
    assert "新账户登记好了" in words_of(counter.send(page, TYPED | {"step": "confirm"}))


def test_the_link_ends_like_every_other(counter, failed):
    page, size = link(counter, failed[0]), counter.size()
    counter.town.clock.wait(OPEN_SECONDS)
    assert GONE in words_of(counter.look(page))
    assert GONE in words_of(counter.send(page, TYPED | {"step": "confirm"}))
    assert GONE in words_of(counter.look(link(counter, "A" * 22)))
    assert counter.size() == size


def test_a_revoked_officer_registers_nothing(counter, failed, monkeypatch):
    page, submit = link(counter, failed[0]), counter.desk.submit

    def revoke_first(*args, **more):
        counter.desk.revoke(counter.officer())
        return submit(*args, **more)

    monkeypatch.setattr(counter.desk, "submit", revoke_first)
    assert GONE in words_of(counter.send(page, TYPED | {"step": "confirm"}))
    assert [each.kind for each in counter.town.civil.records()].count("account-given") == 0


def test_in_english_too(counter, failed):
    page = link(counter, failed[0])
    assert "Another account" in words_of(counter.look(f"{page}?lang=en"))
    assert "compare it with the card" in words_of(counter.send(f"{page}?lang=en", TYPED | {"step": "check"}))
    assert "is registered" in words_of(counter.send(f"{page}?lang=en", TYPED | {"step": "confirm"}))
