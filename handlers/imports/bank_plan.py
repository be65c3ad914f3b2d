"""What each line of a bank's list would say of our payments, and what stands against it.

A line counts only for the payment whose number, payee, account and amount it names, all four. What differs is told
without showing an account or a name as a whole.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from handlers.imports import cells
from handlers.imports.bank_rows import BankRow, BrokenRow, check_declared, read_list
from handlers.imports.layouts import Bank
from handlers.imports.plan import Line, Office, Outcome, Plan, Source, finished, taken
from handlers.imports.remarks import Fen, Remark
from handlers.imports.tables import read_table
from handlers.staff.things import masked
from ledger.batches import Deed
from ledger.facts import Facts
from ledger.records.funds import PaymentState, PaymentStatus
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.times import day_in_china
from ledger.views import Officer, PaymentView

TAIL_DIGITS = 4

_STATUS: Mapping[str, PaymentStatus] = {
    "accepted": PaymentStatus.ACCEPTED,
    "held": PaymentStatus.HELD,
    "credited": PaymentStatus.CREDITED,
    "rejected": PaymentStatus.REJECTED,
    "returned": PaymentStatus.RETURNED,
}
_NEVER_SENT = frozenset({PaymentStatus.CREATED, PaymentStatus.CANCELLED})
_FINAL = frozenset({PaymentStatus.CREDITED, PaymentStatus.REJECTED, PaymentStatus.RETURNED, PaymentStatus.REISSUED})


def plan_payments(raw: bytes, bank: Bank, office: Office, officer: Officer) -> Plan:
    """What this list would do; raises FileWrong when it cannot be read at all, and Busy."""
    source, table = Source.of(raw, office), read_table(raw, bank.shape)
    rows = read_list(table, bank, office.today)
    with office.node.reading() as facts:
        planner = _Planner(office, source, table.headers, facts)
        lines = planner.lines(rows)
    return finished(lines, source, office, officer, *check_declared(table, bank, rows))


@dataclass(frozen=True, slots=True)
class _Planner:
    """Looks at each row, all of them as of one moment."""

    office: Office
    source: Source
    headers: Mapping[str, str]
    facts: Facts

    def lines(self, rows: Sequence[BankRow | BrokenRow]) -> list[Line]:
        return [
            self._line(row)
            if isinstance(row, BankRow)
            else Line(row.line, Outcome.REFUSED, row.payee, amount=row.amount, remarks=row.remarks)
            for row in rows
        ]

    def _line(self, row: BankRow) -> Line:
        line = Line(row.line, Outcome.REFUSED, row.payee, amount=row.amount)
        payment = self._payment(row.number)
        if payment is None:
            return replace(line, remarks=(Remark("import.payment.unknown", self.headers["number"]),))
        award = self.facts.award(payment.state.award)
        about = None if award is None else award.state.programme
        line = replace(line, about=about, before=f"state.payment.{payment.state.status}")
        if self.source.was_taken(row.line):
            return taken(line)
        if wrong := (*self._differs(row, payment), *self._stands(row, payment.state)):
            return replace(line, remarks=wrong)
        if _STATUS[row.outcome] is payment.state.status and payment.state.source == "bank":
            return replace(line, outcome=Outcome.UNCHANGED)
        deed = self._deed(row, payment)
        late = (Remark("import.note.late"),) if "on" in deed.statement.clear else ()
        after = f"state.payment.{_STATUS[row.outcome]}"
        return replace(line, outcome=Outcome.MOVED, after=after, remarks=late, deeds=(deed,))

    def _payment(self, number: str) -> PaymentView | None:
        """Our own payment of that number."""
        found = self.facts.find(number)
        if found is None or found.topic != "payment" or found.ref.log != self.office.node.origin:
            return None
        return self.facts.payment(found.ref)

    def _deed(self, row: BankRow, payment: PaymentView) -> Deed:
        clear: dict[str, Json] = {"outcome": row.outcome}
        if row.reason is not None:
            clear["reason"] = row.reason
        return self.source.deed(row.line, Statement("bank-result", payment.ref.sub, clear), row.on)

    # --- what cannot be ---

    def _differs(self, row: BankRow, payment: PaymentView) -> Iterator[Remark]:
        """What the bank has sent to another than we ordered, or as another amount."""
        payee, account = (self.facts.private(payment.ref, name) for name in ("payee", "account"))
        if not isinstance(payee, str) or not isinstance(account, str):
            yield Remark("import.payment.erased", self.headers["number"])
            return
        if row.amount != payment.state.amount:
            amounts = {"here": Fen(payment.state.amount), "there": Fen(row.amount)}
            yield Remark("import.payment.amount", self.headers["amount"], amounts)
        if not cells.same_name(row.payee, payee):
            names = {"here": masked(payee), "there": masked(row.payee)}
            yield Remark("import.payment.payee", self.headers["payee"], names)
        account = "".join(account.split())
        if not hmac.compare_digest(row.account.encode(), account.encode()):
            tails = {"here": account[-TAIL_DIGITS:], "there": row.account[-TAIL_DIGITS:]}
            same = ".same-tail" if tails["here"] == tails["there"] else ""
            yield Remark(f"import.payment.account{same}", self.headers["account"], tails)

    def _stands(self, row: BankRow, state: PaymentState) -> Iterator[Remark]:
        """Whether the payment waits for an answer of the bank."""
        column = self.headers["number"]
        comes_back = row.outcome == "returned" and state.status is PaymentStatus.CREDITED
        if state.status in _NEVER_SENT:
            yield Remark(f"import.payment.{state.status}", column)
        elif state.status in _FINAL and state.source == "bank" and not comes_back:
            yield Remark("import.payment.final", column)
        elif row.on is not None and state.released is not None and row.on < day_in_china(state.released):
            yield Remark("import.payment.before-released", self.headers["date"])
