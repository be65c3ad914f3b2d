"""Two departments on two databases, and a third that only watches: the smallest world in which money moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
from sqlalchemy import Engine, select, update

from ledger import keys as keys_module
from ledger.desk import STOP, Desk, NewOfficer, new_handle
from ledger.facts import Facts
from ledger.folding import fold, take_disclosures
from ledger.keys import HighWater, NodeKeys
from ledger.log import OwnLog
from ledger.memory import Memories
from ledger.records.funds import Ref
from ledger.records.kinds import BY_NAME
from ledger.records.statement import Record, Statement, parse_record, public_jwk, sign
from ledger.scribe import Submitted
from ledger.storage import entries, schema
from ledger.storage.engine import open_engine, read_moment, reading, transaction
from ledger.storage.vault import Vault, read_rows

START = 1_790_000_000
ACCOUNT = "6217000010001230836"


@dataclass
class Clock:
    """Time stands still until it is told to go on."""

    at: int = START

    def __call__(self) -> int:
        return self.at

    def wait(self, seconds: int) -> None:
        self.at += seconds


@dataclass
class Department:
    """One node without network."""

    name: str
    origin: str
    prefix: str
    engine: Engine
    keys: NodeKeys
    clock: Clock
    log: OwnLog
    desk: Desk
    staff: dict[str, NewOfficer] = field(default_factory=dict)
    deeds: int = 0
    memories: Memories = field(default_factory=Memories)  # as a node's: what was read stays, until something is written

    def enrol(self, name: str, *roles: str, id_number: str | None = None) -> NewOfficer:
        self.staff[name] = self.desk.enrol(name, roles, id_number or f"id-{self.prefix}-{name}")
        return self.staff[name]

    def code(self, name: str) -> str:
        return pyotp.TOTP(self.staff[name].totp_secret).at(self.clock())

    def once(self) -> str:
        self.deeds += 1
        return f"deed-{self.prefix}-{self.deeds}"

    def act(self, name: str, kind: str, sub: str, clear=None, private=None, *, desk: Desk | None = None) -> Submitted:
        """Let an officer do it, with a fresh code; the next act comes half a minute later."""
        self.clock.wait(30)
        return (desk or self.desk).submit(
            Statement(kind, sub, clear or {}, private or {}),
            by=self.staff[name].handle,
            once=self.once(),
            code=self.code(name),
        )

    @contextmanager
    def facts(self) -> Iterator[Facts]:
        with reading(self.engine) as conn:
            memory = self.memories.at(read_moment(conn))
            yield Facts(conn, vault_key=self.keys.vault_key, lookup_key=self.keys.lookup_key, memory=memory)

    def ref(self, sub: str) -> Ref:
        return Ref(self.origin, sub)

    def records(self) -> list[Record]:
        with reading(self.engine) as conn:
            size = entries.read_edge(conn, self.log.id).size
            return [parse_record(entry) for entry in entries.read_entries(conn, self.log.id, 0, size)]

    def size(self) -> int:
        with reading(self.engine) as conn:
            return entries.read_edge(conn, self.log.id).size


def found(
    name: str, prefix: str, engine: Engine, directory: Path, clock: Clock, origin: str | None = None, **desk_options
) -> Department:
    """A department with its genesis, on an engine whose tables are made."""
    origin = origin or f"{prefix}.example/log"
    keys = keys_module.generate(origin)
    record = sign(
        Statement(
            "genesis",
            new_handle(),
            {
                "department": name,
                "number_prefix": prefix,
                "desk_key": public_jwk(keys.desk_public),
                "log_keys": keys.log_vkeys,
                "witness_keys": keys.witness_vkeys,
                "mirror_keys": keys.mirror_vkeys,
            },
        ),
        iss=origin,
        jti=new_handle(),
        iat=clock(),
        prev=None,
        kid=keys.desk_kid,
        salts=(),
        signer=keys.desk.sign,
    ).record
    with transaction(engine) as conn:
        log_id = entries.create_log(conn, origin, own=True)
        fold(conn, log_id, entries.append(conn, log_id, [record.entry]), record)
    high_water = HighWater.beside(directory / f"{prefix}.keys")
    high_water.create()
    log = OwnLog(engine, origin, keys.log, high_water, clock)
    return Department(name, origin, prefix, engine, keys, clock, log, Desk(log, keys, clock, **desk_options))


def make_engine(url: str) -> Engine:
    engine = open_engine(url)
    with transaction(engine) as conn:
        schema.metadata.create_all(conn)
    return engine


def mirror(source: Department, target: Department) -> None:
    """Carry over what is new in a log, as a round would (its checks are tested elsewhere)."""
    with transaction(target.engine) as conn:
        log_id = entries.find_log(conn, source.origin)
        if log_id is None:
            log_id = entries.create_log(conn, source.origin, own=False)
        have = entries.read_edge(conn, log_id).size
        new = source.records()[have:]
        first = entries.append(conn, log_id, [record.entry for record in new])
        for index, record in enumerate(new, first):
            fold(conn, log_id, index, record)
        conn.execute(update(schema.logs).where(schema.logs.c.id == log_id).values(folded=have + len(new)))


EXCHANGED = {
    "award-proposed": {"number", "query_code", "payee", "account"},
    "account-given": {"payee", "account"},
    "payment-created": {"number", "account"},
}


def exchange(source: Department, target: Department) -> None:
    """Carry over what is private there and needed here."""
    for record in source.records():
        wanted = EXCHANGED.get(record.kind)
        if wanted is None:
            continue
        with reading(source.engine) as conn:
            vault = Vault(source.keys.vault_key)
            told = [
                vault.disclosure(row)
                for row in read_rows(conn, [record.sub])
                if row.leaf == record.leaf and row.name in wanted
            ]
        with transaction(target.engine) as conn:
            log_id = entries.find_log(conn, source.origin)
            assert log_id is not None
            take_disclosures(conn, target.keys, log_id, record, told)


@dataclass
class Town:
    """民政局 approves, 财政局 pays."""

    clock: Clock
    civil: Department
    finance: Department

    def round(self) -> None:
        mirror(self.civil, self.finance)
        mirror(self.finance, self.civil)
        exchange(self.civil, self.finance)
        exchange(self.finance, self.civil)

    def apply(self, **private) -> tuple[str, str]:
        """Somebody hands in an application; returns the case's handle and its query code."""
        told = {"applicant": "王桂兰", "payee": "王桂兰", "account": ACCOUNT} | private
        opened = self.civil.desk.open_case(
            "linshi-jiuzhu", told, by=self.civil.staff["林芳"].handle, once=self.civil.once()
        )
        return opened.submitted.sub, opened.query_code

    def approved(self, amount: int = 2_000_000) -> tuple[str, str]:
        """A case whose award is approved; returns both handles."""
        case, _code = self.apply()
        self.civil.act("林芳", "case-accepted", case)
        award = self.propose(case, amount)
        self.civil.act("高伟", "award-approved", award, {"amount": amount})
        return case, award

    def propose(self, case: str, amount: int = 2_000_000, award: str | None = None) -> str:
        sub = award or new_handle()
        clear = {"case": case, "programme": "linshi-jiuzhu", "amount": amount, "payer": self.finance.origin}
        self.civil.act("林芳", "award-proposed", sub, clear)
        return sub

    def order(
        self, award: str, amount: int = 2_000_000, *, reissues: str | None = None, desk: Desk | None = None
    ) -> str:
        sub = new_handle()
        clear = {"award": {"log": self.civil.origin, "sub": award}, "amount": amount}
        self.finance.act(
            "吴倩", "payment-created", sub, clear | ({"reissues": reissues} if reissues else {}), desk=desk
        )
        return sub

    def paid(self, amount: int = 2_000_000) -> tuple[str, str, str]:
        case, award = self.approved(amount)
        self.round()
        payment = self.order(award, amount)
        self.finance.act("马骏", "payment-released", payment)
        return case, award, payment

    def result(self, payment: str, outcome: str, reason: str | None = None, *, by_bank: bool = False) -> Submitted:
        clear = {"outcome": outcome} | ({"reason": reason} if reason else {})
        if by_bank:
            return self.finance.act("吴倩", "bank-result", payment, clear | {"file": "ab" * 32, "line": 1})
        return self.finance.act("吴倩", "payment-reported", payment, clear)


def people(town: Town) -> Town:
    town.civil.enrol("林芳", "clerk")
    town.civil.enrol("高伟", "approver")
    town.finance.enrol("吴倩", "finance")
    town.finance.enrol("马骏", "authoriser", "finance")
    return town


def make_town(directory: Path, url: str | None = None, **desk_options) -> Town:
    """The town: 民政局 on the database of that URL (or SQLite), 财政局 always on SQLite."""
    clock = Clock()
    civil = make_engine(url or f"sqlite:///{directory / 'civil.db'}")
    finance = make_engine(f"sqlite:///{directory / 'finance.db'}")
    town = Town(
        clock,
        found("民政局", "21", civil, directory, clock, **desk_options),
        found("财政局", "22", finance, directory, clock, **desk_options),
    )
    return people(town)


def private_names() -> set[str]:
    return {name for kind in BY_NAME.values() for name in kind.private}


__all__ = ["ACCOUNT", "STOP", "Clock", "Department", "Town", "exchange", "make_town", "mirror", "select"]
