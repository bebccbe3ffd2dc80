"""Signed notes, verifier keys and checkpoints: C2SP signed-note, tlog-checkpoint and tlog-cosignature.

A note is a text with signature lines below it. A checkpoint is a note whose text names a log, its size and
its root. Three signature types are known: Ed25519 over the text (0x01), Ed25519 cosignature (0x04) and
ML-DSA-44 cosignature (0x06). An ML-DSA-44 cosignature covers origin, size and root and *not* the extension
lines; what stands there is only signed if one of the Ed25519 types signed too
(`VerifiedSignature.covers_text`).
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from .rfc9162 import EMPTY_ROOT, HASH_BYTES, MAX_SIZE

NOTE_BYTES_MAX: Final = 1_000_000
SIGNATURES_MAX: Final = 64  # The specification asks for at least 16.
NAME_BYTES_MAX: Final = 255  # The length byte of the ML-DSA-44 message sets this bound; we use it for all names.
TIMESTAMP_MAX: Final = 2**63 - 1
_SIGNATURE_START: Final = "— "
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY_ID_HEX: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteInvalid(Exception):
    """A note, checkpoint or verifier key not to be believed; `code` is stable, `reason` for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Algorithm(IntEnum):
    """Signature type byte of C2SP signed-note."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44_COSIGNATURE = 0x06


_PUBLIC_KEY_BYTES: Final = {
    Algorithm.ED25519: 32,
    Algorithm.ED25519_COSIGNATURE: 32,
    Algorithm.ML_DSA_44_COSIGNATURE: 1312,
}
_SIGNATURE_BYTES: Final = {
    Algorithm.ED25519: 64,
    Algorithm.ED25519_COSIGNATURE: 8 + 64,
    Algorithm.ML_DSA_44_COSIGNATURE: 8 + 2420,
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Head of a log (контрольная точка): so many entries, this root.

    Shape: root is 32 bytes; extensions are non-empty lines.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


class SignatureLine(NamedTuple):
    """One line below the text: who is said to have signed, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public key with its name: what a verifier key string (vkey) says."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_BYTES[self.algorithm]:
            raise NoteInvalid("vkey_malformed", f"the public key of {self.name} has a wrong length")

    @classmethod
    def from_vkey(cls, text: str) -> "NoteVerifier":
        """Read `name+hash+base64(type || key)`; the hash must fit the key.

        Raises: NoteInvalid.
        """
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID_HEX.fullmatch(parts[1]):
            raise NoteInvalid("vkey_malformed", "a verifier key is name+hash+base64")
        material = decode_base64(parts[2], "vkey_malformed")
        try:
            algorithm = Algorithm(material[0]) if material else None
        except ValueError:
            algorithm = None
        if algorithm is None:
            raise NoteInvalid("vkey_algorithm_unknown", f"the key {parts[0]} is of a type not known here")
        verifier = cls(parts[0], algorithm, material[1:])
        if verifier.key_id.hex() != parts[1]:
            raise NoteInvalid("vkey_hash_differs", f"the hash in the verifier key {parts[0]} does not fit the key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand for this key in signature lines."""
        return key_id(self.name, self.algorithm, self.public_key)

    @property
    def vkey(self) -> str:
        """The verifier key string of this key."""
        return vkey(self.name, self.algorithm, self.public_key)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of type byte and key in hex, to compare by eye; the key id is too short for that."""
        return sha256(bytes([self.algorithm]) + self.public_key).hexdigest()

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check one signature over a note text; return the time in it (POSIX seconds) if its type has one.

        Raises: NoteInvalid.
        """
        if len(signature) != _SIGNATURE_BYTES[self.algorithm]:
            raise NoteInvalid("signature_invalid", f"the signature of {self.name} has a wrong length")
        timestamp = None
        if self.algorithm is not Algorithm.ED25519:
            timestamp, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = signed_message(self.algorithm, self.name, text, timestamp=timestamp or 0)
        try:
            if self.algorithm is Algorithm.ML_DSA_44_COSIGNATURE:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            raise NoteInvalid("signature_invalid", f"the signature of {self.name} does not fit the text") from None
        except ValueError as error:
            raise NoteInvalid("vkey_malformed", f"the public key of {self.name} is unusable: {error}") from None
        return timestamp


class VerifiedSignature(NamedTuple):
    """A signature that fits, the key that made it, and the time it states (cosignatures only)."""

    verifier: NoteVerifier
    timestamp: int | None

    @property
    def covers_text(self) -> bool:
        """Whether the whole text is signed, extension lines included."""
        return self.verifier.algorithm is not Algorithm.ML_DSA_44_COSIGNATURE


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note read against known keys. `ignored` lists the lines of unknown keys: they prove nothing."""

    text: str
    verified: tuple[VerifiedSignature, ...]
    ignored: tuple[SignatureLine, ...]


def checkpoint_text(cp: Checkpoint) -> str:
    """Return the note text of a checkpoint; `parse_checkpoint` reads it back.

    Raises: NoteInvalid if the text would not be a checkpoint.
    """
    text = "".join(f"{line}\n" for line in (cp.origin, str(cp.size), encode_base64(cp.root), *cp.extensions))
    if parse_checkpoint(text) != cp:
        raise NoteInvalid("checkpoint_malformed", "the origin or an extension contains a line break")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text strictly: origin, size without leading zeros, root, extension lines.

    Raises: NoteInvalid.
    """
    _require_text(text)
    if not text.endswith("\n"):
        raise NoteInvalid("checkpoint_malformed", "a checkpoint ends with a line break")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise NoteInvalid("checkpoint_malformed", "a checkpoint has at least three lines and none is empty")
    size = int(lines[1]) if _DECIMAL.fullmatch(lines[1]) else -1
    if not 0 <= size <= MAX_SIZE:
        raise NoteInvalid("checkpoint_size_malformed", "the tree size is a decimal number without leading zeros")
    root = decode_base64(lines[2], "checkpoint_root_malformed")
    if len(root) != HASH_BYTES or (size == 0 and root != EMPTY_ROOT):
        raise NoteInvalid("checkpoint_root_malformed", "the root is not a SHA-256 hash that fits the size")
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))


