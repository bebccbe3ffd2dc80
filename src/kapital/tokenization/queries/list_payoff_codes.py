"""Read model: the versions of the payoff code, those of this build and those that were ever proposed."""

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import PayoffCodeList, PayoffCodeState, PayoffCodeView
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.tokenization.domain.evaluator import EVALUATORS
from kapital.tokenization.domain.payoff_code import PayoffCode
from kapital.tokenization.ports import Parts

_ROWS_MAX = 900
_HERE = {evaluator.code_sha256 for evaluator in EVALUATORS}


async def list_payoff_codes(conn: AsyncConnection, parts: Parts, actor: Actor) -> PayoffCodeList:
    """Every approval, newest first, then the versions of this build that nobody proposed. Raises: NotPermitted."""
    access.require(actor, "list_payoff_codes")
    items = [payoff_code_view(code) for code in await parts.payoff_codes.newest(conn, _ROWS_MAX)]
    known = {item.code_sha256 for item in items}
    items += [
        PayoffCodeView(code_sha256=one.code_sha256, evaluator_version=one.version, here=True)
        for one in EVALUATORS
        if one.code_sha256 not in known
    ]
    return PayoffCodeList(items=items)


def payoff_code_view(code: PayoffCode) -> PayoffCodeView:
    """One approval as the contract shows it."""
    return PayoffCodeView(
        code_sha256=code.code_sha256,
        evaluator_version=code.evaluator_version,
        here=code.code_sha256 in _HERE,
        state=PayoffCodeState(code.state.value),
        proposal_sha256=code.proposal_sha256,
        reason=code.reason,
        document_sha256=unset_if_none(code.document_sha256),
        proposed_by=code.proposed_by,
        proposed_at=code.proposed_at,
        decided_by=unset_if_none(code.decided_by),
        decided_at=unset_if_none(code.decided_at),
    )
