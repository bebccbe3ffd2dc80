"""Puts the parts of custody together; the only place that chooses adapters."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from litestar.di import Provide
from pydantic import SecretStr

from kapital.custody.adapters.in_process import InProcessCustody
from kapital.custody.adapters.keys import SqlKeys
from kapital.custody.routes import HANDLERS
from kapital.custody.use_cases.bound import CustodyUseCases
from kapital.kernel.clock import Clock
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes
from kapital.platform.unit_of_work import UnitOfWork

NAME: Final = "custody"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyService:
    """Custody of one process. `custody` is the port for other services, `use_cases` are the commands of persons."""

    custody: InProcessCustody
    use_cases: CustodyUseCases
    routes: ServiceRoutes

    async def start(self) -> None:
        """Open the keys now, so that a wrong passphrase stops the start and not the first signature.

        Raises: PassphraseWrong, KeyFileMissing, KeyFileExposed, KeyFileDamaged, UnlockSourceDiffers.
        """
        await self.custody.provider()

    async def close(self) -> None:
        """Wait for signatures under way."""
        await self.custody.close()


def custody_of(database: Database, clock: Clock, *, data_dir: Path, passphrase: SecretStr | None) -> CustodyService:
    """Custody over its own migrated database; without a passphrase the keys are opened by a file in `data_dir`."""
    uow, keys = UnitOfWork(database, clock), SqlKeys()
    secret = None if passphrase is None else passphrase.get_secret_value()
    custody = InProcessCustody(uow, keys, data_dir, secret)
    use_cases = CustodyUseCases(uow, keys, custody)
    routes = ServiceRoutes(
        name=NAME,
        handlers=HANDLERS,
        dependencies={"custody": Provide(lambda: use_cases, sync_to_thread=False)},
    )
    return CustodyService(custody=custody, use_cases=use_cases, routes=routes)
