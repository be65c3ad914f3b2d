"""A stranger who has every tile finds nobody: no name, number, text, account or person tag, and nothing to join by."""

import json
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator

import pytest

from ledger.errors import BadDisclosure
from ledger.folding import take_disclosures
from ledger.records import base64url
from ledger.records.kinds import DESK
from ledger.records.statement import Record, Statement
from ledger.scribe import new_handle
from ledger.storage import entries
from ledger.storage.engine import reading, transaction
from ledger.storage.vault import Vault, read_rows
from tests.desk.world import Department, Town, exchange, make_town, mirror

PEOPLE = {"王桂兰": "330199195902140026", "陈志强": "330199199206150018", "孙丽": "330199198710090048"}
NOTE = "入户调查：家中无劳动力"


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory) -> Iterator[Town]:
    """A town in which three people have had all kinds of things happen to them; the same things, in the same words.

    The tests only look at it.
    """
    town = make_town(tmp_path_factory.mktemp("lived-in"))
    for name, id_number in PEOPLE.items():
        _live(town, name, id_number)
    yield town
    town.civil.engine.dispose()
    town.finance.engine.dispose()


def _live(town: Town, name: str, id_number: str) -> None:
    private = {
        "applicant": name,
        "payee": name,
        "phone": "13800000000",
        "id_number": id_number,
        "place": "柳树镇",
    }
    case, _code = town.apply(**private)
    act = town.civil.act
    act("林芳", "case-correction-due", case, {"until": "2026-12-01"}, {"what": NOTE})
    act("林芳", "case-correction-brought", case, private={"note": NOTE})
    act("林芳", "case-accepted", case, private={"note": NOTE})
    award = town.propose(case)
    act("高伟", "award-returned", award, private={"reason": NOTE})
    town.propose(case, award=award)
    act("高伟", "award-approved", award, {"amount": 2_000_000}, {"note": NOTE})
    town.round()
    payment = town.order(award)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "rejected", "AC04")
    act("林芳", "account-given", award, private={"payee": name, "account": "6217000010001234471"})
    town.round()
    again = town.order(award, reissues=payment)
    town.finance.act("马骏", "payment-released", again)
    town.result(again, "credited", by_bank=True)
    town.round()
    word = Statement("citizen-word", new_handle(), {"payment": town.finance.ref(again).claim(), "word": "received"})
    town.civil.desk.submit(word, by=DESK, once=new_handle())


def departments(town: Town) -> tuple[Department, Department]:
    return town.civil, town.finance


def everything_private(town: Town) -> set[str]:
    """Every value that any vault holds, and the salts around them."""
    found = set()
    for department in departments(town):
        with reading(department.engine) as conn:
            vault = Vault(department.keys.vault_key)
            handles = sorted({record.sub for record in department.records()})
            for row in read_rows(conn, handles):
                disclosure = vault.disclosure(row)
                salt, _name, value = json.loads(base64url.decode(disclosure))
                found |= {disclosure, salt, str(value)}
    return found


def test_no_private_value_stands_in_any_entry_in_any_dress(lived_in):
    private = everything_private(lived_in)
    assert {"王桂兰", "陈志强", NOTE, "6217000010001234471", "林芳", "柳树镇"} <= private
    assert sum(value.startswith(("21", "22")) and value.isdigit() for value in private) >= 9
    for department in departments(lived_in):
        for record in department.records():
            shown = _dresses(record)
            for value in private:
                for dress in (
                    value,
                    json.dumps(value)[1:-1],
                    value.encode().hex(),
                    urlsafe_b64encode(value.encode()).decode().rstrip("="),
                ):
                    assert dress not in shown


def _dresses(record: Record) -> str:
    header, payload, _signature = record.entry.decode().split(".")
    return "\n".join([record.entry.decode(), base64url.decode(header).decode(), base64url.decode(payload).decode()])


