"""The receipt over HTTP: a page for people, a file and problem documents for programs, and nothing private in either."""

import base64
import json
import re

import pytest
from sqlalchemy import event

from ledger.errors import Busy
from ledger.log import PUBLISH_WAIT_SECONDS
from ledger.peers import publish
from ledger.peers.promises import take_promise
from ledger.records.check_code import check_code, in_groups
from ledger.records.receipt import check_receipt
from ledger.records.statement import Statement, parse_record
from ledger.scribe import new_handle
from tests.desk.world import ACCOUNT
from tests.peers.smuggling import forged, put, signed
from tests.receipts.rig import OPENID, Bureau, approve, hand_in, order_less

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}  # as browsers ask
PROBLEM = "application/problem+json"


def get(bureau: Bureau, node, record_id: str, *, ending: str = "", query: str = "", **headers: str):
    return bureau.web(node).get(f"/receipts/{record_id}{ending}{query}", headers=headers)


def read(answer) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


# --- good ---


def test_a_page_says_what_when_where_who_and_how(calm: Bureau):
    record = calm.record(calm.civil, "award-approved")
    answer = get(calm, calm.civil, record.record_id, **HTML)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    page = read(answer)
    for said in (
        "批准救助金 20,000.00元",
        "民政局工作人员（岗位：审批）",
        "临时救助",
        "2026年11月",
        "民政局的存证记录，序号 8",
        "公安局 存了一份，核对过",
        "财政局 存了一份，核对过",
        "存证：",
        in_groups(check_code(record.leaf)),
        f"核验 {in_groups(check_code(record.leaf))}",
        f"python app.py check {record.record_id}.tlog-proof",
        calm.civil.origin,
    ):
        assert said in page, said
    assert f'href="/receipts/{record.record_id}.tlog-proof"' in answer.get_data(as_text=True)


def test_the_record_of_another_department_is_told_as_its_own_and_as_checked_here(calm: Bureau):
    record = calm.record(calm.finance, "bank-result")
    page = read(get(calm, calm.police, record.record_id, **HTML))
    assert "财政局的记录，公安局存了一份，核对过" in page
    assert "银行回执：救助金 20,000.00元 已转入" in page
    assert "公安局 存了一份，核对过" in page
    assert "财政局 存了一份" not in page  # nobody vouches for themselves


def test_the_page_speaks_english_when_asked_and_chinese_otherwise(calm: Bureau):
    record_id = calm.record(calm.civil, "award-approved").record_id
    english = read(get(calm, calm.civil, record_id, query="?lang=en", **HTML))
    assert "20,000.00 yuan approved" in english
    assert "Check it yourself" in english
    for query in ("", "?lang=zh", "?lang=fr", "?lang=<script>"):
        assert "怎么自己核对" in read(get(calm, calm.civil, record_id, query=query, **HTML))


@pytest.mark.parametrize("name", ["民政局", "财政局", "公安局"])
def test_every_record_of_every_log_has_a_page_at_every_member_in_both_languages(calm: Bureau, name: str):
    for owner in (calm.civil, calm.finance, calm.police):
        for record in calm.department(owner).records():
            for language in ("zh", "en"):
                answer = get(calm, calm.county.nodes[name], record.record_id, query=f"?lang={language}", **HTML)
                assert answer.status_code == 200
                heading = re.search("<h1>(.*)</h1>", answer.get_data(as_text=True))
                assert heading is not None
                assert heading[1] not in {"", "一种这里还不认识的记录", "A record of a kind not known here yet"}
                assert "{" not in heading[1]


def test_the_file_is_a_receipt_that_holds(calm: Bureau):
    for owner, kind in ((calm.civil, "award-approved"), (calm.finance, "payment-released")):
        record = calm.record(owner, kind)
        for node in calm.county.nodes.values():
            answer = get(calm, node, record.record_id, ending=".tlog-proof")
            assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
            assert f'filename="{record.record_id}.tlog-proof"' in answer.headers["Content-Disposition"]
            assert check_receipt(answer.data, calm.policy(calm.police)).record == record


def test_what_was_said_before_anybody_watched_says_so(calm: Bureau):
    early, late = calm.record(calm.civil, "case-submitted"), calm.record(calm.finance, "bank-result")
    assert "联网见证之前" in read(get(calm, calm.civil, early.record_id, **HTML))
    assert "联网见证之前" not in read(get(calm, calm.civil, late.record_id, **HTML))


