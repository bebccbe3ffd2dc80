"""The acceptance of the rule book as a signed act: by the participant's own certificate, over this very version."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import Problem
from kapital.platform.acts.files import read_signed_act
from kapital.platform.acts.form import SignedAct
from kapital.platform.acts.problems import (
    QualifiedSignatureRequired,
    SignatureCertificateSuspended,
    SignatureOwnerDiffers,
)
from kapital.platform.acts.setup import acts_of
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.domain.participant import Acceptance
from kapital.registry.reactions import on_certificates
from kapital.registry.use_cases.accept_rule_book import AcceptRuleBook, PrepareRuleBookAct
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.sandbox.certification_authority.authority import POLICY_KC1
from tests.acting import Memory
from tests.registry.conftest import START, World
from tests.registry.people import RULE_BOOK, RULE_BOOK_SHA256, as_participant, investor, person_inn
from tests.registry.test_representatives import Lists
from tests.registry.test_rule_books import MIDNIGHT, NEXT, NEXT_SHA256, agreed

DAY = timedelta(days=1)


class Signing:
    """A registry that believes one authority and asks for a qualified signature."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.files = world, Memory()
        self.authority = Authority.root("Учебный корень", at=START - 9 * DAY)
        (folder / "roots").mkdir(parents=True)
        (folder / "roots" / "root.cer").write_bytes(self.authority.certificates[0])
        # Nothing is said of signatures: an act needs a qualified one when no rule opens it to another.
        settings = Settings(trust_dir=folder, signature_policies=(POLICY_KC1,))
        acts = acts_of(settings, world.clock, self.files).acts
        world.do = replace(world.do, acts=replace(acts, revocation=Lists(world, self.authority)))

    def signer(self, number: int) -> SandboxSigner:
        subject = Subject("Подписант", {"inn": person_inn(number)})
        return SandboxSigner.for_subject(self.authority, subject, clock=self.world.clock)

    def acceptance(self, who: UUID, signer: SandboxSigner | None, **changes: Any) -> AcceptRuleBook:
        """A command with its act; `signed_version` is another version put under the signature."""
        signed_version = changes.pop("signed_version", None)
        said = {
            "rule_book_version": RULE_BOOK,
            "document_sha256": RULE_BOOK_SHA256,
            "personal_data_consent": True,
        } | changes
        command_id, actor, act = self.world.command_id(), as_participant(who), None
        if signer is not None:
            under = said | ({"rule_book_version": signed_version} if signed_version else {})
            prepared = self.world.do.prepare_rule_book_act(
                PrepareRuleBookAct(actor=actor, idempotency_key=command_id, **under)
            )
            act = SignedAct(made_at=prepared.made_at, signature=signer.sign_now(prepared.to_sign()))
        return AcceptRuleBook(command_id=command_id, actor=actor, participant_id=who, signed_act=act, **said)

    async def hear(self, name: str, who: UUID, signer: SandboxSigner) -> None:
        told: dict[str, Any] = {
            "participant_id": str(who),
            "certificate_id": str(new_uuid7()),
            "certificate_sha256": sha256_hex(signer.certificate()),
        }
        if name == "certificate_bound":
            told |= {"valid_until": (START + 300 * DAY).isoformat()}
            told |= {"power_sha256": None, "power_signature_sha256": None}
        else:
            told |= {"end": "suspended", "effective_at": START.isoformat()}
        event = CloudEvent(
            id=new_uuid7(),
            source="/kapital/identity",
            type=f"kapital.identity.{name}.v1",
            subject=str(who),
            time=START,
            data=told,
            correlationid="test",
        )
        async with UnitOfWork(self.world.database, self.world.clock).begin() as tx:
            await on_certificates(tx, [event], watch=self.world.watch)


@pytest.fixture
def signing(world: World, tmp_path: Path) -> Signing:
    return Signing(world, tmp_path)


async def applicant(world: World, number: int) -> UUID:
    [who] = await world.registered(investor(number, acceptance=Acceptance.BY_PARTICIPANT))
    return who


async def test_a_first_acceptance_is_signed_by_the_certificate_of_whoever_applied(signing: Signing) -> None:
    world, who = signing.world, await applicant(signing.world, 1)
    for signer, refused in ((None, QualifiedSignatureRequired), (signing.signer(2), SignatureOwnerDiffers)):
        with pytest.raises(refused):
            await world.do.accept_rule_book(signing.acceptance(who, signer))
    assert await world.state(who) == "applied"
    assert await world.rows("SELECT 1 FROM rule_book_acceptance") == []
    cmd = signing.acceptance(who, signing.signer(1))

    accepted = await world.do.accept_rule_book(cmd)

    assert accepted.state.value == "identifying"
    [row] = await world.rows("SELECT act_file_sha256 FROM rule_book_acceptance")
    file = read_signed_act(await signing.files.get(row["act_file_sha256"]))
    assert RULE_BOOK in file.shown_text
    assert RULE_BOOK_SHA256 in file.shown_text
    assert await world.do.accept_rule_book(cmd) == accepted
    states = await world.rows("SELECT state FROM signed_act ORDER BY received_at")
    assert [row["state"] for row in states] == ["invalid", "valid"]


async def test_a_signature_under_another_version_or_another_consent_accepts_nothing(signing: Signing) -> None:
    world, who = signing.world, await applicant(signing.world, 1)
    sound = signing.acceptance(who, signing.signer(1))
    for cmd in (
        signing.acceptance(who, signing.signer(1), signed_version="another"),
        replace(sound, personal_data_consent=False),
        replace(sound, command_id=world.command_id()),
    ):
        with pytest.raises(Problem) as refused:
            await world.do.accept_rule_book(cmd)
        assert refused.value.code == "signed_text_differs"
    assert await world.state(who) == "applied"


async def test_a_later_version_is_accepted_by_a_certificate_that_identity_has_bound_and_not_after_its_end(
    signing: Signing,
) -> None:
    world, signer = signing.world, signing.signer(1)
    [who] = await world.active(investor(1))
    await agreed(world)
    world.clock.set(MIDNIGHT)
    await world.do.bring_into_force(world.clock.now())
    later = {"rule_book_version": NEXT, "document_sha256": NEXT_SHA256, "personal_data_consent": False}

    with pytest.raises(SignatureOwnerDiffers):
        await world.do.accept_rule_book(signing.acceptance(who, signer, **later))
    await signing.hear("certificate_bound", who, signer)
    await signing.hear("certificate_ended", who, signer)
    with pytest.raises(SignatureCertificateSuspended):
        await world.do.accept_rule_book(signing.acceptance(who, signer, **later))
    await signing.hear("certificate_bound", who, signer)

    accepted = await world.do.accept_rule_book(signing.acceptance(who, signer, **later))

    assert accepted.rule_book_version == NEXT
