"""The evidence package `kapital.evidence.v1`: one JSON file, in its one canonical spelling (RFC 8785).

`decode` accepts exactly the bytes that `encode` writes: a file that says the same in another way is refused,
so that no byte of a package is free. The format page is `contracts/evidence/README.md`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .account_index import BUCKET_RECORDS_MAX, DEPTH, AccountProof, AccountRecord
from .canonical_json import INTEGER_MAX, JsonInvalid, decode_json, encode_canonical
from .signed_note import NoteInvalid, decode_base64, encode_base64

FORMAT: Final = "kapital.evidence.v1"
KIND_ENTRY: Final = "entry"
KIND_STATEMENT: Final = "statement"
PACKAGE_BYTES_MAX: Final = 64 << 20
ENTRIES_MAX: Final = 100_000
KEYS_MAX: Final = 16
DOCUMENTS_MAX: Final = 1_000
TEXT_MAX: Final = 255
PROOF_STEPS_MAX: Final = 64
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# With these there is no package to speak of; every other code refuses a package that was understood.
UNREADABLE_CODES: Final = frozenset(
    {
        "package_empty",
        "package_torn",
        "package_not_utf8",
        "package_malformed",
        "package_too_large",
        "package_too_deep",
        "package_format_unknown",
    }
)


class PackageInvalid(Exception):
    """Bytes that are not an evidence package; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """An entry with its place in the log. Shape: `body` is the exact canonical text that was hashed."""

    body: str
    seq: int
    inclusion_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A document that an entry names as its basis. The name is a label only and is proved by nothing."""

    sha256: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An evidence package (доказательство записи).

    Shape: entries ascend strictly by seq; `keys` are verifier keys, one for every signature line and none
    spare; `earlier_checkpoint` and `consistency_proof` come together; `wallet` and `completeness` belong to
    statements.
    """

    kind: str
    origin: str
    keys: tuple[str, ...]
    checkpoint: str
    entries: tuple[PackageEntry, ...]
    earlier_checkpoint: str | None = None
    consistency_proof: tuple[bytes, ...] | None = None
    wallet: str | None = None
    completeness: AccountProof | None = None
    documents: tuple[Document, ...] = ()


def encode(package: Package) -> bytes:
    """Return the bytes of a package.

    Raises: PackageInvalid for a package that `decode` would refuse.
    """
    members = _members_of(package)
    try:
        data = encode_canonical(members)
    except JsonInvalid as error:
        raise PackageInvalid(_package_code(error), error.reason) from None
    _require(len(data) <= PACKAGE_BYTES_MAX, "package_too_large", f"more than {PACKAGE_BYTES_MAX} bytes")
    _read_package(members)
    return data


def decode(data: bytes) -> Package:
    """Read a package; its signatures and proofs are not checked here.

    Raises: PackageInvalid.
    """
    _require(len(data) <= PACKAGE_BYTES_MAX, "package_too_large", f"more than {PACKAGE_BYTES_MAX} bytes")
    try:
        members = decode_json(data)
        named = isinstance(members, dict) and members.get("format") == FORMAT
        _require(named, "package_format_unknown", f"this is not a package of the format {FORMAT}")
        canonical = encode_canonical(members) == data
    except JsonInvalid as error:
        raise PackageInvalid(_package_code(error), error.reason) from None
    _require(canonical, "package_not_canonical", "the bytes are not the RFC 8785 form of what they say")
    return _read_package(members)


def _members_of(package: Package) -> dict[str, Any]:
    members: dict[str, Any] = {
        "format": FORMAT,
        "kind": package.kind,
        "origin": package.origin,
        "keys": list(package.keys),
        "checkpoint": package.checkpoint,
        "entries": [
            {"body": entry.body, "seq": entry.seq, "inclusion_proof": _encode_all(entry.inclusion_proof)}
            for entry in package.entries
        ],
    }
    if package.earlier_checkpoint is not None:
        members["earlier_checkpoint"] = package.earlier_checkpoint
    if package.consistency_proof is not None:
        members["consistency_proof"] = _encode_all(package.consistency_proof)
    if package.wallet is not None:
        members["wallet"] = package.wallet
    if package.completeness is not None:
        members["completeness"] = {
            "records": [
                {
                    "key_hash": encode_base64(record.key_hash),
                    "count": record.count,
                    "chain": encode_base64(record.chain),
                }
                for record in package.completeness.records
            ],
            "siblings": _encode_all(package.completeness.siblings),
        }
    if package.documents:
        members["documents"] = [{"sha256": item.sha256, "name": item.name} for item in package.documents]
    return members


