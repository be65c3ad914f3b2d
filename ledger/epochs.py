"""Reads from all logs that we hold who belongs to the network, and says what our own department may agree to next.

Nothing of it is stored beside the logs: whoever holds them comes to the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, and_, select

from ledger.errors import Refused
from ledger.merkle.errors import MalformedPolicy
from ledger.records import base64url, codec
from ledger.records.epochs import (
    AGREED,
    FOUNDED,
    HANDLE,
    JOINED,
    Change,
    EpochsState,
    Member,
    Vote,
    founding_claim,
    sorted_members,
)
from ledger.records.statement import Statement
from ledger.rules.epochs import NOT_IN_NETWORK, Begun, Chain, Epoch, Open, Said, chain_for, chains_of
from ledger.storage.prepared import Prepared
from ledger.storage.schema import entries, logs, objects

EPOCH_CHANGED, NETWORK_EXISTS = "epoch-changed", "network-exists"

_FIRST = and_(entries.c.log_id == logs.c.id, entries.c.idx == 0)
_SAYS = and_(objects.c.log_id == logs.c.id, objects.c.handle == HANDLE, objects.c.topic == "epochs")
_SAID = Prepared(
    select(logs.c.origin, logs.c.own, entries.c.leaf, objects.c.folded)
    .select_from(logs.join(entries, _FIRST).outerjoin(objects, _SAYS))
    .order_by(logs.c.origin)
)
_SAID_NOTHING = EpochsState()

_Row = tuple[str, bool, bytes, str | None]  # origin, own, leaf of its first record, what it says


@dataclass(frozen=True, slots=True)
class View:
    """The network as this node sees it."""

    own: Member
    chain: Chain | None  # None: it belongs to no network that has begun
    begun: tuple[Begun, ...]  # networks with us in them that have not begun, for want of some member's word
    about_us: tuple[Open, ...]  # in a network that we do not belong to: whether we join
    said: tuple[Said, ...] = ()  # by each log that we hold
    chains: tuple[Chain, ...] = ()  # every network that these know of

    @property
    def epoch(self) -> Epoch | None:
        """The one that counts."""
        return None if self.chain is None else self.chain.newest

    @property
    def confirmed(self) -> frozenset[Member]:
        """Whom our own administrator has ever agreed to."""
        votes = (vote for one in self.said if one.member == self.own for vote in one.votes)
        return frozenset(vote.change.member for vote in votes if vote.change.change == JOINED)

    @property
    def agreed(self) -> frozenset[Member]:
        """Of these, who is no member yet, and may still become one after the newest epoch."""
        cast = () if self.chain is None else self.chain.cast
        return frozenset(one.change.member for one in cast if one.by == self.own and one.change.change == JOINED)

    def open(self) -> tuple[Open, ...]:
        """What waits for members' words."""
        return () if self.chain is None else self.chain.open()

    def numbered(self, number: int) -> Epoch | None:
        """The epoch of that number."""
        epochs = () if self.chain is None else self.chain.epochs
        return next((one for one in epochs if one.number == number), None)


def read_view(conn: Connection) -> View:
    """Who belongs to the network, by all logs that we hold; raises MalformedPolicy when our own has not begun."""
    return _view(tuple((row[0], row[1], bytes(row[2]), row[3]) for row in _SAID.rows(conn)))


@lru_cache(maxsize=16)  # it is asked with each head, and changes a few times a year
def _view(rows: tuple[_Row, ...]) -> View:
    said = {own: _said(origin, leaf, folded) for origin, own, leaf, folded in rows if own}
    if not said:
        raise MalformedPolicy("our own log does not begin with its department")
    everybody = [_said(origin, leaf, folded) for origin, _own, leaf, folded in rows]
    return view_of(said[True], everybody)


def view_of(own: Said, everybody: Sequence[Said]) -> View:
    """The network as the department of one log sees it; `everybody`: what each log says that it holds, its own too."""
    chains, begun = chains_of(everybody)
    chain = chain_for(chains, own)
    about_us = () if chain else tuple(o for one in chains for o in one.open() if o.change.member == own.member)
    begun_with_us = tuple(one for one in begun if own.member in one.members)
    return View(own.member, chain, begun_with_us, about_us, tuple(everybody), tuple(chains))


def _said(origin: str, leaf: bytes, folded: str | None) -> Said:
    state = _SAID_NOTHING if folded is None else codec.load("epochs", folded).state
    assert isinstance(state, EpochsState)  # the query asks for no other topic
    return Said(Member(origin, base64url.encode(leaf)), state.foundings, state.votes)


# --- what our own department says ---


def founding(members: Sequence[Member]) -> Statement:
    """That these departments are the network, from the moment when each of them has said so."""
    return Statement(FOUNDED, HANDLE, {"members": founding_claim(sorted_members(members))})


def agreement(view: View, change: str, department: str, member: Member) -> Statement:
    """That we agree to a change of the newest epoch; raises Refused when we may not."""
    if view.chain is None:
        raise Refused(NOT_IN_NETWORK)
    newest = view.chain.newest
    wanted = Change(newest.number + 1, newest.name, change, department, member)
    reason = view.chain.refusal(view.own, wanted)
    if reason is not None:
        raise Refused(reason)
    return statement_of(Vote(view.chain.ballot(view.own, wanted), wanted))


def statement_of(vote: Vote) -> Statement:
    """A vote as it is said."""
    return Statement(AGREED, HANDLE, {**vote.change.claims, "ballot": vote.ballot})


def check(conn: Connection, said: Statement) -> None:
    """Check that our department may say so as the logs stand now; raises Refused."""
    view, clear = read_view(conn), said.clear
    if said.kind == FOUNDED:
        if view.chain is not None:
            raise Refused(NETWORK_EXISTS)
        return
    member = Member(str(clear["member"]), str(clear["genesis"]))
    if said != agreement(view, str(clear["change"]), str(clear["department"]), member):
        raise Refused(EPOCH_CHANGED)
