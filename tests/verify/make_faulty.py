"""Writes the good and faulty evidence packages, each named after its fault, and the list of expected verdicts.

Run: `python tests/verify/make_faulty.py`. The files are kept in the repository so that other verifiers can be held
against them (`tests/verify/faulty/conformance.json`); a test checks that this script still makes the same bytes.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evidence_log import (
    ALICE,
    BORIS,
    DOCUMENT,
    MONEY,
    NOBODY,
    ORIGIN,
    UNITS,
    NoteSigner,
    ReferenceTree,
    SmallLog,
    body,
    canonical,
    issue_log,
    posting,
)

from kapital.verify.account_index import AccountIndex, AccountProof, index_extension, wallet_key
from kapital.verify.entry import touched_keys
from kapital.verify.package import Document, Package, PackageEntry, encode
from kapital.verify.rfc9162 import EMPTY_ROOT
from kapital.verify.signed_note import Algorithm, Checkpoint, checkpoint_text, encode_base64

FOLDER = Path(__file__).parent / "faulty"
LOG = issue_log()
SIGNER = LOG.signers[0]
STRANGER = NoteSigner(ORIGIN, seed="a stranger who uses the name of the log")
ML_DSA = NoteSigner(ORIGIN, Algorithm.ML_DSA_44_COSIGNATURE)


@dataclass(frozen=True)
class Case:
    """One file, what the verifier is given with it, and the verdict. Shape: code is None for a good package."""

    name: str
    data: bytes
    code: str | None
    step: int
    trusted: bool = True
    second_checkpoint: str | None = None
    second_proof: tuple[bytes, ...] | None = None

    def expectation(self) -> dict[str, Any]:
        exit_code = 0 if self.code is None else 2 if self.name.startswith("unreadable_") else 1
        value: dict[str, Any] = {"file": f"{self.name}.json", "exit_code": exit_code, "code": self.code}
        value["step"] = self.step
        value["trusted_keys"] = [SIGNER.vkey, ML_DSA.vkey] if self.trusted else None
        if self.second_checkpoint is not None:
            value["second_checkpoint"] = self.second_checkpoint
        if self.second_proof is not None:
            value["second_proof"] = [encode_base64(step) for step in self.second_proof]
        return value


def cases() -> Iterator[Case]:
    yield from _good()
    yield from _unreadable()
    yield from _wrong_format()
    yield from _wrong_entries()
    yield from _wrong_proofs()
    yield from _wrong_signatures()
    yield from _wrong_consistency()
    yield from _wrong_statements()


ENTRY = LOG.entries_package(7)
STATEMENT = LOG.statement_package(ALICE)


FREEZE = {
    "credits_stopped": True,
    "debit_allowance": 1_000_000,
    "debits_stopped": True,
    "freeze": "00000000-0000-7000-8000-00000000f10e",
    "kind": "money",
    "wallet": BORIS,
}
FROZEN = json.loads(LOG.bodies[10]) | {
    "v": 2,
    "freezes": [FREEZE],
    "income_of": UNITS,
    "postings": [
        posting(MONEY, "available", ALICE, -5),
        posting(MONEY, "frozen", BORIS, 5) | {"instead_of": "available"},
    ],
}


def _log_with(text: str) -> SmallLog:
    """The log with another entry 10."""
    return SmallLog([*LOG.bodies[:10], text])


def _good() -> Iterator[Case]:
    documents = (Document(DOCUMENT, "Решение о выпуске.pdf"),)
    yield _case("good_entry", ENTRY, None, 7)
    yield _case("good_entry_without_trusted_key", ENTRY, None, 7, trusted=False)
    yield _case("good_entries_with_earlier_checkpoint", LOG.entries_package(0, 3, 10, **LOG.earlier(6)), None, 7)
    yield _case("good_entry_with_document", LOG.entries_package(7, documents=documents), None, 7)
    yield _case("good_entry_second_checkpoint_older", ENTRY, None, 7, **_second(6))
    yield _case("good_statement_complete", STATEMENT, None, 7)
    yield _case("good_statement_without_completeness", replace(STATEMENT, completeness=None), None, 7)
    yield _case("good_statement_of_no_entry", LOG.statement_package(NOBODY), None, 7)
    yield _case("good_entry_with_freeze_and_income", _log_with(canonical(FROZEN)).entries_package(10), None, 7)
    yield _case("good_statement_with_freeze", _log_with(canonical(FROZEN)).statement_package(BORIS), None, 7)
    yield Case("good_entry_with_ml_dsa_44", _kept_ml_dsa(), None, 7)


def _unreadable() -> Iterator[Case]:
    data = encode(ENTRY)
    yield Case("unreadable_empty", b"", "package_empty", 1)
    yield Case("unreadable_torn", data[: len(data) // 2], "package_torn", 1)
    yield Case("unreadable_not_utf8", data.replace(b"\xd0", b"\xff"), "package_not_utf8", 1)
    yield Case("unreadable_not_json", data.replace(b'"format":', b'"format";'), "package_malformed", 1)
    yield Case("unreadable_foreign_format", b'{"mediaType":"application/x","v":1}', "package_format_unknown", 1)
    yield Case("unreadable_later_format", data.replace(b"evidence.v1", b"evidence.v2"), "package_format_unknown", 1)


def _wrong_format() -> Iterator[Case]:
    data = encode(ENTRY)
    text = data.decode()
    members = json.loads(text)
    twice = text.replace('"kind":"entry"', '"kind":"entry","kind":"entry"')
    yield Case("key_repeated", twice.encode(), "package_key_repeated", 1)
    yield Case("number_nan", text.replace('"seq":7', '"seq":NaN').encode(), "package_number_not_integer", 1)
    yield Case("number_with_fraction", text.replace('"seq":7', '"seq":7.0').encode(), "package_number_not_integer", 1)
    beyond = text.replace('"seq":7', f'"seq":{2**53}').encode()
    yield Case("number_beyond_2_53", beyond, "package_number_out_of_range", 1)
    yield Case("spaces_between_fields", json.dumps(members, sort_keys=True).encode(), "package_not_canonical", 1)
    unordered = (
        canonical(members).replace('"kind":"entry",', "").replace('{"checkpoint"', '{"kind":"entry","checkpoint"')
    )
    yield Case("fields_not_in_order", unordered.encode(), "package_not_canonical", 1)
    yield Case("line_break_at_the_end", data + b"\n", "package_not_canonical", 1)
    yield Case("field_unknown", canonical(members | {"note": "x"}).encode(), "package_field_unknown", 1)
    missing = {name: value for name, value in members.items() if name != "keys"}
    yield Case("field_missing", canonical(missing).encode(), "package_field_missing", 1)
    yield Case("kind_unknown", canonical(members | {"kind": "receipt"}).encode(), "package_kind_unknown", 1)
    yield Case("no_entries", canonical(members | {"entries": []}).encode(), "package_entries_missing", 1)
    yield Case("no_keys", canonical(members | {"keys": []}).encode(), "package_keys_wrong", 1)
    yield Case("wallet_in_entry_package", canonical(members | {"wallet": ALICE}).encode(), "package_fields_wrong", 1)
    lonely = canonical(members | {"consistency_proof": []}).encode()
    yield Case("consistency_proof_without_checkpoint", lonely, "package_fields_wrong", 1)
    both = json.loads(encode(LOG.entries_package(3, 7)))
    both["entries"].reverse()
    yield Case("entries_not_in_order", canonical(both).encode(), "package_entries_unordered", 1)
    short = json.loads(text)
    short["entries"][0]["inclusion_proof"][0] = encode_base64(bytes(31))
    yield Case("proof_hash_of_31_bytes", canonical(short).encode(), "package_hash_malformed", 1)
    loose = json.loads(text)
    step = loose["entries"][0]["inclusion_proof"][0]
    # The last character of 32 bytes in base64 carries two bits that mean nothing: they must be zero.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose["entries"][0]["inclusion_proof"][0] = step[:-2] + alphabet[alphabet.index(step[-2]) + 1] + "="
    yield Case("proof_hash_base64_not_canonical", canonical(loose).encode(), "package_hash_malformed", 1)
    yield _case("origin_of_another_log", replace(ENTRY, origin="kapital.example/other"), "origin_differs", 1)


def _wrong_entries() -> Iterator[Case]:
    def log_with(text: str) -> Package:
        """A package of a log whose entry 10 has this body: properly included and signed, yet not an entry."""
        return _log_with(text).entries_package(10)

    def edited(**members: Any) -> Package:
        return log_with(canonical(json.loads(LOG.bodies[10]) | members))

    spaced = json.dumps(json.loads(LOG.bodies[10]), ensure_ascii=False, sort_keys=True)
    yield _case("entry_not_canonical", log_with(spaced), "entry_not_canonical", 2)
    twice = LOG.bodies[10].replace('"actor":', '"actor":"x","actor":')
    yield _case("entry_key_repeated", log_with(twice), "entry_not_canonical", 2)
    yield _case("entry_of_later_version", edited(v=3), "entry_version_unknown", 2)
    yield _case("entry_with_unknown_field", edited(memo="x"), "entry_fields_wrong", 2)
    yield _case("entry_seq_differs_from_claim", edited(seq=9), "entry_seq_differs", 2)
    yield _case("entry_id_upper_case", edited(id="01930000-0000-7000-8000-00000000000A"), "entry_id_malformed", 2)
    yield _case(
        "entry_instant_impossible", edited(recorded_at="2026-02-30T12:00:00.000000Z"), "entry_instant_malformed", 2
    )
    yield _case(
        "entry_instant_not_utc", edited(recorded_at="2026-11-24T12:00:00.000000+03:00"), "entry_instant_malformed", 2
    )
    yield _case("entry_of_freezes_as_version_1", edited(**FROZEN | {"v": 1}), "entry_fields_wrong", 2)
    yield _case("entry_without_freezes_as_version_2", edited(v=2), "entry_fields_wrong", 2)
    for name, change in (
        ("stop_is_a_word", {"debits_stopped": "yes"}),
        ("two_scopes", {"asset": MONEY}),
        ("scope_unknown", {"kind": "shares"}),
        ("allowance_below_zero", {"debit_allowance": -1}),
        ("without_name", {"freeze": ""}),
        ("unknown_field", {"until": "2027-01-01"}),
    ):
        bad = edited(**FROZEN | {"freezes": [FREEZE | change]})
        yield _case(f"entry_freeze_{name}", bad, "entry_freezes_malformed", 2)
    sent = [posting(MONEY, "available", ALICE, -5), posting(MONEY, "pledged", BORIS, 5) | {"instead_of": "available"}]
    yield _case("entry_income_sent_astray", edited(**FROZEN | {"postings": sent}), "entry_posting_malformed", 2)
    no_income = {name: value for name, value in FROZEN.items() if name != "income_of"}
    yield _case("entry_sent_without_income", log_with(canonical(no_income)), "entry_posting_malformed", 2)
    loss = [posting(MONEY, "available", BORIS, -10), posting(MONEY, "bank", MONEY, 9)]
    yield _case("entry_postings_unbalanced", edited(postings=loss), "entry_unbalanced", 2)
    huge = [posting(MONEY, "available", BORIS, 2**63), posting(MONEY, "bank", MONEY, -(2**63))]
    yield _case("entry_amount_beyond_64_bits", edited(postings=huge), "entry_amount_malformed", 2)
    zeros = [posting(MONEY, "available", BORIS, 0) | {"amount": "-0"}]
    yield _case("entry_amount_minus_zero", edited(postings=zeros), "entry_amount_malformed", 2)
    number = [posting(MONEY, "available", BORIS, 0) | {"amount": 0}]
    yield _case("entry_amount_as_number", edited(postings=number), "entry_amount_malformed", 2)
    place = [posting(MONEY, "elsewhere", BORIS, 0)]
    yield _case("entry_position_unknown", edited(postings=place), "entry_account_malformed", 2)
    back = SmallLog([*LOG.bodies[:10], canonical(body(10, recorded_at="2026-11-24T11:00:00.000000Z"))])
    yield _case("entry_instants_reversed", back.entries_package(9, 10), "entry_instants_reversed", 2)
    later = replace(ENTRY, checkpoint=LOG.checkpoint(7))
    yield _case("entry_beyond_checkpoint", later, "entry_beyond_checkpoint", 2)
    foreign = replace(ENTRY, documents=(Document("0" * 64, "x"),))
    yield _case("document_of_no_entry", foreign, "document_not_in_entries", 2)


def _wrong_proofs() -> Iterator[Case]:
    entry = ENTRY.entries[0]
    proof = entry.inclusion_proof

    def with_entry(changed: PackageEntry) -> Package:
        return replace(ENTRY, entries=(changed,))

    altered = replace(entry, body=entry.body.replace('"amount":"15"', '"amount":"16"').replace('"-15"', '"-16"'))
    yield _case("entry_altered", with_entry(altered), "proof_root_differs", 4)
    neighbour = replace(entry, inclusion_proof=tuple(ReferenceTree(LOG.leaves).path(6, 0, 11)))
    yield _case("proof_of_another_entry", with_entry(neighbour), "proof_root_differs", 4)
    yield _case("proof_too_short", with_entry(replace(entry, inclusion_proof=proof[:-1])), "proof_too_short", 4)
    longer = (*proof, bytes(32))
    yield _case("proof_too_long", with_entry(replace(entry, inclusion_proof=longer)), "proof_too_long", 4)
    swapped = (proof[1], proof[0], *proof[2:])
    yield _case("proof_steps_swapped", with_entry(replace(entry, inclusion_proof=swapped)), "proof_root_differs", 4)
    of_ten = tuple(ReferenceTree(LOG.leaves).path(7, 0, 10))
    yield _case("proof_for_another_size", with_entry(replace(entry, inclusion_proof=of_ten)), "proof_root_differs", 4)


def _wrong_signatures() -> Iterator[Case]:
    text, lines = ENTRY.checkpoint.split("\n\n")
    forged = SmallLog(LOG.bodies, (STRANGER,)).entries_package(7)
    yield _case("signature_of_a_stranger_under_the_name_of_the_log", forged, "signature_not_trusted", 5)
    named = replace(forged, keys=(SIGNER.vkey,))
    yield _case("signature_of_a_stranger_with_the_key_of_the_log", named, "signature_of_no_known_key", 5)
    other = ReferenceTree([*LOG.leaves[:7], LOG.leaves[7], *LOG.leaves[8:]])
    moved = f"{ORIGIN}\n11\n{encode_base64(other.root(0, 11))}\n"
    unsigned_index = replace(ENTRY, checkpoint=f"{moved}\n{lines}")
    yield _case("signature_over_another_text", unsigned_index, "signature_invalid", 5)
    zero = ENTRY.checkpoint.replace(lines.split(" ")[2].strip(), encode_base64(SIGNER.verifier.key_id + bytes(64)))
    yield _case("signature_of_zeros", replace(ENTRY, checkpoint=zero), "signature_invalid", 5)
    extra = replace(ENTRY, checkpoint=ENTRY.checkpoint + STRANGER.line(text + "\n"))
    yield _case("signature_without_key", extra, "signature_without_key", 5)
    yield _case(
        "key_without_signature", replace(ENTRY, keys=(*ENTRY.keys, STRANGER.vkey)), "key_without_signature", 5
    )
    wrong = ENTRY.keys[0].replace(ENTRY.keys[0].split("+")[1], "00000000")
    yield _case("key_hash_differs", replace(ENTRY, keys=(wrong,)), "vkey_hash_differs", 5)
    once_more = replace(ENTRY, checkpoint=ENTRY.checkpoint + lines)
    yield _case("signature_repeated", once_more, "signature_repeated", 5)
    plain = NoteSigner("witness.example")
    witness = SmallLog(LOG.bodies, (plain,)).entries_package(7)
    yield _case("signature_under_another_name", witness, "signature_not_trusted", 5, trusted=False)
    leading = ENTRY.checkpoint.replace("\n11\n", "\n011\n")
    yield _case("checkpoint_size_leading_zero", replace(ENTRY, checkpoint=leading), "checkpoint_size_malformed", 1)


def _wrong_consistency() -> Iterator[Case]:
    rewritten = SmallLog([canonical(body(0, actor="someone")), *LOG.bodies[1:]])
    earlier = LOG.earlier(6)
    fork = replace(LOG.entries_package(7), **(earlier | {"earlier_checkpoint": rewritten.checkpoint(6)}))
    yield _case("history_rewritten", fork, "proof_old_root_differs", 6)
    empty = SIGNER.line(text := checkpoint_text(Checkpoint(ORIGIN, 0, EMPTY_ROOT)))
    nothing = replace(ENTRY, earlier_checkpoint=f"{text}\n{empty}", consistency_proof=())
    yield _case("earlier_checkpoint_empty", nothing, "proof_old_size_zero", 6)
    short = replace(ENTRY, **(earlier | {"consistency_proof": earlier["consistency_proof"][:-1]}))
    yield _case("consistency_proof_too_short", short, "proof_too_short", 6)
    reversed_ = rewritten.entries_package(
        7, earlier_checkpoint=SmallLog([*rewritten.bodies, LOG.bodies[0]]).checkpoint(), consistency_proof=()
    )
    yield _case("earlier_checkpoint_is_later", reversed_, "proof_sizes_reversed", 6)
    same = {"second_checkpoint": rewritten.checkpoint()}
    yield _case("second_checkpoint_forks", ENTRY, "checkpoints_fork", 6, **same)
    unproved = {"second_checkpoint": LOG.checkpoint(5)}
    yield _case("second_checkpoint_without_proof", ENTRY, "consistency_not_provable", 6, **unproved)
    strange = {"second_checkpoint": SmallLog(LOG.bodies, (STRANGER,)).checkpoint()}
    yield _case("second_checkpoint_of_a_stranger", ENTRY, "signature_of_no_known_key", 6, **strange)
    older = _second(6) | {"second_checkpoint": rewritten.checkpoint(6)}
    yield _case("second_checkpoint_of_rewritten_history", ENTRY, "proof_old_root_differs", 6, **older)


def _wrong_statements() -> Iterator[Case]:
    entries = STATEMENT.entries
    proof = STATEMENT.completeness
    assert proof is not None
    yield _case("statement_entry_left_out", replace(STATEMENT, entries=entries[:-1]), "statement_incomplete", 7)
    yield _case("statement_all_left_out", replace(STATEMENT, entries=()), "statement_incomplete", 7)
    of_boris = replace(STATEMENT, entries=LOG.statement_package(BORIS).entries)
    yield _case("statement_entries_of_another_wallet", of_boris, "entry_not_of_wallet", 7)
    other = replace(STATEMENT, completeness=LOG.index().prove(wallet_key(BORIS)))
    yield _case("statement_completeness_of_another_wallet", other, "index_record_misplaced", 7)
    fewer = tuple(replace(record, count=record.count - 1) for record in proof.records)
    lowered = replace(STATEMENT, entries=entries[:-1], completeness=AccountProof(fewer, proof.siblings))
    yield _case("statement_count_lowered", lowered, "index_root_differs", 7)
    old = replace(STATEMENT, completeness=LOG.index(8).prove(wallet_key(ALICE)))
    yield _case("statement_completeness_of_earlier_index", old, "index_root_differs", 7)
    root = ReferenceTree(LOG.leaves).root(0, 11)
    bare = LOG.sign(checkpoint_text(Checkpoint(ORIGIN, 11, root)))
    yield _case("statement_without_index", replace(STATEMENT, checkpoint=bare), "completeness_without_index", 7)
    index = AccountIndex()
    for seq, leaf in enumerate(LOG.leaves):
        keys = touched_keys(json.loads(LOG.bodies[seq]))
        index.apply(seq, leaf, [key for key in keys if (seq, key) != (3, wallet_key(ALICE))])
    # The log itself lies: its index leaves out entry 3, so the count alone would fit a statement without entry 8.
    lying = LOG.sign(checkpoint_text(Checkpoint(ORIGIN, 11, root, (index_extension(index.root()),))))
    counted = index.prove(wallet_key(ALICE))
    same_count = replace(STATEMENT, checkpoint=lying, completeness=counted, entries=entries[:-1])
    yield _case("statement_entries_other_than_counted", same_count, "statement_entries_differ", 7)
    hidden = replace(STATEMENT, completeness=AccountProof((), proof.siblings))
    yield _case("statement_record_hidden", hidden, "index_root_differs", 7)
    doubled = replace(STATEMENT, completeness=AccountProof(proof.records * 2, proof.siblings))
    yield _case("statement_record_doubled", doubled, "index_records_unordered", 7)


def _case(name: str, package: Package, code: str | None, step: int, **given: Any) -> Case:
    return Case(name, encode(package), code, step, **given)


def _second(size: int) -> dict[str, Any]:
    proof = tuple(ReferenceTree(LOG.leaves).consistency(size, 0, len(LOG.bodies)))
    return {"second_checkpoint": LOG.checkpoint(size), "second_proof": proof}


def _kept_ml_dsa() -> bytes:
    """ML-DSA-44 signs with fresh randomness, so this one file is made once and then kept."""
    path = FOLDER / "good_entry_with_ml_dsa_44.json"
    if path.exists():
        return path.read_bytes()
    return encode(SmallLog(LOG.bodies, (SIGNER, ML_DSA)).entries_package(7))


def main(write: Callable[[Path, bytes], object] = Path.write_bytes) -> int:
    FOLDER.mkdir(exist_ok=True)
    expectations = []
    for case in cases():
        write(FOLDER / f"{case.name}.json", case.data)
        expectations.append(case.expectation())
    table = json.dumps({"cases": expectations}, ensure_ascii=False, indent=1) + "\n"
    write(FOLDER / "conformance.json", table.encode())
    return len(expectations)


if __name__ == "__main__":
    sys.stdout.write(f"{main()} packages\n")
