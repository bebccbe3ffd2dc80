"""The public face of the ledger: what a caller says, and what it is told.

A transaction is atomic over any number of postings and assets: that is delivery versus payment.
Law: 259-FZ art. 4 (a right passes with the record), art. 2 (the act of issuance is the crediting record).
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol
from uuid import UUID, uuid5

import msgspec

MAX_TRANSACTIONS_PER_CALL = 10_000
MAX_POSTINGS_PER_TRANSACTION = 1_000
MAX_REFERENCE_LENGTH = 200
MAX_RULE_BOOK_LENGTH = 64
MAX_ACTOR_LENGTH = 64
MAX_CODE_LENGTH = 64

_MONEY_NAMESPACE = UUID("6ba7b814-9dad-11d1-80b4-00c04fd430c8")


@cache
def money_asset(currency: str = "RUB") -> UUID:
    """Return the well-known asset id of money in `currency` on the nominal account."""
    return uuid5(_MONEY_NAMESPACE, f"kapital/money/{currency}")


class Position(StrEnum):
    """What a holder may do with a balance. The last three belong to mirror accounts only."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    LOCKED = "locked"
    PLEDGED = "pledged"
    ARRESTED = "arrested"
    FROZEN = "frozen"
    ISSUED = "issued"  # minus what was ever issued
    EXTINGUISHED = "extinguished"  # what was issued and exists no more
    BANK = "bank"  # minus the money that lies at the bank


MIRROR_POSITIONS = frozenset({Position.ISSUED, Position.EXTINGUISHED, Position.BANK})


class BasisKind(StrEnum):
    """Why a record may be entered (основание записи, 259-FZ art. 4)."""

    ORDER = "ORDER"
    ISSUER_INSTRUCTION = "ISSUER_INSTRUCTION"
    HOLDER_INSTRUCTION = "HOLDER_INSTRUCTION"
    SMART_CONTRACT = "SMART_CONTRACT"
    COURT_ACT = "COURT_ACT"
    ENFORCEMENT_DOC = "ENFORCEMENT_DOC"
    INHERITANCE_CERT = "INHERITANCE_CERT"
    STATUTE = "STATUTE"
    CORRECTION = "CORRECTION"


class AssetKind(StrEnum):
    """Units of an issue, or money on the nominal account."""

    UNITS = "units"
    MONEY = "money"


class AccountKey(msgspec.Struct, frozen=True, order=True, gc=False, cache_hash=True):
    """An account: one wallet's position in one asset. A mirror account has `wallet == asset`."""

    asset: UUID
    position: Position
    wallet: UUID


class Posting(msgspec.Struct, frozen=True, gc=False):
    """One change of one account. `amount` is signed: plus credits, minus debits."""

    account: AccountKey
    amount: int


class Basis(msgspec.Struct, frozen=True, omit_defaults=True):
    """The basis of a record: its kind, a reference, the SHA-256 (hex) of a document."""

    kind: BasisKind
    reference: str
    document_sha256: str | None = None


class OpenWallet(msgspec.Struct, frozen=True, tag="wallet", tag_field="open"):
    """Make a wallet known, so that its accounts may be credited."""

    wallet: UUID


class OpenAsset(msgspec.Struct, frozen=True, tag="asset", tag_field="open", omit_defaults=True):
    """Make an asset known. `issue_limit` is the most that may ever be issued, in units; None = no limit."""

    asset: UUID
    kind: AssetKind
    code: str
    scale: int
    issue_limit: int | None = None


class SetFlags(msgspec.Struct, frozen=True):
    """Stop or allow debits and credits of an account. Holds from this entry on, before its own postings."""

    account: AccountKey
    credits_stopped: bool
    debits_stopped: bool


class SetFreeze(msgspec.Struct, frozen=True, omit_defaults=True):
    """Freeze a wallet, change a freeze, or lift it (both stops false).

    It holds from this entry on, before the entry's own postings.
    Shape: `freeze` names it among those of the wallet, which may be one that is not open yet; the scope is one
    `asset`, all of one `kind`, or everything; `debit_allowance` is the money in kopecks that may still leave.
    Law: 115-FZ art. 7(1)(6), 7.5.
    """

    freeze: UUID
    wallet: UUID
    credits_stopped: bool
    debits_stopped: bool
    asset: UUID | None = None
    kind: AssetKind | None = None
    debit_allowance: int = 0


class FreezeInForce(msgspec.Struct, frozen=True):
    """A freeze with what is left of its allowance. `since`: number of the entry that froze the wallet."""

    since: int
    freeze: SetFreeze


class Transaction(msgspec.Struct, frozen=True):
    """What is entered as one record, whole or not at all.

    Shape: `id` is a UUIDv7 chosen by the caller and makes the transaction idempotent; postings of each asset
    sum to zero; neighbours with the same `linked_set` stand or fall together. `income_of` names the asset whose
    terms are performed: what the transaction credits to `available` is income on its units and goes to `frozen`
    where the wallet is frozen, and its units may be extinguished there. `rule_book_version` names the rules under
    which the deal was agreed, 1 to 64 characters; without it the entry names those in force when it is made.
    """

    id: UUID
    actor: str
    basis: Basis
    postings: tuple[Posting, ...] = ()
    opens: tuple[OpenWallet | OpenAsset, ...] = ()
    flags: tuple[SetFlags, ...] = ()
    linked_set: UUID | None = None
    freezes: tuple[SetFreeze, ...] = ()
    income_of: UUID | None = None
    rule_book_version: str | None = None


