"""Approvals whose terms are shortened: by an officer's doubt, or because somebody proves to be a public official."""

from dataclasses import dataclass
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.doubt import Doubt, official_doubted
from kapital.identity.domain.events import KYC_TERM_CHANGED
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.ports import CaseStore, DoubtStore, PartyStore, RepresentativeStore
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import BusinessCalendar
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubting:
    """What doubts are entered with."""

    cases: CaseStore
    doubts: DoubtStore
    parties: PartyStore
    representatives: RepresentativeStore
    calendar: BusinessCalendar

    async def enter(
        self, tx: Transaction, case: KycCase, doubt: Doubt, *, actor: Actor, basis: dict[str, str]
    ) -> None:
        """Write a case whose term a doubt has shortened. The others are told the term and never the reason."""
        await self.cases.save(tx.conn, [case])
        await self.doubts.add(tx.conn, doubt)
        # The reason may hold personal data and stays in the doubt.
        await tx.audit.append(
            "identity.identification_doubted",
            case.case_id,
            actor,
            basis=basis,
            before={"valid_until": doubt.valid_until_before},
            after={"valid_until": doubt.valid_until},
        )
        await tx.outbox.add(
            Event(
                type=KYC_TERM_CHANGED,
                aggregate_id=str(case.participant_id),
                data=contract.KycTermChanged(participant_id=case.participant_id, valid_until=doubt.valid_until),
            )
        )

    async def follow_official(self, tx: Transaction, hit: ScreeningHit, about: list[UUID], *, actor: Actor) -> None:
        """Shorten each approval that no senior officer decided, of `about`, when `hit` names a public official.

        Call it with their cases locked.

        It goes on only by another decision, which a senior officer has to make (`decide_kyc`). An approval that was
        shortened before keeps its earlier end.

        Law: 115-FZ art. 7.3(1)(2) (public officials are served by a written decision of the head).
        Promise: the cases stay locked until the transaction ends, so that an approval under way either sees the
        confirmed hit or is shortened here.
        """
        approved = await self.cases.lock_approved(tx.conn, about)
        named = await self.parties.of_cases(tx.conn, [case.case_id for case in approved.values()])
        acting = await self.representatives.living(tx.conn, list(approved))
        for who, case in approved.items():
            if hit.participant_id not in (who, *named.get(case.case_id, ()), *acting.get(who, ())):
                continue
            if case.endorsed_by is not None or await self.doubts.of_case(tx.conn, case.case_id) is not None:
                continue
            doubt = official_doubted(case, hit_id=hit.hit_id, officer_id=actor.id, now=tx.now, calendar=self.calendar)
            await self.enter(tx, case, doubt, actor=actor, basis={"hit_sha256": hit.sha256})
