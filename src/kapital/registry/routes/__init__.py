"""HTTP of the registry, bound to `contracts/openapi/registry.yaml`: translate, call, translate back."""

from typing import Final

from kapital.registry.routes import (
    access,
    extracts,
    holder_disclosures,
    mandates,
    participants,
    representatives,
    rule_books,
    staff,
    statuses,
)

HANDLERS: Final = (
    *participants.HANDLERS,
    *representatives.HANDLERS,
    *statuses.HANDLERS,
    *holder_disclosures.HANDLERS,
    *mandates.HANDLERS,
    *rule_books.HANDLERS,
    *extracts.HANDLERS,
    *staff.HANDLERS,
    *access.HANDLERS,
)
