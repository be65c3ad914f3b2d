"""A backup is one moment of a node, without what must not be in it, and comes back into either kind of database."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import pyrage
import pytest
from sqlalchemy import create_engine, func, insert, select, text

from bot import storage as chat
from handlers.console.backup import CHAT_PARTS
from ledger.backup import writing
from ledger.backup.restoring import Target, restore
from ledger.backup.sealing import open_file
from ledger.backup.tables import copy_rows, ledger_parts
from ledger.backup.writing import KEYS_NAME, back_up, last_backup, read_keys
from ledger.errors import Busy, Misconfigured
from ledger.high_water import HighWater
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.storage import schema
from ledger.storage.engine import open_engine, reading, transaction
from ledger.storage.upgrade import migrate
from tests.attacks.disks import fill, small_disk
from tests.conftest import fresh_postgres
from tests.desk.world import START, Clock, Department, found

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick(quick_seal):
    """No second of scrypt for each file."""


@contextmanager
def made_on(url, directory) -> Iterator[Department]:
    """A department with an officer, two cases, and what must not live on."""
    engine = open_engine(url)
    migrate(engine)
    made = found("民政局", "21", engine, directory, Clock())
    made.enrol("林芳", "clerk")
    for name, number in (("王桂兰", "110105194912310021"), ("周大山", "110105195501010017")):
        made.desk.open_case(
            "linshi-jiuzhu", {"applicant": name, "id_number": number}, by=made.staff["林芳"].handle, once=made.once()
        )
    with transaction(engine) as connection:
        connection.execute(insert(schema.nonces), {"keyid": "k", "nonce": "n", "expires": START + 100})
        session = {"openid": "o-1", "data": '{"data":{"staff":{"at":1}},"language":"en","quiet":true}', "fence": 7}
        connection.execute(
            insert(chat.sessions),
            {**session, "lease_until": 5.0, "last_message_at": 9.0, "followed": 1, "subscribed": 0, "heads": 1},
        )
        for key, state in (("a", "waiting"), ("b", "head"), ("c", "sent")):
            row = {"key": key, "openid": "o-1", "text": "news", "record": "r", "state": state, "created_at": 1.0}
            connection.execute(insert(chat.outbox), {**row, "next_at": 1.0, "tries": 0, "reason": "", "done_at": 0.0})
    made.log.sign_new_head()
    yield made
    engine.dispose()


@pytest.fixture
def department(tmp_path):
    with made_on(f"sqlite:///{tmp_path / 'node.db'}", tmp_path) as made:
        yield made


@pytest.fixture
def either_department(database_url, tmp_path):
    """The same, once on each kind of database."""
    with made_on(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "backups"
    made.mkdir()
    return made


def back_up_into(folder, department: Department, name="node.backup"):
    return back_up(
        department.engine, department.origin, folder / name, PASSPHRASE, more=CHAT_PARTS, now=department.clock()
    )


def put_back(folder, department: Department, url, directory, name="node.backup"):
    directory.mkdir(exist_ok=True)
    key_file = directory / "node.keys"
    about = restore(
        Target(url, key_file, department.origin),
        folder / name,
        PASSPHRASE,
        more=CHAT_PARTS,
        now=department.clock(),
    )
    return open_engine(url), HighWater.beside(key_file), about


def rows(engine, table):
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(table))]


def other_kind(url, request, tmp_path):
    if url.startswith("sqlite"):
        return fresh_postgres(request.getfixturevalue("postgres"))
    return f"sqlite:///{tmp_path / 'other.db'}"


def test_a_backup_comes_back_into_either_kind_of_database(either_department, folder, database_url, request, tmp_path):
    back_up_into(folder, either_department)
    engine, _mark, about = put_back(
        folder, either_department, other_kind(database_url, request, tmp_path), tmp_path / "new"
    )
    for name in (
        "logs",
        "entries",
        "heads",
        "objects",
        "signers",
        "vault",
        "citizens",
        "numbers",
        "officer_keys",
        "feed",
    ):
        table = schema.metadata.tables[name]
        before = sorted(map(repr, rows(either_department.engine, table)))
        assert sorted(map(repr, rows(engine, table))) == before, name
    assert about.size == either_department.size()
    with transaction(engine) as connection:  # and what is numbered by the database goes on behind it
        feed = schema.feed.c
        highest = connection.execute(select(func.max(feed.pos))).scalar_one()
        row = {"log_id": 1, "idx": 99, "handle": "x", "kind": "renewal", "at": 1, "story": False}
        assert connection.execute(insert(schema.feed).returning(feed.pos), row).scalar_one() > highest
    engine.dispose()


def test_codes_links_questions_sign_ins_and_drafts_do_not_come_back(department, folder, tmp_path):
    assert rows(department.engine, schema.binding_codes)  # of the officer's enrolment
    back_up_into(folder, department)
    engine, _mark, _about = put_back(folder, department, f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "new")
    for name in ("binding_codes", "tickets", "nonces", "totp_used", "leases", "tries"):
        assert not rows(engine, schema.metadata.tables[name]), name
    [session] = rows(engine, chat.sessions)
    assert session[:4] == ("o-1", '{"language": "en", "quiet": true}', 0, 0.0)
    assert [row[1] for row in rows(engine, chat.outbox)] == ["b"]  # news that nobody has read yet
    engine.dispose()


def test_a_restored_node_waits_for_the_others_and_an_unharmed_mark_stays(department, folder, tmp_path):
    back_up_into(folder, department)
    engine, mark, _about = put_back(folder, department, f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "new")
    assert mark.is_waiting()
    engine.dispose()
    kept = HighWater.beside(tmp_path / "with-mark" / "node.keys")
    kept.create()
    kept.raise_log(3, EMPTY_ROOT)
    engine, mark, _about = put_back(folder, department, f"sqlite:///{tmp_path / 'third.db'}", tmp_path / "with-mark")
    assert mark.log_head() == (3, EMPTY_ROOT)
    engine.dispose()


def test_a_database_in_use_is_never_overwritten(department, folder, tmp_path):
    back_up_into(folder, department)
    with pytest.raises(Misconfigured, match="never overwritten"):
        put_back(folder, department, str(department.engine.url), tmp_path / "new")
    assert department.size() == 4
    assert HighWater.beside(tmp_path / "new" / "node.keys").is_missing()


def test_the_files_are_sealed_and_their_owners_alone(department, folder):
    back_up_into(folder, department)
    assert sorted(path.name for path in folder.iterdir()) == [KEYS_NAME, "node.backup"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    sealed = (folder / "node.backup").read_bytes()
    assert not any(plain in sealed for plain in (b"SQLite format", b"21.example", b"citizens", b"applicant"))
    with pytest.raises(Misconfigured):
        open_file(folder / "node.backup", folder / "plain", "another passphrase")


def opened(folder, target):
    open_file(folder / "node.backup", target, PASSPHRASE)
    return target


def test_no_wrapped_key_is_in_the_backup_itself(department, folder, tmp_path):
    back_up_into(folder, department)
    raw = opened(folder, tmp_path / "plain.db").read_bytes()
    wrapped = [row[1] for row in rows(department.engine, schema.citizens)]
    assert len(wrapped) == 3
    assert all(key not in raw for key in wrapped)
    assert set(read_keys(folder / KEYS_NAME, PASSPHRASE)[1].values()) == set(wrapped)


def erase_somebody(department):
    """As `erase` will: the key goes, and all that hangs on it."""
    with transaction(department.engine) as connection:
        citizen = connection.execute(select(schema.id_numbers.c.citizen)).scalars().first()
        for name in ("vault", "numbers", "id_numbers"):
            table = schema.metadata.tables[name]
            connection.execute(table.delete().where(table.c.citizen == citizen))
        connection.execute(schema.citizens.delete().where(schema.citizens.c.id == citizen))
    return citizen


def test_whoever_was_erased_since_does_not_come_back_from_an_older_backup(department, folder, tmp_path):
    back_up_into(folder, department, "yesterday.backup")
    citizen = erase_somebody(department)
    back_up_into(folder, department, "today.backup")  # the keys' file is replaced
    url = f"sqlite:///{tmp_path / 'other.db'}"
    engine, _mark, _about = put_back(folder, department, url, tmp_path / "new", "yesterday.backup")
    for name in ("citizens", "vault", "numbers", "id_numbers"):
        assert all(citizen not in map(str, row) for row in rows(engine, schema.metadata.tables[name])), name
    assert sorted(rows(engine, schema.entries)) == sorted(
        rows(department.engine, schema.entries)
    )  # the log holds nothing personal
    engine.dispose()


def test_a_backup_of_another_department_or_a_cut_off_one_is_refused(department, folder, tmp_path):
    back_up_into(folder, department)
    with pytest.raises(Misconfigured, match="a backup of"):
        restore(
            Target(f"sqlite:///{tmp_path / 'o.db'}", tmp_path / "k.keys", "22.example/log"),
            folder / "node.backup",
            PASSPHRASE,
            more=CHAT_PARTS,
            now=1,
        )
    whole = (folder / "node.backup").read_bytes()
    for cut in (whole[:-1], whole[: len(whole) // 2], b"", whole[:3]):
        (folder / "node.backup").write_bytes(cut)
        with pytest.raises(Misconfigured, match=r"no whole backup|is no backup"):
            put_back(folder, department, f"sqlite:///{tmp_path / 'o.db'}", tmp_path / "new")
    engine = create_engine(f"sqlite:///{tmp_path / 'o.db'}")
    with engine.connect() as connection:
        assert not connection.execute(text("SELECT name FROM sqlite_master")).all()
    engine.dispose()


def test_two_departments_do_not_share_a_folder(department, folder):
    keys = '{"origin": "22.example/log", "keys": {}}'
    (folder / KEYS_NAME).write_bytes(pyrage.passphrase.encrypt(keys.encode(), PASSPHRASE))
    before = (folder / KEYS_NAME).read_bytes()
    with pytest.raises(Misconfigured, match="another department"):
        back_up_into(folder, department)
    assert (folder / KEYS_NAME).read_bytes() == before


def test_it_is_remembered_when_the_last_backup_was_made(department, folder):
    with reading(department.engine) as connection:
        assert last_backup(connection) is None
    back_up_into(folder, department)
    with reading(department.engine) as connection:
        assert last_backup(connection) == START


def test_a_backup_waits_for_no_writer_and_holds_none_back(either_department, folder, monkeypatch):
    """One moment, though somebody writes in the middle of it."""
    original, grown = copy_rows, []

    def in_between(source, target, parts, progress):
        either_department.enrol("李敏", "clerk")
        grown.append(either_department.size())
        original(source, target, parts, progress)

    monkeypatch.setattr(writing, "copy_rows", in_between)
    about = back_up_into(folder, either_department)
    assert about.size == grown[0] - 1
    plain = opened(folder, folder.parent / "plain.db")
    with sqlite3.connect(plain) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (about.size,)
    connection.close()


def test_every_table_of_the_ledger_is_in_the_backup_or_left_out_by_name():
    names = {part.table.name for part in ledger_parts()}
    left_out = {"moment", "leases", "binding_codes", "tickets", "invitations", "nonces", "totp_used", "tries"}
    assert names | left_out == set(schema.metadata.tables)
    assert not names & left_out


def test_both_ways_say_how_far_they_have_come(department, folder, tmp_path):
    there, back = [], []
    file = folder / "node.backup"
    parts = {"more": CHAT_PARTS, "now": department.clock()}
    back_up(department.engine, department.origin, file, PASSPHRASE, **parts, progress=lambda *far: there.append(far))
    target = Target(f"sqlite:///{tmp_path / 'o.db'}", tmp_path / "k.keys", department.origin)
    restore(target, file, PASSPHRASE, **parts, progress=lambda *far: back.append(far))
    for said in (there, back):
        done, of = said[-1]
        assert done == of > 1
        assert [at for at, _ in said] == sorted(at for at, _ in said)


def test_a_disk_that_fills_up_at_any_moment_of_a_backup_leaves_what_was_there_and_says_so(department, tmp_path):
    with small_disk(tmp_path / "small"):
        back_up_into(tmp_path / "small", department)
        before = (tmp_path / "small" / "node.backup").read_bytes()
        ballast, refused = tmp_path / "small" / "ballast", set()
        for room in range(4_096, 4_000_000, 65_536):
            fill(ballast, room)
            try:
                back_up_into(tmp_path / "small", department)
                break
            except Busy as error:
                refused.add(str(error).partition("node.backup is not written ")[2])
            assert (tmp_path / "small" / "node.backup").read_bytes() == before
            assert {one.name for one in (tmp_path / "small").iterdir()} == {"node.backup", KEYS_NAME, "ballast"}
            ballast.unlink()
        # While it was copied, and while it was sealed.
        assert len(refused) > 1
        assert all("database or disk is full" in why or "No space left" in why for why in refused)
        assert (tmp_path / "small" / "node.backup").read_bytes() != before


def test_where_a_backup_has_no_room_to_be_opened_it_is_not_called_broken(department, folder, tmp_path):
    back_up_into(folder, department)
    with small_disk(tmp_path / "small"):
        fill(tmp_path / "small" / "ballast")
        target = Target(f"sqlite:///{tmp_path / 'o.db'}", tmp_path / "small" / "k.keys", department.origin)
        with pytest.raises(Busy, match="bytes there, and 0 are free"):
            restore(target, folder / "node.backup", PASSPHRASE, more=CHAT_PARTS, now=department.clock())
