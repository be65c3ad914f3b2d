"""A log that was rewritten (R36), told by what it once signed: which amount then, which now, and who holds copies."""

from dataclasses import dataclass
from typing import Self

from ledger.facts import Facts
from ledger.peers.difference import DIFFERS
from ledger.records.funds import Ref
from ledger.views import Finding

RULE = "R36"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One record whose amount is another one now."""

    about: Ref  # the object that the record speaks of
    department: str  # that signed both
    at: int  # of the record as it was signed first, seconds since 1970
    was: int  # fen
    now: int
    holders: tuple[str, ...]  # who stored it as it was: this department first

    @classmethod
    def of(cls, facts: Facts, found: Finding) -> Self | None:
        """What a finding holds of it; None as long as nobody knows, or when it is no amount that was changed."""
        differs = found.facts.get(DIFFERS)
        if found.rule != RULE or differs is None:
            return None
        then, now = differs["signed"], differs["served"]
        same = all(then.get(name) is not None and then.get(name) == now.get(name) for name in ("kind", "sub"))
        amounts = then.get("amount"), now.get("amount")
        if not same or None in amounts or amounts[0] == amounts[1]:
            return None
        log, own = found.facts["log"], facts.network.own.origin
        department = facts.department(log)
        others = sorted(facts.trust([(log, differs["index"])]).departments)
        holders = (facts.department(own), *(name for name in others if name != department))
        return cls(Ref(log, then["sub"]), department, then["at"], *amounts, holders)
