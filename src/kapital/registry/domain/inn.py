"""The taxpayer number (ИНН) of an applicant."""

from kapital.kernel.requisites import ENTITY_INN_DIGITS, PERSON_INN_DIGITS, inn_is_valid
from kapital.registry.domain.problems import InnInvalid


def require_valid_inn(inn: str, *, legal_entity: bool) -> None:
    """Return if `inn` has the length and the control digits that it must have (see `kernel.requisites`).

    Raises: InnInvalid, which does not repeat the number.
    """
    if not inn_is_valid(inn, legal_entity=legal_entity):
        raise InnInvalid(facts={"digits_expected": ENTITY_INN_DIGITS if legal_entity else PERSON_INN_DIGITS})
