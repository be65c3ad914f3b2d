"""Two departments with real desks and databases, their officers' telephones, and the table of the conversation."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

from bot.messages import Text
from bot.outbox import Undelivered
from bot.routing import Request, Router
from bot.sessions import Session, parse_session, print_session
from handlers import ROUTES
from handlers.matters import load_matters, load_programmes
from handlers.services import Services
from handlers.settings import Contact
from handlers.staff.door import busy
from ledger.facts import Facts
from ledger.records import numbers
from ledger.records.funds import Ref
from tests.desk.world import Department, Town

ROOT = Path(__file__).parents[2]
MATTERS, PROGRAMMES = load_matters(ROOT / "matters"), load_programmes(ROOT / "programmes")
AID, OLD_AGE, RESIDENCE, ALLOWANCE = "05LSJZ0001", "05GLJT0001", "07JZZ00001", "05ZDSH0001"
_deliveries = count()
T = TypeVar("T")


@dataclass
class Mailbox:
    """An outbox in which nothing waits."""

    def undelivered(self, limit: int = 100, offset: int = 0) -> list[Undelivered]:
        return []

    def count_undelivered(self) -> int:
        return 0


@dataclass
class Account:
    """One department's chat account: each person has a session there, stored as the bot stores it."""

    department: Department
    services: Services
    router: Router[Services]
    sessions: dict[str, str] = field(default_factory=dict)

    def say(self, who: str, text: str, *, sealed: bool = True, key: str | None = None) -> str:
        request = self._request(who, text, sealed=sealed, key=key)
        reply = self.router.answer(request)
        self.sessions[who] = print_session(request.session)
        return getattr(reply, "content", "")

    def say_and_crash(self, who: str, text: str, key: str) -> str:
        """The handler ran, and the worker died before its answer and session were stored."""
        return getattr(self.router.answer(self._request(who, text, sealed=True, key=key)), "content", "")

    def excuse(self, who: str, text: str) -> str:
        """What the bot says when the database let nothing be done, before any handler."""
        return getattr(busy(self._request(who, text, sealed=True, key=None), self.services), "content", "")

    def _request(self, who: str, text: str, *, sealed: bool, key: str | None) -> Request:
        at = self.department.clock()
        key = key or f"delivery-{next(_deliveries)}"
        message = Text(sender=who, account="gh_0", created=at, delivery_key=key, content=text)
        now = datetime.fromtimestamp(at, UTC)
        return Request(message, who, key, now, parse_session(self.sessions.get(who, "{}")), sealed)

    def session(self, who: str) -> Session:
        return parse_session(self.sessions.get(who, "{}"))

    def code(self, who: str) -> str:
        """A fresh code: the clock goes on until there is one."""
        self.department.clock.wait(30)
        return self.department.code(who)

    def sign_in(self, who: str) -> str:
        return self.say(who, f"#登录 {self.code(who)}")

    def sign(self, who: str, command: str) -> str:
        """Give a command and confirm it, by code or by 确认, as its read-back asks."""
        if "请先登录" in self.say(who, "#待办"):
            self.sign_in(who)
        told = self.say(who, command)
        if "请先登录" in told:
            self.sign_in(who)
            told = self.say(who, command)
        assert "请核对（草稿" in told, told
        if "动态码确认" in told:
            return self.say(who, self.code(who))
        number = told.split("草稿")[1].split("）")[0]
        return self.say(who, f"确认 {number}")


@dataclass
class Office:
    """民政局 approves and 财政局 pays."""

    town: Town
    civil: Account
    finance: Account

    def hand_in(self, matter: str = OLD_AGE, name: str = "何秀英") -> str:
        """Somebody hands in an application; returns its number."""
        private = {"applicant": name, "payee": name, "account": "6217000010001230836"}
        officer = self.town.civil.staff["林芳"].handle
        return self.town.civil.desk.open_case(matter, private, by=officer, once=self.town.civil.once()).number

    def approved(self, matter: str = OLD_AGE, amount: str = "") -> str:
        """The same, accepted, completed and approved; returns the award's number."""
        number = self.hand_in(matter)
        self.civil.sign("林芳", f"#受理 {number}")
        self.civil.sign("林芳", f"#完成 {number} {amount}")
        self.civil.sign("高伟", f"#批准 {number}")
        return self.award(number)

    def award(self, case: str) -> str:
        with self.town.civil.facts() as facts:
            return known(facts.awards_of(at(facts, case))[-1].number)

    def ordered(self, amount: str = "") -> str:
        """An approved award, ordered; returns the payment's number."""
        award = self.approved(AID if amount else OLD_AGE, amount)
        self.town.round()
        self.finance.sign("吴倩", f"#支付 {award}")
        return self.payment(award)

    def sent(self) -> str:
        payment = self.ordered()
        self.finance.sign("马骏", f"#复核支付 {payment}")
        return payment

    def payment(self, award: str) -> str:
        with self.town.finance.facts() as facts:
            return known(facts.payments_of(at(facts, award))[-1].number)

    def case(self, number: str):
        with self.town.civil.facts() as facts:
            return known(facts.case(at(facts, number)))


def known(value: T | None) -> T:
    assert value is not None
    return value


def at(facts: Facts, number: str) -> Ref:
    return known(facts.find(number)).ref


def make_account(department: Department) -> Account:
    node = SimpleNamespace(
        name=department.name,
        origin=department.origin,
        number_prefix=department.prefix,
        public_url=f"http://{department.prefix}.example",
        engine=department.engine,
        keys=department.keys,
        desk=department.desk,
        now=department.clock,
        round_seconds=60,
        reading=department.facts,
    )
    services = Services(node, Mailbox(), Contact("1号窗口", "9:00-17:00", "12345"), MATTERS, PROGRAMMES)  # type: ignore[arg-type]  # stand-ins with the same doors
    for name, officer in department.staff.items():
        department.desk.bind(name, officer.binding_code)
    return Account(department, services, Router(ROUTES, services, numbers.holds))


def make_office(town: Town) -> Office:
    return Office(town, make_account(town.civil), make_account(town.finance))
