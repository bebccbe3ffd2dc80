"""Withdrawals by the SBP, read with their parts in one statement."""

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.settlement.domain.bank_shares import SCORING_FAILED
from kapital.settlement.domain.withdrawal import shown_reason

_SBP_WITHDRAWALS: Final = text(
    """
    SELECT s.sbp_withdrawal_id, s.wallet_id, s.amount_kopecks, s.phone, s.member_id, s.requested_at,
        coalesce(sum(w.amount_kopecks) FILTER (WHERE w.state = 'confirmed'), 0)::bigint AS paid_kopecks,
        json_agg(json_build_object('withdrawal_id', w.withdrawal_id, 'amount_kopecks', w.amount_kopecks,
            'state', w.state, 'reason', coalesce(w.reason, CASE WHEN w.state = 'checked' AND h.scoring = 'failed'
                THEN CAST(:held AS text) END)) ORDER BY w.item) AS parts
    FROM sbp_withdrawal AS s JOIN beneficiary AS b USING (wallet_id)
        JOIN withdrawal AS w USING (sbp_withdrawal_id)
        LEFT JOIN bank_share_holder AS h ON h.wallet_id = s.wallet_id
    WHERE (CAST(:participant AS uuid) IS NULL OR b.participant_id = :participant)
        AND (CAST(:one AS uuid) IS NULL OR s.sbp_withdrawal_id = :one)
        AND (CAST(:before AS uuid) IS NULL OR s.sbp_withdrawal_id < :before)
    GROUP BY s.sbp_withdrawal_id
    ORDER BY s.sbp_withdrawal_id DESC LIMIT :limit
    """
)


class _Part(msgspec.Struct):
    withdrawal_id: UUID
    amount_kopecks: int
    state: contract.WithdrawalState
    reason: str | None


async def shown_sbp_withdrawals(
    conn: AsyncConnection, participant: UUID | None, *, one: UUID | None, before: UUID | None, limit: int
) -> list[contract.SbpWithdrawal]:
    """Withdrawals by the SBP with their parts, newest first: of this participant, or of all."""
    values = {"participant": participant, "one": one, "before": before, "limit": limit, "held": SCORING_FAILED}
    own = participant is not None
    return [
        contract.SbpWithdrawal(
            sbp_withdrawal_id=UUID(str(row.sbp_withdrawal_id)),
            wallet_id=UUID(str(row.wallet_id)),
            amount_kopecks=row.amount_kopecks,
            paid_kopecks=row.paid_kopecks,
            payee=contract.SbpPayee(phone=row.phone, member_id=row.member_id),
            parts=[
                contract.SbpWithdrawalPart(
                    withdrawal_id=part.withdrawal_id,
                    amount_kopecks=part.amount_kopecks,
                    state=part.state,
                    reason=unset_if_none(shown_reason(part.reason, own=own)),
                )
                for part in msgspec.convert(row.parts, list[_Part])
            ],
            requested_at=row.requested_at,
        )
        for row in await conn.execute(_SBP_WITHDRAWALS, values)
    ]
