"""The use cases of certificates bound to their parts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.ports import CertificateStore, RegisteredPersonStore
from kapital.identity.use_cases import bind_certificates, change_certificate
from kapital.platform.acts.checking import Acts
from kapital.platform.telemetry import use_case
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateUseCases:
    """The use cases of certificates; see there for promises and refusals."""

    uow: UnitOfWork
    certificates: CertificateStore
    persons: RegisteredPersonStore
    acts: Acts
    new_id: Callable[[], UUID]

    async def bind_certificates(self, cmd: bind_certificates.BindCertificates) -> contract.BindCertificatesResponse:
        """See `use_cases.bind_certificates`."""
        async with use_case("identity.bind_certificates"):
            return await bind_certificates.bind_certificates(
                cmd,
                uow=self.uow,
                certificates=self.certificates,
                persons=self.persons,
                acts=self.acts,
                new_id=self.new_id,
            )

    async def change_certificate(self, cmd: change_certificate.ChangeCertificate) -> contract.CertificateBinding:
        """See `use_cases.change_certificate`."""
        async with use_case("identity.change_certificate"):
            return await change_certificate.change_certificate(cmd, uow=self.uow, certificates=self.certificates)

    async def expire_certificates(self, now: datetime) -> int:
        """See `use_cases.change_certificate`. Not counted: it runs every second and mostly finds nothing."""
        return await change_certificate.expire_certificates(now, uow=self.uow, certificates=self.certificates)
