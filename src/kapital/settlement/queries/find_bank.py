"""A bank by its БИК."""

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.settlement.domain.bank_directory import DirectoryBank
from kapital.settlement.domain.problems import BankDirectoryNotLoaded, BankMustBeInDirectory
from kapital.settlement.ports import BankDirectory


async def get_bank(conn: AsyncConnection, directory: BankDirectory, bic: str) -> DirectoryBank:
    """The participant in the version in force. Raises: BankDirectoryNotLoaded, BankMustBeInDirectory."""
    if await directory.in_force(conn) is None:
        raise BankDirectoryNotLoaded
    if (bank := (await directory.banks(conn, [bic])).get(bic)) is None:
        raise BankMustBeInDirectory(facts={"bic": bic})
    return bank