def test_no_value_is_shared_by_two_cases_but_codes_amounts_times_and_who_signs(lived_in):
    """What one case shows leads to no other case: not even that two of them are one person's."""
    seen: dict[str, set[str]] = defaultdict(set)
    for department in departments(lived_in):
        for record in department.records():
            case = _case_of(lived_in, department, record)
            if case is not None:
                for value in _pointing_values(record):
                    seen[value].add(case)
    assert seen
    assert {value: cases for value, cases in seen.items() if len(cases) > 1} == {}


# Codes, states, times, and the departments and officers who act: meant to be the same in many records.
_SHARED = {
    "iss",
    "iat",
    "_sd_alg",
    "matter",
    "programme",
    "payer",
    "outcome",
    "reason",
    "word",
    "until",
    "on",
    "step",
    "amount",
}
_SHARED |= {"file", "line"}  # one list of the bank has many lines


def _pointing_values(record: Record) -> list[str]:
    payload = json.loads(base64url.decode(record.entry.decode().split(".")[1]))
    found: list[str] = []
    for name, value in payload.items():
        if name in _SHARED:
            continue
        if isinstance(value, list):
            found += value
        elif isinstance(value, dict):
            found.append(value["sub"])
        else:
            found.append(value)
    return found


def _case_of(town: Town, department: Department, record: Record) -> str | None:
    with town.civil.facts() as facts:
        ref = department.ref(record.sub)
        for view in (facts.case(ref), facts.award(ref), facts.payment(ref)):
            if view is not None and view.citizen is not None:
                return view.citizen
    if record.kind == "citizen-word":
        with town.civil.facts() as facts:
            payment = facts.payment(town.finance.ref(record.clear["payment"]["sub"]))
        assert payment is not None
        return payment.citizen
    return None


def test_every_record_of_a_kind_shows_the_same_number_of_digests_whatever_was_told(lived_in):
    counts = defaultdict(set)
    for department in departments(lived_in):
        for record in department.records():
            counts[record.kind].add(len(record.digests))
    assert all(len(each) == 1 for each in counts.values())


def test_no_digest_stands_twice_anywhere(lived_in):
    digests = [digest for each in departments(lived_in) for record in each.records() for digest in record.digests]
    assert len(digests) == len(set(digests))


def test_the_database_without_the_keys_holds_no_private_value(lived_in):
    private = everything_private(lived_in)
    for department in departments(lived_in):
        raw = department.engine.raw_connection()
        assert raw.driver_connection is not None
        dump = "\n".join(raw.driver_connection.iterdump())
        raw.close()
        for value in private:
            assert value not in dump
            assert value.encode().hex().upper() not in dump


def test_a_payer_learns_nothing_of_a_case_but_what_it_pays(lived_in):
    with reading(lived_in.finance.engine) as conn:
        handles = sorted({record.sub for record in lived_in.civil.records()})
        names = {row.name for row in read_rows(conn, handles)}
    assert names == {"number", "query_code", "payee", "account"}


def test_a_disclosure_that_is_not_of_the_record_is_not_kept(town):
    _case, _award = town.approved()
    mirror(town.civil, town.finance)
    [record] = [each for each in town.civil.records() if each.kind == "award-proposed"]
    forged = base64url.encode(json.dumps(["c2FsdHNhbHRzYWx0c2FsdA", "account", "6217000000000000000"]).encode())
    with transaction(town.finance.engine) as conn:
        log_id = entries.find_log(conn, town.civil.origin)
        assert log_id is not None
        with pytest.raises(BadDisclosure):
            take_disclosures(conn, town.finance.keys, log_id, record, [forged])
    with reading(town.finance.engine) as conn:
        assert read_rows(conn, [record.sub]) == []
    exchange(town.civil, town.finance)
    exchange(town.civil, town.finance)  # the same again changes nothing
    with reading(town.finance.engine) as conn:
        assert len(read_rows(conn, [record.sub])) == 4
