"""What can be wrong with the parties that a decision names; the texts stand in `fault_catalogue`."""

from collections.abc import Iterator
from typing import NamedTuple

from kapital.kernel.requisites import inn_is_valid, ogrn_is_valid
from kapital.tokenization.domain.payoff_faults import SITE, Finding
from kapital.tokenization.domain.terms import IssuanceTerms, IssuerKind


class KnownParties(NamedTuple):
    """ИНН of the participant that drafts the decision, and of the installation's operator; None: not known."""

    issuer_inn: str | None = None
    operator_inn: str | None = None


def party_findings(terms: IssuanceTerms, known: KnownParties) -> Iterator[Finding]:
    """Numbers and sites that cannot be, and numbers that are another's than the known ones."""
    issuer, operator = terms.issuer, terms.operator
    is_entity = issuer.kind is IssuerKind.LEGAL_ENTITY
    if not inn_is_valid(issuer.inn, legal_entity=is_entity):
        yield "issuer_inn_invalid", "/issuer/inn", {}
    elif known.issuer_inn is not None and issuer.inn != known.issuer_inn:
        yield "issuer_is_another", "/issuer/inn", {}
    if not ogrn_is_valid(issuer.ogrn, legal_entity=is_entity):
        yield "issuer_ogrn_invalid", "/issuer/ogrn", {}
    if not SITE.fullmatch(issuer.site):
        yield "issuer_site_invalid", "/issuer/site", {}
    if not inn_is_valid(operator.inn, legal_entity=True):
        yield "operator_inn_invalid", "/operator/inn", {}
    elif known.operator_inn is not None and operator.inn != known.operator_inn:
        yield "operator_is_another", "/operator/inn", {}
    if not ogrn_is_valid(operator.ogrn, legal_entity=True):
        yield "operator_ogrn_invalid", "/operator/ogrn", {}
    if not SITE.fullmatch(operator.site):
        yield "operator_site_invalid", "/operator/site", {}
