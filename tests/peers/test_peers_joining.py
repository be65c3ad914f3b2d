"""A department is followed when its words were compared and its log says what its server says."""

import json
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import func, select

from ledger.errors import Misconfigured, PeerUnreachable
from ledger.folding import read_folded
from ledger.merkle.note import format_vkey
from ledger.peers import joining
from ledger.peers.home import read_peer, read_peers
from ledger.peers.joining import FingerprintDiffers, add_peer, fetch_node, introduction_of, remove_peer
from ledger.peers.strangers import add_stranger, read_strangers, remove_stranger
from ledger.records.governance import DepartmentState
from ledger.records.statement import parse_record
from ledger.storage import entries, schema
from ledger.storage.engine import reading, transaction
from tests.fakes.network import body, status
from tests.fakes.peer import FakeLog
from tests.peers.rig import make_county

CIVIL = "21.example"


@pytest.fixture
def strangers(tmp_path):
    """Three departments that have published, and know nobody."""
    made = make_county(tmp_path, acquainted=False)
    made.publish(cosign=False)
    yield made
    made.close()


def words(node):
    return node.keys.fingerprint


def peers(node):
    with reading(node.engine) as connection:
        return read_peers(connection)


def memberships(node):
    with reading(node.engine) as connection:
        size = entries.read_edge(connection, node.log.id).size
        records = map(parse_record, entries.read_entries(connection, node.log.id, 0, size))
        return [(record.clear["change"], record.clear["member"]) for record in records if record.kind == "membership"]


def test_a_department_whose_words_were_compared_is_followed_and_recorded(strangers):
    peer = add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    assert (peer.name, peer.origin, peer.number_prefix) == ("民政局", "21.example/log", "21")
    assert peers(strangers.police) == [peer]
    assert memberships(strangers.police) == [("added", "21.example/log")]
    assert introduction_of(peer).fingerprint == words(strangers.civil)


@pytest.mark.parametrize("spelled", [str.upper, lambda text: f"  {text.replace(' ', '   ')} ", str.title])
def test_words_are_the_same_however_they_are_typed(strangers, spelled):
    assert add_peer(strangers.police, strangers.civil.public_url, spelled(words(strangers.civil)))


@pytest.mark.parametrize(
    "wrong", [lambda text: "", lambda text: text.rsplit(" ", 1)[0], lambda text: f"{text} abandon"]
)
def test_other_words_add_nobody(strangers, wrong):
    with pytest.raises(FingerprintDiffers) as caught:
        add_peer(strangers.police, strangers.civil.public_url, wrong(words(strangers.civil)))
    assert caught.value.found == words(strangers.civil)
    assert (peers(strangers.police), memberships(strangers.police)) == ([], [])


def test_the_words_of_another_node_add_nobody(strangers):
    with pytest.raises(FingerprintDiffers):
        add_peer(strangers.police, strangers.civil.public_url, words(strangers.finance))


def lying(**changed):
    def change(_request, answer):
        return httpx.Response(200, content=json.dumps(json.loads(answer.read()) | changed))

    return change


@pytest.mark.parametrize("changed", [{"name": "财政厅"}, {"number_prefix": "77"}])
@pytest.mark.parametrize("signed", [True, False])
def test_a_server_that_says_other_than_its_log_is_not_followed(strangers, changed, signed):
    """Neither with what its log has signed of itself, nor without, as an older version's is."""
    strangers.wire.tamper(CIVIL, "/node.json", lying(**changed, **({} if signed else {"introduction": None})))
    with pytest.raises(PeerUnreachable, match="has not signed" if signed else "another"):
        add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    assert (peers(strangers.police), memberships(strangers.police)) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        status(404),
        status(302, Location="https://22.example/node.json"),
        body(b"{}"),
        body(b"[" * 100_000),
        body(b'{"name": 1}'),
        lying(log_vkeys=[]),
        lying(desk_jwk={"x": "short"}),
        lying(mirror_vkeys=["mirror+00000000+AAAA"]),
        lying(origin="other.example/log"),
        lying(url="https://21.example/\x1b]0;gotcha\x07"),
        lying(url="https://21.example\n22.example"),
    ],
)
def test_what_is_no_introduction_is_not_believed(strangers, change):
    strangers.wire.tamper(CIVIL, "/node.json", change)
    with pytest.raises(PeerUnreachable):
        fetch_node(strangers.police, strangers.civil.public_url)


@pytest.mark.parametrize("role", ["log_vkeys", "witness_vkeys", "mirror_vkeys"])
@pytest.mark.parametrize("whose", ["log_vkeys", "witness_vkeys", "mirror_vkeys"])
@pytest.mark.parametrize("name", ["财政局", "民政局"])
def test_a_key_in_anothers_name_is_not_followed(strangers, role, whose, name):
    """A mirror's key under 财政局's name would let 民政局 say that 财政局 has stored and checked a log."""
    keys = getattr(strangers.nodes[name].keys, whose)
    strangers.wire.tamper(CIVIL, "/node.json", lying(**{role: keys}))
    if (name, role) == ("民政局", whose):
        assert fetch_node(strangers.police, strangers.civil.public_url)
    else:
        with pytest.raises(PeerUnreachable):
            fetch_node(strangers.police, strangers.civil.public_url)


