"""What each line of an approval system's file would change here, and what stands against it.

A decision that gives money comes as a proposal: another person approves it. Any other decision is signed only by an
approver who did not do the step before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handlers.imports import cells
from handlers.imports.case_rows import APPROVED, NONE, NOT_ACCEPTED, REFUSED, WITHDRAWN, Broken, CaseRow, read_cases
from handlers.imports.case_way import Proposal, Step, Way, month_of
from handlers.imports.layouts import System
from handlers.imports.plan import Line, Office, Outcome, Plan, Source, finished, taken
from handlers.imports.remarks import Fen, Remark
from handlers.imports.tables import read_table
from handlers.staff.drafts import account_of
from ledger.batches import recall_all
from ledger.desk import Desk, new_handle
from ledger.facts import Facts
from ledger.records.cases import CaseState, CaseStatus
from ledger.records.funds import AwardStatus, Ref
from ledger.records.jsonstrict import Json
from ledger.records.kinds import BY_NAME
from ledger.views import AwardView, CaseView, Officer

OPENED_MAX = 9  # so often a case may be entered by mistake, taken back, and entered again
TAIL_DIGITS = 4

_CAME_OUT: Mapping[CaseStatus, str] = {
    CaseStatus.APPROVED: APPROVED,
    CaseStatus.REFUSED: REFUSED,
    CaseStatus.NOT_ACCEPTED: NOT_ACCEPTED,
    CaseStatus.WITHDRAWN: WITHDRAWN,
}
_SAY_WHY = frozenset({"case-refused", "award-refused"})  # a refusal states its reason
_STANDING = frozenset({AwardStatus.PROPOSED, AwardStatus.APPROVED})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here of the case on a line."""

    opening: str  # what the deed of handing it in is called, if it has to be done
    case: CaseView | None = None
    awards: Sequence[AwardView] = ()  # oldest first
    private: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> CaseState | None:
        """Where it stands."""
        return None if self.case is None else self.case.state

    @property
    def account_tail(self) -> str | None:
        """The last digits of the account that money would go to."""
        if self.awards:
            return self.awards[-1].account_tail
        account = self.private.get("account")
        return account[-TAIL_DIGITS:] if isinstance(account, str) else None


def plan_cases(raw: bytes, system: System, office: Office, officer: Officer) -> Plan:
    """What this file would do; raises FileWrong when it cannot be read at all, and Busy."""
    source, table = Source.of(raw, office), read_table(raw, system.shape)
    rows = read_cases(table, system, office.matters, office.programmes, office.today)
    with office.node.reading() as facts:
        planner = _Planner(office, officer, source, table.headers, facts)
        lines = planner.lines(rows)
    return finished(lines, source, office, officer)


def find_cases(desk: Desk, facts: Facts, references: Sequence[str]) -> dict[str, CaseView]:
    """The cases that the other system calls so, of those that were taken in and not taken back."""
    names = {reference: openings(desk, reference) for reference in references}
    opened = _opened(desk, names.values())
    found = {each: _standing_case(names[each], opened, desk.log.origin, facts)[1] for each in references}
    return {reference: case for reference, case in found.items() if case is not None}


def _opened(desk: Desk, openings_of: Iterable[Sequence[str]]) -> dict[str, str]:
    """The handles of what was opened, by deed."""
    names = list(openings_of)
    done = recall_all(desk, (first for first, *_again in names))
    done |= recall_all(desk, (name for first, *again in names if first in done for name in again))
    return {name: one.sub for name, one in done.items()}


def openings(desk: Desk, reference: str) -> list[str]:
    """What the deed of handing a case in is called: first, and each time after it was taken back."""
    name = desk.name_deed("import-case", reference)
    return [name, *(f"{name}:{again}" for again in range(2, OPENED_MAX + 1))]


def _standing_case(
    names: Sequence[str], opened: Mapping[str, str], origin: str, facts: Facts
) -> tuple[str, CaseView | None]:
    """The case that counts, and the deed that made it; else the deed that would."""
    for name in names:
        if name not in opened:
            return name, None
        case = facts.case(Ref(origin, opened[name]))
        if case is not None and case.state.status is not CaseStatus.CANCELLED:
            return name, case
    return names[-1], None


