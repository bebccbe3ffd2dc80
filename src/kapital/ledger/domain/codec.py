"""The one byte form of an entry: RFC 8785 JSON. The leaf hash is over these bytes, so anyone can recompute it.

Shape: keys in order, absent lists left out, amounts as decimal strings (they pass 2^53), `recorded_at` with
exactly six digits of fraction. A change of meaning is a new `v` beside the old one; old bytes stay readable.
Version 2 is an entry that speaks of freezes or of income; every other one is version 1, as it always was.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.ledger.api import (
    AccountKey,
    Basis,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    SetFlags,
    SetFreeze,
    Transaction,
)

ENTRY_VERSION: Final = 1
ENTRY_VERSION_OF_FREEZES: Final = 2


class WirePosting(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A posting as it is hashed. `account` is kept as raw JSON: the same few accounts repeat all day.

    `instead_of` is the position that income was meant for before the freeze of the wallet sent it to `account`.
    """

    account: msgspec.Raw
    amount: str
    instead_of: Position | None = None


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A transaction with what the ledger added to it: number, instant, the rules in force where it names none."""

    actor: str
    basis: Basis
    code_version: str
    flags: tuple[SetFlags, ...] = ()
    freezes: tuple[SetFreeze, ...] = ()
    id: UUID
    income_of: UUID | None = None
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
    if entry.v not in (ENTRY_VERSION, ENTRY_VERSION_OF_FREEZES):
        raise msgspec.ValidationError(f"entry version {entry.v} is not known")
    if entry.v != version_of(entry):
        raise msgspec.ValidationError(f"entry version {entry.v} has other fields")
    return entry


def version_of(entry: Entry | Transaction) -> int:
    """Return the version of the form that a transaction is written in."""
    return ENTRY_VERSION_OF_FREEZES if entry.freezes or entry.income_of else ENTRY_VERSION


def transaction_of(entry: Entry) -> Transaction:
    """Return what the caller had asked for, without what the ledger added."""
    return Transaction(
        entry.id,
        entry.actor,
        entry.basis,
        tuple(Posting(_account_asked(p), int(p.amount)) for p in entry.postings),
        entry.opens,
        entry.flags,
        entry.linked_set,
        entry.freezes,
        entry.income_of,
    )


def is_of(entry: Entry, tx: Transaction) -> bool:
    """Whether the entry is what the caller asks for. Of an entry nobody sees whether its rules were asked for."""
    rules = tx.rule_book_version
    if rules is not None:
        tx = msgspec.structs.replace(tx, rule_book_version=None)
    return transaction_of(entry) == tx and rules in (None, entry.rule_book_version)


def accounts_entered(entry: Entry) -> list[AccountKey]:
    """Return the account of each posting as it was entered."""
    return [_decode_account(posting.account) for posting in entry.postings]


def _account_asked(posting: WirePosting) -> AccountKey:
    account = _decode_account(posting.account)
    if posting.instead_of is None:
        return account
    return AccountKey(account.asset, posting.instead_of, account.wallet)


def format_instant(at: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds: one text for one instant."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """Read what `format_instant` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
