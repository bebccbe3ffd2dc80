"""The one byte form of an entry: RFC 8785 JSON. The leaf hash is over these bytes, so anyone can recompute it.

Shape: keys in order, absent lists left out, amounts as decimal strings (they pass 2^53), `recorded_at` with
exactly six digits of fraction. A change of meaning is a new `v` beside the old one; old bytes stay readable.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.ledger.api import AccountKey, Basis, OpenAsset, OpenWallet, Posting, SetFlags, Transaction

ENTRY_VERSION: Final = 1


class WirePosting(msgspec.Struct, frozen=True, gc=False):
    """A posting as it is hashed. `account` is kept as raw JSON: the same few accounts repeat all day."""

    account: msgspec.Raw
    amount: str


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A transaction with what the ledger added to it: its number, its instant, the rules that were in force."""

    actor: str
    basis: Basis
    code_version: str
    flags: tuple[SetFlags, ...] = ()
    id: UUID
    linked_set: UUID | None = None
    opens: tuple[OpenWallet | OpenAsset, ...] = ()
    postings: tuple[WirePosting, ...] = ()
    recorded_at: str
    rule_book_version: str
    seq: int
    # Not a default: omit_defaults would leave the version out.
    v: int


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(Entry, strict=True).decode
_decode_account: Final = msgspec.json.Decoder(AccountKey).decode

encode_entry = _encode


def account_json(key: AccountKey) -> msgspec.Raw:
    """Return the JSON text of an account key, as it stands inside an entry."""
    return msgspec.Raw(_encode(key))


def decode_entry(body: bytes) -> Entry:
    """Read an entry. Raises msgspec.ValidationError when the bytes are not an entry of a known version."""
    entry = _decode(body)
    if entry.v != ENTRY_VERSION:
        raise msgspec.ValidationError(f"entry version {entry.v} is not known")
    return entry


def transaction_of(entry: Entry) -> Transaction:
    """Return what the caller had asked for, without what the ledger added."""
    postings = tuple(Posting(_decode_account(p.account), int(p.amount)) for p in entry.postings)
    return Transaction(entry.id, entry.actor, entry.basis, postings, entry.opens, entry.flags, entry.linked_set)


def format_instant(at: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds: one text for one instant."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
