"""DvP instructions and batches in the form of the contract, and the other way round."""

from kapital.contracts import settlement as contract
from kapital.contracts.base import given, unset_if_none
from kapital.settlement.contract_forms import account_of
from kapital.settlement.domain.dvp import (
    PRIORITY_NORMAL,
    DvpBatch,
    DvpInstruction,
    DvpItem,
    LinkAsked,
    LinkKind,
    Rail,
)
from kapital.settlement.domain.escrow import EscrowAccounts


def shown_batch(batch: DvpBatch) -> contract.DvpBatch:
    """The batch as it is answered."""
    return contract.DvpBatch(
        batch_id=batch.batch_id,
        content_sha256=batch.content_sha256,
        state=contract.DvpBatchState(batch.state.value),
        instructions=batch.instructions,
        instructed_by=batch.instructed_by,
        instructed_at=batch.instructed_at,
        decided_by=unset_if_none(batch.decided_by),
        decided_at=unset_if_none(batch.decided_at),
    )


def shown_instruction(one: DvpInstruction) -> contract.DvpInstruction:
    """The instruction as it is answered."""
    return contract.DvpInstruction(
        instruction_id=one.instruction_id,
        batch_id=one.batch_id,
        reference=one.reference,
        asset_id=one.asset_id,
        issue_id=one.issue_id,
        seller_wallet_id=one.seller_wallet_id,
        buyer_wallet_id=one.buyer_wallet_id,
        units=one.units,
        amount_kopecks=one.amount_kopecks,
        rail=contract.DvpRail(one.rail.value),
        state=contract.DvpState(one.state.value),
        is_held=one.is_held,
        priority=one.priority,
        is_partial_allowed=one.is_partial_allowed,
        settled_units=one.settled_units,
        settled_kopecks=one.settled_kopecks,
        intended_on=one.intended_on,
        cut_off_at=one.cut_off_at,
        reason=unset_if_none(one.reason),
        end_code=unset_if_none(one.end_code),
        entry_seq=unset_if_none(one.entry_seq),
        row_version=one.row_version,
        changed_at=one.changed_at,
    )


def asked(item: contract.DvpItem) -> DvpItem:
    """An instruction as the request says it, with what it leaves out."""
    held, partial, priority = given(item.is_held), given(item.is_partial_allowed), given(item.priority)
    return DvpItem(
        reference=item.reference,
        asset_id=item.asset_id,
        issue_id=item.issue_id,
        seller_wallet_id=item.seller_wallet_id,
        buyer_wallet_id=item.buyer_wallet_id,
        units=item.units,
        amount_kopecks=item.amount_kopecks,
        rail=Rail(item.rail.value),
        is_held=bool(held),
        priority=PRIORITY_NORMAL if priority is None else priority,
        is_partial_allowed=bool(partial),
        intended_on=item.intended_on,
        cut_off_at=item.cut_off_at,
        links=tuple(
            LinkAsked(kind=LinkKind(link.kind.value), reference=link.reference) for link in given(item.links) or ()
        ),
        escrow=_accounts(given(item.escrow)),
    )


def _accounts(asked_for: contract.DvpEscrowAccounts | None) -> EscrowAccounts | None:
    if asked_for is None:
        return None
    return EscrowAccounts(
        buyer_account=account_of(asked_for.buyer_account), seller_account=account_of(asked_for.seller_account)
    )
