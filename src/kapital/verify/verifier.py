"""The check of an evidence package, step by step.

1. Format: one JSON object of the known format, canonical, with known fields only.
2. Entries: each body is canonical JSON of a known version; the `seq` in it is the `seq` claimed and lies
   inside the checkpoint; amounts are 64-bit decimal strings; postings of each asset sum to zero; instants do
   not go back; each document named is the basis of an entry.
3. Leaf hashes: computed anew from the bytes of the bodies.
4. Inclusion: each proof leads from the leaf hash to the root in the checkpoint.
5. Signature: every signature line belongs to a known key and fits; at least one key that counts is the log's.
   Keys that count are those the reader trusts; with none given, those in the package – then integrity is
   proved and origin is not.
6. Consistency: with the earlier checkpoint in the package and with the one that the reader brought.
7. Statement: every entry touches the wallet; sums are added anew; the account index shows that none is left
   out.

The first step that fails ends the check, and nothing that was found before it counts.
"""

from collections.abc import Sequence
from typing import Final

from .account_index import (
    CHAIN_START,
    AccountProof,
    AccountRecord,
    chain_over,
    index_root_of,
    verify_account_record,
    wallet_key,
)
from .entry import Entry, EntryInvalid, read_entry
from .package import KIND_STATEMENT, UNREADABLE_CODES, Package, PackageInvalid, decode
from .report import Balance, Finding, ListedEntry, Report, Signer
from .rfc9162 import ProofInvalid, leaf_hash, verify_consistency, verify_inclusion
from .signed_note import (
    Algorithm,
    Checkpoint,
    NoteInvalid,
    NoteVerifier,
    VerifiedSignature,
    parse_checkpoint,
    read_note,
    split_note,
)

ALGORITHM_NAMES: Final = {
    Algorithm.ED25519: "Ed25519",
    Algorithm.ED25519_COSIGNATURE: "Ed25519 cosignature",
    Algorithm.ML_DSA_44_COSIGNATURE: "ML-DSA-44 cosignature",
}


