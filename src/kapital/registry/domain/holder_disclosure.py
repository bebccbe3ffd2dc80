"""Disclosure of holders (раскрытие обладателей): a nominee holder names those for whom it holds, as of an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.problems import Problem
from kapital.registry.domain.holder_problems import (
    DisclosedHolderMustBeSound,
    DisclosedHolderNeedsNumber,
    DisclosureMustAddUp,
    DisclosureTermOutOfRange,
)
from kapital.registry.domain.identifiers import require_valid_identifiers, require_valid_inn
from kapital.registry.domain.names import require_readable_name
from kapital.registry.domain.participant import ENTITIES, ParticipantKind
from kapital.registry.domain.states import HOLDER_DISCLOSURE, HolderDisclosureState

PART_LINES_MAX: Final = 1_000
PARTS_MAX: Final = 100
TERM_MAX: Final = timedelta(days=90)
OPEN_MAX: Final = 100
"""Requests of one nominee that wait at a time."""


class DisclosedHolder(msgspec.Struct, frozen=True, kw_only=True):
    """One for whom the nominee holds. Holds personal data: never logged, never in an event, never in the ledger.

    `other_number`: of a passport, or of a foreign register. `is_nominee`: holds for others again.
    """

    kind: ParticipantKind
    name: str
    units: int
    inn: str | None = None
    ogrn: str | None = None
    snils: str | None = None
    other_number: str | None = None
    is_nominee: bool = False

    def __repr__(self) -> str:
        """Without the personal data, so that no traceback or log can show it."""
        return f"DisclosedHolder(kind={self.kind.value!r})"

    def require_sound(self) -> None:
        """Return if the line names somebody.

        Raises: NameBlank, NameUnreadable, InnInvalid, OgrnInvalid, SnilsInvalid, DisclosedHolderNeedsNumber – in
        this order of precedence.
        """
        require_readable_name(self.name)
        if self.inn is not None:
            require_valid_inn(self.inn, legal_entity=self.kind in ENTITIES)
        require_valid_identifiers(self.kind.value, ogrn=self.ogrn, snils=self.snils)
        if (self.inn, self.ogrn, self.snils, self.other_number) == (None, None, None, None):
            raise DisclosedHolderNeedsNumber


def require_sound_lines(lines: Sequence[DisclosedHolder]) -> None:
    """Return if every line is sound. Raises: DisclosedHolderMustBeSound, of the first that is not."""
    for number, line in enumerate(lines, 1):
        try:
            line.require_sound()
        except Problem as problem:
            raise DisclosedHolderMustBeSound(facts={"line": number, "code": problem.code}) from problem


def part_sha256(lines: Sequence[DisclosedHolder]) -> str:
    """Hash (hex) of the RFC 8785 form of the lines of a part; units as decimal text."""
    said = [msgspec.to_builtins(line) | {"units": str(line.units)} for line in lines]
    return sha256(canonical_bytes(said)).hexdigest()


def whole_sha256(parts: Sequence[str]) -> str:
    """Hash (hex) of the RFC 8785 form of the hashes of all parts, in order."""
    return sha256(canonical_bytes(list(parts))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderDisclosure:
    """A request and what came of it; without names. `units_held`: what the ledger says the nominee held `as_of`."""

    disclosure_id: UUID
    participant_id: UUID
    issue_id: UUID
    as_of: datetime
    due_at: datetime
    units_held: int
    basis_reference: str
    asked_by: str
    asked_at: datetime
    state: HolderDisclosureState = HolderDisclosureState.ASKED
    answered_at: datetime | None = None
    lines: int | None = None
    content_sha256: str | None = None

    def require_term(self) -> None:
        """Return if instant and term can be asked for. Raises: DisclosureTermOutOfRange."""
        if self.as_of > self.asked_at or not self.asked_at < self.due_at <= self.asked_at + TERM_MAX:
            raise DisclosureTermOutOfRange(facts={"days_max": TERM_MAX.days})

    def require_open(self) -> None:
        """Return if lines are taken. Raises: WrongState."""
        HOLDER_DISCLOSURE.step(self.state, "answered")

    def answered(self, *, units: int, lines: int, content_sha256: str, now: datetime) -> "HolderDisclosure":
        """The same with its whole answer. Raises: WrongState, DisclosureMustAddUp."""
        state = HOLDER_DISCLOSURE.step(self.state, "answered").target
        if units != self.units_held:
            raise DisclosureMustAddUp(facts={"disclosed": units, "held": self.units_held})
        return replace(self, state=state, answered_at=now, lines=lines, content_sha256=content_sha256)


def disclosure_of(row: Any) -> HolderDisclosure:
    """A request from the columns that keep it."""
    return HolderDisclosure(
        # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
        disclosure_id=UUID(str(row.disclosure_id)),
        participant_id=UUID(str(row.participant_id)),
        issue_id=UUID(str(row.issue_id)),
        as_of=row.as_of,
        due_at=row.due_at,
        units_held=row.units_held,
        basis_reference=row.basis_reference,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        state=HolderDisclosureState(row.state),
        answered_at=row.answered_at,
        lines=row.lines,
        content_sha256=row.content_sha256,
    )