class Committed(msgspec.Struct, frozen=True, gc=False):
    """The record exists. `seq` is also its leaf's index in the log; `leaf` its RFC 9162 leaf hash."""

    id: UUID
    seq: int
    recorded_at: datetime
    leaf: bytes
    replayed: bool = False


class Refused(msgspec.Struct, frozen=True):
    """The record was not entered. `code` names the rule; a refusal leaves no trace, its id is free."""

    id: UUID
    code: str
    detail: str
    facts: dict[str, str | int] = msgspec.field(default_factory=dict)


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as it is hashed: `body` is the exact RFC 8785 text."""

    seq: int
    body: bytes


class RegisterRow(msgspec.Struct, frozen=True):
    """One line of the holder register (реестр обладателей): a balance that is not zero."""

    wallet: UUID
    position: Position
    balance: int


class RegisterPage(msgspec.Struct, frozen=True):
    """A page of the holder register: whole wallets in ascending order, mirror accounts left out.

    `last_wallet` is where the next page goes on; None when this page is the last one.
    """

    rows: list[RegisterRow]
    last_wallet: UUID | None


class NoteSigner(Protocol):
    """A key that signs checkpoints; `kapital.custody.api.Signer` is one."""

    @property
    def key_name(self) -> str:
        """Name of the key, as it stands in the signature line."""
        ...

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the Ed25519 public key."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return the signature over the text of the note."""
        ...


class Ledger(Protocol):
    """What other services may ask of the ledger.

    Promise: what `post` answers as Committed survives any crash from that moment; a Refused has no effect.
    """

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        """Enter transactions in order and answer each in its place. At most 10,000 a call."""
        ...

    async def balances(self, keys: Sequence[AccountKey]) -> list[int]:
        """Return the present balance of each account; an unknown account has 0."""
        ...

    async def balances_at(self, keys: Sequence[AccountKey], *, size: int) -> list[int]:
        """Return each balance as it stood after the first `size` entries."""
        ...

    async def wallet_balances(self, wallet: UUID) -> list[tuple[AccountKey, int]]:
        """Return all accounts of a wallet with their present balances. Raises WalletNotFound."""
        ...

    async def wallet_accounts(self, wallet: UUID) -> list[AccountKey]:
        """Return the accounts of a wallet that an entry has touched; none of a wallet that is not open."""
        ...

    async def freezes(self, wallets: Sequence[UUID]) -> list[FreezeInForce]:
        """Return the freezes in force of these wallets."""
        ...

    async def has_asset(self, asset: UUID) -> bool:
        """Whether the asset is in the register."""
        ...

    async def size_at(self, at: datetime) -> int:
        """Return how many entries were recorded up to the instant `at`, and close that instant for ever."""
        ...

    async def register(self, asset: UUID, *, size: int | None = None) -> list[RegisterRow]:
        """Return who holds the asset, mirror accounts included, after `size` entries (None: now)."""
        ...

    async def totals(self, asset: UUID) -> dict[Position, int]:
        """Return the present sum of the asset's balances in each position, mirror positions included."""
        ...

    async def register_page(self, asset: UUID, *, size: int, after: UUID | None, limit: int) -> RegisterPage:
        """Return who holds the asset after `size` entries, of the wallets above `after`: the register in pages.

        Shape: looks at `limit` accounts at most, 100 to 10,000; a page may be empty and not the last one.
        """
        ...

    async def entries(self, start: int, stop: int) -> list[StoredEntry]:
        """Return the entries with start <= seq < stop, at most 10,000."""
        ...

    async def statement(self, wallet: UUID, *, size: int | None = None) -> list[int]:
        """Return the numbers of all entries that touch the wallet, in order."""
        ...

    async def size(self) -> int:
        """Return the number of entries."""
        ...

    async def checkpoint(self) -> str:
        """Return a signed note over the present size and root."""
        ...

    async def inclusion_proof(self, seq: int, size: int) -> list[bytes]:
        """Return the RFC 9162 §2.1.3.1 proof that entry `seq` is in the log of `size` entries."""
        ...

    def holder_list(self, asset: UUID, *, size: int, at: datetime, signer: NoteSigner) -> AsyncIterator[bytes]:
        """Yield the signed file of who held the asset after `size` entries, line by line: whole, and provable."""
        ...

    async def holding_evidence(
        self, asset: UUID, wallet: UUID, *, size: int, at: datetime, signer: NoteSigner
    ) -> bytes:
        """Return one holder's own lines of that file, with their proofs. Raises WalletHeldNothing."""
        ...

    async def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the RFC 9162 §2.1.4.1 proof that the log of `new` entries extends the one of `old`."""
        ...
