"""A finding is explained and decided by records: every department comes to the same, in whatever order they arrive."""

from itertools import permutations

import pytest

from ledger.answers import read_life, statement
from ledger.audit.crosscheck import TWO_HISTORIES, run_round
from ledger.errors import Refused
from ledger.peers import witness
from ledger.peers.joining import add_peer
from ledger.peers.publish import publish_round
from ledger.records import base64url
from ledger.records.answers import CONCLUDED, EXPLAINED
from ledger.records.statement import Statement
from ledger.rules.answers import CONCERNED, NOT_CONCERNED, UNKNOWN
from ledger.rules.mismatch import finding_id
from ledger.scribe import new_handle
from ledger.storage import findings as rows
from ledger.storage.engine import reading
from ledger.views import Finding
from tests.desk.world import found as founded
from tests.desk.world import make_engine
from tests.peers.rig import ROUND_SECONDS, County, node_of
from tests.peers.smuggling import put, signed

WORDS = "录入时少打了一个零，已经补付。"


def short(county: County) -> str:
    """财政局 orders 300 of 3,000 approved; returns the name of the finding."""
    town = county.town
    _case, award = town.approved(300_000)
    county.round()
    town.finance.desk.submit(
        Statement("payment-created", new_handle(), {"award": town.civil.ref(award).claim(), "amount": 30_000}),
        by=town.finance.staff["吴倩"].handle,
        once=town.finance.once(),
        code=town.finance.code("吴倩"),
        stop=False,
    )
    county.round()
    county.round()
    [found] = county.findings("公安局")
    assert found.rule == "R19"
    return found.id


def auditor(county: County, name: str = "公安局", *roles: str) -> str:
    return county.nodes[name].desk.enrol("宋涛", roles or ("auditor",), "id-auditor").handle


def the(county, name, finding):
    with reading(county.nodes[name].engine) as connection:
        found = rows.read_finding(connection, finding)
        assert found is not None
        return found


def say(county, name, kind, finding, by, outcome=None, *, stop=True):
    county.clock.wait(1)
    said = statement(kind, the(county, name, finding), WORDS, outcome)
    return county.nodes[name].desk.submit(said, by=by, once=f"{name}-{kind}-{county.clock()}", stop=stop)


def states(county, finding):
    return {name: the(county, name, finding).state for name in county.nodes}


def lives(county, finding):
    told = {}
    for name, node in county.nodes.items():
        with reading(node.engine) as connection:
            told[name] = [(each.step, each.department, each.record) for each in read_life(connection, finding)]
    return told


def rules(county, name):
    return [(one.rule, one.facts.get("reason")) for one in county.findings(name)]


def test_explained_and_settled_every_department_shows_the_same_state_and_history(either_county):
    county = either_county
    finding, by = short(county), auditor(county)
    finance = county.town.finance.staff["马骏"].handle
    explained = say(county, "财政局", EXPLAINED, finding, finance)
    reports = county.round()
    assert set(states(county, finding).values()) == {"explained"}
    assert {report.exit_code for report in reports.values()} == {1}  # open until somebody has decided
    concluded = say(county, "公安局", CONCLUDED, finding, by, "settled")
    county.round()
    reports = county.round()
    assert set(states(county, finding).values()) == {"settled"}
    assert {report.exit_code for report in reports.values()} == {0}
    one, other, third = lives(county, finding).values()
    assert one == other == third == [
        ("raised", None, None),
        ("explained", "财政局", explained.record_id),
        ("settled", "公安局", concluded.record_id),
    ]  # fmt: skip


@pytest.mark.parametrize(("outcome", "told"), [("confirmed", True), ("false-alarm", False), ("settled", False)])
def test_a_decision_closes_it_and_only_what_was_confirmed_is_told_on(county, outcome, told):
    finding, by = short(county), auditor(county)
    say(county, "公安局", CONCLUDED, finding, by, outcome)
    county.round()
    reports = county.round()
    assert set(states(county, finding).values()) == {outcome}
    assert the(county, "民政局", finding).is_told == told
    assert {report.exit_code for report in reports.values()} == {0}


def test_no_word_of_it_stands_in_the_log_nor_at_another_department(county):
    finding = short(county)
    done = say(county, "财政局", EXPLAINED, finding, county.town.finance.staff["马骏"].handle)
    county.round()
    county.round()
    logged = b"".join(record.entry for record in county.town.finance.records())
    assert "录入".encode() not in logged
    with county.facts("财政局") as facts:
        assert facts.finding_words(finding) == {done.record_id: WORDS}
    for name in ("民政局", "公安局"):
        with county.facts(name) as facts:
            assert facts.finding_words(finding) == {}


