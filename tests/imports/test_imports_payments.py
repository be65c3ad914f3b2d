"""A bank's list counts line by line, only for the very payment it names, once, and in words that were looked up."""

import csv
import hashlib
import io

import pytest

from handlers.imports.plan import Outcome
from handlers.imports.remarks import FileWrong
from ledger.records.funds import PaymentStatus
from tests.desk.world import ACCOUNT
from tests.imports.office import CUNZHEN, Bureau, everything, keys, outcomes


@pytest.fixture
def paid(bureau: Bureau) -> tuple[str, str]:
    """A payment that was sent to the bank; returns its handle and number."""
    return send(bureau)


def send(bureau: Bureau, amount: int = 2_000_000) -> tuple[str, str]:
    _case, _award, payment = bureau.town.paid(amount)
    bureau.town.clock.wait(86_400)
    return payment, number_of(bureau, payment)


def number_of(bureau: Bureau, payment: str) -> str:
    with bureau.town.finance.facts() as facts:
        return str(facts.private(bureau.town.finance.ref(payment), "number"))


def state_of(bureau: Bureau, payment: str):
    with bureau.town.finance.facts() as facts:
        found = facts.payment(bureau.town.finance.ref(payment))
    assert found is not None
    return found.state


def line(number: str, **cells: str) -> dict[str, str]:
    told = {"支付编号": number, "户名": "王桂兰", "账号": ACCOUNT, "金额": "20000.00", "结果": "转账成功"}
    return told | cells


