"""A renewed officer signs with another key; what the old one signed goes on to count up to there."""

import pytest

from ledger.audit.verify import verify_database
from ledger.errors import IllegalStep
from ledger.records.statement import Statement
from ledger.storage.engine import reading
from ledger.storage.signers import read_signer
from tests.desk.world import make_town


@pytest.fixture
def town(tmp_path, database_url):
    made = make_town(tmp_path, database_url)
    yield made
    made.civil.engine.dispose()


def key_of(civil, kid):
    with reading(civil.engine) as conn:
        signer = read_signer(conn, civil.log.id, kid)
    assert signer is not None
    return signer


def test_a_renewal_replaces_the_key_by_a_record(town):
    civil = town.civil
    old = civil.staff["林芳"]
    town.apply()
    access = civil.desk.renew(old.handle)
    index = civil.size() - 1
    record = civil.records()[index]
    assert record.kind == "renewal"
    assert key_of(civil, old.kid).to_index == index
    case, _code = town.apply()
    signed = civil.records()[-1]
    assert (signed.sub, signed.kid != old.kid) == (case, True)
    assert key_of(civil, signed.kid).from_index == index + 1
    assert key_of(civil, signed.kid).person == key_of(civil, old.kid).person
    assert access.handle == old.handle
    with civil.facts() as facts:
        names = {facts.officer_name(civil.origin, kid) for kid in (old.kid, signed.kid)}
    assert names == {"林芳"}
    civil.log.sign_new_head()
    assert verify_database(civil.engine, vault_key=civil.keys.vault_key).faults == ()


@pytest.mark.parametrize("change", ["roles", "person", "possession", "key", "custody"])
def test_a_renewal_gives_nobody_more_than_they_had(town, change):
    civil = town.civil
    handle = civil.staff["林芳"].handle
    civil.desk.renew(handle)
    clear = dict(civil.records()[-1].clear)
    values = {"roles": ["clerk", "approver"], "person": "ab" * 32, "custody": "device"}
    if change in values:
        clear[change] = values[change]
    elif change == "possession":
        del clear[change]
    # "key": the same key once more, with the signature over another record before
    with pytest.raises(IllegalStep):
        civil.desk.submit(Statement("renewal", handle, clear), by="desk", once="x")
