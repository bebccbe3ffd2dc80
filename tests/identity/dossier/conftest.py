"""A whole case on a real PostgreSQL: questionnaire, documents, lists, completion, decision."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from kapital.contracts import identity as contract
from kapital.identity.domain.kyc_case import InvestorCategory
from kapital.identity.domain.kyc_document import DocumentVerdict, KycDocumentKind
from kapital.identity.domain.kyc_problems import UNEXPECTED_ANSWER, MalwareScannerUnavailable
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.ports import KycPolicy
from kapital.identity.service import identity_of
from kapital.identity.use_cases.attach_document import AttachDocument
from kapital.identity.use_cases.complete_case import CompleteCase
from kapital.identity.use_cases.fill_questionnaire import FillQuestionnaire
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.clock import SteppedClock
from kapital.platform.objects import ObjectStore
from tests.acting import simple_acts
from tests.identity.conftest import NO_LEDGER, ONBOARDER, World, staff
from tests.identity.dossier.papers import of_firm, of_person, png

SENIOR = staff(7, Role.COMPLIANCE)
OTHER_SENIOR = staff(8, Role.COMPLIANCE)
_CLIENT = text(
    """
    INSERT INTO screening_client (participant_id, particulars_sha256, particulars, recorded_by, recorded_at)
    VALUES (:id, :sha256, '{"kind": "person", "names": []}', 'x', now()) ON CONFLICT DO NOTHING
    """
)
_HIT = text(
    """
    INSERT INTO screening_hit (hit_id, participant_id, source, list_number, entry_uid, entry_sha256,
        particulars_sha256, purpose, grade, score_ppm, reasons, state, raised_at)
    VALUES (gen_random_uuid(), :id, 'opensanctions', 1, :state, 'e', 'p',
        CASE WHEN :state = 'pep' THEN 'pep' ELSE 'sanctions' END, 'exact', 1000000, '[]', :state, now())
    """
)
_RELEASE = text(
    """
    UPDATE screening_hit SET state = 'false_positive', proposed_by = 'a', decided_by = 'b' WHERE participant_id = :id
    """
)


@dataclass
class Scanner:
    """A scanner that says what a test wants; None: it does not answer."""

    verdict: DocumentVerdict | None = DocumentVerdict.CLEAN
    asked: list[bytes] = field(default_factory=list)
    not_judged: bytes | None = None

    async def scan(self, content: bytes) -> DocumentVerdict:
        self.asked.append(content)
        if content == self.not_judged:
            raise MalwareScannerUnavailable(facts={"reason": UNEXPECTED_ANSWER})
        if self.verdict is None:
            raise MalwareScannerUnavailable
        return self.verdict


@dataclass
class Desk(World):
    """The world, and the desk at which a case is made."""

    scanner: Scanner = field(default_factory=Scanner)

    async def fill(
        self,
        participant_id: UUID,
        questionnaire: Questionnaire | None = None,
        *,
        actor: Actor = ONBOARDER,
        version: int | None = None,
    ) -> contract.FilledQuestionnaire:
        return await self.files.fill_questionnaire(
            FillQuestionnaire(
                command_id=self.command_id(),
                actor=actor,
                participant_id=participant_id,
                questionnaire=questionnaire or of_person(participant_id),
                version=version,
            )
        )

    async def attach(
        self,
        participant_id: UUID,
        content: bytes | None = None,
        kind: KycDocumentKind = KycDocumentKind.PASSPORT_RF,
        *,
        actor: Actor = ONBOARDER,
    ) -> contract.KycDocument:
        return await self.files.attach_document(
            AttachDocument(
                command_id=self.command_id(),
                actor=actor,
                participant_id=participant_id,
                kind=kind,
                content=content or png(),
            )
        )

    async def screen(self, participant_id: UUID, hit: str | None = None) -> None:
        """What screening leaves, written as screening writes it; without a hit all are released."""
        async with self.database.engine.begin() as conn:
            await conn.execute(_CLIENT, {"id": participant_id, "sha256": "0" * 64})
            await conn.execute(_RELEASE, {"id": participant_id})
            if hit is not None:
                await conn.execute(_HIT, {"id": participant_id, "state": hit})

    async def complete(
        self,
        participant_id: UUID,
        document_id: UUID,
        version: int,
        *,
        actor: Actor = ONBOARDER,
        simplified: bool = False,
    ) -> str:
        answer = await self.files.complete_case(
            CompleteCase(
                command_id=self.command_id(),
                actor=actor,
                participant_id=participant_id,
                version=version,
                document_id=document_id,
                category=InvestorCategory.UNQUALIFIED,
                is_simplified=simplified,
            )
        )
        assert answer.identification_sha256 is not None
        return answer.identification_sha256

    async def completed(self, participant_id: UUID, questionnaire: Questionnaire | None = None) -> str:
        """Everything from the questionnaire to completion, by one clerk."""
        await self.screen(participant_id)
        filled = await self.fill(participant_id, questionnaire)
        kind = KycDocumentKind.EGRUL_EXTRACT if filled.beneficial_owners else KycDocumentKind.PASSPORT_RF
        document = await self.attach(participant_id, kind=kind)
        return await self.complete(participant_id, document.document_id, filled.version)

    async def firm(self) -> tuple[UUID, Questionnaire]:
        [participant_id] = await self.opened(kind="legal_entity", screened=False)
        return participant_id, of_firm(participant_id)


async def desk_of(database, clock: SteppedClock, folder: Path, policy: KycPolicy | None = None) -> Desk:
    scanner = Scanner()
    service = identity_of(
        database,
        clock,
        ledger=NO_LEDGER,
        acts=simple_acts(clock),
        objects=ObjectStore(folder),
        scanner=scanner,
        policy=policy,
    )
    return Desk(
        database,
        clock,
        service.use_cases,
        service.reads,
        service.screening,
        service.dossiers,
        service.dossier_reads,
        scanner=scanner,
    )


@pytest_asyncio.fixture
async def desk(make_database, clock: SteppedClock, tmp_path: Path) -> Desk:
    database = await make_database("identity", "kapital.identity.migrations", pool_size=10)
    return await desk_of(database, clock, tmp_path / "objects")
