"""A representative by the register (представитель): who acts for a participant is identified and looked for in lists.

Law: 115-FZ art. 7(1)(1) (the representative is identified before it is served), art. 7(1)(6), 7(10) (lists).
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.identity.domain.case_party import CaseParty, PartyRole, of_person
from kapital.identity.domain.kyc_problems import QuestionnaireIncomplete, RepresentativeOfAnother
from kapital.identity.domain.parties import PersonParticulars
from kapital.identity.domain.questionnaire_form import person_faults
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.screening import Particulars, SubjectKind
from kapital.kernel.problems import FieldFault

ASKED_FOR: Final = (
    "birth_date",
    "birth_place",
    "citizenship",
    "address",
    "inn",
    "document/number",
    "document/issued_on",
    "document/issued_by",
)
"""Fields that are asked for of whoever acts for another, as of a participant that is a person."""


class AppointedRepresentative(msgspec.Struct, frozen=True, kw_only=True):
    """One that acts for a participant, as the registry told. Personal data. `party_id` is its id by the register."""

    representative_id: UUID
    participant_id: UUID
    name: str
    inn: str
    snils: str | None = None

    @property
    def registered(self) -> RegisteredPerson:
        """Who it is by the register."""
        return RegisteredPerson(
            participant_id=self.representative_id,
            kind="natural_person",
            name=self.name,
            inn=self.inn,
            snils=self.snils,
        )

    def party(self, person: PersonParticulars | None = None) -> CaseParty:
        """What is compared with the lists: the words of the register, and those of its document where it was seen.

        Raises: RepresentativeOfAnother.
        """
        said = Particulars(kind=SubjectKind.PERSON, names=(self.name,))
        if person is not None:
            self._require_same(person)
            said = of_person(person)
        return CaseParty(
            party_id=self.representative_id,
            case_id=None,
            participant_id=self.participant_id,
            roles=(PartyRole.REPRESENTATIVE,),
            particulars=self.registered.with_said(said),
        )

    def _require_same(self, person: PersonParticulars) -> None:
        if person.inn != self.inn:
            raise RepresentativeOfAnother(facts={"number": "inn"})
        if None not in (self.snils, person.snils) and person.snils != self.snils:
            raise RepresentativeOfAnother(facts={"number": "snils"})


class RepresentativeIdentification(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is by its document; of several the last counts. `document_sha256` is of the copy that was seen."""

    representative_id: UUID
    identified_at: datetime
    identified_by: str
    person: PersonParticulars
    document_sha256: str


def require_whole(person: PersonParticulars, *, on: date) -> None:
    """Return if all that is asked for is there and nothing cannot be right. Raises: QuestionnaireIncomplete."""
    faults = [*_missing(person), *person_faults(person, "/person", on)]
    if faults:
        raise QuestionnaireIncomplete(f"{len(faults)} fields are missing or cannot be right", errors=faults)


def _missing(person: PersonParticulars) -> Iterator[FieldFault]:
    content = msgspec.to_builtins(person)
    for path in ASKED_FOR:
        value: Any = content
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        if value in (None, ""):
            yield FieldFault(f"/person/{path}", "is asked for")
