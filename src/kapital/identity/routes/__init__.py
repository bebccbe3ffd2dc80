"""HTTP of identity, bound to `contracts/openapi/identity.yaml`: translate, call, translate back."""

from typing import Final

from kapital.identity.routes import cases, certificates, dossiers, freezes, screening

HANDLERS: Final = (
    *cases.HANDLERS,
    *dossiers.HANDLERS,
    *certificates.HANDLERS,
    *screening.HANDLERS,
    *freezes.HANDLERS,
)
