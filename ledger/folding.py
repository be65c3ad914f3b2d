"""Folds each record, ours or a mirrored one, into what is true now, and takes in what is private of it.

A record that does not fit changes nothing: the desk has not signed it, the mirror marks its object as disputed.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from ledger.errors import BadDisclosure, IllegalStep
from ledger.keys import Keys
from ledger.records import claims as shape
from ledger.records import codec
from ledger.records import fold as pure
from ledger.records.answers import AnswerState
from ledger.records.cases import CaseState
from ledger.records.check import PERSON_OF_DESK, Signer, signer_ends, signer_named
from ledger.records.epochs import EpochsState
from ledger.records.fold import Folded, State
from ledger.records.funds import AwardState, PaymentState, Ref, WordState
from ledger.records.governance import DepartmentState, OfficerState
from ledger.records.statement import Record, open_disclosure
from ledger.storage import facts as rows
from ledger.storage import lookups
from ledger.storage.engine import kept
from ledger.storage.entries import find_log, first_index
from ledger.storage.facts import Key, News
from ledger.storage.lookups import Lookups
from ledger.storage.many import read_objects
from ledger.storage.schema import waiting
from ledger.storage.signers import SignerRow, end_signer, insert_signer, read_signer
from ledger.storage.vault import Placed, Vault, held_names

DESK_PERSON = PERSON_OF_DESK
_SECOND = ("case", "reissues")  # clear claims that name another object of the same log
_KEPT_OBJECTS = "objects"  # with a log's id: those that were folded into last, for whoever folds next


def read_folded(conn: Connection, log_id: int, handle: str) -> Folded | None:
    """One object of one log, as its records have left it."""
    found = rows.read_object(conn, (log_id, handle))
    return None if found is None else codec.load(found[0], found[1])


class Gathered:
    """The objects of one log while some of its records are folded: each is read once, and written once.

    Nobody sees what was folded before `write`: whoever reads the tables calls it first. It belongs to one transaction.
    """

    def __init__(self, conn: Connection, log_id: int, read: pure.Read | None = None) -> None:
        """`read`: where objects of this log are known already; as of this transaction."""
        self._kept = (_KEPT_OBJECTS, log_id)
        self._conn = conn
        self._log_id = log_id
        self._read = read or partial(read_folded, conn, log_id)
        self._objects: dict[str, Folded | None] = {}  # as they are by now; None: there is none
        self._begun: dict[str, tuple[int, int]] = {}  # of those not yet stored: `iat` and index of the first record
        self._changed: dict[str, tuple[int, str]] = {}  # not yet written: index of the last record, and its log
        self._disputed: dict[str, int] = {}
        self._news: list[News] = []

    def look_ahead(self, records: Iterable[Record]) -> None:
        """Read at once what these records are about."""
        named: set[str] = set()
        for record in records:
            named.add(record.sub)
            # The second one that it moves, if what it says can be one: nobody has checked that yet.
            for claim in _SECOND:
                other = record.clear.get(claim)
                if isinstance(other, str) and shape.handle(other):
                    named.add(other)
        self._read_some(named)
        awards = (one.state for one in self._objects.values() if one is not None)
        self._read_some({state.case for state in awards if isinstance(state, AwardState)})

    def _read_some(self, handles: AbstractSet[str]) -> None:
        last: Mapping[str, Folded | None] = kept(self._conn).get(self._kept, {})
        self._objects |= {handle: last[handle] for handle in handles & last.keys() - self._objects.keys()}
        missing = handles - self._objects.keys()
        self._objects.update(dict.fromkeys(missing))
        for row in read_objects(self._conn, self._log_id, missing):
            self._objects[row.handle] = codec.load(row.topic, row.folded)

    def read(self, handle: str) -> Folded | None:
        """One object, as the records so far have left it."""
        if handle not in self._objects:
            self._objects[handle] = self._read(handle)
        return self._objects[handle]

    def fold(self, idx: int, record: Record, *, story: bool = False) -> tuple[Ref, ...]:
        """Fold the record at this index; returns the objects it changed. Raises IllegalStep with nothing changed.

        `story`: it was told before the network began, so nobody is notified of it.
        """
        changed = pure.apply(self.read, record)
        named = signer_named(record, idx)
        _check_new_key(self._conn, self._log_id, record, named)
        for handle, folded in changed.items():
            if self._objects[handle] is None:
                self._begun[handle] = (record.iat, idx)
            self._objects[handle] = folded
            self._changed[handle] = (idx, record.iss)
        _apply_to_signers(self._conn, self._log_id, idx, record, named)
        self._news.append((self._log_id, idx, record.sub, record.kind, record.iat, story))
        return tuple([Ref(record.iss, handle) for handle in changed])

    def dispute(self, handle: str, idx: int) -> None:
        """Mark an object as disputed: a record about it was refused (R50). The first counts."""
        if self.read(handle) is not None:
            self._disputed.setdefault(handle, idx)

    def write(self) -> None:
        """Write what has changed."""
        new: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for handle, (idx, origin) in self._changed.items():
            folded = self._objects[handle]
            assert folded is not None  # it was folded into
            if handle in self._begun:
                created, first_idx = self._begun[handle]
                row = columns_of(folded, origin)
                row |= {"log_id": self._log_id, "handle": handle, "idx": idx, "disputed": None}
                row |= {"topic": codec.topic_of(folded.state), "created": created, "first_idx": first_idx}
                new.append(row)
            else:
                row = _changing_columns_of(folded)
                row |= {"in_log": self._log_id, "of_handle": handle, "idx": idx}
                known.append(row)
        rows.insert_objects(self._conn, new)
        rows.update_objects(self._conn, known)
        for handle, idx in self._disputed.items():
            rows.dispute(self._conn, (self._log_id, handle), idx)
        rows.note_in_feed(self._conn, self._news)
        # Who comes next often goes on with the same: but never with more than one of us has had in hands.
        kept(self._conn)[self._kept] = self._objects
        for unwritten in (self._begun, self._changed, self._disputed, self._news):
            unwritten.clear()


def fold(
    conn: Connection, log_id: int, idx: int, record: Record, *, story: bool = False, read: pure.Read | None = None
) -> tuple[Ref, ...]:
    """Fold one record, as `Gathered` folds many."""
    gathered = Gathered(conn, log_id, read)
    changed = gathered.fold(idx, record, story=story)
    gathered.write()
    return changed


def dispute(conn: Connection, log_id: int, handle: str, idx: int) -> None:
    """Mark an object as disputed: a record about it was refused (R50)."""
    rows.dispute(conn, (log_id, handle), idx)


def columns_of(folded: Folded, origin: str) -> dict[str, Any]:
    """What the table `objects` says of an object of the log of that origin, as far as its records say it."""
    ref = _refers_to(folded.state, origin)
    row = _changing_columns_of(folded)
    row["ref_log"], row["ref_handle"] = (None, None) if ref is None else ref
    return row


def _changing_columns_of(folded: Folded) -> dict[str, Any]:
    state = folded.state
    return {
        "status": status_of(state),
        "folded": codec.dump(folded),
        "since": folded.since,
        "payer": state.payer if isinstance(state, AwardState) else None,
    }


def status_of(state: State) -> str:
    """The one word by which objects of a topic are listed."""
    match state:
        case CaseState() | AwardState() | PaymentState():
            return str(state.status)
        case WordState():
            return state.word
        case OfficerState():
            return "IN_FORCE" if state.in_force else "REVOKED"
        case DepartmentState():
            return "MEMBER" if state.member else "REMOVED"
        case EpochsState():
            return "AGREED" if state.votes else "FOUNDED"
        case AnswerState():
            return "EXPLAINED" if state.outcome is None else "CONCLUDED"


def _refers_to(state: State, origin: str) -> Ref | None:
    match state:
        case AwardState():
            return Ref(origin, state.case)
        case PaymentState():
            return state.award
        case WordState():
            return state.payment
    return None


def _check_new_key(conn: Connection, log_id: int, record: Record, named: Signer | None) -> None:
    if named is not None and read_signer(conn, log_id, named.kid) is not None:
        raise IllegalStep(record.kind, "enrolled", "key-twice")  # one key, one person: or nobody knows who signed


def _apply_to_signers(conn: Connection, log_id: int, idx: int, record: Record, named: Signer | None) -> None:
    if record.kind == "genesis":
        rows.name_log(conn, log_id, record.clear["department"], record.clear["number_prefix"])
    ended = signer_ends(record, idx)
    if ended is not None:
        end_signer(conn, log_id, record.sub, ended)
    if named is not None:
        raw = named.public_key
        row = SignerRow(named.kid, named.handle, raw, list(named.roles), named.person, named.from_index, None)
        insert_signer(conn, log_id, row)


# --- what is private, fetched from the department that has it ---

_WAIT = insert(waiting)
_ARRIVED = delete(waiting).where(
    waiting.c.log_id == bindparam("of_log"), waiting.c.handle == bindparam("of_handle"), waiting.c.private
)
_WAITING = select(waiting.c.since).where(
    waiting.c.log_id == bindparam("log_id"), waiting.c.handle == bindparam("handle"), waiting.c.private
)


def wait_for_disclosures(conn: Connection, log_id: int, record: Record, ref: Ref, now: int) -> None:
    """Remember that a mirrored record's private part is needed here and has not come yet; twice changes nothing."""
    if conn.execute(_WAITING, {"log_id": log_id, "handle": record.sub}).first() is None:
        row = {"log_id": log_id, "handle": record.sub, "ref_log": ref.log, "ref_handle": ref.sub, "since": now}
        conn.execute(_WAIT, {**row, "private": True})


