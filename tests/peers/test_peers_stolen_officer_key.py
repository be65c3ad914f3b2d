"""An officer's key is revoked, and since when somebody else had it: what it signed from there on counts no more."""

import pytest

from ledger.audit.verify import verify_database
from ledger.errors import OfficerUnknown, Refused
from ledger.records.funds import Ref
from ledger.rules.logs import STOLEN_KEY
from ledger.storage import entries
from ledger.storage.engine import reading
from ledger.storage.facts import read_object


def approved(county):
    """An award approved by 高伟, known to everybody; returns its handle and the index of the approval."""
    _case, award = county.town.approved()
    index = county.size(county.civil) - 1
    county.round()
    county.round()
    return award, index


def revoke(county, since):
    civil = county.town.civil
    civil.desk.revoke(civil.staff["高伟"].handle, compromised_since=since)
    county.round()


def stolen(county, name):
    return [one for one in county.findings(name) if one.rule == "R50" and one.facts["reason"] == STOLEN_KEY]


def is_disputed(county, name, award):
    node = county.nodes[name]
    with reading(node.engine) as connection:
        log_id = entries.find_log(connection, county.civil.origin)
        assert log_id is not None
        found = read_object(connection, (log_id, award))
    return found is not None and found[2] is not None


def test_the_desk_and_every_mirror_say_the_same_of_the_same_records(either_county):
    county = either_county
    award, index = approved(county)
    revoke(county, index)
    told = {name: [(one.id, one.facts["index"]) for one in stolen(county, name)] for name in county.nodes}
    assert told["民政局"] == told["财政局"] == told["公安局"]
    assert [at for _id, at in told["民政局"]] == [index]
    assert all(is_disputed(county, name, award) for name in county.nodes)


def test_what_the_key_signed_before_that_index_goes_on_to_count(county):
    award, index = approved(county)
    revoke(county, index + 1)
    assert all(stolen(county, name) == [] for name in county.nodes)
    assert not any(is_disputed(county, name, award) for name in county.nodes)


def test_a_revocation_that_does_not_look_back_disputes_nothing(county):
    award, _index = approved(county)
    revoke(county, None)
    assert all(stolen(county, name) == [] for name in county.nodes)
    assert not any(is_disputed(county, name, award) for name in county.nodes)


def test_no_money_moves_on_what_a_stolen_key_signed_and_the_key_signs_no_more(county):
    award, index = approved(county)
    county.town.round()
    revoke(county, index)
    with pytest.raises(Refused) as caught:
        county.town.order(award)
    assert (caught.value.reason, caught.value.rule) == ("signed-with-stolen-key", "R50")
    with pytest.raises(OfficerUnknown):
        county.town.civil.act("高伟", "award-approved", award, {"amount": 2_000_000})


def test_an_order_that_was_made_already_is_not_released(county):
    award, index = approved(county)
    payment = county.town.order(award)
    revoke(county, index)
    with pytest.raises(Refused) as caught:
        county.town.finance.act("马骏", "payment-released", payment)
    assert caught.value.reason == "signed-with-stolen-key"


def test_verify_names_each_such_record_in_the_departments_database_and_in_a_mirrors(county):
    _award, index = approved(county)
    assert verify_database(county.civil.engine).faults == ()
    revoke(county, index)
    for name in county.nodes:
        report = verify_database(county.nodes[name].engine, county.civil.origin)
        assert [(one.part, one.at) for one in report.faults] == [("entry", str(index))]
        assert "stolen" in report.faults[0].reason


def test_the_citizen_concerned_reads_of_it(county):
    award, index = approved(county)
    revoke(county, index)
    with county.facts("民政局") as facts:
        view = facts.award(Ref(county.civil.origin, award))
    assert view is not None
    assert view.disputed
