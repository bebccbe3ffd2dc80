"""The index by account that makes a statement complete: how many entries touch a key, and which.

A Merkle log proves that an entry is there; it does not prove that no other entry was left out. So each
checkpoint also commits to this index. A record is `(key_hash, count, chain)`:

- `key_hash = SHA-256(key text)`; a key is an account `asset/position/wallet` or a whole wallet
  `wallet/<wallet>`;
- `chain` runs over every entry that touches the key, in log order: `c_0` = 32 zero bytes,
  `c_n = SHA-256(0x02 || c_(n-1) || uint64_be(seq) || leaf_hash)`;
- a record lies in the bucket named by the first 16 bits of its key hash; the hash of a bucket is
  `SHA-256(0x04 || records)`, each record being `key_hash || uint64_be(count) || chain`, in ascending
  order of key hash; an empty bucket is `SHA-256(0x04)`;
- the 65,536 bucket hashes are the leaves of a perfect binary tree of `node_hash` (0x01); its root stands in
  the checkpoint as the extension line `account-index <base64 root>`.

A proof shows the whole bucket, so a second record of the same key cannot hide, and a missing record proves
that no entry touches the key. It shows key hashes and counts of the neighbours in the bucket, which are not
invertible without knowing the random ids in the key.

C2SP tlog-checkpoint permits extension lines and advises against them, as a monitor of the log cannot check
them. Here it can: the index is a pure function of the entries, so a witness that reads them recomputes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final

from .rfc9162 import HASH_BYTES, MAX_SIZE, ProofInvalid, node_hash
from .signed_note import Checkpoint, NoteInvalid, decode_base64, encode_base64

DEPTH: Final = 16
BUCKETS: Final = 1 << DEPTH
CHAIN_START: Final = bytes(HASH_BYTES)
EXTENSION_NAME: Final = "account-index"
# Over a million records a bucket holds about 15; a bucket far above that is an attack on the reader.
BUCKET_RECORDS_MAX: Final = 65_536
_RECORD_BYTES: Final = HASH_BYTES + 8 + HASH_BYTES
_EMPTY_BUCKET: Final = sha256(b"\x04").digest()


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What the index says of one key: so many entries touch it, and this is the hash chain over them."""

    key_hash: bytes
    count: int
    chain: bytes

    def encode(self) -> bytes:
        """Return the 72 bytes that are hashed and that the ledger may keep."""
        return self.key_hash + self.count.to_bytes(8, "big") + self.chain

    @classmethod
    def decode(cls, data: bytes) -> "AccountRecord":
        """Read the 72 bytes back."""
        if len(data) != _RECORD_BYTES:
            raise ValueError(f"an index record has {_RECORD_BYTES} bytes, not {len(data)}")
        return cls(data[:32], int.from_bytes(data[32:40], "big"), data[40:])


@dataclass(frozen=True, slots=True)
class AccountProof:
    """All records of the key's bucket and the 16 siblings from the bucket up to the root."""

    records: tuple[AccountRecord, ...]
    siblings: tuple[bytes, ...]


def account_key(asset: str, position: str, wallet: str) -> str:
    """Return the key text of an account. Shape: ids as lower-case hyphenated UUID text."""
    return f"{asset}/{position}/{wallet}"


def wallet_key(wallet: str) -> str:
    """Return the key text under which every entry that touches a wallet is counted once."""
    return f"wallet/{wallet}"


def key_hash(key: str) -> bytes:
    """Return SHA-256 of the key text."""
    return sha256(key.encode()).digest()


def extend_chain(chain: bytes, seq: int, leaf: bytes) -> bytes:
    """Return the chain after one more entry that touches the key."""
    return sha256(b"\x02" + chain + seq.to_bytes(8, "big") + leaf).digest()


