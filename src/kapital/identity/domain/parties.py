"""Particulars of persons and entities in a questionnaire. Personal data: they stay in this service's database."""

from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec


class IdentityDocumentKind(StrEnum):
    """Document of a person (документ, удостоверяющий личность)."""

    PASSPORT_RF = "passport_rf"
    PASSPORT_FOREIGN = "passport_foreign"
    RESIDENCE_PERMIT = "residence_permit"


class IdentityDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A person's document."""

    kind: IdentityDocumentKind
    number: str
    series: str | None = None
    issued_on: date | None = None
    issued_by: str | None = None
    issuer_code: str | None = None
    expires_on: date | None = None


class PersonParticulars(msgspec.Struct, frozen=True, kw_only=True):
    """A natural person."""

    family_name: str
    given_name: str
    patronymic: str | None = None
    birth_date: date | None = None
    birth_place: str | None = None
    citizenship: str | None = None
    document: IdentityDocument | None = None
    right_of_stay: str | None = None
    address: str | None = None
    inn: str | None = None
    snils: str | None = None
    phone: str | None = None
    email: str | None = None


class EntityParticulars(msgspec.Struct, frozen=True, kw_only=True):
    """A legal entity, ours or another country's."""

    full_name: str
    short_name: str | None = None
    country: str | None = None
    inn: str | None = None
    ogrn: str | None = None
    foreign_number: str | None = None
    registered_on: date | None = None
    address: str | None = None
    activity_codes: tuple[str, ...] = ()
    head: PersonParticulars | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A representative or a beneficiary party. Shape: one of `person` and `entity`; `person_id` a pseudonym."""

    person_id: UUID
    person: PersonParticulars | None = None
    entity: EntityParticulars | None = None
    authority: str | None = None
