"""How the players sign: certificates of the sandbox's authority, bound to them; acts as the routes make them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from kapital.app import Kapital
from kapital.demo.cast import ONBOARDING, Player, command
from kapital.identity.use_cases.bind_certificates import BATCH_MAX, BindCertificates, NewCertificate
from kapital.kernel.clock import Clock
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import ensure
from kapital.platform.acts.form import Act, SignedAct
from kapital.platform.signatures.certificates import INN, INN_LEGAL_ENTITY
from kapital.platform.signatures.libcrypto import has_libcrypto
from kapital.sandbox.certification_authority import BelievedAuthority, SandboxSigner, Scheme, Subject
from kapital.sandbox.people import PersonKind
from kapital.settlement.domain.withdrawal import WithdrawalItem
from kapital.settlement.use_cases.request_withdrawals import PrepareWithdrawalsAct, prepare_withdrawals_act
from kapital.tokenization.domain.act_texts import OrderLine
from kapital.tokenization.use_cases.place_orders import NewOrder
from kapital.tokenization.use_cases.prepare_act import prepare_act

_TERM: Final = timedelta(days=3 * 365)


@dataclass(slots=True)
class Signing:
    """The players' means of signature. Without an authority (no libcrypto here) the session authorises their acts."""

    authority: BelievedAuthority | None
    clock: Clock
    signed: int = 0
    _signers: dict[UUID, SandboxSigner] = field(default_factory=dict)
    _ends: dict[UUID, datetime] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(cls, clock: Clock, trust_dir: Path, *, scheme: Scheme | None = None) -> AsyncIterator["Signing"]:
        """Serve a new authority to the end of the demonstration, in GOST where the engine is installed.

        Raises: GostEngineMissing, when `scheme` asks for it.
        """
        if not has_libcrypto():
            yield cls(None, clock)
            return
        async with BelievedAuthority.open(clock, trust_dir, people_by_lists=True, scheme=scheme) as authority:
            yield cls(authority, clock)

    @property
    def scheme(self) -> str:
        """The scheme of the signatures, or `none`."""
        return self.authority.issuing.scheme.value if self.authority else "none"

    def settings(self) -> dict[str, Any]:
        """By which settings acts are signed."""
        if self.authority is None:
            return {"acts_signed": "simple"}
        return {"acts_signed": "qualified", **self.authority.settings()}

    async def give_certificates(self, kapital: Kapital, players: Sequence[Player]) -> None:
        """Give one to each player who has none in force; a member of the staff binds it."""
        if self.authority is None:
            return
        now = self.clock.now()
        wanting = [player for player in players if self._ends.get(player.participant_id, now) <= now]
        for start in range(0, len(wanting), BATCH_MAX):
            some = wanting[start : start + BATCH_MAX]
            answer = await kapital.identity.certificates.bind_certificates(
                BindCertificates(
                    command_id=command(),
                    actor=ONBOARDING,
                    items=tuple(self._new(self.authority, player, (now, now + _TERM)) for player in some),
                )
            )
            refused = [result.problem for result in answer.results if result.problem is not None]
            ensure(not refused, f"a certificate was refused: {refused}")
        await kapital.bus.drain()

    def _new(self, authority: BelievedAuthority, player: Player, period: tuple[datetime, datetime]) -> NewCertificate:
        kind = INN_LEGAL_ENTITY if player.person.kind is PersonKind.LEGAL_ENTITY else INN
        numbers = {kind: player.person.inn}
        signer = SandboxSigner.for_subject(
            authority.issuing, Subject(player.person.name, numbers), clock=self.clock, period=period
        )
        self._signers[player.participant_id], self._ends[player.participant_id] = signer, period[1]
        return NewCertificate(participant_id=player.participant_id, certificate=signer.certificate(), owner=numbers)

    def signer_of(self, player: Player) -> SandboxSigner:
        """The player's means of signature."""
        return self._signers[player.participant_id]

    async def orders(
        self, kapital: Kapital, player: Player, command_id: CommandId, orders: Sequence[NewOrder]
    ) -> SignedAct | None:
        """The act of a command that places orders."""
        if self.authority is None:
            return None
        parts = kapital.tokenization.use_cases.parts
        async with parts.database.connect() as conn:
            act = await prepare_act(
                conn,
                parts,
                player.actor,
                idempotency_key=command_id,
                made_at=self._now(),
                orders=[OrderLine(order.issue_id, order.units, order.price_cap, order.cut_off) for order in orders],
                withdraw_order_ids=None,
                decision=None,
            )
        return await self._sign(act, self._signers[player.participant_id])

    async def decision(
        self, kapital: Kapital, issuer: Player, command_id: CommandId, issue_id: UUID, decision_sha256: str
    ) -> SignedAct | None:
        """The act of an issuer who signs a decision; its signature carries a time-stamp (CAdES-T)."""
        if self.authority is None:
            return None
        parts = kapital.tokenization.use_cases.parts
        async with parts.database.connect() as conn:
            act = await prepare_act(
                conn,
                parts,
                issuer.actor,
                idempotency_key=command_id,
                made_at=self._now(),
                orders=None,
                withdraw_order_ids=None,
                decision=(issue_id, decision_sha256),
            )
        return await self._sign(act, replace(self._signers[issuer.participant_id], stamps=self.authority.stamps))

    async def withdrawals(
        self, kapital: Kapital, player: Player, command_id: CommandId, items: tuple[WithdrawalItem, ...]
    ) -> SignedAct | None:
        """The act of a command that takes money out."""
        if self.authority is None:
            return None
        asked = PrepareWithdrawalsAct(actor=player.actor, idempotency_key=command_id, items=items)
        act = prepare_withdrawals_act(asked, kapital.settlement.use_cases.parts)
        return await self._sign(act, self._signers[player.participant_id])

    def _now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    async def _sign(self, act: Act, signer: SandboxSigner) -> SignedAct:
        self.signed += 1
        return SignedAct(made_at=act.made_at, signature=await signer.sign(act.to_sign()))
