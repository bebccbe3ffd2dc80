"""The commands of the registry bound to their parts, counted and timed: what routes and other programs call."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kapital.contracts import registry as contract
from kapital.custody.api import Custody
from kapital.kernel.actor import Actor
from kapital.ledger.api import Ledger
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.form import Act
from kapital.platform.telemetry import use_case
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.ports import (
    AccessStore,
    ExtractPages,
    HolderDisclosureStore,
    MandateStore,
    ParticipantStore,
    RepresentativeStore,
    RuleBookStore,
    SecretSource,
    ShownRepresentative,
    StaffStore,
    StatusStore,
)
from kapital.registry.use_cases import (
    accept_mandate as accepting_mandates,
)
from kapital.registry.use_cases import (
    accept_rule_book as accepting,
)
from kapital.registry.use_cases import (
    appoint_representative,
    change_staff,
    change_status,
    close_participant,
    end_mandate,
    end_staff,
    expire_applications,
    give_mandate,
    issue_access_token,
    lift_restriction,
    register_participants,
    register_staff,
    restrict_participant,
    revoke_access_token,
    rule_book_life,
    sign_register_extract,
)
from kapital.registry.use_cases import (
    disclose_holders as disclosing,
)
from kapital.registry.use_cases import (
    end_representative as ending,
)
from kapital.registry.use_cases.mandate_parts import MandateParts
from kapital.registry.use_cases.status_changes import StatusParts


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryUseCases:
    """Each method is the use case of its name; see there for promises and refusals."""

    uow: UnitOfWork
    participants: ParticipantStore
    access: AccessStore
    staff: StaffStore
    secrets: SecretSource
    new_id: Callable[[], UUID]
    rule_books: RuleBookStore
    ledger: Ledger
    custody: Custody
    operator: str
    extract_pages: ExtractPages
    forget_token: Callable[[bytes], None]
    representatives: RepresentativeStore
    show_representative: ShownRepresentative
    acts: Acts
    statuses: StatusStore
    disclosures: HolderDisclosureStore
    mandates: MandateStore

    async def register_participants(
        self, cmd: register_participants.RegisterParticipants
    ) -> contract.RegisterParticipantsResponse:
        """See `use_cases.register_participants`."""
        async with use_case("registry.register_participants"):
            return await register_participants.register_participants(
                cmd,
                uow=self.uow,
                participants=self.participants,
                secrets=self.secrets,
                new_id=self.new_id,
                rule_books=self.rule_books,
                statuses=self.statuses,
                files=self.acts.files,
            )

    async def restrict_participant(
        self, cmd: restrict_participant.RestrictParticipant
    ) -> contract.ParticipantStateAnswer:
        """See `use_cases.restrict_participant`."""
        async with use_case("registry.restrict_participant"):
            return await restrict_participant.restrict_participant(cmd, uow=self.uow, participants=self.participants)

    async def lift_restriction(self, cmd: lift_restriction.LiftRestriction) -> contract.ParticipantStateAnswer:
        """See `use_cases.lift_restriction`."""
        async with use_case("registry.lift_restriction"):
            return await lift_restriction.lift_restriction(cmd, uow=self.uow, participants=self.participants)

    async def register_staff(self, cmd: register_staff.RegisterStaff) -> contract.Staff:
        """See `use_cases.register_staff`."""
        async with use_case("registry.register_staff"):
            return await register_staff.register_staff(cmd, uow=self.uow, staff=self.staff, new_id=self.new_id)

    async def end_staff(self, cmd: end_staff.EndStaff) -> contract.EndedStaff:
        """See `use_cases.end_staff`."""
        async with use_case("registry.end_staff"):
            return await end_staff.end_staff(
                cmd, uow=self.uow, staff=self.staff, access=self.access, forget=self.forget_token
            )

    async def propose_staff_change(self, cmd: change_staff.ProposeStaffChange) -> contract.StaffChange:
        """See `use_cases.change_staff`."""
        async with use_case("registry.propose_staff_change"):
            return await change_staff.propose_staff_change(cmd, parts=self._staff_parts())

    async def decide_staff_change(self, cmd: change_staff.DecideStaffChange) -> contract.StaffChange:
        """See `use_cases.change_staff`."""
        async with use_case("registry.decide_staff_change"):
            return await change_staff.decide_staff_change(cmd, parts=self._staff_parts())

    async def expire_staff_terms(self, now: datetime) -> int:
        """See `use_cases.change_staff`."""
        return await change_staff.expire_staff_terms(now, parts=self._staff_parts())

    async def issue_access_token(self, cmd: issue_access_token.IssueAccessToken) -> contract.IssuedAccessToken:
        """See `use_cases.issue_access_token`."""
        async with use_case("registry.issue_access_token"):
            return await issue_access_token.issue_access_token(
                cmd,
                uow=self.uow,
                participants=self.participants,
                access=self.access,
                staff=self.staff,
                secrets=self.secrets,
                new_id=self.new_id,
                representatives=self.representatives,
                acts=self.acts,
            )

    async def revoke_access_token(self, cmd: revoke_access_token.RevokeAccessToken) -> contract.RevokedAccessToken:
        """See `use_cases.revoke_access_token`."""
        async with use_case("registry.revoke_access_token"):
            return await revoke_access_token.revoke_access_token(
                cmd, uow=self.uow, access=self.access, forget=self.forget_token
            )

    async def accept_rule_book(self, cmd: accepting.AcceptRuleBook) -> contract.RuleBookAcceptance:
        """See `use_cases.accept_rule_book`."""
        async with use_case("registry.accept_rule_book"):
            return await accepting.accept_rule_book(
                cmd,
                parts=accepting.AcceptingParts(
                    uow=self.uow,
                    participants=self.participants,
                    representatives=self.representatives,
                    rule_books=self.rule_books,
                    acts=self.acts,
                    secrets=self.secrets,
                ),
            )

    def prepare_rule_book_act(self, cmd: accepting.PrepareRuleBookAct) -> Act:
        """See `use_cases.accept_rule_book`."""
        return accepting.prepare_rule_book_act(cmd, uow=self.uow)

    async def request_closing(self, cmd: close_participant.RequestClosing) -> contract.ClosingRequested:
        """See `use_cases.close_participant`."""
        async with use_case("registry.request_closing"):
            return await close_participant.request_closing(cmd, parts=self._closing())

    async def decide_closing(self, cmd: close_participant.DecideClosing) -> contract.ParticipantStateAnswer:
        """See `use_cases.close_participant`."""
        async with use_case("registry.decide_closing"):
            return await close_participant.decide_closing(cmd, parts=self._closing())

    async def appoint_representative(
        self, cmd: appoint_representative.AppointRepresentative
    ) -> contract.Representative:
        """See `use_cases.appoint_representative`."""
        async with use_case("registry.appoint_representative"):
            return await appoint_representative.appoint_representative(
                cmd,
                uow=self.uow,
                participants=self.participants,
                representatives=self.representatives,
                acts=self.acts,
                secrets=self.secrets,
                new_id=self.new_id,
                show=self.show_representative,
            )

    async def end_representative(self, cmd: ending.EndRepresentative) -> contract.Representative:
        """See `use_cases.end_representative`."""
        async with use_case("registry.end_representative"):
            return await ending.end_representative(cmd, uow=self.uow, parts=self._ending())

    async def expire_representatives(self, now: datetime) -> int:
        """See `use_cases.end_representative`."""
        return await ending.expire_representatives(now, uow=self.uow, parts=self._ending())

    async def propose_status(self, cmd: change_status.ProposeStatus) -> contract.ParticipantStatus:
        """See `use_cases.change_status`."""
        async with use_case("registry.propose_status"):
            return await change_status.propose_status(
                cmd, uow=self.uow, parts=self._status_parts(), new_id=self.new_id
            )

    async def decide_status(self, cmd: change_status.DecideStatus) -> contract.ParticipantStatus:
        """See `use_cases.change_status`."""
        async with use_case("registry.decide_status"):
            return await change_status.decide_status(cmd, uow=self.uow, parts=self._status_parts())

    async def withdraw_status(self, cmd: change_status.WithdrawStatus) -> contract.ParticipantStatus:
        """See `use_cases.change_status`."""
        async with use_case("registry.withdraw_status"):
            return await change_status.withdraw_status(cmd, uow=self.uow, parts=self._status_parts())

    async def expire_statuses(self, now: datetime) -> int:
        """See `use_cases.change_status`."""
        return await change_status.expire_statuses(now, uow=self.uow, parts=self._status_parts())

    async def request_holder_disclosure(self, cmd: disclosing.RequestHolderDisclosure) -> contract.HolderDisclosure:
        """See `use_cases.disclose_holders`."""
        async with use_case("registry.request_holder_disclosure"):
            return await disclosing.request_holder_disclosure(cmd, parts=self._disclosure_parts())

    async def disclose_holders(self, cmd: disclosing.DiscloseHolders) -> contract.HolderDisclosure:
        """See `use_cases.disclose_holders`."""
        async with use_case("registry.disclose_holders"):
            return await disclosing.disclose_holders(cmd, parts=self._disclosure_parts())

    async def note_overdue_disclosures(self, now: datetime) -> int:
        """See `use_cases.disclose_holders`."""
        return await disclosing.note_overdue_disclosures(now, parts=self._disclosure_parts())

    async def give_mandate(self, cmd: give_mandate.GiveMandate) -> contract.Mandate:
        """See `use_cases.give_mandate`."""
        async with use_case("registry.give_mandate"):
            return await give_mandate.give_mandate(cmd, parts=self._mandate_parts())

    async def accept_mandate(self, cmd: accepting_mandates.AcceptMandate) -> contract.Mandate:
        """See `use_cases.accept_mandate`."""
        async with use_case("registry.accept_mandate"):
            return await accepting_mandates.accept_mandate(cmd, parts=self._mandate_parts())

    async def end_mandate(self, cmd: end_mandate.EndMandate) -> contract.Mandate:
        """See `use_cases.end_mandate`."""
        async with use_case("registry.end_mandate"):
            return await end_mandate.end_mandate(cmd, parts=self._mandate_parts())

    def prepare_mandate_act(self, cmd: accepting_mandates.PrepareMandateAct) -> Act:
        """See `use_cases.accept_mandate`."""
        return accepting_mandates.prepare_mandate_act(cmd, uow=self.uow)

    async def draft_rule_book(self, cmd: rule_book_life.DraftRuleBook) -> contract.RuleBook:
        """See `use_cases.rule_book_life`."""
        async with use_case("registry.draft_rule_book"):
            return await rule_book_life.draft_rule_book(cmd, uow=self.uow, rule_books=self.rule_books)

    async def move_rule_book(self, cmd: rule_book_life.MoveRuleBook) -> contract.RuleBook:
        """See `use_cases.rule_book_life`."""
        async with use_case("registry.move_rule_book"):
            return await rule_book_life.move_rule_book(cmd, uow=self.uow, rule_books=self.rule_books)

    async def sign_register_extract(self, cmd: sign_register_extract.SignRegisterExtract) -> contract.SignedExtract:
        """See `use_cases.sign_register_extract`."""
        async with use_case("registry.sign_register_extract"):
            return await sign_register_extract.sign_register_extract(
                cmd, uow=self.uow, custody=self.custody, operator=self.operator, pages=self.extract_pages
            )

    async def extract_lines(self, *, actor: Actor, at: datetime) -> AsyncIterator[bytes]:
        """See `use_cases.sign_register_extract.lines_of`."""
        async with self.uow.begin() as tx:
            async for line in sign_register_extract.lines_of(tx, actor=actor, at=at, pages=self.extract_pages):
                yield line

    async def begin_with_rule_book(self, version: str, document_sha256: str | None) -> None:
        """See `use_cases.rule_book_life`."""
        await rule_book_life.begin_with_rule_book(version, document_sha256, uow=self.uow, rule_books=self.rule_books)

    async def bring_into_force(self, now: datetime) -> str:
        """See `use_cases.rule_book_life`."""
        return await rule_book_life.bring_into_force(now, uow=self.uow, rule_books=self.rule_books)

    async def expire_applications(self, now: datetime) -> int:
        """See `use_cases.expire_applications`."""
        return await expire_applications.expire_applications(now, uow=self.uow, participants=self.participants)

    def _closing(self) -> close_participant.ClosingParts:
        return close_participant.ClosingParts(
            uow=self.uow,
            participants=self.participants,
            ledger=self.ledger,
            new_id=self.new_id,
            ending=self._ending(),
            mandates=self.mandates,
        )

    def _staff_parts(self) -> change_staff.StaffParts:
        return change_staff.StaffParts(
            uow=self.uow,
            staff=self.staff,
            access=self.access,
            new_id=self.new_id,
            forget=self.forget_token,
        )

    def _status_parts(self) -> StatusParts:
        return StatusParts(
            statuses=self.statuses,
            participants=self.participants,
            access=self.access,
            mandates=self.mandates,
            forget=self.forget_token,
        )

    def _mandate_parts(self) -> MandateParts:
        return MandateParts(
            uow=self.uow,
            participants=self.participants,
            representatives=self.representatives,
            mandates=self.mandates,
            acts=self.acts,
            new_id=self.new_id,
        )

    def _disclosure_parts(self) -> disclosing.DisclosureParts:
        return disclosing.DisclosureParts(
            uow=self.uow,
            participants=self.participants,
            disclosures=self.disclosures,
            ledger=self.ledger,
            new_id=self.new_id,
        )

    def _ending(self) -> ending.EndingParts:
        return ending.EndingParts(
            representatives=self.representatives,
            access=self.access,
            forget=self.forget_token,
            show=self.show_representative,
        )
