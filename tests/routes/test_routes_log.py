"""The log as a stranger's client reads it: to the byte, up to what was published, and no path has two spellings."""

import gzip
from hashlib import sha256
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.merkle.cosignature import open_cosigned
from ledger.merkle.hashing import leaf_hash, root_of, split_hashes
from ledger.merkle.tiles import bundle_path, bundles_of, parse_bundle, tile_path, tiles_of
from ledger.routes import create_blueprint
from ledger.shelf import TILES_MAX, Shelf
from ledger.storage.engine import transaction
from tests.routes.conftest import PUBLISHED, STORED

IMMUTABLE = "public, max-age=31536000, immutable"


def get(house, path, **headers):
    return house.web.get(path, headers=headers)


def test_before_the_first_head_there_is_no_checkpoint_and_no_tile(house):
    assert get(house, "/log/checkpoint").status_code == 404
    assert get(house, "/log/tile/0/000.p/1").status_code == 404
    assert get(house, "/log/tile/entries/000.p/1").status_code == 404


def test_a_stranger_reads_checkpoint_tiles_and_entries_and_they_fit(long_log):
    answer = get(long_log, "/log/checkpoint")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert "max-age=1" in answer.headers["Cache-Control"]
    opened = open_cosigned(answer.data, [signer.verifier for signer in long_log.node.keys.log])
    assert opened.checkpoint.size == PUBLISHED
    leaves = []
    for bundle in bundles_of(PUBLISHED):
        content = get(long_log, f"/log/{bundle_path(bundle)}")
        assert (content.content_type, content.headers["Cache-Control"]) == ("application/octet-stream", IMMUTABLE)
        leaves += [leaf_hash(entry) for entry in parse_bundle(content.data, bundle.width)]
    assert root_of(leaves) == opened.checkpoint.root
    tiles = {tile_path(tile): get(long_log, f"/log/{tile_path(tile)}").data for tile in tiles_of(PUBLISHED)}
    assert tiles["tile/0/002.p/88"] == b"".join(leaves[512:])
    assert split_hashes(tiles["tile/1/000.p/2"]) == [root_of(leaves[:256]), root_of(leaves[256:512])]


def test_a_bundle_is_packed_for_those_who_ask_and_the_same_bytes_each_time(long_log):
    plain = get(long_log, "/log/tile/entries/000")
    packed = get(long_log, "/log/tile/entries/000", **{"Accept-Encoding": "br, gzip"})
    refused = get(long_log, "/log/tile/entries/000", **{"Accept-Encoding": "gzip;q=0, identity"})
    assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.data) == plain.data == refused.data
    assert "Content-Encoding" not in refused.headers
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert packed.data == get(long_log, "/log/tile/entries/000", **{"Accept-Encoding": "gzip"}).data
    assert "Content-Encoding" not in get(long_log, "/log/tile/0/000", **{"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize("width", [1, 87, 88])
def test_every_partial_of_every_published_size_is_served(long_log, width):
    assert len(get(long_log, f"/log/tile/0/002.p/{width}").data) == 32 * width
    assert len(parse_bundle(get(long_log, f"/log/tile/entries/002.p/{width}").data, width)) == width


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002",  # stored as far as 700, published to 600
        "tile/0/002.p/89",
        "tile/0/003.p/1",
        "tile/1/000",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/entries/002",
        "tile/entries/002.p/89",
        "tile/entries/999",
        "tile/0/x999/x999/999",
        "tile/63/000.p/1",
    ],
)
def test_nothing_beyond_the_published_checkpoint_is_ever_served(long_log, path):
    assert STORED > PUBLISHED
    answer = get(long_log, f"/log/{path}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.headers["Cache-Control"] == "no-store"


MALFORMED = [
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/x000/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000/",
    "tile/0//000",
    "tile//0/000",
    "/tile/0/000",
    "tile/0/000?x=1#",
    "tile/entries/0",
    "tile/entries/000.p/300",
    "tile/entries/../0/000",
    "tile/%D9%A0/000",
    "tile/0/%EF%BC%90%EF%BC%90%EF%BC%90",
    "tile/0/000%0A",
    "tile/0/000%00",
    "tile/0/x",
    "tile/",
    "tile",
    "tile/entries/",
    "tile/a/000",
    "tile/0/" + "x000/" * 40 + "000",
    "tile/" + "9" * 5_000 + "/000",
]


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path[:24])
def test_a_malformed_path_is_not_there_and_nobody_is_sent_on(long_log, path):
    if "?" in path:
        assert get(long_log, f"/log/{path}").status_code == 200  # a question mark ends the path
        return
    assert get(long_log, f"/log/{path}").status_code == 404


