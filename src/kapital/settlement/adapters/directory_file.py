"""A file of the БИК directory, read whole in a thread."""

import asyncio
import hashlib
from pathlib import Path

from kapital.settlement.adapters.bank_messages.ed807 import Ed807
from kapital.settlement.domain.bank_message import Deviations
from kapital.settlement.domain.problems import BankMessageUnreadable
from kapital.settlement.ports import DirectoryEdition


class DirectoryFile:
    """Implements `ports.DirectorySource`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> DirectoryEdition:
        """The edition. Raises: BankMessageUnreadable and its kin, OSError."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> DirectoryEdition:
        deviations = Deviations()
        with self._path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            source = Ed807(file, deviations)
            banks = tuple(source.banks())
        if source.business_on is None:
            raise BankMessageUnreadable("no business day is named", {"reason": "no_business_day"})
        return DirectoryEdition(
            sha256=sha256,
            business_on=source.business_on,
            is_full=source.is_full,
            banks=banks,
            deviations=tuple(deviations.kept),
            deviation_count=deviations.count,
            grave_count=deviations.grave_count,
        )
