"""Check a signed list of who held an asset at a record moment, or one holder's own line of it, offline.

Form: JSON Lines in UTF-8, each line the RFC 8785 text of an object. The first line has `format`, `key` (C2SP verifier
key of the operator), `kind`, `log_key` (that of the log), `manifest` and `signature` (base64, Ed25519 of the
operator's key over the RFC 8785 text of the manifest). Then:

- kind `list`: one line for each wallet and position, `{"position", "units", "wallet"}`, strictly ascending by wallet
  and position – everybody who held the asset;
- kind `holding`: the lines of one wallet, each as `{"index", "line", "proof"}`: its place among the lines and the RFC
  9162 inclusion proof (base64) to `list_root`. Nothing of the others is shown.

The manifest names the asset, the moment, the size of the log at that moment with its root, a signed checkpoint of the
log with the consistency proof from that size to it, the number of lines, the sum of the units, and `list_root`: the
RFC 9162 root over the lines as leaves. So the list is fixed to one state of one log, whoever shows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .canonical_json import JsonInvalid, decode_canonical, encode_canonical
from .rfc9162 import ProofInvalid, leaf_hash, root_from_leaf_hashes, verify_consistency, verify_inclusion
from .signed_note import Algorithm, NoteInvalid, NoteVerifier, decode_base64, open_note, parse_checkpoint, split_note

FORMAT: Final = "kapital.holder_list.v1"
KIND_LIST: Final = "list"
KIND_HOLDING: Final = "holding"
LINE_BYTES_MAX: Final = 64 << 10
START: Final = f'{{"format":"{FORMAT}"'.encode()
_MANIFEST: Final = set(
    "asset at checkpoint consistency_proof format lines list_root made_at root size units".split()  # noqa: SIM905
)


class HolderListRefused(Exception):
    """The file proves nothing; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderListReport:
    """What a sound file says. `trusted` when the reader named both keys by another way than the file.

    `lines` and `units` are of the whole list; `wallet`, `held` of the one holder that a file of kind `holding` shows.
    """

    kind: str
    origin: str
    asset: str
    at: str
    size: int
    root: str
    checkpoint_size: int
    lines: int
    units: int
    wallet: str | None
    held: dict[str, int]
    key: str
    log_key: str
    fingerprint: str
    trusted: bool


def check_holder_list(file: BinaryIO, *, trusted_keys: list[str] | None = None) -> HolderListReport:
    """Read the whole file once, line by line.

    1. form; 2. both keys are among those named, if any are; 3. the operator's signature fits the manifest; 4. the
    checkpoint is signed by the log's key; 5. the log of the checkpoint begins with the log of the moment; 6. the
    lines are those of the manifest: order, number, sum and root, or each shown line's proof.
    Raises: HolderListRefused; NoteInvalid for an unusable trusted key.
    """
    trusted = [NoteVerifier.from_vkey(key) for key in trusted_keys or ()]
    header = _object(file.readline(LINE_BYTES_MAX + 1), {"format", "key", "kind", "log_key", "manifest", "signature"})
    manifest = header["manifest"]
    whole = isinstance(manifest, dict) and manifest.keys() == _MANIFEST and manifest["format"] == FORMAT
    _require(whole and header["format"] == FORMAT, "holder_list_malformed", "the file is of another format")
    _require(header["kind"] in (KIND_LIST, KIND_HOLDING), "holder_list_malformed", "no such kind of file")
    key, log_key = _key(header["key"]), _key(header["log_key"])
    known = {(one.name, one.public_key) for one in trusted}
    named = {(key.name, key.public_key), (log_key.name, log_key.public_key)} <= known
    _require(
        named or not trusted, "holder_list_key_not_trusted", "not both keys of the file are among those you named"
    )
    _require_signed(key, _base64(header["signature"]), encode_canonical(manifest))
    origin, checkpoint_size = _require_log(log_key, manifest)
    held: dict[str, int] = {}
    wallet = None
    if header["kind"] == KIND_LIST:
        _require_list(file, manifest)
    else:
        wallet, held = _holding(file, manifest)
    return HolderListReport(
        kind=header["kind"],
        origin=origin,
        asset=_text(manifest["asset"]),
        at=_text(manifest["at"]),
        size=_count(manifest["size"]),
        root=_base64(manifest["root"]).hex(),
        checkpoint_size=checkpoint_size,
        lines=_count(manifest["lines"]),
        units=_count(manifest["units"]),
        wallet=wallet,
        held=held,
        key=key.vkey,
        log_key=log_key.vkey,
        fingerprint=key.fingerprint,
        trusted=named,
    )


def _key(text: Any) -> NoteVerifier:
    try:
        key = NoteVerifier.from_vkey(_text(text))
    except NoteInvalid as error:
        raise HolderListRefused("holder_list_malformed", error.reason) from error
    _require(key.algorithm is Algorithm.ED25519, "holder_list_malformed", "the key is not of Ed25519")
    return key


