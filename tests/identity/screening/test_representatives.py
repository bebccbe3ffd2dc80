"""Who acts for a participant by the register is looked for in the lists, and identified before it acts.

Law: 115-FZ art. 7(1)(1), 7(1)(6), 7(10).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from kapital.contracts import identity as contract
from kapital.contracts.registry import PersonsFile
from kapital.contracts.registry import RegisteredPerson as Said
from kapital.identity.adapters.hit_tables import ClientTable, HitTable
from kapital.identity.adapters.representative_table import RepresentativeTable
from kapital.identity.domain.kyc_problems import (
    QuestionnaireIncomplete,
    RepresentativeNotAppointed,
    RepresentativeOfAnother,
)
from kapital.identity.domain.parties import IdentityDocument, IdentityDocumentKind, PersonParticulars
from kapital.identity.reactions import follow_representatives
from kapital.identity.use_cases.decide_hit import HitDecision
from kapital.identity.use_cases.identify_representative import IdentifyRepresentative
from kapital.kernel.actor import NotPermitted
from kapital.kernel.canonical import canonical_bytes
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from tests.acting import Memory
from tests.identity.conftest import OFFICER, ONBOARDER, START
from tests.identity.dossier.papers import of_firm
from tests.identity.screening.test_officials import listed_as_official, terms_told
from tests.identity.screening.test_parties import (
    LISTED,
    NAME,
    House,
    house,
    listed_person,
    measures_told,
    said,
)
from tests.registry.people import person_inn

__all__ = ["house"]

INN = "990000000115"
DOCUMENT = IdentityDocument(
    kind=IdentityDocumentKind.PASSPORT_RF, number="000000", issued_on=date(2010, 1, 1), issued_by="ОВД"
)


@dataclass
class Acting:
    """One that acts for a firm."""

    house: House
    firm: UUID
    one: UUID

    async def hear(self, name: str, **told: Any) -> None:
        files = Memory()
        who = Said(id=self.one, name=told.pop("person_name", "Тихомиров Пётр Ильич"), inn=INN, ogrn=None, snils=None)
        key = await files.put(canonical_bytes(PersonsFile(salt="0" * 64, persons=[who])))
        data = {
            "participant_id": str(self.firm),
            "representative_id": str(self.one),
            "kind": "sole_executive",
            "powers": [],
            "valid_from": START.isoformat(),
        }
        data |= {"persons_sha256": key} if name == "representative_appointed" else {"end": "by_officer"}
        event = CloudEvent(
            id=new_uuid7(),
            source="/kapital/registry",
            type=f"kapital.registry.{name}.v1",
            subject=str(self.firm),
            time=START,
            data=data | told,
            correlationid="test",
        )
        async with UnitOfWork(self.house.kyc.database, self.house.kyc.clock).begin() as tx:
            await follow_representatives(
                tx,
                [event],
                representatives=RepresentativeTable(),
                objects=files,
                clients=ClientTable(),
                hits=HitTable(),
            )

    async def appointed(self, **told: Any) -> "Acting":
        await self.hear("representative_appointed", valid_until=None, **told)
        await self.house.kyc.do.screen_representatives()
        return self

    async def ended(self) -> None:
        await self.hear("representative_ended", valid_until=self.house.kyc.clock.now().isoformat())

    async def identify(
        self, person: PersonParticulars | None = None, **changes: Any
    ) -> contract.IdentifiedRepresentative:
        cmd = IdentifyRepresentative(
            command_id=self.house.kyc.command_id(),
            **{
                "actor": ONBOARDER,
                "representative_id": self.one,
                "person": person or whole(),
                "document_sha256": "cd" * 32,
            }
            | changes,
        )
        return await self.house.kyc.do.identify_representative(cmd)


def whole(**changes: Any) -> PersonParticulars:
    """All that is asked for, of the person who stands in the list of these tests."""
    there = replace(listed_person(), birth_place="г. Тверь", address="г. Тверь, ул. Учебная, 1", document=DOCUMENT)
    return replace(there, **changes)


async def acting_for_approved_firm(house: House) -> Acting:
    firm = await house.firm()
    [recorded] = await house.kyc.record(said(of_firm(firm), firm))
    await house.kyc.decide(firm, str(recorded.identification_sha256))
    return Acting(house, firm, new_uuid7())


async def test_a_listed_representative_holds_the_participant_until_it_acts_no_more(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    acting = await acting_for_approved_firm(house)

    await acting.appointed(person_name=NAME)

    [hit] = await house.screening.hits()
    assert (hit.party_of, hit.participant_id) == (acting.firm, acting.one)
    assert await measures_told(house) == [(str(acting.firm), "free", "held")]
    assert await house.kyc.rows("SELECT 1 FROM property_freeze UNION ALL SELECT 1 FROM aml_message") == []
    told = str(await house.kyc.rows("SELECT data FROM outbox")) + str(
        await house.kyc.rows("SELECT * FROM audit_event")
    )
    assert NAME.split()[0] not in told

    await acting.ended()
    await house.screening.rescreen()
    assert await measures_told(house) == [(str(acting.firm), "free", "held"), (str(acting.firm), "held", "free")]
    assert await house.kyc.do.screen_representatives() == 0


async def test_a_later_list_finds_who_acts_and_two_release(house: House) -> None:
    acting = await (await acting_for_approved_firm(house)).appointed(person_name=NAME)
    assert await measures_told(house) == []

    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()

    assert await measures_told(house) == [(str(acting.firm), "free", "held")]
    [hit] = await house.screening.hits()
    await house.screening.release(hit)
    assert (await measures_told(house))[-1] == (str(acting.firm), "held", "free")


async def test_nobody_is_approved_whose_representative_is_hit_or_was_not_compared(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    firm = await house.firm()
    [recorded] = await house.kyc.record(said(of_firm(firm), firm))
    acting = Acting(house, firm, new_uuid7())
    await acting.hear("representative_appointed", valid_until=None, person_name=NAME)

    early = await house.kyc.decide(firm, str(recorded.identification_sha256))
    await house.kyc.do.screen_representatives()
    stopped = await house.kyc.decide(firm, str(recorded.identification_sha256))
    [hit] = await house.screening.hits()
    await house.screening.release(hit)
    late = await house.kyc.decide(firm, str(recorded.identification_sha256))

    assert [one.problem and one.problem.code for one in (early, stopped, late)] == [
        "approval_needs_recorded_screening",
        "screening_hit_cannot_be_approved",
        None,
    ]


async def test_its_document_is_compared_whatever_the_register_calls_it_and_it_may_act(house: House) -> None:
    await house.screening.load_persons(LISTED)
    await house.screening.rescreen()
    acting = await (await acting_for_approved_firm(house)).appointed()
    assert list(await house.screening.hits()) == []

    answer = await acting.identify()

    assert (answer.representative_id, answer.participant_id) == (acting.one, acting.firm)
    # The measure first: who hears that it may act knows of it.
    kinds = [(kind, data) for kind, data in await house.kyc.told() if kind != "identification_recorded"][1:]
    assert [kind for kind, _ in kinds] == ["measure_changed", "representative_identified"]
    assert set(kinds[1][1]) == {"participant_id", "representative_id", "identified_at"}
    assert datetime.fromisoformat(kinds[1][1]["identified_at"]) == answer.identified_at
    [hit] = await house.screening.hits()
    assert hit.party_of == acting.firm
    # Another word beside it, none is lost.
    await acting.identify(whole(address="г. Тверь, ул. Учебная, 2"))
    kept = await house.kyc.rows("SELECT person FROM representative_identification ORDER BY number")
    assert [one["person"]["address"][-1] for one in kept] == ["1", "2"]


async def test_what_identifies_nobody_is_refused_and_leaves_no_trace(house: House) -> None:
    acting = await (await acting_for_approved_firm(house)).appointed()
    before = await house.kyc.rows("SELECT count(*) FROM outbox")

    with pytest.raises(NotPermitted):
        await acting.identify(actor=OFFICER)
    with pytest.raises(RepresentativeNotAppointed):
        await acting.identify(representative_id=new_uuid7())
    with pytest.raises(QuestionnaireIncomplete) as refused:
        await acting.identify(whole(document=None, birth_date=date(1700, 1, 1)))
    assert {fault.pointer for fault in refused.value.errors} == {
        "/person/document/number",
        "/person/document/issued_on",
        "/person/document/issued_by",
        "/person/birth_date",
    }
    with pytest.raises(RepresentativeOfAnother):
        await acting.identify(whole(inn=person_inn(2)))
    await acting.ended()
    with pytest.raises(RepresentativeNotAppointed):
        await acting.identify()

    assert await house.kyc.rows("SELECT 1 FROM representative_identification") == []
    assert await house.kyc.rows("SELECT count(*) FROM outbox") == before


async def test_a_representative_who_proves_to_be_an_official_calls_for_a_senior_officer(house: House) -> None:
    acting = await (await acting_for_approved_firm(house)).appointed(person_name=NAME)
    [hit] = await listed_as_official(house)

    await house.screening.decide(hit, HitDecision.CONFIRM)

    assert await terms_told(house) == [str(acting.firm)]
