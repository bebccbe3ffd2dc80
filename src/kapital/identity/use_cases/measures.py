"""How hits change what may be done with a participant, and how that is told."""

from collections.abc import Sequence
from uuid import UUID

from kapital.contracts import identity as contract
from kapital.identity.domain.events import MEASURE_CHANGED
from kapital.identity.domain.screening_hit import Measure
from kapital.identity.ports import ClientStore, HitStore
from kapital.kernel.actor import Actor
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction

PER_STATEMENT = 5_000


async def apply_measures(
    tx: Transaction, participant_ids: Sequence[UUID], *, actor: Actor, clients: ClientStore, hits: HitStore
) -> dict[UUID, Measure]:
    """Make each participant's measure the strictest of its hits, and tell of those that changed.

    A party of a case brings its participant along: a hit on an owner, head, representative or beneficiary holds the
    participant's operations until it is decided, or until another questionnaire is approved. Of the party itself
    nobody is told: outside of identity its pseudonym says nothing.

    Law: 115-FZ art. 7(1)(6), 7(10); domain.md 3.8.

    Call after hits were written in the same transaction. Returns the measure of each participant.
    """
    now: dict[UUID, Measure] = {}
    wanted = await clients.concerned(tx.conn, set(participant_ids))
    for start in range(0, len(wanted), PER_STATEMENT):
        part = wanted[start : start + PER_STATEMENT]
        before = await clients.lock_measures(tx.conn, part)
        # A statement of its own: it sees the hits that others committed before the lock was had.
        found = await hits.measures(tx.conn, part)
        after = {participant_id: found.get(participant_id, Measure.FREE) for participant_id in before}
        changed = {p: measure for p, measure in after.items() if measure is not before[p]}
        await clients.save_measures(tx.conn, changed)
        parties = await clients.parties(tx.conn, sorted(changed))
        for participant_id, measure in changed.items():
            told = participant_id not in parties
            await _tell(tx, participant_id, before=before[participant_id], after=measure, actor=actor, told=told)
        now |= after
    return now


async def _tell(
    tx: Transaction, participant_id: UUID, *, before: Measure, after: Measure, actor: Actor, told: bool
) -> None:
    await tx.audit.append(
        "identity.measure_changed", participant_id, actor, before={"measure": before}, after={"measure": after}
    )
    if not told:
        return
    await tx.outbox.add(
        Event(
            type=MEASURE_CHANGED,
            aggregate_id=str(participant_id),
            data=contract.MeasureChanged(
                participant_id=participant_id,
                measure=contract.Measure(after.value),
                measure_before=contract.Measure(before.value),
                effective_at=tx.now,
            ),
        )
    )