class EvidenceRefused(Exception):
    """A package that was understood and is not evidence; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def verify(
    package_bytes: bytes,
    *,
    trusted_keys: Sequence[str] | None = None,
    second_checkpoint: str | None = None,
    second_proof: Sequence[bytes] | None = None,
    at_size: int | None = None,
) -> Report:
    """Check an evidence package and report what it proves and what it does not.

    Shape: `trusted_keys` are verifier keys got from the operator by another way than the package;
    `second_checkpoint` is a signed note of the same log that the reader kept or got elsewhere, and
    `second_proof` the consistency proof between the two, if the package has none that fits; `at_size` asks a complete
    statement for the balances after so many entries of the log, as at the record moment of a payment.
    Raises: NoteInvalid only for an unusable trusted key or an empty list of them; whatever is wrong with the
    package or with the second checkpoint is in the report.
    """
    if trusted_keys is not None and not trusted_keys:
        # Falling back to the keys in the package would trust whom the reader did not name.
        raise NoteInvalid("trusted_keys_empty", "a list of trusted keys names at least one")
    trusted = [NoteVerifier.from_vkey(key) for key in trusted_keys or ()]
    check = _Check(trusted, second_checkpoint, second_proof, at_size)
    try:
        check.run(package_bytes)
    except PackageInvalid as error:
        check.report.refuse(error.code, error.reason, unreadable=error.code in UNREADABLE_CODES)
    except (EvidenceRefused, EntryInvalid, NoteInvalid, ProofInvalid) as error:
        check.report.refuse(error.code, error.reason)
    return check.report


class _Check:
    """One run over one package; the steps leave here what later steps need."""

    def __init__(
        self,
        trusted: list[NoteVerifier],
        second: str | None,
        second_proof: Sequence[bytes] | None,
        at_size: int | None,
    ) -> None:
        self.report = Report()
        self._at_size = at_size
        self._trusted = trusted
        self._second = second
        self._second_proof = second_proof
        self._keys: list[NoteVerifier] = []
        self._used: set[NoteVerifier] = set()
        self._entries: list[Entry] = []
        self._leaves: list[bytes] = []

    def run(self, package_bytes: bytes) -> None:
        report = self.report
        package = decode(package_bytes)
        report.kind, report.wallet = package.kind, package.wallet
        text, _ = split_note(package.checkpoint)
        checkpoint = parse_checkpoint(text)
        _require(
            checkpoint.origin == package.origin,
            "origin_differs",
            f"the package says {package.origin}, the checkpoint {checkpoint.origin}",
        )
        report.origin, report.size, report.root = checkpoint.origin, checkpoint.size, checkpoint.root.hex()
        report.passed.append(1)

        report.step = 2
        self._check_entries(package, checkpoint)
        report.passed.append(2)

        report.step = 3
        self._leaves = [leaf_hash(entry.body.encode()) for entry in package.entries]
        report.entries = [
            ListedEntry(
                e.seq,
                e.id,
                e.recorded_at,
                leaf.hex(),
                f"{e.basis_kind} {e.basis_reference}",
                tuple(p for p in e.postings if package.wallet in (None, p.wallet)),
                tuple(f for f in e.freezes if package.wallet in (None, f.wallet)),
            )
            for e, leaf in zip(self._entries, self._leaves, strict=True)
        ]
        report.asset_codes = {asset: code for e in self._entries for asset, code in e.asset_codes}
        report.passed.append(3)

        report.step = 4
        self._check_inclusion(package, checkpoint)
        report.passed.append(4)

        report.step = 5
        signatures = self._check_signatures(package, checkpoint)
        report.passed.append(5)

        report.step = 6
        self._check_consistency(package, checkpoint)

        report.step = 7
        if package.kind == KIND_STATEMENT:
            self._check_statement(package, checkpoint, signatures)
            report.passed.append(7)
        else:
            _require(self._at_size is None, "statement_not_complete", "this is no statement: it shows no balances")
        self._tell_limits(package)

    def _check_entries(self, package: Package, checkpoint: Checkpoint) -> None:
        previous = ""
        for claimed in package.entries:
            entry = read_entry(claimed.body)
            _require(
                entry.seq == claimed.seq,
                "entry_seq_differs",
                f"the package says {claimed.seq}, the entry says {entry.seq}",
            )
            _require(
                entry.seq < checkpoint.size,
                "entry_beyond_checkpoint",
                f"entry {entry.seq} is not among the first {checkpoint.size}",
            )
            _require(
                entry.recorded_at >= previous,
                "entry_instants_reversed",
                f"entry {entry.seq} is recorded before an entry that stands before it",
            )
            previous = entry.recorded_at
            self._entries.append(entry)
        named = {entry.document_sha256 for entry in self._entries}
        for document in package.documents:
            _require(
                document.sha256 in named,
                "document_not_in_entries",
                f"no entry names a document with the hash {document.sha256}",
            )

    def _check_inclusion(self, package: Package, checkpoint: Checkpoint) -> None:
        for claimed, leaf in zip(package.entries, self._leaves, strict=True):
            verify_inclusion(
                leaf=leaf,
                index=claimed.seq,
                size=checkpoint.size,
                proof=claimed.inclusion_proof,
                root=checkpoint.root,
            )

    def _check_signatures(self, package: Package, checkpoint: Checkpoint) -> tuple[VerifiedSignature, ...]:
        listed = [NoteVerifier.from_vkey(key) for key in package.keys]
        self._keys = list(dict.fromkeys([*self._trusted, *listed]))
        counting, verified = self._read_checkpoint(package.checkpoint, checkpoint.origin, strict=True)
        if package.earlier_checkpoint is not None:
            self._read_checkpoint(package.earlier_checkpoint, checkpoint.origin, strict=True)
        # A spare key in the package would be bytes that nothing binds, and a name lent to a stranger.
        for key in listed:
            _require(key in self._used, "key_without_signature", f"no signature is made by the key {key.name}")
        self.report.signers = [
            Signer(
                name=signature.verifier.name,
                algorithm=ALGORITHM_NAMES[signature.verifier.algorithm],
                fingerprint=signature.verifier.fingerprint,
                trusted=signature.verifier in self._trusted,
                signed_at=signature.timestamp,
            )
            for signature in verified
        ]
        self._tell_origin(checkpoint, counting)
        return counting

    def _read_checkpoint(
        self, note: str, origin: str, *, strict: bool
    ) -> tuple[tuple[VerifiedSignature, ...], tuple[VerifiedSignature, ...]]:
        """Return the signatures that count and all that fit; `strict` refuses lines of unknown keys."""
        read = read_note(note, self._keys)
        for line in read.ignored if strict else ():
            raise EvidenceRefused("signature_without_key", f"a line of {line.name} has no key in the package")
        self._used.update(signature.verifier for signature in read.verified)
        checkpoint = parse_checkpoint(read.text)
        _require(
            checkpoint.origin == origin,
            "origin_differs",
            f"a checkpoint of {checkpoint.origin} is no checkpoint of {origin}",
        )
        counting = tuple(signature for signature in read.verified if self._counts(signature, origin))
        _require(
            counting != (),
            "signature_not_trusted",
            f"no trusted key signed the checkpoint of {origin}"
            if self._trusted
            else f"no key with the name of the log {origin} signed its checkpoint",
        )
        return counting, read.verified

    def _counts(self, signature: VerifiedSignature, origin: str) -> bool:
        key = signature.verifier
        if not self._trusted:
            return key.name == origin
        # A trusted witness counts too, but only through a cosignature: that form states the log it is for.
        return key in self._trusted and (key.name == origin or key.algorithm is not Algorithm.ED25519)

    def _check_consistency(self, package: Package, checkpoint: Checkpoint) -> None:
        if package.earlier_checkpoint is not None and package.consistency_proof is not None:
            earlier = parse_checkpoint(split_note(package.earlier_checkpoint)[0])
            self._prove_consistent(earlier, checkpoint, package.consistency_proof)
        if self._second is not None:
            self._read_checkpoint(self._second, checkpoint.origin, strict=False)
            second = parse_checkpoint(split_note(self._second)[0])
            self._compare_second(second, package, checkpoint)
        if self._second is not None or package.earlier_checkpoint is not None:
            self.report.passed.append(6)

    def _compare_second(self, second: Checkpoint, package: Package, checkpoint: Checkpoint) -> None:
        if self._second_proof is not None and second.size != checkpoint.size:
            older, newer = sorted((second, checkpoint), key=lambda head: head.size)
            self._prove_consistent(older, newer, self._second_proof)
            return
        known = [checkpoint]
        if package.earlier_checkpoint is not None:
            known.append(parse_checkpoint(split_note(package.earlier_checkpoint)[0]))
        same = [head for head in known if head.size == second.size]
        _require(
            same != [],
            "consistency_not_provable",
            f"there is no proof between the sizes {second.size} and {checkpoint.size}",
        )
        _require(
            same[0].root == second.root,
            "checkpoints_fork",
            f"two signed checkpoints of size {second.size} have different roots",
        )
        self._tell("proved", "second_checkpoint_same", size=second.size)

    def _prove_consistent(self, older: Checkpoint, newer: Checkpoint, proof: Sequence[bytes]) -> None:
        verify_consistency(
            old_size=older.size, old_root=older.root, new_size=newer.size, new_root=newer.root, proof=proof
        )
        self._tell("proved", "consistent", old_size=older.size, new_size=newer.size)

    def _check_statement(
        self, package: Package, checkpoint: Checkpoint, counting: tuple[VerifiedSignature, ...]
    ) -> None:
        wallet = package.wallet or ""
        sums: dict[tuple[str, str], int] = {}
        for entry in self._entries:
            _require(entry.touches(wallet), "entry_not_of_wallet", f"entry {entry.seq} does not touch the wallet")
            for posting in entry.postings:
                if posting.wallet == wallet:
                    account = (posting.asset, posting.position)
                    sums[account] = sums.get(account, 0) + posting.amount
        if package.completeness is not None:
            self._check_completeness(wallet, package.completeness, checkpoint, counting)
        if self._at_size is not None:
            sums = self._sums_at(wallet, checkpoint, self._at_size)
        self.report.balances = [Balance(*account, amount) for account, amount in sorted(sums.items())]
        self._tell("proved", "sums_added", entries=len(self._entries), wallet=wallet)

    def _sums_at(self, wallet: str, checkpoint: Checkpoint, size: int) -> dict[tuple[str, str], int]:
        """What the wallet held after the first `size` entries: no entry is missing, so the earlier ones are all."""
        _require(self.report.complete, "statement_not_complete", "only a complete statement shows the past")
        _require(
            0 <= size <= checkpoint.size,
            "statement_size_beyond_checkpoint",
            f"the checkpoint is of {checkpoint.size} entries, {size} were asked for",
        )
        sums: dict[tuple[str, str], int] = {}
        for entry in self._entries:
            for posting in entry.postings:
                if posting.wallet == wallet and entry.seq < size:
                    account = (posting.asset, posting.position)
                    sums[account] = sums.get(account, 0) + posting.amount
        self._tell("proved", "held_at_size", wallet=wallet, size=size)
        return sums

    def _check_completeness(
        self,
        wallet: str,
        proof: AccountProof,
        checkpoint: Checkpoint,
        counting: tuple[VerifiedSignature, ...],
    ) -> None:
        root = index_root_of(checkpoint)
        if root is None:
            raise EvidenceRefused("completeness_without_index", "the checkpoint carries no account index")
        # ML-DSA-44 cosignatures leave extension lines out, so alone they would let anyone change the index;
        # a witness says nothing about them. So the log itself must have signed the text.
        _require(
            any(item.covers_text and item.verifier.name == checkpoint.origin for item in counting),
            "completeness_not_signed",
            "no signature that counts covers the account-index line",
        )
        record = verify_account_record(key=wallet_key(wallet), proof=proof, root=root)
        _require_same_history(record, list(zip((e.seq for e in self._entries), self._leaves, strict=True)))
        self.report.complete = True
        self._tell("proved", "statement_complete", wallet=wallet, size=checkpoint.size, entries=record.count)

    def _tell_origin(self, checkpoint: Checkpoint, counting: tuple[VerifiedSignature, ...]) -> None:
        self._tell("proved", "entries_unaltered", entries=len(self._entries))
        self._tell("proved", "entries_included", size=checkpoint.size, origin=checkpoint.origin)
        for signature in counting:
            key = signature.verifier
            facts = {"name": key.name, "fingerprint": key.fingerprint, "origin": checkpoint.origin}
            if self._trusted:
                self._tell("proved", "signed_by_trusted_key", **facts)
            else:
                self._tell("proved", "signed_by_key_in_package", **facts)
                self._tell("not_proved", "origin_of_key", **facts)

    def _tell_limits(self, package: Package) -> None:
        if 6 not in self.report.passed:
            self._tell("not_proved", "history_unchanged")
        self._tell("not_proved", "one_log_for_all")
        if package.kind != KIND_STATEMENT:
            self._tell("not_proved", "later_entries")
        elif self.report.complete:
            self._tell("not_proved", "index_recomputed")
            self._tell("not_proved", "after_checkpoint", size=self.report.size or 0)
        else:
            self._tell("not_proved", "nothing_left_out")
        self._tell("not_proved", "clock")
        self._tell("not_proved", "basis_true")
        if package.documents:
            self._tell("not_proved", "document_names")
        self._tell("not_proved", "person_behind_wallet")

    def _tell(self, where: str, key: str, **facts: str | int) -> None:
        findings = self.report.proved if where == "proved" else self.report.not_proved
        findings.append(Finding(key, facts))


def _require_same_history(record: AccountRecord, listed: list[tuple[int, bytes]]) -> None:
    _require(
        record.count == len(listed),
        "statement_incomplete",
        f"the account index counts {record.count} entries, the statement lists {len(listed)}",
    )
    chain = chain_over(listed) if listed else CHAIN_START
    _require(
        record.chain == chain,
        "statement_entries_differ",
        "the listed entries are not those that the account index counts",
    )


def _require(condition: bool, code: str, reason: str) -> None:
    if not condition:
        raise EvidenceRefused(code, reason)