def test_a_department_whose_mirror_would_be_called_like_anothers_is_not_followed(strangers):
    """`22.example/log` and `22.example` are two logs, and both would cosign as `22.example/mirror`."""
    add_peer(strangers.police, strangers.finance.public_url, words(strangers.finance))
    with reading(strangers.police.engine) as connection:
        known = read_peer(connection, strangers.finance.origin)
        assert known is not None
        double = replace(introduction_of(known), origin="22.example", name="财政厅", number_prefix="77")
        with pytest.raises(Misconfigured, match="another department's"):
            joining.check_apart(connection, strangers.police, double)


def test_a_node_that_calls_itself_by_another_url_says_so_to_the_administrator(strangers):
    strangers.wire.tamper(CIVIL, "/node.json", lying(url="https://elsewhere.example"))
    with pytest.raises(Misconfigured, match=r"elsewhere\.example"):
        fetch_node(strangers.police, strangers.civil.public_url)


@pytest.mark.parametrize("path", ["/log/checkpoint", "/log/tile/entries/"])
def test_a_log_that_does_not_begin_with_its_genesis_is_not_followed(strangers, path):
    strangers.wire.tamper(CIVIL, path, lambda request, _answer: strangers.wire.sites["22.example"](request))
    with pytest.raises(PeerUnreachable):
        add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    assert memberships(strangers.police) == []


def test_ourselves_and_whoever_cannot_be_told_apart_are_not_followed(strangers):
    with pytest.raises(Misconfigured, match="our own"):
        add_peer(strangers.police, strangers.police.public_url, words(strangers.police))
    add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    with transaction(strangers.police.engine) as connection:
        rename = schema.peers.update().values(name="财政局")
        connection.execute(rename)
    with pytest.raises(Misconfigured, match="of this name"):
        add_peer(strangers.police, strangers.finance.public_url, words(strangers.finance))
    with transaction(strangers.police.engine) as connection:
        connection.execute(schema.peers.update().values(name="民政局", number_prefix="2"))
    with pytest.raises(Misconfigured, match="prefix"):
        add_peer(strangers.police, strangers.finance.public_url, words(strangers.finance))


def test_adding_twice_changes_nothing_and_removed_departments_come_back_under_their_handle(strangers):
    node, other = strangers.police, strangers.civil
    for _ in range(2):
        add_peer(node, other.public_url, words(other))
    assert memberships(node) == [("added", other.origin)]
    remove_peer(node, "民政局")
    assert peers(node) == []
    with pytest.raises(Misconfigured):
        remove_peer(node, "民政局")
    add_peer(node, other.public_url, words(other))
    assert [change for change, _member in memberships(node)] == ["added", "removed", "added"]
    with reading(node.engine) as connection:
        handles = select(func.count(schema.objects.c.handle)).where(schema.objects.c.topic == "department")
        assert connection.execute(handles).scalar_one() == 2  # ourselves and the one member
        assert read_peer(connection, other.origin) is not None


def test_after_a_crash_between_record_and_row_the_same_command_completes_it(strangers, monkeypatch):
    class PowerCut(BaseException):
        pass

    def cut(*_args):
        raise PowerCut

    node, other = strangers.police, strangers.civil
    with monkeypatch.context() as patch:
        patch.setattr(joining, "_store", cut)
        with pytest.raises(PowerCut):
            add_peer(node, other.public_url, words(other))
    assert peers(node) == []
    add_peer(node, other.public_url, words(other))
    assert memberships(node) == [("added", other.origin)]
    remove_peer(node, other.origin)
    assert [change for change, _member in memberships(node)] == ["added", "removed"]


def test_the_membership_record_names_the_members_keys(strangers):
    add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    with reading(strangers.police.engine) as connection:
        handle = connection.execute(select(schema.peers.c.handle)).scalar_one()
        folded = read_folded(connection, strangers.police.log.id, handle)
    assert folded is not None
    assert isinstance(folded.state, DepartmentState)
    assert list(folded.state.log_keys) == strangers.civil.keys.log_vkeys
    assert list(folded.state.mirror_keys) == strangers.civil.keys.mirror_vkeys


def test_a_strangers_log_is_added_once_listed_and_removed(strangers):
    log = FakeLog()
    for _ in range(2):
        add_stranger(strangers.police, log.vkey)
    assert read_strangers(strangers.police) == [log.vkey]
    remove_stranger(strangers.police, log.vkey)
    assert read_strangers(strangers.police) == []
    with pytest.raises(Misconfigured):
        remove_stranger(strangers.police, log.vkey)


def test_only_a_log_of_a_stranger_is_added_as_one(strangers):
    add_peer(strangers.police, strangers.civil.public_url, words(strangers.civil))
    cosigner = format_vkey(strangers.finance.keys.witness[0].verifier)
    for vkey in ("", "x", cosigner, strangers.police.keys.log_vkeys[0], strangers.civil.keys.log_vkeys[1]):
        with pytest.raises(Misconfigured):
            add_stranger(strangers.police, vkey)
