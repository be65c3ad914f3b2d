"""What the doctor says of the way between departments: our own door, the clocks, each of them, and the quorum."""

from collections.abc import Iterator, Sequence
from statistics import median_low

from handlers.console.doctor_epoch import examine_epoch, examine_wanted
from handlers.doctor_lines import PERIODS_BEHIND_MAX, Line
from ledger.epochs import read_view
from ledger.errors import LedgerError
from ledger.merkle.errors import MalformedPolicy
from ledger.merkle.policy import quorum
from ledger.node import Node
from ledger.peers.client import is_loopback
from ledger.peers.introduced import read_wanted
from ledger.peers.looking import Look, look_at_all, look_at_ourselves
from ledger.peers.members import member_of
from ledger.peers.outside import OutsideWitness, read_outside
from ledger.quorum import network_policy
from ledger.rules.epochs import Epoch
from ledger.rules.logs import UNWATCHED_SECONDS
from ledger.storage.engine import reading
from ledger.storage.heads import KeptCosignature

CLOCK_SECONDS_MAX = 60  # signatures between departments stop counting at 300
CERTIFICATE_DAYS_MIN = 14
DAY_SECONDS = 86_400

_JOIN = "python app.py peers invite, and send the line that it prints (docs/network.md)"
_FLOODED = (
    "if it has just joined or come back, wait: the past is being read. Else ask them what they write; the others have"
    " their turns meanwhile; #同意退出 at enough members, and then `peers remove`, ends it"
)
_NTP = "let NTP set it: systemd-timesyncd or chronyd"


def examine_network(node: Node) -> Iterator[Line]:
    """Look at all of it, from the node to the others and back."""
    yield _address(node)
    yield from examine_outside(node)
    looks = look_at_all(node)
    if not looks:
        yield Line("departments", good=False, found="none is followed", mend=_JOIN)
        return
    yield from _clock(looks)
    with reading(node.engine) as connection:
        view, wanted = read_view(connection), read_wanted(connection)
    yield from examine_epoch(view, node.name, looks, [one.member for one in wanted])
    yield from examine_wanted(node, wanted)
    yield _quorum(node, looks, view.epoch)
    for look in looks:
        yield _reached(node, look)
        yield _reaches_us(node, look)


def examine_outside(node: Node) -> Iterator[Line]:
    """What outside witnesses have cosigned of ours."""
    with reading(node.engine) as connection:
        outside = read_outside(connection, node)
    for one in outside:
        yield _outside(node, one)


def _outside(node: Node, one: OutsideWitness) -> Line:
    """An outside witness of ours; nothing waits for it, and nothing is believed by its word alone."""
    behind = None if one.seen_at is None else max(0, node.now() - one.seen_at)
    good = one.last_error is None and behind is not None and behind <= UNWATCHED_SECONDS
    found = f"cosigned size {one.size}, {_ago(behind)}" if one.size is not None else "has cosigned nothing yet"
    if one.last_error is not None:
        found = f"{found}; {one.last_error}"
    mend = f"ask whoever runs it whether it knows {node.origin}; or: peers witness remove {one.name}"
    return Line(f"outside witness {one.name}", kind="outside-witness", good=good, found=found, mend=mend)


def _address(node: Node) -> Line:
    what, url = "public address", node.public_url
    if url.startswith("http://") and not is_loopback(url):
        mend = "put a TLS proxy before `serve`, and set ONETRIP_PUBLIC_URL to https://…"
        return Line(what, kind="address", good=False, found=f"{url} is plain http: no department asks there", mend=mend)
    try:
        ends = look_at_ourselves(node)
    except LedgerError as error:
        mend = "start `serve`; then see name, certificate and proxy, from another machine too: curl URL/healthz"
        return Line(what, kind="address", good=False, found=str(error), mend=mend)
    if ends is None:
        return Line(
            what, kind="address", good=True, found=f"{url} answers; plain http on this machine, good for a trial only"
        )
    days = (ends - node.now()) // DAY_SECONDS
    return Line(
        what,
        kind="address",
        good=days >= CERTIFICATE_DAYS_MIN,
        found=f"{url} answers; its certificate is good for {days} days",
        mend="let the TLS proxy renew its certificate",
    )


