"""Whom questionnaires are about and whom they name is compared with the lists when their cases are completed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kapital.identity.domain.case_party import CaseParty
from kapital.identity.domain.screening import ListPurpose, Particulars
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.screening_list import ScreenedClient
from kapital.identity.ports import ClientStore, HitStore, ListStore, PartyStore, Screener
from kapital.identity.use_cases.measures import apply_measures
from kapital.identity.use_cases.screen_clients import hits_among, keep_index, recorded_client
from kapital.kernel.actor import Actor
from kapital.platform.unit_of_work import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedParties:
    """What was found. Shape: all three by the pseudonym of the party."""

    parties: Mapping[UUID, CaseParty]
    clients: Mapping[UUID, ScreenedClient]
    hits: Mapping[UUID, Sequence[ScreeningHit]]

    @property
    def participants_hit(self) -> set[UUID]:
        """Participants of whose parties a list of sanctions names one, or may."""
        return {
            self.parties[party_id].participant_id
            for party_id, hits in self.hits.items()
            if any(hit.purpose is ListPurpose.SANCTIONS for hit in hits)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyScreening:
    """What parties are compared and kept with.

    A hit on a party refers the case, stops its approval and holds the participant's operations (115-FZ art. 7(10)).
    It freezes nothing by itself: the party has no wallet, and whether the participant's property is frozen is an
    officer's to decide.
    """

    parties: PartyStore
    lists: ListStore
    clients: ClientStore
    hits: HitStore
    screener: Screener
    new_id: Callable[[], UUID]

    async def recorded(self, tx: Transaction, participant_ids: Collection[UUID]) -> dict[UUID, Particulars]:
        """What was compared with the lists of each of the participants who were."""
        found = await self.clients.read(tx.conn, participant_ids)
        return {who: client.particulars for who, client in found.items()}

    async def compare(self, tx: Transaction, parties: Sequence[CaseParty], *, actor: Actor) -> ComparedParties:
        """Compare parties with the lists in force, which stand still until the transaction ends; nothing is written.

        Raises: ScreeningEngineMissing.
        """
        if not parties:
            return ComparedParties(parties={}, clients={}, hits={})
        await self.lists.lock_lists(tx.conn, changing=False)
        in_force = await self.lists.in_force(tx.conn)
        await keep_index(tx.conn, in_force, lists=self.lists, screener=self.screener)
        known = {party.party_id: party for party in parties}
        clients = [
            recorded_client(party_id, party.particulars, actor=actor, now=tx.now, in_force=in_force)
            for party_id, party in known.items()
        ]
        found: dict[UUID, list[ScreeningHit]] = {}
        for hit in await hits_among(clients, screener=self.screener, now=tx.now, new_id=self.new_id):
            found.setdefault(hit.participant_id, []).append(hit)
        return ComparedParties(parties=known, clients={one.participant_id: one for one in clients}, hits=found)

    async def keep(
        self, tx: Transaction, compared: ComparedParties, case_ids: Sequence[UUID], *, actor: Actor
    ) -> None:
        """Write the parties of these cases, what was found of them, and their measures."""
        wanted = set(case_ids)
        await self._keep(tx, compared, [p for p in compared.parties.values() if p.case_id in wanted], actor=actor)

    async def keep_all(self, tx: Transaction, compared: ComparedParties, *, actor: Actor) -> None:
        """The same of all that were compared; of one that is there already the words are replaced."""
        await self._keep(tx, compared, list(compared.parties.values()), actor=actor)

    async def _keep(
        self, tx: Transaction, compared: ComparedParties, kept: Sequence[CaseParty], *, actor: Actor
    ) -> None:
        if not kept:
            return
        ids = [party.party_id for party in kept]
        await self.clients.put(tx.conn, [compared.clients[party_id] for party_id in ids])
        await self.parties.add(tx.conn, kept)
        hits = [hit for party_id in ids for hit in compared.hits.get(party_id, ())]
        touched = {hit.participant_id for hit in hits}
        await self.clients.lock_measures(tx.conn, await self.clients.concerned(tx.conn, touched))
        await self.hits.raise_new(tx.conn, hits)
        await apply_measures(tx, sorted(touched), actor=actor, clients=self.clients, hits=self.hits)
