"""The one way a record comes to be: authorise, check, sign, append and fold, in one transaction.

Nothing is signed that the rules forbid, and whoever asks twice for the same deed gets the first answer: `once`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from ledger import bindings, officers, second_factor, tickets
from ledger.authority import NEEDS_CODE, Authority, check_role
from ledger.bindings import Allowance, Bound, Unbound
from ledger.errors import Busy, Refused
from ledger.folding import DESK_PERSON, read_folded
from ledger.keys import Keys, NodeKeys
from ledger.log import OwnLog
from ledger.officers import Access, NewOfficer
from ledger.particulars import Particulars, parent_of
from ledger.records.fold import Folded
from ledger.records.jsonstrict import Json
from ledger.records.kinds import DESK
from ledger.records.statement import Statement
from ledger.rotation import record_rotation
from ledger.scribe import Draft, Objects, Pen, Scribe, Submitted, new_handle
from ledger.storage import lookups
from ledger.storage.engine import reading, transaction
from ledger.storage.network import Network
from ledger.storage.officers import OfficerRow
from ledger.storage.vault import Vault
from ledger.tickets import Link, Purpose, Ticket

__all__ = [
    "DESK",
    "STOP",
    "Access",
    "Allowance",
    "Bound",
    "Desk",
    "Link",
    "NewOfficer",
    "Opened",
    "Purpose",
    "Submitted",
    "Ticket",
    "Unbound",
    "new_handle",
]

STOP = frozenset({"R01", "R09", "R10", "R11", "R19"})


@dataclass(frozen=True, slots=True)
class Opened:
    """A case just handed in: what stands on the slip."""

    number: str
    query_code: str
    citizen: str
    submitted: Submitted


@dataclass(frozen=True, slots=True)
class Signing:
    """Whoever signs: `officer` is None for the node's own key."""

    kid: str
    person: str
    officer: OfficerRow | None


