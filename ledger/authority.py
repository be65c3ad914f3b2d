"""Decides whether an act may be signed: role, four eyes, what other departments have said, and the rules that stop.

`fold.apply` has already said that the record can follow; here stands what needs persons, other logs or a rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ledger import answers, epochs
from ledger.errors import Refused, RoleMissing
from ledger.folding import read_folded
from ledger.records.cases import CaseState
from ledger.records.fold import Folded
from ledger.records.funds import (
    NEEDS_ANOTHER_ACCOUNT,
    AwardState,
    AwardStatus,
    PaymentState,
    PaymentStatus,
    Ref,
)
from ledger.records.kinds import BY_NAME, DESK
from ledger.records.statement import Statement
from ledger.rules import money
from ledger.rules.logs import STOLEN_KEY
from ledger.scribe import Draft
from ledger.snapshots import Dossier
from ledger.storage import facts as rows
from ledger.storage import findings, lookups
from ledger.storage.network import Network
from ledger.storage.schema import feed
from ledger.storage.signers import read_persons
from ledger.storage.vault import VaultRow, newest, read_rows
from ledger.times import start_of_day

# Confirmed by a fresh code from the officer's telephone; whatever else is signed needs a sign-in only.
NEEDS_CODE = frozenset(
    {
        "case-approved",
        "case-refused",
        "award-approved",
        "award-refused",
        "payment-created",
        "payment-released",
        "payment-reported",
        "amendment",
    }
)
_MAY_ASK_THE_CITIZEN = frozenset({PaymentStatus.ACCEPTED, PaymentStatus.CREDITED})
_MOVES_MONEY = frozenset({"payment-created", "payment-released"})
_MONEY = (AwardState, PaymentState)


def check_role(statement: Statement, roles: tuple[str, ...]) -> None:
    """Check that one of these roles may make such a statement; raises RoleMissing."""
    if not set(roles) & set(BY_NAME[statement.kind].signers):
        raise RoleMissing(statement.kind, roles)


@dataclass(frozen=True, slots=True)
class Authority:
    """What the desk of one node lets pass."""

    log_id: int
    origin: str
    stop_rules: frozenset[str]

    def check(self, conn: Connection, statement: Statement, draft: Draft, kid: str, person: str) -> None:
        """Check an act that `apply` allows; raises Refused with the rule that refuses."""
        if statement.kind in _MOVES_MONEY:
            self._check_keys(conn, draft)
        if BY_NAME[statement.kind].signers != (DESK,):
            self._check_four_eyes(conn, statement, draft, person)
        match statement.kind:
            case "payment-created" if self.stop_rules:
                self._check_award(conn, statement)
            case "amendment":
                self._check_unbuilt(conn, draft)
            case "finding-explained" | "finding-concluded" if self.stop_rules:
                answers.check(conn, statement, Network.read(conn).name(self.origin))
            case "epoch-founded" | "epoch-agreed" if self.stop_rules:
                epochs.check(conn, statement)
            case "citizen-word":
                self._check_word(conn, Ref.of(_mapping(statement.clear["payment"])))
        if self.stop_rules:
            self._check_rules(conn, draft, kid, person)

    def _check_keys(self, conn: Connection, draft: Draft) -> None:
        """No money moves on what was signed with a stolen key, here or in another department's log."""
        about = [*_awards_touched(draft, self.origin), *(Ref(self.origin, handle) for handle in draft.after)]
        for finding in findings.read_standing(conn, about):
            stolen = finding.rule == "R50" and finding.facts.get("reason") == STOLEN_KEY
            if stolen and finding.state not in findings.LIFTED:
                raise Refused("signed-with-stolen-key", rule="R50")

    def _check_four_eyes(self, conn: Connection, statement: Statement, draft: Draft, person: str) -> None:
        before = draft.before.get(statement.sub)
        kid = None if before is None else _step_before(statement.kind, before)
        if kid is not None and read_persons(conn, self.log_id, [kid]).get(kid) == person:
            raise Refused("four-eyes", rule="R10")

    def _check_award(self, conn: Connection, statement: Statement) -> None:
        ref = Ref.of(_mapping(statement.clear["award"]))
        network = Network.read(conn)
        log_id = network.log_id(ref.log)
        folded = None if log_id is None else read_folded(conn, log_id, ref.sub)
        award = None if folded is None else folded.state
        if not isinstance(award, AwardState) or award.status is not AwardStatus.APPROVED:
            raise Refused("award-not-approved", rule="R09")
        if award.payer != self.origin:
            raise Refused("another-payer", rule="R09")
        original = statement.clear.get("reissues")
        if original is not None:
            self._check_reissue(conn, str(original), award)

    def _check_reissue(self, conn: Connection, original: str, award: AwardState) -> None:
        failed = read_folded(conn, self.log_id, original)
        if failed is None or not isinstance(failed.state, PaymentState):
            raise Refused("refers-to-nothing")
        if failed.state.reason in NEEDS_ANOTHER_ACCOUNT:
            given = award.account_given
            if given is None or given < _failed_at(failed.state, failed.since):
                raise Refused("account-closed")

    def _check_unbuilt(self, conn: Connection, draft: Draft) -> None:
        # `apply` has seen to this log; in others somebody may have built on it as well.
        for handle, folded in draft.after.items():
            if isinstance(folded.state, _MONEY) and any(
                status != PaymentStatus.CANCELLED
                for _log, _sub, status in rows.read_children(conn, self.origin, handle)
            ):
                raise Refused("already-built-upon")

    def _check_word(self, conn: Connection, payment: Ref) -> None:
        log_id = Network.read(conn).log_id(payment.log)
        folded = None if log_id is None else read_folded(conn, log_id, payment.sub)
        if folded is None or not isinstance(folded.state, PaymentState):
            raise Refused("refers-to-nothing")
        if folded.state.status not in _MAY_ASK_THE_CITIZEN:
            raise Refused("nothing-to-confirm")
        # A word in the payer's log silences nobody elsewhere: whoever pays does not vouch for itself.
        said = {child for child, _handle, _status in rows.read_children(conn, payment.log, payment.sub)}
        if said - ({log_id} - {self.log_id}):
            raise Refused("already-said")

    def _check_rules(self, conn: Connection, draft: Draft, kid: str, person: str) -> None:
        for ref in sorted(_awards_touched(draft, self.origin), key=lambda each: (each.log, each.sub)):
            dossier = Dossier.read(conn, ref)
            broken = self._broken(dossier.changed(self.origin, draft.after, kid, person))
            # What was broken before may be told and taken back, but no more money moves under it.
            excused = set() if draft.record.kind in _MOVES_MONEY else self._broken(dossier)
            if broken - excused:
                raise Refused("rule", rule=min(rule for rule, _about in broken - excused))

    def _broken(self, dossier: Dossier) -> set[tuple[str, Ref | None]]:
        return {(each.rule, each.about) for each in money(dossier.snapshot()) if each.rule in self.stop_rules}


