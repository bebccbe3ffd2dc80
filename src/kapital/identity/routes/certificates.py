"""HTTP of certificates bound to participants."""

from typing import Final
from uuid import UUID

from litestar import get, post

from kapital.contracts import identity as contract
from kapital.contracts.base import given
from kapital.identity.queries.bound import IdentityReads
from kapital.identity.use_cases.bind_certificates import BindCertificates, NewCertificate
from kapital.identity.use_cases.certificates import CertificateUseCases
from kapital.identity.use_cases.change_certificate import ChangeCertificate
from kapital.platform.acts.http import base64_bytes
from kapital.platform.acts.owners import ShownPower
from kapital.platform.http import HttpRequest, actor_of, command_context


@post("/v1/identity/certificates", status_code=200)
async def bind_certificates(
    data: contract.BindCertificatesRequest, request: HttpRequest, certificates: CertificateUseCases
) -> contract.BindCertificatesResponse:
    """Bind up to 20 certificates."""
    actor, command_id = command_context(request)
    items = tuple(_certificate(item, f"/certificates/{at}") for at, item in enumerate(data.certificates))
    return await certificates.bind_certificates(BindCertificates(command_id=command_id, actor=actor, items=items))


def _certificate(item: contract.NewCertificate, at: str) -> NewCertificate:
    power = given(item.power_of_attorney)
    return NewCertificate(
        participant_id=item.participant_id,
        certificate=base64_bytes(item.certificate, f"{at}/certificate"),
        owner={number.kind.value: number.value for number in item.owner},
        power=None
        if power is None
        else ShownPower(
            document=base64_bytes(power.document, f"{at}/power_of_attorney/document"),
            signature=base64_bytes(power.signature, f"{at}/power_of_attorney/signature"),
        ),
    )


@post("/v1/identity/certificates/{certificate_id:uuid}/changes", status_code=200)
async def change_certificate(
    certificate_id: UUID,
    data: contract.ChangeCertificateRequest,
    request: HttpRequest,
    certificates: CertificateUseCases,
) -> contract.CertificateBinding:
    """Suspend, restore or revoke."""
    actor, command_id = command_context(request)
    cmd = ChangeCertificate(
        command_id=command_id,
        actor=actor,
        certificate_id=certificate_id,
        change=data.change.value,
        reason=data.reason,
    )
    return await certificates.change_certificate(cmd)


@get("/v1/identity/participants/{participant_id:uuid}/certificates")
async def list_certificates(
    participant_id: UUID, request: HttpRequest, identity_reads: IdentityReads
) -> contract.CertificateBindings:
    """The certificates of a participant."""
    return await identity_reads.list_certificates(participant_id, actor=actor_of(request))


HANDLERS: Final = (
    bind_certificates,
    change_certificate,
    list_certificates,
)
