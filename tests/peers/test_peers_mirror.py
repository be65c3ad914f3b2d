"""Nothing is stored that no signed root holds, and nothing that was wrongly written stays unnoticed."""

import pytest
from sqlalchemy import select

from ledger.audit.crosscheck import TWO_HISTORIES, run_round
from ledger.merkle.checkpoint import Checkpoint
from ledger.merkle.cosignature import TimedSigner, open_cosigned
from ledger.merkle.errors import MerkleError
from ledger.merkle.hashing import as_hash
from ledger.merkle.note import parse_vkey, sign_note
from ledger.merkle.proofs import prove_both_roots
from ledger.peers import catching_up, vouching, witness
from ledger.peers.evidence import read_evidence
from ledger.peers.publish import publish_round
from ledger.records import base64url
from ledger.records.evidence import Evidence, check_evidence
from ledger.records.funds import Ref
from ledger.records.statement import Statement, parse_record
from ledger.scribe import new_handle
from ledger.storage import entries, schema
from ledger.storage.engine import reading
from tests.fakes.network import body, flip, status
from tests.peers.smuggling import forged, put, signed

CIVIL = "21.example"


def row_of(report, name="民政局"):
    return next(row for row in report.rows if row.name == name)


def check(county, name="公安局", **options):
    return row_of(run_round(county.nodes[name], **options))


def rules(county, name="公安局"):
    return [(finding.rule, finding.severity, finding.about) for finding in county.findings(name)]


def copy_of(county, origin_hash):
    copy = vouching.latest(county.police, origin_hash)
    assert copy is not None
    return copy


def submit_case(county):
    return county.town.apply()[0]


# --- what comes over the network ---


WRONG = [
    status(500),
    status(404),
    status(302, Location="https://elsewhere.example/"),
    body(b""),
    body(b"garbage"),
    body(b"x" * (600 * 1024)),
    flip(-40),
    flip(-1),
]


@pytest.mark.parametrize("path", ["/log/checkpoint", "/log/tile/entries/", "/log/tile/0/"])
def test_whatever_a_peer_serves_in_place_of_its_log_nothing_of_it_is_stored(county, path):
    county.round()
    before = county.held("公安局", county.civil)
    submit_case(county)
    publish_round(county.civil)
    for change in WRONG:
        county.wire.tamper(CIVIL, path, change)
        row = check(county)
        assert county.held("公安局", county.civil) == before
        assert row.error is not None
        assert rules(county) == []
        county.wire.behave()
    assert check(county).error is None
    assert county.held("公安局", county.civil) == county.size(county.civil)


def test_one_peer_that_does_not_answer_holds_up_no_other(county):
    county.round()
    county.wire.lose(CIVIL)
    report = run_round(county.police)
    assert (row_of(report).error is None, row_of(report, "财政局").error) == (False, None)
    assert report.exit_code == 0
    county.wire.lose("22.example")
    assert run_round(county.police).exit_code == 3
    assert run_round(county.police, "财政局").exit_code == 3


def test_a_peer_that_shows_an_older_head_has_merely_not_answered(county):
    county.round()
    old = county.civil.log.published_checkpoint()
    submit_case(county)
    county.round()
    county.wire.tamper(CIVIL, "/log/checkpoint", body(old))
    row = check(county)
    assert "has shown" in row.error
    assert rules(county) == []


def test_only_what_is_new_is_fetched(county):
    for _ in range(3):
        submit_case(county)
    county.round()
    county.wire.asked.clear()
    county.round("公安局")
    assert not [path for path in county.wire.paths(CIVIL) if "/tile/" in path]


def test_a_log_longer_than_a_round_takes_is_followed_in_several(county, monkeypatch):
    monkeypatch.setattr(catching_up, "ENTRIES_A_TURN_MAX", 256)
    monkeypatch.setattr(catching_up, "ENTRIES_A_TRANSACTION", 100)
    monkeypatch.setattr(catching_up, "ENTRIES_A_SLOW_TRANSACTION", 100)
    case = Statement("case-submitted", new_handle(), {"matter": "m"})
    clerk = county.town.civil.staff["林芳"].handle
    template = signed(county.civil, case, by=clerk)
    put(county.civil, *(forged(county.civil, template, jti=new_handle(), sub=new_handle()) for _ in range(600)))
    county.publish("民政局")
    size = county.size(county.civil)
    held = [check(county).checked for _ in range(4)]
    assert held == [256, 512, size, size]
    assert copy_of(county, witness.hash_of_origin(county.civil.origin)).size == size


