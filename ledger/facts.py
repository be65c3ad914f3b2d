"""What is true now, of our own log and of every mirror: the one place where questions are answered from.

A `Facts` reads as of one moment and lives for one question. It loads a case with all that hangs on it at once, and
opens only what is asked for. What it read stays in its memory for the next question of the same moment.
"""

import hmac
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from ledger.answers import read_life
from ledger.casefiles import CaseFiles
from ledger.folding import dispute, fold, read_folded, take_disclosures, wait_for_disclosures
from ledger.memory import Memory, Mirrored
from ledger.records import base64url
from ledger.records.answers import handle_of
from ledger.records.funds import Ref
from ledger.records.statement import parse_record
from ledger.snapshots import award_snapshot
from ledger.storage import facts as rows
from ledger.storage import lookups
from ledger.storage import officers as staff
from ledger.storage import vault as sealed
from ledger.storage.entries import two_entries_between
from ledger.storage.findings import read_finding, read_findings
from ledger.storage.lookups import Lookups
from ledger.storage.network import Network
from ledger.storage.vault import Vault
from ledger.views import (
    AwardView,
    Binding,
    CaseView,
    Finding,
    FindingStep,
    HistoryLine,
    Officer,
    PaymentView,
    Trust,
)

__all__ = [
    "Facts",
    "Found",
    "award_snapshot",
    "dispute",
    "fold",
    "read_folded",
    "take_disclosures",
    "wait_for_disclosures",
]

T = TypeVar("T")

PAGE = 10


@dataclass(frozen=True, slots=True)
class Found:
    """What a typed number stands for. That it was found must not be told without a good code or a binding."""

    topic: str  # case, award, payment
    ref: Ref
    citizen: str
    _code_mac: bytes | None = field(repr=False)
    _lookups: Lookups = field(repr=False)

    def code_ok(self, code: str) -> bool:
        """Whether this is the query code, in constant time."""
        return hmac.compare_digest(self._lookups.code_mac(code), self._code_mac or b"")