def nongshang(
    *rows: dict[str, str], columns=("支付编号", "户名", "账号", "金额", "结果", "失败原因", "交易日期")
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def test_a_line_becomes_the_banks_word_with_the_files_hash_and_line(bureau: Bureau, paid):
    payment, number = paid
    raw = nongshang(line(number, 交易日期=bureau.day(0)))
    plan = bureau.take_bank(raw)
    assert outcomes(plan) == [Outcome.MOVED]
    said = bureau.town.finance.records()[-1]
    assert (said.kind, said.clear) == (
        "bank-result",
        {"outcome": "credited", "file": hashlib.sha256(raw).hexdigest(), "line": 2},
    )
    state = state_of(bureau, payment)
    assert (state.status, state.source) == (PaymentStatus.CREDITED, "bank")


def test_the_banks_own_day_is_kept_when_the_list_comes_later(bureau: Bureau, paid):
    payment, number = paid
    bureau.town.clock.wait(2 * 86_400)
    plan = bureau.take_bank(nongshang(line(number, 交易日期=bureau.day(1))))
    assert "补录" in bureau.tell(plan)
    assert state_of(bureau, payment).happened_on == bureau.day(1)


@pytest.mark.parametrize(("word", "code"), [("账户已销户", "AC04"), ("账号有误", "AC01"), ("户名账号不符", "BE01")])
def test_a_banks_words_for_a_failure_become_the_standards_codes(bureau: Bureau, paid, word, code):
    payment, number = paid
    bureau.take_bank(nongshang(line(number, 结果="转账失败", 失败原因=word)))
    state = state_of(bureau, payment)
    assert (state.status, state.reason, state.source) == (PaymentStatus.REJECTED, code, "bank")


def test_a_word_that_nobody_knows_is_refused_with_the_file_to_add_it_to(bureau: Bureau, paid):
    _payment, number = paid
    plan = bureau.look_bank(nongshang(line(number, 结果="转账失败", 失败原因="该户长期不动")))
    assert keys(plan) == {"import.cell.reason"}
    told = bureau.tell(plan, bureau.town.finance)
    assert "该户长期不动" in told
    assert "banks/qinghe-nongshang.toml" in told
    assert "[reasons]" in told
    assert keys(bureau.look_bank(nongshang(line(number, 结果="搞定了")))) == {"import.cell.bank-result"}


@pytest.mark.parametrize("word", ["王桂兰", "王 桂 兰", "孙丽", "王桂兰账户"])
def test_a_name_that_stands_where_a_word_should_is_not_told(bureau: Bureau, paid, word):
    _payment, number = paid
    plan = bureau.look_bank(
        nongshang(line(number, 结果="转账失败", 失败原因=word), line("21261123000142", 户名="孙丽"))
    )
    assert "import.cell.reason" in keys(plan)
    told = bureau.tell(plan, bureau.town.finance)
    assert word not in told
    assert "***" in told


def test_a_failure_without_its_reason_is_no_answer(bureau: Bureau, paid):
    _payment, number = paid
    plan = bureau.look_bank(nongshang(line(number, 结果="转账失败")))
    assert keys(plan) == {"import.cell.empty"}
    assert "失败原因：" in bureau.tell(plan)


def test_the_other_bank_has_titles_a_total_and_its_reasons_in_the_result(bureau: Bureau):
    first, number = send(bureau)
    second, other = send(bureau, 156_000)
    rows = [
        (number, ACCOUNT, "王桂兰", "20,000.00", "成功", bureau.day(0).replace("-", "")),
        (other, ACCOUNT, "王桂兰", "1,560.00", "户名不符", ""),
    ]
    raw = cunzhen_with_total(*rows, total="21,560.00")
    plan = bureau.take_bank(raw, CUNZHEN)
    assert [one.line for one in plan.lines] == [4, 5]
    assert [state_of(bureau, each).status for each in (first, second)] == ["CREDITED", "REJECTED"]
    assert state_of(bureau, second).reason == "BE01"


def cunzhen_with_total(*rows, total: str, count: str | None = None, titled: str | None = None) -> bytes:
    said = count or str(len(rows))
    lines = [
        "柳树村镇银行批量代付回单;;;;;",
        f"批次号：20261115001;总笔数：{said};总金额：{titled or total};;;",
        "业务参考号;收款账号;收款户名;交易金额;处理结果;处理日期",
        *(";".join(row) for row in rows),
        f"合计;{said}笔;;{total};;",
    ]
    return "\n".join(lines).encode("gb18030")


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        ({"total": "20,000.00", "count": "2"}, {"import.declared.count"}),
        ({"total": "20,000.01"}, {"import.declared.sum"}),
        ({"total": "20,000.00", "titled": "2,000.00"}, {"import.declared.sum"}),
    ],
)
def test_what_the_bank_declares_of_the_whole_must_hold(bureau: Bureau, paid, declared, wrong):
    _payment, number = paid
    row = (number, ACCOUNT, "王桂兰", "20,000.00", "成功", "")
    plan = bureau.look_bank(cunzhen_with_total(row, **declared), CUNZHEN)
    assert keys(plan) == wrong
    assert not plan.is_good
    assert "向银行重新要一份" in bureau.tell(plan)


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ({"金额": "2.00"}, {"import.payment.amount"}),
        ({"户名": "李四"}, {"import.payment.payee"}),
        ({"账号": "6217000010001230837"}, {"import.payment.account"}),
        ({"账号": "6217000010009990836"}, {"import.payment.account.same-tail"}),
        (
            {"金额": "2.00", "户名": "李四", "账号": "62170000"},
            {"import.payment.amount", "import.payment.payee", "import.payment.account"},
        ),
    ],
)
def test_what_differs_from_our_order_is_refused_and_told_without_whole_accounts(bureau: Bureau, paid, cells, wrong):
    _payment, number = paid
    plan = bureau.look_bank(nongshang(line(number, **cells)))
    assert keys(plan) == wrong
    told = bureau.tell(plan, bureau.town.finance)
    for secret in (ACCOUNT, "62170000", "王桂兰", "李四"):
        assert secret not in told


def test_names_are_the_same_whatever_their_width_and_dots(bureau: Bureau, paid):
    _payment, number = paid
    assert bureau.look_bank(nongshang(line(number, 户名=" 王　桂兰 "))).is_good


def test_a_payment_twice_in_one_list_may_have_been_paid_twice(bureau: Bureau, paid):
    _payment, number = paid
    plan = bureau.look_bank(nongshang(line(number), line(number)))
    assert keys(plan) == {"import.row.paid-twice"}
    assert outcomes(plan) == [Outcome.REFUSED] * 2


def test_a_payment_that_an_earlier_list_has_answered_is_asked_about(bureau: Bureau, paid):
    _payment, number = paid
    bureau.take_bank(nongshang(line(number)))
    plan = bureau.look_bank(nongshang(line(number, 交易日期=bureau.day(0))))
    assert keys(plan) == {"import.payment.final"}
    plan = bureau.look_bank(nongshang(line(number, 结果="转账失败", 失败原因="销户")))
    assert keys(plan) == {"import.payment.final"}


