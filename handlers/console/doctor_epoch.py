"""What the doctor says of the network's members: whether everybody counts the same ones, and whom we do not follow."""

from collections.abc import Collection, Iterator, Sequence

from handlers.doctor_lines import Line
from ledger.epochs import View
from ledger.peers.home import Home
from ledger.peers.introduced import Wanted, obstacle
from ledger.peers.looking import Look
from ledger.peers.members import member_of
from ledger.records.epochs import Member
from ledger.rules.epochs import Epoch

_FOUND = "when all of the first departments follow each other, run at each: python app.py peers found"


def examine_wanted(home: Home, wanted: Sequence[Wanted]) -> Iterator[Line]:
    """A line for each department that should be followed here and is not: what stands in the way."""
    for one in wanted:
        found, mend = _in_the_way(home, one)
        yield Line("member", good=False, found=f"{one.name} is not followed here yet: {found}", mend=mend)


def _in_the_way(home: Home, one: Wanted) -> tuple[str, str]:
    by_hand = "telephone them; then `peers invite` here, and `peers join` there"
    if one.known is None:
        return "no department that is followed here says where it is", by_hand
    if len(one.known.urls) > 1:
        return f"others introduce it at different addresses: {', '.join(sorted(one.known.urls))}", by_hand
    if not one.may_ask:
        mend = f"wait until they do, or compare its words: peers add {one.known.found.url} --fingerprint WORDS"
        return "too few of the members have introduced it", mend
    why = obstacle(home, one.known)
    if why is None:
        return "it answers", "wait for a round"
    return why, "it is asked again each round; ask them whether their node runs, and see TLS and firewall"


def examine_epoch(view: View, name: str, looks: Sequence[Look], wanted: Collection[Member] = ()) -> Iterator[Line]:
    """The line of the policy, and one for each member that we do not follow and that is not `wanted` already."""
    epoch = view.epoch
    if epoch is None:
        yield _none(view, name)
        return
    yield _same(epoch, looks)
    followed = {member_of(look.peer) for look in looks} | {view.own, *wanted}
    for one in epoch.members:
        if one not in followed:
            found = f"{one.origin} is a member, and is not followed here: its witness does not count"
            mend = "peers invite here, and peers join there; or let it leave: #同意退出"
            yield Line("member", good=False, found=found, mend=mend)


def _none(view: View, name: str) -> Line:
    for one in view.about_us:
        agreed = f"{len(one.agreed)} of {one.needed} members have agreed that this department joins"
        return Line("policy", good=False, found=agreed, mend=f"telephone the others: #同意加入 {name}")
    for begun in view.begun:
        missing = ", ".join(one.origin for one in begun.members if one not in begun.logged)
        found = f"a network of {len(begun.members)} has not begun: {missing}"
        return Line("policy", good=False, found=found, mend="there, or once it is seen here: python app.py peers found")
    return Line("policy", good=False, found="nobody has agreed yet who belongs to the network", mend=_FOUND)


def _same(epoch: Epoch, looks: Sequence[Look]) -> Line:
    """Whoever does not answer has a line of its own; whoever does not say counts neither way."""
    told = {look.peer.name: look.epoch for look in looks if look.epoch is not None}
    others = [name for name, one in told.items() if (one.number, one.name) != (epoch.number, epoch.name)]
    ours = f"epoch {epoch.number} of {len(epoch.members)} departments"
    if not others:
        return Line("policy", good=True, found=f"{ours}, the same at {len(told)} others")
    differ = ", ".join(f"{name} counts epoch {told[name].number}" for name in others)
    mend = "a round or two, if somebody has just agreed; else see the lines of those departments, here and there"
    return Line("policy", good=False, found=f"{ours}, but {differ}", mend=mend)
