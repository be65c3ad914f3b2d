"""回执, 我的回执 and 核验: one's own by the rules of 进度, a code by anybody, and neither tells a stranger anything."""

import re

import pytest

from ledger.peers import publish
from ledger.records.check_code import check_code, in_groups, leaves_of, parse_check_code
from ledger.records.statement import Statement, parse_record
from ledger.storage import entries, schema
from ledger.storage.engine import transaction
from tests.handlers_citizen.chats import links, shown
from tests.handlers_staff.office import known
from tests.peers.smuggling import put, signed
from tests.receipts.rig import Bureau, approve, hand_in

STRANGER = "要看这件事，请在编号后面加上小票上的8位查询码。"
_URL = re.compile(r'<a href="(https://[^"]*)">')


def urls(answer: str) -> list[str]:
    return _URL.findall(answer)


def code_of(record) -> str:
    return in_groups(check_code(record.leaf))


# --- 回执 ---


def test_a_case_leads_to_the_page_of_its_newest_record_with_its_code(calm: Bureau):
    answer = calm.bound().says(f"回执 {calm.number('case')}")
    newest = calm.record(calm.finance, "bank-result")
    assert urls(answer) == [f"https://21.example/receipts/{newest.record_id}"]
    lines = shown(answer).splitlines()
    assert "临时救助的存证回执" in lines
    assert any(line.endswith("财政局：银行回执：已转入。") for line in lines)
    assert f"校验码 {code_of(newest)}" in lines
    assert "公安局、民政局各存了一份。" in lines


@pytest.mark.parametrize("words", ["回执", "凭证", "存证回执", "receipt", "Receipt", "回執", "回　执"])
@pytest.mark.parametrize("topic", ["case", "award", "payment"])
def test_every_number_and_every_word_for_it_works(calm: Bureau, words: str, topic: str):
    answer = calm.bound().says(f"{words} {calm.number(topic)}")
    assert urls(answer) == [f"https://21.example/receipts/{calm.record(calm.finance, 'bank-result').record_id}"]


def test_the_last_four_digits_are_enough_among_ones_own(calm: Bureau):
    answer = calm.bound().says(f"回执 {calm.number('payment')[-4:]}")
    assert len(urls(answer)) == 1


def test_the_earlier_ones_can_be_tapped_or_typed(calm: Bureau):
    person = calm.bound()
    answer = person.says(f"回执 {calm.number('case')}")
    approved = calm.record(calm.civil, "award-approved")
    label = next(one for one in links(answer) if "批准 20,000.00元" in one)
    assert links(answer)[label] == f"核验 {check_code(approved.leaf)}"
    digit = next(line for line in shown(answer).splitlines() if "批准 20,000.00元" in line)[0]
    tapped = person.says(links(answer)[label])
    assert urls(tapped) == [f"https://21.example/receipts/{approved.record_id}"]
    person.says(f"回执 {calm.number('case')}")
    assert person.says(digit) == tapped


def test_whoever_has_the_slip_gets_it_by_number_and_code(calm: Bureau):
    answer = calm.person(calm.civil).says(f"回执 {calm.number('case')} {calm.story.query_code}")
    assert len(urls(answer)) == 1
    assert calm.story.query_code not in answer


def test_strangers_get_the_one_text_whatever_they_type(calm: Bureau):
    person = calm.person(calm.civil)
    for number in ("21261123004798", calm.number("case"), calm.number("payment"), calm.number("case")[-4:]):
        assert person.reads(f"回执 {number}") == STRANGER
    assert person.reads(f"回执 {calm.number('case')} 00000000") == STRANGER
    assert "输错" in person.reads("回执 21261123004799")


def test_wrong_codes_are_counted_as_for_any_other_question(bureau: Bureau):
    person = bureau.person(bureau.civil)
    number = bureau.number("case")
    said = [person.reads(f"回执 {number} {code:08}") for code in range(1, 8)]
    assert said[0] == STRANGER
    assert "请过一小时再试" in said[-1]


