"""HTTP of what a bank that keeps shares was told; translates and calls, decides nothing."""

from typing import Annotated, Final
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from kapital.contracts import settlement as contract
from kapital.platform.http import HttpRequest, actor_of
from kapital.settlement.ports import Parts
from kapital.settlement.queries.access import PAGE_MAX
from kapital.settlement.queries.list_bank_beneficiaries import list_bank_beneficiaries


@get("/v1/settlement/bank-beneficiaries")
async def list_bank_beneficiaries_route(
    request: HttpRequest,
    settlement: Parts,
    scoring: contract.BankScoring | None = None,
    untold: bool = False,
    after: UUID | None = None,
    limit: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 100,
) -> contract.BankBeneficiaryPage:
    """A page of beneficiaries."""
    async with settlement.uow.database.connect() as conn:
        return await list_bank_beneficiaries(
            conn, actor_of(request), scoring=scoring, untold=untold, after=after, limit=limit
        )


SHARE_HANDLERS: Final = (list_bank_beneficiaries_route,)
