"""A log of some hundred records, made once; each test attacks a copy of its database."""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.audit.report import Report
from ledger.audit.verify import Trust, verify_database
from ledger.keys import NodeKeys
from ledger.merkle.note import parse_vkey
from ledger.storage.engine import open_engine
from tests.desk.world import Town, make_town

CASES = 90  # with two records each: more than one full tile


@dataclass
class Stored:
    """A closed database, and the keys that its log was made with."""

    path: Path
    keys: NodeKeys
    finance: Path

    @property
    def trust(self) -> Trust:
        return Trust(tuple(parse_vkey(vkey) for vkey in self.keys.log_vkeys))

    def engine(self) -> Engine:
        return open_engine(f"sqlite:///{self.path}")

    def verify(self, **options) -> Report:
        engine = self.engine()
        try:
            return verify_database(engine, trust=self.trust, vault_key=self.keys.vault_key, **options)
        finally:
            engine.dispose()

    def attack(self, statement: str, *values) -> int:
        """Change rows behind the ledger's back; returns how many."""
        connection = sqlite3.connect(self.path)
        try:
            with connection:
                return connection.execute(statement, values).rowcount
        finally:
            connection.close()

    def read(self, question: str, *values) -> list[Any]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(question, values).fetchall()
        finally:
            connection.close()


def grow(town: Town) -> None:
    """Cases, an award paid in full, heads signed at odd sizes, and one head published."""
    _case, _award, payment = town.paid()
    town.result(payment, "credited", by_bank=True)
    town.round()
    town.civil.log.sign_new_head()
    for _ in range(CASES):
        case, _code = town.apply()
        town.clock.wait(1)
        town.civil.act("林芳", "case-accepted", case)
    town.civil.log.sign_new_head()
    for _ in range(CASES // 2):
        town.civil.act("林芳", "case-not-accepted", town.apply()[0], private={"reason": "材料不全"})
    town.civil.desk.revoke(town.civil.staff["高伟"].handle)
    head = town.civil.log.sign_new_head()
    assert head is not None
    town.civil.log.publish(head.size)
    town.apply()  # what no head covers yet
    town.round()


@pytest.fixture(scope="session")
def original(tmp_path_factory) -> Stored:
    directory = tmp_path_factory.mktemp("verify")
    town = make_town(directory)
    grow(town)
    for department in (town.civil, town.finance):
        with department.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        department.engine.dispose()
    return Stored(directory / "civil.db", town.civil.keys, directory / "finance.db")


@pytest.fixture
def stored(original: Stored, tmp_path: Path) -> Stored:
    copy = tmp_path / "copy.db"
    shutil.copy(original.path, copy)
    return Stored(copy, original.keys, original.finance)
