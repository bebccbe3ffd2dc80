"""The ledger's side of money set aside for payments: the issuer's money moves to its `reserved` position.

The issuer has it there, and cannot withdraw or spend it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from kapital.kernel.ids import derive_uuid7
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    Position,
    Posting,
    SetFreeze,
    money_asset,
)
from kapital.ledger.api import Transaction as LedgerTransaction
from kapital.platform.logging import get_logger
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.instruct_payouts import payer_of
from kapital.tokenization.use_cases.steps import SMART_CONTRACT

OF_THE_ISSUER: Final = frozenset({"balance_insufficient", "wallet_debits_frozen"})
"""Refusals of the ledger that tell of the issuer's money."""
_RESERVE: Final = "payout_reserve"
_RELEASE: Final = "payout_reserve_back"

_log = get_logger(__name__)


class Asked(NamedTuple):
    """Actions by id: whose money is set aside, whose issuer's money is frozen and was not asked for, whose the ledger

    refused for want of money. What it refused for another reason – its books are on hold, say – stands in none.
    """

    funded: set[UUID]
    frozen: set[UUID]
    refused: set[UUID]


async def set_aside(
    actions: Sequence[CorporateAction], issues: Mapping[UUID, Issue], parts: Parts, *, frozen_too: bool = False
) -> Asked:
    """Ask the ledger to set aside `reserved_kopecks` of each, which is given; under the actions' row locks.

    Promise: the entry has an id derived from the action, so asking again sets nothing aside twice.
    Money that a freeze holds is not asked for (115-FZ art. 7); `frozen_too` asks, to learn whether an entry stands.
    """
    payers = {action.action_id: payer_of(issues[action.issue_id]) for action in actions}
    wallets: set[UUID] = set() if frozen_too else await frozen_payers(set(payers.values()), parts)
    # Where nobody is due anything, there is nothing to set aside.
    funded = {action.action_id for action in actions if action.reserved_kopecks == 0}
    frozen = {action.action_id for action in actions if payers[action.action_id] in wallets} - funded
    asked = [a for a in actions if a.reserved_kopecks and a.action_id not in frozen]
    answers = await parts.ledger.post([reserve_entry(a, payers[a.action_id]) for a in asked]) if asked else []
    refused = set()
    for action, answer in zip(asked, answers, strict=True):
        if isinstance(answer, Committed):
            funded.add(action.action_id)
        elif answer.code in OF_THE_ISSUER:
            refused.add(action.action_id)
        else:
            _log.error("tokenization.reserve_refused", code=answer.code, action_id=str(action.action_id))
    return Asked(funded, frozen, refused)


async def frozen_payers(wallets: set[UUID], parts: Parts) -> set[UUID]:
    """Those wallets whose money a freeze holds."""
    freezes = await parts.ledger.freezes(sorted(wallets))
    return {found.freeze.wallet for found in freezes if _holds_money(found.freeze)}


def reserve_entry(action: CorporateAction, payer: UUID) -> LedgerTransaction:
    """The entry that sets the action's money aside."""
    return _record(action, _RESERVE, _available(payer), _reserved(payer), int(action.reserved_kopecks or 0))


def release_entry(action: CorporateAction, payer: UUID, kopecks: int) -> LedgerTransaction:
    """The entry that gives back what is left of it."""
    return _record(action, _RELEASE, _reserved(payer), _available(payer), kopecks)


async def available_money(wallets: Collection[UUID], parts: Parts) -> dict[UUID, int]:
    """Kopecks that each of these wallets has available now."""
    asked = sorted(set(wallets))
    balances = await parts.ledger.balances([_available(wallet) for wallet in asked]) if asked else []
    return dict(zip(asked, balances, strict=True))


def _available(wallet: UUID) -> AccountKey:
    return AccountKey(money_asset(), Position.AVAILABLE, wallet)


def _reserved(wallet: UUID) -> AccountKey:
    return AccountKey(money_asset(), Position.RESERVED, wallet)


def _holds_money(freeze: SetFreeze) -> bool:
    # An allowance is what two persons let the holder have; no payout is made of it.
    of_money = freeze.asset in (None, money_asset()) and freeze.kind in (None, AssetKind.MONEY)
    return freeze.debits_stopped and of_money


def _record(
    action: CorporateAction, purpose: str, source: AccountKey, target: AccountKey, kopecks: int
) -> LedgerTransaction:
    return LedgerTransaction(
        id=derive_uuid7(action.action_id, purpose),
        actor=SMART_CONTRACT.id,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"corporate_action/{action.action_id}"),
        postings=(Posting(source, -kopecks), Posting(target, kopecks)),
    )
