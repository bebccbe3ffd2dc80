"""Use case: one person proposes what the bank's statement shows of an instruction that waits for a person."""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.ids import new_uuid7
from kapital.platform.row_versions import NO_ROW
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.domain.dvp_problems import DvpInstructionNotFound
from kapital.settlement.domain.dvp_review import (
    STATEMENT_BYTES_MAX,
    DvpReview,
    ReviewOutcome,
    ReviewState,
    StatementKind,
)
from kapital.settlement.domain.escrow import EscrowInstruction, HoldState
from kapital.settlement.domain.escrow_problems import DvpReviewMustBeOne, DvpStatementRequired, EscrowAccountMustStay
from kapital.settlement.domain.incoming_message import MessageState
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import DVP
from kapital.settlement.dvp_review_forms import shown_review
from kapital.settlement.ports import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeDvpReview:
    """`statement_sha256`: a message of the bank that was taken in; `statement_base64`: a file. One of them.

    `basis`: what was asked of the bank and when, 1 to 200 characters. `seller_account` with RELEASE_AGAIN only.
    """

    command_id: CommandId
    actor: Actor
    instruction_id: UUID
    outcome: ReviewOutcome
    basis: str
    statement_sha256: str | None = None
    statement_base64: str | None = None
    seller_account: PayoutAccount | None = None


async def propose_dvp_review(cmd: ProposeDvpReview, parts: Parts) -> contract.DvpReview:
    """Keep the proposal and the statement it rests on; nothing moves before another person approves its hash.

    Law: 259-FZ art. 4 (after the record there is only forward). domain.md 3.5 rule 6.
    Raises: IdempotencyKeyReused, NotPermitted, DvpInstructionNotFound, WrongState, EscrowAccountMustStay,
    PayoutAccountMalformed, PayoutAccountKeyMustMatch, DvpReviewMustBeOne, DvpStatementRequired.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DvpReview)
        one = await parts.escrow.records.lock(tx.conn, cmd.instruction_id)
        asked = Resource("DvpInstruction", cmd.instruction_id, one.row_version if one else NO_ROW)
        tx.access.require(cmd.actor, "propose_dvp_review", asked)
        if one is None:
            raise DvpInstructionNotFound(facts={"instruction_id": str(cmd.instruction_id)})
        DVP.step(one.state, cmd.outcome.value)
        _require_account_may_change(cmd, one)
        if (waiting := await parts.escrow.reviews.open_for(tx.conn, one.instruction_id)) is not None:
            raise DvpReviewMustBeOne(facts={"review_id": str(waiting)})
        sha256, kind = await _statement(cmd, tx, parts)
        review = DvpReview(
            review_id=new_uuid7(),
            instruction_id=one.instruction_id,
            row_version=one.row_version,
            outcome=cmd.outcome,
            basis=cmd.basis,
            statement_sha256=sha256,
            statement_kind=kind,
            seller_account=cmd.seller_account,
            state=ReviewState.PROPOSED,
            proposed_by=cmd.actor.id,
            proposed_at=tx.now,
        )
        await parts.escrow.reviews.add(tx.conn, review)
        told = shown_review(review)
        await tx.audit.append(
            "settlement.dvp_review_proposed",
            review.review_id,
            cmd.actor,
            basis={"statement_sha256": sha256, "statement_kind": kind.value},
            after={
                "instruction_id": str(one.instruction_id),
                "outcome": review.outcome.value,
                "content_sha256": review.content_sha256,
            },
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


def _require_account_may_change(cmd: ProposeDvpReview, one: EscrowInstruction) -> None:
    """Another account only when the bank has said for certain that the first one was not paid."""
    if cmd.seller_account is None:
        return
    rejected = one.bank_state is HoldState.RELEASE_REJECTED
    if cmd.outcome is not ReviewOutcome.RELEASE_AGAIN or not rejected:
        raise EscrowAccountMustStay
    cmd.seller_account.require_valid()


async def _statement(cmd: ProposeDvpReview, tx: Transaction, parts: Parts) -> tuple[str, StatementKind]:
    """The statement's hash and where it lies. Raises: DvpStatementRequired."""
    if (cmd.statement_sha256 is None) is (cmd.statement_base64 is None):
        raise DvpStatementRequired(facts={"reason": "one_of_message_and_file"})
    if cmd.statement_sha256 is not None:
        message = await parts.escrow.messages.find(tx.conn, cmd.statement_sha256)
        if message is None or message.state is MessageState.REFUSED:
            raise DvpStatementRequired(facts={"reason": "no_such_message_taken_in"})
        return message.raw_sha256, StatementKind.BANK_MESSAGE
    try:
        content = base64.b64decode(cmd.statement_base64 or "", validate=True)
    except binascii.Error:
        raise DvpStatementRequired(facts={"reason": "not_base64"}) from None
    if not 0 < len(content) <= STATEMENT_BYTES_MAX:
        raise DvpStatementRequired(facts={"reason": "size_out_of_range", "bytes_max": STATEMENT_BYTES_MAX})
    return await parts.escrow.statements.put(content), StatementKind.FILE
