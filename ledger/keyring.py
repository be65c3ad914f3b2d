"""Holds the node's keys while it runs, and notices by itself when a rotation has put others in force.

The key file says which keys there are, the log which of them count: new ones stand in the file before the record that
puts them in force, and old ones until it is durable. A look at the file's inode and time is all that it costs to know
that nothing has changed. Whoever has begun a writer's transaction has the right keys until its end, as a rotation is
one too.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, select

from ledger.errors import Misconfigured
from ledger.key_history import History, read_history
from ledger.keys import Cosigners, LogSigners, NodeKeys, Sealed, open_sealed
from ledger.records.rotation import ROLES
from ledger.storage import schema
from ledger.storage.engine import reading

_OWN = select(schema.logs.c.id).where(schema.logs.c.own)

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]


@dataclass(slots=True)
class KeyFile:
    """A key file, opened once, that can be read again when it has been replaced."""

    path: Path
    passphrase: str = field(repr=False)
    seen: Stamp = field(init=False)
    sealed: Sealed = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.read()

    def read(self) -> None:
        """Open it; takes about a second. Raises Misconfigured or Busy, and is as it was."""
        seen = self._stamp()  # before: what is put there meanwhile is read the next time
        self.sealed = open_sealed(self.path, self.passphrase)
        self.seen = seen

    def fresh(self) -> Sealed:
        """What stands in it now; raises Misconfigured."""
        if self.has_changed():
            self.read()
        return self.sealed

    def has_changed(self) -> bool:
        """Whether another file lies there now."""
        return self._stamp() != self.seen

    def _stamp(self) -> Stamp:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0, 0)  # reading it says what is wrong
        return found.st_ino, found.st_mtime_ns, found.st_size


class Keyring:
    """The keys that count now, of one node in one process. Safe among threads."""

    def __init__(self, file: KeyFile, engine: Engine) -> None:
        """Raises Misconfigured when the log has put a key in force that the file does not hold."""
        self.file = file
        self._engine = engine
        self._lock = RLock()
        self._before: NodeKeys | None = None  # of the file before this one: a reader may still see the past
        self._settled: NodeKeys | None = None
        self.now()

    def now(self, conn: Connection | None = None) -> NodeKeys:
        """The keys as of this reader's moment, or as of this one; raises Misconfigured or Busy."""
        settled = self._settled
        if settled is not None and not self.file.has_changed():
            return settled
        with self._lock:
            if self.file.has_changed():
                self._before, self._settled = self.file.sealed.keys, None
                self.file.read()
                _log.info("the key file is another one: read again")
            return self._resolve(conn)

    def _resolve(self, conn: Connection | None) -> NodeKeys:
        if conn is None:
            with reading(self._engine) as own:
                history = _own_history(own)
        else:
            history = _own_history(conn)
        found = self._choose(history)
        if self.file.sealed.coming is None and all(
            found.role_keys(role) == self.file.sealed.keys.role_keys(role) for role in ROLES
        ):
            self._settled = found
        return found

    def _choose(self, history: History) -> NodeKeys:
        sealed = self.file.sealed
        found = sealed.keys
        coming = None if sealed.coming is None else sealed.coming.keys
        known = [one for one in (sealed.keys, coming, self._before) if one is not None]
        for role in ROLES:
            wanted = history.in_force(role)
            if wanted is None or not wanted.keys:
                # Never rotated, as of this moment: a reader of the past, when the file before this one held another.
                if self._before is not None and self._before.role_keys(role) != found.role_keys(role):
                    found = found.with_role(role, self._before)
                continue
            held = next((one for one in known if one.role_keys(role) == wanted.keys), None)
            if held is None:
                raise Misconfigured(
                    f"ONETRIP_KEY_FILE: {self.file.path} does not hold the {role} key that the log of"
                    f" {sealed.keys.origin} has in force since index {wanted.from_index}; put the newer key file back"
                )
            if held is not found:
                found = found.with_role(role, held)
        return found

    # --- as `Keys` ---

    @property
    def origin(self) -> str:
        """Our log's name."""
        return self.file.sealed.keys.origin

    @property
    def log(self) -> LogSigners:
        """What signs our log's heads."""
        return self.now().log

    @property
    def witness(self) -> Cosigners:
        """What says of other logs that they only grew."""
        return self.now().witness

    @property
    def mirror(self) -> Cosigners:
        """What says of other logs that they are stored and checked here."""
        return self.now().mirror

    @property
    def desk(self) -> Ed25519PrivateKey:
        """What signs where no officer acts."""
        return self.now().desk

    @property
    def desk_public(self) -> bytes:
        """Its public half."""
        return self.now().desk_public

    @property
    def desk_kid(self) -> str:
        """Its thumbprint."""
        return self.now().desk_kid

    @property
    def vault_key(self) -> bytes:
        """What wraps the citizens' keys."""
        return self.now().vault_key

    @property
    def person_key(self) -> bytes:
        """What the digest of an officer's ID number is made with; no rotation changes it."""
        return self.file.sealed.keys.person_key

    @property
    def lookup_key(self) -> bytes:
        """What leads from a typed number to its row; no rotation changes it."""
        return self.file.sealed.keys.lookup_key

    @property
    def log_vkeys(self) -> list[str]:
        """Public keys of the log."""
        return self.now().log_vkeys

    @property
    def witness_vkeys(self) -> list[str]:
        """Public keys of the witness."""
        return self.now().witness_vkeys

    @property
    def mirror_vkeys(self) -> list[str]:
        """Public keys of the mirror."""
        return self.now().mirror_vkeys

    @property
    def fingerprint(self) -> str:
        """The words that two administrators compare over the telephone."""
        return self.now().fingerprint


def _own_history(conn: Connection) -> History:
    log_id: int | None = conn.execute(_OWN).scalar()
    return History() if log_id is None else read_history(conn, log_id)
