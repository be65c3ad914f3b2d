"""What one department says is stored, checked, folded, joined and cosigned by the others."""

from ledger.records.funds import AwardStatus, PaymentStatus
from tests.desk.world import ACCOUNT


def test_a_record_is_stored_checked_folded_and_cosigned_by_every_other_department(either_county):
    county = either_county
    case, _code = county.town.apply()
    reports = county.round()
    reports = county.round()
    for name in ("财政局", "公安局"):
        assert county.held(name, county.civil) == county.size(county.civil)
        row = next(row for row in reports[name].rows if row.name == "民政局")
        assert (row.error, row.refused, row.missing) == (None, 0, 0)
        assert row.checked == row.size == county.size(county.civil)
        with county.facts(name) as facts:
            assert facts.case(county.town.civil.ref(case)).number is None
    with county.facts("民政局") as facts:
        seen = facts.case(county.town.civil.ref(case))
        trust = facts.trust([(county.civil.origin, seen.index)])
    assert set(trust.departments) == {"财政局", "公安局"}
    assert trust.oldest is not None


def test_the_whole_way_of_the_money_over_the_network(either_county):
    county = either_county
    town = county.town
    case, award = town.approved()
    county.round()
    payment = town.order(award)
    town.finance.act("马骏", "payment-released", payment)
    town.result(payment, "credited", by_bank=True)
    county.round()  # 公安局 holds 财政局's records
    county.round()  # 财政局 hears of it
    reports = county.round()  # and shows it to 民政局
    with county.facts("民政局") as facts:
        [paid] = facts.payments_of(town.civil.ref(award))
        assert paid.state.status is PaymentStatus.CREDITED
        assert paid.number.startswith("22")
        assert paid.account_tail == ACCOUNT[-4:]
        assert paid.citizen == facts.case(town.civil.ref(case)).citizen
        trust = facts.trust(
            [(town.civil.origin, facts.case(town.civil.ref(case)).index), (town.finance.origin, paid.index)]
        )
        assert trust.departments == ("公安局",)
    with county.facts("财政局") as facts:
        told = facts.award(town.civil.ref(award))
        assert told.state.status is AwardStatus.APPROVED
        assert told.number.startswith("21")
    with county.facts("公安局") as facts:
        assert facts.award(town.civil.ref(award)).number is None
    assert all(report.findings == () and report.exit_code == 0 for report in reports.values())
