"""What two persons decide about a parked message of the bank: it is booked as it stands, or never."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.settlement.domain.bank_files import REPORT_FORMATS
from kapital.settlement.domain.bank_message import Statement
from kapital.settlement.domain.incoming_message import IncomingMessage, MessageReason, reason_to_park


class MessageDecisionKind(StrEnum):
    """What becomes of the message."""

    BOOK = "book"  # its lines are matched and booked as they stand
    SET_ASIDE = "set_aside"  # nothing of it is ever booked


class MessageDecisionState(StrEnum):
    """Where a decision about a parked message stands."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    APPROVED = "approved"  # the message is taken in; its lines are still to be booked
    DONE = "done"


_S = MessageDecisionState

MESSAGE_DECISION: Final = StateMachine(
    "message_decision",
    steps=(
        Step(_S.PROPOSED, "book", _S.APPROVED, Role.RISK, dual_control=True, guard="exactly what was proposed"),
        Step(_S.PROPOSED, "set_aside", _S.DONE, Role.RISK, dual_control=True, guard="exactly what was proposed"),
        Step(_S.PROPOSED, "reject", _S.REJECTED, Role.RISK, dual_control=True),
        Step(_S.APPROVED, "lines_booked", _S.DONE, Role.SCHEDULER),
    ),
    terminal={_S.REJECTED, _S.DONE},
    initial=_S.PROPOSED,
)


class MessageDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision. `raw_sha256`: the bytes it is about; `parked_for`: why the message was parked when it was proposed;
    `reason`: 1 to 500 characters without personal data; `document_sha256`: the paper that says so."""

    decision_id: UUID
    message_id: UUID
    kind: MessageDecisionKind
    raw_sha256: str
    parked_for: MessageReason
    reason: str
    document_sha256: str | None
    state: MessageDecisionState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def content_sha256(self) -> str:
        """What the second person approves: these bytes, and what becomes of them."""
        content = [str(self.decision_id), str(self.message_id), self.kind.value, self.raw_sha256]
        content += [self.parked_for.value, self.reason, self.document_sha256 or ""]
        return sha256_hex(canonical_bytes({"message_decision": content}))


def why_not_bookable(
    message: IncomingMessage, statements: Iterable[Statement], *, account: str, is_content_booked: bool
) -> MessageReason | None:
    """Why not even two persons may have a message booked as it stands, or None if they may.

    What they may answer for is a statement that does not follow the last one, and a content that was told under
    another id and was not booked. What contradicts itself, is not about `account`, not in roubles or not final is for
    the bank to say anew, and so is what it tells of orders.
    """
    if message.format in REPORT_FORMATS:
        return message.reason
    if is_content_booked:
        return MessageReason.SAME_CONTENT
    grave = sum(one.grave for one in message.deviations)
    reason = reason_to_park(statements, grave=grave, account=account, previous=None)
    return None if reason is MessageReason.GAP else reason
