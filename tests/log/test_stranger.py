"""A stranger's client, which knows nothing of our code, reads our log and believes it for the right reasons."""

import pytest
from cryptography.exceptions import InvalidSignature

from ledger.merkle.tiles import parse_bundle_path, parse_tile_path
from ledger.storage import entries
from ledger.storage.engine import reading, transaction
from tests.fakes.tiny_reader import read_log


def serve(log):
    """What is behind `/log/`, without HTTP."""

    def fetch(path):
        if path == "checkpoint":
            return log.published_checkpoint()
        with reading(log.engine) as connection:
            if path.startswith("tile/entries/"):
                return entries.read_bundle(connection, log.id, parse_bundle_path(path))
            return entries.read_tile(connection, log.id, parse_tile_path(path))

    return fetch


def publish(log):
    head = log.sign_new_head()
    assert log.publish(head.size)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 515])
def test_a_log_of_any_size_is_read_by_a_stranger(log, append, node_keys, size):
    _, records = append(log, size)
    publish(log)
    assert read_log(serve(log), node_keys.log_vkeys[0]) == [record.entry for record in records]


def test_a_log_with_three_levels_of_tiles_is_read_by_a_stranger(sqlite_log, node_keys):
    stored = [b"%d" % number for number in range(65_536 + 257)]
    with transaction(sqlite_log.engine) as connection:
        entries.append(connection, sqlite_log.id, stored)
    publish(sqlite_log)
    assert read_log(serve(sqlite_log), node_keys.log_vkeys[0]) == stored


def test_what_was_served_before_is_served_the_same_after_the_log_has_grown(log, append, node_keys):
    append(log, 300)
    publish(log)
    old = [serve(log)(path) for path in ("tile/0/000", "tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1")]
    append(log, 300)
    publish(log)
    assert old == [
        serve(log)(path) for path in ("tile/0/000", "tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1")
    ]
    read_log(serve(log), node_keys.log_vkeys[0])


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/000", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_one_flipped_bit_in_anything_served_is_noticed_by_the_stranger(log, append, node_keys, path):
    append(log, 300)
    publish(log)
    honest = serve(log)

    def flipped(asked):
        data = honest(asked)
        return data if asked != path else data[:20] + bytes([data[20] ^ 1]) + data[21:]

    read_log(honest, node_keys.log_vkeys[0])
    with pytest.raises((AssertionError, InvalidSignature, ValueError)):
        read_log(flipped, node_keys.log_vkeys[0])