class Desk:
    """The desk of one node."""

    def __init__(
        self,
        log: OwnLog,
        keys: Keys,
        now: Callable[[], int],
        *,
        stop_rules: frozenset[str] = STOP,
        story: bool = False,
    ) -> None:
        """`stop_rules`: the rules that hold an act back.

        `story`: told before the network began, so nobody is notified, and no telephone is asked for a code.
        """
        self.log = log
        self.now = now
        self._keys = keys
        self._story = story
        self._lookups = lookups.Lookups(keys.lookup_key)
        self._scribe = Scribe(log, keys, now, story=story)
        self._particulars = Particulars(log.id, log.origin, keys, now)
        self._authority = Authority(log.id, log.origin, stop_rules)
        self._pens: dict[str, Pen] = {}

    # --- acts ---

    def submit(
        self,
        statement: Statement,
        *,
        by: str,
        once: str,
        citizen: str | None = None,
        code: str | None = None,
        stop: bool = True,
        as_read: str | None = None,
    ) -> Submitted:
        """Sign a statement and make it true; durable when this returns.

        `by` is an officer's handle, or DESK where no officer acts. `once` names the deed: a known one returns what came
        of it, before any check. `citizen`: whom it must concern, or whose new case it is. `stop=False` leaves out the
        rules that stop. `as_read`: what `check` returned when it was read back; refused when something was said since
        about what it builds on. Raises Refused, IllegalStep, RoleMissing, OfficerUnknown, CodeWrong, CodeUsed,
        CodeLocked, Busy and Behind; then nothing was signed.
        """
        try:
            done = self.log.group.run(
                lambda conn: self._submit(
                    conn, statement, by=by, once=once, citizen=citizen, code=code, stop=stop, as_read=as_read
                )
            )
        except Busy:
            # A connection that breaks in the middle of a commit tells nobody whether it was done: the database does.
            with reading(self.log.engine) as conn:
                known = self._scribe.recall(conn, once)
            if known is None:
                raise
            return known
        # A wrong code stays counted: the refusal is raised only after that is durable.
        if isinstance(done, Refused):
            raise done
        return done

    def check(self, statement: Statement, by: str) -> str:
        """Check what `submit` would check, before anything is read back to the officer; raises Refused.

        Returns what stands for all that the statement builds on, as it is now: `submit` takes it as `as_read`.
        """
        with reading(self.log.engine) as conn:
            return self._standing(conn, statement, self._rehearsed(conn, statement, by, {}))

    def open_case(
        self, matter: str, private: Mapping[str, Json], *, by: str, once: str, citizen: str | None = None
    ) -> Opened:
        """Take an application in; returns what stands on the slip. The same deed again returns the same slip.

        It joins the citizen whose `id_number` it names, if an earlier case here named it too.
        """
        done = self.submit(
            Statement("case-submitted", new_handle(), {"matter": matter}, private), by=by, once=once, citizen=citizen
        )
        with reading(self.log.engine) as conn:
            owner = lookups.read_owner(conn, (self.log.id, done.sub))
            told = self._particulars.private_of(conn, done.sub, ("number", "query_code"))
        assert owner is not None  # it was numbered when it was entered
        return Opened(told["number"], told["query_code"], owner, done)

    def _submit(
        self,
        conn: Connection,
        statement: Statement,
        *,
        by: str,
        once: str,
        citizen: str | None,
        code: str | None,
        stop: bool,
        as_read: str | None,
    ) -> Submitted | Refused:
        if (known := self._scribe.recall(conn, once)) is not None:
            return known
        signing = self._signer(conn, statement, by)
        officer = signing.officer
        if officer is not None and (wrong := self._check_code(conn, statement, officer, code, once)) is not None:
            return wrong
        return self._act(conn, statement, signing, once=once, citizen=citizen, stop=stop, as_read=as_read)

    def _act(
        self,
        conn: Connection,
        statement: Statement,
        signing: Signing,
        *,
        once: str,
        citizen: str | None,
        stop: bool,
        as_read: str | None = None,
    ) -> Submitted:
        """Check and enter an act whose signer has proved to be there."""
        objects, vault = Objects(conn, self.log.id), Vault(self._keys.vault_key)
        owner = self._particulars.owner(conn, objects, statement, citizen)
        complete = self._particulars.complete(conn, statement)
        draft = self._scribe.draft(objects, complete, signing.kid)
        if as_read is not None and as_read != self._standing(conn, statement, draft):
            raise Refused("prev-mismatch")
        authority = self._authority if stop else replace(self._authority, stop_rules=frozenset())
        authority.check(conn, complete, draft, signing.kid, signing.person)
        if owner is None and draft.disclosures:
            owner = vault.add_citizen(conn)
        done = self._scribe.enter(conn, objects, draft, self._pen(signing.officer), citizen=owner, vault=vault)
        if owner is not None and draft.before[statement.sub] is None and "number" in complete.private:
            number, query_code = str(complete.private["number"]), complete.private.get("query_code")
            self._scribe.number(conn, done.sub, number, owner, self._particulars.code_mac(conn, complete, query_code))
            if (id_number := complete.private.get("id_number")) is not None:
                self._lookups.know(conn, str(id_number), owner)
        return self._scribe.remember(conn, once, done)

    # --- for acts that share a transaction: `batches` ---

    def act_in(self, conn: Connection, statement: Statement, by: str, *, once: str) -> Submitted:
        """Enter one of several acts, after `spend_code_in`; raises Refused: then the transaction must not commit."""
        return self._act(conn, statement, self._signer(conn, statement, by), once=once, citizen=None, stop=True)

    def rehearse(
        self, conn: Connection, statement: Statement, by: str, made: Mapping[str, Folded]
    ) -> Mapping[str, Folded]:
        """What an act would make of its objects, where `made` stands for what was made before; raises Refused."""
        return self._rehearsed(conn, statement, by, made).after

    def _rehearsed(self, conn: Connection, statement: Statement, by: str, made: Mapping[str, Folded]) -> Draft:
        signing = self._signer(conn, statement, by)
        draft = self._scribe.draft(Objects(conn, self.log.id, made), statement, signing.kid)
        self._authority.check(conn, statement, draft, signing.kid, signing.person)
        if statement.kind == "payment-created":
            self._particulars.award_private(conn, statement)
        return draft

    def spend_code_in(self, conn: Connection, by: str, code: str, once: str) -> Refused | None:
        """Use up an officer's code, or say why it does not count; always commit afterwards. Raises OfficerUnknown."""
        officer = officers.in_force(conn, by)
        return second_factor.spend_code(conn, officer, self._totp(officer), code, once=once, now=self.now())

    def recall_in(self, conn: Connection, once: str) -> Submitted | None:
        """What came of a deed the first time, or None."""
        return self._scribe.recall(conn, once)

    def name_deed(self, domain: str, text: str) -> str:
        """A name for `once` made of something private: keyed, so that nobody can read it out of the table."""
        return f"{domain}:{self._lookups.mac(domain, text).hex()}"

    def _standing(self, conn: Connection, statement: Statement, draft: Draft) -> str:
        """The last records about what a statement builds on, the award in another log too: with it goes the account."""
        known = dict(draft.before)
        parent = parent_of(statement, self.log.origin)
        log_id = None if parent is None else Network.read(conn).log_id(parent.log)
        if parent is not None and log_id is not None:
            known[parent.sub] = read_folded(conn, log_id, parent.sub)
        heads = sorted((handle, folded.head.record_id) for handle, folded in known.items() if folded is not None)
        return sha256(json.dumps(heads).encode()).hexdigest()

    # --- who signs ---

    def _signer(self, conn: Connection, statement: Statement, by: str) -> Signing:
        if by == DESK:
            check_role(statement, (DESK,))
            return Signing(self._keys.desk_kid, DESK_PERSON, None)
        officer = officers.in_force(conn, by)
        check_role(statement, tuple(officer.roles))
        return Signing(officer.kid, officer.person, officer)

    def _check_code(
        self, conn: Connection, statement: Statement, officer: OfficerRow, code: str | None, once: str
    ) -> Refused | None:
        if code is not None:
            return second_factor.spend_code(conn, officer, self._totp(officer), code, once=once, now=self.now())
        if statement.kind in NEEDS_CODE and not self._story:
            raise Refused("code-needed")
        return None

    def _totp(self, officer: OfficerRow) -> str:
        return officers.open_totp(Vault(self._keys.vault_key), officer)

    def _pen(self, officer: OfficerRow | None) -> Pen:
        if officer is None:
            return Pen(self._keys.desk_kid, DESK_PERSON, self._keys.desk.sign)
        if officer.kid not in self._pens:
            raw = officers.open_key(Vault(self._keys.vault_key), officer)
            self._pens[officer.kid] = Pen(officer.kid, officer.person, Ed25519PrivateKey.from_private_bytes(raw).sign)
        return self._pens[officer.kid]

    # --- officers ---

    def enrol(self, name: str, roles: tuple[str, ...], id_number: str) -> NewOfficer:
        """Make an officer's key and second factor, and record it; what they need to bind is shown once."""
        with transaction(self.log.engine) as conn:
            return officers.enrol(conn, self._scribe, self._keys, officers.Enrolment(name, roles, id_number))

    def renew(self, officer: str) -> Access:
        """Give an officer a new second factor and binding code, as after a lost telephone; the old ones end."""
        with transaction(self.log.engine) as conn:
            return officers.renew(conn, self._scribe, self._keys, officer)

    def rotate(self, role: str, old: NodeKeys, new: NodeKeys) -> Submitted:
        """Record that from now on the new keys of this role count, and seal with them what the old ones sealed.

        In a transaction of its own: whoever signs in the next one has the new keys. Raises IllegalStep, Busy, Behind.
        """
        with transaction(self.log.engine) as conn:
            return record_rotation(conn, self._scribe, old, new, role)

    def revoke(self, officer: str, *, compromised_since: int | None = None) -> Submitted:
        """From now on nothing that this officer's key signs counts."""
        with transaction(self.log.engine) as conn:
            return officers.revoke(conn, self._scribe, self._keys, officer, compromised_since)

    def sign_in(self, officer: str, code: str, once: str) -> int:
        """Spend a code to sign in; returns the moment from which SIGNING_SECONDS and READING_SECONDS count.

        Raises OfficerUnknown, CodeWrong, CodeUsed, CodeLocked.
        """
        now = self.now()
        with transaction(self.log.engine) as conn:
            row = officers.in_force(conn, officer)
            wrong = second_factor.spend_code(conn, row, self._totp(row), code, once=once, now=now)
        if wrong is not None:
            raise wrong
        return now

    # --- one-time pages ---

    def give_ticket(self, officer: str, purpose: Purpose, about: str) -> Link:
        """A link for an officer to one form: about a matter's code, or an award's handle."""
        with transaction(self.log.engine) as conn:
            return tickets.give(conn, self._keys.lookup_key, officer, purpose, about, self.now())

    def ticket(self, token: str) -> Ticket | None:
        """What the holder of a link may do now; None when that is nothing, whatever the reason."""
        with reading(self.log.engine) as conn:
            return tickets.read(conn, self._keys, token, self.now())

    def keep_slip(self, ticket: Ticket, says: str) -> None:
        """Keep what stands on a ticket's slip beside the case, until the ticket is forgotten."""
        with transaction(self.log.engine) as conn:
            tickets.keep_slip(conn, self._keys, ticket, says)

    # --- citizens ---

    def binding_code_for(self, citizen: str, ttl_seconds: int, *, level: int = 1) -> str:
        """A code that ties one chat account to a citizen, once."""
        with transaction(self.log.engine) as conn:
            return bindings.give_code(
                conn, self._keys.lookup_key, citizen=citizen, level=level, now=self.now(), ttl_seconds=ttl_seconds
            )

    def bind(self, openid: str, code: str) -> Bound:
        """Tie a chat account to whom the code was given for; raises Refused."""
        with transaction(self.log.engine) as conn:
            bound = bindings.bind(conn, self._keys.lookup_key, openid, code, self.now())
        if isinstance(bound, Refused):
            raise bound
        return bound

    def unbind(self, openid: str) -> Unbound:
        """Untie a chat account from everybody."""
        with transaction(self.log.engine) as conn:
            return bindings.unbind(conn, openid)

    def allow_try(self, sender: str, number: str) -> Allowance:
        """Whether a query code may be tried now, and how slowly it should be answered."""
        with reading(self.log.engine) as conn:
            return bindings.allow_try(conn, self._keys.lookup_key, sender, number, self.now())

    def note_wrong(self, sender: str, number: str) -> None:
        """Count a wrong query code against its sender and the number typed, whether or not that number exists."""
        with transaction(self.log.engine) as conn:
            bindings.note_wrong(conn, self._keys.lookup_key, sender, number, self.now())

    def forget_tries(self) -> None:
        """Forget wrong tries and binding codes whose time is over; once an hour is often enough."""
        with transaction(self.log.engine) as conn:
            bindings.forget(conn, self.now())
