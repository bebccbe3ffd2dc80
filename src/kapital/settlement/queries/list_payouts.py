"""What a wallet was paid by its assets, newest first: gross, tax, net, corrections."""

from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.domain.problems import BeneficiaryNotFound

_OWN: Final = text(
    """
    SELECT EXISTS (SELECT FROM beneficiary WHERE wallet_id = :wallet
        AND (CAST(:participant AS uuid) IS NULL OR participant_id = :participant))
    """
)
_LIST: Final = text(
    """
    SELECT action_id, part, issue_id, kind, paid_on, gross_kopecks, cost_kopecks, tax_kopecks, agent, base_kopecks,
        CAST(rate_parts AS text) AS rate_parts, residency, residency_known, rule_version, entry_seq
    FROM payout
    WHERE wallet_id = :wallet AND state = 'paid' AND (CAST(:before AS bigint) IS NULL OR entry_seq < :before)
    ORDER BY entry_seq DESC LIMIT :limit
    """
)
_CORRECTIONS: Final = text(
    """
    SELECT action_id, part, corrected_on, tax_before_kopecks, tax_after_kopecks,
        CASE WHEN state = 'collected' THEN collected_kopecks ELSE 0 END AS collected_kopecks,
        residency, rule_version, state, entry_seq
    FROM tax_correction
    WHERE wallet_id = :wallet AND (action_id, part) IN
        (SELECT * FROM unnest(CAST(:actions AS uuid[]), CAST(:parts AS integer[])))
    ORDER BY number
    """
)


async def list_payouts(
    conn: AsyncConnection, actor: Actor, wallet_id: UUID, *, before_entry: int | None = None, limit: int = 100
) -> contract.PayoutPage:
    """A page of a wallet's payouts. Raises: NotPermitted, BeneficiaryNotFound (also when it is another's)."""
    whose = access.scope(actor, "list_payouts", "Beneficiary")
    known = await conn.execute(_OWN, {"wallet": wallet_id, "participant": whose.only})
    if not known.scalar_one():
        raise BeneficiaryNotFound
    values = {"wallet": wallet_id, "before": before_entry, "limit": limit}
    rows = (await conn.execute(_LIST, values)).all()
    keys = {"actions": [row.action_id for row in rows], "parts": [row.part for row in rows]}
    corrections: dict[tuple[UUID, int], list[contract.TaxCorrection]] = defaultdict(list)
    for row in await conn.execute(_CORRECTIONS, {"wallet": wallet_id, **keys}):
        corrections[row.action_id, row.part].append(_correction(row))
    return contract.PayoutPage(payouts=[_payout(row, corrections[row.action_id, row.part]) for row in rows])


def _payout(row: Any, corrections: list[contract.TaxCorrection]) -> contract.Payout:
    tax = None
    if row.rule_version is not None:
        tax = contract.PayoutTax(
            agent=contract.TaxAgent(row.agent),
            base_kopecks=row.base_kopecks,
            parts=msgspec.json.decode(row.rate_parts, type=list[contract.TaxRatePart]),
            residency=unset_if_none(None if row.residency is None else contract.Residency(row.residency)),
            residency_known=row.residency_known,
            rule_version=row.rule_version,
        )
    return contract.Payout(
        action_id=UUID(str(row.action_id)),
        issue_id=UUID(str(row.issue_id)),
        kind=row.kind,
        paid_on=row.paid_on,
        gross_kopecks=row.gross_kopecks,
        cost_kopecks=row.cost_kopecks,
        tax_kopecks=row.tax_kopecks,
        net_kopecks=row.gross_kopecks - row.tax_kopecks,
        tax=unset_if_none(tax),
        entry_seq=row.entry_seq,
        corrections=corrections,
    )


def _correction(row: Any) -> contract.TaxCorrection:
    return contract.TaxCorrection(
        corrected_on=row.corrected_on,
        tax_before_kopecks=row.tax_before_kopecks,
        tax_after_kopecks=row.tax_after_kopecks,
        collected_kopecks=row.collected_kopecks,
        residency=contract.Residency(row.residency),
        rule_version=row.rule_version,
        state=row.state,
        entry_seq=unset_if_none(row.entry_seq),
    )
