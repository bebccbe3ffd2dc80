"""The questionnaire (анкета): what a participant says of itself. Personal data."""

from enum import StrEnum

import msgspec

from kapital.identity.domain.ownership import OwnershipGraph
from kapital.identity.domain.parties import EntityParticulars, Party, PersonParticulars
from kapital.kernel.canonical import canonical_bytes, sha256_hex


class QuestionnaireKind(StrEnum):
    """Which form is filled in."""

    NATURAL_PERSON = "natural_person"
    SOLE_PROPRIETOR = "sole_proprietor"
    LEGAL_ENTITY = "legal_entity"
    FOREIGN_PERSON = "foreign_person"
    FOREIGN_ENTITY = "foreign_entity"

    @property
    def is_entity(self) -> bool:
        """Whether it is about a legal entity, which has owners."""
        return self in (QuestionnaireKind.LEGAL_ENTITY, QuestionnaireKind.FOREIGN_ENTITY)


class RelationPurpose(StrEnum):
    """Why the participant comes (цель установления деловых отношений)."""

    INVESTMENT = "investment"
    ISSUANCE = "issuance"
    NOMINEE_HOLDING = "nominee_holding"
    OTHER = "other"


class SourceOfFunds(StrEnum):
    """Where the money comes from (источник происхождения средств)."""

    SALARY = "salary"
    PENSION = "pension"
    SAVINGS = "savings"
    BUSINESS_INCOME = "business_income"
    DIVIDENDS = "dividends"
    SALE_OF_PROPERTY = "sale_of_property"
    INHERITANCE = "inheritance"
    LOAN = "loan"
    ISSUANCE_PROCEEDS = "issuance_proceeds"
    OTHER = "other"


class TaxResidency(msgspec.Struct, frozen=True, kw_only=True):
    """Where taxes are paid."""

    country: str
    taxpayer_number: str | None = None


class BankAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the participant."""

    bic: str
    account: str


class Questionnaire(msgspec.Struct, frozen=True, kw_only=True):
    """One questionnaire. Shape: which fields are asked for stands in `questionnaire_form`."""

    form_version: str
    kind: QuestionnaireKind
    person: PersonParticulars | None = None
    entity: EntityParticulars | None = None
    ogrnip: str | None = None
    tax_residencies: tuple[TaxResidency, ...] = ()
    purpose: RelationPurpose | None = None
    purpose_note: str | None = None
    sources_of_funds: tuple[SourceOfFunds, ...] = ()
    sources_note: str | None = None
    acts_for_own_account: bool | None = None
    beneficiary: Party | None = None
    representative: Party | None = None
    is_pep: bool | None = None
    is_related_to_pep: bool | None = None
    pep_position: str | None = None
    expected_turnover_kopecks: int | None = None
    account: BankAccount | None = None
    owners: OwnershipGraph | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form: all that leaves this service of it."""
        return sha256_hex(canonical_bytes(self))

    @property
    def declares_pep(self) -> bool:
        """Whether a public official is told of: the participant, one near to it, or an owner."""
        owners = self.owners.nodes if self.owners is not None else ()
        return bool(self.is_pep or self.is_related_to_pep or any(node.is_pep for node in owners))