def take_disclosures(
    conn: Connection,
    keys: Keys,
    log_id: int,
    record: Record,
    disclosures: Sequence[str],
    citizen: str | None = None,
) -> str:
    """Keep what a peer disclosed of one of its records; returns whose it is. Raises BadDisclosure, with nothing kept.

    Whose: `citizen`, or the one whom the award or its case already belongs to here, or somebody new. The object's
    number can be asked for from then on, and nothing more is waited for.
    """
    opened = {name: (text, value) for text in disclosures for name, value in [open_disclosure(record, text)]}
    if len(opened) != len(disclosures):
        raise BadDisclosure(record.record_id)
    folded = read_folded(conn, log_id, record.sub)
    vault = Vault(keys.vault_key)
    owner = citizen or _owner(conn, log_id, record, folded) or vault.add_citizen(conn)
    idx = first_index(conn, log_id, record.leaf)
    if idx is None:
        raise BadDisclosure(record.record_id)
    held = held_names(conn, log_id, idx)
    fresh = {name: text for name, (text, _value) in opened.items() if name not in held}
    vault.put(conn, Placed(owner, log_id, record.sub, idx, record.leaf), fresh)
    values = {name: value for name, (_text, value) in opened.items()}
    _register(conn, Lookups(keys.lookup_key), (log_id, record.sub), folded, owner, values)
    conn.execute(_ARRIVED, {"of_log": log_id, "of_handle": record.sub})
    return owner


