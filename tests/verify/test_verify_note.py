"""Signed notes and checkpoints: real notes of transparency-dev, and every strictness of the format."""

import json
from pathlib import Path

import pytest
from evidence_log import NoteSigner

from kapital.verify.rfc9162 import EMPTY_ROOT, verify_consistency
from kapital.verify.signed_note import (
    Algorithm,
    Checkpoint,
    NoteInvalid,
    NoteVerifier,
    checkpoint_text,
    encode_base64,
    open_note,
    parse_checkpoint,
    read_note,
    sign_note_line,
    signed_message,
    split_note,
    vkey,
)

WITNESS = json.loads((Path(__file__).parent.parent / "data/merkle/witness_checkpoints.json").read_text())
LOG = NoteVerifier.from_vkey(WITNESS["log_vkey"])
SIZE_5, SIZE_8 = WITNESS["checkpoint_size_5"], WITNESS["checkpoint_size_8"]
HEAD = Checkpoint("kapital.example/ledger", 7, bytes(range(32)), ("account-index x",))


def _code(note: str, *keys: NoteVerifier) -> str:
    with pytest.raises(NoteInvalid) as refusal:
        open_note(note, keys or (LOG,))
    return refusal.value.code


def test_real_checkpoints_open_and_are_consistent() -> None:
    heads = []
    for note in (SIZE_5, SIZE_8):
        text, names = open_note(note, [LOG])
        assert names == ("monkeys",)
        heads.append(parse_checkpoint(text))
        assert checkpoint_text(heads[-1]) == text
    verify_consistency(
        old_size=heads[0].size,
        old_root=heads[0].root,
        new_size=heads[1].size,
        new_root=heads[1].root,
        proof=[bytes.fromhex(step) for step in WITNESS["consistency_proof_5_to_8_hex"]],
    )


@pytest.mark.parametrize("name", ["log_vkey", "other_log_vkey", "witness_vkey"])
def test_real_verifier_keys_are_read_and_written_back(name: str) -> None:
    assert NoteVerifier.from_vkey(WITNESS[name]).vkey == WITNESS[name]


def test_a_note_of_an_unknown_key_is_refused() -> None:
    assert _code(SIZE_5, NoteVerifier.from_vkey(WITNESS["other_log_vkey"])) == "signature_of_no_known_key"


def test_every_flipped_bit_of_a_note_is_refused() -> None:
    data = SIZE_5.encode()
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            try:
                note = changed.decode()
            except UnicodeDecodeError:
                continue
            with pytest.raises(NoteInvalid):
                open_note(note, [LOG])


def test_a_note_cut_anywhere_is_refused() -> None:
    for length in range(len(SIZE_5)):
        with pytest.raises(NoteInvalid):
            open_note(SIZE_5[:length], [LOG])


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_each_signature_type_signs_and_verifies(algorithm: Algorithm) -> None:
    signer = NoteSigner("kapital.example/ledger", algorithm)
    text = checkpoint_text(HEAD)
    read = read_note(f"{text}\n{signer.line(text)}", [NoteVerifier.from_vkey(signer.vkey)])
    assert [item.verifier for item in read.verified] == [signer.verifier]
    assert read.verified[0].timestamp == (None if algorithm is Algorithm.ED25519 else signer.timestamp)
    other = checkpoint_text(Checkpoint(HEAD.origin, 8, HEAD.root))
    assert _code(f"{other}\n{signer.line(text)}", signer.verifier) == "signature_invalid"


def test_an_ml_dsa_cosignature_does_not_cover_extension_lines_and_says_so() -> None:
    signer = NoteSigner("kapital.example/ledger", Algorithm.ML_DSA_44_COSIGNATURE)
    line = signer.line(checkpoint_text(HEAD))
    other = checkpoint_text(Checkpoint(HEAD.origin, HEAD.size, HEAD.root, ("account-index forged",)))
    read = read_note(f"{other}\n{line}", [signer.verifier])
    assert not read.verified[0].covers_text


def test_the_ml_dsa_message_is_the_structure_of_tlog_cosignature() -> None:
    text = checkpoint_text(Checkpoint("o", 258, bytes(32)))
    message = signed_message(Algorithm.ML_DSA_44_COSIGNATURE, "name", text, timestamp=1)
    assert message == (
        b"subtree/v1\n\x00\x04name\0\0\0\0\0\0\0\x01\x01o" + bytes(8) + b"\0\0\0\0\0\0\x01\x02" + bytes(32)
    )


def test_the_ed25519_cosignature_message_is_that_of_tlog_cosignature() -> None:
    text = checkpoint_text(Checkpoint("o", 1, bytes(32)))
    message = signed_message(Algorithm.ED25519_COSIGNATURE, "w", text, timestamp=1679315147)
    assert message == b"cosignature/v1\ntime 1679315147\n" + text.encode()


def test_lines_of_unknown_keys_are_set_aside_and_listed() -> None:
    stranger = sign_note_line("stranger", b"\1\2\3\4", b"anything")
    read = read_note(SIZE_5 + stranger, [LOG])
    assert [line.name for line in read.ignored] == ["stranger"]
    assert open_note(SIZE_5 + stranger, [LOG])[1] == ("monkeys",)


def test_one_wrong_signature_of_a_known_key_refuses_the_note_though_another_fits() -> None:
    good, bad = NoteSigner("good"), NoteSigner("bad")
    text = checkpoint_text(HEAD)
    forged = sign_note_line("bad", bad.verifier.key_id, bytes(64))
    assert _code(f"{text}\n{good.line(text)}{forged}", good.verifier, bad.verifier) == "signature_invalid"


