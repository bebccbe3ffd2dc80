"""The account index: it proves what is there, what is not there, and that nothing is hidden beside it."""

import random
from dataclasses import replace
from hashlib import sha256

import pytest

from kapital.verify.account_index import (
    BUCKETS,
    CHAIN_START,
    AccountIndex,
    AccountProof,
    AccountRecord,
    chain_over,
    index_extension,
    index_root_of,
    key_hash,
    verify_account_record,
)
from kapital.verify.rfc9162 import ProofInvalid, leaf_hash, node_hash
from kapital.verify.signed_note import Checkpoint, NoteInvalid

LEAF = leaf_hash(b"entry")


def _filled(entries: int, keys: int, seed: int = 1) -> tuple[AccountIndex, dict[str, list[tuple[int, bytes]]]]:
    chance = random.Random(seed)
    index = AccountIndex()
    history: dict[str, list[tuple[int, bytes]]] = {}
    for seq in range(entries):
        leaf = leaf_hash(str(seq).encode())
        touched = [f"key-{chance.randrange(keys)}" for _ in range(3)]
        index.apply(seq, leaf, touched)
        for key in set(touched):
            history.setdefault(key, []).append((seq, leaf))
    return index, history


def _slow_root(history: dict[str, list[tuple[int, bytes]]]) -> bytes:
    """The root by the words of the format, from nothing but the history."""
    buckets: dict[int, list[bytes]] = {}
    for key, entries in history.items():
        hashed = sha256(key.encode()).digest()
        chain = bytes(32)
        for seq, leaf in entries:
            chain = sha256(b"\x02" + chain + seq.to_bytes(8, "big") + leaf).digest()
        record = hashed + len(entries).to_bytes(8, "big") + chain
        buckets.setdefault(int.from_bytes(hashed[:2], "big"), []).append(record)
    level = [sha256(b"\x04" + b"".join(sorted(buckets.get(n, [])))).digest() for n in range(BUCKETS)]
    while len(level) > 1:
        level = [node_hash(level[n], level[n + 1]) for n in range(0, len(level), 2)]
    return level[0]


def test_the_incremental_root_is_the_root_of_the_format_after_every_batch() -> None:
    chance = random.Random(7)
    index, seq = AccountIndex(), 0
    history: dict[str, list[tuple[int, bytes]]] = {}
    assert index.root() == _slow_root({})
    for _ in range(4):
        for _ in range(300):
            leaf = leaf_hash(str(seq).encode())
            touched = {f"key-{chance.randrange(200)}" for _ in range(4)}
            index.apply(seq, leaf, touched)
            for key in touched:
                history.setdefault(key, []).append((seq, leaf))
            seq += 1
        assert index.root() == _slow_root(history)


def test_every_key_is_proved_with_its_count_and_chain() -> None:
    index, history = _filled(500, 100)
    root = index.root()
    for key, entries in history.items():
        record = verify_account_record(key=key, proof=index.prove(key), root=root)
        assert (record.count, record.chain) == (len(entries), chain_over(entries))
        assert record == index.record(key)


def test_a_key_that_no_entry_touches_is_proved_absent() -> None:
    index, _ = _filled(50, 10)
    record = verify_account_record(key="never", proof=index.prove("never"), root=index.root())
    assert record == AccountRecord(key_hash("never"), 0, CHAIN_START) == index.record("never")


def _crowded() -> tuple[AccountIndex, list[str]]:
    """An index with several keys in one bucket, so that hiding among neighbours can be tried."""
    target = key_hash("key-0")[:2]
    keys = [key for key in (f"key-{n}" for n in range(400_000)) if key_hash(key)[:2] == target]
    assert len(keys) >= 3
    index = AccountIndex()
    for seq, key in enumerate(keys):
        index.apply(seq, LEAF, [key])
    return index, keys


def test_neither_leaving_out_nor_doubling_nor_reordering_a_record_passes() -> None:
    index, keys = _crowded()
    root, proof = index.root(), index.prove(keys[0])
    verify_account_record(key=keys[0], proof=proof, root=root)
    first, *rest = proof.records
    stranger = AccountRecord(key_hash("elsewhere"), 1, LEAF)
    for records, code in [
        (tuple(rest), "index_root_differs"),
        ((), "index_root_differs"),
        ((first, first, *rest), "index_records_unordered"),
        ((first, replace(first, count=9), *rest), "index_records_unordered"),
        ((*rest, first), "index_records_unordered"),
        ((*rest, stranger), "index_record_misplaced"),
        ((replace(first, count=0), *rest), "index_proof_malformed"),
        ((replace(first, count=2), *rest), "index_root_differs"),
        ((replace(first, chain=LEAF), *rest), "index_root_differs"),
        ((replace(first, chain=LEAF[1:]), *rest), "index_proof_malformed"),
    ]:
        with pytest.raises(ProofInvalid) as refusal:
            verify_account_record(key=keys[0], proof=AccountProof(records, proof.siblings), root=root)
        assert refusal.value.code == code


