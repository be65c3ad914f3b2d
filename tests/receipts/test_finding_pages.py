"""A finding over HTTP: a page for people, JSON for programs, evidence for anybody, and nothing personal in any of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from handlers.console.checking import crosscheck
from handlers.console.context import Console
from ledger import findings
from ledger.errors import Busy
from ledger.exhibits import SOURCES_MAX
from ledger.merkle.hashing import leaf_hash
from ledger.node import Node
from ledger.peers.promises import take_promise
from ledger.peers.publish import publish_round
from ledger.records import base64url
from ledger.records.answers import CONCLUDED, EXPLAINED
from ledger.records.evidence import check_file, parse_evidence
from ledger.records.funds import Ref
from ledger.records.statement import Statement, parse_record
from ledger.rules.mismatch import Mismatch
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.desk.world import ACCOUNT
from tests.peers.smuggling import forged, put, signed
from tests.peers.test_peers_answers import WORDS, auditor, say
from tests.peers.test_peers_promises import promise
from tests.peers.test_peers_split_views import faces, look
from tests.receipts.rig import OPENID, Bureau, approve, hand_in, order_less
from tests.receipts.test_receipt_pages import HTML, PROBLEM, read

NAMES = ("民政局", "财政局", "公安局")


def get(bureau: Bureau, node: Node, finding: str, *, ending: str = "", query: str = "", **headers: str):
    return bureau.web(node).get(f"/findings/{finding}{ending}{query}", headers=headers)


def told(bureau: Bureau, node: Node, finding: str) -> dict[str, Any]:
    answer = get(bureau, node, finding, ending=".json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    said: dict[str, Any] = json.loads(answer.data)
    return said


def page(bureau: Bureau, node: Node, finding: str, query: str = "") -> str:
    answer = get(bureau, node, finding, query=query, **HTML)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    return read(answer)


def open_finding(bureau: Bureau, rule: str, name: str = "公安局") -> str:
    return next(one.id for one in bureau.county.findings(name) if one.rule == rule)


def stands_at(node: Node, source: dict[str, Any]) -> bool:
    """Whether the record that is named is the one at that place of that log, as this node holds it."""
    with reading(node.engine) as connection:
        log_id = entries.find_log(connection, source["log"])
        assert log_id is not None
        [entry] = entries.read_entries(connection, log_id, source["index"], source["index"] + 1)
    return leaf_hash(bytes(entry)) == base64url.decode(source["leaf"])


def two_faces(bureau: Bureau) -> str:
    county = bureau.county
    forked = faces(county, county.civil, 1, 3, by=county.town.civil.staff["林芳"].handle)
    look(county, "财政局", county.civil)
    look(county, "公安局", forked)
    return open_finding(bureau, "R36")


# --- what it says ---


def test_what_was_explained_and_decided_stands_on_the_page_in_both_languages_and_never_in_whose_words(bureau: Bureau):
    order_less(bureau)
    county, finding = bureau.county, open_finding(bureau, "R19")
    say(county, "财政局", EXPLAINED, finding, county.town.finance.staff["吴倩"].handle)
    county.round()
    assert "现在 已作说明，等审计部门的结论" in page(bureau, bureau.civil, finding)
    by = auditor(county)
    for node in county.nodes.values():
        publish_round(node)
    county.round()
    say(county, "公安局", CONCLUDED, finding, by, "confirmed")
    county.round()
    for node in county.nodes.values():
        seen, english = page(bureau, node, finding), page(bureau, node, finding, "?lang=en")
        for part in ("现在 结论：属实", "发现，列为疑点", "财政局作了说明", "公安局的结论：属实"):
            assert part in seen, part
        assert "decided: it is so" in english
        said = told(bureau, node, finding)
        assert [(one["step"], one.get("department")) for one in said["history"]] == [
            ("raised", None),
            ("explained", "财政局"),
            ("confirmed", "公安局"),
        ]
        assert WORDS not in seen + english + json.dumps(said, ensure_ascii=False)


def test_a_finding_is_told_alike_at_every_department_that_found_it(bureau: Bureau):
    order_less(bureau)
    finding = open_finding(bureau, "R19")
    said = {name: told(bureau, bureau.county.nodes[name], finding) for name in NAMES}
    first = said["公安局"]
    assert (first["id"], first["rule"], first["severity"], first["state"]) == (finding, "R19", "S", "open")
    assert first["departments"] == ["民政局", "财政局"]
    assert first["amounts"] == {"approved": 300_000, "ordered": 30_000, "paid": 0, "missing": 270_000}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", first["answer_by"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", first["raised_at"])
    kinds = [(one["department"], one["kind"], one["amount"]) for one in first["sources"]]
    assert kinds == [("民政局", "award-approved", 300_000), ("财政局", "payment-created", 30_000)]
    for name, node in bureau.county.nodes.items():
        places = [{**one, "receipt": ""} for one in said[name]["sources"]]
        assert places == [{**one, "receipt": ""} for one in first["sources"]]
        assert all(stands_at(node, one) for one in said[name]["sources"])
        assert said[name]["url"] == f"{node.public_url}/findings/{finding}"
        for source in said[name]["sources"]:
            path = source["receipt"].removeprefix(node.public_url)
            assert bureau.web(node).get(path, headers=HTML).status_code == 200


def test_the_page_says_what_who_and_by_when_in_both_languages_and_leads_to_the_receipts(bureau: Bureau):
    order_less(bureau)
    finding = open_finding(bureau, "R19")
    seen = page(bureau, bureau.police, finding)
    for part in (
        finding,
        "安排支付的和批准的不一样",
        "民政局批准 3,000.00元，财政局安排 300.00元",
        "现在 待说明",
        "涉及部门 民政局、财政局",
        "民政局 批准救助金 3,000.00元（序号",
        "财政局 救助金 300.00元 列入付款名单（序号",
        "它不说是谁错了",
    ):
        assert part in seen, part
    english = page(bureau, bureau.police, finding, "?lang=en")
    for part in (
        "3,000.00 yuan",
        "to be explained",
        "The records that were compared",
        "What became of it, and how to check it",
        "found",
    ):
        assert part in english, part
    assert not re.search(r"[\u4e00-\u9fff]", re.sub("民政局|财政局|公安局|救助金|中文", "", english))
    web, whole = bureau.web(bureau.police), get(bureau, bureau.police, finding, **HTML).get_data(as_text=True)
    links = re.findall(r'href="(/(?:receipts|findings)/[^"]+)"', whole)
    assert len(links) == 3
    for link in links:
        assert web.get(link, headers=HTML).status_code == 200


def test_a_finding_that_has_ended_is_still_told_with_what_it_compared(bureau: Bureau):
    order_less(bureau)
    finding = open_finding(bureau, "R19")
    before = told(bureau, bureau.police, finding)
    award = Ref(**told(bureau, bureau.police, finding)["about"])
    desk = bureau.finance.desk
    around = type(desk)(bureau.finance.log, bureau.finance.keys, bureau.county.clock, stop_rules=frozenset())
    bureau.county.town.order(award.sub, 270_000, desk=around)
    for _ in range(2):
        bureau.county.round()
    after = told(bureau, bureau.police, finding)
    assert (after["state"], after["sources"]) == ("ended", before["sources"])
    assert after["ended_at"] > after["raised_at"]
    assert "已经一致" in page(bureau, bureau.police, finding)


def test_a_state_that_has_no_words_yet_is_shown_by_its_name(bureau: Bureau):
    order_less(bureau)
    finding = open_finding(bureau, "R19")
    with transaction(bureau.police.engine) as connection:
        connection.execute(update(schema.findings).values(state="someday"))
    assert told(bureau, bureau.police, finding)["state"] == "someday"
    assert "现在 someday" in page(bureau, bureau.police, finding)


def test_a_log_of_two_histories_is_shown_with_evidence_that_anybody_can_check(bureau: Bureau):
    finding = two_faces(bureau)
    keys = [signer.verifier for signer in bureau.civil.keys.log]
    answer = get(bureau, bureau.police, finding, ending="/evidence.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert f'filename="evidence-{finding}.json"' in answer.headers["Content-Disposition"]
    shown = check_file(parse_evidence(answer.data), keys)
    assert shown.origin == bureau.civil.origin
    said = told(bureau, bureau.police, finding)
    assert said["log"] == bureau.civil.origin
    assert check_file(parse_evidence(json.dumps(said["evidence"]).encode()), keys) == shown
    seen = page(bureau, bureau.police, finding)
    for size in (shown.older.size, shown.newer.size):
        assert f"{size}条，根是" in seen
    assert f"check evidence-{finding}.json --vkey" in seen
    whole = get(bureau, bureau.police, finding, **HTML).get_data(as_text=True)
    assert f'href="/findings/{finding}/evidence.json"' in whole


def test_a_round_by_hand_gives_the_address_of_each_finding(bureau: Bureau):
    order_less(bureau)

    def closed(*_arguments: object) -> Any:
        raise AssertionError("not needed for this")

    unused = ("settings", "settings_with", "node_settings", "serve", "schedule", "demo", "trial", "throw_trial_away")
    doors = dict.fromkeys(unused, closed)
    console = Console(open_node=lambda: bureau.police, check_matters=closed, now=lambda: 0, data=Path(), **doors)
    done = CliRunner().invoke(crosscheck, ["--json"], obj=console)
    assert done.exit_code == 1
    [found] = json.loads(done.stdout)["findings"]
    path = found["url"].removeprefix(bureau.police.public_url)
    assert json.loads(bureau.web(bureau.police).get(f"{path}.json").data)["id"] == found["id"]


# --- the other rules ---


def copied(bureau: Bureau) -> str:
    put(bureau.civil, bureau.record(bureau.finance, "bank-result").entry)
    return "R50"


def garbage(bureau: Bureau) -> str:
    put(bureau.civil, b"garbage")
    return "R50"


def shows_too_much(bureau: Bureau) -> str:
    clerk = bureau.county.town.civil.staff["林芳"].handle
    case = Statement("case-submitted", new_handle(), {"matter": "m"})
    put(bureau.civil, forged(bureau.civil, signed(bureau.civil, case, by=clerk), applicant="王桂兰", amount="王桂兰"))
    return "R49"


def of_no_known_kind(bureau: Bureau) -> str:
    clerk = bureau.county.town.civil.staff["林芳"].handle
    record = parse_record(signed(bureau.civil, Statement("case-submitted", new_handle(), {"matter": "m"}), by=clerk))
    put(bureau.civil, forged(bureau.civil, record.entry, typ=record.typ.replace("case-submitted", "case-dreamt")))
    return "R49"


def not_as_promised(bureau: Bureau) -> str:
    county = bureau.county
    take_promise(bureau.police, promise(county.civil, county.size(county.civil) - 1).encode())
    return "R48"


DEEDS = {
    copied: "bank-result",
    garbage: None,
    shows_too_much: "case-submitted",
    of_no_known_kind: "case-dreamt",
    not_as_promised: "award-approved",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_each_finding_about_one_record_names_that_record(bureau: Bureau, deed):
    rule = deed(bureau)
    for _ in range(2):
        bureau.county.round()
    finding = open_finding(bureau, rule)
    said = told(bureau, bureau.police, finding)
    assert said["log"] == bureau.civil.origin
    [source] = said["sources"]
    assert (source["log"], source.get("kind")) == (bureau.civil.origin, DEEDS[deed])
    assert stands_at(bureau.police, source)
    if rule == "R48":
        assert said["promise"].count(".") == 2
    for query in ("", "?lang=en"):
        seen = page(bureau, bureau.police, finding, query)
        assert finding in seen
        assert "王桂兰" not in seen + json.dumps(said, ensure_ascii=False)


def test_a_finding_about_a_log_as_a_whole_names_the_log(bureau: Bureau):
    county = bureau.county
    county.wire.lose(county.host(county.civil))
    county.wire.lose(county.host(county.finance))
    county.clock.wait(4_000)
    look(county, "公安局", county.police)
    finding = open_finding(bureau, "R37")
    said = told(bureau, bureau.police, finding)
    assert said["sources"] == []
    assert said["since"] > 0
    assert said["log"] in page(bureau, bureau.police, finding)


def test_a_finding_without_what_the_sentences_need_is_still_a_page(bureau: Bureau):
    hostile = {"departments": ["<b>x</b>"], "approved": "y", "log": "<script>", "index": 10**15}
    with transaction(bureau.police.engine) as connection:
        ids = [
            findings.raise_finding(connection, Mismatch(rule, "A", (b"1" * 32,), None, hostile), bureau.county.clock())
            for rule in ("R19", "R36", "R48", "R50", "R99")
        ]
    for finding in ids:
        whole = get(bureau, bureau.police, finding, **HTML).get_data(as_text=True)
        assert not re.search("<script>|<b>x", whole)
        assert told(bureau, bureau.police, finding)["id"] == finding


def test_of_a_thousand_orders_on_one_award_no_more_is_shown_than_fits(bureau: Bureau):
    county = bureau.county
    award = approve(county, hand_in(county).submitted.sub, 300_000)
    county.round()
    around = type(bureau.finance.desk)(bureau.finance.log, bureau.finance.keys, county.clock, stop_rules=frozenset())
    for _ in range(SOURCES_MAX + 4):
        county.town.order(award, 100, desk=around)
    for _ in range(3):
        county.round()
    finding = open_finding(bureau, "R19")
    assert len(told(bureau, bureau.police, finding)["sources"]) == SOURCES_MAX
    assert "还有别的记录" in page(bureau, bureau.police, finding)


# --- caches, headers, what is not here ---


@pytest.mark.parametrize("ending", ["", ".json", "/evidence.json"])
def test_whoever_has_it_already_is_told_so(bureau: Bureau, ending: str):
    finding = two_faces(bureau)
    first = get(bureau, bureau.police, finding, ending=ending, **HTML)
    assert first.headers["Cache-Control"] == "public, max-age=10"
    again = get(bureau, bureau.police, finding, ending=ending, **{**HTML, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert bureau.web(bureau.police).post(f"/findings/{finding}{ending}").status_code == 405
    rules = first.headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "unsafe" not in rules


def test_nothing_runs_in_the_page_and_nothing_is_loaded_from_elsewhere(bureau: Bureau):
    text = get(bureau, bureau.police, two_faces(bureau), **HTML).get_data(as_text=True)
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://", text)


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "A" * 8,
        "a" * 8,
        "é" * 8,
        "..",
        "%00",
        "A" * 3_000,
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "A" * 7 + "%",
    ],
)
@pytest.mark.parametrize("ending", ["", ".json", "/evidence.json"])
def test_a_name_that_nobody_has_is_a_kind_404(calm: Bureau, name: str, ending: str):
    seen = get(calm, calm.civil, name, ending=ending, **HTML)
    assert seen.status_code == 404
    assert "<script>" not in seen.get_data(as_text=True)
    answer = get(calm, calm.civil, name, ending=ending, Accept="application/json")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)
    assert json.loads(answer.data)["status"] == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_people_are_told_kindly_that_it_is_not_here(calm: Bureau):
    seen = get(calm, calm.civil, "AAAAAAAA", **HTML)
    assert "这里没有这个疑点" in read(seen)
    assert "There is no such finding here" in read(get(calm, calm.civil, "AAAAAAAA", query="?lang=en", **HTML))


def test_there_is_no_evidence_file_where_the_records_are_all_there_is(bureau: Bureau):
    order_less(bureau)
    answer = get(bureau, bureau.police, open_finding(bureau, "R19"), ending="/evidence.json")
    assert (answer.status_code, answer.content_type) == (404, PROBLEM)


def test_a_database_that_cannot_answer_now_asks_people_to_come_back(bureau: Bureau, monkeypatch):
    def busy(*_arguments: object) -> None:
        raise Busy

    monkeypatch.setattr("handlers.pages.finding.read_exhibit", busy)
    answer = get(bureau, bureau.police, "AAAAAAAA", **HTML)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "请过一会儿" in answer.text
    for told in (
        get(bureau, bureau.police, "AAAAAAAA"),
        get(bureau, bureau.police, "AAAAAAAA", ending=".json", **HTML),
    ):
        assert (told.status_code, told.headers["Retry-After"]) == (503, "1")
        assert (told.content_type, told.json["status"]) == ("application/problem+json", 503)


# --- the hunt ---


def test_nothing_personal_stands_in_any_finding(bureau: Bureau):
    order_less(bureau)
    for deed in DEEDS:
        deed(bureau)
    for _ in range(2):
        bureau.county.round()
    two_faces(bureau)
    town = bureau.county.town
    secrets = {"王桂兰", ACCOUNT, OPENID, bureau.story.citizen, bureau.story.query_code}
    secrets |= {bureau.number(topic) for topic in ("case", "award", "payment")}
    for department in (town.civil, town.finance):
        secrets |= {*department.staff, *(f"id-{department.prefix}-{name}" for name in department.staff)}
        secrets |= {officer.handle for officer in department.staff.values()}
        secrets |= {officer.totp_secret for officer in department.staff.values()}
    hunted = 0
    for name, node in bureau.county.nodes.items():
        for one in bureau.county.findings(name):
            for ending in ("", ".json", "/evidence.json"):
                for query in ("", "?lang=en"):
                    text = get(bureau, node, one.id, ending=ending, query=query, **HTML).get_data(as_text=True)
                    assert [secret for secret in secrets if secret in text] == [], (one.rule, ending)
                    hunted += 1
    assert hunted > 50