def _awards_touched(draft: Draft, origin: str) -> set[Ref]:
    found = set()
    for handle, folded in draft.after.items():
        if isinstance(folded.state, AwardState):
            found.add(Ref(origin, handle))
        elif isinstance(folded.state, PaymentState):
            found.add(folded.state.award)
    return found


def _step_before(kind: str, before: Folded) -> str | None:
    match kind, before.state:
        case "case-approved" | "case-refused" | "case-returned", CaseState(step_by=kid):
            return kid
        case "award-approved" | "award-refused" | "award-returned", AwardState(proposed_by=kid):
            return kid
        case "payment-released", PaymentState(ordered_by=kid):
            return kid
    return None


def _failed_at(payment: PaymentState, since: int) -> int:
    if payment.happened_on is None:
        return since
    return start_of_day(payment.happened_on)


def _mapping(claim: object) -> Mapping[str, Any]:
    if not isinstance(claim, Mapping):
        raise Refused("refers-to-nothing")
    return claim


# --- the account that an award is paid to ---

_GIVEN_AT = (
    select(feed.c.idx)
    .where(
        feed.c.log_id == bindparam("log_id"),
        feed.c.handle == bindparam("handle"),
        feed.c.kind == "account-given",
    )
    .order_by(feed.c.idx.desc())
    .limit(1)
)


def account_rows(conn: Connection, log_id: int, award: str) -> dict[str, VaultRow]:
    """The newest payee, account, number and query code of an award; raises Refused until they are here.

    When another account was given since, it is that one or none: the old one is closed.
    """
    held = read_rows(conn, [award])
    found = {name: newest(held, log_id, award, name) for name in ("payee", "account", "number", "query_code")}
    given: int | None = conn.execute(_GIVEN_AT, {"log_id": log_id, "handle": award}).scalar()
    account, number = found["account"], found["number"]
    if account is None or number is None or found["payee"] is None or (given is not None and account.idx < given):
        raise Refused("payee-not-here")
    return {name: row for name, row in found.items() if row is not None}


def owner_of(conn: Connection, network: Network, ref: Ref) -> str | None:
    """The citizen whom an object of any log belongs to here."""
    log_id = network.log_id(ref.log)
    return None if log_id is None else lookups.read_owner(conn, (log_id, ref.sub))
