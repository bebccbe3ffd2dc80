"""A small log built only from the text of RFC 9162, to hold the verifier against.

The proofs here follow the recursive definitions PATH and SUBPROOF of the RFC word by word, while the verifier
walks bits; that the two agree is the point of the tests. Keys are made from fixed seeds, so that files can be
made again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from kapital.verify.account_index import AccountIndex, index_extension, wallet_key
from kapital.verify.entry import touched_keys
from kapital.verify.package import KIND_ENTRY, KIND_STATEMENT, Package, PackageEntry
from kapital.verify.rfc9162 import leaf_hash
from kapital.verify.signed_note import (
    Algorithm,
    Checkpoint,
    NoteVerifier,
    checkpoint_text,
    sign_note_line,
    signed_message,
    timestamped_signature,
)

ORIGIN = "kapital.example/ledger"
MONEY = "00000000-0000-5000-8000-0000000000aa"
UNITS = "00000000-0000-7000-8000-0000000000bb"
ALICE = "00000000-0000-7000-8000-00000000a11c"
BORIS = "00000000-0000-7000-8000-0000000b0415"
NOBODY = "00000000-0000-7000-8000-00000000dead"
DOCUMENT = sha256(b"decision on the issue").hexdigest()


class ReferenceTree:
    """MTH, PATH and PROOF of RFC 9162, 2.1, over ranges of one list of leaf hashes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves
        self._roots: dict[tuple[int, int], bytes] = {}

    def root(self, start: int, end: int) -> bytes:
        """MTH of 2.1.1."""
        if start == end:
            return sha256(b"").digest()
        if end - start == 1:
            return self._leaves[start]
        if (start, end) not in self._roots:
            k = start + _split(end - start)
            both = self.root(start, k) + self.root(k, end)
            self._roots[start, end] = sha256(b"\x01" + both).digest()
        return self._roots[start, end]

    def path(self, m: int, start: int, end: int) -> list[bytes]:
        """PATH of 2.1.3.1 for leaf number m of the whole list."""
        if end - start == 1:
            return []
        k = start + _split(end - start)
        if m < k:
            return [*self.path(m, start, k), self.root(k, end)]
        return [*self.path(m, k, end), self.root(start, k)]

    def consistency(self, m: int, start: int, end: int, complete: bool = True) -> list[bytes]:
        """PROOF and SUBPROOF of 2.1.4.1 for the first m leaves of the whole list."""
        if m == end:
            return [] if complete else [self.root(start, end)]
        k = start + _split(end - start)
        if m <= k:
            return [*self.consistency(m, start, k, complete), self.root(k, end)]
        return [*self.consistency(m, k, end, False), self.root(start, k)]


def _split(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)


