"""The evidence package: what is accepted, and that no change of any byte is."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cryptography
import make_faulty
import pytest
from evidence_log import ALICE, BORIS, DOCUMENT, MONEY, NOBODY, ORIGIN, UNITS, NoteSigner, SmallLog, issue_log
from jsonschema import Draft202012Validator

import kapital.verify
from kapital.ledger.api import BasisKind, Position, money_asset
from kapital.verify import texts
from kapital.verify.__main__ import main
from kapital.verify.canonical_json import encode_canonical
from kapital.verify.entry import EntryPosting
from kapital.verify.package import Document, Package, PackageInvalid, decode, encode
from kapital.verify.report import RUB, ListedEntry, Report
from kapital.verify.signed_note import Algorithm, NoteInvalid
from kapital.verify.verifier import verify

FOLDER = make_faulty.FOLDER
CASES: list[dict[str, Any]] = json.loads((FOLDER / "conformance.json").read_text())["cases"]
SOURCE = Path(kapital.verify.__file__).parent
SCHEMA = Path(__file__).parent.parent.parent / "contracts/evidence/package.schema.json"
LOG = issue_log()
KEY = LOG.signers[0].vkey
SMALL = SmallLog(LOG.bodies[:3])


def _verify(package: Package, **given: Any) -> Report:
    return verify(encode(package), **({"trusted_keys": [KEY]} | given))


@pytest.mark.parametrize("case", CASES, ids=[case["file"] for case in CASES])
def test_every_kept_package_gets_its_verdict(case: dict[str, Any]) -> None:
    proof = case.get("second_proof")
    report = verify(
        (FOLDER / case["file"]).read_bytes(),
        trusted_keys=case["trusted_keys"],
        second_checkpoint=case.get("second_checkpoint"),
        second_proof=None if proof is None else [base64.b64decode(step) for step in proof],
    )
    assert (report.exit_code, report.code, report.step) == (case["exit_code"], case["code"], case["step"])
    assert bool(report.proved) == report.accepted


def test_the_script_still_makes_the_kept_files_byte_for_byte() -> None:
    made: dict[str, bytes] = {}
    make_faulty.main(lambda path, data: made.__setitem__(path.name, data))
    assert made.keys() == {path.name for path in FOLDER.iterdir()}
    for name, data in made.items():
        assert (FOLDER / name).read_bytes() == data, name


def _accepted_flips(data: bytes, bits: range | tuple[int, ...]) -> set[int]:
    accepted = set()
    for position in range(len(data)):
        for bit in bits:
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            if verify(bytes(changed), trusted_keys=[KEY]).accepted:
                accepted.add(position)
    return accepted


def test_every_flipped_bit_of_a_small_package_is_refused() -> None:
    assert _accepted_flips(encode(SMALL.entries_package(2)), range(8)) == set()


def test_flipped_bits_of_a_complete_statement_with_an_earlier_checkpoint_are_refused() -> None:
    data = encode(SMALL.statement_package(BORIS, **SMALL.earlier(2)))
    assert verify(data, trusted_keys=[KEY]).complete
    assert _accepted_flips(data, (0, 5)) == set()


def test_without_a_trusted_key_a_flipped_bit_is_refused_too() -> None:
    data = encode(SMALL.entries_package(0))
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        assert not verify(bytes(changed)).accepted


def test_only_the_name_of_a_document_is_free_and_the_report_says_so() -> None:
    data = encode(SMALL.entries_package(2, documents=(Document(DOCUMENT, "abcdef"),)))
    start = data.index(b"abcdef")
    assert _accepted_flips(data, (1,)) == set(range(start, start + 6))
    report = verify(data, trusted_keys=[KEY])
    assert "document_names" in [finding.key for finding in report.not_proved]


def test_a_file_cut_at_any_length_is_unreadable() -> None:
    data = encode(SMALL.statement_package(BORIS))
    for length in range(len(data)):
        report = verify(data[:length], trusted_keys=[KEY])
        assert (report.exit_code, report.code) == (2, "package_torn" if length else "package_empty")


def test_bytes_added_or_repeated_are_refused() -> None:
    data = encode(SMALL.entries_package(2))
    for changed in (data + b" ", data + b"\n", data * 2, b"\xef\xbb\xbf" + data, b" " + data, data + b"\0"):
        assert not verify(changed, trusted_keys=[KEY]).accepted


def test_every_object_refuses_a_field_named_twice_and_an_unknown_one() -> None:
    package = SMALL.statement_package(BORIS, documents=(Document(DOCUMENT, "x"),), **SMALL.earlier(2))
    text = encode(package).decode()
    objects = [match.end() for match in re.finditer(r"(?<!\\)\{(?=\")", text) if '\\"' not in text[match.end() :][:9]]
    assert len(objects) >= 5
    for at in objects:
        first = re.match(r'"[a-z_0-9]+":', text[at:])
        assert first is not None
        repeated = text[:at] + first.group() + "0," + text[at:]
        assert verify(repeated.encode()).code == "package_key_repeated"
        unknown = text[:at] + '"!":0,' + text[at:]
        assert verify(unknown.encode()).code == "package_field_unknown"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[" * 100_000, "package_too_deep"),
        (b'{"a":' * 100_000, "package_too_deep"),
        (b'{"a":' + b"9" * 1_000_000 + b"}", "package_number_out_of_range"),
        (b'{"a":1e400}', "package_number_not_integer"),
        (b'{"a":Infinity}', "package_number_not_integer"),
        (b"null", "package_format_unknown"),
        (b'"kapital.evidence.v1"', "package_format_unknown"),
        (b'{"format":"kapital.evidence.v1","x":"\\ud800"}', "package_not_unicode"),
        (b"x" * (64 * 1024 * 1024 + 1), "package_too_large"),
    ],
    ids=range(9),
)
def test_hostile_bytes_are_refused_with_a_code(data: bytes, code: str) -> None:
    assert verify(data).code == code


def test_a_package_is_read_back_as_it_was() -> None:
    package = LOG.statement_package(ALICE, documents=(Document(DOCUMENT, "Решение 😀"),), **LOG.earlier(6))
    assert decode(encode(package)) == package


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "receipt"}, "package_kind_unknown"),
        ({"wallet": None}, "package_fields_wrong"),
        ({"wallet": "alice"}, "package_wallet_malformed"),
        ({"keys": ()}, "package_keys_wrong"),
        ({"consistency_proof": ()}, "package_fields_wrong"),
        ({"entries": LOG.statement_package(ALICE).entries[::-1]}, "package_entries_unordered"),
        ({"origin": "x" * 256}, "package_fields_wrong"),
    ],
)
def test_a_package_that_would_be_refused_is_not_written(change: dict[str, Any], code: str) -> None:
    with pytest.raises(PackageInvalid) as refusal:
        encode(replace(LOG.statement_package(ALICE), **change))
    assert refusal.value.code == code


def test_a_complete_statement_gives_the_balances() -> None:
    report = _verify(LOG.statement_package(ALICE))
    assert report.complete
    assert [(b.asset, b.position, b.amount) for b in report.balances] == [
        (MONEY, "available", 50_000),
        (MONEY, "reserved", 0),
        (UNITS, "available", 15),
    ]
    assert "statement_complete" in [finding.key for finding in report.proved]


def test_a_wallet_that_nothing_touches_is_proved_empty() -> None:
    report = _verify(LOG.statement_package(NOBODY))
    assert (report.complete, report.entries, report.balances) == (True, [], [])


def test_leaving_out_any_one_entry_of_a_statement_is_refused() -> None:
    whole = LOG.statement_package(BORIS)
    for left_out in range(len(whole.entries)):
        entries = (*whole.entries[:left_out], *whole.entries[left_out + 1 :])
        assert _verify(replace(whole, entries=entries)).code == "statement_incomplete"


def test_without_completeness_the_report_says_that_sums_are_no_balances() -> None:
    report = _verify(replace(LOG.statement_package(BORIS), completeness=None))
    assert report.accepted
    assert not report.complete
    assert "nothing_left_out" in [finding.key for finding in report.not_proved]
    assert texts.WORDS["sums"]["en"] in report.to_text()


def test_an_index_that_only_ml_dsa_signed_proves_no_completeness() -> None:
    ml_dsa = NoteSigner(ORIGIN, Algorithm.ML_DSA_44_COSIGNATURE)
    log = SmallLog(LOG.bodies, (ml_dsa,))
    assert _verify(log.entries_package(7), trusted_keys=[ml_dsa.vkey]).accepted
    refused = _verify(log.statement_package(ALICE), trusted_keys=[ml_dsa.vkey])
    assert refused.code == "completeness_not_signed"
    both = SmallLog(LOG.bodies, (LOG.signers[0], ml_dsa)).statement_package(ALICE)
    assert _verify(both).complete
    assert _verify(both, trusted_keys=[ml_dsa.vkey]).code == "completeness_not_signed"


def test_a_witness_counts_for_the_log_but_not_for_the_index() -> None:
    witness = NoteSigner("witness.example", Algorithm.ED25519_COSIGNATURE)
    log = SmallLog(LOG.bodies, (LOG.signers[0], witness))
    assert _verify(log.entries_package(7), trusted_keys=[witness.vkey]).accepted
    refused = _verify(log.statement_package(ALICE), trusted_keys=[witness.vkey])
    assert refused.code == "completeness_not_signed"
    assert verify(encode(log.statement_package(ALICE))).complete


def test_without_a_trusted_key_integrity_is_proved_and_origin_is_not() -> None:
    report = verify(encode(LOG.entries_package(7)))
    assert report.accepted
    assert report.not_proved[0].key == "origin_of_key"
    assert LOG.signers[0].verifier.fingerprint in report.to_text("ru")
    assert not any(signer.trusted for signer in report.signers)


def test_a_log_made_by_a_stranger_is_accepted_without_and_refused_with_a_trusted_key() -> None:
    stranger = NoteSigner(ORIGIN, seed="stranger")
    package = SmallLog(LOG.bodies, (stranger,)).entries_package(7)
    assert verify(encode(package)).accepted
    assert _verify(package).code == "signature_not_trusted"


def test_a_trusted_key_of_another_log_does_not_speak_for_this_one() -> None:
    other = NoteSigner("kapital.example/test-ledger")
    package = SmallLog(LOG.bodies, (other,)).entries_package(7)
    assert _verify(package, trusted_keys=[other.vkey]).code == "signature_not_trusted"


def test_names_are_ordered_by_utf_16_units_as_rfc_8785_says() -> None:
    # U+1F600 begins with the unit D83D and so stands before U+FB33, though its code point is larger.
    assert encode_canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_an_empty_list_of_trusted_keys_does_not_mean_any_key() -> None:
    with pytest.raises(NoteInvalid):
        verify(encode(LOG.entries_package(7)), trusted_keys=[])


def test_the_second_checkpoint_may_be_older_newer_or_equal() -> None:
    longer = SmallLog([*LOG.bodies, LOG.bodies[0]])
    package = LOG.entries_package(7, **LOG.earlier(6))
    assert _verify(package, second_checkpoint=LOG.checkpoint()).accepted
    assert _verify(package, second_checkpoint=LOG.checkpoint(6)).accepted
    proof = longer.earlier(11)["consistency_proof"]
    newer = _verify(package, second_checkpoint=longer.checkpoint(), second_proof=proof)
    assert newer.accepted
    assert [f.facts for f in newer.proved if f.key == "consistent"][-1] == {"old_size": 11, "new_size": 12}


def test_text_from_a_package_cannot_draw_a_false_report() -> None:
    bodies = [LOG.bodies[0].replace("заявка-0", "\\u001b[2J\\nACCEPTED\u202e")]
    text = _verify(SmallLog(bodies).entries_package(0)).to_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nACCEPTED\n" not in text


def test_a_statement_tells_what_each_entry_moved_in_its_wallet_and_in_no_other() -> None:
    report = _verify(LOG.statement_package(ALICE))

    moved: Counter[tuple[str, str]] = Counter()
    for entry in report.entries:
        assert {posting.wallet for posting in entry.postings} <= {ALICE}
        for posting in entry.postings:
            moved[posting.asset, posting.position] += posting.amount
    assert moved == {(b.asset, b.position): b.amount for b in report.balances}
    told = json.loads(report.to_json())["entries"]
    assert [len(entry["postings"]) for entry in told] == [len(entry.postings) for entry in report.entries]
    assert BORIS not in report.to_text()


def test_an_asset_is_told_by_its_code_where_the_package_opens_it_and_a_wallet_where_there_are_many() -> None:
    opened_too = _verify(LOG.entries_package(1, *range(6, 9))).to_text()
    assert f"DFA-1 ({UNITS})" in opened_too
    assert f"wallet {ALICE}" in opened_too
    assert "DFA-1" not in _verify(LOG.statement_package(ALICE)).to_text()


def test_positions_bases_and_instants_are_told_in_the_language_of_the_reader() -> None:
    late = Report(kind="entry", entries=[ListedEntry(0, ALICE, "9999-12-31T23:00:00.000000Z", "", "NEW_KIND a")])
    roubles = (EntryPosting(RUB, "reserved", ALICE, -123_456_789), EntryPosting(UNITS, "frozen", ALICE, 1_000))
    early = Report(
        kind="statement",
        wallet=ALICE,
        entries=[ListedEntry(0, ALICE, "2026-12-31T22:30:00.000000Z", "", "COURT_ACT a/1", roubles)],
    )

    assert "9999-12-31T23:00:00.000000Z  NEW_KIND (a)" in late.to_text("ru")
    russian, english = early.to_text("ru"), early.to_text("en")
    assert "2026-12-31T22:30:00.000000Z (01.01.2027 01:30:00 МСК)  судебный акт (a/1)" in russian
    assert "-1\u00a0234\u00a0567,89  RUB  зарезервировано под заявку" in russian
    assert f"+1\u00a0000  {UNITS}  заморожено" in russian
    assert "(2027-01-01 01:30:00 MSK)  act of a court (a/1)" in english
    assert "-1,234,567.89  RUB  reserved for an order" in english


def test_every_position_and_basis_of_the_ledger_has_its_words_and_roubles_their_id() -> None:
    assert texts.POSITIONS.keys() == {position.value for position in Position}
    assert texts.BASES.keys() == {kind.value for kind in BasisKind}
    assert str(money_asset()) == RUB


@pytest.mark.parametrize("lang", texts.LANGUAGES)
@pytest.mark.parametrize("case", CASES, ids=[case["file"] for case in CASES])
def test_every_report_is_told_in_words_and_in_json(case: dict[str, Any], lang: str) -> None:
    report = verify((FOLDER / case["file"]).read_bytes(), trusted_keys=case["trusted_keys"])
    assert (report.code or "") in report.to_text(lang)
    told = json.loads(report.to_json(lang))
    assert told["accepted"] == report.accepted
    assert len(told["steps"]) == 7


def test_every_code_in_the_source_has_a_text_in_both_languages_and_no_text_is_spare() -> None:
    families = "package|entry|proof|note|checkpoints?|vkey|signature|index|statement|completeness|key|origin"
    code = re.compile(f'"((?:{families}|document|consistency|json)_[a-z0-9_]+)"')
    no_codes = {"texts.py", "__main__.py", "report.py"}
    found: set[str] = set()
    for path in SOURCE.glob("*.py"):
        if path.name not in no_codes:
            found |= {name.replace("json_", "package_", 1) for name in code.findall(path.read_text())}
    assert set(texts.REFUSALS) - found == set()
    # Field names and finding keys look like codes; they are told apart by the tables that they stand in.
    fields = set(json.loads(SCHEMA.read_text())["properties"]) | {"key_hash", "document_sha256", "entry"}
    assert found - set(texts.REFUSALS) - set(texts.FINDINGS) - fields == set()
    assert {case["code"] for case in CASES} - {None} <= set(texts.REFUSALS)
    for table in (texts.STEPS, texts.WORDS, texts.FINDINGS, texts.REFUSALS):
        for sentence in table.values():
            assert set(sentence) == set(texts.LANGUAGES)
            assert all(sentence.values())


def test_every_kept_package_that_is_well_formed_fits_the_schema_and_field_faults_do_not() -> None:
    schema = Draft202012Validator(json.loads(SCHEMA.read_text()))
    Draft202012Validator.check_schema(schema.schema)
    # A schema sees neither spelling nor order, and takes 7.0 for a whole number; NaN is not JSON at all.
    unseen = {"package_not_canonical", "package_key_repeated", "package_entries_unordered"}
    unseen |= {"package_number_not_integer"}
    for case in CASES:
        if case["exit_code"] == 2 or case["code"] in unseen:
            continue
        package = json.loads((FOLDER / case["file"]).read_bytes())
        fault = case["step"] == 1 and str(case["code"]).startswith("package_")
        assert schema.is_valid(package) != fault, case["file"]


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ("good_entries_with_earlier_checkpoint", "consistency_proof"),
        ("good_entries_with_earlier_checkpoint", "earlier_checkpoint"),
        ("good_statement_of_no_entry", "wallet"),
        ("good_statement_complete", "completeness"),
        ("good_entry_with_document", "documents"),
    ],
)
def test_a_field_that_is_null_is_neither_there_nor_left_out(file: str, field: str) -> None:
    members = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    package = json.dumps({**members, field: None}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    report = verify(package.encode(), trusted_keys=[KEY])
    assert (report.code, report.passed) == ("package_fields_wrong", [])


def test_the_command_line_tells_the_verdict_by_its_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(FOLDER / "good_statement_complete.json")
    keys, second, proof = tmp_path / "keys", tmp_path / "second", tmp_path / "proof"
    keys.write_text(KEY + "\n")
    second.write_text(LOG.checkpoint(6))
    steps = LOG.earlier(6)["consistency_proof"]
    proof.write_text("".join(base64.b64encode(step).decode() + "\n" for step in steps))
    assert main([good]) == 0
    assert "NOT proved" in capsys.readouterr().out
    given = ["--key-file", str(keys), "--checkpoint", str(second), "--consistency-proof", str(proof)]
    assert main([good, *given, "--language", "ru"]) == 0
    assert "НЕ доказано" in capsys.readouterr().out
    assert main([good, "--key", KEY, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] is True
    assert main([str(FOLDER / "entry_altered.json"), "--key", KEY, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refusal"]["code"] == "proof_root_differs"
    assert main([str(FOLDER / "unreadable_torn.json")]) == 2
    assert main([str(tmp_path / "absent")]) == 2
    assert main([good, "--key", "nonsense"]) == 2
    keys.write_text("")
    assert main([good, "--key-file", str(keys)]) == 2


def test_the_folder_alone_runs_in_a_bare_package_named_kapital(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "kapital" / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    good = FOLDER / "good_statement_complete.json"
    program = (
        "import runpy, sys; sys.argv = ['verify', sys.argv[1]]\n"
        "try: runpy.run_module('kapital.verify', run_name='__main__')\n"
        "except SystemExit as end: code = end.code\n"
        "ours = [n for n in sys.modules if n.startswith('kapital') and not n.startswith('kapital.verify')]\n"
        "allowed = set(sys.stdlib_module_names) | {'kapital', 'cryptography', '_cffi_backend', '_openssl'}\n"
        "other = {n.split('.')[0] for n in sys.modules} - allowed\n"
        "print('AT', sys.modules['kapital.verify'].__file__)\n"
        "print('OTHER', ours, sorted(n for n in other if not n.startswith(('__', '_distutils', 'distutils'))))\n"
        "sys.exit(code)"
    )
    libraries = Path(cryptography.__file__).parent.parent
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{libraries}", "PATH": os.environ["PATH"]}
    result = subprocess.run(
        # -S: no path files, or the installed package of the same name would be taken instead of the copy.
        [sys.executable, "-S", "-c", program, str(good)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ACCEPTED")
    assert f"AT {tmp_path}" in result.stdout
    assert "OTHER ['kapital'] []" in result.stdout
