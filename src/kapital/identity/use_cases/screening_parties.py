"""Whom questionnaires are about and whom they name is compared with the lists when their cases are completed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kapital.identity.domain.case_party import CaseParty
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.screening import ListPurpose, Particulars
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.screening_list import ScreenedClient
from kapital.identity.ports import ClientStore, HitStore, ListStore, PartyStore, RegisteredPersonStore, Screener
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.measures import apply_measures
from kapital.identity.use_cases.screen_clients import hits_among, keep_index, recorded_client
from kapital.kernel.actor import Actor
from kapital.platform.unit_of_work import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedParties:
    """What was found. Shape: by the pseudonym of the party, or the id of the participant itself."""

    parties: Mapping[UUID, CaseParty]
    clients: Mapping[UUID, ScreenedClient]
    hits: Mapping[UUID, Sequence[ScreeningHit]]

    @property
    def participants_hit(self) -> set[UUID]:
        """Participants whom, or of whose parties, a list of sanctions names one, or may."""
        return {
            self.parties[who].participant_id if who in self.parties else who
            for who, hits in self.hits.items()
            if any(hit.purpose is ListPurpose.SANCTIONS for hit in hits)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyScreening:
    """What participants and parties are compared and kept with.

    What a questionnaire says of the participant is one more description of it (`Particulars.also`): a hit is the
    participant's own, one for each entry of a list, whoever described it.
    A hit on a party refers the case, stops its approval and holds the participant's operations (115-FZ art. 7(10)).
    It freezes nothing by itself: the party has no wallet, and whether the participant's property is frozen is an
    officer's to decide.
    """

    parties: PartyStore
    persons: RegisteredPersonStore
    lists: ListStore
    clients: ClientStore
    hits: HitStore
    screener: Screener
    drafting: Drafting
    new_id: Callable[[], UUID]

    async def compare(
        self,
        tx: Transaction,
        parties: Sequence[CaseParty],
        *,
        subjects: Mapping[UUID, Particulars] | None = None,
        actor: Actor,
    ) -> ComparedParties:
        """Compare parties, and `subjects` under what their questionnaires say, with the lists in force.

        The lists stand still until the transaction ends, and so do the participants' recorded words; nothing is
        written. Raises: ScreeningEngineMissing, ScreenedParticularsOfAnother.
        """
        subjects = subjects or {}
        if not parties and not subjects:
            return ComparedParties(parties={}, clients={}, hits={})
        await self.lists.lock_lists(tx.conn, changing=False)
        in_force = await self.lists.in_force(tx.conn)
        await keep_index(tx.conn, in_force, lists=self.lists, screener=self.screener)
        known = {party.party_id: party for party in parties}
        words = {party_id: party.particulars for party_id, party in known.items()}
        words |= await self._described(tx, subjects)
        clients = [
            recorded_client(who, said, actor=actor, now=tx.now, in_force=in_force) for who, said in words.items()
        ]
        found: dict[UUID, list[ScreeningHit]] = {}
        for hit in await hits_among(clients, screener=self.screener, now=tx.now, new_id=self.new_id):
            found.setdefault(hit.participant_id, []).append(hit)
        return ComparedParties(parties=known, clients={one.participant_id: one for one in clients}, hits=found)

    async def _described(self, tx: Transaction, subjects: Mapping[UUID, Particulars]) -> dict[UUID, Particulars]:
        """The words of those of the participants to which their questionnaires add some.

        Of whom nothing is recorded yet they are the words of the questionnaire beside those of the register.
        """
        if not subjects:
            return {}
        await self.clients.lock_measures(tx.conn, sorted(subjects))
        recorded = await self.clients.read(tx.conn, subjects.keys())
        registered = await self.persons.find(tx.conn, subjects.keys())
        words: dict[UUID, Particulars] = {}
        for who, said in subjects.items():
            if who in recorded:
                whole = recorded[who].particulars.described_also(said)
                if whole != recorded[who].particulars:
                    words[who] = whole
            else:
                words[who] = registered[who].with_said(said) if who in registered else said
        return words

    async def keep(
        self, tx: Transaction, compared: ComparedParties, cases: Sequence[KycCase], *, actor: Actor
    ) -> None:
        """Write the participants' words and the parties of these cases, what was found, and their measures."""
        ids, participants = {case.case_id for case in cases}, {case.participant_id for case in cases}
        parties = [party for party in compared.parties.values() if party.case_id in ids]
        own = [who for who in compared.clients if who not in compared.parties and who in participants]
        await self._keep(tx, compared, parties, own, actor=actor)

    async def keep_all(self, tx: Transaction, compared: ComparedParties, *, actor: Actor) -> None:
        """The same of all that were compared; of one that is there already the words are replaced."""
        await self._keep(tx, compared, list(compared.parties.values()), [], actor=actor)

    async def _keep(
        self,
        tx: Transaction,
        compared: ComparedParties,
        parties: Sequence[CaseParty],
        own: list[UUID],
        *,
        actor: Actor,
    ) -> None:
        ids = [*own, *(party.party_id for party in parties)]
        if not ids:
            return
        await self.clients.put(tx.conn, [compared.clients[one] for one in ids])
        await self.parties.add(tx.conn, parties)
        hits = [hit for one in ids for hit in compared.hits.get(one, ())]
        touched = {hit.participant_id for hit in hits}
        await self.clients.lock_measures(tx.conn, await self.clients.concerned(tx.conn, touched))
        new = await self.hits.raise_new(tx.conn, hits)
        await self.drafting.draft(tx, new, actor=actor)
        await apply_measures(tx, sorted(touched), actor=actor, clients=self.clients, hits=self.hits)
