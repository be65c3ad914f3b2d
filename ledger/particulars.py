"""What nobody types into an act: whose it is, its number and its query code, payee and account told before."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ledger import answers
from ledger.authority import account_rows, owner_of
from ledger.errors import Refused
from ledger.keys import Keys
from ledger.records.funds import Ref
from ledger.records.jsonstrict import Json
from ledger.records.numbers import make_number
from ledger.records.statement import Statement
from ledger.scribe import Objects
from ledger.storage import lookups
from ledger.storage.network import Network
from ledger.storage.vault import Vault, newest, read_rows
from ledger.times import day_in_china

QUERY_CODE_DIGITS = 8


class Particulars:
    """Adds to a statement what stands on the slip, and what was told before."""

    def __init__(self, log_id: int, origin: str, keys: Keys, now: Callable[[], int]) -> None:
        self._log_id = log_id
        self._origin = origin
        self._keys = keys
        self._lookups = lookups.Lookups(keys.lookup_key)
        self._now = now

    def owner(self, conn: Connection, objects: Objects, statement: Statement, citizen: str | None) -> str | None:
        """Whose it is; a stranger's act on somebody's object is refused."""
        is_new = objects(statement.sub) is None
        known = None if is_new else lookups.read_owner(conn, (self._log_id, statement.sub))
        parent = parent_of(statement, self._origin) or answers.about(conn, statement)
        if known is None and parent is not None:
            known = owner_of(conn, Network.read(conn), parent)
        elif known is None and "id_number" in statement.private:
            known = self._lookups.person(conn, str(statement.private["id_number"]))
        if known is not None and citizen is not None and known != citizen:
            raise Refused("another-citizen")
        return known or citizen

    def complete(self, conn: Connection, statement: Statement) -> Statement:
        """Add what nobody types: number and query code, and the payee and account told before."""
        match statement.kind:
            case "case-submitted":
                added = {"number": self._next_number(conn), "query_code": _new_query_code()}
            case "award-proposed":
                told = self.private_of(conn, str(statement.clear["case"]), ("query_code", "payee", "account"))
                earlier = self.private_of(conn, statement.sub, ("number",))
                added = told | {"number": earlier.get("number") or self._next_number(conn)}
            case "payment-created":
                told = self.award_private(conn, statement)
                added = {name: told[name] for name in ("payee", "account")} | {"number": self._next_number(conn)}
            case _:
                return statement
        return replace(statement, private={**added, **statement.private})

    def award_private(self, conn: Connection, statement: Statement) -> dict[str, Any]:
        """Payee and account of the award that a payment pays; raises Refused when no such award is here."""
        award = parent_of(statement, self._origin)
        log_id = None if award is None else Network.read(conn).log_id(award.log)
        if award is None or log_id is None:
            raise Refused("award-not-approved", rule="R09")
        vault = Vault(self._keys.vault_key)
        return {name: vault.value(row) for name, row in account_rows(conn, log_id, award.sub).items()}

    def private_of(self, conn: Connection, sub: str, names: tuple[str, ...]) -> dict[str, Any]:
        """The newest of these values told about an object of our log, those that there are."""
        held, vault = read_rows(conn, [sub]), Vault(self._keys.vault_key)
        found = {name: newest(held, self._log_id, sub, name) for name in names}
        return {name: vault.value(row) for name, row in found.items() if row is not None}

    def code_mac(self, conn: Connection, statement: Statement, query_code: Json) -> bytes | None:
        """By what the query code of a new object is known: its own, or that of what it hangs on."""
        if isinstance(query_code, str):
            return self._lookups.code_mac(query_code)
        parent = parent_of(statement, self._origin)
        log_id = None if parent is None else Network.read(conn).log_id(parent.log)
        return None if parent is None or log_id is None else lookups.read_code_mac(conn, (log_id, parent.sub))

    def _next_number(self, conn: Connection) -> str:
        day = day_in_china(self._now())
        prefix = Network.read(conn).own.number_prefix
        assert prefix is not None  # the genesis says it
        return make_number(prefix, day, lookups.next_sequence(conn, f"{day:%y%m%d}"))


def parent_of(statement: Statement, origin: str) -> Ref | None:
    """The object that a new one hangs on."""
    match statement.clear:
        case {"case": str(handle)}:
            return Ref(origin, handle)
        case {"award": {"log": str(log), "sub": str(sub)}} | {"payment": {"log": str(log), "sub": str(sub)}}:
            return Ref(log, sub)
    return None


def _new_query_code() -> str:
    return f"{secrets.randbelow(10**QUERY_CODE_DIGITS):0{QUERY_CODE_DIGITS}d}"
