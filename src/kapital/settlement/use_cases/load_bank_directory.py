"""Use case: load an edition of the БИК directory as the one in force."""

from dataclasses import dataclass

from kapital.kernel.actor import Actor
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.settlement.domain.bank_directory import DirectoryVersion, VersionState, restricted
from kapital.settlement.domain.problems import BankDirectoryMustBeWhole
from kapital.settlement.ports import BankDirectory, DirectoryEdition, DirectorySource


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBankDirectory:
    """Load what a source gives."""

    actor: Actor
    source: DirectorySource


async def load_bank_directory(
    cmd: LoadBankDirectory, *, uow: UnitOfWork, directory: BankDirectory
) -> DirectoryVersion:
    """Put a full edition in force, in one transaction; the same file again is the version it already is.

    Promise: a broken, partial, older or shrunken edition changes nothing.
    Raises: NotPermitted, BankMessageUnreadable and its kin, BankDirectoryMustBeWhole.
    """
    async with uow.begin() as tx:
        tx.access.require(cmd.actor, "load_bank_directory")
    edition = await cmd.source.read()
    async with uow.begin() as tx:
        await directory.lock(tx.conn)
        if (earlier := await directory.find_by_file(tx.conn, edition.sha256)) is not None:
            return earlier
        present = await directory.in_force(tx.conn)
        _require_takeable(edition, present)
        version = DirectoryVersion(
            version_id=new_uuid7(),
            number=1 if present is None else present.number + 1,
            business_on=edition.business_on,
            file_sha256=edition.sha256,
            bank_count=len(edition.banks),
            account_count=sum(len(bank.accounts) for bank in edition.banks),
            restricted_count=restricted(edition.banks),
            deviation_count=edition.deviation_count,
            state=VersionState.IN_FORCE,
            loaded_by=cmd.actor.id,
            loaded_at=tx.now,
        )
        await directory.put_in_force(tx.conn, version, edition.banks, tx.now)
        await tx.audit.append(
            "settlement.bank_directory_loaded",
            version.version_id,
            cmd.actor,
            basis={"file_sha256": version.file_sha256},
            after={"number": version.number, "banks": version.bank_count},
        )
        return version


def _require_takeable(edition: DirectoryEdition, present: DirectoryVersion | None) -> None:
    if not edition.is_full:
        raise BankDirectoryMustBeWhole("the file tells changes only", {"reason": "not_full"})
    if edition.grave_count:
        facts: dict[str, str | int] = {"reason": "deviations", "grave": edition.grave_count}
        raise BankDirectoryMustBeWhole("entries of the file cannot be understood", facts)
    if present is None:
        return
    if edition.business_on < present.business_on:
        facts = {"reason": "older", "in_force": present.business_on.isoformat()}
        raise BankDirectoryMustBeWhole("the edition in force is of a later day", facts)
    if 2 * len(edition.banks) < present.bank_count:
        facts = {"reason": "shrunk", "banks": len(edition.banks), "in_force": present.bank_count}
        raise BankDirectoryMustBeWhole("more than half of the participants are missing", facts)
