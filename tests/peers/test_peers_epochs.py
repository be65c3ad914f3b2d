"""Departments found a network, take another one in and let one go, by what their administrators sign in the chat."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.audit.verify import verify_database
from ledger.epochs import agreement, read_view, statement_of
from ledger.errors import Misconfigured, Refused
from ledger.merkle.errors import MalformedPolicy, QuorumMissing
from ledger.peers.joining import remove_peer
from ledger.peers.members import found_network
from ledger.receipts import make_receipt
from ledger.records.epochs import JOINED, Vote
from ledger.records.receipt import check_receipt, parse_receipt
from ledger.storage.engine import reading
from tests.peers.membership import ADMIN, FIRST, NEW, OTHER, Network, copy_of, founded_county
from tests.peers.rig import County, make_county
from tests.peers.smuggling import put, signed


@pytest.fixture
def strangers(tmp_path: Path, database_url: str) -> Iterator[Network]:
    """The first four follow each other, 民政局 on either database."""
    county = make_county(tmp_path, database_url, acquainted=False, onlookers=(FIRST[3], NEW, OTHER))
    county.introduce(*FIRST)
    yield Network(county)
    county.close()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    county = founded_county(tmp_path_factory.mktemp("founded"))
    yield county
    county.close()


@pytest.fixture
def network(founded: County, tmp_path: Path) -> Iterator[Network]:
    """The first four are a network."""
    made = copy_of(founded, tmp_path)
    assert {made.count(name) for name in FIRST} == {(1, 4)}
    yield made
    made.county.close()


# --- the beginning ---


def test_a_network_begins_when_the_last_of_its_first_members_has_said_so(strangers: Network):
    for name in FIRST[:3]:
        begun = found_network(strangers.node(name))
        assert sorted(begun.departments) == sorted(FIRST)
        assert FIRST[3] in begun.missing
    strangers.round(*FIRST)
    strangers.round(*FIRST)
    assert {strangers.count(name) for name in FIRST} == {(0, 0)}
    assert strangers.policy("民政局").groups[0].threshold == 3  # until then each counts whom it follows
    line = strangers.doctor("民政局")["policy"]
    assert (line.good, "24.example/log" in line.found) == (False, True)
    begun = found_network(strangers.node(FIRST[3]))
    assert begun.missing == ()
    strangers.round(*FIRST)
    strangers.round(*FIRST)
    assert {strangers.count(name) for name in FIRST} == {(1, 4)}
    # Once more changes nothing, and nobody founds another one.
    size = strangers.county.size(strangers.node("民政局"))
    assert found_network(strangers.node("民政局")).missing == ()
    assert strangers.county.size(strangers.node("民政局")) == size
    strangers.join("民政局")
    with pytest.raises(Misconfigured, match="belongs to a network already"):
        found_network(strangers.node("民政局"))


def test_one_department_alone_founds_no_network(strangers: Network):
    with pytest.raises(Misconfigured, match="peers invite"):
        found_network(strangers.node(NEW))


def test_there_is_no_epoch_0_any_more_when_one_is_in_force(network: Network):
    with pytest.raises(MalformedPolicy, match="from 1 to 1"):
        network.policy("民政局", epoch=0)
    assert network.policy("民政局", epoch=1) == network.policy("民政局")


# --- joining ---


def without_introduction(_request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    said = json.loads(answer.read())
    return httpx.Response(200, json={name: value for name, value in said.items() if name != "introduction"})


def test_after_signing_an_administrator_reads_who_has_agreed_by_now(network: Network):
    network.join("民政局")
    network.round()
    told = network.chat("民政局").sign(ADMIN, f"#同意加入 {NEW}")
    assert "已签名：同意 体育局" in told
    assert "已同意的：民政局，要3家" in told
    assert "打电话" not in told


def test_a_fifth_department_joins_four_and_is_counted_from_the_third_word_on(network: Network):
    county = network.county
    for host in FIRST:
        network.join(host)
    network.round()
    # Followed and mirrored by all, and counted by nobody.
    assert {len(network.policy(name).witnesses) for name in FIRST} == {4}
    assert network.count(NEW) == (0, 0)
    words = network.node(NEW).keys.fingerprint
    assert "有1件部门加入或退出的事" in network.say("民政局", "#待办")
    assert f"{NEW}要加入：还没有部门同意，要3家" in network.say("民政局", "#同意加入")
    told = network.say("民政局", f"#同意加入 {NEW}")
    for part in ("请核对（草稿", f"{NEW}（25.example/log）加入", words, "还没有部门同意，要3家", "您是管理员（管理）"):
        assert part in told
    network.agree(f"#同意加入 {NEW}", "民政局")
    assert "不能同意加入：本部门已经同意过了" in network.say("民政局", f"#同意加入 {NEW}")
    network.round()
    assert f"{NEW}要加入：已同意的：民政局，要3家，本部门已同意" in network.say("民政局", "#同意加入")
    assert "已同意的：民政局，要3家" in network.say("财政局", f"#同意加入 {NEW}")
    network.agree(f"#同意加入 {NEW}", "财政局")
    network.round()
    network.round()
    line = network.doctor(NEW)["policy"]
    assert (line.good, "2 of 3 members have agreed" in line.found) == (False, True)
    before = network.policy("审计局")
    network.agree(f"#同意加入 {NEW}", "公安局")
    assert network.count("公安局") == (2, 5)
    for _ in range(3):
        network.round()
    assert {network.count(name) for name in (*FIRST, NEW)} == {(2, 5)}
    for name in (*FIRST, NEW):
        policy = network.policy(name)
        assert (len(policy.witnesses), len(policy.logs), policy.groups[0].threshold) == (5, 5, 4)
    lines = network.doctor(NEW)
    assert (lines["policy"].good, lines["quorum"].found) == (
        True,
        "5 of 5 departments look at our log, 4 make it believed",
    )
    assert network.policy("民政局", epoch=1).groups == before.groups
    for origin in ("21.example/log", "22.example/log"):  # folded again from nothing, ours and a mirrored one
        assert verify_database(network.node("民政局").engine, origin).faults == ()
    assert "不能同意加入" in network.say("审计局", f"#同意加入 {NEW}")
    assert "现在没有要同意的" in network.say("审计局", f"#同意加入 {NEW}")
    # Receipts are made under the new quorum, and say so; two departments fewer than five are too few.
    record = network.node(NEW).desk.enrol("新人", ("clerk",), "id-new").submitted.record_id
    for _ in range(2):
        network.round()
    made = make_receipt(network.node("审计局").engine, record)
    assert made is not None
    epoch = parse_receipt(made).epoch
    assert epoch is not None
    assert epoch.number == 2
    checked = check_receipt(made, network.policy("财政局"))
    assert (checked.epoch, len(checked.opened.cosignatures) >= 4) == (epoch, True)
    county.wire.lose("25.example")
    county.wire.lose("24.example")
    later = network.node("民政局").desk.enrol("更新", ("clerk",), "id-newer").submitted.record_id
    network.round("民政局", "财政局", "公安局")
    network.round("民政局", "财政局", "公安局")
    assert make_receipt(network.node("财政局").engine, later) is None


def test_who_has_not_compared_words_cannot_agree_and_is_told_how(network: Network):
    """When 民政局 has let in one of an older version, which introduces itself to nobody."""
    network.county.wire.tamper("25.example", "/node.json", without_introduction)
    network.join("民政局")
    network.agree(f"#同意加入 {NEW}", "民政局")
    network.round()
    told = network.say("财政局", f"#同意加入 {NEW}")
    assert "不能同意加入：本部门还没有和体育局核对过八个词" in told
    assert "还没和它核对过八个词" in network.say("财政局", "#同意加入")
    network.join("财政局")
    assert "请核对（草稿" in network.say("财政局", f"#同意加入 {NEW}")


def test_whoever_is_no_administrator_or_names_nobody_is_told_kindly(network: Network):
    network.join("民政局")
    assert "没有叫卫生局的部门在等着加入。现在等着加入的是：体育局。" in network.say("民政局", "#同意加入 卫生局")
    assert "网络里没有叫体育局的部门" in network.say("民政局", f"#同意退出 {NEW}")
    assert "没有叫财政局的部门在等着加入" in network.say("民政局", "#同意加入 财政局")
    account = network.chat("民政局")
    clerk = account.department.enrol("小王", "clerk")
    account.department.desk.bind("小王", clerk.binding_code)
    account.sign_in("小王")
    assert "要由管理岗位的人办" in account.say("小王", f"#同意加入 {NEW}")
    told = account.say("小王", "#同意加入")
    assert f"{NEW}要加入" in told
    assert "msgmenu" not in told
    assert "没看懂" in account.say("路人", f"#同意加入 {NEW}") or "我没" in account.say("路人", f"#同意加入 {NEW}")
    assert "本部门还不在网络里" in network.say(NEW, "#同意加入")


def test_what_was_read_back_is_not_signed_when_the_members_changed_meanwhile(network: Network):
    for host in FIRST:
        network.join(host)
    network.round(*FIRST)
    told = network.say("审计局", f"#同意加入 {NEW}")
    [number] = [told.split("草稿")[1].split("）")[0]]
    network.agree(f"#同意加入 {NEW}", *FIRST[:3])
    network.round(*FIRST)
    network.round(*FIRST)
    assert network.count("审计局") == (2, 5)
    size = network.county.size(network.node("审计局"))
    assert "不能同意加入" in network.say("审计局", f"确认 {number}")
    assert network.county.size(network.node("审计局")) == size


# --- leaving ---


def test_one_leaves_by_the_same_way_and_is_followed_until_it_has(network: Network):
    with pytest.raises(Misconfigured, match="#同意退出 审计局"):
        remove_peer(network.node("民政局"), "审计局")
    assert "审计局（24.example/log）退出" in network.say("民政局", "#同意退出 审计局")
    network.agree("#同意退出 审计局", "审计局", "民政局")
    network.round(*FIRST)
    assert "审计局要退出：已同意的：" in network.say("财政局", "#同意加入")
    network.agree("#同意退出 24.example/log", "财政局")  # by its log: another one may have its name by now
    for _ in range(2):
        network.round(*FIRST)
    assert {network.count(name) for name in FIRST} == {(2, 3)}
    policy = network.policy("财政局")
    assert (policy.groups[0].threshold, len(policy.witnesses)) == (2, 3)
    remove_peer(network.node("财政局"), "审计局")
    assert len(network.policy("财政局", epoch=1).witnesses) == 4


def test_a_member_that_is_not_followed_makes_the_quorum_harder_and_never_easier(network: Network):
    remove_peer(network.node("民政局"), "审计局", succeeded=True)
    policy = network.policy("民政局")
    # It is a member, whatever we do; but its keys may have changed since we looked.
    assert (policy.groups[0].threshold, len(policy.witnesses)) == (3, 3)
    line = network.doctor("民政局")["member"]
    assert (line.good, "24.example/log is a member" in line.found) == (False, True)


# --- attacks ---


def test_a_puppet_member_that_one_department_adds_is_counted_by_nobody(network: Network):
    """民政局's administrators, with all its keys, let a node of their own join."""
    network.join("民政局", OTHER)
    network.agree(f"#同意加入 {OTHER}", "民政局")
    # The puppet says so as well, and so does the liar once more, round its desk, in further ballots.
    civil = network.node("民政局")
    liar = type(civil.desk)(civil.log, civil.keys, network.county.clock, stop_rules=frozenset())
    change = network.change(JOINED, OTHER)
    for ballot in (2, 3):
        by = network.chat("民政局").department.staff[ADMIN].handle
        liar.submit(statement_of(Vote(ballot, change)), by=by, once=f"again-{ballot}")
    puppet = network.chat(OTHER)
    around = type(puppet.department.desk)(
        network.node(OTHER).log, network.node(OTHER).keys, network.county.clock, stop_rules=frozenset()
    )
    around.submit(statement_of(Vote(1, change)), by=puppet.department.staff[ADMIN].handle, once="puppet")
    for _ in range(3):
        network.round(*FIRST, OTHER)
    assert {network.count(name) for name in FIRST} == {(1, 4)}
    for name in FIRST:
        policy = network.policy(name)
        assert (len(policy.witnesses), policy.groups[0].threshold) == (4, 3)
        assert all("26.example" not in one.name for one in policy.witnesses)
    assert f"{OTHER}要加入：已同意的：民政局" in network.say("财政局", "#同意加入")
    # Its witness makes nothing believed: with it, of three others, the log has its own and the puppet's word only.
    for host in ("22.example", "23.example", "24.example"):
        network.county.wire.lose(host)
    record = civil.desk.enrol("新人", ("clerk",), "id-new").submitted.record_id
    network.round("民政局", OTHER)
    network.round("民政局", OTHER)
    assert make_receipt(civil.engine, record) is None


