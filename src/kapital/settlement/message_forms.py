"""Messages of the bank and what is decided about them, in the form of the contract."""

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.settlement.domain.message_decision import MessageDecision


def shown_message_decision(decision: MessageDecision) -> contract.BankMessageDecision:
    """A decision about a parked message as it is answered."""
    return contract.BankMessageDecision(
        decision_id=decision.decision_id,
        message_id=decision.message_id,
        kind=contract.BankMessageDecisionKind(decision.kind.value),
        raw_sha256=decision.raw_sha256,
        parked_for=contract.BankMessageReason(decision.parked_for.value),
        reason=decision.reason,
        document_sha256=unset_if_none(decision.document_sha256),
        content_sha256=decision.content_sha256,
        state=contract.BankMessageDecisionState(decision.state.value),
        proposed_by=decision.proposed_by,
        proposed_at=decision.proposed_at,
        decided_by=unset_if_none(decision.decided_by),
        decided_at=unset_if_none(decision.decided_at),
    )
