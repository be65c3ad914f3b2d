"""A log as files: whatever a folder or a server hands out wrongly is named."""

import shutil
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from ledger.audit.verify import KEYS_FROM_LOG, NO_VAULT, verify_folder, verify_url
from ledger.errors import Misconfigured, PeerUnreachable
from ledger.merkle.tiles import bundle_path, bundles_of, tile_path, tiles_of
from ledger.peers.client import PeerClient
from ledger.scribe import new_handle
from ledger.storage import entries, heads
from ledger.storage.engine import reading
from tests.fakes.network import Carrier
from tests.verify.conftest import Stored
from tests.verify.test_verify_lying import Forger

BUNDLES = "tile/entries/000"


def write(folder: Path, stored: Stored) -> None:
    engine = stored.engine()
    write_from(engine, folder)
    engine.dispose()


def write_from(engine: Engine, folder: Path) -> None:
    with reading(engine) as conn:
        head = heads.published_head(conn, 1)
        assert head is not None
        assert head.served is not None
        files = {"checkpoint": head.served}
        files |= {tile_path(tile): entries.read_tile(conn, 1, tile) for tile in tiles_of(head.size)}
        files |= {bundle_path(one): entries.read_bundle(conn, 1, one) for one in bundles_of(head.size)}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture(scope="session")
def files(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    write(folder, original)
    return folder


@pytest.fixture
def folder(files, tmp_path):
    shutil.copytree(files, tmp_path / "log")
    return tmp_path / "log"


def parts(report):
    return {fault.part for fault in report.faults}


def test_a_folder_of_tiles_verifies_with_nothing_but_a_key(folder, stored):
    report = verify_folder(folder, trust=stored.trust)
    assert (report.ok, report.notes) == (True, (NO_VAULT,))
    assert verify_folder(folder).notes == (NO_VAULT, KEYS_FROM_LOG)


def test_one_flipped_bit_of_a_bundle_is_named_by_its_entry(folder, stored):
    data = bytearray((folder / BUNDLES).read_bytes())
    data[1_000] ^= 4
    (folder / BUNDLES).write_bytes(data)
    report = verify_folder(folder, trust=stored.trust)
    assert {fault.at for fault in report.faults if fault.part == "entry"} >= {report.faults[0].at}
    assert parts(report) == {"entry"}


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data + b"\0", lambda _data: b""])
def test_a_bundle_cut_or_stretched_is_no_bundle_and_all_its_entries_are_named(folder, stored, damage):
    (folder / BUNDLES).write_bytes(damage((folder / BUNDLES).read_bytes()))
    report = verify_folder(folder, trust=stored.trust)
    assert [fault.at for fault in report.faults[:256]] == [str(index) for index in range(256)]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/1"])
def test_a_wrong_or_missing_tile_is_named(folder, stored, path):
    data = bytearray((folder / path).read_bytes())
    data[5] ^= 1
    (folder / path).write_bytes(data)
    wrong = verify_folder(folder, trust=stored.trust)
    (folder / path).unlink()
    missing = verify_folder(folder, trust=stored.trust)
    assert "tile" in parts(wrong)
    assert "tile" in parts(missing)
    assert not wrong.ok
    assert not missing.ok


def test_a_checkpoint_that_promises_more_than_there_is_names_what_is_missing(folder, stored):
    text = (folder / "checkpoint").read_bytes()
    (folder / "checkpoint").write_bytes(text.replace(b"\n", b"\n9", 1))  # a larger size, and no signature for it
    report = verify_folder(folder, trust=stored.trust)
    assert {"checkpoint", "entry"} <= parts(report)


def test_a_checkpoint_of_any_size_keeps_nobody_waiting(folder, stored):
    origin, _size, rest = (folder / "checkpoint").read_bytes().split(b"\n", 2)
    (folder / "checkpoint").write_bytes(b"\n".join([origin, b"%d" % (2**62), rest]))
    report = verify_folder(folder, trust=stored.trust)
    assert any(fault.at.endswith(f" to {2**62 - 1}") for fault in report.faults) or report.found > 1_000


@pytest.mark.parametrize("content", [None, b"", b"hello\n", b"\xff\n\n"])
def test_a_folder_without_a_checkpoint_is_a_wrong_question(folder, content):
    (folder / "checkpoint").unlink()
    if content is not None:
        (folder / "checkpoint").write_bytes(content)
    with pytest.raises(Misconfigured):
        verify_folder(folder)


class Answering(Carrier, httpx.MockTransport):
    """A host that answers so."""


def serving(folder, broken=None):
    def answer(request):
        path = request.url.path.removeprefix("/log/")
        if path == broken:
            return httpx.Response(500)
        file = folder / path
        return (
            httpx.Response(200, stream=httpx.ByteStream(file.read_bytes()))
            if file.is_file()
            else httpx.Response(404, stream=httpx.ByteStream(b""))
        )

    return PeerClient("http://127.0.0.1", transport=Answering(answer))


@pytest.mark.parametrize("url", ["http://127.0.0.1", "http://127.0.0.1/", "http://127.0.0.1/log"])
def test_a_node_s_log_verifies_by_the_node_s_url_or_the_log_s(folder, stored, url):
    with serving(folder) as client:
        assert verify_url(client, url, trust=stored.trust).ok


def test_a_node_that_lost_a_tile_is_at_fault_and_one_that_does_not_answer_is_not(folder, stored):
    with serving(folder, broken=BUNDLES) as client, pytest.raises(PeerUnreachable):
        verify_url(client, "http://127.0.0.1", trust=stored.trust)
    (folder / BUNDLES).unlink()
    with serving(folder) as client:
        assert parts(verify_url(client, "http://127.0.0.1", trust=stored.trust)) == {"entry"}


def test_what_was_found_stands_though_the_node_answers_no_question_twice(tmp_path):
    """To tell two records of one name from the same bytes twice, both are read again."""
    forger, name, asked = Forger(tmp_path), new_handle(), set()
    first = forger.lay(forger.submitted(jti=name), forger.submitted(jti=name))
    write_from(forger.civil.engine, tmp_path / "log")

    def answer(request):
        path = request.url.path.removeprefix("/log/")
        if path in asked:
            return httpx.Response(500)
        asked.add(path)
        return httpx.Response(200, content=(tmp_path / "log" / path).read_bytes())

    with PeerClient("http://127.0.0.1", transport=Answering(answer)) as client:
        report = verify_url(client, "http://127.0.0.1", trust=forger.trust())
    assert [(int(fault.at), fault.part) for fault in report.faults] == [(first + 1, "entry")]
