"""The log as a Merkle tree: the RFC's own vectors, every proof of every small log, and any way of growing it."""

import random
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.ledger.domain.problems import ProofRangeInvalid, SizeAheadOfLog
from kapital.ledger.domain.tree import GrowingTree, Tile, fold, ragged_root, right_edge
from kapital.ledger.queries.proofs import ProofReader
from kapital.ledger.service import LedgerService
from kapital.platform.ids import new_uuid7
from kapital.verify.rfc9162 import (
    EMPTY_ROOT,
    leaf_hash,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.words import top_up, tx

# Test vectors of the reference implementation of RFC 6962 (certificate-transparency, merkle_tree_test): leaf data
# and the root of each prefix.
KNOWN_LEAVES = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
KNOWN_LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
KNOWN_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

LEAVES = [leaf_hash(n.to_bytes(4, "big")) for n in range(66_000)]

Tiles = dict[tuple[int, int], bytes]


def grow(sizes: Sequence[int], leaves: Sequence[bytes] = LEAVES) -> tuple[GrowingTree, Tiles]:
    """A log that was cut at each of the sizes: read back from its own tiles there, as after a restart."""
    tiles: Tiles = {}
    tree = GrowingTree(0, [])
    for start, stop in pairwise([0, *sizes]):
        tiles.update({(t.level, t.number): t.hashes for t in tree.append(leaves[start:stop])})
        tree = GrowingTree(stop, [Tile(*w, tiles[w]) for w in right_edge(stop)])
    return tree, tiles


async def from_memory(tiles: Tiles, wanted: Sequence[tuple[int, int]]) -> list[Tile]:
    return [Tile(*w, tiles[w]) for w in wanted if w in tiles]


def test_the_roots_of_the_known_vectors_come_out():
    hashes = [leaf_hash(data) for data in KNOWN_LEAVES]
    for size, root in enumerate(KNOWN_ROOTS, 1):
        tree, _ = grow([size], hashes)
        assert tree.root().hex() == root
        assert ragged_root(hashes[:size]).hex() == root
    assert GrowingTree(0, []).root() == EMPTY_ROOT


async def test_each_entry_of_each_log_up_to_300_is_proved():
    for size in range(1, 301):
        tree, tiles = grow([size])
        root = root_from_leaf_hashes(LEAVES[:size])
        assert tree.root() == root
        proofs = await ProofReader().inclusion(partial(from_memory, tiles), range(size), size)
        for index, proof in enumerate(proofs):
            verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root)


async def test_each_log_up_to_100_is_proved_to_begin_with_each_before_it():
    _, tiles = grow([100])
    roots = [root_from_leaf_hashes(LEAVES[:size]) for size in range(101)]
    reader = ProofReader()
    for new in range(1, 101):
        for old in range(1, new + 1):
            proof = await reader.consistency(partial(from_memory, tiles), old, new)
            verify_consistency(old_size=old, old_root=roots[old], new_size=new, new_root=roots[new], proof=proof)


async def test_logs_of_several_levels_of_tiles_are_proved_out_of_the_largest_ones_tiles():
    chance = random.Random(9162)
    _, tiles = grow([66_000])
    reader = ProofReader()
    edges = [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 66_000]
    sizes = sorted({*edges, *(chance.randint(1, 66_000) for _ in range(12))})
    roots = {size: root_from_leaf_hashes(LEAVES[:size]) for size in sizes}
    source = partial(from_memory, tiles)
    for new in sizes:
        assert await reader.root(source, new) == roots[new]
        seqs = sorted({0, new - 1, *(chance.randrange(new) for _ in range(20))})
        for seq, proof in zip(seqs, await reader.inclusion(source, seqs, new), strict=True):
            verify_inclusion(leaf=LEAVES[seq], index=seq, size=new, proof=proof, root=roots[new])
        for old in (size for size in sizes if size <= new):
            proof = await reader.consistency(source, old, new)
            verify_consistency(old_size=old, old_root=roots[old], new_size=new, new_root=roots[new], proof=proof)


_WHOLE: dict[int, tuple[GrowingTree, Tiles]] = {}


@settings(max_examples=150, deadline=None)
@given(
    size=st.one_of(st.integers(1, 900), st.sampled_from([255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537])),
    cuts=st.lists(st.floats(0, 1), max_size=8),
)
def test_any_split_into_appends_with_restarts_between_makes_the_same_tiles(size, cuts):
    if size not in _WHOLE:
        _WHOLE[size] = grow([size])
    whole_tree, whole = _WHOLE[size]
    tree, tiles = grow([*sorted(int(cut * size) for cut in cuts), size])
    assert tiles == whole
    assert tree.root() == whole_tree.root()
    assert [(t.level, t.number) for t in tree.edge()] == right_edge(size)


def test_a_tile_is_the_hash_of_the_256_below_it():
    _, tiles = grow([65_536])
    assert {key for key in tiles if key[0] == 2} == {(2, 0)}
    for index in range(256):
        below = LEAVES[index * 256 : (index + 1) * 256]
        assert tiles[1, 0][index * 32 : (index + 1) * 32] == fold(below) == root_from_leaf_hashes(below)
    assert tiles[2, 0] == root_from_leaf_hashes(LEAVES[:65_536])


async def test_numbers_that_name_no_proof_are_refused_and_a_lost_tile_is_named():
    _, tiles = grow([300])
    source, reader = partial(from_memory, tiles), ProofReader()
    for seq, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ProofRangeInvalid):
            await reader.inclusion(source, [seq], size)
    for old, new in ((0, 3), (4, 3), (-1, 3)):
        with pytest.raises(ProofRangeInvalid):
            await reader.consistency(source, old, new)
    del tiles[0, 0]
    with pytest.raises(InvariantBroken, match=r"\(0, 0\)"):
        await reader.inclusion(source, [5], 300)


async def test_the_database_proves_what_the_memory_does(ledger: LedgerService):
    wallet = await _opened(ledger)
    for count in (1, 255, 44, 300):
        await ledger.post([tx(*top_up(wallet, 1)) for _ in range(count)])
    size = await ledger.size()
    leaves = [leaf_hash(entry.body) for entry in await ledger.entries(0, size)]
    chance = random.Random(6962)
    for new in sorted({1, 2, 255, 256, 257, 512, size, *(chance.randint(1, size) for _ in range(10))}):
        root = root_from_leaf_hashes(leaves[:new])
        seqs = sorted({0, new - 1, *(chance.randrange(new) for _ in range(10))})
        for seq, proof in zip(seqs, await ledger.inclusion_proofs(seqs, new), strict=True):
            verify_inclusion(leaf=leaves[seq], index=seq, size=new, proof=proof, root=root)
        old = chance.randint(1, new)
        verify_consistency(
            old_size=old,
            old_root=root_from_leaf_hashes(leaves[:old]),
            new_size=new,
            new_root=root,
            proof=await ledger.consistency_proof(old, new),
        )
    with pytest.raises(SizeAheadOfLog):
        await ledger.inclusion_proof(0, size + 1)
    with pytest.raises(SizeAheadOfLog):
        await ledger.consistency_proof(1, size + 1)


async def _opened(ledger: LedgerService):
    from kapital.ledger.api import OpenWallet

    wallet = new_uuid7()
    await ledger.post([tx(OpenWallet(wallet))])
    return wallet
