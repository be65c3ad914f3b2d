"""Writes a record down: in its form, signed, in the log, folded, its private part in the vault, in one transaction.

Who may say what is not asked here; the desk has asked before.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from ledger.compromised import dispute_compromised
from ledger.errors import Refused
from ledger.findings import evaluate, take_answer
from ledger.folding import fold, read_folded
from ledger.keys import Keys
from ledger.lateness import MOVES, evaluate_cases
from ledger.log import OwnLog
from ledger.merkle.hashing import as_hash, leaf_hash
from ledger.records import base64url
from ledger.records import fold as pure
from ledger.records.fold import Folded
from ledger.records.funds import AwardState, PaymentState
from ledger.records.kinds import BY_NAME
from ledger.records.promise import make_promise
from ledger.records.statement import SALT_BYTES, SIGNATURE_BYTES, Record, Signer, Statement, sign
from ledger.rules.logs import LogRef
from ledger.storage import lookups
from ledger.storage.lookups import Lookups
from ledger.storage.network import Network
from ledger.storage.vault import Placed, Vault

HANDLE_BYTES = 16


def new_handle() -> str:
    """A random name for a new object, of 128 bits."""
    return base64url.encode(secrets.token_bytes(HANDLE_BYTES))


@dataclass(frozen=True, slots=True)
class Pen:
    """Whoever signs: a key, and the person behind it."""

    kid: str
    person: str
    sign: Signer


@dataclass(frozen=True, slots=True)
class Draft:
    """A record but for its signature, and what it would make of the objects it is about."""

    record: Record
    disclosures: Mapping[str, str]
    before: Mapping[str, Folded | None]
    after: Mapping[str, Folded]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of an act."""

    record_id: str
    index: int
    sub: str
    at: int  # `iat`
    pledge: Callable[["Submitted"], str] = field(repr=False, compare=False)
    already: bool = False  # the same deed was done before, and nothing was done now

    @property
    def promise(self) -> str:
        """The node's word that the record stands at its index, a JWS; the same whenever it is asked for."""
        return self.pledge(self)


class Objects:
    """The objects of our own log as one act finds them: each is read once.

    `made` stands before what is stored: what earlier acts of a rehearsal would have made.
    """

    def __init__(self, conn: Connection, log_id: int, made: Mapping[str, Folded] = MappingProxyType({})) -> None:
        self._conn = conn
        self._log_id = log_id
        self._made = made
        self.seen: dict[str, Folded | None] = {}

    def __call__(self, handle: str) -> Folded | None:
        """One object, by handle."""
        if handle not in self.seen:
            self.seen[handle] = self._made.get(handle) or read_folded(self._conn, self._log_id, handle)
        return self.seen[handle]


def _unsigned(_text: bytes) -> bytes:
    return bytes(SIGNATURE_BYTES)


class Scribe:
    """Drafts records and enters them into our own log."""

    def __init__(self, log: OwnLog, keys: Keys, now: Callable[[], int], *, story: bool = False) -> None:
        self.log = log
        self._keys = keys
        self.now = now
        self._story = story
        self._lookups = Lookups(keys.lookup_key)

    def draft(self, objects: Objects, statement: Statement, pen_kid: str) -> Draft:
        """Bring a statement into the form of a record and try what it would do; raises IllegalStep. Signs nothing."""
        current = objects(statement.sub)
        unsigned = sign(
            statement,
            iss=self.log.origin,
            jti=new_handle(),
            iat=self.now(),
            prev=None if current is None else current.chain,
            kid=pen_kid,
            salts=_salts(BY_NAME[statement.kind].digests),
            signer=_unsigned,
        )
        after = pure.apply(objects, unsigned.record)
        return Draft(unsigned.record, unsigned.disclosures, dict(objects.seen), after)

    def enter(
        self,
        conn: Connection,
        objects: Objects,
        draft: Draft,
        pen: Pen,
        *,
        citizen: str | None,
        vault: Vault | None = None,
    ) -> Submitted:
        """Sign a draft, put it into the log and make it true; all of it, once the transaction commits.

        `citizen`: whose the private part is. `vault`: one that may have that citizen's key at hand.
        """
        record = _signed(draft.record, pen.sign)
        index = self.log.append(conn, [record])
        touched = fold(conn, self.log.id, index, record, story=self._story, read=objects)
        self._dispute_compromised(conn, index, record)
        if record.kind in MOVES and not self._story:
            evaluate_cases(conn, touched, self.log.now())
        take_answer(conn, self.log.id, record, self.log.now(), wait_seconds=0)
        if any(isinstance(folded.state, AwardState | PaymentState) for folded in draft.after.values()):
            # What a round says about others' acts is said about ours at once; nothing is waited for, as it was checked.
            # The log's clock is the real one also while the story is told: an explanation is due from today on.
            evaluate(conn, touched, self.log.now(), wait_seconds=0, story=self._story)
        if draft.disclosures:
            if citizen is None:
                raise Refused("nobody-to-keep-it-for")
            place = Placed(citizen, self.log.id, record.sub, index, record.leaf)
            (vault or Vault(self._keys.vault_key)).put(conn, place, draft.disclosures)
        return Submitted(record.record_id, index, record.sub, record.iat, self._pledge)

    def _pledge(self, done: Submitted) -> str:
        # Not signed before somebody takes it: all it says is durable, and the signature is always the same.
        leaf, kid = as_hash(base64url.decode(done.record_id)), self._keys.desk_kid
        return make_promise(self.log.origin, done.index, leaf, done.at, kid=kid, signer=self._keys.desk.sign)

    def _dispute_compromised(self, conn: Connection, index: int, record: Record) -> None:
        if record.kind == "revocation":
            log = LogRef(record.iss, Network.read(conn).name(record.iss))
            dispute_compromised(conn, log, self.log.id, index, record, self.log.now())

    def number(self, conn: Connection, sub: str, number: str, citizen: str, code_mac: bytes | None) -> None:
        """Let a new object answer to its number."""
        self._lookups.register(conn, number, (self.log.id, sub), citizen, code_mac)

    def remember(self, conn: Connection, once: str, done: Submitted) -> Submitted:
        """Keep what came of a deed, for whoever asks again."""
        result: dict[str, Any] = {
            "record_id": done.record_id,
            "index": done.index,
            "sub": done.sub,
            "at": done.at,
        }
        lookups.remember_once(conn, once, result, self.now())
        return done

    def recall(self, conn: Connection, once: str) -> Submitted | None:
        """What came of this deed the first time, or None."""
        found: Any = lookups.read_once(conn, once)
        return None if found is None else Submitted(**found, pledge=self._pledge, already=True)


def _salts(count: int) -> list[bytes]:
    fresh = secrets.token_bytes(SALT_BYTES * count)
    return [fresh[at : at + SALT_BYTES] for at in range(0, len(fresh), SALT_BYTES)]


def _signed(record: Record, signer: Signer) -> Record:
    signing_input = record.entry[: record.entry.rindex(b".")]
    entry = signing_input + b"." + base64url.encode(signer(signing_input)).encode("ascii")
    return record._replace(entry=entry, leaf=leaf_hash(entry))