# --- two histories ---


def test_a_peer_that_rewrites_its_history_is_refused_and_kept_as_evidence(county):
    county.round()
    forked = county.fork(county.civil)
    submit_case(county)
    county.round()
    county.clock.wait(60)
    clerk = county.town.civil.staff["林芳"].handle
    for _ in range(3):
        put(forked, signed(forked, Statement("case-submitted", new_handle(), {"matter": "another"}), by=clerk))
    publish_round(forked, cosign=False)
    county.serve(forked)
    held = county.held("公安局", county.civil)
    report = run_round(county.police)
    assert row_of(report).error == TWO_HISTORIES
    assert report.exit_code == 1
    assert [(rule, severity) for rule, severity, _about in rules(county)] == [("R36", "A")]
    assert county.held("公安局", county.civil) == held
    with reading(county.police.engine) as connection:
        [kept] = read_evidence(connection, county.civil.origin)
    verifiers = [key.verifier for key in county.civil.keys.log]
    assert check_evidence(kept, verifiers) == county.civil.origin
    # Nothing that this log says afterwards is cosigned, not even its true history.
    county.serve(county.civil)
    before = witness.latest(county.police, witness.hash_of_origin(county.civil.origin))
    county.clock.wait(60)
    assert check(county).error == TWO_HISTORIES
    assert witness.latest(county.police, witness.hash_of_origin(county.civil.origin)) == before
    assert [(rule, severity) for rule, severity, _about in rules(county)] == [("R36", "A")]


def test_a_history_cut_short_and_grown_anew_is_found_by_its_own_tiles_at_every_size(county):
    """The fork shows a smaller, an equal and a larger tree."""
    forked = county.fork(county.civil)
    for _ in range(4):
        submit_case(county)
    county.round()
    clerk = county.town.civil.staff["林芳"].handle
    for grow in (2, 2, 3):
        for _ in range(grow):
            statement = Statement("case-submitted", new_handle(), {"matter": "another"})
            put(forked, signed(forked, statement, by=clerk))
        publish_round(forked, cosign=False)
        head = forked.log.published_head()
        county.serve(forked)
        name = {2: "公安局", 4: "财政局"}.get(head.size - county.size(county.civil) + 4)
        if name is not None:
            assert check(county, name).error == TWO_HISTORIES
    with reading(county.police.engine) as connection:
        [smaller] = read_evidence(connection, county.civil.origin)
    with reading(county.finance.engine) as connection:
        [equal] = read_evidence(connection, county.civil.origin)
    verifiers = [key.verifier for key in county.civil.keys.log]
    assert smaller.proof
    assert not equal.proof
    for kept in (smaller, equal):
        assert check_evidence(kept, verifiers) == county.civil.origin


def test_evidence_of_nothing_convicts_nobody(county):
    county.round()
    old = county.civil.log.published_head()
    for _ in range(3):
        submit_case(county)
    county.round()
    new = county.civil.log.published_head()
    verifiers = [key.verifier for key in county.civil.keys.log]
    with reading(county.civil.engine) as connection:
        read = entries.node_reader(connection, county.civil.log.id, new.size)
        proof = tuple(prove_both_roots(old.size, new.size, read))
    for evidence in (
        Evidence(old.signed, new.signed, proof),
        Evidence(old.signed, new.signed, proof[:-1]),
        Evidence(old.signed, new.signed, (as_hash(bytes(32)), *proof[1:])),
        Evidence(old.signed, old.signed),
        Evidence(new.signed, old.signed, proof),
        Evidence(old.signed, county.police.log.published_head().signed),
    ):
        with pytest.raises(MerkleError):
            check_evidence(evidence, verifiers)


# --- what should not have been written ---


def smuggle(county, *raw):
    index = put(county.civil, *raw)
    county.publish("民政局")
    return index, check(county)


def test_a_record_copied_from_another_log_is_found_and_the_round_goes_on(county):
    with reading(county.finance.engine) as connection:
        stolen = entries.read_entries(connection, county.finance.log.id, 1, 2)[0]
    good = signed(
        county.civil,
        Statement("case-submitted", new_handle(), {"matter": "m"}),
        by=county.town.civil.staff["林芳"].handle,
    )
    _index, row = smuggle(county, stolen, good)
    assert (row.error, row.refused, row.checked) == (None, 1, county.size(county.civil))
    assert rules(county) == [("R50", "A", Ref(county.civil.origin, parse_record(stolen).sub))]
    with county.facts("公安局") as facts:
        assert facts.case(Ref(county.civil.origin, parse_record(good).sub)) is not None


