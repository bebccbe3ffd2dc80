"""A freeze brings the draft of its message, in the same transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from kapital.identity.domain.aml_message import AmlMessage, drafted
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.states import HitState
from kapital.identity.ports import AmlMessageStore, ClientStore
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import BusinessCalendar
from kapital.platform.unit_of_work import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """What drafts are made with."""

    messages: AmlMessageStore
    clients: ClientStore
    calendar: BusinessCalendar
    new_id: Callable[[], UUID]

    async def draft(
        self, tx: Transaction, hits: Sequence[ScreeningHit], *, actor: Actor, number: int = 1
    ) -> list[AmlMessage]:
        """Draft the message on each hit that froze somebody; others bring none.

        Law: 115-FZ art. 7(1)(6). Not promised: that anything is sent; a person does that.
        """
        frozen = [hit for hit in hits if hit.state is HitState.FROZEN]
        if not frozen:
            return []
        # A message tells of property frozen, and a party of a case has none here.
        parties = await self.clients.parties(tx.conn, [hit.participant_id for hit in frozen])
        freezing = [hit for hit in frozen if hit.participant_id not in parties]
        known = await self.clients.read(tx.conn, {hit.participant_id for hit in freezing})
        made = [
            drafted(
                self.new_id(),
                hit,
                known[hit.participant_id].particulars,
                number=number,
                calendar=self.calendar,
                now=tx.now,
            )
            for hit in freezing
        ]
        await self.messages.add(tx.conn, made)
        for message in made:
            await tx.audit.append(
                "identity.aml_message_drafted",
                message.message_id,
                actor,
                basis={"hit_id": message.hit_id},
                after={"state": message.state, "sha256": message.sha256, "due_at": message.due_at},
            )
        return made
