"""The freeze (замораживание): what of a participant's property is stopped, on what basis, and how it ends by two."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.identity.domain.problems import (
    DecisionNamesAnotherFreeze,
    FreezeOfHitEndsWithItsHit,
    FreezeReleaseMustBeProposed,
    FreezeScopeMustFit,
    MakerAndCheckerMustDiffer,
    ReleaseExceedsMonthLimit,
    ReleaseMustNarrowTheFreeze,
)
from kapital.identity.domain.states import FREEZE, FreezeState
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.parameters import Confidence, DatedParameter

MONTH_LIMIT_KOPECKS: Final = DatedParameter(
    "freeze_release_month_kopecks",
    [
        (
            date(2014, 1, 1),
            None,
            1_000_000,  # 10,000 roubles a month for each member of the family: one member is counted here
            "115-FZ art. 6(2.4), 7.4(4): humanitarian payment out of frozen money; a lawyer has to confirm it",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""How much money may be let go in a calendar month out of all freezes of a participant."""


class FreezeScope(StrEnum):
    """What of the participant's property is frozen."""

    PARTICIPANT = "participant"  # all, in every wallet, also in those that open later
    WALLET = "wallet"
    UNITS = "units"  # one asset
    CASH = "cash"


class FreezeDirection(StrEnum):
    """Which way nothing moves."""

    DEBIT = "debit"
    CREDIT = "credit"
    BOTH = "both"


class ReleaseKind(StrEnum):
    """How much of a freeze ends."""

    WHOLE = "whole"
    PART = "part"
    AMOUNT = "amount"


class FreezeBasis(msgspec.Struct, frozen=True):
    """The document behind an act: its reference, and its SHA-256 (hex) if it is kept."""

    reference: str
    document_sha256: str | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen, and which way."""

    scope: FreezeScope
    wallet_id: UUID | None = None
    asset_id: UUID | None = None
    direction: FreezeDirection

    def require_fit(self) -> None:
        """Raises: FreezeScopeMustFit."""
        wallet, asset = self.wallet_id is not None, self.asset_id is not None
        fits = {
            FreezeScope.PARTICIPANT: not wallet and not asset,
            FreezeScope.WALLET: wallet and not asset,
            FreezeScope.UNITS: asset,
            FreezeScope.CASH: not asset,
        }[self.scope]
        if not fits:
            raise FreezeScopeMustFit(facts={"scope": self.scope.value})

    def is_part_of(self, whole: "Reach") -> bool:
        """Whether it stops less than `whole`, and nothing else."""
        same_scope = (self.scope, self.asset_id) == (whole.scope, whole.asset_id)
        narrower = whole.scope in (FreezeScope.PARTICIPANT, FreezeScope.WALLET) and self.scope in (
            FreezeScope.UNITS,
            FreezeScope.CASH,
        )
        direction = whole.direction in (FreezeDirection.BOTH, self.direction)
        return (same_scope or narrower) and direction and self != whole


class ProposedRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What one officer wants to end. Shape: `remaining` of a part, `amount_kopecks` of an amount."""

    kind: ReleaseKind
    remaining: Reach | None = None
    amount_kopecks: int | None = None
    basis: FreezeBasis
    proposed_by: str
    proposed_at: datetime
    reason: str


