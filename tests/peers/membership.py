"""Four departments with an administrator each who writes in the chat, and two more that nobody knows."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from bot.outbox import Outbox
from bot.routing import Router
from handlers import ROUTES
from handlers.console.doctor_network import examine_network
from handlers.doctor_lines import Line
from handlers.services import Services
from handlers.settings import Contact
from ledger.epochs import read_view
from ledger.keys import NodeKeys
from ledger.merkle.policy import Policy
from ledger.node import Node
from ledger.peers.home import read_peer
from ledger.peers.introduced import follow_wanted, note_invited
from ledger.peers.members import member_of
from ledger.quorum import network_policy
from ledger.records import numbers
from ledger.records.epochs import Change, Member
from ledger.storage.engine import reading
from tests.desk.world import Clock, Department, Town
from tests.fakes.network import Wire
from tests.handlers_staff.office import MATTERS, PROGRAMMES, Account, Mailbox
from tests.peers.rig import County, make_county, node_of
from tests.peers.test_peers_invitations import join
from tests.receipts.rig import copied

FIRST = ("民政局", "财政局", "公安局", "审计局")
NEW, OTHER = "体育局", "教育局"
ADMIN = "管理员"


def founded_county(directory: Path) -> County:
    """The first four are a network; two more are there."""
    county = make_county(directory, acquainted=False, onlookers=(FIRST[3], NEW, OTHER))
    county.introduce(*FIRST)
    county.found(*FIRST)
    return county


def copy_of(founded: County, directory: Path) -> "Network":
    """The same once more, for one test."""
    clock, wire = Clock(founded.clock.at), Wire()
    departments = {name: copied(department_of(node), directory, clock) for name, node in founded.nodes.items()}
    nodes = {name: node_of(one, directory, wire) for name, one in departments.items()}
    county = County(directory, clock, wire, Town(clock, departments["民政局"], departments["财政局"]), nodes)
    for node in nodes.values():
        county.serve(node)
    return Network(county)


@dataclass
class Network:
    """The county, and what is said and seen in it."""

    county: County
    chats: dict[str, Account] = field(default_factory=dict)

    def node(self, name: str) -> Node:
        return self.county.nodes[name]

    def chat(self, name: str) -> Account:
        if name not in self.chats:
            node = self.node(name)
            department = replace(department_of(node), clock=self.county.clock)
            officer = department.enrol(ADMIN, "admin")
            node.desk.bind(ADMIN, officer.binding_code)
            outbox = cast("Outbox", Mailbox())
            services = Services(node, outbox, Contact("1号窗口", "9:00-17:00", "12345"), MATTERS, PROGRAMMES)
            self.chats[name] = Account(department, services, Router(ROUTES, services, numbers.holds))
            self.chats[name].sign_in(ADMIN)
        return self.chats[name]

    def say(self, name: str, words: str) -> str:
        account = self.chat(name)
        told = account.say(ADMIN, words)
        if "请先登录" in told:
            account.sign_in(ADMIN)
            told = account.say(ADMIN, words)
        return told

    def agree(self, words: str, *names: str) -> None:
        for name in names:
            assert "已签名" in self.chat(name).sign(ADMIN, words)

    def round(self, *names: str) -> None:
        """Everybody publishes and checks, and then follows whom it should, as the scheduler's jobs do."""
        self.county.round(*(names or (*FIRST, NEW)))
        for name in names or (*FIRST, NEW):
            follow_wanted(self.node(name))

    def join(self, host: str, guest: str = NEW) -> None:
        """As the two commands do it."""
        join(self.node(host), self.node(guest))
        if self.count(host)[0]:
            note_invited(self.node(guest), self.node(host).origin)

    def policy(self, name: str, **options) -> Policy:
        with reading(self.node(name).engine) as conn:
            return network_policy(conn, **options)

    def count(self, name: str) -> tuple[int, int]:
        """Epoch and number of members, as a department sees them."""
        with reading(self.node(name).engine) as conn:
            epoch = read_view(conn).epoch
        return (0, 0) if epoch is None else (epoch.number, len(epoch.members))

    def member(self, name: str, at: str = "民政局") -> Member:
        with reading(self.node(at).engine) as conn:
            peer = read_peer(conn, self.node(name).origin)
        assert peer is not None
        found = member_of(peer)
        assert found is not None
        return found

    def change(self, change: str, name: str, at: str = "民政局") -> Change:
        with reading(self.node(at).engine) as conn:
            newest = read_view(conn).epoch
        assert newest is not None
        return Change(newest.number + 1, newest.name, change, name, self.member(name, at))

    def doctor(self, name: str) -> dict[str, Line]:
        return {line.what: line for line in examine_network(self.node(name))}


def department_of(node: Node) -> Department:
    """A node's department, with a clock that stands still."""
    assert isinstance(node.keys, NodeKeys)
    return Department(
        node.name, node.origin, node.number_prefix, node.engine, node.keys, Clock(node.now()), node.log, node.desk
    )
