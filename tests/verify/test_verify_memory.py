"""However little is held in memory, the same is found: what was let go comes back as it was."""

import tempfile

import pytest

from ledger.audit import refold
from ledger.audit.refold import COLUMNS, Refold
from ledger.audit.verify import verify_database
from ledger.errors import Busy
from ledger.records.statement import parse_record
from tests.attacks.disks import fill, small_disk

CIVIL = "21.example/log"


def faults(stored):
    report = stored.verify()
    assert report.found == len(report.faults)
    return sorted(map(str, report.faults))


@pytest.fixture(params=[(1, 1), (7, 3)], ids=["one object", "a few"])
def forgetful(request, monkeypatch):
    """Call it: from then on there is room for so many objects at hand."""

    def forget():
        monkeypatch.setattr(refold, "OBJECTS_IN_MEMORY", request.param[0])
        monkeypatch.setattr(refold, "WRITTEN_AT_ONCE", request.param[1])

    return forget


def earlier(stored, tmp_path, handle, last):
    """An object's row as it was before the record at index `last`."""
    folded = Refold(tmp_path / "earlier.db", CIVIL)
    for index, entry in stored.read("SELECT idx, entry FROM entries WHERE log_id = 1 AND idx < ? ORDER BY idx", last):
        folded.take(index, parse_record(entry))
    folded.settle()
    row = dict(folded.others())[handle]
    folded.close()
    return row


def test_a_good_log_is_good_however_little_is_held(stored, forgetful):
    forgetful()
    assert faults(stored) == []


_OTHER = (
    "substr(handle, 1, 20) || CASE substr(handle, 21) WHEN '-Q' THEN '-A' ELSE '-Q' END"  # a handle that is not there
)
_INVENTED = f"""
    INSERT INTO objects (log_id, handle, {", ".join(COLUMNS)})
    SELECT log_id, {_OTHER}, {", ".join(COLUMNS)}
      FROM objects WHERE log_id = 1 AND topic = 'case' ORDER BY first_idx LIMIT 9
"""
ATTACKS = [
    "UPDATE objects SET status = 'REFUSED' WHERE log_id = 1 AND topic = 'case' AND first_idx % 3 = 0",
    "UPDATE objects SET folded = replace(folded, '2000000', '200') WHERE log_id = 1 AND topic = 'award'",
    "UPDATE objects SET first_idx = first_idx + 1 WHERE log_id = 1 AND topic = 'case'",
    "UPDATE objects SET disputed = idx WHERE log_id = 1 AND topic = 'officer'",
    "UPDATE objects SET payer = NULL WHERE log_id = 1 AND payer IS NOT NULL",
    "DELETE FROM objects WHERE log_id = 1 AND first_idx % 5 = 1",
    _INVENTED,
    f"UPDATE objects SET handle = {_OTHER} WHERE log_id = 1 AND topic = 'case'",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_is_altered_is_named_alike(stored, forgetful, attack):
    assert stored.attack(attack) > 0
    roomy = faults(stored)
    assert roomy
    forgetful()
    assert faults(stored) == roomy


def test_a_row_put_back_to_what_it_was_is_named_though_it_was_right_once(stored, forgetful, tmp_path):
    """When it is let go for the first time the database says the same; not when it comes back."""
    ((handle, last),) = stored.read(
        "SELECT handle, idx FROM objects WHERE log_id = 1 AND topic = 'case' AND idx > first_idx ORDER BY idx LIMIT 1"
    )
    columns = ", ".join(f"{name} = ?" for name in COLUMNS)
    row = earlier(stored, tmp_path, handle, last)
    assert stored.attack(f"UPDATE objects SET {columns} WHERE log_id = 1 AND handle = ?", *row, handle) == 1
    roomy = faults(stored)
    assert [fault.split(": ")[0] for fault in roomy] == [f"object {handle}"]
    forgetful()
    assert faults(stored) == roomy


def test_what_no_record_has_said_is_not_believed_when_a_record_builds_on_it(stored, forgetful):
    """The first record of an object is gone, and its row is still there: the second one refers to nothing."""
    ((handle, first),) = stored.read(
        "SELECT handle, first_idx FROM objects WHERE log_id = 1 AND topic = 'case' AND idx > first_idx LIMIT 1"
    )
    assert stored.attack("DELETE FROM entries WHERE log_id = 1 AND idx = ?", first) == 1
    roomy = faults(stored)
    assert any("IllegalStep" in fault for fault in roomy)
    assert any(fault.startswith(f"object {handle}: no record is about it") for fault in roomy)
    forgetful()
    assert faults(stored) == roomy


def test_a_handle_that_is_no_text_is_named_and_nobody_looks_for_ever(stored):
    last = stored.read("SELECT max(handle) FROM objects WHERE log_id = 1")[0][0]
    broken = "UPDATE objects SET handle = CAST(? AS TEXT) WHERE log_id = 1 AND handle = ?"
    assert stored.attack(broken, b"\xfa" + last[1:].encode(), last) == 1
    assert {fault.part for fault in verify_database(stored.engine()).faults} == {"object"}


def test_a_disk_that_is_full_is_told_and_is_no_fault_of_the_log(stored, forgetful, tmp_path, monkeypatch):
    forgetful()
    monkeypatch.setattr(refold, "CACHE_KIBIBYTES", 1)
    with small_disk(tmp_path / "small"):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "small"))
        fill(tmp_path / "small" / "ballast", 4_096)
        with pytest.raises(Busy, match="TMPDIR names another folder"):
            stored.verify()
        assert [one.name for one in (tmp_path / "small").iterdir()] == ["ballast"]
        (tmp_path / "small" / "ballast").unlink()
        assert faults(stored) == []