def test_a_proof_of_one_bucket_says_nothing_of_another() -> None:
    index, keys = _crowded()
    with pytest.raises(ProofInvalid):
        verify_account_record(key="never", proof=index.prove(keys[0]), root=index.root())
    # An empty bucket looks like every other empty bucket: only the path tells which one is shown.
    with pytest.raises(ProofInvalid):
        verify_account_record(key=keys[0], proof=index.prove("never"), root=index.root())


def test_wrong_siblings_are_refused() -> None:
    index, _ = _filled(50, 10)
    proof, root = index.prove("key-1"), index.root()
    for siblings in (
        proof.siblings[:-1],
        (*proof.siblings, LEAF),
        (LEAF, *proof.siblings[1:]),
        (b"", *proof.siblings[1:]),
    ):
        with pytest.raises(ProofInvalid):
            verify_account_record(key="key-1", proof=replace(proof, siblings=siblings), root=root)


def test_a_key_named_twice_by_one_entry_counts_once() -> None:
    index = AccountIndex()
    assert [record.count for record in index.apply(0, LEAF, ["a", "b", "a"])] == [1, 1]


def test_entries_are_applied_in_order_or_not_at_all() -> None:
    index = AccountIndex()
    index.apply(3, LEAF, ["a"])
    root = index.root()
    for seq in (3, 2, -1):
        with pytest.raises(ValueError, match="out of order"):
            index.apply(seq, LEAF, ["a"])
    with pytest.raises(ValueError, match="32 bytes"):
        index.apply(4, LEAF[1:], ["a"])
    with pytest.raises(ValueError, match="out of order"):
        index.apply_all([(4, LEAF, ["a", "new"]), (4, LEAF, ["a"])])
    assert (index.root(), index.next_seq) == (root, 4)


def test_many_entries_at_once_are_the_same_index_as_one_by_one() -> None:
    chance = random.Random(2)
    entries = [
        (seq, leaf_hash(str(seq).encode()), [f"key-{chance.randrange(40)}" for _ in range(3)]) for seq in range(300)
    ]
    one_by_one, at_once = AccountIndex(), AccountIndex()
    last = {record.key_hash: record for entry in entries for record in one_by_one.apply(*entry)}

    changed = [record for start in range(0, 300, 70) for record in at_once.apply_all(entries[start : start + 70])]

    assert {record.key_hash: record for record in changed} == last
    assert (at_once.root(), at_once.next_seq) == (one_by_one.root(), 300)


def test_kept_records_build_the_same_index_in_any_order() -> None:
    index, _ = _filled(300, 80)
    kept = [AccountRecord.decode(record.encode()) for record in index.records()]
    random.Random(3).shuffle(kept)
    again = AccountIndex.from_records(kept, next_seq=index.next_seq)
    assert again.root() == index.root()
    assert again.next_seq == 300
    with pytest.raises(ValueError, match="one key"):
        AccountIndex.from_records([*kept, kept[0]], next_seq=300)


def test_apply_returns_the_records_to_keep() -> None:
    index, _ = _filled(100, 30)
    kept = {record.key_hash: record for record in index.records()}
    for record in index.apply(100, LEAF, ["key-1", "new"]):
        kept[record.key_hash] = record
    assert AccountIndex.from_records(kept.values(), next_seq=101).root() == index.root()


def test_a_copy_stays_as_it_was() -> None:
    index, _ = _filled(100, 30)
    index.apply(100, LEAF, ["key-1"])
    frozen, root = index.copy(), index.root()
    index.apply(101, LEAF, ["key-1", "key-2"])
    assert frozen.root() == root != index.root()
    verify_account_record(key="key-1", proof=frozen.prove("key-1"), root=root)


def test_the_extension_line_is_read_back_and_only_one_is_allowed() -> None:
    line = index_extension(LEAF)
    assert index_root_of(Checkpoint("o", 1, LEAF, ("other", line))) == LEAF
    assert index_root_of(Checkpoint("o", 1, LEAF, ("account-indexes x",))) is None
    for extensions in ((line, line), (line + " ",), ("account-index",), ("account-index " + "AAAA",)):
        with pytest.raises(NoteInvalid) as refusal:
            index_root_of(Checkpoint("o", 1, LEAF, extensions))
        assert refusal.value.code == "index_extension_malformed"


def test_a_key_hash_that_appears_inside_a_chain_is_not_taken_for_a_record() -> None:
    wanted = key_hash("key-0")
    # A record just below in the same bucket whose chain holds the wanted hash: no hash does so by chance.
    below = AccountRecord(wanted[:2] + bytes(30), 1, wanted)
    index = AccountIndex.from_records([below], next_seq=1)
    assert index.record("key-0").count == 0
    index.apply(1, LEAF, ["key-0"])
    assert list(index.records()) == [below, AccountRecord(wanted, 1, chain_over([(1, LEAF)]))]
    assert index.record("key-0").count == 1
