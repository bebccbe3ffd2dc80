"""A status (статус): a role or standing of a participant, with its dates, its evidence and on whose word it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.ids import derive_uuid7
from kapital.registry.domain.participant import ENTITIES, ParticipantKind, ParticipantRole, require_roles
from kapital.registry.domain.states import PARTICIPANT_STATUS, StatusState
from kapital.registry.domain.status_problems import (
    InvestorTestIsForPersons,
    ParticipantMustKeepRole,
    QualifiedByLawMustBeEntity,
    StatusAlreadyHeld,
    StatusHashMustMatch,
    StatusNeedsAnotherPerson,
    StatusNeedsEvidence,
    StatusNeedsRecogniser,
    StatusTermOutOfRange,
)

RECOGNISED_BY_OPERATOR: Final = "operator"
"""Who recognised a status that the operator itself has found in an identification."""


class StatusName(StrEnum):
    """What is held: a role, the standing of a qualified investor (квалифицированный инвестор), a passed test."""

    INVESTOR = "investor"
    ISSUER = "issuer"
    NOMINEE = "nominee"
    BROKER = "broker"
    QUALIFIED_BY_LAW = "qualified_by_law"  # 39-FZ art. 51.2 part 2
    QUALIFIED_BY_RECOGNITION = "qualified_by_recognition"  # 39-FZ art. 51.2 part 4, 5
    INVESTOR_TEST_PASSED = "investor_test_passed"  # announced by the Bank of Russia in the place of the limit


ROLES: Final = {StatusName(role.value): role for role in ParticipantRole}
QUALIFIED: Final = frozenset({StatusName.QUALIFIED_BY_LAW, StatusName.QUALIFIED_BY_RECOGNITION})
_SHOWN: Final = QUALIFIED | {StatusName.INVESTOR_TEST_PASSED}
"""Statuses that a document shows."""


class StatusSource(StrEnum):
    """By what a status came into the register."""

    APPLICATION = "application"
    OFFICE = "office"  # proposed by one member of the staff, decided by another
    IDENTIFICATION = "identification"  # found in an identification that two persons approved


class StatusEnd(StrEnum):
    """What ended it."""

    WITHDRAWN = "withdrawn"
    TERM_OVER = "term_over"
    REPLACED = "replaced"  # by the same status with other dates or evidence
    NOT_CONFIRMED = "not_confirmed"  # a later identification does not find it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSaid:
    """What is said of a status. `valid_from` None: from the decision on. `evidence_sha256`: of the document."""

    name: StatusName
    basis_reference: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    recognised_by: str | None = None
    evidence_sha256: str | None = None

    def require_sound(self, of: ParticipantKind, held: "Sequence[Status]", *, now: datetime) -> None:
        """Return if it may be proposed, and decided on, beside the statuses held.

        A role begins with the decision: nobody acted in it before. Another status may have been recognised earlier,
        by another than the operator.
        Raises: StatusTermOutOfRange, StatusNeedsEvidence, StatusNeedsRecogniser, QualifiedByLawMustBeEntity,
        InvestorTestIsForPersons, StatusAlreadyHeld, what `require_roles` raises, ParticipantMustKeepRole – in this
        order of precedence.
        """
        begins = self.valid_from or now
        if begins > now or (self.valid_until is not None and self.valid_until <= now):
            raise StatusTermOutOfRange
        if self.name in _SHOWN:
            if self.evidence_sha256 is None:
                raise StatusNeedsEvidence
            if self.name is StatusName.QUALIFIED_BY_RECOGNITION and self.recognised_by is None:
                raise StatusNeedsRecogniser
            if self.name is StatusName.QUALIFIED_BY_LAW and of not in ENTITIES:
                raise QualifiedByLawMustBeEntity
            if self.name is StatusName.INVESTOR_TEST_PASSED and of in ENTITIES:
                raise InvestorTestIsForPersons
            return
        if self.valid_from is not None:
            raise StatusTermOutOfRange
        others = [one for one in held if one.name is not self.name]
        if len(others) < len(held) and self.valid_until is None:
            raise StatusAlreadyHeld
        require_roles(of, frozenset(ROLES[one.name] for one in others if one.name in ROLES) | {ROLES[self.name]})
        if self.valid_until is not None:
            require_lasting_role(others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One entry. `held_at`: when it came into the register; `valid_from` is not after it. `end` with `ended_at`.

    `asked_from` is what was proposed: None for "from the decision on", as a role always is.
    """

    status_id: UUID
    participant_id: UUID
    name: StatusName
    source: StatusSource
    state: StatusState
    basis_reference: str
    valid_until: datetime | None
    recognised_by: str | None
    evidence_sha256: str | None
    proposed_by: str
    proposed_at: datetime
    asked_from: datetime | None = None
    valid_from: datetime | None = None
    decided_by: str | None = None
    held_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    end: StatusEnd | None = None
    end_reference: str | None = None

    @property
    def said(self) -> StatusSaid:
        """What was said of it."""
        return StatusSaid(
            name=self.name,
            basis_reference=self.basis_reference,
            valid_from=self.asked_from,
            valid_until=self.valid_until,
            recognised_by=self.recognised_by,
            evidence_sha256=self.evidence_sha256,
        )

    @property
    def sha256(self) -> str:
        """Hash (hex) of the RFC 8785 form of what was proposed: what the second person decides on."""
        said = {
            "basis_reference": self.basis_reference,
            "evidence_sha256": self.evidence_sha256,
            "participant_id": str(self.participant_id),
            "proposed_at": _text(self.proposed_at),
            "proposed_by": self.proposed_by,
            "recognised_by": self.recognised_by,
            "status": self.name.value,
            "valid_from": _text(self.asked_from),
            "valid_until": _text(self.valid_until),
        }
        return sha256(canonical_bytes(said)).hexdigest()

    def decided(self, *, accept: bool, officer_id: str, seen_sha256: str, now: datetime) -> "Status":
        """The same after the decision. Raises: WrongState, StatusHashMustMatch, StatusNeedsAnotherPerson."""
        state = PARTICIPANT_STATUS.step(self.state, "accepted" if accept else "refused").target
        if seen_sha256 != self.sha256:
            raise StatusHashMustMatch
        if officer_id == self.proposed_by:
            raise StatusNeedsAnotherPerson
        if not accept:
            return replace(self, state=state, decided_by=officer_id)
        return replace(self, state=state, decided_by=officer_id, held_at=now, valid_from=self.asked_from or now)

    def ended(self, end: StatusEnd, *, by: str, now: datetime, reference: str | None = None) -> "Status":
        """The same with its end; a term that is over ended when it said. Raises: WrongState."""
        at = now
        if self.valid_until is not None and self.valid_until <= now:
            end, at = StatusEnd.TERM_OVER, self.valid_until
        state = PARTICIPANT_STATUS.step(self.state, str(end)).target
        return replace(self, state=state, end=end, ended_at=at, ended_by=by, end_reference=reference)