def _owner(conn: Connection, log_id: int, record: Record, folded: Folded | None) -> str | None:
    known = lookups.read_owner(conn, (log_id, record.sub))
    if known is not None or folded is None:
        return known
    if isinstance(folded.state, PaymentState):
        return _owner_of(conn, folded.state.award)
    if isinstance(folded.state, AwardState):
        case = Ref(record.iss, folded.state.case)
        siblings = ((one, handle) for one, handle, _status in rows.read_children(conn, case.log, case.sub))
        owners = (lookups.read_owner(conn, key) for key in siblings)
        return next((owner for owner in owners if owner is not None), None)
    return None


def _owner_of(conn: Connection, ref: Ref) -> str | None:
    log_id = find_log(conn, ref.log)
    return None if log_id is None else lookups.read_owner(conn, (log_id, ref.sub))


def _register(
    conn: Connection, lookups_of: Lookups, key: Key, folded: Folded | None, owner: str, opened: Mapping[str, Any]
) -> None:
    number, code = opened.get("number"), opened.get("query_code")
    if not isinstance(number, str) or lookups.read_owner(conn, key) is not None:
        return
    mac = lookups_of.code_mac(code) if isinstance(code, str) else None
    if mac is None and folded is not None and isinstance(folded.state, PaymentState):
        # A payment answers to the query code of the case that it comes from.
        award = folded.state.award
        log_id = find_log(conn, award.log)
        mac = None if log_id is None else lookups.read_code_mac(conn, (log_id, award.sub))
    lookups_of.register(conn, number, key, owner, mac)
