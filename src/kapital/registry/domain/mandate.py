"""A mandate (поручение брокеру): what a broker may do for another participant, for how much, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.registry.domain.mandate_problems import (
    MandateAlreadyEnded,
    MandateLimitsMustFit,
    MandateMustBeGiven,
    MandateMustBeOfTwo,
    MandateTermOutOfRange,
    MandateTextMustMatch,
)

LIVE_MAX: Final = 20
"""Mandates of one principal that wait or are in force."""
TERM_MAX: Final = timedelta(days=3 * 366)
"""The longest that one is given for: three years, leap or not. Our own bound, no law's."""


class MandatePower(StrEnum):
    """What a broker may do."""

    PLACE_ORDERS = "place_orders"
    WITHDRAW_ORDERS = "withdraw_orders"


class MandateState(StrEnum):
    """Where a mandate stands at an instant."""

    GIVEN = "given"  # By the principal; the broker has not accepted it.
    IN_FORCE = "in_force"
    ENDED = "ended"  # By one of the two, by its term, or with what it rests on.


class MandateEnd(StrEnum):
    """What ended it."""

    BY_PRINCIPAL = "by_principal"
    BY_BROKER = "by_broker"
    TERM_OVER = "term_over"
    PARTICIPANT_LEFT = "participant_left"
    ROLE_LOST = "role_lost"


class MandateSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What a principal says: to whom, what, at most how much an order and a Moscow day, until when."""

    broker_id: UUID
    powers: frozenset[MandatePower]
    order_limit_kopecks: int
    day_limit_kopecks: int
    valid_until: datetime

    def canonical(self) -> Mapping[str, Any]:
        """The same in canonical form, amounts as decimal text. Shape: of what `sound` gave."""
        return {
            "broker_id": str(self.broker_id),
            "powers": sorted(power.value for power in self.powers),
            "order_limit_kopecks": str(self.order_limit_kopecks),
            "day_limit_kopecks": str(self.day_limit_kopecks),
            "valid_until": self.valid_until.isoformat().replace("+00:00", "Z"),
        }

    def sound(self, principal_id: UUID, now: datetime) -> "MandateSaid":
        """The same with its instant in UTC, if it can be given.

        Raises: MandateMustBeOfTwo, MandateLimitsMustFit, MandateTermOutOfRange.
        """
        if self.broker_id == principal_id:
            raise MandateMustBeOfTwo
        if self.order_limit_kopecks > self.day_limit_kopecks:
            facts = {
                "order_limit_kopecks": self.order_limit_kopecks,
                "day_limit_kopecks": self.day_limit_kopecks,
            }
            raise MandateLimitsMustFit(facts=facts)
        if not now < self.valid_until <= now + TERM_MAX:
            raise MandateTermOutOfRange(facts={"days_max": TERM_MAX.days})
        return msgspec.structs.replace(self, valid_until=self.valid_until.astimezone(UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """What stands in the register; `text_sha256` (hex) names the text that was shown. `version` of the row."""

    mandate_id: UUID
    principal_id: UUID
    said: MandateSaid
    text_sha256: str
    given_at: datetime
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    end: MandateEnd | None = None
    version: int = 1

    def state_at(self, now: datetime) -> MandateState:
        """Where it stands at an instant that has come; a term that is over ends it without anybody's doing."""
        if self.ended_at is not None or self.said.valid_until <= now:
            return MandateState.ENDED
        return MandateState.GIVEN if self.accepted_at is None else MandateState.IN_FORCE

    def accepted(self, text_sha256: str, *, now: datetime) -> "Mandate":
        """The same in force. Raises: MandateMustBeGiven, MandateTextMustMatch."""
        if (state := self.state_at(now)) is not MandateState.GIVEN:
            raise MandateMustBeGiven(facts={"state": state.value})
        if text_sha256 != self.text_sha256:
            raise MandateTextMustMatch
        return replace(self, accepted_at=now)

    def ended(self, end: MandateEnd, *, now: datetime) -> "Mandate":
        """The same with its end. Raises: MandateAlreadyEnded, also where its term is over."""
        if self.state_at(now) is MandateState.ENDED:
            raise MandateAlreadyEnded
        return replace(self, ended_at=now, end=end)

    def side_of(self, participant_id: UUID | None) -> MandateEnd:
        """How it ends by the hand of one of the two."""
        return MandateEnd.BY_BROKER if participant_id == self.said.broker_id else MandateEnd.BY_PRINCIPAL


def mandate_of(row: Any) -> Mandate:
    """A mandate from the columns that keep it."""
    return Mandate(
        mandate_id=UUID(str(row.mandate_id)),
        principal_id=UUID(str(row.principal_id)),
        said=MandateSaid(
            broker_id=UUID(str(row.broker_id)),
            powers=frozenset(MandatePower(power) for power in row.powers),
            order_limit_kopecks=row.order_limit_kopecks,
            day_limit_kopecks=row.day_limit_kopecks,
            valid_until=row.valid_until,
        ),
        text_sha256=row.text_sha256,
        given_at=row.given_at,
        accepted_at=row.accepted_at,
        ended_at=row.ended_at,
        end=None if row.end is None else MandateEnd(row.end),
        version=row.row_version,
    )