def _read_package(members: Any) -> Package:
    _require_fields(
        members,
        "the package",
        {"format", "kind", "origin", "keys", "checkpoint", "entries"},
        {"earlier_checkpoint", "consistency_proof", "wallet", "completeness", "documents"},
    )
    # A field that is null would count as there and be checked as if it were not.
    _require(None not in members.values(), "package_fields_wrong", "no field is null")
    kind = members["kind"]
    _require(kind in (KIND_ENTRY, KIND_STATEMENT), "package_kind_unknown", "kind is entry or statement")
    _require(
        ("earlier_checkpoint" in members) == ("consistency_proof" in members),
        "package_fields_wrong",
        "an earlier checkpoint and a consistency proof come together",
    )
    _require(
        ("wallet" in members) == (kind == KIND_STATEMENT)
        and ("completeness" not in members or kind == KIND_STATEMENT),
        "package_fields_wrong",
        "a statement names its wallet; only a statement has a completeness proof",
    )
    entries = tuple(_read_entries(members["entries"]))
    _require(
        bool(entries) or kind == KIND_STATEMENT,
        "package_entries_missing",
        "a package of entries has at least one",
    )
    earlier = members.get("earlier_checkpoint")
    consistency = members.get("consistency_proof")
    wallet = members.get("wallet")
    _require(
        wallet is None or (isinstance(wallet, str) and _UUID.fullmatch(wallet) is not None),
        "package_wallet_malformed",
        "a wallet is a lower-case UUID",
    )
    return Package(
        kind=kind,
        origin=_text(members["origin"], "origin"),
        keys=_read_keys(members["keys"]),
        checkpoint=_text(members["checkpoint"], "checkpoint", PACKAGE_BYTES_MAX),
        entries=entries,
        earlier_checkpoint=None if earlier is None else _text(earlier, "earlier_checkpoint", PACKAGE_BYTES_MAX),
        consistency_proof=None if consistency is None else _read_hashes(consistency, "consistency_proof"),
        wallet=wallet,
        completeness=_read_completeness(members["completeness"]) if "completeness" in members else None,
        documents=_read_documents(members["documents"]) if "documents" in members else (),
    )


def _read_entries(value: Any) -> Iterator[PackageEntry]:
    previous = -1
    for item in _list(value, "entries", ENTRIES_MAX):
        _require_fields(item, "an entry", {"body", "seq", "inclusion_proof"})
        seq = _count(item["seq"], "seq")
        _require(seq > previous, "package_entries_unordered", "the entries do not ascend strictly by seq")
        previous = seq
        body = _text(item["body"], "body", PACKAGE_BYTES_MAX)
        yield PackageEntry(body, seq, _read_hashes(item["inclusion_proof"], "inclusion_proof"))


def _read_keys(value: Any) -> tuple[str, ...]:
    keys = tuple(_text(key, "keys", 4_096) for key in _list(value, "keys", KEYS_MAX))
    _require(keys != () and len(set(keys)) == len(keys), "package_keys_wrong", "1 to 16 keys, each once")
    return keys


def _read_completeness(value: Any) -> AccountProof:
    _require_fields(value, "completeness", {"records", "siblings"})
    siblings = _read_hashes(value["siblings"], "siblings")
    _require(len(siblings) == DEPTH, "package_hash_malformed", f"an index proof has {DEPTH} siblings")
    records = []
    for item in _list(value["records"], "records", BUCKET_RECORDS_MAX):
        _require_fields(item, "an index record", {"key_hash", "count", "chain"})
        hashed, chain = _read_hashes([item["key_hash"], item["chain"]], "records")
        records.append(AccountRecord(hashed, _count(item["count"], "count"), chain))
    return AccountProof(tuple(records), siblings)


def _read_documents(value: Any) -> tuple[Document, ...]:
    documents = []
    for item in _list(value, "documents", DOCUMENTS_MAX):
        _require_fields(item, "a document", {"sha256", "name"})
        digest = _text(item["sha256"], "sha256")
        _require(_SHA256.fullmatch(digest) is not None, "package_hash_malformed", "sha256 is 64 hex digits")
        documents.append(Document(digest, _text(item["name"], "name")))
    # An empty list and no list would be two spellings of one package.
    _require(documents != [], "package_fields_wrong", "a list of documents is not empty")
    return tuple(documents)


def _read_hashes(value: Any, name: str) -> tuple[bytes, ...]:
    hashes = []
    for item in _list(value, name, PROOF_STEPS_MAX):
        try:
            decoded = decode_base64(_text(item, name), "package_hash_malformed")
        except NoteInvalid as error:
            raise PackageInvalid(error.code, f"{name}: {error.reason}") from None
        _require(len(decoded) == 32, "package_hash_malformed", f"{name}: a hash has 32 bytes")
        hashes.append(decoded)
    return tuple(hashes)


def _encode_all(hashes: tuple[bytes, ...]) -> list[str]:
    return [encode_base64(item) for item in hashes]


def _text(value: Any, name: str, most: int = TEXT_MAX) -> str:
    _require(
        isinstance(value, str) and 0 < len(value) <= most,
        "package_fields_wrong",
        f"{name} is a string of 1 to {most} characters",
    )
    text: str = value
    return text


def _list(value: Any, name: str, most: int) -> list[Any]:
    _require(
        isinstance(value, list) and len(value) <= most,
        "package_fields_wrong",
        f"{name} is a list of at most {most}",
    )
    items: list[Any] = value
    return items


def _count(value: Any, name: str) -> int:
    _require(type(value) is int and 0 <= value <= INTEGER_MAX, "package_fields_wrong", f"{name} is a whole number")
    number: int = value
    return number


def _require_fields(
    value: Any, where: str, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> None:
    _require(isinstance(value, dict), "package_fields_wrong", f"{where} is an object")
    missing, unknown = required - value.keys(), value.keys() - required - optional
    _require(not missing, "package_field_missing", f"{where} lacks {sorted(missing)}")
    _require(not unknown, "package_field_unknown", f"{where} has unknown fields {sorted(unknown)[:5]}")


def _package_code(error: JsonInvalid) -> str:
    return error.code.replace("json_", "package_", 1)


def _require(condition: bool, code: str, reason: str) -> None:
    if not condition:
        raise PackageInvalid(code, reason)
