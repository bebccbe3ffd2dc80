"""HTTP of the versions of the payoff code. Bound to contracts/openapi/tokenization.yaml.

Translates and calls, decides nothing.
"""

from litestar import get, post

from kapital.contracts import tokenization as contract
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.tokenization.queries.list_payoff_codes import list_payoff_codes, payoff_code_view
from kapital.tokenization.use_cases.approve_payoff_code import DecidePayoffCode, ProposePayoffCode
from kapital.tokenization.use_cases.bound import TokenizationUseCases


@get("/v1/tokenization/payoff-codes")
async def list_payoff_codes_route(
    request: HttpRequest, tokenization: TokenizationUseCases
) -> contract.PayoffCodeList:
    """The versions and their approvals."""
    async with tokenization.parts.database.connect() as conn:
        return await list_payoff_codes(conn, tokenization.parts, actor_of(request))


@post("/v1/tokenization/payoff-codes", status_code=201)
async def propose_payoff_code_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.ProposePayoffCodeBody
) -> contract.PayoffCodeView:
    """Propose."""
    actor, command_id = command_context(request)
    code = await tokenization.propose_payoff_code(
        ProposePayoffCode(
            command_id=command_id,
            actor=actor,
            code_sha256=data.code_sha256,
            reason=data.reason,
            document_sha256=data.document_sha256,
        )
    )
    return payoff_code_view(code)


@post("/v1/tokenization/payoff-codes/decision", status_code=200)
async def decide_payoff_code_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.DecidePayoffCodeBody
) -> contract.PayoffCodeView:
    """Approve or reject."""
    actor, command_id = command_context(request)
    code = await tokenization.decide_payoff_code(
        DecidePayoffCode(
            command_id=command_id,
            actor=actor,
            code_sha256=data.code_sha256,
            proposal_sha256=data.proposal_sha256,
            approve=data.answer is contract.PayoffCodeAnswer.approve,
        )
    )
    return payoff_code_view(code)


HANDLERS = (list_payoff_codes_route, propose_payoff_code_route, decide_payoff_code_route)
