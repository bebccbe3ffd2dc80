"""RFC 9162: the vectors of transparency-dev/merkle, and every proof of every small tree."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from evidence_log import ReferenceTree

from kapital.verify.rfc9162 import (
    EMPTY_ROOT,
    ProofInvalid,
    leaf_hash,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

VECTORS = Path(__file__).parent.parent / "data/merkle/transparency-dev-merkle-testdata.jsonl"
CASES = [json.loads(line) for line in VECTORS.read_text().splitlines()]

# Where we refuse what the vectors let pass, and why. The list is exact: a case that leaves it fails the test.
STRICTER = {
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json": "roots of 12 bytes",
    "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json": "roots of 12 bytes",
} | {
    f"subtreeconsistency/additional/subtree-is-empty-{case}.json": "an empty subtree proves nothing"
    for case in (
        "sizes-are-equal-one-subtree-root-valid-proof-is-empty",
        "sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty",
        "sizes-are-equal-zero-subtree-root-valid-proof-is-empty",
        "sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty",
        "subtree-root-valid-proof-is-empty",
        "subtree-root-valid-tree-root-random-proof-is-empty",
    )
}


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _run(case: dict[str, Any]) -> None:
    proof = [_bytes(step) for step in case["proof"] or []]
    match case["path"].split("/")[1]:
        case "inclusion":
            verify_inclusion(
                leaf=_bytes(case["leafHash"]),
                index=case["leafIdx"],
                size=case["treeSize"],
                proof=proof,
                root=_bytes(case["root"]),
            )
        case "consistency":
            verify_consistency(
                old_size=case["size1"],
                old_root=_bytes(case["root1"]),
                new_size=case["size2"],
                new_root=_bytes(case["root2"]),
                proof=proof,
            )
        case "subtreeinclusion":
            verify_subtree_inclusion(
                leaf=_bytes(case["leafHash"]),
                index=case["leafIdx"],
                start=case["start"],
                end=case["end"],
                proof=proof,
                root=_bytes(case["root"]),
            )
        case "subtreeconsistency":
            verify_subtree_consistency(
                start=case["start"],
                end=case["end"],
                size=case["size"],
                subtree_root=_bytes(case["root1"]),
                root=_bytes(case["root2"]),
                proof=proof,
            )
        case unknown:
            pytest.fail(f"a kind of vector that nothing runs: {unknown}")


def test_all_518_vectors_are_judged_as_their_authors_judge_them_or_stricter_where_listed() -> None:
    assert len(CASES) == 518
    stricter: set[str] = set()
    for case in CASES:
        try:
            _run(case)
            refused = False
        except ProofInvalid:
            refused = True
        if refused and not case["wantErr"]:
            stricter.add(case["path"].removeprefix("testdata/"))
        else:
            assert refused == case["wantErr"], case["path"]
    assert stricter == set(STRICTER)


def test_equal_trees_are_consistent_with_an_empty_proof_when_the_roots_are_hashes() -> None:
    root = leaf_hash(b"don't care 2")
    verify_consistency(old_size=1, old_root=root, new_size=1, new_root=root, proof=[])


def test_every_leaf_of_every_tree_up_to_300_is_proved_at_its_place_only() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(300)]
    tree = ReferenceTree(leaves)
    for size in range(1, 301):
        root = tree.root(0, size)
        assert root_from_leaf_hashes(leaves[:size]) == root
        for index in range(size):
            proof = tree.path(index, 0, size)
            verify_inclusion(leaf=leaves[index], index=index, size=size, proof=proof, root=root)
            if size > 1:
                wrong_index = (index + 1) % size
                with pytest.raises(ProofInvalid):
                    verify_inclusion(leaf=leaves[index], index=wrong_index, size=size, proof=proof, root=root)


def test_every_pair_of_trees_up_to_64_is_consistent_and_a_changed_history_is_not() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(64)]
    tree = ReferenceTree(leaves)
    for new_size in range(1, 65):
        new_root = tree.root(0, new_size)
        for old_size in range(1, new_size + 1):
            proof = tree.consistency(old_size, 0, new_size)
            old_root = tree.root(0, old_size)
            forged = root_from_leaf_hashes([*leaves[: old_size - 1], leaf_hash(b"forged")])
            verify_consistency(
                old_size=old_size, old_root=old_root, new_size=new_size, new_root=new_root, proof=proof
            )
            longer, shorter = [*proof, new_root], proof[:-1] if proof else [new_root]
            for root, steps in ((forged, proof), (old_root, longer), (old_root, shorter)):
                with pytest.raises(ProofInvalid):
                    verify_consistency(
                        old_size=old_size, old_root=root, new_size=new_size, new_root=new_root, proof=steps
                    )


@pytest.mark.parametrize(
    ("old_size", "new_size", "code"),
    [(0, 0, "proof_old_size_zero"), (0, 5, "proof_old_size_zero"), (5, 4, "proof_sizes_reversed")],
)
def test_sizes_that_prove_nothing_are_refused(old_size: int, new_size: int, code: str) -> None:
    with pytest.raises(ProofInvalid) as refusal:
        verify_consistency(old_size=old_size, old_root=EMPTY_ROOT, new_size=new_size, new_root=EMPTY_ROOT, proof=[])
    assert refusal.value.code == code


def test_a_leaf_cannot_pass_for_a_node_or_a_node_for_a_leaf() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != root_from_leaf_hashes([left, right])
    assert root_from_leaf_hashes([]) == EMPTY_ROOT


def test_a_range_that_is_no_subtree_is_refused_even_with_a_fitting_path() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(4)]
    root = root_from_leaf_hashes(leaves[1:3])
    with pytest.raises(ProofInvalid) as refusal:
        verify_subtree_inclusion(leaf=leaves[1], index=1, start=1, end=3, proof=[leaves[2]], root=root)
    assert refusal.value.code == "proof_subtree_misaligned"
