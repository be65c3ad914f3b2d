"""A node without a WeChat account is asked by programs and other departments alone: what is public is there all the same."""

import time

import pytest

import app
from handlers.settings import read_settings
from ledger.node import init_node
from ledger.records import base64url
from ledger.storage import entries
from ledger.storage.engine import open_engine, reading

PASSPHRASE = "correct horse battery"


@pytest.fixture
def mute(tmp_path, quick_seal):
    """The web side of a department without a chat, as a worker builds it; and the name of its first record."""
    chosen = read_settings(
        {
            "ONETRIP_NODE_NAME": "体育局",
            "ONETRIP_PUBLIC_URL": "http://127.0.0.1:8031",
            "ONETRIP_DATABASE_URL": f"sqlite:///{tmp_path / 'node.db'}",
            "ONETRIP_KEY_FILE": str(tmp_path / "node.age"),
            "ONETRIP_KEY_PASSPHRASE": PASSPHRASE,
        }
    )
    init_node(app.node_settings(chosen), number_prefix="31", passphrase=PASSPHRASE, now=lambda: int(time.time()))
    built = app.build(chosen)
    engine = open_engine(chosen.database_url)
    with reading(engine) as connection:
        [leaf] = entries.leaves_between(connection, bytes(32), b"\xff" * 32, limit=1)
    engine.dispose()
    yield built.test_client(), base64url.encode(leaf)
    for one in built.extensions["engines"]:
        one.dispose()


def test_it_says_who_has_checked_whom(mute):
    client, _record = mute
    told = client.get("/network.json")
    assert (told.status_code, told.json["node"]) == (200, "127.0.0.1:8031/log")


def test_it_shows_its_records(mute):
    client, record = mute
    told = client.get(f"/receipts/{record}")
    assert told.status_code == 404  # no quorum has cosigned it yet
    assert told.json["index"] == 0
    assert told.json["promise"].count(".") == 2
    page = client.get(f"/receipts/{record}", headers={"Accept": "text/html"})
    assert "体育局" in page.text


def test_it_answers_for_findings(mute):
    client, _record = mute
    assert "no finding of this name" in client.get("/findings/ABCDEFGH.json").json["detail"]


@pytest.mark.parametrize("path", ["/intake/x", "/wechat"])
def test_what_only_a_chat_leads_to_is_not_there(mute, path):
    client, _record = mute
    assert client.get(path).content_type == "application/problem+json"
    assert client.get(path).status_code == 404
