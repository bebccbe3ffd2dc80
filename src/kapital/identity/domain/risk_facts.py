"""What the rules of risk look at, drawn from a case. No personal data: countries, flags, sizes."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import msgspec

from kapital.identity.domain.ownership import ControlGround, OwnersFound
from kapital.identity.domain.questionnaire import Questionnaire, SourceOfFunds

ENTITY_AGE_DAYS_MAX: Final = 3_650
"""Ages are told up to this: older is all the same to every rule."""
UNKNOWN_COUNTRY: Final = "ZZ"
"""ISO 3166-1: a code that the user may give a meaning; here, abroad, nobody said where."""


class RiskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rules look at. Kept with the assessment, so that it can be computed again."""

    method: str
    has_questionnaire: bool
    is_entity: bool
    countries: tuple[str, ...] = ()
    is_pep: bool = False
    has_representative: bool = False
    acts_for_another: bool = False
    has_other_source: bool = False
    entity_age_days: int | None = None
    owner_links_max: int = 0
    owners_by_executive: bool = False
    turnover_kopecks: int | None = None


def facts_of(
    questionnaire: Questionnaire | None,
    found: OwnersFound | None,
    *,
    method: str,
    is_entity: bool,
    is_pep: bool,
    foreign_document: bool,
    on: date,
) -> RiskFacts:
    """The facts of a case. Without a questionnaire only what staff recorded is known."""
    if questionnaire is None:
        countries = (UNKNOWN_COUNTRY,) if foreign_document else ()
        return RiskFacts(
            method=method, has_questionnaire=False, is_entity=is_entity, countries=countries, is_pep=is_pep
        )
    entity = questionnaire.entity
    age = None if entity is None or entity.registered_on is None else (on - entity.registered_on).days
    owners = found.owners if found is not None else ()
    return RiskFacts(
        method=method,
        has_questionnaire=True,
        is_entity=is_entity,
        countries=tuple(sorted(set(_countries(questionnaire)))),
        is_pep=is_pep or questionnaire.declares_pep,
        has_representative=questionnaire.representative is not None,
        acts_for_another=questionnaire.acts_for_own_account is False,
        has_other_source=SourceOfFunds.OTHER in questionnaire.sources_of_funds,
        entity_age_days=None if age is None else min(age, ENTITY_AGE_DAYS_MAX),
        owner_links_max=len(questionnaire.owners.edges) if questionnaire.owners is not None else 0,
        owners_by_executive=any(ControlGround.SOLE_EXECUTIVE.value in owner.grounds for owner in owners),
        turnover_kopecks=questionnaire.expected_turnover_kopecks,
    )


def _countries(questionnaire: Questionnaire) -> Iterable[str]:
    people = [questionnaire.person, questionnaire.entity.head if questionnaire.entity else None]
    entities = [questionnaire.entity]
    for party in (questionnaire.beneficiary, questionnaire.representative):
        people.append(party.person if party else None)
        entities.append(party.entity if party else None)
    for node in questionnaire.owners.nodes if questionnaire.owners else ():
        people.append(node.person)
        entities.append(node.entity)
    yield from (person.citizenship for person in people if person and person.citizenship)
    yield from (entity.country for entity in entities if entity and entity.country)
    yield from (residency.country for residency in questionnaire.tax_residencies)
