"""A node is made once, overwrites nothing, and opens only with what belongs together."""

from dataclasses import replace

import pytest
from sqlalchemy import inspect, text

from ledger import keys as node_keys
from ledger.errors import Misconfigured
from ledger.keys import HighWater, open_keys
from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.vkeys import parse_vkey
from ledger.node import Node, NodeSettings, init_node
from ledger.records.statement import check_schema, check_signature, parse_record
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading

PASSPHRASE = "correct horse battery"
NOW = 1_790_000_000


def now():
    return NOW


@pytest.fixture
def settings(database_url, tmp_path, quick_seal):
    return NodeSettings(
        name="民政局",
        origin="minzheng.example/log",
        public_url="https://minzheng.example",
        database_url=database_url,
        key_file=tmp_path / "keys" / "node.age",
    )


def init(settings, prefix="21"):
    return init_node(settings, number_prefix=prefix, passphrase=PASSPHRASE, now=now)


def test_a_new_node_begins_with_a_genesis_that_names_its_department_and_keys(settings):
    keys = init(settings)
    node = Node.open(settings, open_keys(settings.key_file, PASSPHRASE), now)
    with reading(node.engine) as connection:
        record = parse_record(entries.read_entries(connection, node.log.id, 0, 1)[0])
    check_schema(record)
    check_signature(record, keys.desk_public)
    assert (record.kind, record.iss, record.kid, record.iat) == ("genesis", node.origin, keys.desk_kid, NOW)
    assert record.clear["department"] == "民政局"
    assert record.clear["log_keys"] == keys.log_vkeys
    with node.reading() as facts:
        assert facts.department(node.origin) == "民政局"
        assert facts.prefixes() == {"21": "民政局"}
    node.close()


def test_a_new_node_can_sign_and_publish_at_once_and_waits_for_nobody(settings):
    keys = init(settings)
    node = Node.open(settings, keys, now)
    head = node.log.sign_new_head()
    assert head is not None
    assert node.log.publish(head.size)
    published = node.log.published_checkpoint()
    assert published is not None
    opened = open_cosigned(published, [parse_vkey(vkey) for vkey in keys.log_vkeys])
    assert (opened.checkpoint.origin, opened.checkpoint.size) == (node.origin, 1)
    assert len(opened.log_lines) == 2
    node.close()


def test_init_never_overwrites_anything(settings, tmp_path):
    keys = init(settings)
    sealed = settings.key_file.read_bytes()
    with pytest.raises(Misconfigured, match="already"):
        init(settings)
    other_keys = replace(settings, key_file=tmp_path / "other.age")
    with pytest.raises(Misconfigured, match="ONETRIP_DATABASE_URL"):
        init(other_keys)
    assert not other_keys.key_file.exists()
    assert settings.key_file.read_bytes() == sealed
    assert open_keys(settings.key_file, PASSPHRASE).fingerprint == keys.fingerprint


def test_init_leaves_what_it_finds_as_it_was(settings, tmp_path):
    (tmp_path / "keys").mkdir()
    settings.key_file.with_suffix(".high-water").write_text("somebody's")
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
        init(settings)
    settings.key_file.with_suffix(".high-water").unlink()
    engine = open_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebodys (thing INTEGER)"))
    with pytest.raises(Misconfigured, match="ONETRIP_DATABASE_URL"):
        init(settings)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == ["somebodys"]
    engine.dispose()
    assert not settings.key_file.exists()


@pytest.mark.parametrize(
    ("change", "prefix", "named"),
    [
        ({"name": "民政局 一科"}, "21", "--name"),
        ({"name": ""}, "21", "--name"),
        ({}, "012", "--number-prefix"),
        ({}, "21234", "--number-prefix"),
        ({"origin": "a b/log"}, "21", "ONETRIP_ORIGIN"),
    ],
)
def test_a_wrong_name_stops_init_before_anything_is_made(settings, change, prefix, named):
    with pytest.raises(Misconfigured, match=named):
        init(replace(settings, **change), prefix)
    assert not settings.key_file.exists()


def test_keys_of_another_node_do_not_open_this_one(settings):
    init(settings)
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
        Node.open(settings, node_keys.generate(settings.origin), now)
    with pytest.raises(Misconfigured, match="ONETRIP_KEY_FILE"):
        Node.open(settings, node_keys.generate("caizheng.example/log"), now)


def test_a_node_that_was_never_made_or_has_another_name_says_which_setting_to_mend(settings):
    keys = init(settings)
    with pytest.raises(Misconfigured, match="ONETRIP_NODE_NAME"):
        Node.open(replace(settings, name="财政局"), keys, now)
    with pytest.raises(Misconfigured, match="ONETRIP_DATABASE_URL"):
        Node.open(replace(settings, origin="caizheng.example/log"), node_keys.generate("caizheng.example/log"), now)


def test_the_high_water_mark_lies_beside_the_keys(settings):
    init(settings)
    assert settings.key_file.with_suffix(".high-water").exists()
    assert HighWater.beside(settings.key_file).log_head() is None
