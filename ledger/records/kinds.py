"""The closed list: each kind of record, who may sign it, what of it is public, and what is kept in the vault.

This table is the whole of what a stranger can read in a log. `docs/records.md` is made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from ledger.records import claims as shape
from ledger.records.claims import Shape

DESK = "desk"  # the node's own key, where no officer acts


@dataclass(frozen=True)
class Kind:
    """One kind of record, in one version."""

    name: str
    topic: str  # which object it is about: department, epochs, officer, case, award, payment, word, answer
    signers: tuple[str, ...]  # roles of which the signer needs one; DESK is the node's own key
    clear: Mapping[str, Shape] = field(default_factory=dict)  # must be there
    maybe: Mapping[str, Shape] = field(default_factory=dict)  # may be there
    private: tuple[str, ...] = ()  # disclosures it may have, each at most once
    version: int = 1

    @property
    def typ(self) -> str:
        """The `typ` of its JWS header."""
        return f"onetrip-{self.name}-v{self.version}+sd-jwt"

    @cached_property
    def roles(self) -> frozenset[str]:
        """The same as `signers`, in no order."""
        return frozenset(self.signers)

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The shape of every clear claim that it must or may have."""
        return {**self.clear, **self.maybe}

    @property
    def digests(self) -> int:
        """How many digests every record of this kind shows: real ones and decoys together."""
        return len(self.private)


_ON = {"on": shape.day}  # the day it happened, when it was entered later (补录)
_BANK_FILE = {"file": shape.sha256_hex, "line": shape.count}
# The same where an officer's word may have come from a file of the office's own approval system.
_DATED = {**_ON, **_BANK_FILE}
_PROMISE = {"promised": shape.day, "lawful": shape.day}  # the last day to decide: what is promised, what the law says
_KEYS = {"log_keys": shape.vkeys, "witness_keys": shape.vkeys, "mirror_keys": shape.vkeys}
_BANK_OUTCOME = shape.one_of("accepted", "held", "credited", "rejected", "returned")

_FINDING = {"finding": shape.finding, "rule": shape.rule}
# What its name is the hash of: so that whoever never found it can still tell that it is no invention.
_COMPARED = {"compared": shape.leaves}