@pytest.mark.attack
def test_a_membership_changed_on_both_sides_of_a_partition_is_changed_on_neither_side(network: Network):
    """Two and two of four, each with a newcomer; then they hear each other again."""
    ours, theirs = FIRST[:2], FIRST[2:]
    for name in FIRST:
        network.join(name)
        network.join(name, OTHER)
    network.agree(f"#同意加入 {NEW}", *ours)
    network.agree(f"#同意加入 {OTHER}", *theirs)
    assert {network.count(name) for name in FIRST} == {(1, 4)}
    for _ in range(2):
        network.round(*FIRST)
    assert {network.count(name) for name in FIRST} == {(1, 4)}
    told = network.say("民政局", "#同意加入")
    assert f"{NEW}要加入：已同意的：" in told
    assert f"{OTHER}要加入：已同意的：" in told
    assert "都不够数：打电话商量好，再同意一次" in told
    # Neither can come any more: they telephone, and agree once more to one of the two.
    network.agree(f"#同意加入 {NEW}", "公安局", "民政局")
    assert {network.count(name) for name in FIRST} == {(1, 4)}
    network.round(*FIRST)
    network.agree(f"#同意加入 {NEW}", "财政局")
    for _ in range(2):
        network.round(*FIRST)
    assert {network.count(name) for name in FIRST} == {(2, 5)}
    assert len({network.policy(name).groups for name in FIRST}) == 1


