"""A bank by its БИК, and why nothing may be paid there."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import Problem
from kapital.settlement.domain.bank_directory import DirectoryBank, refusal_of_bank
from kapital.settlement.domain.problems import BankDirectoryNotLoaded, BankMustBeInDirectory
from kapital.settlement.ports import BankDirectory


async def get_bank(conn: AsyncConnection, directory: BankDirectory, bic: str) -> DirectoryBank:
    """The participant in the version in force. Raises: BankDirectoryNotLoaded, BankMustBeInDirectory."""
    if await directory.in_force(conn) is None:
        raise BankDirectoryNotLoaded
    if (bank := (await directory.banks(conn, [bic])).get(bic)) is None:
        raise BankMustBeInDirectory(facts={"bic": bic})
    return bank


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
