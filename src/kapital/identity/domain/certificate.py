"""A certificate of a signature bound to a participant, and the numbers by which the state knows the participant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.problems import MakerAndCheckerMustDiffer, OwnerNumbersMustStay, OwnerNumberUndocumented
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.registered_person import RegisteredPerson, numbers_of
from kapital.identity.domain.states import CERTIFICATE, CertificateState
from kapital.kernel.actor import Actor

_OF_PERSON: Final = {"inn": "inn", "ogrn": "ogrnip", "snils": "snils"}
_OF_ENTITY: Final = {"inn": "inn_legal_entity", "ogrn": "ogrn"}
"""Numbers of the register → what certificates call them."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One binding. `encoded` is the certificate in DER: personal data, which leaves by no route and no event.

    `power_sha256` and `power_signature_sha256` name the power of attorney of an employee in the object store.
    """

    certificate_id: UUID
    participant_id: UUID
    certificate_sha256: str
    encoded: bytes
    power_sha256: str | None
    power_signature_sha256: str | None
    state: CertificateState
    valid_until: datetime
    bound_by: str
    bound_at: datetime
    changed_by: str
    changed_at: datetime

    def moved(self, on: str, *, by: Actor, at: datetime) -> "Certificate":
        """The binding after the step. Raises: WrongState, MakerAndCheckerMustDiffer."""
        step = CERTIFICATE.step(self.state, on)
        if on == "restored" and by.id == self.changed_by:
            raise MakerAndCheckerMustDiffer
        return msgspec.structs.replace(self, state=step.target, changed_by=by.id, changed_at=at)


def documented_numbers(person: RegisteredPerson | None, questionnaire: Questionnaire | None) -> dict[str, str]:
    """A participant's numbers by the names of certificates; where both have one, the register's."""
    found: dict[str, str] = {}
    if questionnaire is not None:
        said = numbers_of(questionnaire)
        found |= _named(said, is_person=questionnaire.entity is None)
    if person is not None:
        known = {"inn": person.inn, "ogrn": person.ogrn, "snils": person.snils}
        found |= _named({name: value for name, value in known.items() if value}, is_person=person.is_person)
    return found


def _named(numbers: Mapping[str, str], *, is_person: bool) -> dict[str, str]:
    names = _OF_PERSON if is_person else _OF_ENTITY
    return {names[name]: value for name, value in numbers.items() if name in names}


def require_documented(documented: Mapping[str, str], said: Mapping[str, str]) -> None:
    """Return if all that is said stands in the register or in the questionnaire. Raises: OwnerNumberUndocumented."""
    for name in sorted(said):
        if documented.get(name) != said[name]:
            raise OwnerNumberUndocumented(facts={"number": name})


def require_same_numbers(kept: Mapping[str, str], seen: Mapping[str, str]) -> None:
    """Numbers once seen do not change silently. Raises: OwnerNumbersMustStay."""
    for name in sorted(kept.keys() & seen.keys()):
        if kept[name] != seen[name]:
            raise OwnerNumbersMustStay(facts={"number": name})