def test_two_lines_of_one_key_are_refused() -> None:
    line = SIZE_5.split("\n\n")[1]
    assert _code(SIZE_5 + line) == "signature_repeated"


_LINE = SIZE_5.split("\n\n")[1]
_B64 = _LINE.split(" ")[2].strip()


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("", "note_malformed"),
        ("\n\n", "note_malformed"),
        (SIZE_5[:-1], "note_malformed"),
        (SIZE_5 + "\n", "note_malformed"),
        (SIZE_5.replace("\n\n", "\n"), "note_malformed"),
        (SIZE_5.replace("monkeys\n5", "monkeys\r\n5"), "note_control_character"),
        (SIZE_5.replace("5\n", "5\x00\n", 1), "note_control_character"),
        (SIZE_5.replace("— ", "- "), "signature_line_malformed"),
        (SIZE_5.replace("— monkeys ", "— monkeys"), "signature_line_malformed"),
        (SIZE_5.replace("— monkeys", "— mon+keys"), "key_name_malformed"),
        (SIZE_5.replace("— monkeys", "— mon\u00a0keys"), "key_name_malformed"),
        (SIZE_5.replace("— monkeys", "— "), "key_name_malformed"),
        (SIZE_5.replace(_B64, _B64.rstrip("=")), "signature_line_malformed"),
        (SIZE_5.replace(_B64, _B64[:-2] + "Z="), "signature_line_malformed"),
        (SIZE_5.replace(_B64, _B64 + " "), "signature_line_malformed"),
        (SIZE_5.replace(_B64, _B64.replace("/", "_")), "signature_line_malformed"),
        (SIZE_5.replace(_B64, encode_base64(b"\0\0\0\0")), "signature_line_malformed"),
        (SIZE_5 + _LINE * 64, "note_too_many_signatures"),
        (SIZE_5 + " " * 1_000_000, "note_too_large"),
        (SIZE_5.replace("monkeys\n5", "\ud800\n5"), "note_not_utf8"),
    ],
)
def test_a_note_of_another_form_is_refused(note: str, code: str) -> None:
    assert _code(note) == code


def test_sixteen_signatures_are_accepted() -> None:
    signers = [NoteSigner(f"witness-{number}") for number in range(16)]
    text = checkpoint_text(HEAD)
    note = text + "\n" + "".join(signer.line(text) for signer in signers)
    assert len(open_note(note, [signer.verifier for signer in signers])[1]) == 16


_ROOT = encode_base64(bytes(32))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"o\n1\n{_ROOT}", "checkpoint_malformed"),
        ("o\n1\n", "checkpoint_malformed"),
        (f"\n1\n{_ROOT}\n", "checkpoint_malformed"),
        (f"o\n1\n{_ROOT}\n\n", "checkpoint_malformed"),
        (f"o\n01\n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n+1\n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n-1\n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n\u0661\n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n1 \n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n{2**63}\n{_ROOT}\n", "checkpoint_size_malformed"),
        (f"o\n1\n{encode_base64(bytes(31))}\n", "checkpoint_root_malformed"),
        (f"o\n1\n{_ROOT[:-2]}B=\n", "checkpoint_root_malformed"),
        (f"o\n0\n{_ROOT}\n", "checkpoint_root_malformed"),
    ],
)
def test_a_checkpoint_of_another_form_is_refused(text: str, code: str) -> None:
    with pytest.raises(NoteInvalid) as refusal:
        parse_checkpoint(text)
    assert refusal.value.code == code


def test_the_empty_log_has_the_empty_root() -> None:
    assert parse_checkpoint(checkpoint_text(Checkpoint("o", 0, EMPTY_ROOT))).size == 0


@pytest.mark.parametrize("head", [Checkpoint("o\n9", 1, bytes(32)), Checkpoint("o", 1, bytes(32), ("a\nb",))])
def test_a_line_break_cannot_be_smuggled_into_a_checkpoint(head: Checkpoint) -> None:
    with pytest.raises(NoteInvalid):
        checkpoint_text(head)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "vkey_malformed"),
        ("monkeys+db4d9f7e", "vkey_malformed"),
        (WITNESS["log_vkey"].replace("db4d9f7e", "DB4D9F7E"), "vkey_malformed"),
        (WITNESS["log_vkey"].replace("db4d9f7e", "db4d9f7f"), "vkey_hash_differs"),
        (WITNESS["log_vkey"].replace("monkeys", "donkeys"), "vkey_hash_differs"),
        (WITNESS["log_vkey"] + "=", "vkey_malformed"),
        (vkey("n", 0x02, bytes(32)), "vkey_algorithm_unknown"),
        (vkey("n", 0x01, bytes(31)), "vkey_malformed"),
        (vkey("n", 0x06, bytes(32)), "vkey_malformed"),
    ],
)
def test_a_key_that_is_not_exactly_a_verifier_key_is_refused(text: str, code: str) -> None:
    with pytest.raises(NoteInvalid) as refusal:
        NoteVerifier.from_vkey(text)
    assert refusal.value.code == code


def test_the_text_of_a_note_may_hold_empty_lines_and_the_last_one_divides() -> None:
    signer = NoteSigner("poet")
    text = "Ognuno sta solo\n\ned è subito sera.\n"
    assert split_note(f"{text}\n{signer.line(text)}")[0] == text
    assert open_note(f"{text}\n{signer.line(text)}", [signer.verifier]) == (text, ("poet",))


def test_a_key_name_that_is_no_unicode_text_is_refused() -> None:
    half = encode_base64(bytes([Algorithm.ED25519]) + bytes(32))
    with pytest.raises(NoteInvalid, match="Unicode"):
        NoteVerifier.from_vkey(f"\udcff+00000000+{half}")
