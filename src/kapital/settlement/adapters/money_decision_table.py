"""Table money_decision, and what its subjects say of themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.money_decision import MoneyDecision, MoneyDecisionKind, MoneyDecisionState
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import IncomingState

_COLUMNS: Final = (
    "decision_id, kind, payment_id, withdrawal_id, wallet_id, bic, account, basis, document_sha256, state, "
    "proposed_by, proposed_at, decided_by, decided_at, reason, new_withdrawal_id, budget"
)
_ADD: Final = text(
    """
    INSERT INTO money_decision (decision_id, kind, payment_id, withdrawal_id, wallet_id, bic, account, basis,
        document_sha256, state, proposed_by, proposed_at, budget)
    VALUES (:decision_id, :kind, :payment_id, :withdrawal_id, :wallet_id, :bic, :account, :basis,
        :document_sha256, :state, :proposed_by, :proposed_at, CAST(:budget AS jsonb))
    ON CONFLICT DO NOTHING RETURNING decision_id
    """
)
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM money_decision WHERE decision_id = :id FOR UPDATE")  # noqa: S608 - constants of this module; values are bound
_DECIDE: Final = text(
    """
    UPDATE money_decision SET state = :state, decided_by = :by, decided_at = :at, new_withdrawal_id = :withdrawal
    WHERE decision_id = :id AND state = 'proposed'
    """
)
_END: Final = text(
    """
    UPDATE money_decision SET state = :state, reason = :reason WHERE decision_id = :id AND state = 'approved'
    RETURNING decision_id
    """
)
_APPROVED: Final = text(
    f"SELECT {_COLUMNS} FROM money_decision WHERE state = 'approved' ORDER BY decision_id LIMIT :limit"  # noqa: S608 - constants of this module; values are bound
)
_PAYMENT: Final = text(
    "SELECT state, bank_id, amount_kopecks FROM incoming_payment WHERE payment_id = :id FOR UPDATE"
)
_PAYMENT_ENDS: Final = text(
    """
    UPDATE incoming_payment SET state = :state, wallet_id = :wallet, changed_at = :now
    WHERE payment_id = :id AND state = 'unidentified'
    """
)
_LIST: Final = text(
    f"""
    SELECT {_COLUMNS} FROM money_decision
    WHERE (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:before AS uuid) IS NULL OR decision_id < :before)
    ORDER BY decision_id DESC LIMIT :limit
    """  # noqa: S608 - constants of this module; values are bound
)


class MoneyDecisionTable:
    """Implements `ports.MoneyDecisions`."""

    async def add(self, conn: AsyncConnection, decision: MoneyDecision) -> bool:
        """Keep a proposal; False when another decision on this money is open or made."""
        account = decision.payout_account
        values = {
            "decision_id": decision.decision_id,
            "kind": decision.kind.value,
            "payment_id": decision.payment_id,
            "withdrawal_id": decision.withdrawal_id,
            "wallet_id": decision.wallet_id,
            "bic": account.bic if account else None,
            "account": account.account if account else None,
            "basis": decision.basis,
            "document_sha256": decision.document_sha256,
            "state": decision.state.value,
            "proposed_by": decision.proposed_by,
            "proposed_at": decision.proposed_at,
            "budget": msgspec.json.encode(decision.budget).decode() if decision.budget else None,
        }
        return (await conn.execute(_ADD, values)).one_or_none() is not None

    async def lock(self, conn: AsyncConnection, decision_id: UUID) -> MoneyDecision | None:
        """One, locked until the commit."""
        row = (await conn.execute(_LOCK, {"id": decision_id})).one_or_none()
        return None if row is None else _decision(row)

    async def decide(self, conn: AsyncConnection, decision: MoneyDecision) -> None:
        """Save what the second person said."""
        values = {
            "id": decision.decision_id,
            "state": decision.state.value,
            "by": decision.decided_by,
            "at": decision.decided_at,
            "withdrawal": decision.new_withdrawal_id,
        }
        await conn.execute(_DECIDE, values)

    async def end(
        self, conn: AsyncConnection, decision_id: UUID, state: MoneyDecisionState, reason: str | None
    ) -> bool:
        """Save how an approved one ended; False when it has ended already."""
        values = {"id": decision_id, "state": state.value, "reason": reason}
        return (await conn.execute(_END, values)).one_or_none() is not None

    async def approved(self, conn: AsyncConnection, limit: int) -> list[MoneyDecision]:
        """Those whose money is still to move, oldest first."""
        return [_decision(row) for row in await conn.execute(_APPROVED, {"limit": limit})]

    async def page(
        self, conn: AsyncConnection, *, state: str | None, before: UUID | None, limit: int
    ) -> Sequence[MoneyDecision]:
        """A page, newest first."""
        rows = await conn.execute(_LIST, {"state": state, "before": before, "limit": limit})
        return [_decision(row) for row in rows]

    async def payment(self, conn: AsyncConnection, payment_id: UUID) -> tuple[IncomingState, str, int] | None:
        """State, the bank's id and kopecks of an incoming payment, locked until the commit."""
        row = (await conn.execute(_PAYMENT, {"id": payment_id})).one_or_none()
        return None if row is None else (IncomingState(row.state), row.bank_id, row.amount_kopecks)

    async def end_payment(
        self, conn: AsyncConnection, payment_id: UUID, state: IncomingState, wallet_id: UUID, now: datetime
    ) -> None:
        """Save where unidentified money went. Its entry stays the one by which it came."""
        values = {"id": payment_id, "state": state.value, "wallet": wallet_id, "now": now}
        await conn.execute(_PAYMENT_ENDS, values)


def _decision(row: Any) -> MoneyDecision:
    def uuid(name: str) -> UUID | None:
        value = getattr(row, name)
        return None if value is None else UUID(str(value))

    return MoneyDecision(
        decision_id=UUID(str(row.decision_id)),
        kind=MoneyDecisionKind(row.kind),
        payment_id=uuid("payment_id"),
        withdrawal_id=uuid("withdrawal_id"),
        wallet_id=uuid("wallet_id"),
        payout_account=PayoutAccount(bic=row.bic, account=row.account) if row.bic else None,
        basis=row.basis,
        document_sha256=row.document_sha256,
        state=MoneyDecisionState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        new_withdrawal_id=uuid("new_withdrawal_id"),
        budget=None if row.budget is None else msgspec.convert(row.budget, BudgetPayment),
    )
