"""Rotates one role's keys of a running node, so that a crash at any point leaves keys that fit the log.

First the new keys stand in the key file beside the old ones, then the record puts them in force, then the old ones go.
Whatever was interrupted is taken up again by the same command: new keys that no record names yet are used, and not made
once more; a record that is durable is followed by the last step, and by no second record.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Busy, Misconfigured
from ledger.key_history import KeyRange, read_history
from ledger.keyring import Keyring
from ledger.keys import Coming, Sealed, generate, seal_again
from ledger.node import Node
from ledger.storage.engine import reading


@dataclass(frozen=True, slots=True)
class RolledOver:
    """What came of a rotation."""

    role: str
    index: int  # of the record
    completed: bool  # an earlier run had recorded it already, and only the key file was behind


def roll_over(node: Node, role: str) -> RolledOver:
    """Replace the keys of one role; raises IllegalStep, Misconfigured, Busy or Behind, and then the old ones count."""
    ring = node.keys
    if not isinstance(ring, Keyring):
        raise Misconfigured("ONETRIP_KEY_FILE: this node was opened without its key file")
    path, passphrase = ring.file.path, ring.file.passphrase
    with _alone(path):
        # 1. What an earlier run left.
        sealed = ring.file.fresh()
        if (done := _complete(node, sealed)) is not None:
            return done
        # 2. The new keys, durable before anybody knows of them.
        old = sealed.keys
        coming = sealed.coming
        if coming is None or coming.role != role:
            coming = Coming(role, old.with_role(role, generate(old.origin)))
            seal_again(path, Sealed(old, coming), passphrase)
        # 3. The record: from here on they count.
        submitted = node.desk.rotate(role, old, coming.keys)
        # 4. The old ones are no longer needed.
        seal_again(path, Sealed(coming.keys), passphrase)
        return RolledOver(role, submitted.index, completed=False)


def _complete(node: Node, sealed: Sealed) -> RolledOver | None:
    """Take the last step of a rotation whose record is durable; None when there is none such."""
    coming = sealed.coming
    current = None if coming is None else _in_force(node, coming.role)
    if coming is None or current is None or current.keys != coming.keys.role_keys(coming.role):
        return None
    assert isinstance(node.keys, Keyring)  # it was asked before
    seal_again(node.keys.file.path, Sealed(coming.keys), node.keys.file.passphrase)
    return RolledOver(coming.role, _last_rotation(node), completed=True)


def _in_force(node: Node, role: str) -> KeyRange | None:
    with reading(node.engine) as connection:
        return read_history(connection, node.log.id).in_force(role)


def _last_rotation(node: Node) -> int:
    with reading(node.engine) as connection:
        return read_history(connection, node.log.id).rotations[-1]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One rotation at a time on one key file."""
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy("another rotation of these keys is under way") from error
        yield