@given(st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_path_that_anyone_can_think_of_crashes_a_door(long_log, text):
    for base in ("log/tile", "witness", "mirror", "mirror/" + sha256(b"x").hexdigest() + "/tile"):
        assert long_log.web.get(f"/{base}/{quote(text)}").status_code in {404, 405}


@pytest.mark.parametrize("path", ["/log", "/log/", "/log/checkpoint/", "/findings/ABCDEFGH", "/receipts/x", "/"])
def test_what_is_not_open_yet_is_not_there(house, path):
    assert get(house, path).status_code == 404


@pytest.mark.parametrize("path", ["/join", "/promises", "/exchange/disclosures", "/witness/add-checkpoint"])
def test_what_is_asked_by_post_is_not_read(house, path):
    answer = get(house, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("path", ["/log/checkpoint", "/log/tile/0/000", "/node.json", "/witness/x/checkpoint"])
def test_what_is_read_cannot_be_written(long_log, path):
    for answer in (long_log.web.post(path, data=b"x"), long_log.web.delete(path)):
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_head_of_a_path_has_its_headers_and_no_body(long_log):
    answer = long_log.web.head("/log/tile/0/000")
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", IMMUTABLE)


# --- asked again ---

KEPT = ["checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/88"]


@pytest.mark.parametrize("path", KEPT)
def test_whoever_has_it_already_is_told_so_and_sent_nothing(long_log, path):
    first = get(long_log, f"/log/{path}")
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")  # byte for byte
    again = get(long_log, f"/log/{path}", **{"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    other = get(long_log, f"/log/{path}", **{"If-None-Match": '"another"'})
    assert (other.status_code, other.data) == (200, first.data)


def test_two_encodings_of_a_bundle_are_two_contents(long_log):
    plain = get(long_log, "/log/tile/entries/000")
    packed = get(long_log, "/log/tile/entries/000", **{"Accept-Encoding": "gzip"})
    assert plain.headers["ETag"] != packed.headers["ETag"]
    asked = {"If-None-Match": plain.headers["ETag"], "Accept-Encoding": "gzip"}
    assert get(long_log, "/log/tile/entries/000", **asked).status_code == 200


def test_a_new_checkpoint_is_another_content(long_log):
    tag = get(long_log, "/log/checkpoint").headers["ETag"]
    long_log.publish()
    again = get(long_log, "/log/checkpoint", **{"If-None-Match": tag})
    assert (again.status_code, again.headers["ETag"] != tag) == (200, True)


def test_a_refusal_has_no_tag_and_is_not_kept(long_log):
    missing = get(long_log, "/log/tile/0/002.p/89")
    assert "ETag" not in missing.headers
    assert missing.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512])
def test_after_each_published_size_its_partials_are_served_and_stay(house, size):
    house.append(size - 1)
    assert house.publish() == size
    paths = [tile_path(tile) for tile in tiles_of(size)] + [bundle_path(bundle) for bundle in bundles_of(size)]
    before = {path: get(house, f"/log/{path}").data for path in paths}
    assert all(before.values())
    house.append(300)
    house.publish()
    assert {path: get(house, f"/log/{path}").data for path in paths} == before


def test_a_full_tile_is_kept_a_second_and_no_partial_ever():
    now = [10.0]
    shelf = Shelf(lambda: now[0])
    assert shelf.take((1, "0/000")) is None
    shelf.put((1, "0/000"), b"tile")
    now[0] = 10.9
    assert (shelf.take((1, "0/000")), shelf.take((2, "0/000"))) == (b"tile", None)
    now[0] = 11.0
    assert shelf.take((1, "0/000")) is None


def test_a_shelf_is_never_larger_than_it_may_be():
    shelf = Shelf(lambda: 0.0)
    for number in range(TILES_MAX + 1):
        shelf.put((1, f"0/{number}"), b"tile")
    assert shelf.take((1, "0/0")) is None
    assert shelf.take((1, f"0/{TILES_MAX}")) == b"tile"


def test_what_another_database_holds_is_served_after_a_second(long_log, monkeypatch):
    """A full tile stands on the shelf while its log is replaced behind the server's back."""
    clock = [0.0]
    monkeypatch.setattr("ledger.shelf.monotonic", lambda: clock[0])
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_blueprint(long_log.node))
    web = app.test_client()
    old = web.get("/log/tile/0/000").data
    with transaction(long_log.node.engine) as conn:
        conn.exec_driver_sql("UPDATE entries SET leaf = ? WHERE idx = 5", (bytes(32),))
    assert web.get("/log/tile/0/000").data == old
    clock[0] = 1.0
    assert web.get("/log/tile/0/000").data == old[: 5 * 32] + bytes(32) + old[6 * 32 :]