def chain_over(entries: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the chain over `(seq, leaf hash)` pairs in log order."""
    chain = CHAIN_START
    for seq, leaf in entries:
        chain = extend_chain(chain, seq, leaf)
    return chain


def index_extension(root: bytes) -> str:
    """Return the checkpoint's extension line that commits to the index."""
    return f"{EXTENSION_NAME} {encode_base64(root)}"


def index_root_of(checkpoint: Checkpoint) -> bytes | None:
    """Return the index root that a checkpoint carries, or None if it carries none.

    Raises: NoteInvalid if it carries two, or one that is not a hash.
    """
    roots = [line for line in checkpoint.extensions if line.split(" ", 1)[0] == EXTENSION_NAME]
    if not roots:
        return None
    root = decode_base64(roots[0].removeprefix(f"{EXTENSION_NAME} "), "index_extension_malformed")
    if len(roots) > 1 or len(root) != HASH_BYTES:
        raise NoteInvalid("index_extension_malformed", "one account-index line with one hash is expected")
    return root


def verify_account_record(*, key: str, proof: AccountProof, root: bytes) -> AccountRecord:
    """Check a proof and return the record of this key; count 0 if no entry touches the key.

    Raises: ProofInvalid.
    """
    wanted = key_hash(key)
    bucket = _bucket_of(wanted)
    _require_bucket(proof.records, bucket)
    if len(proof.siblings) != DEPTH or any(len(step) != HASH_BYTES for step in proof.siblings):
        raise ProofInvalid(f"an index proof has {DEPTH} siblings of {HASH_BYTES} bytes", "index_proof_malformed")
    computed = sha256(b"\x04" + b"".join(record.encode() for record in proof.records)).digest()
    for sibling in proof.siblings:
        computed = node_hash(sibling, computed) if bucket & 1 else node_hash(computed, sibling)
        bucket >>= 1
    if computed != root:
        raise ProofInvalid("the index proof leads to another root", "index_root_differs")
    found = [record for record in proof.records if record.key_hash == wanted]
    return found[0] if found else AccountRecord(wanted, 0, CHAIN_START)


class AccountIndex:
    """The index in memory: 72 bytes a record and 4 MiB of tree; the root re-hashes touched buckets only.

    Buckets are immutable strings of records, so `copy` is cheap (about a millisecond) and shares what did
    not change: take one at each checkpoint to prove against it while the log goes on.
    """

    def __init__(self) -> None:
        self._buckets: list[bytes] = [b""] * BUCKETS
        self._nodes: list[bytes] = _empty_tree()
        self._dirty: set[int] = set()
        self._next_seq = 0

    @classmethod
    def from_records(cls, records: Iterable[AccountRecord], *, next_seq: int) -> "AccountIndex":
        """Build the index from kept records, in any order; `next_seq` is the first seq not yet applied.

        Raises: ValueError if two records have one key.
        """
        index = cls()
        gathered: dict[int, list[bytes]] = {}
        for record in records:
            gathered.setdefault(_bucket_of(record.key_hash), []).append(record.encode())
        for bucket, encoded in gathered.items():
            encoded.sort()
            if any(a[:32] == b[:32] for a, b in pairwise(encoded)):
                raise ValueError("two index records have one key")
            index._buckets[bucket] = b"".join(encoded)
        index._dirty.update(gathered)
        index._next_seq = next_seq
        return index

    def copy(self) -> "AccountIndex":
        """Return an independent index of the same state."""
        other = AccountIndex.__new__(AccountIndex)
        other._buckets = self._buckets.copy()
        other._nodes = self._nodes.copy()
        other._dirty = self._dirty.copy()
        other._next_seq = self._next_seq
        return other

    @property
    def next_seq(self) -> int:
        """The first seq that was not applied."""
        return self._next_seq

    def apply(self, seq: int, leaf: bytes, keys: Iterable[str]) -> list[AccountRecord]:
        """Count one entry under each key it touches; return the new records, for the ledger to keep.

        Raises: as `apply_all`.
        """
        return self.apply_all([(seq, leaf, keys)])

    def apply_all(self, entries: Iterable[tuple[int, bytes, Iterable[str]]]) -> list[AccountRecord]:
        """Count entries under each key they touch; return the records that changed, as they are after all of them.

        Shape: `(seq, leaf hash, keys)` in log order; an entry that touches nothing may be left out; a key named twice
        counts once. Many at once cost a third of what they cost one by one.
        Raises: ValueError if a `seq` is not above the last one; nothing is counted then.
        """
        due, hashes = self._next_seq, dict[str, bytes]()
        counted: dict[bytes, tuple[int, bytes]] = {}
        for seq, leaf, keys in entries:
            if not due <= seq <= MAX_SIZE:
                raise ValueError(f"entry {seq} is out of order: {due} or later is due")
            if len(leaf) != HASH_BYTES:
                raise ValueError(f"a leaf hash has {HASH_BYTES} bytes, not {len(leaf)}")
            due = seq + 1
            for key in dict.fromkeys(keys):
                hashed = hashes.get(key) or hashes.setdefault(key, key_hash(key))
                count, chain = counted.get(hashed) or self._counted(hashed)
                counted[hashed] = count + 1, extend_chain(chain, seq, leaf)
        self._next_seq = due
        return [self._put(AccountRecord(hashed, *state)) for hashed, state in counted.items()]

    def record(self, key: str) -> AccountRecord:
        """Return the record of a key; count 0 if no entry touches it."""
        wanted = key_hash(key)
        return AccountRecord(wanted, *self._counted(wanted))

    def records(self) -> Iterator[AccountRecord]:
        """Return every record in ascending order of key hash."""
        for packed in self._buckets:
            yield from _unpack(packed)

    def root(self) -> bytes:
        """Return the root over all records; only buckets touched since the last call are hashed."""
        nodes = self._nodes
        level = {BUCKETS + bucket for bucket in self._dirty}
        for node in level:
            nodes[node] = sha256(b"\x04" + self._buckets[node - BUCKETS]).digest()
        while level and 1 not in level:
            level = {node >> 1 for node in level}
            for node in level:
                nodes[node] = node_hash(nodes[2 * node], nodes[2 * node + 1])
        self._dirty.clear()
        return nodes[1]

    def prove(self, key: str) -> AccountProof:
        """Return the proof of a key, present or not, against the current `root()`."""
        self.root()
        bucket = _bucket_of(key_hash(key))
        node = BUCKETS + bucket
        siblings: list[bytes] = []
        while node > 1:
            siblings.append(self._nodes[node ^ 1])
            node >>= 1
        return AccountProof(tuple(_unpack(self._buckets[bucket])), tuple(siblings))

    def _counted(self, hashed: bytes) -> tuple[int, bytes]:
        packed = self._buckets[_bucket_of(hashed)]
        at = _find(packed, hashed)
        if at < 0:
            return 0, CHAIN_START
        return int.from_bytes(packed[at + 32 : at + 40], "big"), packed[at + 40 : at + _RECORD_BYTES]

    def _put(self, record: AccountRecord) -> AccountRecord:
        bucket = _bucket_of(record.key_hash)
        packed = self._buckets[bucket]
        at = _find(packed, record.key_hash)
        after = at + _RECORD_BYTES
        if at < 0:
            at = after = _position(packed, record.key_hash)
        self._buckets[bucket] = packed[:at] + record.encode() + packed[after:]
        self._dirty.add(bucket)
        return record


def _bucket_of(hashed: bytes) -> int:
    return int.from_bytes(hashed[:2], "big")


def _find(packed: bytes, hashed: bytes) -> int:
    """Return the offset of the record with this key hash, or -1. The search in C beats a bisection in Python."""
    at = packed.find(hashed)
    while at >= 0 and at % _RECORD_BYTES:
        at = packed.find(hashed, at + 1)
    return at


def _position(packed: bytes, hashed: bytes) -> int:
    """Return the offset of the first record not below the key hash."""
    low, high = 0, len(packed) // _RECORD_BYTES
    while low < high:
        middle = (low + high) // 2
        at = middle * _RECORD_BYTES
        if packed[at : at + 32] < hashed:
            low = middle + 1
        else:
            high = middle
    return low * _RECORD_BYTES


def _unpack(packed: bytes) -> Iterator[AccountRecord]:
    for at in range(0, len(packed), _RECORD_BYTES):
        yield AccountRecord.decode(packed[at : at + _RECORD_BYTES])


def _empty_tree() -> list[bytes]:
    """Return a heap: node 1 is the root, the children of i are 2i and 2i+1, bucket b is node 65,536 + b."""
    nodes = [b""] * (2 * BUCKETS)
    value = _EMPTY_BUCKET
    first = BUCKETS
    while first:
        nodes[first : 2 * first] = [value] * first
        value = node_hash(value, value)
        first >>= 1
    return nodes


def _require_bucket(records: Sequence[AccountRecord], bucket: int) -> None:
    if len(records) > BUCKET_RECORDS_MAX:
        raise ProofInvalid("the bucket has too many records", "index_proof_malformed")
    previous = b""
    for record in records:
        if len(record.key_hash) != HASH_BYTES or len(record.chain) != HASH_BYTES:
            raise ProofInvalid("an index record holds two hashes", "index_proof_malformed")
        if not 1 <= record.count <= MAX_SIZE:
            raise ProofInvalid("an index record counts at least one entry", "index_proof_malformed")
        if _bucket_of(record.key_hash) != bucket:
            raise ProofInvalid("an index record belongs to another bucket", "index_record_misplaced")
        # Strictly ascending: a second record of the same key would let two histories stand side by side.
        if record.key_hash <= previous:
            raise ProofInvalid("the index records are not in strict order", "index_records_unordered")
        previous = record.key_hash