def test_money_that_comes_back_after_it_was_credited_is_returned(bureau: Bureau, paid):
    payment, number = paid
    bureau.take_bank(nongshang(line(number)))
    bureau.take_bank(nongshang(line(number, 结果="转账退回", 失败原因="销户")))
    assert state_of(bureau, payment).status is PaymentStatus.RETURNED
    again = nongshang(line(number, 结果="转账退回", 失败原因="销户", 交易日期=bureau.day(0)))
    assert keys(bureau.look_bank(again)) == {"import.payment.final"}


def test_the_banks_file_confirms_what_an_officer_typed(bureau: Bureau, paid):
    payment, number = paid
    bureau.town.result(payment, "accepted")
    assert state_of(bureau, payment).source == "officer"
    bureau.take_bank(nongshang(line(number)))
    assert (state_of(bureau, payment).status, state_of(bureau, payment).source) == ("CREDITED", "bank")


def test_an_order_that_was_never_released_cannot_have_an_answer(bureau: Bureau):
    _case, award = bureau.town.approved()
    bureau.town.round()
    number = number_of(bureau, bureau.town.order(award))
    plan = bureau.look_bank(nongshang(line(number)))
    assert keys(plan) == {"import.payment.CREATED"}
    assert "还没有复核" in bureau.tell(plan)


def test_a_day_before_it_was_sent_to_the_bank_is_not_the_banks(bureau: Bureau, paid):
    _payment, number = paid
    assert keys(bureau.look_bank(nongshang(line(number, 交易日期=bureau.day(5))))) == {"import.payment.before-released"}


def test_a_number_of_nobody_of_another_or_mistyped(bureau: Bureau, paid):
    payment, _number = paid
    with bureau.town.finance.facts() as facts:
        award_number = facts.private(state_of(bureau, payment).award, "number")
    assert keys(bureau.look_bank(nongshang(line("22990101000139")))) == {"import.cell.number"}
    assert keys(bureau.look_bank(nongshang(line(award_number)))) == {"import.payment.unknown"}
    body = "229901010001"
    nobody = f"{body}{98 - 100 * int(body) % 97:02d}"
    assert keys(bureau.look_bank(nongshang(line(nobody)))) == {"import.payment.unknown"}


def test_the_same_list_twice_changes_nothing(bureau: Bureau, paid):
    payment, number = paid
    raw = nongshang(line(number))
    bureau.take_bank(raw)
    before = everything(bureau.town.finance)
    again = bureau.look_bank(raw)
    assert (outcomes(again), again.deeds, again.is_good) == ([Outcome.UNCHANGED], [], True)
    assert everything(bureau.town.finance) == before
    bureau.take_bank(nongshang(line(number, 结果="转账退回", 失败原因="销户")))
    assert outcomes(bureau.look_bank(raw)) == [Outcome.UNCHANGED]
    assert state_of(bureau, payment).status is PaymentStatus.RETURNED


def test_only_finance_takes_in_a_banks_list(bureau: Bureau, paid):
    _payment, number = paid
    bureau.town.finance.enrol("赵会计", "authoriser")
    assert keys(bureau.look_bank(nongshang(line(number)), who="赵会计")) == {"refused.role-missing"}


def test_a_list_cut_off_before_its_total_is_not_taken(bureau: Bureau, paid):
    _payment, number = paid
    whole = cunzhen_with_total((number, ACCOUNT, "王桂兰", "20,000.00", "成功", ""), total="20,000.00")
    with pytest.raises(FileWrong) as caught:
        bureau.look_bank(whole[: whole.rindex("合计".encode("gb18030"))], CUNZHEN)
    assert caught.value.remark.key == "import.file.no-total"
    with pytest.raises(FileWrong) as caught:
        bureau.look_bank(whole + "\n多出来的一行;;;;;".encode("gb18030"), CUNZHEN)
    assert caught.value.remark.key == "import.file.after-total"


def test_the_file_of_one_bank_is_not_that_of_another(bureau: Bureau, paid):
    _payment, number = paid
    with pytest.raises(FileWrong) as caught:
        bureau.look_bank(nongshang(line(number)), CUNZHEN)
    assert caught.value.remark.key in {"import.file.header", "import.file.encoding"}