def _require_signed(key: NoteVerifier, signature: bytes, message: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise HolderListRefused("holder_list_signature_invalid", "the signature does not fit the manifest") from None


def _require_log(key: NoteVerifier, manifest: dict[str, Any]) -> tuple[str, int]:
    """Return the origin and the size of the checkpoint, whose log begins with the one of the moment."""
    note = _text(manifest["checkpoint"])
    try:
        open_note(note, [key])
        checkpoint = parse_checkpoint(split_note(note)[0])
        _require(checkpoint.origin == key.name, "holder_list_checkpoint_invalid", "the checkpoint is of another log")
        verify_consistency(
            old_size=_count(manifest["size"]),
            old_root=_base64(manifest["root"]),
            new_size=checkpoint.size,
            new_root=checkpoint.root,
            proof=[_base64(step) for step in _list(manifest["consistency_proof"])],
        )
    except NoteInvalid as error:
        raise HolderListRefused("holder_list_checkpoint_invalid", error.reason) from error
    except ProofInvalid as error:
        raise HolderListRefused("holder_list_log_differs", error.reason) from error
    return checkpoint.origin, checkpoint.size


def _require_list(file: BinaryIO, manifest: dict[str, Any]) -> None:
    units, last, leaves = 0, ("", ""), []
    for line in _lines(file):
        wallet, position, held = _line(_object(line, None))
        _require((wallet, position) > last, "holder_list_lines_not_in_order", f"{wallet} is not after the one before")
        last, units = (wallet, position), units + held
        leaves.append(leaf_hash(line[:-1]))
    same = (len(leaves), units) == (manifest["lines"], manifest["units"])
    same = same and root_from_leaf_hashes(leaves) == _base64(manifest["list_root"])
    _require(same, "holder_list_content_differs", f"the file has {len(leaves)} lines with {units} units")


def _holding(file: BinaryIO, manifest: dict[str, Any]) -> tuple[str, dict[str, int]]:
    held: dict[str, int] = {}
    wallets = set()
    for line in _lines(file):
        shown = _object(line, {"index", "line", "proof"})
        wallet, position, units = _line(shown["line"])
        wallets.add(wallet)
        _require(position not in held, "holder_list_lines_not_in_order", "a position stands twice")
        held[position] = units
        try:
            verify_inclusion(
                leaf=leaf_hash(encode_canonical(shown["line"])),
                index=_count(shown["index"]),
                size=_count(manifest["lines"]),
                proof=[_base64(step) for step in _list(shown["proof"])],
                root=_base64(manifest["list_root"]),
            )
        except ProofInvalid as error:
            raise HolderListRefused("holder_list_content_differs", error.reason) from error
    _require(len(wallets) == 1, "holder_list_malformed", "a file of one holding shows one wallet")
    return wallets.pop(), held


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_BYTES_MAX + 1):
        yield line


def _line(value: Any) -> tuple[str, str, int]:
    whole = isinstance(value, dict) and value.keys() == {"wallet", "position", "units"}
    _require(whole, "holder_list_malformed", "a line has a wallet, a position and units")
    units = _count(value["units"])
    _require(units > 0, "holder_list_malformed", "a line without units")
    return _text(value["wallet"]), _text(value["position"]), units


def _object(line: bytes, fields: set[str] | None) -> dict[str, Any]:
    whole = line.endswith(b"\n") and len(line) <= LINE_BYTES_MAX
    _require(whole, "holder_list_malformed", "a line is too long or has no end")
    try:
        value = decode_canonical(line[:-1])
    except JsonInvalid as error:
        raise HolderListRefused("holder_list_malformed", error.reason) from error
    _require(isinstance(value, dict), "holder_list_malformed", "a line is no object")
    _require(fields is None or value.keys() == fields, "holder_list_malformed", "a line has other fields")
    found: dict[str, Any] = value
    return found


def _base64(value: Any) -> bytes:
    try:
        return decode_base64(_text(value), "holder_list_malformed")
    except NoteInvalid as error:
        raise HolderListRefused("holder_list_malformed", error.reason) from error


def _text(value: Any) -> str:
    _require(isinstance(value, str), "holder_list_malformed", "a text was expected")
    return str(value)


def _list(value: Any) -> list[Any]:
    _require(isinstance(value, list), "holder_list_malformed", "a list was expected")
    found: list[Any] = value
    return found


def _count(value: Any) -> int:
    _require(type(value) is int and value >= 0, "holder_list_malformed", "a whole number was expected")
    return int(value)


def _require(condition: bool, code: str, reason: str) -> None:
    if not condition:
        raise HolderListRefused(code, reason)
