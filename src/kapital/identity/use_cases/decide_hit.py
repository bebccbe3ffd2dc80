"""Use case: an AML officer decides on a hit."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.contracts import identity as contract
from kapital.identity.domain.problems import ScreeningHitNotFound
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.states import HitState
from kapital.identity.ports import ClientStore, HitStore
from kapital.identity.use_cases.doubting import Doubting
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint


class HitDecision(StrEnum):
    """What the officer does."""

    CONFIRM = "confirm"
    PROPOSE_RELEASE = "propose_release"
    APPROVE_RELEASE = "approve_release"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideHit:
    """Decide on one hit, having seen `hit_sha256`."""

    command_id: CommandId
    actor: Actor
    hit_id: UUID
    decision: HitDecision
    hit_sha256: str
    reason: str


async def decide_hit(
    cmd: DecideHit,
    *,
    uow: UnitOfWork,
    clients: ClientStore,
    hits: HitStore,
    drafting: Drafting,
    doubting: Doubting,
) -> contract.DecidedHit:
    """Confirm, propose to release, or release what another officer proposed; the measure follows at once.

    A confirmed one brings the draft of its message; one on a public official shortens the term of an approval that no
    senior officer decided.

    Law: 115-FZ art. 7(1)(6), 7.3; domain.md 3.8 (release by two).
    Raises: IdempotencyKeyReused, NotPermitted, ScreeningHitNotFound, WrongState, DecisionNamesAnotherHit,
    ReleaseMustBeProposed, MakerAndCheckerMustDiffer – in this order of precedence.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.DecidedHit)
        whose = await hits.whose(tx.conn, cmd.hit_id)
        about = [] if whose is None else await clients.concerned(tx.conn, [whose])
        # Cases, then measures, then the hit: in the order in which those lock who complete a case or screen somebody.
        if cmd.decision is HitDecision.CONFIRM:
            await doubting.cases.lock_latest(tx.conn, about)
        await clients.lock_measures(tx.conn, about)
        hit = await hits.lock(tx.conn, cmd.hit_id)
        version = await hits.row_version(tx.conn, cmd.hit_id)
        tx.access.require(cmd.actor, "decide_screening_hit", Resource("ScreeningHit", cmd.hit_id, version))
        if hit is None:
            raise ScreeningHitNotFound(facts={"hit_id": str(cmd.hit_id)})
        before = hit.state
        _apply(cmd, hit, tx)
        await hits.save(tx.conn, hit)
        if cmd.decision is HitDecision.CONFIRM:
            await drafting.draft(tx, [hit], actor=cmd.actor)
        if hit.state is HitState.PEP and before is not HitState.PEP:
            await doubting.follow_official(tx, hit, about, actor=cmd.actor)
        measures = await apply_measures(tx, [hit.participant_id], actor=cmd.actor, clients=clients, hits=hits)
        # The reason may hold personal data and stays in the hit.
        await tx.audit.append(
            f"identity.hit_{_PAST[cmd.decision]}",
            hit.hit_id,
            cmd.actor,
            basis={"hit_sha256": cmd.hit_sha256},
            before={"state": before},
            after={"state": hit.state},
        )
        answer = contract.DecidedHit(
            hit_id=hit.hit_id,
            state=contract.HitState(hit.state.value),
            measure=contract.Measure(measures[hit.participant_id].value),
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


_PAST = {
    HitDecision.CONFIRM: "confirmed",
    HitDecision.PROPOSE_RELEASE: "release_proposed",
    HitDecision.APPROVE_RELEASE: "released",
}


def _apply(cmd: DecideHit, hit: ScreeningHit, tx: Transaction) -> None:
    act = {
        HitDecision.CONFIRM: hit.confirm,
        HitDecision.PROPOSE_RELEASE: hit.propose_release,
        HitDecision.APPROVE_RELEASE: hit.approve_release,
    }[cmd.decision]
    act(hit_sha256=cmd.hit_sha256, officer_id=cmd.actor.id, reason=cmd.reason, now=tx.now)
