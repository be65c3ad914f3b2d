"""The steps that lead a case from where it stands here to where a line of the office's file says it is.

Pure. Only forward, and each step once: what the file says less of than we know changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from handlers import deadlines
from handlers.imports import cells
from handlers.imports.case_rows import APPROVED, NOT_ACCEPTED, REFUSED, WITHDRAWN, CaseRow
from handlers.matters import Programme
from ledger.records.cases import OPEN, CaseState, CaseStatus
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement


@dataclass(frozen=True, slots=True)
class Step:
    """One record that a line calls for."""

    statement: Statement
    on: date | None  # the day it happened; None when the file does not say
    then: CaseStatus  # where the case stands afterwards


@dataclass(frozen=True, slots=True)
class Proposal:
    """The money that an approval would give."""

    award: str  # handle: a new one, or one that was sent back
    programme: Programme
    amount: int  # fen
    payer: str  # origin
    private: Mapping[str, Json]  # payee and account, when they are others than the case's


@dataclass(frozen=True, slots=True)
class Way:
    """What the steps are computed from."""

    row: CaseRow
    case: str  # handle
    state: CaseState | None
    proposal: Proposal | None  # None: the matter gives no money, or the line does not approve it
    decides: bool  # whoever takes the file in may decide what another person has completed
    today: date

    def steps(self) -> Iterator[Step]:
        """Every step that is missing here, in order."""
        status = CaseStatus.SUBMITTED
        if self.state is None:
            yield self._step(
                "case-submitted", self.row.received, status, {"matter": self.row.matter.code}, self._told()
            )
        else:
            status = self.state.status
        yield from self._taking_in(status)
        yield from self._deciding()

    def _taking_in(self, status: CaseStatus) -> Iterator[Step]:
        """Up to the acceptance, and the examination that ends the clerk's part."""
        row = self.row
        if status is CaseStatus.SUBMITTED and row.missing and not (self.state and self.state.corrected):
            status = CaseStatus.CORRECTION_DUE
            clear = {"until": self._until().isoformat()}
            yield self._step("case-correction-due", row.told, status, clear, {"what": row.missing})
        if status is CaseStatus.CORRECTION_DUE and (row.brought or row.accepted or row.result == NOT_ACCEPTED):
            status = CaseStatus.SUBMITTED
            yield self._step("case-correction-brought", row.brought, status)
        if status is CaseStatus.SUBMITTED and row.accepted:
            status = CaseStatus.ACCEPTED
            yield self._step("case-accepted", row.accepted, status)
        if status is CaseStatus.ACCEPTED and row.result in {APPROVED, REFUSED}:
            status = CaseStatus.IN_STEP
            yield self._completed()
        if status in OPEN and row.result == WITHDRAWN:
            yield self._step("case-withdrawn", row.decided, CaseStatus.WITHDRAWN, {}, self._reason())
        if status is CaseStatus.SUBMITTED and row.result == NOT_ACCEPTED:
            yield self._step("case-not-accepted", row.decided, CaseStatus.NOT_ACCEPTED, {}, self._reason())

    def _completed(self) -> Step:
        step = self.state.step if self.state else 0
        if self.proposal is None:
            return self._step("case-completed", self.row.decided, CaseStatus.IN_STEP, {"step": step})
        clear: dict[str, Json] = {
            "case": self.case,
            "programme": self.proposal.programme.code,
            "amount": self.proposal.amount,
            "payer": self.proposal.payer,
        }
        if self.proposal.programme.monthly:
            clear["period"] = month_of(self.row)
        statement = Statement("award-proposed", self.proposal.award, clear, self.proposal.private)
        return Step(statement, self.row.decided, CaseStatus.IN_STEP)

    def _deciding(self) -> Iterator[Step]:
        """The decision itself, on what another person has completed before this file: money never among it."""
        state, result = self.state, self.row.result
        if not self.decides or state is None or state.status is not CaseStatus.IN_STEP:
            return
        if result == REFUSED and state.award_open and state.award is not None:
            statement = Statement("award-refused", state.award, {}, self._reason())
            yield Step(statement, self.row.decided, CaseStatus.REFUSED)
        elif result == REFUSED:
            yield self._step("case-refused", self.row.decided, CaseStatus.REFUSED, {}, self._reason())
        elif result == APPROVED and self.row.matter.programme is None:
            yield self._step("case-approved", self.row.decided, CaseStatus.APPROVED)

    def _step(
        self,
        kind: str,
        on: date | None,
        then: CaseStatus,
        clear: Mapping[str, Json] | None = None,
        private: Mapping[str, Json] | None = None,
    ) -> Step:
        return Step(Statement(kind, self.case, clear or {}, private or {}), on, then)

    def _told(self) -> dict[str, Json]:
        row = self.row
        told: dict[str, Json | None] = {
            "applicant": row.name,
            "payee": row.payee,
            "relation": None if cells.same_name(row.payee, row.name) else row.relation,
            "phone": row.phone,
            "account": row.account,
            "id_number": row.id_number,
            "place": row.matter.place,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _reason(self) -> dict[str, Json]:
        return {} if self.row.reason is None else {"reason": self.row.reason}

    def _until(self) -> date:
        """The last day to bring what is missing: as the file says, or else as the matter's law does."""
        matter = self.row.matter
        return self.row.until or deadlines.after(self.row.told or self.today, matter.correction_days, matter.unit).day


def month_of(row: CaseRow) -> str | None:
    """The month that money is for; the one of the decision, when the file has no other."""
    return row.month or (f"{row.decided:%Y-%m}" if row.decided else None)