def test_the_same_work_is_done_for_a_number_that_exists_and_one_that_does_not(calm: Bureau, monkeypatch):
    """No receipt is looked for before the person may see it."""
    asked: list[str] = []
    monkeypatch.setattr("handlers.citizen.receipts.read_receipt", lambda _engine, record: asked.append(record))
    person = calm.person(calm.civil)
    person.says(f"回执 {calm.number('case')}")
    person.says("回执 21261123004798")
    assert asked == []


def test_until_a_quorum_has_seen_it_the_promise_and_a_time_of_day_are_told(bureau: Bureau, monkeypatch):
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.1)
    civil = bureau.county.town.civil
    done = civil.act(
        "林芳", "account-given", bureau.story.award, {}, {"payee": "王桂兰", "account": "6217000010001230844"}
    )
    answer = bureau.bound().says(f"回执 {bureau.number('case')}")
    assert done.promise in answer
    assert re.search(r"回执[0-9]{2}:[0-9]{2}以后能打开", shown(answer))
    assert urls(answer) == [f"https://21.example/receipts/{done.record_id}"]
    assert len(answer.encode()) <= 2_048
    assert not answer.endswith("…")
    for _ in range(2):
        bureau.county.round()
    later = bureau.bound().says(f"回执 {bureau.number('case')}")
    assert done.promise not in later
    assert "各存了一份" in later


def test_an_answer_fits_into_a_chat_message_however_long_the_story(bureau: Bureau):
    civil = bureau.county.town.civil
    for account in range(30):
        told = {"payee": "王桂兰", "account": f"62170000100012308{account:02}"}
        done = civil.act("林芳", "account-given", bureau.story.award, {}, told)
    person = bureau.bound()
    answer = person.says(f"回执 {bureau.number('case')}")
    assert len(answer.encode()) <= 2_048
    assert not answer.endswith("…")
    assert done.promise in answer


def test_a_record_from_before_the_network_says_so(bureau: Bureau):
    number = bureau.number("case")
    assert "联网见证之前登记的。" not in bureau.bound().reads(f"回执 {number}").splitlines()
    with transaction(bureau.civil.engine) as conn:
        conn.execute(schema.logs.update().values(first_cosigned=None))
    assert "联网见证之前登记的。" in bureau.bound().reads(f"回执 {number}").splitlines()


def test_whoever_speaks_english_is_led_to_the_english_page(calm: Bureau):
    person = calm.bound()
    person.says("English")
    answer = person.says(f"receipt {calm.number('case')}")
    newest = calm.record(calm.finance, "bank-result")
    assert urls(answer) == [f"https://21.example/receipts/{newest.record_id}?lang=en"]
    assert f"Check code {code_of(newest)}" in answer
    assert "2 other departments have stored it" in person.reads("1")


# --- 我的回执 ---


def test_ones_own_are_listed_the_newest_first_and_a_digit_opens_one(calm: Bureau):
    person = calm.bound()
    answer = person.reads("我的回执")
    lines = answer.splitlines()
    assert lines[0] == "您的存证回执，新的在前："
    assert lines[1].endswith("财政局：银行回执：已转入")
    assert lines[-2].endswith("民政局：收到申请")
    assert len([line for line in lines if re.match(r"[0-9]+ ", line)]) == 7
    assert "银行回执：救助金 20,000.00元 已转入。" in person.reads("1")


def test_they_are_paged(bureau: Bureau):
    for _ in range(3):
        county, town = bureau.county, bureau.county.town
        told = {"applicant": "王桂兰", "payee": "王桂兰", "account": "6217000010001230836"}
        by = town.civil.staff["林芳"].handle
        opened = town.civil.desk.open_case(
            "05LSJZ0001", told, by=by, once=town.civil.once(), citizen=bureau.story.citizen
        )
        approve(county, opened.submitted.sub, 100)
    person = bureau.bound()
    first = person.says("我的回执")
    assert len([line for line in shown(first).splitlines() if re.match(r"[0-9]+ ", line)]) == 11
    second = person.taps(first, "下一页")
    assert second.splitlines()[1].startswith("11 ")
    assert len(first.encode()) <= 2_048
    assert len(second.splitlines()) == 2 + 7 + 12 - 10


