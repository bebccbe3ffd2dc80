"""The БИК directory (Справочник БИК, ED807): which banks there are, and which of them no payment may go to.

Source: the directory as the Bank of Russia publishes it; a payment names a bank of it ([M]).
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Problem
from kapital.settlement.domain.problems import (
    BankMustBeInDirectory,
    BankMustNotBeClosed,
    BankMustNotBeRestricted,
)

DELETED: Final = "PSDL"


class DirectoryAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of a participant, with the restrictions on it. Numbers repeat between participants."""

    account: str
    kind: str
    held_at_bic: str
    status: str = ""
    opened_on: date | None = None
    closed_on: date | None = None
    restrictions: tuple[str, ...] = ()


class DirectoryBank(msgspec.Struct, frozen=True, kw_only=True):
    """A participant (участник). `restrictions` are codes such as URRS, each with the reason to pay nothing there."""

    bic: str
    name: str
    kind: str
    status: str
    opened_on: date | None = None
    closed_on: date | None = None
    restrictions: tuple[str, ...] = ()
    accounts: tuple[DirectoryAccount, ...] = ()


class VersionState(StrEnum):
    """Where a version of the directory stands."""

    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"


class DirectoryVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of the directory as it was loaded."""

    version_id: UUID
    number: int
    business_on: date
    file_sha256: str
    bank_count: int
    account_count: int
    restricted_count: int
    deviation_count: int
    state: VersionState
    loaded_by: str
    loaded_at: datetime


BANK_REFUSALS: Final = {
    problem.code: problem.title for problem in (BankMustBeInDirectory, BankMustNotBeClosed, BankMustNotBeRestricted)
}
"""Codes of `refusal_of_bank`, with what is told beside them."""


def refusal_of_bank(bic: str, bank: DirectoryBank | None, on: date) -> Problem | None:
    """Why nothing is paid to a bank on a day, or None. Any restriction counts: which are harmless nobody guesses."""
    facts = {"bic": bic}
    if bank is None or (bank.opened_on is not None and bank.opened_on > on):
        return BankMustBeInDirectory(facts=facts)
    if bank.status == DELETED or (bank.closed_on is not None and bank.closed_on <= on):
        return BankMustNotBeClosed(facts=facts)
    codes = set(bank.restrictions)
    if codes:
        return BankMustNotBeRestricted(facts={**facts, "restrictions": ", ".join(sorted(codes))})
    return None


def restricted(banks: Iterable[DirectoryBank]) -> int:
    """How many participants have a restriction of their own."""
    return sum(bool(bank.restrictions) for bank in banks)