def test_the_same_bytes_twice_count_once_and_are_found(county):
    case = submit_case(county)
    with reading(county.civil.engine) as connection:
        size = entries.read_edge(connection, county.civil.log.id).size
        again = entries.read_entries(connection, county.civil.log.id, size - 1, size)[0]
    _index, row = smuggle(county, again)
    assert (row.error, row.refused) == (None, 1)
    about = Ref(county.civil.origin, case)
    assert rules(county) == [("R50", "A", about)]
    with county.facts("公安局") as facts:
        assert facts.case(about).disputed


def test_an_entry_that_is_no_record_is_found(county):
    _index, row = smuggle(county, b"not a record at all", b"")
    assert (row.error, row.refused) == (None, 2)
    assert rules(county) == [("R50", "A", None), ("R50", "A", None)]


@pytest.mark.parametrize("fault", ["signature", "role", "stranger", "prev", "apply", "digests"])
def test_whatever_check_a_record_fails_its_object_is_disputed_and_unchanged(county, fault):
    case = submit_case(county)
    accept = Statement("case-accepted", case)
    clerk, approver = (county.town.civil.staff[name].handle for name in ("林芳", "高伟"))
    match fault:
        case "signature":
            good = signed(county.civil, accept, by=clerk)
            bad = good[:-3] + (b"AAA" if good[-3:] != b"AAA" else b"BBA")
        case "role":
            bad = signed(county.civil, accept, by=approver)
        case "stranger":
            bad = signed(
                county.civil, accept, by=clerk, kid=county.police.keys.desk_kid, signer=county.police.keys.desk.sign
            )
        case "prev":
            bad = signed(county.civil, accept, by=clerk, prev=base64url.encode(bytes(32)))
        case "apply":
            bad = signed(county.civil, Statement("case-approved", case), by=approver)
        case "digests":
            bad = forged(county.civil, signed(county.civil, accept, by=clerk), _sd=["A" * 43, "B" * 42 + "A"])
    _index, row = smuggle(county, bad)
    about = Ref(county.civil.origin, case)
    assert (row.error, row.refused) == (None, 1)
    assert rules(county) == [("R50", "A", about)]
    with county.facts("公安局") as facts:
        seen = facts.case(about)
        assert (str(seen.state.status), seen.disputed) == ("SUBMITTED", True)


def test_a_revoked_officer_signs_nothing_more(county):
    case = submit_case(county)
    clerk = county.town.civil.staff["林芳"].handle
    late = signed(county.civil, Statement("case-accepted", case), by=clerk)
    county.town.civil.desk.revoke(clerk)
    _index, row = smuggle(county, late)
    assert row.refused == 1
    assert rules(county) == [("R50", "A", Ref(county.civil.origin, case))]


def test_a_kind_that_nobody_knows_is_carried_and_warned_of(county):
    template = signed(county.civil, Statement("genesis", new_handle(), _genesis(county)))
    sub = new_handle()
    strange = forged(county.civil, template, typ="onetrip-rainfall-v1+sd-jwt", sub=sub)
    index, row = smuggle(county, strange)
    assert (row.error, row.checked) == (None, index + 1)
    assert rules(county) == [("R49", "W", Ref(county.civil.origin, sub))]
    assert copy_of(county, witness.hash_of_origin(county.civil.origin)).size == index + 1


def test_a_record_that_shows_more_than_its_kind_may_is_an_alarm(county):
    clerk = county.town.civil.staff["林芳"].handle
    case = Statement("case-submitted", new_handle(), {"matter": "m"})
    desk_signed = forged(county.civil, signed(county.civil, case, by=clerk), applicant="王桂兰")
    _index, row = smuggle(county, desk_signed)
    assert row.refused == 1
    assert rules(county) == [("R49", "A", Ref(county.civil.origin, case.sub))]
    [finding] = county.findings("公安局")
    assert "王桂兰" not in str(finding.facts)


def test_a_second_genesis_is_no_genesis(county):
    again = signed(county.civil, Statement("genesis", new_handle(), _genesis(county)))
    _index, row = smuggle(county, again)
    assert row.refused == 1
    with reading(county.police.engine) as connection:
        query = select(schema.signers.c.kid).where(schema.signers.c.kid == county.civil.keys.desk_kid)
        assert len(connection.execute(query).all()) == 1