def key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """Return the key id: SHA-256(name || LF || type || key), first four bytes."""
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public_key).digest()[:4]


def vkey(name: str, alg: int, public_key: bytes) -> str:
    """Return the verifier key string `name+hash+base64(type || key)`."""
    _require_name(name)
    return f"{name}+{key_id(name, alg, public_key).hex()}+{encode_base64(bytes([alg]) + public_key)}"


def signed_message(algorithm: Algorithm, name: str, text: str, *, timestamp: int = 0) -> bytes:
    """Return the bytes that a key of this type signs for a note text.

    Units: timestamp in POSIX seconds; plain Ed25519 has none and ignores it.
    Raises: NoteInvalid.
    """
    if not 0 <= timestamp <= TIMESTAMP_MAX:
        raise NoteInvalid("signature_timestamp_out_of_range", "the time of a cosignature is out of range")
    if algorithm is Algorithm.ED25519:
        return text.encode()
    if algorithm is Algorithm.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
    cp = parse_checkpoint(text)
    _require_name(name)
    return b"".join(
        (
            b"subtree/v1\n\0",
            _length_prefixed(name),
            timestamp.to_bytes(8, "big"),
            _length_prefixed(cp.origin),
            bytes(8),
            cp.size.to_bytes(8, "big"),
            cp.root,
        )
    )


def timestamped_signature(timestamp: int, signature: bytes) -> bytes:
    """Return what stands after the key id in the line of a cosignature (types 0x04 and 0x06)."""
    return timestamp.to_bytes(8, "big") + signature


def sign_note_line(name: str, key_id: bytes, signature: bytes) -> str:
    """Return a signature line with its line break; a note is `text + "\\n" + lines`.

    Shape: key_id is 4 bytes; signature is the raw signature, for cosignatures with the time before it.
    """
    _require_name(name)
    return f"{_SIGNATURE_START}{name} {encode_base64(key_id + signature)}\n"


