"""A county whose departments cosign each other, with the pages and the chat of each, and one person's money in it."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient

from bot.outbox import Outbox
from bot.routing import Router
from handlers import ROUTES
from handlers.pages import create_blueprint as create_pages
from handlers.services import Services
from ledger.desk import Desk
from ledger.keys import HighWater, NodeKeys
from ledger.log import OwnLog
from ledger.node import Node
from ledger.quorum import network_policy
from ledger.records import numbers
from ledger.records.funds import Ref
from ledger.records.statement import Record
from ledger.routes import create_blueprint as create_doors
from ledger.scribe import new_handle
from ledger.storage.engine import open_engine, reading
from tests.desk.world import ACCOUNT, Clock, Department, Town
from tests.fakes.network import Wire
from tests.handlers_citizen.chats import BY_NAME, CONTACT, MATTERS, NOON, PROGRAMMES, MemoryOutbox, Person
from tests.handlers_staff.office import known
from tests.peers.rig import County, make_county, node_of

PREFIXES = ("21", "22", "23")
AMOUNT = 2_000_000
OPENID = "wangguilan"


@dataclass
class Story:
    """What happened, by handle."""

    case: str
    award: str
    payment: str
    citizen: str
    query_code: str


@dataclass
class Bureau:
    """The county, seen from outside."""

    county: County
    story: Story

    @property
    def civil(self) -> Node:
        return self.county.civil

    @property
    def finance(self) -> Node:
        return self.county.finance

    @property
    def police(self) -> Node:
        return self.county.police

    def services(self, node: Node) -> Services:
        return Services(node, cast("Outbox", MemoryOutbox()), CONTACT, MATTERS, PROGRAMMES, lambda _seconds: None)

    def app(self, node: Node) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.register_blueprint(create_doors(node))
        app.register_blueprint(create_pages(self.services(node)))
        return app

    def web(self, node: Node) -> FlaskClient:
        return self.app(node).test_client()

    def person(self, node: Node, openid: str = "somebody") -> Person:
        router = Router(ROUTES, self.services(node), lambda run: numbers.is_number(run, PREFIXES))
        return Person(openid, router, self.county.clock)

    def bound(self) -> Person:
        """王桂兰 at 民政局, bound for more than a day."""
        return self.person(self.civil, OPENID)

    def record(self, node: Node, kind: str, place: int = -1) -> Record:
        """The newest record of a kind in a department's log, or another one of them."""
        found = [record for record in self.department(node).records() if record.kind == kind]
        return found[place]

    def department(self, node: Node) -> Department:
        town = self.county.town
        return town.civil if node is self.civil else town.finance if node is self.finance else _looking_on(node, town)

    def number(self, topic: str) -> str:
        handle = getattr(self.story, topic)
        log = self.finance.origin if topic == "payment" else self.civil.origin
        with self.civil.reading() as facts:
            return str(getattr(facts, topic)(Ref(log, handle)).number)

    def policy(self, node: Node, **options: Any):
        with reading(node.engine) as conn:
            return network_policy(conn, node.public_url, **options)


def _looking_on(node: Node, town: Town) -> Department:
    """公安局, which has no officers here."""
    assert isinstance(node.keys, NodeKeys)
    return Department(
        node.name, node.origin, node.number_prefix, node.engine, node.keys, town.clock, node.log, node.desk
    )


def hand_in(county: County, matter: str = "临时救助"):
    civil = county.town.civil
    told = {"applicant": "王桂兰", "payee": "王桂兰", "account": ACCOUNT}
    return civil.desk.open_case(BY_NAME[matter].code, told, by=civil.staff["林芳"].handle, once=civil.once())


def approve(county: County, case: str, amount: int = AMOUNT) -> str:
    civil, award = county.town.civil, new_handle()
    civil.act("林芳", "case-accepted", case)
    clear = {"case": case, "programme": BY_NAME["临时救助"].programme, "amount": amount}
    civil.act("林芳", "award-proposed", award, clear | {"payer": county.town.finance.origin})
    civil.act("高伟", "award-approved", award, {"amount": amount})
    return award


def order_less(bureau: Bureau) -> str:
    """财政局 orders 300 of an approved 3,000 yuan, round its desk, and everybody has found it; the payment's handle."""
    county = bureau.county
    award = approve(county, hand_in(county).submitted.sub, 300_000)
    county.round()
    county.round()
    desk = bureau.finance.desk
    around = type(desk)(bureau.finance.log, bureau.finance.keys, county.clock, stop_rules=frozenset())
    payment = county.town.order(award, 30_000, desk=around)
    for _ in range(3):
        county.round()
    return payment


def make_bureau(directory: Path, **options: Any) -> Bureau:
    """民政局 approved 20,000.00, 财政局 paid it, the bank credited it; everybody has cosigned everything."""
    county = make_county(directory, **options)
    county.clock.at = NOON - 3 * 86_400
    opened = hand_in(county)
    case = opened.submitted.sub
    with county.facts("民政局") as facts:
        citizen = str(known(facts.case(county.town.civil.ref(case))).citizen)
    code = county.civil.desk.binding_code_for(citizen, 300)
    county.civil.desk.bind(OPENID, code)
    county.clock.wait(2 * 86_400)
    award = approve(county, case)
    county.round()
    county.round()
    payment = county.town.order(award, AMOUNT)
    county.town.finance.act("马骏", "payment-released", payment)
    county.town.result(payment, "credited", by_bank=True)
    for _ in range(3):
        county.round()
    return Bureau(county, Story(case, award, payment, citizen, opened.query_code))


def twin(bureau: Bureau, directory: Path) -> Bureau:
    """The same county again, with the same keys and the same past, for a test that changes something."""
    old, wire = bureau.county, Wire()
    clock = Clock(old.clock.at)
    departments = {name: copied(bureau.department(node), directory, clock) for name, node in old.nodes.items()}
    town = Town(clock, departments["民政局"], departments["财政局"])
    nodes = {name: node_of(one, directory, wire) for name, one in departments.items()}
    county = County(directory, clock, wire, town, nodes)
    for node in nodes.values():
        county.serve(node)
    return Bureau(county, bureau.story)


def copied(department: Department, directory: Path, clock: Clock) -> Department:
    """The same department with the same past, on files of its own."""
    with department.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert department.engine.url.database is not None
    source = Path(department.engine.url.database)
    shutil.copy(source, directory / source.name)
    key_file = directory / f"{department.prefix}.keys"
    high_water = HighWater.beside(key_file)
    shutil.copy(HighWater.beside(source.parent / key_file.name).path, high_water.path)
    engine = open_engine(f"sqlite:///{directory / source.name}")
    log = OwnLog(engine, department.origin, department.keys.log, high_water, clock)
    desk = Desk(log, department.keys, clock)
    # The deeds go on being counted: a deed of the same name would be taken for the same one.
    return replace(department, engine=engine, clock=clock, log=log, desk=desk, staff=dict(department.staff))


def put_by(name: str, content: bytes) -> None:
    """Leave a picture for whoever wants to look, where ONETRIP_SHOTS says."""
    folder = os.environ.get("ONETRIP_SHOTS")
    if folder:
        Path(folder, name).write_bytes(content)