@pytest.mark.parametrize("order", list(permutations(("民政局", "财政局", "公安局"))))
def test_in_whatever_order_the_logs_arrive_a_newcomer_comes_to_the_same(county, order):
    """The explanation before what it explains, the decision before the explanation: all of it, at a fourth node."""
    finding, by = short(county), auditor(county)
    say(county, "财政局", EXPLAINED, finding, county.town.finance.staff["马骏"].handle)
    say(county, "公安局", CONCLUDED, finding, by, "confirmed")
    county.round()
    county.round()
    late = newcomer(county)
    for name in order:
        run_round(late, name)
    with reading(late.engine) as connection:
        found = rows.read_finding(connection, finding)
        assert found is not None
        assert found.state == "confirmed"
        life = [(each.step, each.department, each.record) for each in read_life(connection, finding)]
        assert [one.rule for one in rows.read_findings(connection)] == []
    assert life == lives(county, finding)["民政局"]
    late.close()


def newcomer(county):
    """教育局, which follows everybody from today."""
    engine = make_engine(f"sqlite:///{county.directory / '24.db'}")
    node = node_of(founded("教育局", "24", engine, county.directory, county.clock), county.directory, county.wire)
    for other in county.nodes.values():
        add_peer(node, other.public_url, other.keys.fingerprint)
    return node


# --- who may not ---


def refused(county, *args):
    with pytest.raises(Refused) as caught:
        say(county, *args)
    return caught.value.reason


def test_the_desk_refuses_whoever_is_not_the_one_to_say_it(county):
    finding, by = short(county), auditor(county)
    own = auditor(county, "财政局")
    assert refused(county, "财政局", CONCLUDED, finding, own, "settled") == CONCERNED
    assert refused(county, "公安局", EXPLAINED, finding, by) == NOT_CONCERNED
    clerk = county.town.finance.staff["吴倩"].handle
    assert refused(county, "财政局", CONCLUDED, finding, clerk, "settled") == "role-missing"
    say(county, "公安局", CONCLUDED, finding, by, "confirmed")
    assert refused(county, "公安局", CONCLUDED, finding, by, "false-alarm") == "already-concluded"
    county.round()
    assert refused(county, "财政局", EXPLAINED, finding, clerk) == "already-concluded"


@pytest.mark.parametrize(
    ("name", "kind", "outcome", "reason"),
    [("财政局", CONCLUDED, "settled", CONCERNED), ("公安局", EXPLAINED, None, NOT_CONCERNED)],
)
def test_said_round_the_desk_by_the_wrong_department_it_counts_for_nothing_and_is_found(
    county, name, kind, outcome, reason
):
    finding, by = short(county), auditor(county, name)
    say(county, name, kind, finding, by, outcome, stop=False)
    county.round()
    county.round()
    assert set(states(county, finding).values()) == {"open"}
    for each in county.nodes:
        assert sorted(rules(county, each)) == [("R19", None), ("R50", reason)]
    assert len({one.id for each in county.nodes for one in county.findings(each) if one.rule == "R50"}) == 1


def test_concluded_by_one_who_is_no_auditor_it_is_no_record_at_all(county):
    finding = short(county)
    by = auditor(county, "公安局", "approver")
    said = statement(CONCLUDED, the(county, "公安局", finding), WORDS, "false-alarm")
    put(county.police, signed(county.police, said, by=by))
    county.round("民政局", "财政局")
    assert sorted(rules(county, "民政局")) == [("R19", None), ("R50", "UnknownSigner")]
    assert the(county, "民政局", finding).state == "open"


INVENTED = finding_id("R19", [b"x" * 32])


@pytest.mark.parametrize("compared", [None, [b"x" * 32]])
def test_a_finding_that_is_an_invention_is_waited_for_and_then_found(county, compared):
    county.round()
    invented = Finding(INVENTED, "R19", "S", "open", None, {}, 0, "2026-12-01")
    said = statement(CONCLUDED, invented, WORDS, "false-alarm")
    if compared:
        said = Statement(
            said.kind, said.sub, {**said.clear, "compared": [base64url.encode(one) for one in compared]}, said.private
        )
    put(county.police, signed(county.police, said, by=auditor(county)))
    county.round("民政局", "财政局")
    assert rules(county, "民政局") == []
    county.clock.wait(11 * ROUND_SECONDS)
    county.round("民政局", "财政局")
    assert rules(county, "民政局") == rules(county, "财政局") == [("R50", UNKNOWN)]


