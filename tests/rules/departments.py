"""What departments say of who belongs to the network, each in its own log, without a log."""

from dataclasses import dataclass, field, replace

from ledger.merkle.hashing import Hash
from ledger.records.epochs import (
    HANDLE,
    Change,
    Member,
    Vote,
    sorted_members,
)
from ledger.records.statement import Record
from ledger.rules.epochs import (
    Chain,
    Said,
    chains_of,
)


def member(place: int) -> Member:
    return Member(f"{place:02}.example/log", f"genesis-{place:02}")


def founding(count: int):
    return sorted_members(member(place) for place in range(count))


NEW, OTHER, PUPPET = member(50), member(51), member(66)


@dataclass
class Departments:
    """What each department has said, as its log has it; who sees whom is the test's to say."""

    count: int
    said: dict[Member, Said] = field(default_factory=dict)

    def __post_init__(self) -> None:
        members = founding(self.count)
        self.said = {one: Said(one, (members,), ()) for one in members}
        self.said |= {one: Said(one, (), ()) for one in (NEW, OTHER, PUPPET)}

    def chain(self, *hidden: int) -> Chain:
        """As somebody sees it who has not heard what these say."""
        logs = [replace(one, votes=()) if one.member in map(member, hidden) else one for one in self.said.values()]
        [chain], _begun = chains_of(logs)
        return chain

    def wants(self, change: str, whom: Member, chain: Chain | None = None) -> Change:
        newest = (chain or self.chain()).newest
        return Change(newest.number + 1, newest.name, change, f"部门{whom.origin[:2]}", whom)

    def vote(self, by: Member, vote: Vote) -> None:
        self.said[by] = replace(self.said[by], votes=(*self.said[by].votes, vote))

    def agree(self, place: int, change: Change, *hidden: int) -> str | None:
        """Agree if that may be by what this department has heard; returns why not."""
        chain, own = self.chain(*hidden), member(place)
        reason = chain.refusal(own, change)
        if reason is None:
            self.vote(own, Vote(chain.ballot(own, change), change))
        return reason


def record(kind: str, sub: str = HANDLE, iss: str = "00.example/log", **clear: object) -> Record:
    return Record(b"", Hash(bytes(32)), f"onetrip-{kind}-v1+sd-jwt", kind, "kid", iss, "j", 0, sub, None, clear, ())


def agreed(vote: Vote) -> Record:
    return record("epoch-agreed")._replace(clear={**vote.change.claims, "ballot": vote.ballot})
