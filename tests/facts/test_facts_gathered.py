"""What is read ahead of many records, none of which anybody has checked."""

import pytest

from ledger.folding import Gathered
from ledger.merkle.hashing import Hash
from ledger.records.statement import Record
from ledger.storage import entries
from ledger.storage.engine import transaction

HANDLE = "0123456789abcdefghijkA"


@pytest.mark.parametrize("named", ["\0", "", "\ud800", "a" * 100_000, 7, None, ["x"], {"a": 1}, HANDLE])
def test_whatever_a_record_names_is_read_ahead_or_left_alone(engine, named):
    record = Record(
        b"", Hash(bytes(32)), "", "", "", "21.example/log", "", 0, HANDLE, None, {"case": named, "reissues": named}, ()
    )
    with transaction(engine) as conn:
        log_id = entries.create_log(conn, "21.example/log", own=False)
        objects = Gathered(conn, log_id)
        objects.look_ahead([record])
        assert objects.read(HANDLE) is None