def _genesis(county):
    with reading(county.civil.engine) as connection:
        first = entries.read_entries(connection, county.civil.log.id, 0, 1)[0]
    return dict(parse_record(first).clear)


# --- what we say of it ---


def test_a_mirror_says_so_only_when_every_entry_is_stored_and_its_time_never_goes_back(county):
    origin_hash = witness.hash_of_origin(county.civil.origin)
    submit_case(county)
    county.publish()
    county.wire.tamper(CIVIL, "/log/tile/entries/", status(500))
    run_round(county.police)
    assert vouching.latest(county.police, origin_hash) is None
    county.wire.behave()
    run_round(county.police)
    first = cosigned(county, origin_hash)
    assert first.checkpoint.size == county.size(county.civil)
    county.clock.wait(60)
    run_round(county.police)
    second = cosigned(county, origin_hash)
    county.clock.wait(-3600)
    run_round(county.police)
    third = cosigned(county, origin_hash)
    times = [{one.time for one in copy.cosignatures} for copy in (first, second, third)]
    assert times[0] != times[1] == times[2]
    assert all(len(copy.cosignatures) == 2 for copy in (first, second, third))


def cosigned(county, origin_hash):
    copy = copy_of(county, origin_hash)
    keys = county.police.keys.mirror
    return open_cosigned(copy.signed, [key.verifier for key in county.civil.keys.log], [key.verifier for key in keys])


def test_while_the_story_is_told_everything_is_folded_and_nothing_cosigned(county):
    case, award = county.town.approved()
    county.round(cosign=False)
    county.round(cosign=False)
    with county.facts("财政局") as facts:
        assert facts.award(county.town.civil.ref(award)).number.startswith("21")
        assert facts.case(county.town.civil.ref(case)) is not None
    for node in county.nodes.values():
        with reading(node.engine) as connection:
            assert connection.execute(select(schema.cosignatures)).all() == []
            assert connection.execute(select(schema.witnessed)).all() == []
            stories = select(schema.feed.c.story).join(schema.logs, schema.logs.c.id == schema.feed.c.log_id)
            assert set(connection.execute(stories.where(~schema.logs.c.own)).scalars()) == {True}
    with county.facts("民政局") as facts:
        assert all(line.before_network for line in facts.history(county.town.civil.ref(case)))
    county.round()
    later = submit_case(county)
    county.round()
    county.round()
    for name in county.nodes:
        with county.facts(name) as facts:
            assert all(line.before_network for line in facts.history(county.town.civil.ref(case)))
            assert not any(line.before_network for line in facts.history(county.town.civil.ref(later)))


def test_a_payment_smaller_than_its_award_is_found_by_every_department_under_one_name(county):
    town = county.town
    _case, award = town.approved(300_000)
    county.round()
    payment = new_handle()
    town.finance.desk.submit(
        Statement("payment-created", payment, {"award": town.civil.ref(award).claim(), "amount": 30_000}),
        by=town.finance.staff["吴倩"].handle,
        once=town.finance.once(),
        code=town.finance.code("吴倩"),
        stop=False,
    )
    county.round()
    reports = county.round()
    found = {name: [(one.id, one.rule) for one in report.findings] for name, report in reports.items()}
    assert len({str(one) for one in found.values()}) == 1
    assert [rule for _id, rule in found["公安局"]] == ["R19"]
    assert {report.exit_code for report in reports.values()} == {1}


def test_lines_that_a_peer_adds_below_its_head_spoil_no_copy_of_ours(county):
    """Its head of one size, once with this line and once with that: signed both, and one root."""
    county.round()
    submit_case(county)
    county.publish()
    head = county.civil.log.published_head()
    for line in ("first", "second", ""):
        text = Checkpoint(county.civil.origin, head.size, head.root, (line,) if line else ()).text()
        ed25519, mldsa44 = county.civil.keys.log
        note = sign_note(text, (ed25519, TimedSigner(mldsa44, county.clock())))
        county.wire.tamper(CIVIL, "/log/checkpoint", body(note))
        county.clock.wait(5)
        row = check(county)
        assert (row.error is None) is (line == "")
        copy = vouching.latest(county.police, witness.hash_of_origin(county.civil.origin))
        assert copy is not None
        keys = [parse_vkey(vkey) for vkey in county.police.keys.mirror_vkeys]
        opened = open_cosigned(copy.signed, [parse_vkey(vkey) for vkey in county.civil.keys.log_vkeys], keys)
        assert len(opened.cosignatures) == 2
        county.wire.behave()
    assert opened.checkpoint.size == head.size
