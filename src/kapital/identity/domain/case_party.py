"""Parties of a case: whom a questionnaire names, each looked for in the lists as well.

The participant itself is none of them: what the questionnaire says of it is compared beside what is recorded of it.

Law: 115-FZ art. 7(1)(1), (2) (representative, beneficiary party, beneficial owners), art. 7(1)(6), (7) (lists).
"""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.identity.domain.parties import EntityParticulars, Party, PersonParticulars
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.screening import IdentifierKind, Particulars, SubjectKind, identifiers_of
from kapital.kernel.ids import derive_uuid7


class PartyRole(StrEnum):
    """Why somebody is named."""

    OWNER = "owner"  # of any part: whether it suffices is another question
    HEAD = "head"
    REPRESENTATIVE = "representative"
    BENEFICIARY = "beneficiary"


class CaseParty(msgspec.Struct, frozen=True, kw_only=True):
    """One party. Shape: `party_id` is a pseudonym derived from the case; the particulars are personal data.

    Of a representative by the register, who is a party of no case, it is the id that the register gave.
    """

    party_id: UUID
    case_id: UUID | None
    participant_id: UUID
    roles: tuple[PartyRole, ...]
    particulars: Particulars


def parties_of(
    questionnaire: Questionnaire | None,
    *,
    case_id: UUID,
    participant_id: UUID,
) -> tuple[CaseParty, ...]:
    """Whom a questionnaire names. Who is named in the same words in several roles is one party."""
    roles: dict[str, list[PartyRole]] = {}
    known: dict[str, Particulars] = {}
    for role, particulars in _named(questionnaire) if questionnaire is not None else ():
        known[particulars.sha256] = particulars
        there = roles.setdefault(particulars.sha256, [])
        if role not in there:
            there.append(role)
    return tuple(
        CaseParty(
            party_id=derive_uuid7(case_id, f"kyc-party {sha256}"),
            case_id=case_id,
            participant_id=participant_id,
            roles=tuple(roles[sha256]),
            particulars=particulars,
        )
        for sha256, particulars in known.items()
    )


def subject_of(questionnaire: Questionnaire | None) -> Particulars | None:
    """What the questionnaire says of whom it is about."""
    if questionnaire is None:
        return None
    if questionnaire.person is not None:
        return of_person(questionnaire.person)
    return None if questionnaire.entity is None else of_entity(questionnaire.entity)


def _named(questionnaire: Questionnaire) -> Iterator[tuple[PartyRole, Particulars]]:
    for node in questionnaire.owners.nodes if questionnaire.owners is not None else ():
        yield from _of_either(PartyRole.OWNER, node.person, node.entity)
    if questionnaire.entity is not None and questionnaire.entity.head is not None:
        yield PartyRole.HEAD, of_person(questionnaire.entity.head)
    sides: tuple[tuple[PartyRole, Party | None], ...] = (
        (PartyRole.REPRESENTATIVE, questionnaire.representative),
        (PartyRole.BENEFICIARY, questionnaire.beneficiary),
    )
    for role, party in sides:
        if party is not None:
            yield from _of_either(role, party.person, party.entity)


def _of_either(
    role: PartyRole, person: PersonParticulars | None, entity: EntityParticulars | None
) -> Iterator[tuple[PartyRole, Particulars]]:
    if person is not None:
        yield role, of_person(person)
    if entity is not None:
        yield role, of_entity(entity)
        if entity.head is not None:
            yield PartyRole.HEAD, of_person(entity.head)


def of_person(person: PersonParticulars) -> Particulars:
    """What screening compares of a person."""
    paper = person.document
    return Particulars(
        kind=SubjectKind.PERSON,
        names=(" ".join(part for part in (person.family_name, person.given_name, person.patronymic) if part),),
        birth_dates=() if person.birth_date is None else (person.birth_date.isoformat(),),
        identifiers=identifiers_of(
            (IdentifierKind.INN, person.inn),
            (IdentifierKind.SNILS, person.snils),
            (IdentifierKind.PASSPORT, None if paper is None else f"{paper.series or ''}{paper.number}"),
        ),
        countries=_countries(person.citizenship),
    )


def of_entity(entity: EntityParticulars) -> Particulars:
    """What screening compares of a legal entity."""
    return Particulars(
        kind=SubjectKind.ORGANISATION,
        names=tuple(dict.fromkeys(name for name in (entity.full_name, entity.short_name) if name)),
        identifiers=identifiers_of(
            (IdentifierKind.INN, entity.inn),
            (IdentifierKind.OGRN, entity.ogrn),
            (IdentifierKind.OTHER, entity.foreign_number),
        ),
        countries=_countries(entity.country),
    )


def _countries(code: str | None) -> tuple[str, ...]:
    return () if code is None else (code.lower(),)