def split_note(note: str) -> tuple[str, tuple[SignatureLine, ...]]:
    """Split a note into its text and its signature lines, checking the form and no signature.

    Raises: NoteInvalid.
    """
    _require_text(note)
    cut = note.rfind("\n\n")
    if cut < 0 or not note.endswith("\n") or cut + 2 == len(note):
        raise NoteInvalid("note_malformed", "a note is a text, an empty line and signature lines")
    text, lines = note[: cut + 1], note[cut + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteInvalid("note_too_many_signatures", f"a note has at most {SIGNATURES_MAX} signatures")
    return text, tuple(_read_signature_line(line) for line in lines)


def read_note(note: str, verifiers: Iterable[NoteVerifier]) -> SignedNote:
    """Check every signature made by a known key; lines of unknown keys are set aside.

    One wrong signature of a known key refuses the whole note; none of a known key refuses it too.
    Raises: NoteInvalid.
    """
    text, lines = split_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified: list[VerifiedSignature] = []
    ignored: list[SignatureLine] = []
    seen: set[tuple[str, bytes]] = set()
    for line in lines:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            ignored.append(line)
            continue
        if (line.name, line.key_id) in seen:
            raise NoteInvalid("signature_repeated", f"two signature lines of one key of {line.name}")
        seen.add((line.name, line.key_id))
        verified.append(VerifiedSignature(verifier, verifier.verify(text, line.signature)))
    if not verified:
        raise NoteInvalid("signature_of_no_known_key", "no line is signed by a key that is known")
    return SignedNote(text, tuple(verified), tuple(ignored))


def open_note(note: str, verifiers: Iterable[NoteVerifier]) -> tuple[str, tuple[str, ...]]:
    """Return the text and the names of the known keys that signed it.

    Raises: NoteInvalid.
    """
    read = read_note(note, verifiers)
    return read.text, tuple(signature.verifier.name for signature in read.verified)


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, code: str) -> bytes:
    """Read standard base64 in its one canonical spelling; `code` names the refusal.

    Raises: NoteInvalid.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteInvalid(code, "this is not base64") from None
    # The decoder accepts stray bits in the last character; two spellings of one value would be two notes.
    if encode_base64(data) != text:
        raise NoteInvalid(code, "this base64 is not canonical")
    return data


def _read_signature_line(line: str) -> SignatureLine:
    name, space, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    if not line.startswith(_SIGNATURE_START) or not space:
        raise NoteInvalid("signature_line_malformed", "a signature line is: em dash, name, base64")
    _require_name(name)
    blob = decode_base64(encoded, "signature_line_malformed")
    if len(blob) < 5:
        raise NoteInvalid("signature_line_malformed", "a signature is a key id of four bytes and more")
    return SignatureLine(name, blob[:4], blob[4:])


def _require_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() for char in name) or _CONTROL.search(name):
        raise NoteInvalid("key_name_malformed", "a key name is not empty and has no space and no plus")
    try:
        encoded = name.encode()
    except UnicodeEncodeError:  # a byte of a command line that is not UTF-8
        raise NoteInvalid("key_name_malformed", "a key name is Unicode text") from None
    if len(encoded) > NAME_BYTES_MAX:
        raise NoteInvalid("key_name_malformed", f"a key name has at most {NAME_BYTES_MAX} bytes")


def _require_text(text: str) -> None:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise NoteInvalid("note_not_utf8", "the note is not Unicode text") from None
    if len(encoded) > NOTE_BYTES_MAX:
        raise NoteInvalid("note_too_large", f"a note has at most {NOTE_BYTES_MAX} bytes")
    if _CONTROL.search(text):
        raise NoteInvalid("note_control_character", "a note contains no control character but the line break")


def _length_prefixed(text: str) -> bytes:
    encoded = text.encode()
    if not 1 <= len(encoded) <= NAME_BYTES_MAX:
        raise NoteInvalid("key_name_malformed", f"a signed name has 1 to {NAME_BYTES_MAX} bytes")
    return bytes([len(encoded)]) + encoded
