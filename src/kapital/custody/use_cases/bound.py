"""The commands of custody bound to their parts: what routes, demonstrations and tests call."""

from kapital.custody.domain.key import Key
from kapital.custody.domain.states import KeyState
from kapital.custody.ports import KeyRing, Keys
from kapital.custody.use_cases.generate_key import GenerateKey, generate_key
from kapital.custody.use_cases.report_compromise import ReportCompromise, report_compromise
from kapital.custody.use_cases.resume_key import ResumeKey, resume_key
from kapital.custody.use_cases.revoke_key import RevokeKey, revoke_key
from kapital.custody.use_cases.suspend_key import SuspendKey, suspend_key
from kapital.platform.database import Database
from kapital.platform.unit_of_work import UnitOfWork


class CustodyUseCases:
    """Each method is the use case of its name."""

    def __init__(self, uow: UnitOfWork, keys: Keys, ring: KeyRing) -> None:
        self._uow, self._keys, self._ring = uow, keys, ring

    @property
    def database(self) -> Database:
        """Where queries read."""
        return self._uow.database

    async def generate_key(self, command: GenerateKey) -> Key:
        """As `generate_key`; opens the provider first."""
        provider = await self._ring.provider()
        return await generate_key(command, uow=self._uow, keys=self._keys, provider=provider)

    async def suspend_key(self, command: SuspendKey) -> Key:
        """As `suspend_key`."""
        return self._forgotten(await suspend_key(command, uow=self._uow, keys=self._keys))

    async def resume_key(self, command: ResumeKey) -> Key:
        """As `resume_key`."""
        return self._forgotten(await resume_key(command, uow=self._uow, keys=self._keys))

    async def report_compromise(self, command: ReportCompromise) -> Key:
        """As `report_compromise`."""
        return self._forgotten(await report_compromise(command, uow=self._uow, keys=self._keys))

    async def revoke_key(self, command: RevokeKey) -> Key:
        """As `revoke_key`."""
        return self._forgotten(await revoke_key(command, uow=self._uow, keys=self._keys))

    def _forgotten(self, key: Key) -> Key:
        """The database alone stops a key; this only shortens its stay in memory."""
        if key.state is not KeyState.ACTIVE:
            self._ring.forget(key.key_id)
        return key