# --- caches and headers ---


@pytest.mark.parametrize("ending", ["", ".tlog-proof"])
def test_whoever_has_it_already_is_told_so(calm: Bureau, ending: str):
    record_id = calm.record(calm.civil, "award-approved").record_id
    first = get(calm, calm.civil, record_id, ending=ending, **HTML)
    assert first.headers["Cache-Control"] == "public, max-age=10"
    again = get(calm, calm.civil, record_id, ending=ending, **{**HTML, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = get(calm, calm.civil, record_id, ending=ending, **{**HTML, "If-None-Match": '"x"'})
    assert (other.status_code, other.data) == (200, first.data)
    english = get(calm, calm.civil, record_id, query="?lang=en", **HTML)
    assert english.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("path", ["award-approved", "unknown", "static"])
def test_nothing_runs_in_the_page_and_nothing_is_loaded_from_elsewhere(calm: Bureau, path: str):
    record_id = calm.record(calm.civil, "award-approved").record_id
    paths = {"award-approved": f"/receipts/{record_id}", "unknown": "/receipts/x", "static": "/s/receipt.css"}
    with calm.web(calm.civil).get(paths[path], headers=HTML) as answer:
        text = answer.get_data(as_text=True)
    rules = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://(?!www\.w3\.org)", text)


def test_only_reading_is_allowed(calm: Bureau):
    web, record_id = calm.web(calm.civil), calm.record(calm.civil, "award-approved").record_id
    for path in (f"/receipts/{record_id}", f"/receipts/{record_id}.tlog-proof"):
        assert web.post(path).status_code == 405
        assert web.head(path).status_code == 200


def test_a_look_writes_nothing_and_asks_as_much_however_long_the_logs_are(bureau: Bureau):
    node = bureau.civil
    record_id = bureau.record(node, "award-approved").record_id

    def questions() -> int:
        asked: list[str] = []

        def hear(_connection, _cursor, statement, *_more):
            asked.append(statement)

        event.listen(node.engine, "before_cursor_execute", hear)
        assert get(bureau, node, record_id, ending=".tlog-proof").status_code == 200
        assert get(bureau, node, record_id, **HTML).status_code == 200
        event.remove(node.engine, "before_cursor_execute", hear)
        assert not any(re.match("INSERT|UPDATE|DELETE", statement) for statement in asked)
        return len(asked)

    before = questions()
    for _ in range(6):
        approve(bureau.county, hand_in(bureau.county).submitted.sub)
        bureau.county.round()
    assert questions() <= before + 2


# --- not here ---


@pytest.mark.parametrize(
    "name",
    ["x", "A" * 43, "A" * 42 + "B", "é" * 43, "..", "%00", "A" * 3_000, "<script>alert(1)</script>", "' OR 1=1 --"],
)
@pytest.mark.parametrize("ending", ["", ".tlog-proof"])
def test_a_name_that_nobody_has_is_a_kind_404(calm: Bureau, name: str, ending: str):
    page = get(calm, calm.civil, name, ending=ending, **HTML)
    assert page.status_code == 404
    if page.content_type.startswith("text/html") and "这里没有这条记录" in read(page):
        assert "43个字符" in read(page)
        assert "<script>" not in page.get_data(as_text=True)
    told = get(calm, calm.civil, name, ending=ending, Accept="application/json")
    assert told.status_code == 404


def test_an_unknown_name_is_a_problem_document_for_programs(calm: Bureau):
    for accept in ("application/json", "*/*", "application/problem+json"):
        told = get(calm, calm.civil, "A" * 43, Accept=accept)
        assert (told.status_code, told.content_type) == (404, PROBLEM)
        assert json.loads(told.data)["status"] == 404
        assert "Retry-After" not in told.headers
    assert get(calm, calm.civil, "A" * 43, **HTML).content_type.startswith("text/html")


def test_a_copy_in_another_log_is_not_the_record(bureau: Bureau):
    """Bytes made for one log count for nothing in another: the page tells of the place they were made for."""
    record = bureau.record(bureau.civil, "award-approved")
    put(bureau.finance, record.entry)
    for _ in range(3):
        bureau.county.round()
    for node in bureau.county.nodes.values():
        assert "民政局的存证记录，序号 8" in read(get(bureau, node, record.record_id, **HTML))


def test_a_record_that_stands_only_in_the_wrong_log_is_unknown(bureau: Bureau):
    statement = Statement("case-submitted", new_handle(), {"matter": "X"})
    entry = signed(bureau.finance, statement, iss="nowhere.example/log")
    put(bureau.finance, entry)
    bureau.county.round()
    assert get(bureau, bureau.police, parse_record(entry).record_id, **HTML).status_code == 404


# --- not yet ---


@pytest.fixture
def fresh(bureau: Bureau, monkeypatch) -> tuple[Bureau, str, str]:
    """A record that only its own department knows of."""
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.1)
    opened = hand_in(bureau.county)
    return bureau, opened.submitted.record_id, opened.submitted.promise


def test_until_a_quorum_has_seen_it_programs_get_the_promise_and_when_to_come_back(fresh):
    bureau, record_id, promise = fresh
    for ending in ("", ".tlog-proof"):
        answer = get(bureau, bureau.civil, record_id, ending=ending, Accept="application/json")
        assert (answer.status_code, answer.content_type) == (404, PROBLEM)
        told = json.loads(answer.data)
        assert told["promise"] == promise  # the very same that the desk handed out
        assert (told["log"], told["index"]) == (bureau.civil.origin, bureau.county.town.civil.size() - 1)
        expected = bureau.civil.settings.checkpoint_seconds + int(PUBLISH_WAIT_SECONDS)
        assert int(answer.headers["Retry-After"]) == expected
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Accept" in answer.headers["Vary"]
        assert told["leave_at"] == ["https://22.example/promises", "https://23.example/promises"]
    assert take_promise(bureau.police, promise.encode()).state == "waiting"
    bureau.county.round()
    assert take_promise(bureau.police, promise.encode()).state == "kept"
    claims = json.loads(base64.urlsafe_b64decode(promise.split(".")[1] + "=="))
    assert claims["index"] == told["index"]


def test_until_a_quorum_has_seen_it_people_get_a_page_with_a_time_of_day(fresh):
    bureau, record_id, promise = fresh
    answer = get(bureau, bureau.civil, record_id, **HTML)
    assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
    assert promise in answer.get_data(as_text=True)
    assert "https://23.example/promises" in answer.get_data(as_text=True)
    page = read(answer)
    assert "疑点 R48" in page
    assert re.search(r"请[0-9]{2}:[0-9]{2}以后再打开这一页", page)
    assert "收到“临时救助”申请" in page
    assert re.search(r"after [0-9]{2}:[0-9]{2}", read(get(bureau, bureau.civil, record_id, query="?lang=en", **HTML)))


def test_when_they_have_seen_it_the_page_is_there(fresh):
    bureau, record_id, _promise = fresh
    bureau.county.round()
    assert get(bureau, bureau.civil, record_id, **HTML).status_code == 200
    assert get(bureau, bureau.police, record_id, **HTML).status_code == 200


def test_while_departments_are_away_it_says_to_wait_for_a_round(fresh):
    bureau, record_id, _promise = fresh
    for host in ("22.example", "23.example"):
        bureau.county.wire.lose(host)
    publish.publish_round(bureau.civil)
    bureau.county.clock.wait(3_600)
    answer = get(bureau, bureau.civil, record_id, Accept="application/json")
    assert answer.status_code == 404
    assert int(answer.headers["Retry-After"]) == bureau.civil.round_seconds


def test_of_anothers_record_no_promise_is_given_but_where_to_get_it(bureau: Bureau, monkeypatch):
    monkeypatch.setattr(publish, "PUBLISH_WAIT_SECONDS", 0.1)
    record_id = hand_in(bureau.county).submitted.record_id
    bureau.county.publish("民政局", cosign=False)
    bureau.county.round("公安局", cosign=False)
    answer = get(bureau, bureau.police, record_id, Accept="application/json")
    assert answer.status_code == 404
    told = json.loads(answer.data)
    assert "promise" not in told
    assert told["see"] == f"https://21.example/receipts/{record_id}"
    assert told["see"] in get(bureau, bureau.police, record_id, **HTML).get_data(as_text=True)


def test_a_database_that_answers_nothing_now_is_a_503_with_a_kind_word(bureau: Bureau, monkeypatch):
    def busy(*_arguments):
        raise Busy("locked")

    monkeypatch.setattr("handlers.pages.receipt.read_receipt", busy)
    answer = get(bureau, bureau.civil, "A" * 43, **HTML)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "请过一会儿" in answer.get_data(as_text=True)


# --- what does not agree ---


def test_a_finding_about_its_object_stands_on_the_page_and_accuses_nobody(bureau: Bureau):
    payment = order_less(bureau)
    for node, record in (
        (bureau.civil, bureau.record(bureau.civil, "award-approved")),
        (bureau.police, bureau.record(bureau.finance, "payment-created")),
    ):
        page = read(get(bureau, node, record.record_id, **HTML))
        assert "⚠ 疑点" in page
        assert "民政局批准 3,000.00元，财政局安排 300.00元、支付 0.00元，对不上。请财政局" in page
    first = bureau.record(bureau.civil, "award-approved", 0)
    assert "疑点" not in read(get(bureau, bureau.civil, first.record_id, **HTML))
    assert payment


def test_a_record_that_did_not_pass_our_check_is_told_as_such_and_has_no_file(bureau: Bureau):
    statement = Statement("award-approved", bureau.story.award, {"amount": 100})
    by = bureau.county.town.civil.staff["林芳"].handle  # a clerk, who may not approve
    entry = signed(bureau.civil, statement, by=by)
    put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    record_id = parse_record(entry).record_id
    answer = get(bureau, bureau.police, record_id, **HTML)
    page = read(answer)
    assert answer.status_code == 200
    assert "公安局核对这条记录时没有通过" in page
    assert "签名的钥匙这时不算数" in page
    assert "这条记录的签名不算数，没有回执文件" in page
    assert f"/receipts/{record_id}.tlog-proof" not in answer.get_data(as_text=True)
    assert get(bureau, bureau.police, record_id, ending=".tlog-proof").status_code == 404


@pytest.mark.parametrize(
    "claims",
    [
        {"amount": "<script>alert(1)</script>"},
        {"until": "not a day"},
        {"iat": 2**53 - 1},
        {"matter": "<b>x</b>"},
        {"on": "0000-00-00"},
        {"roles": [1, {}]},
    ],
)
def test_whatever_a_hostile_log_holds_the_page_stands(bureau: Bureau, claims):
    base = bureau.record(bureau.civil, "case-accepted").entry
    entry = forged(bureau.civil, base, jti=new_handle(), **claims)
    put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    for language in ("zh", "en"):
        answer = get(bureau, bureau.police, parse_record(entry).record_id, query=f"?lang={language}", **HTML)
        assert answer.status_code == 200
        assert "<script>" not in answer.get_data(as_text=True)


def test_a_record_of_an_unheard_of_kind_and_time_has_a_page(bureau: Bureau):
    base = bureau.record(bureau.civil, "case-accepted").entry
    entry = forged(
        bureau.civil, base, typ="onetrip-moon-landing-v1+sd-jwt", jti=new_handle(), iat=2**53 - 1, words="<script>"
    )
    put(bureau.civil, entry)
    for _ in range(3):
        bureau.county.round()
    answer = get(bureau, bureau.police, parse_record(entry).record_id, **HTML)
    assert answer.status_code == 200
    assert "一种这里还不认识的记录" in read(answer)
    assert "<script>" not in answer.get_data(as_text=True)


# --- nothing private ---


def test_no_page_and_no_file_holds_anything_private(calm: Bureau):
    secrets = [
        "王桂兰",
        ACCOUNT,
        ACCOUNT[-4:],
        calm.number("case"),
        calm.number("award"),
        calm.number("payment"),
        calm.story.query_code,
        OPENID,
        *calm.county.town.civil.staff,
        *calm.county.town.finance.staff,
    ]
    for owner in (calm.civil, calm.finance):
        for record in calm.department(owner).records():
            for node in calm.county.nodes.values():
                for query in ("", "?lang=en"):
                    page = get(calm, node, record.record_id, query=query, **HTML).get_data(as_text=True)
                    text = re.sub(r'src="data:[^"]*"|[0-9A-Za-z_-]{43}', "", page)
                    assert [one for one in secrets if one in text] == []
                file = get(calm, node, record.record_id, ending=".tlog-proof").data.decode()
                extra = base64.b64decode(file.split("\n")[1].removeprefix("extra ")).decode()
                opened = [base64.urlsafe_b64decode(part + "==") for part in re.findall(r"\beyJ[\w-]+", extra)]
                readable = b"\n".join(opened).decode("utf-8", "replace")
                assert [one for one in secrets if one in readable and len(one) > 4] == []
