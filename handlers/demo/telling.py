"""Tells the story: does each act of the table at the desk of its department, with the clock set to its moment.

The desk is the one that every later act passes: roles, four eyes, rules and codes hold in the story too. Only the one
order that is told as made round the desk leaves the rules out, and nothing else. What comes from the office's own
system or from the bank comes as a file, the way that `import` takes it in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyotp

from handlers.demo.banklist import Line, write_list
from handlers.demo.caselist import write_export
from handlers.demo.county import CITIZENS, Citizen
from handlers.demo.story import EVERYBODY, MONTH_DAY, Act
from handlers.imports.bank_plan import plan_payments
from handlers.imports.case_plan import find_cases, plan_cases
from handlers.imports.layouts import Bank, System
from handlers.imports.plan import Office, Plan, take_in
from handlers.matters import Matter, Programme
from ledger.audit.crosscheck import run_round
from ledger.authority import NEEDS_CODE
from ledger.desk import Desk, Submitted, new_handle
from ledger.node import Node
from ledger.peers.publish import publish_round
from ledger.records.funds import Ref
from ledger.records.jsonstrict import Json
from ledger.records.statement import Statement
from ledger.times import CHINA
from ledger.views import Officer

BINDING_SECONDS = 300  # the code at the counter
ROUNDS_MAX = 5
FEN = 100


class StoryWrong(Exception):
    """A row of the table names somebody or something that is not there."""


class Clock:
    """The clock on the wall of the story."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._moment = datetime.combine(today, time(), CHINA)

    def turn_to(self, day: int, at: str) -> None:
        """Make it that many days from today, at that time of day."""
        self._moment = datetime.combine(self.day(day), time.fromisoformat(at), CHINA)

    def day(self, offset: int) -> date:
        """The day that is so many days from today."""
        return self._today + timedelta(days=offset)

    @property
    def date(self) -> date:
        """The day it is."""
        return self._moment.date()

    def __call__(self) -> int:
        """Seconds since 1970, UTC."""
        return int(self._moment.timestamp())


@dataclass(frozen=True, slots=True)
class Clerk:
    """An officer who is enrolled: what is needed to act as they do."""

    name: str
    node: Node
    handle: str
    totp_secret: str


@dataclass(slots=True)
class Thread:
    """What one citizen's story has come to."""

    node: Node  # that took the case in
    case: Ref
    number: str
    query_code: str
    citizen: str  # as the node's vault calls them
    programme: Programme | None
    approved_fen: int = 0
    award: Ref | None = None  # the newest
    payments: list[tuple[Node, Ref]] = field(default_factory=list)
    bound: bool = False

    def newest_award(self) -> Ref:
        """The award that the next act is about."""
        if self.award is None:
            raise StoryWrong(f"{self.number}: nothing was proposed")
        return self.award

    def newest_payment(self) -> Ref:
        """The payment that the next act is about."""
        if not self.payments:
            raise StoryWrong(f"{self.number}: nothing was ordered")
        return self.payments[-1][1]