def _clock(looks: Sequence[Look]) -> Iterator[Line]:
    """Ours, against the middle one of all that told the time: one that is wrong does not make ours wrong."""
    told = [look.clock_ahead for look in looks if look.clock_ahead is not None]
    if told:
        ahead = -median_low(told)
        others = "one department" if len(told) == 1 else f"{len(told)} departments"
        yield Line(
            "clock",
            good=abs(ahead) <= CLOCK_SECONDS_MAX,
            found=f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} {others}",
            mend=f"{_NTP}; if ours is right, theirs is not",
        )


def _quorum(node: Node, looks: Sequence[Look], epoch: Epoch | None) -> Line:
    """Whether enough departments look at our log for its heads to be believed; our own witness is one of them."""
    counted = [look for look in looks if epoch is None or member_of(look.peer) in epoch.members]
    ours = epoch is None or node.origin in {one.origin for one in epoch.members}
    members = len(looks) + 1 if epoch is None else len(epoch.members)
    needed = quorum(members)
    looking = ours + sum(_age(node, look.witnessed) <= UNWATCHED_SECONDS for look in counted)
    try:
        with reading(node.engine) as connection:
            network_policy(connection)
    except MalformedPolicy as error:
        return Line("quorum", good=False, found=str(error), mend="see `peers list`: a member's keys cannot be used")
    return Line(
        "quorum",
        good=looking >= needed,
        found=f"{looking} of {members} departments look at our log, {needed} make it believed",
        mend="until then receipts wait and nothing is lost; the red lines below say who is missing",
    )


def _reached(node: Node, look: Look) -> Line:
    peer, what = look.peer, f"department {look.peer.name}"
    if peer.forked:
        return Line(
            what, kind="department", good=False, found="shows two histories", mend="the finding R36 holds the evidence"
        )
    if look.error is not None:
        mend = "ask them whether their node runs; check TLS and firewall"
        return Line(what, kind="department", good=False, found=look.error, mend=mend)
    if look.clock_ahead is not None and abs(look.clock_ahead) > CLOCK_SECONDS_MAX:
        side = "ahead of" if look.clock_ahead > 0 else "behind"
        found = f"its clock is {abs(look.clock_ahead)} s {side} ours"
        return Line(what, kind="department", good=False, found=found, mend=f"one of both is wrong, see `clock`; {_NTP}")
    if look.left:
        found = f"writes more than a round takes: {look.checked} entries checked, {look.left} left to the next rounds"
        return Line(what, kind="department", good=False, found=found, mend=_FLOODED)
    behind = None if peer.checked_at is None else node.now() - peer.checked_at
    good = behind is not None and behind <= PERIODS_BEHIND_MAX * node.settings.crosscheck_seconds
    size = "no log that it has signed" if look.size is None else f"{look.checked} of {look.size} entries checked"
    return Line(
        what,
        kind="department",
        good=good and look.size is not None,
        found=f"answers in {look.seconds * 1000:.0f} ms; {size}, {_ago(behind)}",
        mend="see the scheduler, and what `crosscheck` says of it",
    )


def _reaches_us(node: Node, look: Look) -> Line:
    """Its mirror says that it has fetched our entries, so it reaches us; its witness may have been told only."""
    what, held, seen = f"{look.peer.name} of us", look.mirrored, look.witnessed
    if held is None:
        cosigned = "" if seen is None else f"; it has cosigned size {seen.size}, which we brought to it"
        found = f"has fetched nothing of ours{cosigned}"
    else:
        last = held if seen is None or seen.time < held.time else seen
        found = f"holds {held.size} of our entries, {_ago(_age(node, held))}; cosigned size {last.size}"
    return Line(
        what,
        kind="of-us",
        good=_age(node, held) <= max(UNWATCHED_SECONDS, PERIODS_BEHIND_MAX * node.settings.crosscheck_seconds),
        found=found,
        mend="let them run `doctor` and `crosscheck`: they do not follow us, or do not reach our public address",
    )


def _age(node: Node, said: KeptCosignature | None) -> float:
    """How old a cosignature is; without one it is older than anything."""
    return float("inf") if said is None else max(0, node.now() - said.time)


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s ago"
