"""A small town to talk to: two real departments, and a person who types, taps and reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from bot.messages import Message, Text
from bot.outbox import Outbox
from bot.replies import Silence, TextReply
from bot.routing import Request, Router
from bot.sessions import Session, parse_session, print_session
from handlers import ROUTES
from handlers.matters import load_matters, load_programmes
from handlers.services import Services
from handlers.settings import Contact
from ledger.desk import Opened
from ledger.facts import Facts
from ledger.node import Node
from ledger.records import numbers
from ledger.records.jsonstrict import Json
from ledger.scribe import new_handle
from ledger.storage.engine import read_moment, reading
from tests.desk.world import ACCOUNT, Clock, Department, Town, make_town

HOUR, DAY = 3_600, 86_400
HERE = Path(__file__).parents[2]
MATTERS = load_matters(HERE / "matters")
PROGRAMMES = load_programmes(HERE / "programmes")
BY_NAME = {matter.name: matter for matter in MATTERS.values()}
CONTACT = Contact("柳树镇便民服务中心2号窗口", "工作日 9:00-12:00", "0571-00002101")
NOON = 1_795_406_400  # 2026-11-23 12:00 in China, a Monday
SUBSCRIBE_URL = "https://mp.weixin.qq.com/s/subscribe"
PREFIXES = ("21", "22")

_LINK = re.compile(r"<a href=\"weixin://bizmsgmenu\?msgmenucontent=([^&]*)&msgmenuid=[^\"]*\">([^<]*)</a>")


class MemoryOutbox:
    """Keeps what would be sent, each key once."""

    def __init__(self):
        self.sent: dict[str, tuple[str, str, str]] = {}
        self.languages: dict[str, str] = {}
        self.quiet: set[str] = set()
        self.kept: dict[str, tuple[str, str, str]] = {}
        self.subscribed: set[str] = set()
        self.has_subscription = True
        self.lost = False

    def put(self, key, openid, content, record):
        if self.lost:
            self.lost = False
            raise OSError("the process died")
        self.sent.setdefault(key, (openid, content, record))

    def keep(self, key, openid, content, record):
        self.kept.setdefault(key, (openid, content, record))

    def language_of(self, openid):
        return self.languages.get(openid, "")

    def is_quiet(self, openid):
        return openid in self.quiet

    def is_subscribed(self, openid):
        return openid in self.subscribed

    def texts(self, openid):
        return [content for to, content, _ in self.sent.values() if to == openid]


@dataclass
class FakeNode:
    """A department's node as handlers see it."""

    department: Department
    name: str = field(init=False)

    def __post_init__(self):
        self.name, self.origin = self.department.name, self.department.origin
        self.desk, self.now, self.keys = self.department.desk, self.department.clock, self.department.keys
        self.log, self.engine, self.round_seconds = self.department.log, self.department.engine, 60

    @contextmanager
    def reading(self) -> Iterator[Facts]:
        with self.department.facts() as facts:
            yield facts


def shown(content: str) -> str:
    """What a person sees of a text: the links' labels."""
    return _LINK.sub(r"\2", content)


def links(content: str) -> dict[str, str]:
    """What can be tapped, and what it then says."""
    return {label: says for says, label in _LINK.findall(content)}


def lines_of(answer):
    return answer.split("\n")


def now_line(answer):
    [line] = [line for line in lines_of(answer) if line.startswith("现在：")]
    return line


def trust_line(answer):
    [line] = [line for line in lines_of(answer) if "核对" in line]
    return line


