"""Versions of the rules of the information system (правила информационной системы) and their coming into force.

Law: 259-FZ art. 5 and 7 [M] (rules and their changes are agreed with the Bank of Russia).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step
from kapital.registry.domain.problems import (
    PersonalDataConsentRequired,
    RuleBookAgreedByDrafter,
    RuleBookHashMustMatch,
    RuleBookMustBeginLater,
    RuleBookVersionNotInForce,
)


class RuleBookState(StrEnum):
    """Where a version of the rules stands."""

    DRAFT = "draft"
    SENT_TO_CBR = "sent_to_cbr"
    AGREED = "agreed"
    EFFECTIVE = "effective"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


_S = RuleBookState

RULE_BOOK: Final = StateMachine(
    "rule_book",
    (
        Step(_S.DRAFT, "sent", _S.SENT_TO_CBR, Role.LEGAL),
        Step(_S.DRAFT, "withdrawn", _S.WITHDRAWN, Role.LEGAL),
        Step(_S.SENT_TO_CBR, "agreed", _S.AGREED, Role.LEGAL, True, "letter of the Bank of Russia; exact hash"),
        Step(_S.SENT_TO_CBR, "withdrawn", _S.WITHDRAWN, Role.LEGAL),
        Step(_S.AGREED, "withdrawn", _S.WITHDRAWN, Role.LEGAL),
        Step(_S.AGREED, "day_has_come", _S.EFFECTIVE, Role.SCHEDULER, guard="midnight of effective_on in Moscow"),
        Step(_S.EFFECTIVE, "another_in_force", _S.SUPERSEDED, Role.SCHEDULER),
    ),
    terminal=(_S.SUPERSEDED, _S.WITHDRAWN),
    initial=_S.DRAFT,
)
"""The version that a new register begins with is entered EFFECTIVE: it was agreed before there was a register."""

WAS_IN_FORCE: Final = frozenset({_S.EFFECTIVE, _S.SUPERSEDED})


@dataclass(slots=True, kw_only=True)
class RuleBook:
    """One version. `document_sha256` (hex) is None for the one that a register began with, when none was given."""

    version: str
    document_sha256: str | None
    state: RuleBookState
    effective_on: date
    drafted_by: str
    drafted_at: datetime
    effective_at: datetime | None = None

    def require_later_than(self, now: datetime) -> None:
        """Return if the first day is yet to come. Raises: RuleBookMustBeginLater."""
        today = now.astimezone(MOSCOW).date()
        if self.effective_on <= today:
            raise RuleBookMustBeginLater(
                facts={"effective_on": self.effective_on.isoformat(), "today": today.isoformat()}
            )

    def move(self, on: str, *, actor_id: str, seen_sha256: str) -> None:
        """Make the step that a person noted. Raises: WrongState, RuleBookHashMustMatch, RuleBookAgreedByDrafter."""
        step = RULE_BOOK.step(self.state, on)
        if seen_sha256 != self.document_sha256:
            raise RuleBookHashMustMatch
        if step.dual_control and actor_id == self.drafted_by:
            raise RuleBookAgreedByDrafter
        self.state = step.target

    def come_into_force(self, now: datetime) -> None:
        """Be the version in force from `now` on. Raises: WrongState."""
        self.state = RULE_BOOK.step(self.state, "day_has_come").target
        self.effective_at = now

    def be_superseded(self) -> None:
        """Make way for the next one. Raises: WrongState."""
        self.state = RULE_BOOK.step(self.state, "another_in_force").target

    def require_acceptable(self, version: str, document_sha256: str | None, *, consent: bool, first: bool) -> None:
        """Return if what a participant accepts is this version, in force.

        Raises: RuleBookVersionNotInForce, RuleBookHashMustMatch, PersonalDataConsentRequired (the first time).
        """
        if version != self.version:
            raise RuleBookVersionNotInForce(facts={"accepted": version, "in_force": self.version})
        if document_sha256 != self.document_sha256:
            raise RuleBookHashMustMatch
        if first and not consent:
            raise PersonalDataConsentRequired
