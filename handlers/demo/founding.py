"""Makes the county's nodes, lets them know each other, and enrols their officers, before the story begins."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.inbox import Inbox
from bot.storage import open_engine as open_bot_engine
from handlers.demo.county import CITIZENS, OFFICERS, Officer
from handlers.demo.sites import Site, write_settings
from handlers.demo.telling import Clerk
from ledger.desk import Desk
from ledger.node import Clock, Node, init_node
from ledger.peers.joining import add_peer
from ledger.peers.members import found_network
from ledger.peers.publish import publish_round


def found_node(site: Site, sandbox_url: str, clock: Clock, now: Clock) -> Node:
    """Make one department's node and open it; its desk goes by the story's clock, and tells nobody.

    Everything else goes by the real one: signatures between nodes count for five minutes only.
    """
    write_settings(site, sandbox_url)
    keys = init_node(site.settings, number_prefix=site.department.prefix, passphrase=site.passphrase, now=clock)
    node = Node.open(site.settings, keys, now)
    told = replace(node, desk=Desk(node.log, keys, clock, story=True))
    publish_round(told, cosign=False)
    return told


def introduce(nodes: Sequence[Node]) -> None:
    """Every department adds every other, with the words that its administrator read out; together they are epoch 1.

    As `peers add` and `peers found` do.
    """
    for node in nodes:
        for other in nodes:
            if other.origin != node.origin:
                add_peer(node, other.public_url, other.keys.fingerprint)
    for node in nodes:
        found_network(node)


def enrol_officers(nodes: Iterable[Node]) -> dict[str, Clerk]:
    """Every officer is enrolled and binds their chat account."""
    by_name = {node.name: node for node in nodes}
    return {officer.name: _enrol(by_name[officer.node], officer) for officer in OFFICERS}


def note_followers(sites: Iterable[Site], now: Clock) -> None:
    """Everybody follows the account of their own office, and has just written to it: their news may come as a chat."""
    people = (*CITIZENS, *OFFICERS)
    for site in sites:
        engine = open_bot_engine(site.settings.database_url)
        inbox = Inbox(engine, now)
        for openid in dict.fromkeys(person.openid for person in people if person.node == site.name):
            inbox.note_follower(openid)
        engine.dispose()


def _enrol(node: Node, officer: Officer) -> Clerk:
    enrolled = node.desk.enrol(officer.name, officer.roles, officer.id_number)
    node.desk.bind(officer.openid, enrolled.binding_code)
    return Clerk(officer.name, node, enrolled.handle, enrolled.totp_secret)