_ALL = (
    # governance
    Kind(
        "genesis",
        "department",
        (DESK,),
        {"department": shape.department, "number_prefix": shape.prefix, "desk_key": shape.jwk, **_KEYS},
        {"successor_of": shape.ended_log},
    ),
    Kind(
        "rotation",
        "department",
        (DESK,),
        {"role": shape.one_of("log", "witness", "mirror", "desk", "vault")},
        {
            "keys": shape.vkeys,
            "desk_key": shape.jwk,
            "vault_key": shape.sha256_hex,
            "endorsed": shape.signatures,
            "possession": shape.signatures,
        },
    ),
    Kind(
        "membership",
        "department",
        (DESK,),
        {"change": shape.one_of("added", "removed"), "department": shape.department, "member": shape.origin, **_KEYS},
        {"introduction": shape.introduction},
    ),
    # who belongs to the network: how it began, and each change that this department agrees to
    Kind("epoch-founded", "epochs", (DESK,), {"members": shape.members}),
    Kind(
        "epoch-agreed",
        "epochs",
        ("admin",),
        {
            "epoch": shape.epoch,
            "before": shape.leaf,
            "ballot": shape.positive,
            "change": shape.one_of("joined", "left"),
            "department": shape.department,
            "member": shape.origin,
            "genesis": shape.leaf,
        },
    ),
    Kind(
        "enrolment",
        "officer",
        (DESK,),
        {
            "key": shape.jwk,
            "roles": shape.roles,
            "custody": shape.one_of("server", "device"),
            "person": shape.sha256_hex,
        },
        private=("name",),
    ),
    Kind(
        "renewal",
        "officer",
        (DESK,),
        # With a new key of theirs: all of these, and the rest as it was.
        maybe={
            "key": shape.jwk,
            "roles": shape.roles,
            "custody": shape.one_of("server", "device"),
            "person": shape.sha256_hex,
            "possession": shape.signatures,
        },
    ),
    Kind("revocation", "officer", (DESK,), maybe={"compromised_since": shape.count}),
    # a case
    Kind(
        "case-submitted",
        "case",
        ("clerk", DESK),
        {"matter": shape.code},
        _DATED,
        ("number", "query_code", "applicant", "phone", "payee", "account", "id_number", "place", "relation"),
    ),
    Kind("case-accepted", "case", ("clerk",), maybe={**_PROMISE, **_DATED}, private=("note",)),
    Kind("case-not-accepted", "case", ("clerk",), maybe=_DATED, private=("reason",)),
    Kind("case-correction-due", "case", ("clerk",), {"until": shape.day}, _DATED, ("what",)),
    Kind("case-correction-brought", "case", ("clerk",), maybe=_DATED, private=("note",)),
    Kind("case-completed", "case", ("clerk",), {"step": shape.count}, _DATED, ("note",)),
    Kind("case-returned", "case", ("approver",), {"step": shape.count}, _ON, ("reason",)),
    Kind("case-approved", "case", ("approver",), maybe=_DATED, private=("note",)),
    Kind("case-refused", "case", ("approver",), maybe=_DATED, private=("reason",)),
    Kind("case-withdrawn", "case", ("clerk", DESK), maybe=_DATED, private=("reason",)),
    # an award: in the log of the department that approves
    Kind(
        "award-proposed",
        "award",
        ("clerk",),
        {"case": shape.handle, "programme": shape.code, "amount": shape.amount_fen, "payer": shape.origin},
        {"period": shape.month, **_DATED},
        ("number", "query_code", "payee", "account"),
    ),
    Kind("award-approved", "award", ("approver",), {"amount": shape.amount_fen}, _ON, ("note",)),
    Kind("award-returned", "award", ("approver",), maybe=_ON, private=("reason",)),
    Kind("award-refused", "award", ("approver",), maybe=_DATED, private=("reason",)),
    Kind("account-given", "award", ("clerk",), maybe=_ON, private=("payee", "account", "relation")),
    # a payment: in the log of the department that pays
    Kind(
        "payment-created",
        "payment",
        ("finance",),
        {"award": shape.reference, "amount": shape.amount_fen},
        {"reissues": shape.handle, **_ON},
        ("number", "payee", "account"),
    ),
    Kind("payment-released", "payment", ("authoriser",), maybe=_ON),
    Kind(
        "payment-reported",
        "payment",
        ("finance",),
        {"outcome": shape.one_of("accepted", "rejected", "returned")},
        {"reason": shape.code, **_ON},
    ),
    Kind(
        "bank-result",
        "payment",
        ("finance",),
        {"outcome": _BANK_OUTCOME, **_BANK_FILE},
        {"reason": shape.code, **_ON},
    ),
    # the citizen's own word, in the log of the department that took it
    Kind(
        "citizen-word",
        "word",
        (DESK,),
        {"payment": shape.reference, "word": shape.one_of("received", "received-with-issues", "not-received")},
        {"amount": shape.amount_fen, **_ON},
    ),
    # what departments say of a finding
    Kind("finding-explained", "answer", shape.ROLES, _FINDING, _COMPARED, ("words",)),
    Kind(
        "finding-concluded",
        "answer",
        ("auditor",),
        {**_FINDING, "outcome": shape.one_of("settled", "confirmed", "false-alarm")},
        _COMPARED,
        ("words",),
    ),
    # a mistake taken back by who made it, before anyone built on it
    Kind("amendment", "any", ("clerk", "approver", "finance"), {"amends": shape.leaf}, private=("reason",)),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.typ: kind for kind in _ALL})
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})  # the version we write
