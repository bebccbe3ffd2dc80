"""Merkle tree hashing and proofs of RFC 9162 section 2.1 over SHA-256, seen from the verifier's side.

Subtrees follow draft-ietf-plants-merkle-tree-certs, section 4: a subtree `[start, end)` of a log is valid if
`start` is a multiple of the smallest power of two that is not below `end - start`. The consistency of a whole
older tree is the case `start = 0`, so there is one walk for both.

Every check raises `ProofInvalid`; none returns a boolean that a caller could forget to look at.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
EMPTY_ROOT: Final = sha256(b"").digest()


class ProofInvalid(Exception):
    """A proof that does not prove what it is said to prove.

    `code` is stable and meant for programs, `reason` for people.
    """

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one log entry: SHA-256(0x00 || data). Law: RFC 9162, 2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right). Law: RFC 9162, 2.1.1.

    Shape: both children are 32 bytes; this inner loop does not check it.
    """
    return sha256(b"\x01" + left + right).digest()


def root_from_leaf_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes, in log order; `EMPTY_ROOT` for none.

    Shape: each hash is 32 bytes. One pass, memory of log2(n) hashes.
    """
    stack: list[bytes] = []
    for index, leaf in enumerate(hashes):
        stack.append(leaf)
        # As many merges as the index has trailing one bits: the stack mirrors the set bits of the count.
        merges = (~index & (index + 1)).bit_length() - 1
        for _ in range(merges):
            right = stack.pop()
            stack[-1] = node_hash(stack[-1], right)
    if not stack:
        return EMPTY_ROOT
    root = stack.pop()
    while stack:
        root = node_hash(stack.pop(), root)
    return root


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the entry with hash `leaf` is number `index` (from 0) of the log with this size and root.

    Law: RFC 9162, 2.1.3.2.
    Raises: ProofInvalid.
    """
    _require_hashes(proof, leaf=leaf, root=root)
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofInvalid(f"index {index} is not inside a tree of size {size}", "proof_index_outside_tree")
    fn, sn, computed = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            raise ProofInvalid("the inclusion proof is longer than the path to the root", "proof_too_long")
        if fn & 1 or fn == sn:
            computed = node_hash(step, computed)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            computed = node_hash(computed, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofInvalid("the inclusion proof is shorter than the path to the root", "proof_too_short")
    if computed != root:
        raise ProofInvalid("the inclusion proof leads to another root", "proof_root_differs")


def verify_subtree_inclusion(
    *, leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that entry `index` of a log lies in its valid subtree `[start, end)` with this root.

    Law: draft-ietf-plants-merkle-tree-certs, 4.3.
    Raises: ProofInvalid.
    """
    _require_subtree(start, end, end)
    verify_inclusion(leaf=leaf, index=index - start, size=end - start, proof=proof, root=root)


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the older tree is a prefix of the newer one: nothing was altered, removed or put in between.

    An old size of 0 is refused: the empty tree is a prefix of every tree, so such a "proof" says nothing.
    Law: RFC 9162, 2.1.4.2.
    Raises: ProofInvalid.
    """
    if old_size < 1:
        raise ProofInvalid("an empty older tree proves nothing", "proof_old_size_zero")
    if old_size > new_size:
        raise ProofInvalid(f"older size {old_size} is above newer size {new_size}", "proof_sizes_reversed")
    verify_subtree_consistency(
        start=0, end=old_size, size=new_size, subtree_root=old_root, root=new_root, proof=proof
    )


def verify_subtree_consistency(
    *, start: int, end: int, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the valid subtree `[start, end)` belongs to the log with this size and root.

    Law: draft-ietf-plants-merkle-tree-certs, 4.4; RFC 9162, 2.1.4.2 for start 0.
    Raises: ProofInvalid.
    """
    _require_hashes(proof, subtree_root=subtree_root, root=root)
    _require_subtree(start, end, size)
    fn, sn, tn = start, end - 1, size - 1
    while fn != sn and (sn == tn or sn & 1):
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    steps = list(proof)
    # A complete subtree is a node of the tree; any other needs a first element to start from.
    if fn == sn:
        old = new = subtree_root
    elif steps:
        old = new = steps.pop(0)
    else:
        raise ProofInvalid("the consistency proof is empty", "proof_too_short")
    for step in steps:
        if tn == 0:
            raise ProofInvalid("the consistency proof is longer than the path to the root", "proof_too_long")
        if sn & 1 or sn == tn:
            if fn < sn:
                old = node_hash(step, old)
            new = node_hash(step, new)
            while not sn & 1:
                fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
        else:
            new = node_hash(new, step)
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    if tn != 0:
        raise ProofInvalid("the consistency proof is shorter than the path to the root", "proof_too_short")
    if old != subtree_root:
        raise ProofInvalid("the consistency proof leads to another older root", "proof_old_root_differs")
    if new != root:
        raise ProofInvalid("the consistency proof leads to another newer root", "proof_root_differs")


def _require_subtree(start: int, end: int, size: int) -> None:
    if not 0 <= start < end <= size <= MAX_SIZE:
        raise ProofInvalid(f"[{start}, {end}) is not inside a tree of size {size}", "proof_index_outside_tree")
    if start & ((1 << (end - start - 1).bit_length()) - 1):
        raise ProofInvalid(f"[{start}, {end}) is not a subtree of the log", "proof_subtree_misaligned")


def _require_hashes(proof: Sequence[bytes], **named: bytes) -> None:
    for name, value in named.items():
        if len(value) != HASH_BYTES:
            raise ProofInvalid(f"{name} has {len(value)} bytes, not {HASH_BYTES}", "proof_hash_length")
    # A tree of 2^63 leaves has paths of at most 63 steps and one first element.
    if len(proof) > 64:
        raise ProofInvalid(f"a proof of {len(proof)} steps fits no tree", "proof_too_long")
    for step in proof:
        if len(step) != HASH_BYTES:
            raise ProofInvalid(f"a proof step has {len(step)} bytes, not {HASH_BYTES}", "proof_hash_length")
