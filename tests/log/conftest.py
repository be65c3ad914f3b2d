"""A log of our own in a fresh database, and records to put into it."""

import secrets

import pytest

from ledger.keys import HighWater
from ledger.log import OwnLog
from ledger.records import base64url
from ledger.records.statement import Statement, sign
from ledger.storage import entries
from ledger.storage.engine import transaction

NOW = 1_790_000_000


def handle():
    return base64url.encode(secrets.token_bytes(16))


def make_record(keys, *, iss=None):
    """A record of the simplest kind, by the desk's key; whether an officer may say it is not the log's question."""
    return sign(
        Statement("payment-released", handle()),
        iss=iss or keys.origin,
        jti=handle(),
        iat=NOW,
        prev=None,
        kid=keys.desk_kid,
        salts=(),
        signer=keys.desk.sign,
    ).record


def open_log(engine, keys, high_water):
    return OwnLog(engine, keys.origin, keys.log, high_water, lambda: NOW)


@pytest.fixture
def high_water(tmp_path):
    mark = HighWater(tmp_path / "node.high-water")
    mark.create()
    return mark


@pytest.fixture
def log(engine, node_keys, high_water):
    with transaction(engine) as connection:
        entries.create_log(connection, node_keys.origin, own=True)
    return open_log(engine, node_keys, high_water)


@pytest.fixture
def sqlite_log(sqlite_engine, node_keys, high_water):
    with transaction(sqlite_engine) as connection:
        entries.create_log(connection, node_keys.origin, own=True)
    return open_log(sqlite_engine, node_keys, high_water)


@pytest.fixture
def append(node_keys):
    def to(log, count=1):
        records = [make_record(node_keys) for _ in range(count)]
        with transaction(log.engine) as connection:
            first = log.append(connection, records)
        return first, records

    return to