@dataclass(slots=True)
class Storyteller:
    """Does one act after another."""

    nodes: Sequence[Node]
    clerks: Mapping[str, Clerk]  # by name
    clock: Clock
    matters: Mapping[str, Matter]
    programmes: Mapping[str, Programme]
    folder: Path  # where the files of other systems lie
    system: System
    bank: Bank
    threads: dict[str, Thread] = field(default_factory=dict)  # by the citizen's name
    _told: int = 0

    def tell(self, acts: Sequence[Act]) -> None:
        """Do each act in its turn."""
        for act in acts:
            self.clock.turn_to(act.day, act.time)
            self._told += 1
            _ACTS[act.does](self, act)

    # --- all departments ---

    def fetch(self, act: Act) -> None:
        """Every department publishes, fetches, folds and asks for what it needs; nobody cosigns yet."""
        assert act.who == EVERYBODY  # no single department can
        for node in self.nodes:
            publish_round(node, cosign=False)
        for node in self.nodes:
            self._follow_others(node)

    def _follow_others(self, node: Node) -> None:
        for _ in range(ROUNDS_MAX):  # on a machine that is busy with others an answer may come too late
            missed = [row for row in run_round(node, cosign=False).rows if row.error is not None]
            if not missed:
                return
        raise StoryWrong(f"{node.name} could not follow {missed[0].name}: {missed[0].error}")

    # --- the department that the citizen went to ---

    def hand_in(self, act: Act) -> None:
        """An application is taken in at the counter."""
        clerk, citizen = self._clerk(act), _citizen(act.whose)
        matter = self._matter(str(act.details["matter"]))
        private: dict[str, Json] = {
            "applicant": citizen.name,
            "payee": citizen.name,
            "phone": citizen.phone,
            "account": citizen.account,
            "id_number": citizen.id_number,
            "place": matter.place,
        }
        opened = clerk.node.desk.open_case(matter.code, private, by=clerk.handle, once=self._once())
        case = Ref(clerk.node.origin, opened.submitted.sub)
        programme = None if matter.programme is None else self.programmes[matter.programme]
        self.threads[act.whose] = Thread(clerk.node, case, opened.number, opened.query_code, opened.citizen, programme)

    def import_cases(self, act: Act) -> None:
        """The office's own system has exported what it holds: a case a line."""
        clerk = self._clerk(act)
        path = self.folder / "office" / f"{self.clock.date:%Y%m%d}.csv"
        write_export(path, self.system, self.clock.day, {name: str(told) for name, told in act.details.items()})
        office = Office(clerk.node, self.matters, self.programmes)
        self._take_in(act, office, plan_cases(path.read_bytes(), self.system, office, self._officer(clerk)))
        for name in act.details:
            self._follow(name, clerk.node)

    def _follow(self, name: str, node: Node) -> None:
        """What a file has made of somebody's case."""
        with node.reading() as facts:
            reference = _citizen(name).reference
            case = find_cases(node.desk, facts, [reference]).get(reference)
            if case is None or case.citizen is None:
                raise StoryWrong(f"the file brought nothing of {name}")
            told = {each: str(facts.private(case.ref, each)) for each in ("number", "query_code")}
            awards = facts.awards_of(case.ref)
        programme = self.programmes.get(self.matters[case.state.matter].programme or "")
        thread = self.threads.setdefault(
            name, Thread(node, case.ref, told["number"], told["query_code"], case.citizen, programme)
        )
        if awards:
            thread.award, thread.approved_fen = awards[-1].ref, awards[-1].state.amount

    def accept(self, act: Act) -> None:
        """The application is complete."""
        self._say(act, "case-accepted", self._thread(act).case.sub)

    def ask_for_correction(self, act: Act) -> None:
        """A paper is missing or wrong."""
        until = self.clock.day(int(act.details["last_day"])).isoformat()
        case = self._thread(act).case.sub
        self._say(act, "case-correction-due", case, {"until": until}, {"what": str(act.details["what"])})

    def bind(self, act: Act) -> None:
        """The citizen scans the code at the counter."""
        thread, citizen = self._thread(act), _citizen(act.who)
        desk: Desk = thread.node.desk
        desk.bind(citizen.openid, desk.binding_code_for(thread.citizen, BINDING_SECONDS))
        thread.bound = True

    def propose(self, act: Act) -> None:
        """The clerk is done and proposes an amount."""
        thread = self._thread(act)
        assert thread.programme is not None  # only matters with money are proposed
        payer = next(node for node in self.nodes if node.name == thread.programme.payer)
        clear: dict[str, Json] = {
            "case": thread.case.sub,
            "programme": thread.programme.code,
            "amount": _fen(act),
            "payer": payer.origin,
        }
        if thread.programme.monthly:
            clear["period"] = month_of(self.clock.day(MONTH_DAY), int(act.details["month"]))
        done = self._say(act, "award-proposed", new_handle(), clear)
        thread.award, thread.approved_fen = Ref(thread.node.origin, done.sub), _fen(act)

    def approve(self, act: Act) -> None:
        """Another person approves what was proposed."""
        thread = self._thread(act)
        self._say(act, "award-approved", thread.newest_award().sub, {"amount": thread.approved_fen})

    def give_account_again(self, act: Act) -> None:
        """The citizen brings another card to the counter."""
        private: dict[str, Json] = {"payee": act.whose, "account": str(act.details["account"])}
        self._say(act, "account-given", self._thread(act).newest_award().sub, private=private)

    # --- the department that pays ---

    def order(self, act: Act) -> None:
        """The payment is ordered, as approved."""
        self._order(act, self._thread(act).approved_fen, stop=True)

    def order_round_the_desk(self, act: Act) -> None:
        """Another amount is ordered, past the rules that would stop it."""
        self._order(act, _fen(act), stop=False)

    def release(self, act: Act) -> None:
        """Another person lets the order go to the bank."""
        self._say(act, "payment-released", self._thread(act).newest_payment().sub)

    def release_round_the_desk(self, act: Act) -> None:
        """The same for an order that the rules would not let go."""
        self._say(act, "payment-released", self._thread(act).newest_payment().sub, stop=False)

    def report_paid(self, act: Act) -> None:
        """An officer types that the bank has paid; the bank itself has not said so."""
        self._say(act, "payment-reported", self._thread(act).newest_payment().sub, {"outcome": "accepted"})

    def enter_bank_list(self, act: Act) -> None:
        """The bank's own list has come back: each line becomes a record that names the file and the line."""
        clerk = self._clerk(act)
        path = self.folder / "bank" / f"{self.clock.date:%Y%m%d}.csv"
        lines = [self._line(name, str(outcome)) for name, outcome in act.details.items()]
        write_list(path, self.bank, self.clock.date, lines)
        office = Office(clerk.node, self.matters, self.programmes)
        self._take_in(act, office, plan_payments(path.read_bytes(), self.bank, office, self._officer(clerk)))

    # --- inside ---

    def _take_in(self, act: Act, office: Office, plan: Plan) -> None:
        clerk = self._clerk(act)
        if not plan.is_good or not plan.deeds:
            raise StoryWrong(f"the file of {self.clock.date} cannot be taken in: {plan}")
        take_in(plan, office, self._officer(clerk), self._code(clerk))

    def _officer(self, clerk: Clerk) -> Officer:
        with clerk.node.reading() as facts:
            return next(one for one, _in_force in facts.officers() if one.handle == clerk.handle)

    def _code(self, clerk: Clerk) -> str:
        return pyotp.TOTP(clerk.totp_secret).at(self.clock())

    def _order(self, act: Act, fen: int, *, stop: bool) -> None:
        thread = self._thread(act)
        clear: dict[str, Json] = {"award": thread.newest_award().claim(), "amount": fen}
        done = self._say(act, "payment-created", new_handle(), clear, stop=stop)
        payer = self._clerk(act).node
        thread.payments.append((payer, Ref(payer.origin, done.sub)))

    def _say(
        self,
        act: Act,
        kind: str,
        sub: str,
        clear: Mapping[str, Json] | None = None,
        private: Mapping[str, Json] | None = None,
        *,
        stop: bool = True,
    ) -> Submitted:
        clerk = self._clerk(act)
        code = self._code(clerk) if kind in NEEDS_CODE else None
        statement = Statement(kind, sub, clear or {}, private or {})
        return clerk.node.desk.submit(statement, by=clerk.handle, once=self._once(sub), code=code, stop=stop)

    def _once(self, sub: str = "") -> str:
        return f"story:{self._told}:{sub}"

    def _clerk(self, act: Act) -> Clerk:
        if act.who not in self.clerks:
            raise StoryWrong(f"{act.who} is no officer")
        return self.clerks[act.who]

    def _thread(self, act: Act) -> Thread:
        if act.whose not in self.threads:
            raise StoryWrong(f"{act.whose} has handed in nothing yet")
        return self.threads[act.whose]

    def _matter(self, name: str) -> Matter:
        found = next((matter for matter in self.matters.values() if matter.name == name), None)
        if found is None:
            raise StoryWrong(f"matters/ has no {name}")
        return found

    def _line(self, name: str, said: str) -> Line:
        outcome, _, reason = said.partition(" ")
        thread = self.threads[name]
        node, payment = thread.payments[-1]
        with node.reading() as facts:
            told = {each: str(facts.private(payment, each)) for each in ("number", "payee", "account")}
        return Line(told["number"], told["payee"], told["account"], thread.approved_fen, outcome, reason)


_ACTS: Mapping[str, Callable[[Storyteller, Act], None]] = {
    one.__name__: one
    for one in (
        Storyteller.fetch,
        Storyteller.hand_in,
        Storyteller.import_cases,
        Storyteller.accept,
        Storyteller.ask_for_correction,
        Storyteller.bind,
        Storyteller.propose,
        Storyteller.approve,
        Storyteller.give_account_again,
        Storyteller.order,
        Storyteller.order_round_the_desk,
        Storyteller.release,
        Storyteller.release_round_the_desk,
        Storyteller.report_paid,
        Storyteller.enter_bank_list,
    )
}


def month_of(day: date, offset: int) -> str:
    """The month that is so many months from the month of a day, as YYYY-MM."""
    months = day.year * 12 + day.month - 1 + offset
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def _citizen(name: str) -> Citizen:
    found = next((citizen for citizen in CITIZENS if citizen.name == name), None)
    if found is None:
        raise StoryWrong(f"nobody in the county is called {name}")
    return found


def _fen(act: Act) -> int:
    return int(act.details["yuan"]) * FEN
