"""One flipped bit anywhere in what a node holds of logs, facts and values is found by `verify`, and named."""

import random
from contextlib import contextmanager

import pytest

from ledger.audit.report import Report
from ledger.storage import schema
from tests.conftest import fresh_postgres
from tests.verify.county import Kept, make_kept
from tests.verify.flipping import Flip, Rows, choose, flipped

SEED = 20_261_127

# Every column of these is tried, those too that somebody adds later.
TABLES = {
    schema.logs: {"log", "entry", "checkpoint", "tile", "object", "signer", "feed", "vault", "cosignature"},
    schema.entries: {"entry"},
    schema.tile_hashes: {"tile"},
    schema.heads: {"checkpoint"},
    schema.cosignatures: {"cosignature", "checkpoint"},
    schema.witnessed: {"witnessed"},
    schema.objects: {"object"},
    schema.signers: {"signer"},
    schema.feed: {"feed"},
    schema.vault: {"vault"},
    schema.citizens: {"vault"},
}
UNTRIED = {
    ("logs", "first_cosigned"): "the cosignature that it remembers has long been replaced by newer ones",
    ("feed", "pos"): "only its order means anything: see the test on swapped rows",
    ("feed", "story"): "whether somebody was notified; nothing that is signed says so",
    ("objects", "disputed"): "in a good log nothing is, so no bit stands there: see the test that marks one",
}
PLACES = [(table, column.name) for table in TABLES for column in table.c if (table.name, column.name) not in UNTRIED]


KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"flips-{kind}")) for kind in ("sqlite", "postgresql")]


@pytest.fixture(scope="module", params=KINDS)
def kept(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("flips")
    url = fresh_postgres(request.getfixturevalue("postgres")) if request.param == "postgresql" else None
    with pytest.MonkeyPatch.context() as patch:
        # Three nodes' rounds write into three files at once; on a busy machine they wait longer for each other.
        patch.setattr("ledger.storage.engine.BUSY_MILLISECONDS", 60_000)
        made = make_kept(directory, url)
    yield made
    made.county.close()


def spare(kept: Kept):
    own = next(log_id for log_id, origin in kept.logs.items() if origin == kept.own)
    # When we accepted another department's head: our clock said so, and nobody's signature does.
    return lambda table, column, row: (table.name, column) == ("heads", "at") and row["log_id"] != own


def keys_of(flip: Flip) -> set[str]:
    """What a fault may be told by: the row as it was, or as it has become."""
    rows = [
        flip.row,
        flip.row | {flip.column: flip.new.decode("utf-8", "replace") if isinstance(flip.new, bytes) else flip.new},
    ]
    names = {
        "entries": "{idx}",
        "heads": "{size}",
        "cosignatures": "{name} over {size}",
        "witnessed": "{origin}",
        "objects": "{handle}",
        "signers": "{kid}",
        "feed": "{idx}",
        "vault": "{idx} {name}",
        "citizens": "citizen {id}",
    }
    if flip.table.name not in names:
        return set()
    return {names[flip.table.name].format(**row) for row in rows}


def is_named(flip: Flip, report: Report) -> bool:
    keys = keys_of(flip)
    for fault in report.faults:
        if fault.part in TABLES[flip.table] and (not keys or fault.at in keys or fault.at.startswith("log ")):
            return True
    return False


def found_in(kept: Kept, flip: Flip) -> list[object]:
    """What the verifications say, beginning with the log whose row it is."""
    first = kept.logs[flip.row["log_id"]] if "log_id" in flip.row else kept.own
    said: list[object] = []
    for origin in sorted(CHECKED, key=lambda one: one != first):
        # The signatures of entries are left out: what is found without them is found with them.
        report = kept.verify(origin, since=10**9)
        if not isinstance(report, Report):
            if flip.table is schema.logs:  # the log is no longer to be found by its name, and that is what is said
                return []
            said.append(report)
            continue
        if is_named(flip, report):
            return []
        said += [str(fault) for fault in report.faults] or [f"{origin}: nothing"]
    return said


CHECKED = ("21.example/log", "22.example/log", "23.example/log")


def test_before_anything_is_flipped_every_log_here_is_good(kept):
    for origin in CHECKED:
        report = kept.verify(origin)
        assert [str(fault) for fault in report.faults] == []
    assert report.size > 0
    assert kept.verify(kept.own).size > 256


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.attack)])
def test_one_flipped_bit_at_random_places_is_found_and_named(kept, count):
    chance = random.Random(f"{SEED} {count}")
    unnoticed = {}
    rows = Rows(kept.engine)
    for _ in range(count):
        flip = choose(rows, chance, PLACES, spare(kept))
        with flipped(kept.engine, flip):
            said = found_in(kept, flip)
        if said:
            unnoticed[str(flip)] = said
    assert unnoticed == {}
    assert kept.verify(kept.own).ok  # every bit is where it was


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0].name}.{place[1]}")
def test_no_column_is_left_out(kept, place):
    chance = random.Random(f"{SEED} {place[0].name}.{place[1]}")
    assert any(row is not None for row in values_of(kept, place)), (
        "nothing stands in this column: no bit of it is tried"
    )
    flip = choose(Rows(kept.engine), chance, [place], spare(kept))
    with flipped(kept.engine, flip):
        assert found_in(kept, flip) == [], str(flip)


