"""Every way the ledger can refuse, in one tree.

Three families: an act that is not allowed (`Refused`), something received that is wrong (`Rejected`), and a part
of the world that does not answer (`Unavailable`). What is neither is a bug, and crashes.
"""

from collections.abc import Sequence
from datetime import datetime


class LedgerError(Exception):
    """The root: whoever catches this has caught all that the ledger says on purpose."""


class Refused(LedgerError):
    """An officer or a citizen wanted what is not allowed; nothing was signed.

    `reason` is a slug of the message catalogue, `rule` the id that refused, if one did.
    """

    def __init__(self, reason: str, *, rule: str | None = None) -> None:
        """Keep why, so that the words for people can be found by it."""
        super().__init__(f"refused: {reason}" + (f" ({rule})" if rule else ""))
        self.reason = reason
        self.rule = rule


class IllegalStep(Refused):
    """The record cannot follow what the object's records say so far."""

    def __init__(self, kind: str, status: str, reason: str = "illegal-step") -> None:
        """Name the kind of record that was refused, and the state that refuses it."""
        super().__init__(reason)
        self.kind = kind
        self.status = status


class RoleMissing(Refused):
    """The signer's roles do not allow this kind of record."""

    def __init__(self, kind: str, roles: tuple[str, ...]) -> None:
        """Name what was wanted and what the officer may."""
        super().__init__("role-missing")
        self.kind = kind
        self.roles = roles


class OfficerUnknown(Refused):
    """No officer in force stands behind this key or account: never enrolled, or revoked."""

    def __init__(self) -> None:
        """Say no more: whoever asks may be a stranger."""
        super().__init__("officer-unknown")


class CodeWrong(Refused):
    """The six digits are not this officer's code of this moment."""

    def __init__(self, tries_left: int) -> None:
        """Tell how many tries are left before the lock."""
        super().__init__("code-wrong")
        self.tries_left = tries_left


class CodeUsed(Refused):
    """The code was right, and has been used already: the next one comes at `next_at`."""

    def __init__(self, next_at: datetime) -> None:
        """Tell when the next code begins."""
        super().__init__("code-used")
        self.next_at = next_at


class CodeLocked(Refused):
    """Too many wrong codes: no code counts until `until`."""

    def __init__(self, until: datetime) -> None:
        """Tell until when."""
        super().__init__("code-locked")
        self.until = until


class DeedRefused(Refused):
    """One act of a batch was refused, and so all of them: nothing was signed."""

    def __init__(self, place: int, cause: Refused) -> None:
        """Name the act by the place it came from, e.g. a line of a file."""
        super().__init__(cause.reason, rule=cause.rule)
        self.place = place
        self.cause = cause


class Rejected(LedgerError):
    """Bytes from outside that are not what they must be."""


class MalformedRecord(Rejected):
    """Not a record: the bytes break the form of `docs/records.md`."""


class MalformedReceipt(Rejected):
    """Not a receipt: a tlog-proof whose extra data are no record with its signer's enrolment."""


class MalformedEvidence(Rejected):
    """Not a document of evidence: see `docs/findings.md`."""


class BadSignature(Rejected):
    """The signature does not verify with the key that its `kid` names."""


class UnknownSigner(Rejected):
    """No key of this log with that `kid` is in force at this index, or its roles do not allow the kind."""


class AlreadyLogged(Rejected):
    """The same bytes stand in our log already, or were made for another one."""


class BadDisclosure(Rejected):
    """A disclosure whose digest the record does not hold."""


class ForkFound(Rejected):
    """Two signed checkpoints of one log that cannot both be true."""

    def __init__(self, origin: str, older: bytes, newer: bytes, proof: Sequence[bytes] = ()) -> None:
        """Keep both signed notes, and what leads from one to the other: together they are the evidence."""
        super().__init__(f"two histories of {origin}")
        self.origin = origin
        self.older = older
        self.newer = newer
        self.proof = tuple(proof)  # empty where both have one size: the notes alone say it


class Unavailable(LedgerError):
    """Something we need did not answer: try again later; nothing was done."""


class Busy(Unavailable):
    """The database is locked or full; nothing was signed."""


class PeerUnreachable(Unavailable):
    """A peer did not answer, or answered with something that is no answer."""


class Behind(Unavailable):
    """The database is older than the high-water mark: this node signs nothing until it has caught up."""


class MarkLost(Behind):
    """The mark itself is gone or waits: what was signed is known to the other departments only."""


class Misconfigured(LedgerError):
    """A setting, key file or database that does not fit; the message names it and says how to mend it."""