def test_what_was_mended_before_a_department_looked_is_no_invention(county):
    """It names what it compared, and those records are there: somebody else has found it meanwhile."""
    finding = short(county)
    say(county, "财政局", EXPLAINED, finding, county.town.finance.staff["马骏"].handle)
    records = county.town.finance.records()
    order = next(record for record in records if record.kind == "payment-created")
    county.clock.wait(30)
    taken_back = Statement("amendment", order.sub, {"amends": order.record_id}, {"reason": "打错了"})
    staff = county.town.finance.staff["吴倩"].handle
    county.finance.desk.submit(taken_back, by=staff, once="back", code=county.town.finance.code("吴倩"))
    county.round()
    late = newcomer(county)
    for _ in range(3):
        county.clock.wait(11 * ROUND_SECONDS)
        run_round(late)
    with reading(late.engine) as connection:
        assert rows.read_finding(connection, finding) is None
        assert [one.rule for one in rows.read_findings(connection) if one.rule == "R50"] == []
    late.close()


# --- a fork ---


def forked(county: County):
    """民政局's log shows another history, and 公安局 has seen it; returns the finding's name, and the other history."""
    county.round()
    other = county.fork(county.civil)
    county.town.apply()
    county.round()
    county.clock.wait(60)
    clerk = county.town.civil.staff["林芳"].handle
    for _ in range(3):
        put(other, signed(other, Statement("case-submitted", new_handle(), {"matter": "another"}), by=clerk))
    publish_round(other, cosign=False)
    county.serve(other)
    [row] = [row for row in run_round(county.police).rows if row.name == "民政局"]
    assert row.error == TWO_HISTORIES
    [found] = [one for one in county.findings("公安局") if one.rule == "R36"]
    return found.id, other


def followed(county):
    """Whether 公安局 follows 民政局 and cosigns it, after a round of 公安局's."""
    county.clock.wait(60)
    run_round(county.police)
    with reading(county.police.engine) as connection:
        newest = witness.last_seen(connection, county.civil.origin)
        return newest.time == county.clock(), rows.has_forked(connection, county.civil.origin)


@pytest.mark.parametrize(("outcome", "lifted"), [("settled", True), ("false-alarm", True), ("confirmed", False)])
def test_a_forked_log_is_cosigned_again_after_a_decision_that_clears_it_and_after_no_other(county, outcome, lifted):
    finding, _other = forked(county)
    county.serve(county.civil)  # its true history again
    assert followed(county) == (False, True)
    done = say(county, "公安局", CONCLUDED, finding, auditor(county), outcome)
    assert followed(county) == (lifted, not lifted)
    with reading(county.police.engine) as connection:
        life = [(each.step, each.record) for each in read_life(connection, finding)]
    assert life == [("raised", None), ("changed", None), (outcome, done.record_id)]  # what differs was told meanwhile


def test_an_explanation_alone_lifts_nothing_nor_does_the_decision_of_whom_it_concerns(county):
    finding, _other = forked(county)
    county.serve(county.civil)
    found = the(county, "公安局", finding)
    clerk = county.town.civil.staff["林芳"].handle
    county.civil.desk.submit(statement(EXPLAINED, found, WORDS), by=clerk, once="explained", stop=False)
    decision = statement(CONCLUDED, found, WORDS, "false-alarm")
    county.civil.desk.submit(decision, by=auditor(county, "民政局"), once="decided", stop=False)
    assert followed(county) == (False, True)
    assert the(county, "公安局", finding).state == "open"  # nothing of a frozen log is taken in


def test_the_history_that_was_cleared_once_is_still_not_cosigned_and_one_that_grew_freezes_again(county):
    finding, other = forked(county)
    say(county, "公安局", CONCLUDED, finding, auditor(county), "settled")
    assert followed(county) == (False, False)  # it still shows the other history: no evidence twice, and no cosignature
    clerk = county.town.civil.staff["林芳"].handle
    put(other, signed(other, Statement("case-submitted", new_handle(), {"matter": "more"}), by=clerk))
    publish_round(other, cosign=False)
    assert followed(county) == (False, True)
    assert {one.state for one in county.findings("公安局") if one.rule == "R36"} == {"open"}
