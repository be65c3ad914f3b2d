"""A rotation may be interrupted anywhere: the keys in the file always fit the log, and nothing sealed is lost."""

import pyrage
import pytest
from sqlalchemy import select, update

from ledger import rollover
from ledger.audit.verify import verify_database
from ledger.errors import Busy, Misconfigured
from ledger.key_history import read_history
from ledger.keyring import Keyring
from ledger.keys import open_sealed, seal_again
from ledger.node import init_node
from ledger.records.funds import Ref
from ledger.records.rotation import ROLES
from ledger.rollover import roll_over
from ledger.storage import schema
from ledger.storage.engine import read_moment, reading, transaction
from ledger.storage.facts import read_queue
from tests.keys.rotating import NOW, PASSPHRASE, act, opened, settings_in

ID_NUMBER = "330199199003070026"


@pytest.fixture
def folder(tmp_path, database_url, quick_seal):
    init_node(settings_in(tmp_path, database_url), number_prefix="21", passphrase=PASSPHRASE, now=lambda: NOW)
    node = opened(tmp_path, database_url)
    node.desk.enrol("林芳", ("clerk",), ID_NUMBER)
    act(node)
    node.log.sign_new_head()
    node.close()
    return tmp_path


@pytest.fixture
def node(folder, database_url):
    made = opened(folder, database_url)
    yield made
    made.close()


def names(node):
    """Every applicant that can still be read."""
    with node.reading() as facts:
        views = [facts.case(ref) for ref in cases(node)]
    return [view.applicant for view in views if view is not None]


def cases(node):
    with reading(node.engine) as conn:
        return [
            Ref(node.origin, handle)
            for handle in read_queue(conn, node.log.id, "case", ["SUBMITTED"], offset=0, limit=10_000)
        ]


def applicant(facts, ref):
    view = facts.case(ref)
    return None if view is None else view.applicant


def held(node):
    assert isinstance(node.keys, Keyring)
    return node.keys.now()


def rotations(node):
    with reading(node.engine) as connection:
        return len(read_history(connection, node.log.id).rotations)


def check_whole(node):
    """All of it holds, the vault opens, and the desk goes on."""
    act(node)
    node.log.sign_new_head()
    report = verify_database(node.engine, vault_key=node.keys.vault_key)
    assert report.faults == ()
    assert set(names(node)) == {"王"}


@pytest.mark.parametrize("role", ROLES)
def test_new_keys_count_at_once_and_what_was_sealed_opens(node, role):
    before = held(node)
    roll_over(node, role)
    changed = {each for each in ROLES if held(node).role_keys(each) != before.role_keys(each)}
    assert changed == {role}
    check_whole(node)


@pytest.mark.parametrize("role", ROLES)
def test_a_process_that_runs_on_notices_by_itself(folder, database_url, node, role):
    other = opened(folder, database_url)
    assert node.keys.fingerprint == other.keys.fingerprint
    roll_over(node, role)
    act(other)
    other.log.sign_new_head()
    assert held(other).role_keys(role) == held(node).role_keys(role)
    check_whole(other)
    other.close()


def test_a_reader_from_before_the_rotation_reads_to_its_end(folder, database_url, node):
    other = opened(folder, database_url)
    with other.reading() as facts:
        [ref] = cases(other)
        assert applicant(facts, ref) == "王"
        roll_over(node, "vault")
        assert applicant(facts, ref) == "王"
    assert names(other) == ["王"]
    other.close()


@pytest.mark.parametrize("when", ["before the moment is looked at", "before the keys are looked at"])
def test_a_rotation_just_as_a_reader_begins_gives_it_the_keys_of_its_moment(
    folder, database_url, node, monkeypatch, when
):
    other = opened(folder, database_url)
    [ref] = cases(other)
    look = Keyring.now

    def rotate_once():
        monkeypatch.undo()
        roll_over(node, "vault")

    def read_late(connection):
        rotate_once()
        return read_moment(connection)

    def look_late(ring, conn=None):
        if ring is other.keys:
            rotate_once()
        return look(ring, conn)

    if when == "before the moment is looked at":
        monkeypatch.setattr("ledger.node.read_moment", read_late)
    else:
        monkeypatch.setattr(Keyring, "now", look_late)
    with other.reading() as facts:
        assert applicant(facts, ref) == "王"
    assert rotations(node) == 1
    other.close()