def test_who_agrees_to_two_successors_of_one_epoch_in_one_ballot_is_found_by_all(network: Network):
    for name in FIRST[:2]:
        network.join(name)
        network.join(name, OTHER)
    network.agree(f"#同意加入 {NEW}", "民政局")
    civil, by = network.node("民政局"), network.chat("民政局").department.staff[ADMIN].handle
    second = statement_of(Vote(1, network.change(JOINED, OTHER)))
    with pytest.raises(Refused) as caught:
        civil.desk.submit(second, by=by, once="second")
    assert caught.value.reason == "two-successors"
    put(civil, signed(civil, second, by=by))
    for _ in range(2):
        network.round(*FIRST)
    for name in FIRST[1:]:
        [found] = network.county.findings(name)
        assert (found.rule, found.facts["reason"], found.facts["departments"]) == ("R50", "two-successors", ["民政局"])
    assert f"{OTHER}要加入：还没有部门同意" in network.say("财政局", "#同意加入")


def test_a_change_under_another_departments_name_is_agreed_to_by_nobody(network: Network):
    """民政局 proposes that 审计局 leaves, and calls it 教育局, which others might want to be rid of."""
    change = network.change("left", FIRST[3])._replace(department=OTHER)
    civil, by = network.node("民政局"), network.chat("民政局").department.staff[ADMIN].handle
    civil.desk.submit(statement_of(Vote(1, change)), by=by, once="mislabelled")
    network.round("民政局", "财政局")
    assert "现在没有要同意的" in network.say("财政局", "#同意加入")
    assert f"网络里没有叫{OTHER}的部门" in network.say("财政局", f"#同意退出 {OTHER}")


