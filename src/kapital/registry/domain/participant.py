"""The participant (участник): a person or entity in the register, told apart by a pseudonym."""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7
from kapital.registry.domain.identifiers import require_valid_identifiers, require_valid_inn
from kapital.registry.domain.names import require_readable_name
from kapital.registry.domain.problems import (
    BrokerMustBeRussianEntity,
    BrokerMustStandAlone,
    IssuerMustBeEntity,
    IssuerMustBeRussian,
    NomineeMustBeEntity,
    NomineeMustStandAlone,
    PersonalDataConsentRequired,
    RuleBookVersionNotInForce,
)
from kapital.registry.domain.states import WalletProfile


class ParticipantKind(StrEnum):
    """What the participant is in law."""

    NATURAL_PERSON = "natural_person"
    SOLE_PROPRIETOR = "sole_proprietor"  # индивидуальный предприниматель
    LEGAL_ENTITY = "legal_entity"
    FOREIGN_ENTITY = "foreign_entity"  # иностранная организация, known to the Russian tax authority


ENTITIES: Final = frozenset({ParticipantKind.LEGAL_ENTITY, ParticipantKind.FOREIGN_ENTITY})
"""Organisations, as against persons."""


class ParticipantRole(StrEnum):
    """As what the participant acts in the system."""

    INVESTOR = "investor"
    ISSUER = "issuer"
    NOMINEE = "nominee"  # номинальный держатель, also a foreign one (221-ФЗ of 2024)
    BROKER = "broker"  # брокер: orders for other participants by their mandates


class Acceptance(StrEnum):
    """How the rule book is accepted."""

    WITH_APPLICATION = "with_application"  # On paper or by signature, shown to ONBOARDING.
    BY_PARTICIPANT = "by_participant"  # By the participant itself, afterwards; until then nothing is collected.


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What an applicant says. Holds personal data: never logged, never in an event."""

    kind: ParticipantKind
    name: str
    inn: str
    roles: frozenset[ParticipantRole]
    rule_book_version: str
    acceptance: Acceptance = Acceptance.WITH_APPLICATION
    personal_data_consent: bool = False
    ogrn: str | None = None
    snils: str | None = None

    def __repr__(self) -> str:
        """Without the personal data, so that no traceback or log can show it."""
        return f"Application(kind={self.kind.value!r})"


def examine_application(application: Application, *, rule_book_version: str) -> None:
    """Return if the application may be entered into the register.

    A person who accepts the rule book with the application consents with it to the processing of its data; one who
    accepts afterwards does so then. An organisation's application holds no data of a person.
    Law: 152-FZ art. 9 (consent).
    Raises: RuleBookVersionNotInForce, PersonalDataConsentRequired, NameBlank, NameUnreadable, InnInvalid,
    OgrnInvalid, SnilsInvalid, IssuerMustBeEntity, NomineeMustBeEntity, NomineeMustStandAlone,
    BrokerMustBeRussianEntity, BrokerMustStandAlone, IssuerMustBeRussian – in this order of precedence.
    """
    if application.rule_book_version != rule_book_version:
        raise RuleBookVersionNotInForce(
            facts={"accepted": application.rule_book_version, "in_force": rule_book_version}
        )
    with_application = application.acceptance is Acceptance.WITH_APPLICATION
    if with_application and application.kind not in ENTITIES and not application.personal_data_consent:
        raise PersonalDataConsentRequired
    require_readable_name(application.name)
    require_valid_inn(application.inn, legal_entity=application.kind in ENTITIES)
    require_valid_identifiers(application.kind.value, ogrn=application.ogrn, snils=application.snils)
    require_roles(application.kind, application.roles)


def require_roles(kind: ParticipantKind, roles: frozenset[ParticipantRole]) -> None:
    """Return if a participant of this kind may hold these roles together.

    Law: 39-FZ art. 3 (a broker is a Russian legal entity with a licence; that it has one a person has seen) [M].
    Raises: IssuerMustBeEntity, NomineeMustBeEntity, NomineeMustStandAlone, BrokerMustBeRussianEntity,
    BrokerMustStandAlone, IssuerMustBeRussian – in this order of precedence.
    """
    if ParticipantRole.ISSUER in roles and kind is ParticipantKind.NATURAL_PERSON:
        raise IssuerMustBeEntity
    if ParticipantRole.NOMINEE in roles:
        if kind not in ENTITIES:
            raise NomineeMustBeEntity
        if len(roles) > 1:
            raise NomineeMustStandAlone
    if ParticipantRole.BROKER in roles:
        if kind is not ParticipantKind.LEGAL_ENTITY:
            raise BrokerMustBeRussianEntity
        if roles - {ParticipantRole.BROKER, ParticipantRole.INVESTOR}:
            raise BrokerMustStandAlone
    if ParticipantRole.ISSUER in roles and kind is ParticipantKind.FOREIGN_ENTITY:
        raise IssuerMustBeRussian


def wallet_opening_id_of(participant_id: UUID) -> UUID:
    """Id of the ledger transaction that opens the wallet: a repeat is answered with the first entry."""
    return derive_uuid7(participant_id, "open-wallet")


def wallet_profile_of(roles: frozenset[ParticipantRole]) -> WalletProfile:
    """ISSUER and NOMINEE have profiles of their own; others CLIENT_MANAGED, for no client key can be bound yet."""
    if ParticipantRole.NOMINEE in roles:
        return WalletProfile.NOMINEE
    return WalletProfile.ISSUER if ParticipantRole.ISSUER in roles else WalletProfile.CLIENT_MANAGED
