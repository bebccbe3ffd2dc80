"""Synthetic people with taxpayer numbers whose control digits are right, and staff under pseudonyms."""

from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.registry.domain.participant import Application, ParticipantKind, ParticipantRole

RULE_BOOK = "2026-01-01"
RULE_BOOK_SHA256 = "5a" * 32


def staff(number: int, *roles: Role) -> Actor:
    """A member of staff; the same number is the same person."""
    return Actor(id=str(UUID(int=(0xA << 124) + number)), participant_id=None, roles=frozenset(roles))


ADMIN = staff(1, Role.ADMIN)
ONBOARDER = staff(2, Role.ONBOARDING)
AML_OFFICER = staff(3, Role.AML_OFFICER)
COMPLIANCE = staff(4, Role.COMPLIANCE)
AUDITOR = staff(5, Role.AUDITOR)
SETTLEMENT = staff(6, Role.SETTLEMENT)


def as_participant(participant_id: UUID, *roles: Role) -> Actor:
    """A participant acting for itself."""
    return Actor(id=str(participant_id), participant_id=participant_id, roles=frozenset(roles or {Role.INVESTOR}))


def person_inn(number: int) -> str:
    """A valid number of a person. Written out digit by digit, apart from the code under test."""
    body = [int(sign) for sign in f"77{number % 10**8:08d}"]
    first = sum(a * b for a, b in zip(body, [7, 2, 4, 10, 3, 5, 9, 4, 6, 8], strict=True)) % 11 % 10
    second_body = [*body, first]
    second = sum(a * b for a, b in zip(second_body, [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8], strict=True)) % 11 % 10
    return "".join(map(str, [*second_body, second]))


def entity_inn(number: int) -> str:
    """A valid number of an entity."""
    body = [int(sign) for sign in f"77{number % 10**7:07d}"]
    control = sum(a * b for a, b in zip(body, [2, 4, 10, 3, 5, 9, 4, 6, 8], strict=True)) % 11 % 10
    return "".join(map(str, [*body, control]))


def investor(number: int, **changes: object) -> Application:
    """A natural person who wants to invest."""
    said: dict[str, object] = {
        "kind": ParticipantKind.NATURAL_PERSON,
        "name": f"Инвестор {number}",
        "inn": person_inn(number),
        "roles": frozenset({ParticipantRole.INVESTOR}),
        "rule_book_version": RULE_BOOK,
        "personal_data_consent": True,
    }
    return Application(**(said | changes))  # type: ignore[arg-type]


def issuer(number: int, **changes: object) -> Application:
    """An entity that wants to issue."""
    said: dict[str, object] = {
        "kind": ParticipantKind.LEGAL_ENTITY,
        "name": f"ООО «Эмитент {number}»",
        "inn": entity_inn(number),
        "roles": frozenset({ParticipantRole.ISSUER}),
        "rule_book_version": RULE_BOOK,
        "personal_data_consent": True,
    }
    return Application(**(said | changes))  # type: ignore[arg-type]
