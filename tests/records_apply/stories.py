"""Makes up stories of one log: records in a row, each of which may or may not be allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from ledger.errors import IllegalStep
from ledger.records import base64url
from ledger.records.answers import handle_of
from ledger.records.epochs import HANDLE as EPOCHS
from ledger.records.fold import Folded, apply
from ledger.records.kinds import BY_NAME
from ledger.records.statement import Record, Statement, sign

ORIGIN = "21.example/log"
PAYER = "22.example/log"


def handle(name: str) -> str:
    return base64url.encode(sha256(name.encode()).digest()[:16])


def kid(name: str) -> str:
    return base64url.encode(sha256(name.encode()).digest())


CLERK, APPROVER = kid("clerk"), kid("approver")


@dataclass
class Story:
    """The log of one department, folded in memory as it is told."""

    objects: dict[str, Folded] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    at: int = 1_790_000_000

    def draft(
        self, kind: str, sub: str, clear: Mapping[str, Any] | None = None, *, by: str = CLERK, prev: str | None = ""
    ) -> Record:
        """A record whose signature nobody has made: what follows what does not depend on it."""
        self.at += 60
        current = self.objects.get(sub)
        chain = (None if current is None else current.chain) if prev == "" else prev
        count = len(self.records)
        salts = [sha256(f"{count}/{self.at}/{n}".encode()).digest()[:16] for n in range(BY_NAME[kind].digests)]
        return sign(
            Statement(kind, sub, clear or {}),
            iss=ORIGIN,
            jti=handle(f"jti {count} {self.at}"),
            iat=self.at,
            prev=chain,
            kid=by,
            salts=salts,
            signer=lambda _text: bytes(64),
        ).record

    def tell(self, kind: str, sub: str, clear: Mapping[str, Any] | None = None, *, by: str = CLERK) -> Record:
        record = self.draft(kind, sub, clear, by=by)
        self.objects |= apply(self.objects.get, record)
        self.records.append(record)
        return record

    def try_to_tell(self, kind: str, sub: str, clear: Mapping[str, Any] | None = None, *, by: str = CLERK) -> bool:
        before = dict(self.objects)
        try:
            self.tell(kind, sub, clear, by=by)
        except IllegalStep:
            assert self.objects == before
            return False
        return True

    def amend(self, sub: str, *, by: str | None = None) -> Record:
        folded = self.objects[sub]
        return self.tell("amendment", sub, {"amends": folded.chain}, by=by or folded.head.kid)


CASES = [handle("case a"), handle("case b")]
AWARDS = [handle("award a"), handle("award b")]
PAYMENTS = [handle("payment a"), handle("payment b"), handle("payment c")]
WORDS = [handle("word a"), handle("word b")]
OUTCOMES = ("accepted", "held", "credited", "rejected", "returned")

_ref_award = st.sampled_from(AWARDS).map(lambda sub: {"log": "22.example/log", "sub": sub})
_ref_payment = st.sampled_from(PAYMENTS).map(lambda sub: {"log": ORIGIN, "sub": sub})
_amount = st.integers(1, 3)
_reason = st.sampled_from(["AC01", "AC04", "AM05"])


def _maybe(**optional: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


def _fixed(**given: st.SearchStrategy) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(given)


def _members(origins: list[str]) -> list[dict[str, str]]:
    return [{"log": origin, "genesis": "g" * 42 + "A"} for origin in sorted(origins)]


_NOTHING: st.SearchStrategy[dict[str, Any]] = st.just({})
FINDINGS = ["QHMTRE7Z", "00000000"]
_named = st.sampled_from(FINDINGS)
_ABOUT = {
    "case": st.sampled_from(CASES),
    "award": st.sampled_from(AWARDS),
    "payment": st.sampled_from(PAYMENTS),
    "word": st.sampled_from(WORDS),
    "answer": _named.map(handle_of),
    "epochs": st.sampled_from([EPOCHS, CASES[0]]),
    "any": st.sampled_from([*CASES, *AWARDS, *PAYMENTS, *WORDS, EPOCHS]),
}
_CLEAR = {
    "case-submitted": _fixed(matter=st.just("m1")),
    "case-correction-due": _fixed(until=st.just("2026-12-01")),
    "case-completed": _fixed(step=st.integers(0, 2)),
    "case-returned": _fixed(step=st.integers(0, 2)),
    "award-proposed": _fixed(
        case=st.sampled_from(CASES), programme=st.just("p1"), amount=_amount, payer=st.just(PAYER)
    ),
    "award-approved": _fixed(amount=_amount),
    "payment-created": st.builds(
        lambda fixed, optional: fixed | optional,
        _fixed(award=_ref_award, amount=_amount),
        _maybe(reissues=st.sampled_from(PAYMENTS)),
    ),
    "payment-reported": st.builds(
        lambda fixed, optional: fixed | optional,
        _fixed(outcome=st.sampled_from(("accepted", "rejected", "returned"))),
        _maybe(reason=_reason),
    ),
    "bank-result": st.builds(
        lambda fixed, optional: fixed | optional,
        _fixed(outcome=st.sampled_from(OUTCOMES), file=st.just("ab" * 32), line=st.just(1)),
        _maybe(reason=_reason),
    ),
    "epoch-founded": _fixed(
        members=st.sampled_from([["22.example/log", "23.example/log"], [ORIGIN, PAYER]]).map(_members)
    ),
    "epoch-agreed": _fixed(
        epoch=st.integers(2, 3),
        before=st.just("b" * 42 + "A"),
        ballot=st.integers(1, 2),
        change=st.sampled_from(("joined", "left")),
        department=st.just("体育局"),
        member=st.just("31.example/log"),
        genesis=st.just("g" * 42 + "A"),
    ),
    "finding-explained": _fixed(finding=_named, rule=st.sampled_from(("R19", "R09"))),
    "finding-concluded": _fixed(
        finding=_named, rule=st.just("R19"), outcome=st.sampled_from(("settled", "confirmed", "false-alarm"))
    ),
    "citizen-word": st.builds(
        lambda fixed, optional: fixed | optional,
        _fixed(payment=_ref_payment, word=st.sampled_from(("received", "received-with-issues", "not-received"))),
        _maybe(amount=_amount),
    ),
}
_GOVERNED = {"genesis", "rotation", "membership", "enrolment", "renewal", "revocation"}
KINDS = [kind for kind in BY_NAME.values() if kind.name not in _GOVERNED]


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], str]:
    """One act: kind, object, clear claims, who; the amended record is filled in when it is told."""
    kind = draw(st.sampled_from(KINDS))
    return (
        kind.name,
        draw(_ABOUT[kind.topic]),
        draw(_CLEAR.get(kind.name, _NOTHING)),
        draw(st.sampled_from([CLERK, APPROVER])),
    )


def tell_all(story: Story, told: list[tuple[str, str, dict[str, Any], str]]) -> int:
    """Tell what is allowed of it; returns how much that was."""
    good = 0
    for kind, sub, clear, by in told:
        said = dict(clear)
        if kind == "amendment":
            current = story.objects.get(sub)
            said["amends"] = kid("nothing") if current is None else current.chain
        good += story.try_to_tell(kind, sub, said, by=by)
    return good