class _Planner:
    """Looks at each row, all of them as of one moment."""

    def __init__(
        self, office: Office, officer: Officer, source: Source, headers: Mapping[str, str], facts: Facts
    ) -> None:
        self._office = office
        self._officer = officer
        self._source = source
        self._headers = headers
        self._facts = facts

    def lines(self, rows: Sequence[CaseRow | Broken]) -> list[Line]:
        desk = self._office.node.desk
        names = {row.line: openings(desk, row.reference) for row in rows if isinstance(row, CaseRow)}
        opened = _opened(desk, names.values())
        return [
            self._line(row, self._known(names[row.line], opened))
            if isinstance(row, CaseRow)
            else Line(row.line, Outcome.REFUSED, row.name, remarks=row.remarks)
            for row in rows
        ]

    def _known(self, names: Sequence[str], opened: Mapping[str, str]) -> Known:
        opening, case = _standing_case(names, opened, self._office.node.origin, self._facts)
        if case is None:
            return Known(opening)
        told = {name: self._facts.private(case.ref, name) for name in ("id_number", "account")}
        return Known(opening, case, self._facts.awards_of(case.ref), told)

    def _line(self, row: CaseRow, known: Known) -> Line:
        before = None if known.state is None else f"state.case.{known.state.status}"
        line = Line(row.line, Outcome.REFUSED, row.name, row.matter.code, before, amount=self._amount(row))
        wrong = (*self._misplaced(row), *self._known_otherwise(row, known), *self._contradicts(row, known))
        if wrong:
            return taken(line) if self._source.was_taken(row.line) else replace(line, remarks=wrong)
        steps = list(self._way(row, known).steps())
        if any(one.statement.kind in _SAY_WHY and "reason" not in one.statement.private for one in steps):
            return replace(line, remarks=(Remark("import.cell.wanting.reason", self._headers.get("reason")),))
        line = replace(line, remarks=tuple(self._notes(row, known, steps)))
        if not steps:
            return replace(line, outcome=Outcome.UNCHANGED)
        names = {"case-submitted": known.opening}
        deeds = tuple(
            self._source.deed(row.line, one.statement, one.on, names.get(one.statement.kind)) for one in steps
        )
        outcome = Outcome.NEW if known.case is None else Outcome.MOVED
        return replace(line, outcome=outcome, after=f"state.case.{steps[-1].then}", deeds=deeds)

    def _amount(self, row: CaseRow) -> int | None:
        """What an approval on this line gives."""
        programme = self._office.programmes.get(row.matter.programme or "")
        return None if programme is None or row.result != APPROVED else row.amount or programme.amount

    def _way(self, row: CaseRow, known: Known) -> Way:
        state = known.state
        decides = bool(set(self._officer.roles) & set(BY_NAME["case-approved"].signers))
        if state is not None and state.step_by == self._officer.kid:
            decides = False  # four eyes: it waits for somebody else
        handle = new_handle() if known.case is None else known.case.ref.sub
        return Way(row, handle, state, self._proposal(row, known), decides, self._office.today)

    def _proposal(self, row: CaseRow, known: Known) -> Proposal | None:
        programme, amount = self._office.programmes.get(row.matter.programme or ""), self._amount(row)
        if programme is None or amount is None:
            return None
        payer = self._facts.origin_named(programme.payer)
        assert payer is not None  # else the line is misplaced
        sent_back = next((one for one in known.awards if one.state.status is AwardStatus.RETURNED), None)
        if sent_back is None:
            return Proposal(new_handle(), programme, amount, payer, {})
        return Proposal(sent_back.ref.sub, programme, amount, payer, account_of(self._facts, sent_back.ref))

    # --- what cannot be ---

    def _misplaced(self, row: CaseRow) -> Iterator[Remark]:
        if row.matter.department != self._office.node.name:
            yield Remark("import.case.elsewhere", self._headers["matter"], {"department": row.matter.department})
        programme = self._office.programmes.get(row.matter.programme or "")
        if programme is not None and row.result == APPROVED and self._facts.origin_named(programme.payer) is None:
            yield Remark("import.case.payer", None, {"department": programme.payer})

    def _known_otherwise(self, row: CaseRow, known: Known) -> Iterator[Remark]:
        """Whether earlier cases call this ID number's person otherwise.

        A slip in the number that still holds would put the new case into a stranger's hands.
        """
        citizen = None if known.case is not None else self._facts.citizen_with(row.id_number)
        names = [] if citizen is None else [case.applicant for case in self._facts.cases_of(citizen)]
        told = [name for name in names if isinstance(name, str)]
        if told and not any(cells.same_name(name, row.name) for name in told):
            yield Remark("import.case.other-name", self._headers["id_number"])

    def _contradicts(self, row: CaseRow, known: Known) -> Iterator[Remark]:
        case = known.case
        if case is None:
            return
        if case.state.matter != row.matter.code:
            yield Remark("import.case.other-matter", self._headers["reference"])
        is_other = isinstance(case.applicant, str) and not cells.same_name(case.applicant, row.name)
        if is_other or known.private["id_number"] not in {None, row.id_number}:
            yield Remark("import.case.other-person", self._headers["reference"])
        came_out = _CAME_OUT.get(case.state.status)
        if came_out is not None and row.result not in {NONE, came_out}:
            yield Remark("import.case.decided-otherwise", self._headers["result"])
        award, amount = _award_meant(row, known), self._amount(row)
        if amount is not None and case.state.status is CaseStatus.IN_STEP and not case.state.award_open:
            yield Remark("import.case.no-proposal", self._headers["result"])
        if award is not None and amount is not None and award.state.amount != amount:
            amounts = {"here": Fen(award.state.amount), "there": Fen(amount)}
            yield Remark("import.case.amount", self._headers.get("amount"), amounts)

    # --- what to know ---

    def _notes(self, row: CaseRow, known: Known, steps: Sequence[Step]) -> Iterator[Remark]:
        if any(one.on is not None and one.on != self._office.today for one in steps):
            yield Remark("import.note.late")
        then = steps[-1].then if steps else known.state.status if known.state else None
        if then is CaseStatus.IN_STEP and row.result in {APPROVED, REFUSED}:
            yield Remark(f"import.note.waits.{row.result}")
        tail = known.account_tail
        if row.account is None and any(one.statement.kind == "award-proposed" for one in steps) and tail is None:
            yield Remark("import.note.no-account")
        if row.account is not None and tail is not None and not row.account.endswith(tail):
            values = {"here": tail, "there": row.account[-TAIL_DIGITS:]}
            yield Remark("import.note.account", self._headers["account"], values)


def _award_meant(row: CaseRow, known: Known) -> AwardView | None:
    """The award that a line speaks of: of those that stand, the one of its month."""
    for award in reversed(known.awards):
        if award.state.status in _STANDING and award.state.period in {None, month_of(row)}:
            return award
    return None
