"""What one department says of who belongs to the network: how it began, and each change that it has agreed to.

Epoch 1 is a list of departments that each of them has logged. Every later one names the one before and changes one
member. A log says all of this about one object, so that nobody can agree twice to what excludes each other.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import IllegalStep
from ledger.records import base64url
from ledger.records.jsonstrict import Json, format_json
from ledger.records.statement import Record

FOUNDED, AGREED = "epoch-founded", "epoch-agreed"  # the two kinds
JOINED, LEFT = "joined", "left"
FOUNDINGS_MAX = 8  # a department that mistyped one founds again; everybody keeps and reads all of them
BALLOTS_MAX = 16  # words on one epoch: who has not come to an end by then will not
# Of all epochs, as the chain is computed from the first on. An honest member has one word or two for each of them.
VOTES_MAX = 1024
HANDLE = base64url.encode(sha256(b"onetrip-epochs/v1\n").digest()[:16])  # the same in every log

_DOMAIN = b"onetrip-epoch/v1\n"


class Member(NamedTuple):
    """A department by its log, and by the first record of it: whatever keys it has now, they follow from there."""

    origin: str
    genesis: str  # leaf hash, base64url


class EpochName(NamedTuple):
    """Which members of the network were counted when somebody took a head for believed: says which policy to use."""

    number: int
    name: str  # base64url


class Change(NamedTuple):
    """An epoch after the first: what changes, and after which one."""

    number: int
    before: str  # name of the epoch before
    change: str  # JOINED or LEFT
    department: str
    member: Member

    @property
    def name(self) -> str:
        """The name of the epoch that it makes."""
        return _hash_of(self.claims)

    @property
    def claims(self) -> dict[str, Json]:
        """It as a record shows it, without its ballot."""
        names = {"department": self.department, "member": self.member.origin, "genesis": self.member.genesis}
        return {"epoch": self.number, "before": self.before, "change": self.change, **names}


class Vote(NamedTuple):
    """A change that a department has agreed to, in one ballot: in one ballot it agrees once."""

    ballot: int
    change: Change

    @property
    def place(self) -> tuple[int, int]:
        """What grows from one to the next in a log."""
        return self.change.number, self.ballot


Founding = tuple[Member, ...]  # sorted by origin


class EpochsState(NamedTuple):
    """All that a department has said of it, in the order of its log."""

    foundings: tuple[Founding, ...] = ()
    votes: tuple[Vote, ...] = ()


def founding_name(members: Founding) -> str:
    """The name of the first epoch."""
    return _hash_of({"epoch": 1, "members": founding_claim(members)})


def founding_claim(members: Founding) -> list[Json]:
    """The members as a record shows them."""
    return [{"log": one.origin, "genesis": one.genesis} for one in members]


def sorted_members(members: Iterable[Member]) -> Founding:
    """Members in the one order in which they are named."""
    return tuple(sorted(members))


def apply_epochs(state: EpochsState | None, record: Record) -> EpochsState:
    """What the department has said after one more record; raises IllegalStep."""
    before = state or EpochsState()
    if record.sub != HANDLE:
        raise IllegalStep(record.kind, "none", "another-object")
    return _found(before, record) if record.kind == FOUNDED else _agree(before, record)


def _found(before: EpochsState, record: Record) -> EpochsState:
    members = tuple(Member(one["log"], one["genesis"]) for one in record.clear["members"])
    if record.iss not in {one.origin for one in members}:
        raise IllegalStep(record.kind, "none", "not-in-network")
    if before.votes:
        raise IllegalStep(record.kind, "agreed", "network-exists")
    if members in before.foundings:
        raise IllegalStep(record.kind, "founded", "agreed-already")
    if len(before.foundings) >= FOUNDINGS_MAX:
        raise IllegalStep(record.kind, "founded", "too-many-foundings")
    return before._replace(foundings=(*before.foundings, members))


def _agree(before: EpochsState, record: Record) -> EpochsState:
    clear = record.clear
    member = Member(clear["member"], clear["genesis"])
    change = Change(clear["epoch"], clear["before"], clear["change"], clear["department"], member)
    vote = Vote(clear["ballot"], change)
    if before.votes and vote.place <= before.votes[-1].place:
        raise IllegalStep(record.kind, "agreed", "two-successors")
    if sum(one.change.number == change.number for one in before.votes[-BALLOTS_MAX:]) >= BALLOTS_MAX:
        raise IllegalStep(record.kind, "agreed", "too-many-ballots")
    if len(before.votes) >= VOTES_MAX:
        raise IllegalStep(record.kind, "agreed", "too-many-votes")
    return before._replace(votes=(*before.votes, vote))


def _hash_of(said: dict[str, Json]) -> str:
    return base64url.encode(sha256(_DOMAIN + format_json(said)).digest())
