"""How the doors between departments refuse: each way carries the HTTP status that its standard gives it."""

from typing import ClassVar

from ledger.errors import Rejected


class Declined(Rejected):
    """A peer, or anyone, asked for what it does not get. The root of what this room's doors answer."""

    status: ClassVar[int]


class MalformedQuestion(Declined):
    """The body has not the form that the protocol demands."""

    status = 400


class UnknownLog(Declined):
    """We cosign no log of this origin."""

    status = 404


class Untrusted(Declined):
    """No key that we trust has signed it, or one that we trust has signed something else."""

    status = 403


class OldTooLarge(Declined):
    """The proof is said to start beyond the checkpoint it leads to."""

    status = 400


class StaleOld(Declined):
    """The proof does not start at what we cosigned last; `size` is where it must start."""

    status = 409

    def __init__(self, origin: str, size: int) -> None:
        """Keep the size: it is the body of the answer (c2sp.org/tlog-witness)."""
        super().__init__(f"{origin}: last cosigned at size {size}")
        self.size = size


class UnprovenGrowth(Declined):
    """The proof does not show that the log only grew."""

    status = 422


class NotForYou(Declined):
    """A private value was asked for by somebody whom it does not concern, or nobody knows who."""

    status = 403


class NotOurs(Declined):
    """It is well made, and belongs with another department: nobody judges themselves."""

    status = 422


class TooMany(Declined):
    """More than this node keeps; what it holds is not driven out by what comes later."""

    status = 429


class WrongCode(Declined):
    """No invitation of ours stands behind this question to join, or it was not signed as such a question is."""

    status = 403


class CodeOver(Declined):
    """The invitation was good once: it has expired, was used by somebody else, or its asker was sent away."""

    status = 410


class CannotJoin(Declined):
    """The code is good, and the one who asks cannot be a member as they are; the message says what to mend."""

    status = 409


class NotSigned(Rejected):
    """No signature that counts stands on this message (RFC 9421)."""