@dataclass
class NoteSigner:
    """A private key that signs checkpoints; the seed is the name, so there is nothing secret about it."""

    name: str = ORIGIN
    algorithm: Algorithm = Algorithm.ED25519
    timestamp: int = 1_764_000_000
    seed: str = ""

    def __post_init__(self) -> None:
        seed = sha256((self.seed or self.name).encode()).digest()
        self._key: Ed25519PrivateKey | MLDSA44PrivateKey = (
            MLDSA44PrivateKey.from_seed_bytes(seed)
            if self.algorithm is Algorithm.ML_DSA_44_COSIGNATURE
            else Ed25519PrivateKey.from_private_bytes(seed)
        )

    @property
    def verifier(self) -> NoteVerifier:
        return NoteVerifier(self.name, self.algorithm, self._key.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        return self.verifier.vkey

    def line(self, text: str) -> str:
        message = signed_message(self.algorithm, self.name, text, timestamp=self.timestamp)
        signature = self._key.sign(message)
        if self.algorithm is not Algorithm.ED25519:
            signature = timestamped_signature(self.timestamp, signature)
        return sign_note_line(self.name, self.verifier.key_id, signature)


def canonical(value: Any) -> str:
    """Canonical JSON for ASCII member names, which is all that is needed here."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def account(asset: str, position: str, wallet: str) -> dict[str, str]:
    return {"asset": asset, "position": position, "wallet": wallet}


def posting(asset: str, position: str, wallet: str, amount: int) -> dict[str, Any]:
    return {"account": account(asset, position, wallet), "amount": str(amount)}


def body(seq: int, **members: Any) -> dict[str, Any]:
    """An entry body of the format in the ledger; `members` replace or add."""
    return {
        "actor": "machine:scheduler",
        "basis": {"document_sha256": DOCUMENT, "kind": "ORDER", "reference": f"заявка-{seq}"},
        "code_version": "0.1.0",
        "id": f"01930000-0000-7000-8000-{seq:012x}",
        "recorded_at": f"2026-11-24T12:00:{seq % 60:02d}.000000Z",
        "rule_book_version": "2026-1",
        "seq": seq,
        "v": 1,
    } | members


@dataclass
class SmallLog:
    """Bodies in order, with proofs, index, checkpoints and packages made from them."""

    bodies: list[str] = field(default_factory=list)
    signers: tuple[NoteSigner, ...] = (NoteSigner(),)

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(text.encode()) for text in self.bodies]

    def index(self, size: int | None = None) -> AccountIndex:
        index = AccountIndex()
        for seq, text in enumerate(self.bodies[:size]):
            index.apply(seq, leaf_hash(text.encode()), touched_keys(json.loads(text)))
        return index

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.bodies) if size is None else size
        root = ReferenceTree(self.leaves).root(0, size)
        text = checkpoint_text(Checkpoint(ORIGIN, size, root, (index_extension(self.index(size).root()),)))
        return self.sign(text)

    def sign(self, text: str) -> str:
        return text + "\n" + "".join(signer.line(text) for signer in self.signers)

    def entry(self, seq: int) -> PackageEntry:
        return PackageEntry(self.bodies[seq], seq, tuple(ReferenceTree(self.leaves).path(seq, 0, len(self.bodies))))

    def entries_package(self, *seqs: int, **members: Any) -> Package:
        return self._package(KIND_ENTRY, seqs, members)

    def statement_package(self, wallet: str, **members: Any) -> Package:
        seqs = [seq for seq, text in enumerate(self.bodies) if wallet_key(wallet) in touched_keys(json.loads(text))]
        complete = {"completeness": self.index().prove(wallet_key(wallet)), "wallet": wallet}
        return self._package(KIND_STATEMENT, seqs, complete | members)

    def earlier(self, size: int) -> dict[str, Any]:
        return {
            "earlier_checkpoint": self.checkpoint(size),
            "consistency_proof": tuple(ReferenceTree(self.leaves).consistency(size, 0, len(self.bodies))),
        }

    def _package(self, kind: str, seqs: Sequence[int], members: dict[str, Any]) -> Package:
        values: dict[str, Any] = {
            "kind": kind,
            "origin": ORIGIN,
            "keys": tuple(signer.vkey for signer in self.signers),
            "checkpoint": self.checkpoint(),
            "entries": tuple(self.entry(seq) for seq in seqs),
        }
        return Package(**(values | members))


def issue_log() -> SmallLog:
    """Eleven entries: wallets and assets opened, money in, an order, a delivery against payment, a stop."""
    opens = [{"open": "wallet", "wallet": wallet} for wallet in (ALICE, BORIS)]
    assets = [
        {"asset": MONEY, "code": "RUB", "kind": "money", "open": "asset", "scale": 2},
        {"asset": UNITS, "code": "DFA-1", "issue_limit": 1000, "kind": "units", "open": "asset", "scale": 0},
    ]
    bodies = [body(0, opens=opens), body(1, opens=assets)]
    for seq in range(2, 6):
        wallet = ALICE if seq % 2 else BORIS
        bodies.append(
            body(
                seq,
                postings=[
                    posting(MONEY, "bank", MONEY, -100_000),
                    posting(MONEY, "available", wallet, 100_000),
                ],
            )
        )
    bodies.append(
        body(
            6,
            postings=[
                posting(MONEY, "available", ALICE, -150_000),
                posting(MONEY, "reserved", ALICE, 150_000),
            ],
        )
    )
    bodies.append(
        body(
            7,
            postings=[
                posting(MONEY, "reserved", ALICE, -150_000),
                posting(MONEY, "available", BORIS, 150_000),
                posting(UNITS, "issued", UNITS, -15),
                posting(UNITS, "available", ALICE, 15),
            ],
        )
    )
    stop = {"account": account(UNITS, "available", ALICE), "credits_stopped": False, "debits_stopped": True}
    bodies.append(body(8, flags=[stop]))
    for seq in (9, 10):
        postings = [posting(MONEY, "available", BORIS, -10), posting(MONEY, "bank", MONEY, 10)]
        bodies.append(body(seq, postings=postings))
    return SmallLog([canonical(item) for item in bodies])