def require_lasting_role(left: Iterable[Status]) -> None:
    """Return if among the statuses left there is a role without an end: who takes part does so in some role.

    Raises: ParticipantMustKeepRole. Who leaves closes the relation instead.
    """
    if not any(one.name in ROLES and one.valid_until is None for one in left):
        raise ParticipantMustKeepRole


def roles_of(held: Iterable[Status]) -> frozenset[ParticipantRole]:
    """The roles among the statuses held."""
    return frozenset(ROLES[one.name] for one in held if one.name in ROLES)


def applied_for(participant_id: UUID, roles: Iterable[ParticipantRole], *, by: str, now: datetime) -> list[Status]:
    """The roles that an application asks for, held from its registration on."""
    return [
        Status(
            status_id=derive_uuid7(participant_id, f"role-{role}"),
            participant_id=participant_id,
            name=StatusName(role.value),
            source=StatusSource.APPLICATION,
            state=StatusState.HELD,
            basis_reference=f"registry/application/{participant_id}",
            valid_until=None,
            recognised_by=None,
            evidence_sha256=None,
            proposed_by=by,
            proposed_at=now,
            valid_from=now,
            decided_by=by,
            held_at=now,
        )
        for role in sorted(roles)
    ]


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()


def found_by_identification(
    participant_id: UUID,
    held: Sequence[Status],
    *,
    is_qualified: bool,
    decision_id: UUID,
    valid_until: datetime | None,
    now: datetime,
) -> list[Status]:
    """What an approved identification changes: it finds a qualified investor, or does not confirm one found before.

    `decision_id`: the event that told of the approval; `valid_until`: of the identification, and so of what rests on
    it. What the office entered stays: it has evidence and a term of its own.
    """
    found_before = [one for one in held if one.source is StatusSource.IDENTIFICATION]
    if not is_qualified:
        return [one.ended(StatusEnd.NOT_CONFIRMED, by=RECOGNISED_BY_OPERATOR, now=now) for one in found_before]
    if any(one.name in QUALIFIED for one in held if one.source is StatusSource.OFFICE):
        return []
    if valid_until is not None and valid_until <= now:
        return []
    found = Status(
        status_id=derive_uuid7(decision_id, "qualified"),
        participant_id=participant_id,
        name=StatusName.QUALIFIED_BY_RECOGNITION,
        source=StatusSource.IDENTIFICATION,
        state=StatusState.HELD,
        basis_reference=f"identity/decision/{decision_id}",
        valid_until=valid_until,
        recognised_by=RECOGNISED_BY_OPERATOR,
        evidence_sha256=None,
        proposed_by=RECOGNISED_BY_OPERATOR,
        proposed_at=now,
        valid_from=now,
        decided_by=RECOGNISED_BY_OPERATOR,
        held_at=now,
    )
    return [*(one.ended(StatusEnd.REPLACED, by=RECOGNISED_BY_OPERATOR, now=now) for one in found_before), found]


def status_of(row: Any) -> Status:
    """A status from the columns that keep it."""
    return Status(
        # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
        status_id=UUID(str(row.status_id)),
        participant_id=UUID(str(row.participant_id)),
        name=StatusName(row.status),
        source=StatusSource(row.source),
        state=StatusState(row.state),
        basis_reference=row.basis_reference,
        asked_from=row.asked_from,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        recognised_by=row.recognised_by,
        evidence_sha256=row.evidence_sha256,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        held_at=row.held_at,
        ended_by=row.ended_by,
        ended_at=row.ended_at,
        end=None if row.end is None else StatusEnd(row.end),
        end_reference=row.end_reference,
    )
