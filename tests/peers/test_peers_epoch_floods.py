"""A department that founds and agrees without end fills nobody's database, page or inbox."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from handlers.pages import create_blueprint
from handlers.pages.network import WAITING_MAX
from ledger.desk import DESK
from ledger.epochs import founding, statement_of
from ledger.errors import Refused
from ledger.folding import read_folded
from ledger.records.epochs import BALLOTS_MAX, FOUNDINGS_MAX, HANDLE, JOINED, EpochsState, Member, Vote
from ledger.storage.engine import reading
from ledger.storage.facts import read_logs
from tests.peers.membership import ADMIN, FIRST, NEW, Network
from tests.peers.rig import make_county
from tests.peers.smuggling import put, signed


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    county = make_county(tmp_path, acquainted=False, onlookers=(FIRST[3], NEW))
    county.introduce(*FIRST)
    county.found(*FIRST)
    yield Network(county)
    county.close()


def said(network: Network, of: str, at: str) -> EpochsState:
    """All that one department has said, as another one keeps it."""
    with reading(network.node(at).engine) as conn:
        [log] = [one for one in read_logs(conn) if one.origin == network.node(of).origin]
        folded = read_folded(conn, log.id, HANDLE)
    assert folded is not None
    assert isinstance(folded.state, EpochsState)
    return folded.state


def test_words_without_end_on_one_epoch_are_refused_at_the_desk_and_at_each_mirror(network: Network):
    network.join("财政局")
    civil, by = network.node("民政局"), network.chat("民政局").department.staff[ADMIN].handle
    network.join("民政局")
    change = network.change(JOINED, NEW)
    liar = type(civil.desk)(civil.log, civil.keys, network.county.clock, stop_rules=frozenset())
    strangers = [change._replace(member=Member(f"{at}.example/log", change.before)) for at in range(BALLOTS_MAX)]
    for ballot, stranger in enumerate(strangers, 1):
        liar.submit(statement_of(Vote(ballot, stranger)), by=by, once=f"flood-{ballot}")
    one_more = statement_of(Vote(BALLOTS_MAX + 1, change))
    with pytest.raises(Refused, match="too-many-ballots"):
        liar.submit(one_more, by=by, once="one-more")
    put(civil, *(signed(civil, statement_of(Vote(100 + at, change)), by=by) for at in range(20)))
    for _ in range(2):
        network.round(*FIRST)
    for name in FIRST[1:]:
        assert len(said(network, "民政局", name).votes) == BALLOTS_MAX
        found = network.county.findings(name)
        assert {(one.rule, one.facts["reason"]) for one in found} == {("R50", "too-many-ballots")}
    # The inbox names whom it follows before sixteen strangers, and everybody goes on.
    assert "部门加入或退出的事" in network.say("财政局", "#待办")
    listed = network.say("财政局", "#同意加入")
    assert listed.index(f"{NEW}要加入：还没有部门同意") < listed.index("还没和它核对过")
    assert "还有12件" in listed
    network.agree(f"#同意加入 {NEW}", "财政局")


def test_what_waits_is_listed_for_everybody_up_to_a_bound(network: Network):
    network.join("民政局")
    change = network.change(JOINED, NEW)
    for name in FIRST:
        node, by = network.node(name), network.chat(name).department.staff[ADMIN].handle
        liar = type(node.desk)(node.log, node.keys, network.county.clock, stop_rules=frozenset())
        for ballot in range(1, BALLOTS_MAX + 1):
            stranger = Member(f"{node.origin[:2]}-{ballot}.example/log", change.before)
            liar.submit(statement_of(Vote(ballot, change._replace(member=stranger))), by=by, once=f"flood-{ballot}")
    for _ in range(2):
        network.round(*FIRST)
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(network.chat("民政局").services))
    told = json.loads(app.test_client().get("/network.json").data)
    assert (len(told["waiting"]), told["waiting_more"]) == (WAITING_MAX, 4 * BALLOTS_MAX + 1 - WAITING_MAX)
    assert told["waiting"][0]["origin"] == network.node(NEW).origin
    assert len(network.say("民政局", "#同意加入 卫生局")) < 400


def test_foundings_without_end_are_refused_at_the_desk_and_at_each_mirror(network: Network):
    network.join("民政局")
    new = network.node(NEW)
    own = network.member(NEW)
    lists = [[own, Member(f"{at}.example/log", own.genesis)] for at in range(3 * FOUNDINGS_MAX)]
    for at in range(FOUNDINGS_MAX):
        new.desk.submit(founding(lists[at]), by=DESK, once=f"founding-{at}")
    with pytest.raises(Refused, match="too-many-foundings"):
        new.desk.submit(founding(lists[FOUNDINGS_MAX]), by=DESK, once="one-more")
    put(new, *(signed(new, founding(one)) for one in lists[FOUNDINGS_MAX:]))
    for _ in range(2):
        network.round("民政局", NEW)
    assert len(said(network, NEW, "民政局").foundings) == FOUNDINGS_MAX
    assert {one.facts["reason"] for one in network.county.findings("民政局")} == {"too-many-foundings"}
