from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle.errors import EntryTooLong, MalformedTile, OutOfRange
from ledger.merkle.hashing import HASH_BYTES, CompactRange, leaf_hash, root_of, split_hashes
from ledger.merkle.proofs import check_consistency, check_inclusion, prove_consistency, prove_inclusion, root_at
from ledger.merkle.tiles import (
    TILE_WIDTH,
    Bundle,
    Tile,
    bundle_path,
    bundles_of,
    encode_bundle,
    grow_tiles,
    new_tiles,
    parse_bundle,
    parse_bundle_path,
    parse_tile_path,
    partial_width,
    tile_at,
    tile_hashes,
    tile_node,
    tile_path,
    tiles_of,
)
from tests.merkle.oracle import flip_bit, literal_vectors

EXAMPLES = literal_vectors()["c2sp_examples"]
SIZE = 70_000
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE)]
STEPS = [0, 1, 2, 255, 256, 257, 300, 511, 512, 1000, 65_535, 65_536, 65_537, 66_000, SIZE]


class Tiles:
    """A log's tile storage in memory; it counts what is asked of it."""

    def __init__(self) -> None:
        self.contents: dict[Tile, bytes] = {}
        self.reads = 0

    def fetch(self, tile: Tile) -> bytes:
        self.reads += 1
        return self.contents[tile]


@pytest.fixture(scope="module")
def grown() -> Tiles:
    tiles = Tiles()
    for old, new in pairwise(STEPS):
        tiles.contents.update(grow_tiles(old, LEAVES[old:new], tiles.fetch))
    return tiles


@given(st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_a_path_is_read_back(level, index, width):
    tile, bundle = Tile(level, index, width), Bundle(index, width)
    assert parse_tile_path(tile_path(tile)) == tile
    assert parse_bundle_path(bundle_path(bundle)) == bundle


@pytest.mark.parametrize("case", EXAMPLES["tile_index_path"])
def test_the_index_is_written_in_groups_of_three(case):
    assert tile_path(Tile(0, case["n"])) == f"tile/0/{case['path']}"
    assert bundle_path(Bundle(case["n"], 5)) == f"tile/entries/{case['path']}.p/5"
    assert tile_path(Tile(1, 0)) == "tile/1/000"
    assert tile_path(Tile(1, 1000)) == "tile/1/x001/000"


def test_the_paths_are_those_of_go_sumdb_without_the_height():
    for case in literal_vectors()["tlog"]["tile_paths_sumdb_style_with_height"]:
        prefix, height, rest = case["path"].split("/", 2)
        path = f"{prefix}/{rest}"
        if case.get("error"):
            with pytest.raises(MalformedTile):
                parse_tile_path(path)
        else:
            width = TILE_WIDTH if case["W"] == 1 << int(height) else case["W"]
            assert parse_tile_path(path) == Tile(case["L"], case["N"], width)


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/+0/000", "tile/-1/000", "tile/64/000",
        "tile/0/000/", "/tile/0/000", "tile/0/x000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002", "tile/0/X001/002",
        "tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/999", "tile/0/000.p/", "tile/0/000.p",
        "tile/0/000.p/5/", "tile/0/000\n", "tile/0/٠٠٠", "tile/0/../000", "tile/0/000?x", "tile/entries/000", "tile/8/0/001",
        "tile/0/" + "x999/" * 6 + "999", "tile/0/" + "x001/" * 50 + "000",
    ],
)  # fmt: skip
def test_a_path_has_one_spelling(path):
    with pytest.raises(MalformedTile):
        parse_tile_path(path)
    with pytest.raises(MalformedTile):
        parse_bundle_path(
            path.replace("tile/0/", "tile/entries/").replace(
                "tile/entries/000", "tile/0/000", path == "tile/entries/000"
            )
        )


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)]
)
def test_a_tile_that_cannot_be_is_not_built(level, index, width):
    with pytest.raises(MalformedTile):
        Tile(level, index, width)


@pytest.mark.parametrize("case", EXAMPLES["tile_census"])
def test_the_census_of_the_specification_is_met(case):
    tiles = list(tiles_of(case["size"]))
    for level in range(3):
        full = [tile for tile in tiles if tile.level == level and tile.is_full]
        partial = [tile.width for tile in tiles if tile.level == level and not tile.is_full]
        assert len(full) == case.get(f"full_l{level}", 0)
        assert partial == [width for width in [case.get(f"partial_l{level}")] if width]
        assert partial_width(case["size"], level) == case.get(f"partial_l{level}", 0)


@given(st.integers(0, 200_000), st.integers(0, 2000))
def test_new_tiles_are_those_of_the_new_tree_that_the_old_had_not(old, added):
    fresh = list(new_tiles(old, old + added))
    assert len(set(fresh)) == len(fresh)
    assert set(fresh) == set(tiles_of(old + added)) - set(tiles_of(old))


