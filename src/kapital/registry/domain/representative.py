"""A representative (представитель): a natural person who acts for a participant, by law or by power of attorney."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.roles import Role
from kapital.registry.domain.identifiers import require_valid_identifiers, require_valid_inn
from kapital.registry.domain.names import require_readable_name
from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from kapital.registry.domain.problems import (
    ExecutiveMustBeOfEntity,
    ExecutiveNeedsNoPower,
    RepresentativeAlreadyEnded,
    RepresentativeMustBeIdentified,
    RepresentativePowersUnnamed,
    RepresentativeTermOutOfRange,
)

LIVE_MAX: Final = 12
"""Live representatives of one participant: with their powers they fit into one line of an extract."""


class RepresentativeKind(StrEnum):
    """By what a person acts."""

    SOLE_EXECUTIVE = "sole_executive"  # Civil Code art. 53: by law, with every power.
    POWER_OF_ATTORNEY = "power_of_attorney"  # 63-FZ art. 17.2, Civil Code art. 185: МЧД.


class RepresentativeEnd(StrEnum):
    """What ended it."""

    BY_PARTICIPANT = "by_participant"
    BY_OFFICER = "by_officer"
    TERM_OVER = "term_over"
    PARTICIPANT_LEFT = "participant_left"


class RepresentativeSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a person who is to act. Holds personal data: never logged, never in an event."""

    kind: RepresentativeKind
    name: str
    inn: str
    basis_reference: str
    snils: str | None = None
    powers: frozenset[str] = frozenset()
    valid_until: datetime | None = None

    def __repr__(self) -> str:
        """Without the personal data, so that no traceback or log can show it."""
        return f"RepresentativeSaid(kind={self.kind.value!r})"

    def require_sound(self, of: ParticipantKind, *, shows_power: bool) -> None:
        """Return if the person may be entered, as far as can be said without looking at a power of attorney.

        That a power of attorney is missing is for the caller to refuse. Raises: NameBlank, NameUnreadable,
        InnInvalid, SnilsInvalid, ExecutiveMustBeOfEntity, ExecutiveNeedsNoPower, RepresentativePowersUnnamed – in
        this order of precedence.
        """
        require_readable_name(self.name)
        require_valid_inn(self.inn, legal_entity=False)
        require_valid_identifiers(ParticipantKind.NATURAL_PERSON.value, ogrn=None, snils=self.snils)
        if self.kind is RepresentativeKind.SOLE_EXECUTIVE:
            if of not in ENTITIES:
                raise ExecutiveMustBeOfEntity
            if shows_power or self.powers:
                raise ExecutiveNeedsNoPower
        elif not self.powers:
            raise RepresentativePowersUnnamed

    def until(self, *, now: datetime, power_expires_on: date | None) -> datetime | None:
        """The first instant without powers: what is said, or the end of the power.

        The last day of a power of attorney is its whole day in Moscow. Raises: RepresentativeTermOutOfRange.
        """
        last = None
        if power_expires_on is not None:
            last = datetime.combine(power_expires_on, time(), MOSCOW) + timedelta(days=1)
        until = self.valid_until or last
        if until is not None and (until <= now or (last is not None and until > last)):
            raise RepresentativeTermOutOfRange
        return until


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """What stands in the register without personal data; `end` with `ended_at`, from which there are no powers."""

    representative_id: UUID
    participant_id: UUID
    kind: RepresentativeKind
    powers: frozenset[str]
    valid_from: datetime
    valid_until: datetime | None
    identified_at: datetime | None = None
    ended_at: datetime | None = None
    end: RepresentativeEnd | None = None

    def acts_at(self, now: datetime) -> bool:
        """Whether it may act at an instant that has come."""
        return self.ended_at is None and (self.valid_until is None or now < self.valid_until)

    def require_identified(self) -> None:
        """Return if it was identified and compared with the lists. Raises: RepresentativeMustBeIdentified."""
        if self.identified_at is None:
            raise RepresentativeMustBeIdentified

    def ended(self, end: RepresentativeEnd, *, now: datetime) -> "Representative":
        """The same with its end; a term that is over ended when it said. Raises: RepresentativeAlreadyEnded."""
        if self.ended_at is not None:
            raise RepresentativeAlreadyEnded
        if self.valid_until is not None and self.valid_until <= now:
            return replace(self, ended_at=self.valid_until, end=RepresentativeEnd.TERM_OVER)
        return replace(self, ended_at=now, end=end)

    def roles(self, of_participant: frozenset[Role], needed: Mapping[Role, frozenset[str]]) -> frozenset[Role]:
        """As what it may act.

        A sole executive: as the participant. By power of attorney: REPRESENTATIVE, to which the policies give reading
        and little more, and each role of the participant for whose acts all codes are `needed` and given. A role for
        which no codes are named is not given: no power of attorney is enough for it.
        """
        if self.kind is RepresentativeKind.SOLE_EXECUTIVE:
            return of_participant
        covered = {role for role in of_participant if (codes := needed.get(role)) and codes <= self.powers}
        return frozenset({Role.REPRESENTATIVE, *covered})
