"""A log that was rewritten from within is told by what it changed, and nothing is told that is not proven."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.demo.rewriting import rewrite_amount
from ledger.audit.crosscheck import TWO_HISTORIES, run_round
from ledger.audit.verify import verify_database
from ledger.errors import PeerUnreachable
from ledger.merkle.difference import first_difference
from ledger.peers.difference import note_difference
from ledger.peers.evidence import read_evidence
from ledger.peers.home import read_peer
from ledger.peers.publish import offer_again, publish_round
from ledger.records.evidence import check_evidence
from ledger.records.funds import Ref
from ledger.records.statement import Statement
from ledger.scribe import new_handle
from ledger.storage.engine import reading
from tests.fakes.network import flip
from tests.fakes.peer import FakeLog
from tests.peers.rig import with_threads
from tests.peers.smuggling import put, signed

SIZES = st.integers(1, 600)
HONEST = FakeLog().grow(600)
OTHERS = ("民政局", "公安局")


@given(st.data())
def test_the_first_leaf_that_differs_is_found_whatever_comes_behind_it(data):
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    later = data.draw(st.lists(st.integers(index, 599), max_size=3))
    lie = HONEST.fork()
    for at in (index, *later):
        lie.rewrite(at, b"lie")
    assert first_difference(size, HONEST.read(), lie.read()) == index
    assert first_difference(index, HONEST.read(), lie.read()) is None


@given(SIZES)
def test_trees_that_begin_alike_have_no_first_difference(size):
    lie = HONEST.fork().rewrite(599, b"lie") if size < 600 else HONEST
    assert first_difference(size, HONEST.read(), lie.read()) is None


def test_about_as_many_nodes_are_read_as_the_tree_is_high():
    read = []
    lie = HONEST.fork().rewrite(317, b"lie")

    def counted(level, index):
        read.append((level, index))
        return lie.node(level, index)

    assert first_difference(600, HONEST.read(), counted) == 317
    assert len(read) <= 2 * 10


@pytest.fixture
def paid(county):
    """20,000.00 yuan are ordered and paid, and everybody has stored and cosigned it."""
    county.round()
    _case, award = county.town.approved()
    county.round()
    county.round()
    payment = county.town.order(award)
    county.town.finance.act("马骏", "payment-released", payment)
    county.town.result(payment, "credited", by_bank=True)
    county.round()
    county.round()
    return payment


def differs(county, name):
    [finding] = [one for one in county.findings(name) if one.rule == "R36"]
    return finding.facts.get("differs")


def test_the_round_that_refuses_a_rewritten_log_says_what_was_signed_and_what_is_served(county, paid):
    before = county.size(county.finance)
    changed = rewrite_amount(county.finance, paid, 200)
    assert [one.new.kind for one in changed] == ["payment-created", "payment-released", "bank-result"]
    assert county.size(county.finance) == before
    ordered = changed[0].old.iat
    county.clock.wait(86_400 * 3)
    for name in OTHERS:
        report = run_round(county.nodes[name])
        assert {row.error for row in report.rows if row.name == "财政局"} == {TWO_HISTORIES}
        told = {"kind": "payment-created", "sub": paid, "at": ordered}
        assert differs(county, name) == {
            "index": changed[0].index,
            "signed": told | {"amount": 2_000_000},
            "served": told | {"amount": 200},
        }
        with reading(county.nodes[name].engine) as connection:
            [kept] = read_evidence(connection, county.finance.origin)
        assert check_evidence(kept, [key.verifier for key in county.finance.keys.log]) == county.finance.origin
    assert len({finding.id for name in OTHERS for finding in county.findings(name) if finding.rule == "R36"}) == 1


def test_the_rewritten_books_are_good_by_themselves(county, paid):
    """So that it is the copies of the others that convict, and no slip of the forger."""
    rewrite_amount(county.finance, paid, 200)
    report = verify_database(county.finance.engine, vault_key=county.finance.keys.vault_key)
    assert [str(fault) for fault in report.faults] == []
    with county.facts("财政局") as facts:
        payment = facts.payment(Ref(county.finance.origin, paid))
        assert payment is not None
        assert payment.state.amount == 200
        assert payment.account_tail == "0836"
        assert payment.index == county.size(county.finance) - 1


def test_what_came_in_by_the_witness_door_is_told_by_the_next_round(county, paid):
    rewrite_amount(county.finance, paid, 200)
    with_threads(offer_again, county.finance)
    assert differs(county, "公安局") is None
    run_round(county.police)
    assert differs(county, "公安局")["served"]["amount"] == 200


def test_once_it_is_told_the_forger_is_asked_nothing_more(county, paid):
    rewrite_amount(county.finance, paid, 200)
    run_round(county.police)
    county.wire.asked.clear()
    run_round(county.police)
    assert not [path for path in county.wire.paths("22.example") if path.startswith("/log")]


def test_a_peer_that_hides_after_it_was_caught_is_told_without_figures(county, paid):
    rewrite_amount(county.finance, paid, 200)
    with_threads(offer_again, county.finance)
    county.wire.lose("22.example")
    run_round(county.police)
    assert differs(county, "公安局") is None
    county.wire.find("22.example")
    run_round(county.police)
    assert differs(county, "公安局")["signed"]["amount"] == 2_000_000


def test_an_entry_that_does_not_lead_to_the_signed_head_is_not_quoted(county, paid):
    [changed, *_] = rewrite_amount(county.finance, paid, 200)
    with_threads(offer_again, county.finance)

    def lying(_request, answer):
        return httpx.Response(200, content=answer.read().replace(changed.new.entry, b"x" * len(changed.new.entry)))

    county.wire.tamper("22.example", "/tile/entries/", lying)
    with reading(county.police.engine) as connection:
        peer = read_peer(connection, county.finance.origin)
    assert peer is not None
    with pytest.raises(PeerUnreachable):
        note_difference(county.police, peer)
    run_round(county.police)
    assert differs(county, "公安局") is None


def test_tiles_that_do_not_lead_to_the_signed_head_tell_nothing(county, paid):
    rewrite_amount(county.finance, paid, 200)
    with_threads(offer_again, county.finance)
    county.wire.tamper("22.example", "/log/tile/0/", flip(8 * 32 * 3))
    run_round(county.police)
    assert differs(county, "公安局") is None


def test_a_record_that_no_officer_signed_is_told_by_why_and_not_quoted(county, paid):
    """The log's keys were used, and not the officers': what stands there now is nobody's word."""
    forked = county.fork(county.civil)
    number = county.size(forked)
    honest, _code = county.town.apply()
    county.round()
    put(forked, signed(county.finance, Statement("revocation", new_handle())))
    publish_round(forked, cosign=False)
    county.serve(forked)
    run_round(county.police)
    told = differs(county, "公安局")
    assert told["index"] == number
    assert (told["signed"]["kind"], told["signed"]["sub"]) == ("case-submitted", honest)
    assert told["served"] == {"reason": "MalformedRecord"}


def test_an_honest_log_is_never_said_to_differ(county, paid):
    with reading(county.police.engine) as connection:
        peer = read_peer(connection, county.finance.origin)
    assert peer is not None
    assert note_difference(county.police, peer) is True  # nothing is open against it
    assert county.findings("公安局") == []
