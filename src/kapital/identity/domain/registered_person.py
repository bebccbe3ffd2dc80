"""Who a participant is by the register (реестр пользователей): what staff type is held against it.

Law: 115-FZ art. 7(1)(1), (6) (who is identified and looked for in the lists is the client itself).
"""

import re
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from kapital.identity.domain.kyc_problems import QuestionnaireOfAnother
from kapital.identity.domain.problems import ScreenedParticularsOfAnother
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.screening import (
    Identifier,
    IdentifierKind,
    Particulars,
    SubjectKind,
    folded,
    identifiers_of,
)

PERSON_KINDS: Final = frozenset({"natural_person", "sole_proprietor"})
"""Kinds of participant, as the registry names them, that are persons and have no owners."""
_PROPRIETOR: Final = re.compile(r"^\s*(ип|индивидуальный предприниматель)\s+", re.IGNORECASE)


class RegisteredPerson(msgspec.Struct, frozen=True, kw_only=True):
    """A participant as registered. Personal data: it stays in this service's database."""

    participant_id: UUID
    kind: str
    name: str
    inn: str
    ogrn: str | None = None
    snils: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether it is a natural person, sole proprietors among them."""
        return self.kind in PERSON_KINDS

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """The numbers that screening compares."""
        return identifiers_of(
            (IdentifierKind.INN, self.inn), (IdentifierKind.OGRN, self.ogrn), (IdentifierKind.SNILS, self.snils)
        )

    def with_said(self, said: Particulars) -> Particulars:
        """What is compared with the lists: the register's name and numbers beside what staff said.

        So nobody is looked for under another name only. Raises: ScreenedParticularsOfAnother.
        """
        if (said.kind is SubjectKind.PERSON) is not self.is_person:
            raise ScreenedParticularsOfAnother(facts={"participant_id": str(self.participant_id), "differs": "kind"})
        own = {one.kind: one.value for one in self.identifiers}
        for one in said.identifiers:
            if own.get(one.kind, one.value) != one.value:
                facts = {"participant_id": str(self.participant_id), "differs": one.kind.value}
                raise ScreenedParticularsOfAnother(facts=facts)
        name = _PROPRIETOR.sub("", self.name) if self.is_person else self.name
        there = {folded(one) for one in said.names}
        return replace(
            said,
            names=said.names if folded(name) in there else (*said.names, name),
            identifiers=tuple(dict.fromkeys((*said.identifiers, *self.identifiers))),
        )

    def require_of(self, questionnaire: Questionnaire) -> None:
        """Return if the questionnaire is about this participant: a number in common, and none that differs.

        Names may change, the numbers stay. Raises: QuestionnaireOfAnother, which repeats no number.
        """
        said = numbers_of(questionnaire)
        own = {"inn": self.inn, "ogrn": self.ogrn, "snils": self.snils}
        for name, number in said.items():
            if own[name] is not None and own[name] != number:
                raise QuestionnaireOfAnother(facts={"number": name})
        if not any(own[name] is not None for name in said):
            raise QuestionnaireOfAnother(facts={"number": "inn"})


def numbers_of(questionnaire: Questionnaire) -> dict[str, str]:
    """The numbers of whom a questionnaire is about. Shape: `inn`, `ogrn` (ОГРНИП of a proprietor), `snils`."""
    said: dict[str, str | None] = {"ogrn": questionnaire.ogrnip}
    if questionnaire.person is not None:
        said |= {"inn": questionnaire.person.inn, "snils": questionnaire.person.snils}
    if questionnaire.entity is not None:
        said |= {"inn": questionnaire.entity.inn, "ogrn": questionnaire.entity.ogrn}
    return {name: number for name, number in said.items() if number is not None}
