"""Ten thousand damaged files: none crashes the reader, none is half done, and none makes it say whose it is."""

import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from handlers.imports.layouts import Bank
from handlers.imports.plan import Plan
from handlers.imports.remarks import FileWrong
from handlers.imports.telling import Teller
from handlers.locale import words_in
from ledger.storage import schema
from ledger.storage.engine import reading
from tests.desk.world import Department
from tests.imports.fuzzing import SECRETS, encode, good_cases, good_list, mutate_bytes, mutate_table
from tests.imports.office import BANKS, Bureau
from tests.imports.test_imports_payments import send

SAMPLE, FULL = 200, 10_000
AGAIN = 0.06  # so often a file that was taken in comes again
AFRESH = 20  # after so many files the databases are what they were at first
# How many rows each table has, asked at once.
COUNTS = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(table.name)
        for table in schema.metadata.tables.values()
    )
)


def rows_of(department: Department) -> dict[str, int]:
    """How many rows each table has: nothing here is ever only changed without a row being added."""
    with reading(department.engine) as conn:
        return dict(conn.execute(COUNTS).one()._mapping)


def database_of(engine: Engine) -> Path:
    assert engine.url.database is not None
    return Path(engine.url.database)


class Shelf:
    """Puts the databases back as they were."""

    def __init__(self, bureau: Bureau, folder: Path) -> None:
        self._engines = [bureau.town.civil.engine, bureau.town.finance.engine]
        self._folder = folder
        for engine in self._engines:
            engine.dispose()
            shutil.copy(database_of(engine), folder / database_of(engine).name)

    def put_back(self) -> None:
        for engine in self._engines:
            engine.dispose()
            database = database_of(engine)
            for journal in ("-wal", "-shm"):
                database.with_name(database.name + journal).unlink(missing_ok=True)
            shutil.copy(self._folder / database.name, database)


def survive(bureau: Bureau, department: Department, who: str, look: Callable[[], Plan]) -> str:
    """Look at one file, and take it in when it is good; returns what came of it."""
    before = rows_of(department)
    try:
        plan = look()
    except FileWrong as error:
        say(Teller(words_in("zh"), bureau.office(department)).file_wrong(error))
        assert rows_of(department) == before
        return "no table"
    say(bureau.tell(plan, department))
    say(bureau.tell(plan, department, "en"))
    assert rows_of(department) == before
    if not plan.is_good:
        return "refused"
    if not plan.deeds:
        return "nothing new"
    bureau.sign(plan, who)
    after = rows_of(department)
    assert after["entries"] == before["entries"] + len(plan.deeds)
    assert after["once"] == before["once"] + len(plan.deeds)
    assert not look().deeds
    return "taken in"


def survive_cases(bureau: Bureau, raw: bytes) -> str:
    return survive(bureau, bureau.town.civil, "林芳", lambda: bureau.look(raw))


def survive_list(bureau: Bureau, raw: bytes, bank: Bank) -> str:
    return survive(bureau, bureau.town.finance, "吴倩", lambda: bureau.look_bank(raw, bank))


def damaged(random: Random, bureau: Bureau, bank: Bank | None, payments: list[tuple[str, int]]) -> bytes:
    """A good file, to which something has happened, or nothing."""
    table = good_cases(random, bureau) if bank is None else good_list(random, bank, payments)
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        mutate_table(random, table)
    encoding, delimiter = ("utf-8", ",") if bank is None else (bank.encoding, bank.delimiter)
    raw = encode(random, table, encoding, delimiter)
    return mutate_bytes(random, raw) if random.random() < 0.2 else raw


def say(told: str) -> None:
    for secret in SECRETS:
        assert secret not in told
    assert "\x1b" not in told


def run(bureau: Bureau, folder: Path, seeds: range) -> Counter[str]:
    payments = [(send(bureau, amount)[1], amount) for amount in (2_000_000, 156_000, 30_000, 10_000, 99)]
    (folder / "shelf").mkdir()
    shelf = Shelf(bureau, folder / "shelf")
    came: Counter[str] = Counter()
    again: list[Callable[[], str]] = []
    for seed in seeds:
        if seed % AFRESH == 0:
            shelf.put_back()
            again.clear()
        random = Random(seed)
        if again and random.random() < AGAIN:
            came[random.choice(again)()] += 1
            continue
        bank = random.choice((None, *BANKS.values()))
        raw = damaged(random, bureau, bank, payments)
        deed = partial(survive_cases, bureau, raw) if bank is None else partial(survive_list, bureau, raw, bank)
        came[what := deed()] += 1
        if what == "taken in":
            again.append(deed)
    return came


def test_damaged_files_leave_nothing_half_done_a_sample(bureau: Bureau, tmp_path: Path):
    came = run(bureau, tmp_path, range(SAMPLE))
    assert all(came[each] >= SAMPLE // 50 for each in ("no table", "refused", "taken in")), came


@pytest.mark.attack
def test_ten_thousand_damaged_files_leave_nothing_half_done(bureau: Bureau, tmp_path: Path):
    came = run(bureau, tmp_path, range(SAMPLE, SAMPLE + FULL))
    assert came.total() == FULL
    assert all(came[each] >= FULL // 50 for each in ("no table", "refused", "taken in", "nothing new")), came