def test_nobody_who_is_not_bound_has_any(calm: Bureau):
    answer = calm.person(calm.civil).reads("我的回执")
    assert "编号" in answer
    assert "回执，新的在前" not in answer


def test_each_citizen_has_their_own_and_no_others(bureau: Bureau):
    told = {"applicant": "李四", "payee": "李四", "account": "6217000010001230836"}
    civil = bureau.county.town.civil
    opened = civil.desk.open_case("05LSJZ0001", told, by=civil.staff["林芳"].handle, once=civil.once())
    with bureau.civil.reading() as facts:
        citizen = str(known(facts.case(civil.ref(opened.submitted.sub))).citizen)
    code = bureau.civil.desk.binding_code_for(citizen, 300)
    bureau.civil.desk.bind("li", code)
    answer = bureau.person(bureau.civil, "li").reads("我的回执")
    assert len([line for line in answer.splitlines() if re.match(r"[0-9]+ ", line)]) == 1


# --- 核验 ---


@pytest.mark.parametrize("name", ["民政局", "财政局", "公安局"])
def test_any_department_checks_a_code_of_any_department(calm: Bureau, name: str):
    node = calm.county.nodes[name]
    for owner, kind, said, others in (
        (calm.civil, "award-approved", "批准救助金 20,000.00元。", "公安局、财政局"),
        (calm.finance, "bank-result", "银行回执：救助金 20,000.00元 已转入。", "公安局、民政局"),
    ):
        record = calm.record(owner, kind)
        answer = calm.person(node).says(f"核验 {check_code(record.leaf)}")
        lines = shown(answer).splitlines()
        assert lines[0] == f"校验码 {code_of(record)}"
        assert lines[1] == said
        assert re.fullmatch(f"{owner.name}，11月2[0-9]日 [0-9:]{{5}}登记，序号 [0-9]+。", lines[2])
        assert f"另有2个部门各存了一份：{others}。" in lines
        assert urls(answer) == [f"{node.public_url}/receipts/{record.record_id}"]


def spellings(code: str) -> list[str]:
    alike = code.replace("0", "O").replace("1", "I")
    return [
        code,
        code.lower(),
        in_groups(code),
        in_groups(code).lower(),
        " ".join(code),
        alike,
        code.replace("1", "l").replace("0", "o"),
        alike.lower(),
        "".join(chr(ord(letter) + 0xFEE0) for letter in code),  # full-width
        f"{in_groups(code)}。",
        f"{code} 谢谢",
    ]


def test_case_spaces_hyphens_and_look_alikes_are_forgiven(calm: Bureau):
    for record in calm.department(calm.civil).records()[-5:]:
        for typed in spellings(check_code(record.leaf)):
            answer = calm.person(calm.finance).says(f"核验 {typed}")
            assert urls(answer) == [f"https://22.example/receipts/{record.record_id}"], typed


@pytest.mark.parametrize("word", ["核验", "校验码", "核驗", "check", "Check"])
def test_its_words(calm: Bureau, word: str):
    record = calm.record(calm.civil, "award-approved")
    assert len(urls(calm.person(calm.police).says(f"{word} {check_code(record.leaf)}"))) == 1


def test_a_receipts_address_is_as_good_as_its_code(calm: Bureau):
    record = calm.record(calm.civil, "award-approved")
    for typed in (
        record.record_id,
        f"https://21.example/receipts/{record.record_id}",
        f"https://21.example/receipts/{record.record_id}.tlog-proof",
        f"https://21.example/receipts/{record.record_id}?lang=en",
    ):
        answer = calm.person(calm.police).says(f"核验 {typed}")
        assert urls(answer) == [f"https://23.example/receipts/{record.record_id}"]


@pytest.mark.parametrize("typed", ["7K2M-9QXD-4TNB", "000000000000", "ZZZZZZZZZZZZ", "A" * 43])
def test_a_code_that_nobody_has_is_told_kindly(calm: Bureau, typed: str):
    answer = calm.person(calm.civil).reads(f"核验 {typed}")
    assert "都没有这个校验码" in answer
    assert "再看一下" in answer