@dataclass
class Person:
    """Somebody with a telephone; the session is stored between two messages as the bot stores it."""

    openid: str
    router: Router[Services]
    clock: Clock
    stored: str = "{}"
    messages: int = 0

    def sends(self, message_of, *, sealed=True, key=None, forget=False) -> str:
        """Send a message and read the answer; `forget`: the process dies before the answer is stored."""
        self.messages += 1
        delivery = key or f"{self.openid}-{self.messages}"
        session: Session = parse_session(self.stored)
        message: Message = message_of(sender=self.openid, account="gh", created=self.clock(), delivery_key=delivery)
        now = datetime.fromtimestamp(self.clock(), UTC)
        meant = self.router.find(Request(message, self.openid, delivery, now, session, sealed))
        services, before = self.router.services, self._written()
        reply = meant.handler(meant.request, services)
        assert not meant.looks or self._written() == before, f"{meant.request.text} only looks, and has written"
        if not forget:
            self.stored = print_session(session)
        if isinstance(reply, Silence):
            return ""
        assert isinstance(reply, TextReply)
        return reply.content

    def _written(self) -> object:
        outbox = cast("MemoryOutbox", self.router.services.outbox)
        with reading(self.router.services.node.engine) as conn:
            return read_moment(conn), len(outbox.sent), len(outbox.kept)

    def says(self, words: str, **how) -> str:
        return self.sends(lambda **envelope: Text(content=words, **envelope), **how)

    def reads(self, words: str, **how) -> str:
        return shown(self.says(words, **how))

    def taps(self, answer: str, label: str) -> str:
        return shown(self.says(links(answer)[label]))


@dataclass
class Stage:
    """The town, its two accounts, and what officers do in it."""

    town: Town
    outbox: MemoryOutbox
    services: Services
    finance_services: Services
    slept: list[float]
    people: int = 0

    def person(self, openid=None, *, at=None) -> Person:
        self.people += 1
        router = Router(ROUTES, at or self.services, lambda run: numbers.is_number(run, PREFIXES))
        return Person(openid or f"person-{self.people}", router, self.town.clock)

    def hand_in(self, matter="临时救助", applicant="王桂兰", account=ACCOUNT, citizen=None) -> Opened:
        told: dict[str, Json] = {"applicant": applicant, "payee": applicant, "account": account}
        civil = self.town.civil
        by = civil.staff["林芳"].handle
        return civil.desk.open_case(BY_NAME[matter].code, told, by=by, once=civil.once(), citizen=citizen)

    def bind(self, citizen, openid=None, *, settled=True) -> Person:
        person = self.person(openid)
        code = self.town.civil.desk.binding_code_for(citizen, 300)
        assert "绑定好了" in person.reads(f"绑定 {code}")
        if settled:
            self.town.clock.wait(DAY)
        return person

    def act(self, who, kind, sub, clear=None, private=None):
        department = self.town.finance if who in self.town.finance.staff else self.town.civil
        return department.act(who, kind, sub, clear, private)

    def propose(self, case, amount, *, matter="临时救助", period=None):
        sub = new_handle()
        clear = {"case": case, "programme": BY_NAME[matter].programme, "amount": amount}
        clear |= {"payer": self.town.finance.origin} | ({"period": period} if period else {})
        self.act("林芳", "award-proposed", sub, clear)
        return sub

    def approve(self, case, amount=2_000_000, *, accept=True, **how):
        if accept:
            self.act("林芳", "case-accepted", case)
        award = self.propose(case, amount, **how)
        self.act("高伟", "award-approved", award, {"amount": amount})
        self.town.round()
        return award

    def pay(self, award, amount=2_000_000):
        payment = self.town.order(award, amount)
        self.act("马骏", "payment-released", payment)
        self.town.round()
        return payment

    def result(self, payment, outcome, reason=None, *, by_bank=True):
        self.town.result(payment, outcome, reason, by_bank=by_bank)
        self.town.round()

    def number(self, topic, sub) -> str:
        with self.town.civil.facts() as facts:
            department = self.town.finance if topic == "payment" else self.town.civil
            return str(getattr(facts, topic)(department.ref(sub)).number)

    def size(self) -> int:
        return self.town.civil.size() + self.town.finance.size()


def make_stage(directory: Path, url: str | None = None) -> Stage:
    town = make_town(directory, url)
    town.clock.at = NOON
    outbox = MemoryOutbox()
    slept: list[float] = []

    def services(department: Department) -> Services:
        node, box = cast("Node", FakeNode(department)), cast("Outbox", outbox)
        return Services(node, box, CONTACT, MATTERS, PROGRAMMES, slept.append, subscribe_url=SUBSCRIBE_URL)

    town.round()
    return Stage(town, outbox, services(town.civil), services(town.finance), slept)
