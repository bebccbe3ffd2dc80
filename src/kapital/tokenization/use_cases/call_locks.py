"""The lock of a call in the ledger: flags on the holders' accounts of the units, as of a redemption window."""

from typing import Final

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, SetFlags
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early_actions import early_of
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import ActionState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.ledger_calls import post_or_refuse
from kapital.tokenization.use_cases.steps import SMART_CONTRACT
from kapital.tokenization.use_cases.unit_locks import lock_units, unit_accounts

_FREE: Final = "call_free"
_LOCK: Final = "call_lock"


async def lock_accounts(issue: Issue, action: CorporateAction, parts: Parts) -> None:
    """Stop debits of every account of the units but those locked for a put or an offer. Raises: LedgerRefused.

    Promise: ids are derived from action and account, so calling again sets nothing twice.
    """
    await lock_units(issue.issue_id, lambda account: _record(action, account, _LOCK), parts)


async def free_accounts(action: CorporateAction, parts: Parts) -> None:
    """Allow debits again where the call takes nothing; of a cancelled call, everywhere. Raises: LedgerRefused."""
    size = early_of(action).locked_size
    accounts = unit_accounts(action.issue_id, await parts.ledger.register(action.issue_id, size=size))
    if action.state is not ActionState.CANCELLED:
        keys = [(action.action_id, part) for part in range(1, action.parts + 1)]
        async with parts.database.connect() as conn:
            found = await parts.actions.lines(conn, keys)
        accounts -= {
            AccountKey(action.issue_id, Position(line.position), line.wallet_id)
            for part in found.values()
            for line in part
        }
    purpose = "call_cancelled" if action.state is ActionState.CANCELLED else _FREE
    await post_or_refuse([_record(action, account, purpose) for account in sorted(accounts)], parts)


def _record(action: CorporateAction, account: AccountKey, purpose: str) -> LedgerTransaction:
    return LedgerTransaction(
        id=derive_uuid7(action.action_id, f"{purpose}/{account.wallet}/{account.position.value}"),
        actor=SMART_CONTRACT.id,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"corporate_action/{action.action_id}"),
        flags=(SetFlags(account=account, credits_stopped=False, debits_stopped=purpose == _LOCK),),
    )
