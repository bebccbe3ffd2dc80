"""A step of the request: withdrawals to banks that nothing may be paid to are turned away."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import moscow_day
from kapital.kernel.problems import Problem
from kapital.platform.unit_of_work import Transaction
from kapital.settlement.domain.bank_directory import refusal_of_bank
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.problems import BankDirectoryNotLoaded
from kapital.settlement.domain.withdrawal import Withdrawal
from kapital.settlement.ports import BankDirectory, Parts
from kapital.settlement.use_cases.withdrawal_steps import make_moves, move_of

_OF_BANKS: Final = (PayoutAccount, BudgetPayment)
"""Payees that name their bank, or the office of the Bank of Russia that the Treasury has."""


async def refuse_banks(parts: Parts, tx: Transaction, planned: Sequence[Withdrawal]) -> None:
    """Turn away what goes to a bank that the directory in force does not know, or restricts. None in force: nothing.

    Kept as a refusal, not decided anew at a repetition: the next edition may say another thing.
    """
    banks = {one.payout_account.bic for one in planned if isinstance(one.payout_account, _OF_BANKS)}
    try:
        refusals = await refusals_of_banks(tx.conn, parts.directory, banks, moscow_day(tx.now))
    except BankDirectoryNotLoaded:
        return
    moves = [
        move_of(one, "bank_refused", reason=refusal.code)
        for one in planned
        if isinstance(one.payout_account, _OF_BANKS) and (refusal := refusals.get(one.payout_account.bic)) is not None
    ]
    await make_moves(parts, tx, moves)


async def refusals_of_banks(
    conn: AsyncConnection, directory: BankDirectory, bics: Iterable[str], on: date
) -> dict[str, Problem]:
    """Of these БИК, those to which nothing is paid on the day, each with its reason; one statement for all.

    Raises: BankDirectoryNotLoaded.
    """
    if await directory.in_force(conn) is None:
        raise BankDirectoryNotLoaded
    wanted = set(bics)
    found = await directory.banks(conn, wanted)
    judged = ((bic, refusal_of_bank(bic, found.get(bic), on)) for bic in sorted(wanted))
    return {bic: refusal for bic, refusal in judged if refusal is not None}
