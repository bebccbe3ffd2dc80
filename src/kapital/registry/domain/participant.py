"""The participant (участник): a person or entity in the register, told apart by a pseudonym."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7
from kapital.registry.domain.inn import require_valid_inn
from kapital.registry.domain.problems import (
    IssuerMustBeEntity,
    LiftNeedsAnotherOfficer,
    NameBlank,
    RestrictionAlreadySet,
    RestrictionNotSet,
    RuleBookVersionNotInForce,
)
from kapital.registry.domain.states import PARTICIPANT, ParticipantState, WalletProfile


class ParticipantKind(StrEnum):
    """What the participant is in law."""

    NATURAL_PERSON = "natural_person"
    SOLE_PROPRIETOR = "sole_proprietor"  # индивидуальный предприниматель
    LEGAL_ENTITY = "legal_entity"


class ParticipantRole(StrEnum):
    """As what the participant acts in the system."""

    INVESTOR = "investor"
    ISSUER = "issuer"


class Restriction(StrEnum):
    """A ground for which a participant is restricted; several may hold at once."""

    KYC = "kyc"  # The identification does not hold.
    OFFICER = "officer"  # A compliance or AML officer ordered it.


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What an applicant says. Holds personal data: never logged, never in an event."""

    kind: ParticipantKind
    name: str
    inn: str
    roles: frozenset[ParticipantRole]
    rule_book_version: str

    def __repr__(self) -> str:
        """Without the personal data, so that no traceback or log can show it."""
        return f"Application(kind={self.kind.value!r})"


def examine_application(application: Application, *, rule_book_version: str) -> None:
    """Return if the application may be entered into the register.

    Raises: RuleBookVersionNotInForce, NameBlank, InnInvalid, IssuerMustBeEntity – in this order of precedence.
    """
    if application.rule_book_version != rule_book_version:
        raise RuleBookVersionNotInForce(
            facts={"accepted": application.rule_book_version, "in_force": rule_book_version}
        )
    if not application.name.strip():
        raise NameBlank
    require_valid_inn(application.inn, legal_entity=application.kind is ParticipantKind.LEGAL_ENTITY)
    if ParticipantRole.ISSUER in application.roles and application.kind is ParticipantKind.NATURAL_PERSON:
        raise IssuerMustBeEntity


def wallet_id_of(participant_id: UUID) -> UUID:
    """The one wallet of a participant; derived, so that a repeated opening meets the first."""
    return derive_uuid7(participant_id, "wallet")


def wallet_opening_id_of(participant_id: UUID) -> UUID:
    """Id of the ledger transaction that opens the wallet: a repeat is answered with the first entry."""
    return derive_uuid7(participant_id, "open-wallet")


def wallet_profile_of(roles: frozenset[ParticipantRole]) -> WalletProfile:
    """An issuer's wallet is ISSUER; others CLIENT_MANAGED, for no client key can be bound in this version."""
    return WalletProfile.ISSUER if ParticipantRole.ISSUER in roles else WalletProfile.CLIENT_MANAGED


@dataclass(slots=True, kw_only=True)
class Participant:
    """A participant's standing, without personal data. `version` counts its changes, from 1."""

    participant_id: UUID
    roles: frozenset[ParticipantRole]
    state: ParticipantState = ParticipantState.APPLIED
    restrictions: frozenset[Restriction] = frozenset()
    restricted_by: str | None = None
    """Pseudonym of the officer whose restriction is in force."""
    version: int = 1

    def accept_rule_book(self) -> None:
        """Go on to identification; the application carried the accepted version."""
        self._step("rule_book_accepted")

    @property
    def awaits_wallet(self) -> bool:
        """True when approval has come and the ledger entry has not."""
        return self.state is ParticipantState.APPROVED

    def approve_kyc(self) -> None:
        """Take in that two persons approved the identification: the first time, or a renewal.

        Raises: WrongState when the participant was rejected or closed, or is not yet under identification.
        """
        if self.state is ParticipantState.IDENTIFYING:
            self._step("identified")
            self._step("screening_cleared")
            return
        self._require_known()
        self._drop(Restriction.KYC)

    def reject_kyc(self) -> None:
        """Take in that two persons rejected the identification.

        An applicant is rejected for good; an active participant, whose renewal failed, keeps what it has and
        is restricted. Raises: WrongState.
        """
        if self.state is ParticipantState.IDENTIFYING:
            for on in ("identified", "referred", "rejected"):
                self._step(on)
            return
        self._require_known()
        self._add(Restriction.KYC)

    def expire_kyc(self) -> None:
        """Take in that the identification does not hold any more. Raises: WrongState."""
        self._require_known()
        self._add(Restriction.KYC)

    def open_wallet(self) -> None:
        """Become active; the ledger entry that opens the wallet is committed. Raises: WrongState."""
        self._step("wallet_opened")

    def restrict(self, officer_id: str) -> None:
        """Restrict by an officer's order. Raises: RestrictionAlreadySet, WrongState."""
        if Restriction.OFFICER in self.restrictions:
            raise RestrictionAlreadySet
        self._step("restricted")
        self.restrictions |= {Restriction.OFFICER}
        self.restricted_by = officer_id

    def lift_restriction(self, officer_id: str) -> None:
        """Lift the officer's restriction; another ground may still hold.

        Raises: RestrictionNotSet, LiftNeedsAnotherOfficer.
        """
        if Restriction.OFFICER not in self.restrictions:
            raise RestrictionNotSet
        if officer_id == self.restricted_by:
            raise LiftNeedsAnotherOfficer
        self.restricted_by = None
        self._drop(Restriction.OFFICER)

    def _require_known(self) -> None:
        """Only who has a wallet can be restricted or restored: say so in the words of the state table."""
        if self.state not in {ParticipantState.RESTRICTED, ParticipantState.FROZEN, ParticipantState.CLOSING}:
            PARTICIPANT.step(self.state, "restricted")

    def _add(self, ground: Restriction) -> None:
        if ground in self.restrictions:
            return
        if self.state in {ParticipantState.ACTIVE, ParticipantState.RESTRICTED}:
            self._step("restricted")
        else:
            self.version += 1
        self.restrictions |= {ground}

    def _drop(self, ground: Restriction) -> None:
        if ground not in self.restrictions:
            return
        self.restrictions -= {ground}
        if self.state is ParticipantState.RESTRICTED and not self.restrictions:
            self._step("restored")
        else:
            self.version += 1

    def _step(self, on: str) -> None:
        self.state = PARTICIPANT.step(self.state, on).target
        self.version += 1