@dataclass(slots=True, kw_only=True)
class Freeze:
    """A freeze. Shape: `step` counts what was asked of the register; `allowance_kopecks` is of the last step."""

    freeze_id: UUID
    participant_id: UUID
    reach: Reach
    basis: FreezeBasis
    hit_id: UUID | None
    source: str | None
    list_number: int | None
    state: FreezeState
    reason: str
    made_by: str
    made_at: datetime
    step: int = 0
    allowance_kopecks: int = 0
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    release: ProposedRelease | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of what is frozen, its basis and the release proposed: a decision names it."""
        content: dict[str, Any] = msgspec.to_builtins(
            {
                "participant_id": self.participant_id,
                "reach": self.reach,
                "basis": self.basis,
                "hit_id": self.hit_id,
                "state": self.state.value,
                "step": self.step,
                "release": self.release,
            }
        )
        return sha256_hex(canonical_bytes(content))

    @property
    def is_live(self) -> bool:
        """Whether something is stopped."""
        return self.state in (FreezeState.ACTIVE, FreezeState.PARTIALLY_RELEASED)

    def decide(self, *, impose: bool, freeze_sha256: str, officer_id: str, reason: str, now: datetime) -> None:
        """Impose or reject what another person proposed.

        Raises: WrongState, DecisionNamesAnotherFreeze, MakerAndCheckerMustDiffer – in this order of precedence.
        """
        target = FREEZE.step(self.state, "imposed" if impose else "rejected").target
        self._require_same(freeze_sha256)
        if self.made_by == officer_id:
            raise MakerAndCheckerMustDiffer
        self._decided(target, officer_id, reason, now)

    def propose_release(self, release: ProposedRelease, *, freeze_sha256: str, released_kopecks: int) -> None:
        """Note what an officer wants to end. Shape: `released_kopecks` were let go this month already.

        Raises: WrongState, DecisionNamesAnotherFreeze, FreezeOfHitEndsWithItsHit, ReleaseMustNarrowTheFreeze,
        ReleaseExceedsMonthLimit – in this order of precedence.
        """
        FREEZE.step(self.state, _ON[release.kind])
        self._require_same(freeze_sha256)
        if release.kind is ReleaseKind.WHOLE and self.hit_id is not None:
            raise FreezeOfHitEndsWithItsHit
        self._require_sense(release)
        _require_month_limit(release, released_kopecks, release.proposed_at)
        self.release = release

    def decide_release(
        self, *, approve: bool, freeze_sha256: str, officer_id: str, reason: str, now: datetime, released_kopecks: int
    ) -> None:
        """Release what another officer proposed, or leave all as it is.

        Raises: WrongState, DecisionNamesAnotherFreeze, FreezeReleaseMustBeProposed, MakerAndCheckerMustDiffer,
        ReleaseExceedsMonthLimit – in this order of precedence.
        """
        release = self.release
        target = FREEZE.step(self.state, _ON[release.kind if release else ReleaseKind.PART]).target
        self._require_same(freeze_sha256)
        if release is None:
            raise FreezeReleaseMustBeProposed
        if release.proposed_by == officer_id:
            raise MakerAndCheckerMustDiffer
        self.release = None
        if not approve:
            return
        _require_month_limit(release, released_kopecks, now)
        self.allowance_kopecks = release.amount_kopecks or 0
        if release.remaining is not None:
            self.reach = release.remaining
        self._decided(target, officer_id, reason, now)

    def end_with_hit(self, *, officer_id: str, reason: str, now: datetime) -> None:
        """End with the hit that brought it: two officers have decided there. Raises: WrongState."""
        self.release = None
        self._decided(FREEZE.step(self.state, "released").target, officer_id, reason, now)

    def _decided(self, target: FreezeState, officer_id: str, reason: str, now: datetime) -> None:
        self.state, self.decided_by, self.decided_at, self.decision_reason = target, officer_id, now, reason
        if target is not FreezeState.REJECTED:
            self.step += 1

    def _require_same(self, freeze_sha256: str) -> None:
        if freeze_sha256 != self.sha256:
            raise DecisionNamesAnotherFreeze(facts={"named": freeze_sha256, "recorded": self.sha256})

    def _require_sense(self, release: ProposedRelease) -> None:
        remaining = release.remaining
        sense = {
            ReleaseKind.WHOLE: remaining is None and release.amount_kopecks is None,
            ReleaseKind.PART: remaining is not None
            and release.amount_kopecks is None
            and remaining.is_part_of(self.reach),
            # Money leaves a freeze that stops debits of money.
            ReleaseKind.AMOUNT: remaining is None
            and release.amount_kopecks is not None
            and self.reach.scope is not FreezeScope.UNITS
            and self.reach.direction is not FreezeDirection.CREDIT,
        }[release.kind]
        if not sense:
            raise ReleaseMustNarrowTheFreeze(facts={"kind": release.kind.value})
        if remaining is not None:
            remaining.require_fit()


_ON: Final = {
    ReleaseKind.WHOLE: "released",
    ReleaseKind.PART: "released_in_part",
    ReleaseKind.AMOUNT: "released_in_part",
}


def imposed(freeze: Freeze) -> Freeze:
    """A new freeze that is in force from the start: it has its first step."""
    return replace(freeze, state=FreezeState.ACTIVE, step=1)


def _require_month_limit(release: ProposedRelease, released_kopecks: int, now: datetime) -> None:
    if release.amount_kopecks is None:
        return
    most = MONTH_LIMIT_KOPECKS.at(now.astimezone(MOSCOW).date())
    if released_kopecks + release.amount_kopecks > most:
        raise ReleaseExceedsMonthLimit(
            facts={
                "most_kopecks": most,
                "released_kopecks": released_kopecks,
                "asked_kopecks": release.amount_kopecks,
            }
        )
