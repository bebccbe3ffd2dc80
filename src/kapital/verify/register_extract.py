"""Check a signed extract of the register of users offline (выписка из реестра пользователей).

Form: JSON Lines in UTF-8. The first line is the RFC 8785 text of an object with `format`, `key` (C2SP verifier key of
the operator), `manifest` and `signature` (base64, Ed25519 over the RFC 8785 text of the manifest). Each further line
is the RFC 8785 text of one line of the register, in the order of `participant_id`. `content_sha256` of the manifest
is the hash over all bytes after the first line.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .canonical_json import JsonInvalid, decode_canonical, encode_canonical
from .signed_note import Algorithm, NoteInvalid, NoteVerifier, decode_base64

FORMAT: Final = "kapital.register_extract.v1"
LINE_BYTES_MAX: Final = 64 << 10
START: Final = f'{{"format":"{FORMAT}"'.encode()


class ExtractRefused(Exception):
    """The file proves nothing; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """What a sound extract says. `trusted` when the reader named the key by another way than the file."""

    operator: str
    at: str
    made_at: str
    lines: int
    content_sha256: str
    key: str
    fingerprint: str
    trusted: bool


def check_extract(file: BinaryIO, *, trusted_keys: list[str] | None = None) -> ExtractReport:
    """Read the whole file once, line by line, in bounded memory.

    Raises: ExtractRefused with `extract_malformed`, `extract_key_not_trusted`, `extract_signature_invalid`,
    `extract_content_differs`, `extract_lines_not_in_order`; NoteInvalid for an unusable trusted key.
    """
    trusted = [NoteVerifier.from_vkey(key) for key in trusted_keys or ()]
    header = _object(file.readline(LINE_BYTES_MAX + 1), {"format", "key", "manifest", "signature"})
    manifest = header["manifest"]
    _require(header["format"] == FORMAT, "extract_malformed", "the file is of another format")
    _require(isinstance(manifest, dict), "extract_malformed", "the manifest is an object")
    _require(manifest.keys() == _MANIFEST, "extract_malformed", "the manifest has other fields")
    try:
        key = NoteVerifier.from_vkey(_text(header["key"]))
        signature = decode_base64(_text(header["signature"]), "extract_malformed")
    except NoteInvalid as error:
        raise ExtractRefused("extract_malformed", error.reason) from error
    named = any((one.name, one.public_key) == (key.name, key.public_key) for one in trusted)
    _require(named or not trusted, "extract_key_not_trusted", "the key of the file is none of those you named")
    _require_signed(key, signature, encode_canonical(manifest))
    count, digest = _content(file)
    _require(
        (count, digest) == (manifest["lines"], manifest["content_sha256"]),
        "extract_content_differs",
        f"the file has {count} lines with the hash {digest}",
    )
    return ExtractReport(
        operator=_text(manifest["operator"]),
        at=_text(manifest["at"]),
        made_at=_text(manifest["made_at"]),
        lines=count,
        content_sha256=digest,
        key=key.vkey,
        fingerprint=key.fingerprint,
        trusted=named,
    )


_MANIFEST: Final = {"at", "content_sha256", "format", "lines", "made_at", "operator"}


def _content(file: BinaryIO) -> tuple[int, str]:
    digest, count, last = sha256(), 0, ""
    while line := file.readline(LINE_BYTES_MAX + 1):
        participant = _text(_object(line, None).get("participant_id"))
        # In strict order nobody stands in the register twice.
        _require(participant > last, "extract_lines_not_in_order", f"line {count + 2} is not after the one before")
        digest.update(line)
        count, last = count + 1, participant
    return count, digest.hexdigest()


def _require_signed(key: NoteVerifier, signature: bytes, message: bytes) -> None:
    _require(key.algorithm is Algorithm.ED25519, "extract_malformed", "the key is not of Ed25519")
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise ExtractRefused("extract_signature_invalid", "the signature does not fit the manifest") from None


def _object(line: bytes, fields: set[str] | None) -> dict[str, Any]:
    whole = line.endswith(b"\n") and len(line) <= LINE_BYTES_MAX
    _require(whole, "extract_malformed", "a line is too long or has no end")
    try:
        value = decode_canonical(line[:-1])
    except JsonInvalid as error:
        raise ExtractRefused("extract_malformed", error.reason) from error
    _require(isinstance(value, dict), "extract_malformed", "a line is no object")
    _require(fields is None or value.keys() == fields, "extract_malformed", "the first line has other fields")
    found: dict[str, Any] = value
    return found


def _text(value: Any) -> str:
    _require(isinstance(value, str), "extract_malformed", "a text was expected")
    return str(value)


def _require(condition: bool, code: str, reason: str) -> None:
    if not condition:
        raise ExtractRefused(code, reason)
