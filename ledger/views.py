"""What the ledger tells about a person's application or money, ready to be put into words.

Everything here is plain and frozen. Money is in fen, times are seconds since 1970 in UTC, days are YYYY-MM-DD.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.records.cases import CaseState
from ledger.records.funds import AwardState, PaymentState, Ref, WordState


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as its department's records have left it."""

    ref: Ref
    department: str
    state: CaseState
    since: int  # of the record that brought it here
    index: int  # in its log, of the newest record that touched it
    record_id: str  # that record
    disputed: bool  # a record about it was refused (R50)
    number: str | None  # None: not known here (yet), or erased
    citizen: str | None
    applicant: str | None
    awards: tuple[Ref, ...]  # oldest first


@dataclass(frozen=True, slots=True)
class AwardView:
    """What one department approved for one beneficiary; another pays it."""

    ref: Ref
    department: str
    state: AwardState
    since: int
    index: int
    record_id: str
    disputed: bool
    number: str | None
    citizen: str | None
    payee: str | None
    account_tail: str | None  # of the account that was registered; what was used stands in the payment
    payer: str  # name of the department that pays

    @property
    def case(self) -> Ref:
        """The case that it was approved in."""
        return Ref(self.ref.log, self.state.case)


@dataclass(frozen=True, slots=True)
class WordView:
    """What the citizen said about a payment, and at which department."""

    ref: Ref
    department: str
    state: WordState
    since: int
    index: int
    record_id: str


@dataclass(frozen=True, slots=True)
class PaymentView:
    """An order to pay, and what became of it."""

    ref: Ref
    department: str
    state: PaymentState
    since: int
    index: int
    record_id: str
    disputed: bool
    number: str | None
    citizen: str | None
    account_tail: str | None  # of the account that the payment used; never taken from the award
    word: WordView | None  # the newest


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One record of an object's story."""

    ref: Ref  # the object it is about
    at: int  # `iat`
    on: str | None  # the day it happened, when it was entered later
    department: str
    kind: str
    record_id: str
    index: int
    officer_name: str | None  # only of our own department, for officers
    clear: Mapping[str, Any]
    before_network: bool  # said before another department cosigned a head that holds it


@dataclass(frozen=True, slots=True)
class Trust:
    """Who else holds every record that an answer is computed from."""

    departments: tuple[str, ...]  # whose mirrors cosigned all of it; never our own
    oldest: int | None  # time of the oldest of these cosignatures
    newest_record_at: int  # `iat` of the newest record needed: fresh ones are merely not yet cosigned
    times: Mapping[str, int] = field(default_factory=dict)  # of each of these departments, its oldest cosignature


@dataclass(frozen=True, slots=True)
class Finding:
    """What did not agree between two signed sources. It accuses nobody."""

    id: str  # 8 Crockford characters, the same at every department that derives it
    rule: str
    severity: str  # S, A, W
    state: str  # open, explained; ended (it agrees again); settled, confirmed, false-alarm (an auditor's decision)
    about: Ref | None
    facts: Mapping[str, Any]  # departments, amounts in fen: what the sentences need
    raised_at: int
    answer_by: str  # the last day to explain
    ended_at: int | None = None  # when the two sources agreed again, whatever was decided
    compared: tuple[str, ...] = ()  # what its name is the hash of: base64url, sorted

    @property
    def is_open(self) -> bool:
        """Whether it waits for an explanation or a decision."""
        return self.state in {"open", "explained"}

    @property
    def is_told(self) -> bool:
        """Whether whom it concerns is warned of it: it is open, or was confirmed and is not mended."""
        return self.is_open or (self.state == "confirmed" and self.ended_at is None)

    @property
    def is_decided(self) -> bool:
        """Whether an auditor has concluded it."""
        return self.state in {"settled", "confirmed", "false-alarm"}


@dataclass(frozen=True, slots=True)
class FindingStep:
    """One step in the life of a finding."""

    at: int  # of this node's own round when the rule says it, `iat` when a department does
    step: str  # raised, changed, ended, returned; explained, settled, confirmed, false-alarm
    department: str | None = None  # who said it; None: the rule
    record: str | None = None  # id of the record that says it


@dataclass(frozen=True, slots=True)
class Officer:
    """A member of our own staff whose key is in force."""

    handle: str
    kid: str
    name: str | None  # None: erased
    roles: tuple[str, ...]
    person: str  # the same for every key of one person


@dataclass(frozen=True, slots=True)
class Binding:
    """A chat account tied to a citizen."""

    citizen: str
    level: int
    since: int
