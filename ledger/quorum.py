"""Says by whose word a log is believed: this network's tlog-policy, made from the keys of its members.

Who is a member the epochs say (`ledger.epochs`). Before the first of them each department counts whom it follows.
A department is one witness in it, whatever else it signs with; the log's own department counts like the others, as the
quorum allows for it to lie. A witness is named by its department and that department's log: no two share a name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, select, true

from ledger.epochs import read_view
from ledger.errors import MalformedRecord
from ledger.folding import read_folded
from ledger.key_history import read_history
from ledger.merkle.errors import MalformedPolicy, OutOfRange
from ledger.merkle.messages import TIME_BYTES
from ledger.merkle.note import parse_note_unverified
from ledger.merkle.policy import Policy, PolicyGroup, PolicyLog, PolicyWitness, quorum
from ledger.merkle.vkeys import SignatureKind, Verifier, parse_vkey
from ledger.records import base64url
from ledger.records.epochs import EpochName, Member
from ledger.records.governance import DepartmentState
from ledger.records.rotation import LOG, WITNESS
from ledger.records.statement import parse_record
from ledger.storage import entries, heads, schema
from ledger.storage.facts import read_logs
from ledger.storage.heads import Head

NOW = "#now"  # of several keys of one witness the one that counts today
QUORUM = "quorum"  # the group of them all; no department has this name, as theirs hold an @

_p = schema.peers.c
_PEERS = select(_p.origin, _p.name, _p.url, _p.log_vkeys, _p.witness_vkeys, _p.genesis)


@dataclass(frozen=True, slots=True)
class _Department:
    """A department of the network, with the keys that count for it."""

    origin: str
    name: str
    url: str
    log_vkeys: Sequence[str]
    witness_vkeys: Sequence[str]


def network_policy(
    conn: Connection,
    own_url: str = "",
    *,
    ed25519: bool = False,
    retired: bool = False,
    epoch: int | None = None,
) -> Policy:
    """Whose keys a receipt is checked with: every member's log and witness, and a quorum of the witnesses.

    One key of each, ML-DSA-44; `ed25519`: the other one, for clients that know no other. `own_url`: where this node is
    reached; the others' addresses are known. `retired`: with the keys that counted once, for files from that time; a
    department stays one voice. `epoch`: of an earlier one, with the keys of today. Raises MalformedPolicy when too few
    members show keys of their own, or there is no such epoch.
    """
    log_kind = SignatureKind.ED25519 if ed25519 else SignatureKind.SUBTREE_V1
    witness_kind = SignatureKind.COSIGNATURE_V1 if ed25519 else SignatureKind.SUBTREE_V1
    count, known = _members(conn, own_url, epoch)
    members = sorted(known, key=lambda one: one.origin)
    logs = _distinct((one, key) for one in members for key in _of_kind(one.log_vkeys, log_kind))
    witnesses = _distinct((one, key) for one in members for key in _of_kind(one.witness_vkeys, witness_kind))
    # Of how many is fixed by the members: a department whose key cannot be used makes the quorum harder, not easier.
    group = PolicyGroup(QUORUM, quorum(count), tuple(_name(one) for one, _key in witnesses))
    policy = Policy(
        tuple(PolicyLog(key, _below(one.url, "log")) for one, key in logs),
        tuple(PolicyWitness(_name(one), key, _below(one.url, "witness")) for one, key in witnesses),
        (group,),
        QUORUM,
    )
    return _with_retired(conn, policy, log_kind, witness_kind) if retired else policy


def _with_retired(conn: Connection, policy: Policy, log_kind: SignatureKind, witness_kind: SignatureKind) -> Policy:
    """The same policy, in which whatever any key of a department said counts as that department's word.

    Logs that nobody follows any more are in it too: their records are still here.
    """
    logs, witnesses = list(policy.logs), list(policy.witnesses)
    groups: list[PolicyGroup] = []
    known = {one.verifier.public_key for one in logs} | {one.verifier.public_key for one in witnesses}
    for log in read_logs(conn):
        history = read_history(conn, log.id)
        for one in history.ranges:
            if one.role == LOG:
                fresh = [key for key in _of_kind(one.keys, log_kind) if key.public_key not in known]
                logs += [PolicyLog(key) for key in fresh]
                known |= {key.public_key for key in fresh}
        former = [key for one in history.retired(WITNESS) for key in _of_kind(one.keys, witness_kind)]
        groups += _voice(witnesses, f"@{log.origin}", [key for key in former if key.public_key not in known])
    named = {group.members[0].removesuffix(NOW): group.name for group in groups}
    members = tuple(named.get(name, name) for name in policy.groups[0].members)
    return Policy(tuple(logs), tuple(witnesses), (*groups, replace(policy.groups[0], members=members)), QUORUM)


def _voice(witnesses: list[PolicyWitness], suffix: str, former: Sequence[Verifier]) -> list[PolicyGroup]:
    """Give a department that has had other witness keys one voice for all of them; no group when it has not."""
    at = next((at for at, one in enumerate(witnesses) if one.name.endswith(suffix)), None)
    if at is None or not former:
        return []
    name = witnesses[at].name
    witnesses[at] = replace(witnesses[at], name=f"{name}{NOW}")
    added = [PolicyWitness(f"{name}#{number}", key) for number, key in enumerate(former)]
    witnesses += added
    return [PolicyGroup(name, 1, (f"{name}{NOW}", *(one.name for one in added)))]


def epoch_counted(conn: Connection, number: int | None = None) -> EpochName | None:
    """The epoch whose members `network_policy` counts; None before the first."""
    view = read_view(conn)
    epoch = view.epoch if number is None else view.numbered(number)
    return None if epoch is None else EpochName(epoch.number, epoch.name)


def believed_head(conn: Connection, log_id: int) -> Head | None:
    """The newest head of a log, ours or a mirrored one, that a quorum of today's members has cosigned.

    Its note was verified line by line before it was kept.
    """
    try:
        policy = network_policy(conn)
    except MalformedPolicy:
        return None
    for head in heads.noted_heads(conn, log_id):
        assert head.served is not None  # that is what was asked for
        if policy.is_met({line.ref for line in parse_note_unverified(head.served).unverified}):
            return head
    return None


def witnessed_at(conn: Connection, log_id: int) -> tuple[int, int] | None:
    """Size of the newest believed head of a log, and by when all witnesses whose lines it bears had cosigned it.

    The oldest of their times: a quorum had looked by then, whatever single clocks say.
    """
    head = believed_head(conn, log_id)
    if head is None or head.served is None:
        return None
    known = {witness.verifier.ref for witness in network_policy(conn).witnesses}
    lines = [line for line in parse_note_unverified(head.served).unverified if line.ref in known]
    return head.size, min(int.from_bytes(line.blob[:TIME_BYTES], "big") for line in lines)


def forget_heads(conn: Connection, log_id: int, size: int) -> None:
    """Drop the heads before this size, but for the newest that a quorum has cosigned: receipts are made under it."""
    if not heads.has_before(conn, log_id, size):
        return
    believed = believed_head(conn, log_id)
    heads.forget_before(conn, log_id, size, keep=size if believed is None else believed.size)


def _own(conn: Connection, url: str) -> _Department:
    own = next(log for log in read_logs(conn) if log.own)
    try:
        genesis = parse_record(entries.read_entries(conn, own.id, 0, 1)[0])
    except (MalformedRecord, OutOfRange) as error:
        raise MalformedPolicy("our own log does not begin with its department") from error
    folded = read_folded(conn, own.id, genesis.sub)
    if folded is None or not isinstance(folded.state, DepartmentState):
        raise MalformedPolicy("our own log names no department")
    return _Department(own.origin, folded.state.name, url, folded.state.log_keys, folded.state.witness_keys)


def _members(conn: Connection, own_url: str, number: int | None) -> tuple[int, list[_Department]]:
    """How many members there are, and those whose keys are known here."""
    view = read_view(conn)
    epoch = view.epoch if number is None else view.numbered(number)
    if epoch is None and number:
        raise MalformedPolicy(f"no epoch {number} is in force here")
    if number == 0 and view.epoch is not None:
        raise MalformedPolicy(f"an epoch is in force here, so there is no 0: ask for one from 1 to {view.epoch.number}")
    if epoch is None:  # nobody has agreed on anything yet
        known = [_own(conn, own_url), *_peers(conn, _p.removed.is_(False))]
        return len(known), known
    # Whom we follow no longer may have other keys by now; of an earlier epoch that is as good as it gets.
    rows = _peers(conn, _p.removed.is_(False) if epoch == view.epoch else true(), among=epoch.members)
    own = [_own(conn, own_url)] if view.own in epoch.members else []
    return len(epoch.members), [*own, *rows]


def _peers(conn: Connection, wanted: ColumnElement[bool], among: Sequence[Member] | None = None) -> list[_Department]:
    """Departments that we know; `among`: only these, by their logs and how those begin."""
    rows = conn.execute(_PEERS.where(wanted))
    return [
        _Department(*row[:-1])
        for row in rows
        if among is None or (row.genesis is not None and Member(row.origin, base64url.encode(row.genesis)) in among)
    ]


def _name(member: _Department) -> str:
    return f"{member.name}@{member.origin}"


def _of_kind(vkeys: Sequence[str], kind: SignatureKind) -> Iterator[Verifier]:
    """The key of that kind, if there is one; of several the first, as a department has one voice."""
    yield from [key for key in map(parse_vkey, vkeys) if key.kind is kind][:1]


def _distinct(keys: Iterator[tuple[_Department, Verifier]]) -> list[tuple[_Department, Verifier]]:
    """Without a key that another member has brought as well: it is one signer, whoever shows it."""
    seen: dict[bytes, tuple[_Department, Verifier]] = {}
    for member, key in keys:
        seen.setdefault(key.public_key, (member, key))
    return list(seen.values())


def _below(url: str, path: str) -> str:
    return f"{url.rstrip('/')}/{path}" if url else ""
