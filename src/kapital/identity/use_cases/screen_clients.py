"""Use case: record who participants are and compare them with the lists in force."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import identity as contract
from kapital.identity.domain.problems import NameMustBeReadable
from kapital.identity.domain.screening import ListSource, Particulars, threshold_ppm
from kapital.identity.domain.screening_hit import Measure, ScreeningHit, raised
from kapital.identity.domain.screening_list import ListVersion, ScreenedClient
from kapital.identity.ports import ClientStore, HitStore, ListStore, RegisteredPersonStore, Screener
from kapital.identity.use_cases.draft_messages import Drafting
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.names import is_disguised
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import UnitOfWork, fingerprint

BATCH_MAX: Final = 1_000


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one participant."""

    participant_id: UUID
    particulars: Particulars


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenClients:
    """Screen participants. Shape: 1 to 1,000; of a participant named twice the last word counts."""

    command_id: CommandId
    actor: Actor
    clients: tuple[NewClient, ...]


async def screen_clients(
    cmd: ScreenClients,
    *,
    uow: UnitOfWork,
    lists: ListStore,
    clients: ClientStore,
    hits: HitStore,
    screener: Screener,
    persons: RegisteredPersonStore,
    drafting: Drafting,
    new_id: Callable[[], UUID],
) -> contract.ScreenClientsResponse:
    """Keep the particulars, raise hits, and apply their measures at once.

    The name and the numbers of the register are compared as well, whatever is said here.

    Law: 115-FZ art. 7(1)(6), (7) (before service, and freezing without delay).
    Raises: IdempotencyKeyReused, NotPermitted, NameMustBeReadable, ScreenedParticularsOfAnother,
    ScreeningEngineMissing.
    Promise: a participant recorded here is compared with every version of a list that comes into force later: the
    lists stand still until this is committed. A pair that was decided is not raised again while its words stay.
    """
    ensure(0 < len(cmd.clients) <= BATCH_MAX, "a batch has 1 to 1,000 items")
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.ScreenClientsResponse)
        tx.access.require(cmd.actor, "screen_clients")
        for item in cmd.clients:
            if any(map(is_disguised, item.particulars.names)):
                raise NameMustBeReadable(facts={"participant_id": str(item.participant_id)})
        await lists.lock_lists(tx.conn, changing=False)
        in_force = await lists.in_force(tx.conn)
        await keep_index(tx.conn, in_force, lists=lists, screener=screener)
        said = {item.participant_id: item.particulars for item in cmd.clients}
        for who, person in (await persons.find(tx.conn, said.keys())).items():
            said[who] = person.with_said(said[who])
        # Before the hits, as rescreening does: else the two could wait for each other.
        await clients.lock_measures(tx.conn, await clients.concerned(tx.conn, said.keys()))
        # What a questionnaire said of it stays beside: new words of the staff hide nobody.
        for who, client in (await clients.read(tx.conn, said.keys())).items():
            said[who] = said[who].keeping(client.particulars)
        told = [
            recorded_client(who, particulars, actor=cmd.actor, now=tx.now, in_force=in_force)
            for who, particulars in said.items()
        ]
        await clients.put(tx.conn, told)
        found = await hits_among(told, screener=screener, now=tx.now, new_id=new_id)
        new = await hits.raise_new(tx.conn, found)
        await drafting.draft(tx, new, actor=cmd.actor)
        ids = [client.participant_id for client in told]
        measures = await apply_measures(tx, ids, actor=cmd.actor, clients=clients, hits=hits)
        answer = _answer(cmd, measures, new, in_force)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def keep_index(
    conn: AsyncConnection, in_force: Mapping[ListSource, ListVersion], *, lists: ListStore, screener: Screener
) -> None:
    """See that the screener's index is over exactly these versions. The caller holds the lists still."""
    key = " ".join(sorted(f"{source.value}:{version.version_id}" for source, version in in_force.items()))
    if not screener.kept(key):
        await asyncio.to_thread(screener.keep, key, await lists.entries(conn))


async def hits_among(
    told: Sequence[ScreenedClient], *, screener: Screener, now: datetime, new_id: Callable[[], UUID]
) -> list[ScreeningHit]:
    """The hits that these clients make with the entries that the screener keeps. Raises: ScreeningEngineMissing."""
    particulars = [client.particulars for client in told]
    matches = await asyncio.to_thread(screener.screen_kept, particulars, threshold_ppm=threshold_ppm(now))
    return [
        raised(
            new_id(),
            told[at].participant_id,
            particulars_sha256=told[at].particulars_sha256,
            listed=stored.listed,
            match=match,
            now=now,
        )
        for at, stored, match in matches
    ]


def recorded_client(
    client_id: UUID,
    particulars: Particulars,
    *,
    actor: Actor,
    now: datetime,
    in_force: Mapping[ListSource, ListVersion],
) -> ScreenedClient:
    """A client as it is recorded: free until hits say otherwise, compared with the lists in force."""
    return ScreenedClient(
        participant_id=client_id,
        particulars=particulars,
        particulars_sha256=particulars.sha256,
        measure=Measure.FREE,
        recorded_by=actor.id,
        recorded_at=now,
        compared={source: version.number for source, version in in_force.items()},
    )


def _answer(
    cmd: ScreenClients,
    measures: Mapping[UUID, Measure],
    new: Sequence[ScreeningHit],
    in_force: Mapping[ListSource, ListVersion],
) -> contract.ScreenClientsResponse:
    return contract.ScreenClientsResponse(
        results=[
            contract.ScreenedClient(
                participant_id=item.participant_id,
                measure=contract.Measure(measures[item.participant_id].value),
                new_hits=sum(hit.participant_id == item.participant_id for hit in new),
            )
            for item in cmd.clients
        ],
        lists=[
            contract.ListInForce(source=contract.ListSource(source.value), number=version.number)
            for source, version in sorted(in_force.items())
        ],
    )