@pytest.mark.parametrize(
    "typed", ["7K2M", "7K2M-9QXD-4TNU", "7K2M-9QXD-4TNB-5", "x" * 500, "王桂兰", "<script>", "'; DROP TABLE entries;"]
)
def test_what_is_no_code_is_told_kindly(calm: Bureau, typed: str):
    answer = calm.person(calm.civil).reads(f"核验 {typed}")
    assert "12位" in answer
    assert typed not in answer


def test_without_a_code_it_says_what_to_send(calm: Bureau):
    assert "例如：核验 7K2M-9QXD-4TNB" in calm.person(calm.civil).reads("核验")


def test_a_code_tells_nothing_that_is_not_public(calm: Bureau):
    for record in calm.department(calm.civil).records():
        answer = calm.person(calm.police).says(f"核验 {check_code(record.leaf)}")
        for secret in ("王桂兰", "林芳", "高伟", "0836", calm.number("case"), calm.story.query_code):
            assert secret not in re.sub(r"/receipts/[\w-]{43}", "", answer)


def test_a_record_that_failed_our_check_is_told_as_such(bureau: Bureau):
    by = bureau.county.town.civil.staff["林芳"].handle
    entry = signed(bureau.civil, Statement("award-approved", bureau.story.award, {"amount": 100}), by=by)
    put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    answer = bureau.person(bureau.police).reads(f"核验 {check_code(parse_record(entry).leaf)}")
    assert "公安局检查时没有通过，请不要相信它" in answer
    assert "批准" not in answer


def test_a_fresh_record_is_told_with_the_time_to_ask_again(bureau: Bureau):
    opened = hand_in(bureau.county)
    code = check_code(bureau.record(bureau.civil, "case-submitted").leaf)
    assert opened
    answer = bureau.person(bureau.civil).reads(f"核验 {code}")
    assert "还没有足够的部门见证签名" in answer
    assert re.search(r"[0-9]{2}:[0-9]{2}以后再查", answer)


def test_two_records_that_somebody_made_with_one_code_are_both_shown(bureau: Bureau):
    record = bureau.record(bureau.civil, "award-approved")
    other = bureau.record(bureau.civil, "award-proposed")
    # As if 2**30 tries had found one: the leaf of another record begins with the same 60 bits.
    twin = record.leaf[:8] + bytes(24)
    with transaction(bureau.police.engine) as conn:
        rows = schema.entries.c
        conn.execute(schema.entries.update().where(rows.leaf == other.leaf).values(leaf=twin))
    answer = bureau.person(bureau.police).reads(f"核验 {check_code(record.leaf)}")
    assert "有2条记录用了同一个校验码" in answer
    assert "批准救助金 20,000.00元。" in answer
    assert "提出救助金 20,000.00元。" in answer


def test_a_code_is_looked_up_by_its_index_and_never_by_a_scan(bureau: Bureau):
    low, high = leaves_of(check_code(bureau.record(bureau.civil, "award-approved").leaf))
    with transaction(bureau.civil.engine) as conn:
        asked = str(entries._LEAVES_BETWEEN)
        plan = conn.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {asked}".replace(":low", "?").replace(":high", "?").replace(":limit", "?"),
            (low, high, 3),
        ).all()
    assert all("SCAN" not in str(row) for row in plan), plan
    assert any("ix_entries_leaf" in str(row) for row in plan)


def test_codes_and_leaves_belong_together():
    for number in (0, 1, 2**256 - 1, 2**196 - 1, 2**196, 0x1234 << 240):
        leaf = number.to_bytes(32)
        low, high = leaves_of(check_code(leaf))
        assert low <= leaf <= high
        assert check_code(low) == check_code(high) == check_code(leaf)
        assert parse_check_code(in_groups(check_code(leaf)).lower()) == check_code(leaf)


@pytest.mark.parametrize("typed", ["", "U" * 12, "é" * 12, "１" * 12, "0" * 11, "0" * 13, "-" * 500, "0" * 12 + "\n"])
def test_what_is_no_code_is_none(typed: str):
    assert parse_check_code(typed) is None
