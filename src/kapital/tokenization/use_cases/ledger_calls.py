"""Many records for the ledger, in calls of as many as it takes."""

from collections.abc import AsyncIterator, Sequence

from kapital.ledger.api import MAX_TRANSACTIONS_PER_CALL, Committed, Refused
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.tokenization.domain.problems import LedgerRefused
from kapital.tokenization.ports import Parts


async def post_or_refuse(records: Sequence[LedgerTransaction], parts: Parts) -> None:
    """Post all of them. Raises: LedgerRefused at the first call with a refusal; later calls are not made."""
    async for answers in post_in_calls(records, parts):
        for answer in answers:
            if not isinstance(answer, Committed):
                raise LedgerRefused(answer.detail, {"ledger_code": answer.code, **answer.facts})


async def post_in_calls(
    records: Sequence[LedgerTransaction], parts: Parts
) -> AsyncIterator[list[Committed | Refused]]:
    """The ledger's answers in the order of the records, call by call: it takes so many at a time."""
    for start in range(0, len(records), MAX_TRANSACTIONS_PER_CALL):
        yield await parts.ledger.post(records[start : start + MAX_TRANSACTIONS_PER_CALL])