class Crash(BaseException):
    """The machine stops."""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("step", ["before the keys", "before the record", "after the record", "before the end"])
def test_a_crash_at_any_step_leaves_keys_that_fit_and_the_command_goes_on(
    folder, database_url, node, role, step, monkeypatch
):
    calls = iter(["before the keys", "before the end"])
    write, rotate = seal_again, type(node.desk).rotate

    def write_or_crash(*args):
        if next(calls, None) == step:
            raise Crash
        write(*args)

    def rotate_or_crash(*args):
        if step == "before the record":
            raise Crash
        done = rotate(*args)
        if step == "after the record":
            raise Crash
        return done

    with monkeypatch.context() as patch:
        patch.setattr(rollover, "seal_again", write_or_crash)
        patch.setattr(type(node.desk), "rotate", rotate_or_crash)
        with pytest.raises(Crash):
            roll_over(node, role)
    recorded = step in {"after the record", "before the end"}
    again = opened(folder, database_url)
    assert rotations(again) == recorded
    check_whole(again)
    done = roll_over(again, role)
    assert done.completed == recorded
    assert rotations(again) == 1
    assert open_sealed(folder / "node.age", PASSPHRASE).coming is None
    check_whole(again)
    again.close()


def test_keys_made_for_a_rotation_that_never_began_are_used_and_not_made_anew(folder, node, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(type(node.desk), "rotate", lambda *_args: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            roll_over(node, "log")
    coming = open_sealed(folder / "node.age", PASSPHRASE).coming
    roll_over(node, "log")
    assert coming is not None
    assert held(node).role_keys("log") == coming.keys.role_keys("log")


def test_two_rotations_at_once_are_one(folder, node):
    with rollover._alone(folder / "node.age"), pytest.raises(Busy):
        roll_over(node, "log")


def test_a_key_file_from_before_a_rotation_opens_no_node(folder, database_url, node):
    old = (folder / "node.age").read_bytes()
    roll_over(node, "log")
    (folder / "node.age").write_bytes(old)
    with pytest.raises(Misconfigured, match="log key"):
        opened(folder, database_url)


def test_one_altered_value_stops_no_rotation_of_the_vaults_key(node):
    act(node)
    with reading(node.engine) as conn:
        victim = conn.execute(select(schema.numbers.c.citizen)).scalars().first()
    with transaction(node.engine) as conn:
        conn.execute(update(schema.citizens).where(schema.citizens.c.id == victim).values(wrapped_key=bytes(60)))
    roll_over(node, "vault")
    act(node)


# --- a machine that is busy ---


def test_a_busy_machine_is_no_wrong_passphrase(folder, monkeypatch):
    calls = []

    def measure_and_refuse(*_args):
        calls.append(1)
        raise pyrage.DecryptError("Excessive work parameter for passphrase.\nDecryption would take around 64 seconds.")

    monkeypatch.setattr(pyrage.passphrase, "decrypt", measure_and_refuse)
    with pytest.raises(Busy):
        open_sealed(folder / "node.age", PASSPHRASE)
    assert len(calls) > 1


def test_a_key_file_that_cannot_be_read_now_leaves_the_keys_as_they_are_and_is_tried_again(folder, node, monkeypatch):
    other = opened(folder, str(node.engine.url.render_as_string(hide_password=False)))
    roll_over(other, "witness")
    with monkeypatch.context() as patch:
        patch.setattr("ledger.keyring.open_sealed", lambda *_args: (_ for _ in ()).throw(Busy("not now")))
        for _ in range(2):
            with pytest.raises(Busy):
                held(node)
    assert held(node).role_keys("witness") == held(other).role_keys("witness")
    other.close()
