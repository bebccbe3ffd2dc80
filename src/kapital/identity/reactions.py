"""What identity does when the registry has taken in a participant, opened a wallet, or told who acts for whom."""

from uuid import UUID

import msgspec

from kapital.contracts.registry import PersonsFile, RepresentativeEnded
from kapital.contracts.registry import RegisteredPerson as Said
from kapital.identity.domain.events import REPRESENTATIVE_ENDED
from kapital.identity.domain.freeze_entry import asked
from kapital.identity.domain.kyc_case import KycCase
from kapital.identity.domain.registered_person import RegisteredPerson
from kapital.identity.domain.representative import AppointedRepresentative
from kapital.identity.ports import (
    CaseStore,
    ClientStore,
    FreezeStore,
    HitStore,
    Objects,
    RegisteredPersonStore,
    RepresentativeStore,
)
from kapital.identity.use_cases.measures import apply_measures
from kapital.kernel.actor import machine_actor
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.roles import Role
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction


async def open_cases(tx: Transaction, events: list[CloudEvent], *, cases: CaseStore) -> None:
    """Open the first case of each participant registered.

    Promise: the case id is derived and the first case of a participant is opened once, whatever is delivered
    again.
    """
    told: dict[UUID, KycCase] = {}
    kinds: dict[UUID, str] = {}
    for event in events:
        participant_id = UUID(event.data["participant_id"])
        case_id = derive_uuid7(participant_id, "kyc-case")
        told[case_id] = KycCase(case_id=case_id, participant_id=participant_id, number=1, opened_at=tx.now)
        kinds[participant_id] = event.data["kind"]
    await cases.note_kinds(tx.conn, kinds)
    opened = await cases.open(tx.conn, list(told.values()))
    scheduler = machine_actor(Role.SCHEDULER)
    for case_id in sorted(opened):
        await tx.audit.append("identity.case_opened", case_id, scheduler, after={"state": told[case_id].state})


async def keep_persons(
    tx: Transaction, events: list[CloudEvent], *, persons: RegisteredPersonStore, objects: Objects
) -> None:
    """Keep the name and numbers of participants registered, out of the files that the events name.

    Subscribed after `open_cases`, which keeps the kinds. Raises: ObjectNotFound, ObjectStoreMissing.
    """
    named = {event.data["persons_sha256"] for event in events if "persons_sha256" in event.data}
    files = {key: await persons_in(objects, key) for key in sorted(named)}
    await persons.note(
        tx.conn,
        [
            RegisteredPerson(
                participant_id=said.id,
                kind=event.data["kind"],
                name=said.name,
                inn=said.inn,
                ogrn=said.ogrn,
                snils=said.snils,
            )
            for event in events
            if (key := event.data.get("persons_sha256")) is not None
            for said in [files[key][UUID(event.data["participant_id"])]]
        ],
    )


async def persons_in(objects: Objects, key: str) -> dict[UUID, Said]:
    """Who stands in a file that the registry keeps, by id. Raises: ObjectNotFound, ObjectStoreMissing."""
    file = msgspec.json.decode(await objects.get(key), type=PersonsFile)
    return {said.id: said for said in file.persons}


async def follow_representatives(
    tx: Transaction,
    events: list[CloudEvent],
    *,
    representatives: RepresentativeStore,
    objects: Objects,
    clients: ClientStore,
    hits: HitStore,
) -> None:
    """Keep who acts for participants; who acts no more holds nobody up. They are compared with the lists by the tick.

    One that was appointed before files were told of stays unknown here, and so gets no token.
    Raises: ObjectNotFound, ObjectStoreMissing.
    """
    named = {event.data["persons_sha256"] for event in events if "persons_sha256" in event.data}
    files = {key: await persons_in(objects, key) for key in sorted(named)}
    appointed = [
        AppointedRepresentative(
            representative_id=said.id,
            participant_id=UUID(event.data["participant_id"]),
            name=said.name,
            inn=said.inn,
            snils=said.snils,
        )
        for event in events
        if (key := event.data.get("persons_sha256")) is not None
        for said in [files[key][UUID(event.data["representative_id"])]]
    ]
    await representatives.note(tx.conn, appointed, tx.now)
    ended = [event.data_as(RepresentativeEnded) for event in events if event.type == REPRESENTATIVE_ENDED]
    if ended:
        await representatives.end(tx.conn, {one.representative_id: one.valid_until for one in ended})
        whose = sorted({one.participant_id for one in ended})
        await apply_measures(tx, whose, actor=machine_actor(Role.SCHEDULER), clients=clients, hits=hits)


async def keep_wallets(tx: Transaction, events: list[CloudEvent], *, freezes: FreezeStore) -> None:
    """Note whose wallets were opened, and ask the register to freeze those whose owner is frozen.

    Promise: the first wallet of a participant was frozen in the register before it opened; for another one the tick
    brings what is asked here (`enter_freezes`). Asked once, whatever is delivered again.
    """
    owners = {UUID(event.data["wallet_id"]): UUID(event.data["participant_id"]) for event in events}
    await freezes.lock_acts(tx.conn)
    await freezes.keep_wallets(tx.conn, owners)
    for freeze in await freezes.live(tx.conn, sorted(set(owners.values()))):
        if freeze.reach.wallet_id is not None:
            continue
        before = set(await freezes.asked_wallets(tx.conn, freeze.freeze_id))
        freeze.allowance_kopecks = 0  # it was given to another wallet
        new = [w for w, owner in owners.items() if owner == freeze.participant_id and w not in before]
        await freezes.ask(tx.conn, asked(freeze, sorted(new), tx.now))
