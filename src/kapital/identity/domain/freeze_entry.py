"""What a freeze asks of the register, wallet by wallet."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from kapital.identity.domain.freeze import Freeze, FreezeDirection, FreezeScope, ReleaseKind
from kapital.identity.domain.states import FreezeState, HitState
from kapital.kernel.ids import derive_uuid7, wallet_id_of

MONEY = "money"


class AskedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a freeze for one wallet. Both stops false: the freeze of the wallet ends."""

    freeze_id: UUID
    wallet_id: UUID
    step: int
    actor: str
    document_sha256: str | None
    asset_id: UUID | None
    kind: str | None
    debits_stopped: bool
    credits_stopped: bool
    allowance_kopecks: int
    asked_at: datetime
    entry_seq: int | None = None
    refusal: str | None = None

    @property
    def lifts(self) -> bool:
        """Whether the freeze of the wallet ends."""
        return not (self.debits_stopped or self.credits_stopped)

    @property
    def entry_id(self) -> UUID:
        """The id of its entry: a repeat meets itself."""
        return derive_uuid7(self.freeze_id, f"{self.wallet_id}/{self.step}")


class FollowedHit(msgspec.Struct, frozen=True, kw_only=True):
    """A hit that freezes, or that was released, and the freeze that it has brought."""

    hit_id: UUID
    participant_id: UUID
    source: str
    list_number: int
    state: HitState
    entry_sha256: str
    raised_at: datetime
    decided_by: str
    freeze_id: UUID | None


def asked(
    freeze: Freeze, wallets: Sequence[UUID], now: datetime, kind: ReleaseKind | None = None
) -> list[AskedEntry]:
    """What the present step of a freeze asks for these wallets.

    An allowance is of money and of one wallet, the first one if it is among them; the others stay as they are.
    """
    if kind is ReleaseKind.AMOUNT:
        first = wallet_id_of(freeze.participant_id)
        wallets = [first if first in wallets else wallets[0]]
    reach, ended = freeze.reach, freeze.state is FreezeState.RELEASED
    scoped = reach.scope is FreezeScope.CASH
    return [
        AskedEntry(
            freeze_id=freeze.freeze_id,
            wallet_id=wallet,
            step=freeze.step,
            actor=freeze.decided_by or freeze.made_by,
            document_sha256=freeze.basis.document_sha256,
            asset_id=None if ended else reach.asset_id,
            kind=MONEY if scoped and not ended else None,
            debits_stopped=not ended and reach.direction is not FreezeDirection.CREDIT,
            credits_stopped=not ended and reach.direction is not FreezeDirection.DEBIT,
            allowance_kopecks=0 if ended else freeze.allowance_kopecks,
            asked_at=now,
        )
        for wallet in wallets
    ]