@pytest.mark.attack
def test_an_administrator_of_one_department_cannot_speak_for_another(network: Network):
    """A copied record counts in the log that it was made for, and nowhere else."""
    network.join("民政局")
    network.join("财政局")
    network.agree(f"#同意加入 {NEW}", "民政局")
    [mine] = [one for one in network.chat("民政局").department.records() if one.kind == "epoch-agreed"]
    put(network.node("财政局"), mine.entry)
    for _ in range(2):
        network.round(*FIRST)
    with reading(network.node("公安局").engine) as conn:
        [waiting] = read_view(conn).open()
    assert [one.origin for one in waiting.agreed] == ["21.example/log"]


@pytest.mark.attack
def test_an_officer_who_is_no_administrator_agrees_to_nothing_whatever_their_desk_allows(network: Network):
    network.join("民政局")
    civil, chat = network.node("民政局"), network.chat("民政局")
    clerk = chat.department.enrol("小王", "clerk").handle
    with reading(civil.engine) as conn:
        said = agreement(read_view(conn), JOINED, NEW, network.member(NEW))
    put(civil, signed(civil, said, by=clerk))
    for _ in range(2):
        network.round(*FIRST)
    with reading(network.node("公安局").engine) as conn:
        assert read_view(conn).open() == ()
    assert [one.rule for one in network.county.findings("公安局")] == ["R50"]


@pytest.mark.attack
def test_a_receipt_of_an_older_quorum_does_not_hold_under_the_newer_one(network: Network):
    record = network.node("民政局").desk.enrol("新人", ("clerk",), "id-new").submitted.record_id
    network.county.wire.lose("24.example")
    for _ in range(2):
        network.round(*FIRST[:3])
    old = make_receipt(network.node("财政局").engine, record)
    assert old is not None
    network.county.wire.find("24.example")
    for name in FIRST:
        network.join(name)
    network.agree(f"#同意加入 {NEW}", *FIRST[:3])
    for _ in range(2):
        network.round()
    newer, older = network.policy("审计局"), network.policy("审计局", epoch=1)
    check_receipt(old, older)
    with pytest.raises(QuorumMissing):
        check_receipt(old, newer)
    epoch = parse_receipt(old).epoch
    assert epoch is not None
    assert epoch.number == 1