def test_the_largest_tree_ends_below_the_highest_level():
    assert max(tile.level for tile in new_tiles(2**56 - 1, 2**56)) == 7
    assert [partial_width(2**63 - 1, level) for level in (7, 8)] == [127, 0]
    with pytest.raises(OutOfRange):
        list(new_tiles(5, 4))


def test_tiles_grown_in_steps_are_those_the_tree_has(grown):
    published = {tile for size in STEPS for tile in tiles_of(size)}
    assert set(grown.contents) == published
    for tile, content in grown.contents.items():
        assert len(content) == tile.width * HASH_BYTES


def test_each_hash_in_a_tile_is_the_root_of_what_lies_under_it(grown):
    for tile in tiles_of(SIZE):
        span = TILE_WIDTH**tile.level
        for place in {0, tile.width // 2, tile.width - 1}:
            start = (tile.index * TILE_WIDTH + place) * span
            held = tile_hashes(tile, grown.contents[tile])[place]
            assert held == root_of(LEAVES[start : start + span])


def test_growing_reads_only_the_right_edge():
    tiles = Tiles()
    tiles.contents.update(grow_tiles(0, LEAVES[:66_000], tiles.fetch))
    assert tiles.reads == 0
    grow_tiles(66_000, LEAVES[66_000:66_001], tiles.fetch)
    assert tiles.reads == 1


def test_growing_by_nothing_writes_nothing():
    assert grow_tiles(300, [], Tiles().fetch) == {}


@pytest.mark.parametrize("size", [size for size in STEPS if size])
def test_proofs_made_from_tiles_hold(grown, size):
    read = tile_node(grown.fetch, size)
    root = CompactRange().extend(LEAVES[:size]).root()
    assert root_at(size, read) == root
    for index in {0, size // 3, size - 1}:
        check_inclusion(index, size, LEAVES[index], prove_inclusion(index, size, read), root)
    for old in {1, size // 2, size - 1} - {0}:
        check_consistency(old, size, root_of(LEAVES[:old]), root, prove_consistency(old, size, read))


def test_a_proof_fetches_each_tile_once(grown):
    grown.reads = 0
    prove_inclusion(12_345, SIZE, tile_node(grown.fetch, SIZE))
    assert grown.reads <= 4


def test_a_reader_refuses_a_node_that_is_not_complete_or_not_there(grown):
    read = tile_node(grown.fetch, SIZE)
    for level, index in [(0, SIZE), (16, 1), (17, 0), (4, SIZE >> 4), (9, SIZE >> 9), (0, -1), (40, 0)]:
        with pytest.raises(OutOfRange):
            read(level, index)


@pytest.mark.parametrize("wrong", [lambda data: data[:-1], lambda data: data + bytes(HASH_BYTES), lambda _: b""])
def test_a_tile_of_the_wrong_length_is_refused(grown, wrong):
    read = tile_node(lambda tile: wrong(grown.contents[tile]), SIZE)
    with pytest.raises(MalformedTile):
        prove_inclusion(5, SIZE, read)


def test_a_tile_that_is_not_there_at_this_size():
    for level, index in [(0, 1), (1, 0), (0, -1)]:
        with pytest.raises(OutOfRange):
            tile_at(level, index, 255)


@given(st.lists(st.binary(max_size=40), max_size=300))
def test_a_bundle_is_read_back(entries):
    assert parse_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_holds_entries_of_0_to_65535_bytes():
    entries = [b"", bytes(1), bytes(65535)]
    assert parse_bundle(encode_bundle(entries), 3) == entries
    with pytest.raises(EntryTooLong):
        encode_bundle([bytes(65536)])


@given(st.lists(st.binary(max_size=10), min_size=1, max_size=20), st.data())
def test_a_bundle_with_bytes_missing_or_left_over_is_refused(entries, data):
    bundle = encode_bundle(entries)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    for bad, width in [
        (bundle[:cut], len(entries)),
        (bundle + b"\0", len(entries)),
        (bundle, len(entries) - 1),
        (bundle, len(entries) + 1),
    ]:
        with pytest.raises(MalformedTile):
            parse_bundle(bad, width)


@given(st.lists(st.binary(max_size=10), min_size=1, max_size=20), st.integers(0))
def test_a_flipped_bit_in_a_bundle_changes_an_entry_or_is_refused(entries, bit):
    bundle = encode_bundle(entries)
    try:
        read = parse_bundle(flip_bit(bundle, bit), len(entries))
    except MalformedTile:
        return
    assert read != entries


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 70_000])
def test_the_bundles_hold_every_entry_once(size):
    bundles = list(bundles_of(size))
    assert sum(bundle.width for bundle in bundles) == size
    assert [bundle.index for bundle in bundles] == list(range(len(bundles)))
    level_0 = [(tile.index, tile.width) for tile in tiles_of(size) if tile.level == 0]
    assert [(bundle.index, bundle.width) for bundle in bundles] == level_0


def test_a_full_tile_is_the_content_of_one_hash_above(grown):
    assert split_hashes(grown.contents[Tile(1, 0)])[7] == root_of(LEAVES[7 * 256 : 8 * 256])
