"""What an officer cannot do, however they try; and that nothing was signed then."""

import json
import sqlite3

import pytest
from sqlalchemy import event, select

from ledger.desk import Desk
from ledger.errors import Busy, IllegalStep, OfficerUnknown, Refused, RoleMissing
from ledger.records import base64url
from ledger.records.cases import CaseStatus
from ledger.records.kinds import DESK
from ledger.records.statement import Statement, check_signature, parse_record
from ledger.scribe import new_handle
from ledger.storage import schema
from ledger.storage.engine import reading
from ledger.storage.vault import Unsealable, Vault
from tests.desk.world import Town


def refused(town: Town, reason: str, act, *, rule: str | None = None) -> None:
    """It is refused for this reason, and no log has grown."""
    sizes = town.civil.size(), town.finance.size()
    with pytest.raises(Refused) as caught:
        act()
    assert (caught.value.reason, caught.value.rule) == (reason, rule)
    assert (town.civil.size(), town.finance.size()) == sizes


def test_one_confirmed_act_is_exactly_one_record(town):
    case, _code = town.apply()
    size = town.civil.size()
    town.civil.act("林芳", "case-accepted", case)
    assert town.civil.size() == size + 1


def test_completing_and_approving_money_is_one_record_each_and_moves_the_case_too(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    size = town.civil.size()
    award = town.propose(case)
    town.civil.act("高伟", "award-approved", award, {"amount": 2_000_000})
    assert town.civil.size() == size + 2
    with town.civil.facts() as facts:
        assert facts.case(town.civil.ref(case)).state.status is CaseStatus.APPROVED


def test_the_same_deed_again_returns_the_first_result_before_any_check(town):
    case, _code = town.apply()
    officer = town.civil.staff["林芳"].handle
    statement = Statement("case-accepted", case)
    first = town.civil.desk.submit(statement, by=officer, once="delivery-1")
    size = town.civil.size()
    town.civil.desk.revoke(officer)
    again = town.civil.desk.submit(statement, by=officer, once="delivery-1", code="000000")
    assert (again.record_id, again.index, again.promise) == (first.record_id, first.index, first.promise)
    assert again.already
    assert not first.already
    assert town.civil.size() == size + 1  # the revocation alone


def test_a_slip_is_made_once(town):
    officer = town.civil.staff["林芳"].handle
    private = {"applicant": "王桂兰"}
    first = town.civil.desk.open_case("m1", private, by=officer, once="d")
    again = town.civil.desk.open_case("m1", private, by=officer, once="d")
    assert (first.number, first.query_code, first.citizen) == (again.number, again.query_code, again.citizen)


def test_an_officer_without_the_role_is_refused(town):
    case, _code = town.apply()
    size = town.civil.size()
    with pytest.raises(RoleMissing):
        town.civil.act("高伟", "case-accepted", case)
    assert town.civil.size() == size


def test_nobody_signs_with_the_nodes_own_key_what_officers_sign(town):
    case, _code = town.apply()
    with pytest.raises(RoleMissing):
        town.civil.desk.submit(Statement("case-accepted", case), by=DESK, once="x")


def test_somebody_who_was_never_enrolled_is_refused(town):
    case, _code = town.apply()
    with pytest.raises(OfficerUnknown):
        town.civil.desk.submit(Statement("case-accepted", case), by=new_handle(), once="x")


def test_an_officer_revoked_between_draft_and_confirmation_signs_nothing(town):
    case, _code = town.apply()
    statement, officer = Statement("case-accepted", case), town.civil.staff["林芳"].handle
    town.civil.desk.check(statement, officer)
    town.civil.desk.revoke(officer)
    size = town.civil.size()
    with pytest.raises(OfficerUnknown):
        town.civil.desk.submit(statement, by=officer, once="x", code=town.civil.code("林芳"))
    assert town.civil.size() == size


def test_an_impossible_step_is_refused_at_the_command_and_at_the_signature(town):
    case, _code = town.apply()
    statement, officer = Statement("case-completed", case, {"step": 0}), town.civil.staff["林芳"].handle
    with pytest.raises(IllegalStep):
        town.civil.desk.check(statement, officer)
    refused(town, "illegal-step", lambda: town.civil.desk.submit(statement, by=officer, once="x"))


def test_checking_signs_and_stores_nothing(town):
    case, _code = town.apply()
    before = _everything(town)
    town.civil.desk.check(Statement("case-accepted", case), town.civil.staff["林芳"].handle)
    assert _everything(town) == before


def _everything(town: Town) -> list[list[tuple[object, ...]]]:
    with reading(town.civil.engine) as conn:
        return [sorted(map(tuple, conn.execute(select(table))), key=repr) for table in schema.metadata.sorted_tables]


def test_a_decision_needs_a_code(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    statement, officer = Statement("case-approved", case), town.civil.staff["高伟"].handle
    refused(town, "code-needed", lambda: town.civil.desk.submit(statement, by=officer, once="x"))


@pytest.mark.parametrize("kind", ["case-approved", "case-refused", "case-returned"])
def test_whoever_did_the_step_before_does_not_decide_with_a_second_key_either(town, kind):
    """Four eyes are four eyes of two persons: the person counts, not the key."""
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    town.civil.enrol("林芳二", "approver", id_number="id-21-林芳")
    clear = {"step": 0} if kind == "case-returned" else {}
    refused(town, "four-eyes", lambda: town.civil.act("林芳二", kind, case, clear), rule="R10")
    town.civil.act("高伟", kind, case, clear)


@pytest.mark.parametrize("kind", ["award-approved", "award-refused", "award-returned"])
def test_whoever_proposed_does_not_approve(town, kind):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    award = town.propose(case)
    town.civil.enrol("林芳二", "approver", id_number="id-21-林芳")
    clear = {"amount": 2_000_000} if kind == "award-approved" else {}
    refused(town, "four-eyes", lambda: town.civil.act("林芳二", kind, award, clear), rule="R10")


def test_whoever_ordered_does_not_release(town):
    _case, award = town.approved()
    town.round()
    town.finance.enrol("吴倩二", "authoriser", id_number="id-22-吴倩")
    payment = town.order(award)
    refused(town, "four-eyes", lambda: town.finance.act("吴倩二", "payment-released", payment), rule="R10")
    town.finance.act("马骏", "payment-released", payment)


def test_whoever_has_the_database_without_the_vault_key_has_no_officers_key(town):
    with reading(town.civil.engine) as conn:
        rows = conn.execute(select(schema.officer_keys)).all()
    stranger = Vault(bytes(32))
    for row in rows:
        for sealed, place in ((row.sealed_key, row.kid), (row.sealed_totp, f"totp:{row.handle}")):
            with pytest.raises(Unsealable):
                stranger.unbox(sealed, place.encode())


def test_the_entry_is_signed_by_the_officer_and_the_promise_by_the_desk(town):
    case, _code = town.apply()
    done = town.civil.act("林芳", "case-accepted", case)
    record = town.civil.records()[done.index]
    assert record.record_id == done.record_id
    with reading(town.civil.engine) as conn:
        key = conn.execute(select(schema.signers.c.public_key).where(schema.signers.c.kid == record.kid)).scalar_one()
    check_signature(record, key)
    header, payload, signature = done.promise.split(".")
    town.civil.keys.desk.public_key().verify(base64url.decode(signature), f"{header}.{payload}".encode())
    assert json.loads(base64url.decode(header))["typ"] == "onetrip-promise+jwt"
    promised = json.loads(base64url.decode(payload))
    assert (promised["iss"], promised["index"], promised["leaf"]) == (record.iss, done.index, record.record_id)


def test_a_locked_database_is_busy_and_nothing_was_signed(town):
    case, _code = town.apply()
    size = town.civil.size()
    with town.civil.engine.connect() as other:
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            town.civil.act("林芳", "case-accepted", case)
        other.exec_driver_sql("ROLLBACK")
    assert town.civil.size() == size
    town.civil.act("林芳", "case-accepted", case)


def _broken_connection(engine):
    """What the driver raises when the server is gone in the middle of a commit."""
    if engine.dialect.name == "postgresql":
        return engine.dialect.dbapi.OperationalError("server closed the connection unexpectedly")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # as the driver sets it
    return error


@pytest.mark.parametrize("was_done", [True, False])
def test_a_connection_that_breaks_in_the_middle_of_a_commit_is_asked_what_came_of_it(
    either_town, monkeypatch, was_done
):
    """Whoever was told that nothing was signed must be able to rely on it."""
    case, _code = either_town.apply()
    size, engine = either_town.civil.size(), either_town.civil.engine
    commit = engine.dialect.do_commit

    def breaking(connection):
        monkeypatch.setattr(engine.dialect, "do_commit", commit)
        (commit if was_done else engine.dialect.do_rollback)(connection)
        raise _broken_connection(engine)

    monkeypatch.setattr(engine.dialect, "do_commit", breaking)
    if was_done:
        done = either_town.civil.act("林芳", "case-accepted", case)
        assert (done.index, done.already) == (size, True)
    else:
        with pytest.raises(Busy):
            either_town.civil.act("林芳", "case-accepted", case)
    assert either_town.civil.size() == size + was_done


def _fill(town: Town) -> None:
    officer = town.civil.staff["林芳"].handle
    for number in range(200):
        town.civil.desk.open_case("m1", {"phone": "1" * 4000}, by=officer, once=f"fill {number}")


def test_a_full_disk_is_busy_and_nothing_is_half_done(town):
    case, _code = town.apply()

    def full(connection):
        pages = connection.connection.driver_connection.execute("PRAGMA page_count").fetchone()[0]
        connection.connection.driver_connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(town.civil.engine, "begin", full)
    with pytest.raises(Busy):
        _fill(town)
    event.remove(town.civil.engine, "begin", full)
    with town.civil.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
    after = town.civil.records()
    assert len(after) == town.civil.size()
    assert [parse_record(record.entry) for record in after] == after
    with town.civil.facts() as facts:
        assert facts.case(town.civil.ref(case)).state.status is CaseStatus.SUBMITTED
    town.civil.act("林芳", "case-accepted", case)


def test_a_refusal_after_a_right_code_spends_no_code(town):
    case, _code = town.apply()
    town.civil.act("林芳", "case-accepted", case)
    town.civil.act("林芳", "case-completed", case, {"step": 0})
    town.clock.wait(30)
    officer, code = town.civil.staff["高伟"].handle, town.civil.code("高伟")
    with pytest.raises(RoleMissing):
        town.civil.desk.submit(Statement("case-completed", case, {"step": 1}), by=officer, once="a", code=code)
    with pytest.raises(IllegalStep):
        town.civil.desk.submit(Statement("case-returned", case, {"step": 5}), by=officer, once="b", code=code)
    town.civil.desk.submit(Statement("case-approved", case), by=officer, once="c", code=code)


def test_a_strangers_case_cannot_be_withdrawn_in_somebodys_name(town):
    mine, _code = town.apply()
    yours, _code = town.apply(applicant="周大山")
    with town.civil.facts() as facts:
        me = facts.case(town.civil.ref(mine)).citizen
    withdrawal = Statement("case-withdrawn", yours)
    refused(town, "another-citizen", lambda: town.civil.desk.submit(withdrawal, by=DESK, once="x", citizen=me))
    town.civil.desk.submit(Statement("case-withdrawn", mine), by=DESK, once="y", citizen=me)


def test_what_the_story_tells_is_marked_so_that_nobody_is_notified(town):
    storyteller = Desk(town.civil.log, town.civil.keys, town.clock, story=True)
    town.apply()
    storyteller.open_case("m1", {}, by=town.civil.staff["林芳"].handle, once="story")
    with reading(town.civil.engine) as conn:
        told = conn.execute(
            select(schema.feed.c.story).where(schema.feed.c.kind == "case-submitted").order_by(schema.feed.c.pos)
        )
        assert list(told.scalars()) == [False, True]
