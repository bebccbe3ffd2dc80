"""Reviews of the escrow rail: one person proposes what the bank's statement shows, another one decides."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.settlement.domain.payout_account import PayoutAccount

STATEMENT_BYTES_MAX: Final = 524_288


class ReviewOutcome(StrEnum):
    """What the statement shows: the event of the DvP table that follows from it."""

    RESERVE_FOUND = "reserve_found"  # the bank holds the money: go on to the record
    RESERVE_ABSENT = "reserve_absent"  # nothing is blocked: undo
    RELEASE_AGAIN = "release_again"  # the seller is not paid: ask for the release again
    RELEASE_FOUND = "release_found"  # the seller is paid


class ReviewState(StrEnum):
    """Where a review stands; both ends are final."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class StatementKind(StrEnum):
    """Where the statement lies: a taken-in message of the bank, or a file kept with the proposal."""

    BANK_MESSAGE = "bank_message"
    FILE = "file"


class DvpReview(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal for one instruction that waits for a person. `row_version`: of the instruction, as it was seen.

    `seller_account`: another account to pay, after the bank has rejected the first.
    """

    review_id: UUID
    instruction_id: UUID
    row_version: int
    outcome: ReviewOutcome
    basis: str
    statement_sha256: str
    statement_kind: StatementKind
    seller_account: PayoutAccount | None
    state: ReviewState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def content_sha256(self) -> str:
        """What the second person decides on: the exact content, the statement's hash in it."""
        account = self.seller_account
        content = {
            "instruction_id": str(self.instruction_id),
            "row_version": self.row_version,
            "outcome": self.outcome.value,
            "basis": self.basis,
            "statement_sha256": self.statement_sha256,
            "seller_account": None if account is None else {"bic": account.bic, "account": account.account},
        }
        return sha256_hex(canonical_bytes({"dvp_review": content}))