class Facts:
    """Answers questions as of one moment; belongs to one short transaction."""

    def __init__(self, conn: Connection, *, vault_key: bytes, lookup_key: bytes, memory: Memory | None = None) -> None:
        self._conn = conn
        self._vault = Vault(vault_key)
        self._lookups = Lookups(lookup_key)
        self._memory = Memory() if memory is None else memory
        self._files = CaseFiles(conn, self._vault, self._memory)

    @property
    def network(self) -> Network:
        """The departments that we hold logs of."""
        return self._files.network

    # --- finding a thing ---

    def find(self, number: str) -> Found | None:
        """What a number stands for; the same work for one that nobody was given."""
        network, found = self.network, self._lookups.find(self._conn, number)
        if found is None:
            return None
        ref = Ref(network.origin(found.log_id), found.handle)
        return Found(found.topic, ref, found.citizen, found.code_mac, self._lookups)

    def find_record(self, low: bytes, high: bytes) -> tuple[Ref, str] | None:
        """The one record of our own log whose leaf hash lies from `low` to `high`: its object, and its full id."""
        found = two_entries_between(self._conn, self.network.own.id, low, high)
        if len(found) != 1:
            return None
        record = parse_record(found[0])
        return Ref(record.iss, record.sub), record.record_id

    def case(self, ref: Ref) -> CaseView | None:
        """One case; None when nothing of it is here."""
        row = self._files.row(ref, "case")
        return None if row is None else self._files.case(row)

    def award(self, ref: Ref) -> AwardView | None:
        """One award; None when nothing of it is here."""
        row = self._files.row(ref, "award")
        return None if row is None else self._files.award(row)

    def payment(self, ref: Ref) -> PaymentView | None:
        """One payment; None when nothing of it is here."""
        row = self._files.row(ref, "payment")
        return None if row is None else self._files.payment(row)

    def awards_of(self, case: Ref) -> list[AwardView]:
        """The awards of a case, oldest first."""
        self._files.row(case, "case")
        return [self._files.award(row) for row in self._files.below(case, "award")]

    def payments_of(self, award: Ref) -> list[PaymentView]:
        """The payments of an award, in whatever log, oldest first."""
        self._files.row(award, "award")
        return [self._files.payment(row) for row in self._files.below(award, "payment")]

    def cases_of(self, citizen: str) -> list[CaseView]:
        """A citizen's cases, oldest first."""
        return [self._files.case(row) for row in self._files.of_citizen(citizen) if row.topic == "case"]

    def awards_of_citizen(self, citizen: str) -> list[AwardView]:
        """What a citizen was awarded, oldest first."""
        return [self._files.award(row) for row in self._files.of_citizen(citizen) if row.topic == "award"]

    def payments_of_citizen(self, citizen: str) -> list[PaymentView]:
        """What is paid to a citizen, oldest first; also where the payment's number has not come yet."""
        return [self._files.payment(row) for row in self._files.of_citizen(citizen) if row.topic == "payment"]

    def private(self, ref: Ref, name: str) -> Any:
        """The newest value of that name told about an object, or None: never told, not here yet, or erased."""
        row = self._files.row(ref)
        return None if row is None else self._files.private(row, name)

    # --- what waits ---

    def queue(
        self, topic: str, statuses: Iterable[str], *, log: str | None = None, offset: int = 0, limit: int = PAGE
    ) -> list[Ref]:
        """Objects of one log (ours unless named) in one of these states, the longest waiting first."""
        origin = log or self.network.own.origin
        log_id = self.network.log_id(origin)
        if log_id is None:
            return []
        wanted = [str(status) for status in statuses]
        return [
            Ref(origin, sub) for sub in rows.read_queue(self._conn, log_id, topic, wanted, offset=offset, limit=limit)
        ]

    def awards_to_pay(self, *, offset: int = 0, limit: int = PAGE) -> list[Ref]:
        """Approved awards that name us as payer and for which we have ordered nothing, the longest waiting first."""
        own = self.network.own
        found = rows.read_unpaid_awards(self._conn, own.origin, own.id, offset=offset, limit=limit)
        return [Ref(self.network.origin(log_id), sub) for log_id, sub in found]

    # --- how well it is checked ---

    def history(self, ref: Ref) -> list[HistoryLine]:
        """Every record about an object and what hangs on it, in the order they were said."""
        if self._files.row(ref) is None:
            return []
        lines = []
        for row in rows.read_story(self._conn, sorted(sub for _log, sub in self._files.tree_of(ref))):
            record, log = parse_record(bytes(row.entry)), self.network.log(row.log_id)
            lines.append(
                HistoryLine(
                    Ref(log.origin, row.handle),
                    record.iat,
                    record.clear.get("on"),
                    self.network.name(log.origin),
                    record.kind,
                    record.record_id,
                    row.idx,
                    self.officer_name(log.origin, record.kid),
                    record.clear,
                    before_network=log.first_cosigned is None or row.idx < log.first_cosigned,
                )
            )
        return lines

    def trust(self, needs: Iterable[tuple[str, int]]) -> Trust:
        """Which departments hold every record (log, index) that an answer is computed from."""
        wanted: dict[int, int] = {}
        newest = 0
        for origin, index in needs:
            log_id = self.network.log_id(origin)
            assert log_id is not None  # the answer was computed from it
            wanted[log_id] = max(index, wanted.get(log_id, -1))
            newest = max(newest, self._files.time_of(log_id, index))
        if self._memory.mirrored is None:
            self._memory.mirrored = rows.read_mirrored(self._conn)
        times = self._mirrors_over(wanted, self._memory.mirrored)
        return Trust(tuple(times), min(times.values(), default=None), newest, times)

    def _mirrors_over(self, wanted: dict[int, int], mirrored: Mirrored) -> dict[str, int]:
        known, key = self._memory.mirrors, tuple(wanted.items())
        if key not in known:
            known[key] = self.network.mirrors_over(wanted, mirrored)
        return known[key]

    def findings(self, ref: Ref | None = None, *, open_only: bool = True) -> list[Finding]:
        """What did not agree: everywhere, or about an object and all that hangs on it; the open and gravest first."""
        if ref is None:
            return read_findings(self._conn, open_only=open_only)
        if self._files.row(ref) is None:
            return []
        known = self._memory.findings.get(ref)
        if known is None:
            about = [Ref(*each) for each in self._files.tree_of(ref)]
            known = self._memory.findings[ref] = read_findings(self._conn, about, open_only=False)
        return [one for one in known if one.is_open or not open_only]

    def finding(self, name: str) -> Finding | None:
        """One finding, whatever became of it; None when it was never found here."""
        return read_finding(self._conn, name)

    def finding_life(self, name: str) -> list[FindingStep]:
        """What a finding has been, and what departments said of it: nothing private is in it."""
        return read_life(self._conn, name)

    def finding_words(self, name: str) -> dict[str, str]:
        """In which words our own department explained or decided a finding, by record id; for officers alone."""
        held = sealed.read_rows(self._conn, [handle_of(name)])
        opened = {base64url.encode(row.leaf): self._vault.value(row) for row in held if row.name == "words"}
        return {record: words for record, words in opened.items() if isinstance(words, str)}

    def ask(self, question: Callable[[Connection], T]) -> T:
        """What another part of the ledger says, as of this same moment."""
        return question(self._conn)

    def remembered(self, key: Hashable, compose: Callable[[], T]) -> T:
        """What `compose` makes of facts, until one changes; all else that it depends on stands in `key`."""
        told = self._memory.told
        if key not in told:
            told[key] = compose()
        return cast("T", told[key])

    # --- who is who ---

    def officer_of(self, openid: str) -> Officer | None:
        """The officer in force whom a chat account belongs to."""
        found = staff.by_account(self._conn, openid)
        return None if found is None or found.to_index is not None else self._officer(found)

    def officers(self) -> list[tuple[Officer, bool]]:
        """Everybody who was ever enrolled here, and whether their key is in force."""
        return [(self._officer(row), row.to_index is None) for row in staff.all_officers(self._conn)]

    def officer_name(self, log: str, kid: str) -> str | None:
        """Name of one of our own officers; what other departments' officers are called we never learn."""
        if log != self.network.own.origin:
            return None
        found = staff.by_kid(self._conn, kid)
        return None if found is None else self._name_of(found.handle)

    def citizens_of(self, openid: str) -> list[Binding]:
        """The citizens whom a chat account is bound to, the oldest binding first."""
        bound = self._memory.bound
        if openid not in bound:
            bound[openid] = [Binding(*row) for row in lookups.read_bound(self._conn, openid)]
        return list(bound[openid])

    def accounts_of(self, citizen: str) -> list[str]:
        """The chat accounts bound to a citizen."""
        return lookups.read_accounts(self._conn, citizen)

    def account_of_officer(self, handle: str) -> str | None:
        """The chat account of one of our own officers."""
        return staff.account_of(self._conn, handle)

    def citizen_with(self, id_number: str) -> str | None:
        """The citizen whom a case here names with this ID number."""
        return self._lookups.person(self._conn, id_number)

    def department(self, origin: str) -> str:
        """Name of the department behind a log."""
        return self.network.name(origin)

    def origin_named(self, name: str) -> str | None:
        """The log of the department of that name."""
        return self.network.origin_named(name)

    def prefixes(self) -> dict[str, str]:
        """Number prefixes known in the network, and whose they are."""
        return self.network.prefixes()

    # --- inside ---

    def _officer(self, row: staff.OfficerRow) -> Officer:
        return Officer(row.handle, row.kid, self._name_of(row.handle), tuple(row.roles), row.person)

    def _name_of(self, handle: str) -> str | None:
        held = self._memory.sealed
        if handle not in held:
            held[handle] = sealed.read_rows(self._conn, [handle])
        found = sealed.newest(held[handle], self.network.own.id, handle, "name")
        return None if found is None else self._vault.value(found)