def values_of(kept, place):
    with kept.engine.connect() as conn:
        return [row[0] for row in conn.execute(place[0].select().with_only_columns(place[0].c[place[1]]))]


# --- rows deleted, swapped, cut off: on either database ---


ROWS = (schema.entries, schema.tile_hashes, schema.feed)


@contextmanager
def altered(kept, *statements):
    """The database after these statements, and then as it was."""
    with kept.engine.connect() as conn:
        before = {table: [dict(row) for row in conn.execute(table.select()).mappings()] for table in ROWS}
        size = conn.exec_driver_sql("SELECT size FROM logs WHERE own").scalar()
    with kept.engine.begin() as conn:
        for statement in statements:
            assert conn.exec_driver_sql(statement).rowcount > 0, statement
    try:
        yield
    finally:
        with kept.engine.begin() as conn:
            for table, rows in before.items():
                conn.execute(table.delete())
                conn.execute(table.insert(), rows)
            conn.exec_driver_sql(f"UPDATE logs SET size = {size} WHERE own")


def faults(kept):
    return {(fault.part, fault.at) for fault in kept.verify(kept.own, since=10**9).faults}


OWN = "log_id = (SELECT id FROM logs WHERE own)"


def test_a_deleted_row_is_found_and_named(kept):
    with altered(kept, f"DELETE FROM entries WHERE {OWN} AND idx = 33"):
        assert ("entry", "33") in faults(kept)
    with altered(kept, f"DELETE FROM feed WHERE {OWN} AND idx = 12"):
        assert faults(kept) == {("feed", "12")}
    with altered(kept, f"DELETE FROM tile_hashes WHERE {OWN}"):
        assert faults(kept) == {("tile", "tile/1/000.p/1")}


@pytest.mark.parametrize("column", ["entry", "leaf"])
def test_two_swapped_values_are_found_and_named(kept, column):
    with kept.engine.connect() as conn:
        question = f"SELECT idx, {column} FROM entries WHERE {OWN} AND idx IN (20, 21)"
        found = {row[0]: bytes(row[1]).hex() for row in conn.exec_driver_sql(question)}
    blob = "x'{}'" if kept.engine.dialect.name == "sqlite" else "decode('{}', 'hex')"
    swap = [
        f"UPDATE entries SET {column} = {blob.format(found[41 - index])} WHERE {OWN} AND idx = {index}"
        for index in (20, 21)
    ]
    with altered(kept, *swap):
        assert {("entry", "20"), ("entry", "21")} <= faults(kept)


def test_two_swapped_rows_are_found_and_named(kept):
    moves = [
        f"UPDATE entries SET idx = {new} WHERE {OWN} AND idx = {old}" for old, new in ((20, -1), (21, 20), (-1, 21))
    ]
    with altered(kept, *moves):
        found = faults(kept)
    assert {("feed", "20"), ("feed", "21")} <= found
    assert {"tile", "checkpoint"} <= {part for part, _at in found}


def test_swapped_places_in_the_feed_are_found(kept):
    with altered(kept, f"UPDATE feed SET pos = -1 WHERE {OWN} AND idx = 20"):
        assert faults(kept) == {("feed", "20")}


def test_an_object_that_is_marked_as_disputed_without_a_cause_is_found_and_named(kept):
    with kept.engine.connect() as conn:
        handle = conn.exec_driver_sql(f"SELECT handle FROM objects WHERE {OWN} ORDER BY handle LIMIT 1").scalar()
    try:
        with altered(kept, f"UPDATE objects SET disputed = 3 WHERE {OWN} AND handle = '{handle}'"):
            assert faults(kept) == {("object", handle)}
    finally:
        with kept.engine.begin() as conn:
            conn.exec_driver_sql(f"UPDATE objects SET disputed = NULL WHERE handle = '{handle}'")
    assert faults(kept) == set()


def test_a_truncated_tail_is_found_and_each_lost_entry_named(kept):
    size = kept.verify(kept.own).size
    with altered(kept, f"DELETE FROM entries WHERE {OWN} AND idx >= {size - 5}"):
        assert {("entry", str(index)) for index in range(size - 5, size)} <= faults(kept)


def test_a_tail_truncated_with_the_size_too_contradicts_heads_and_facts(kept):
    size = kept.verify(kept.own).size
    cut = [f"DELETE FROM entries WHERE {OWN} AND idx >= {size - 5}", f"UPDATE logs SET size = {size - 5} WHERE own"]
    with altered(kept, *cut):
        found = faults(kept)
    assert ("checkpoint", str(size)) in found
    assert {"log", "feed", "object"} <= {part for part, _at in found}
