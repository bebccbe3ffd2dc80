"""A participant's standing: state, grounds of restriction, and what moves them. No personal data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.problems import ensure
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.problems import (
    ClosingHashMustMatch,
    ClosingNeedsAnotherPerson,
    LiftNeedsAnotherOfficer,
    RestrictionAlreadySet,
    RestrictionNotSet,
)
from kapital.registry.domain.states import ENDED, HAS_WALLET, PARTICIPANT, ParticipantState

_S = ParticipantState


class Restriction(StrEnum):
    """A ground for which a participant is restricted; several may hold at once."""

    KYC = "kyc"  # The identification does not hold.
    CERTIFICATE = "certificate"  # One is needed, and none is bound that may sign.
    OFFICER = "officer"  # A compliance or AML officer ordered it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Who asked that the relation end, when, on what basis: what another person decides on, by its hash."""

    participant_id: UUID
    asked_by: str
    asked_at: datetime
    basis_reference: str

    @property
    def sha256(self) -> str:
        """Hash (hex) of the RFC 8785 form."""
        said = {
            "asked_at": self.asked_at.isoformat(),
            "asked_by": self.asked_by,
            "basis_reference": self.basis_reference,
            "participant_id": str(self.participant_id),
        }
        return sha256(canonical_bytes(said)).hexdigest()

    def require_decidable(self, officer_id: str, seen_sha256: str) -> None:
        """Return if the officer may decide on it. Raises: ClosingHashMustMatch, ClosingNeedsAnotherPerson."""
        if seen_sha256 != self.sha256:
            raise ClosingHashMustMatch
        if officer_id == self.asked_by:
            raise ClosingNeedsAnotherPerson


@dataclass(slots=True, kw_only=True)
class Participant:
    """A participant's standing, without personal data. `version` counts its changes, from 1.

    A freeze lies over the state that it interrupted (`frozen_from`): news of the identification moves that one on,
    and a release goes back to it.
    """

    participant_id: UUID
    roles: frozenset[ParticipantRole]
    state: ParticipantState = ParticipantState.APPLIED
    frozen_from: ParticipantState | None = None
    restrictions: frozenset[Restriction] = frozenset()
    restricted_by: str | None = None
    """Pseudonym of the officer whose restriction is in force."""
    version: int = 1

    @property
    def position(self) -> ParticipantState:
        """The state, or the one under a freeze."""
        return self.state if self.frozen_from is None else self.frozen_from

    @property
    def awaits_wallet(self) -> bool:
        """True when approval has come, nothing is frozen, and the ledger entry has not come."""
        return self.state is _S.APPROVED

    @property
    def has_ended(self) -> bool:
        """True when no news changes anything any more."""
        return self.state in ENDED

    def accept_rule_book(self) -> None:
        """Go on to identification: the version in force is accepted. Raises: WrongState."""
        self._step("rule_book_accepted")

    # --- news of the identification: in any order, and of an ended relation without effect

    def note_identification(self) -> None:
        """Take in that documents were recorded; of no effect where that is known already."""
        if self._hears() and self.position is _S.IDENTIFYING:
            self._step("identified")

    def refer_kyc(self) -> None:
        """Take in that a person has to look at the identification: hit, high risk or doubt."""
        self.note_identification()
        if self._hears() and self.position is _S.SCREENING:
            self._step("referred")

    def approve_kyc(self) -> None:
        """Take in that two persons approved the identification: the first time, or a renewal.

        Raises: WrongState when it was rejected, or the rule book is not accepted.
        """
        if not self._hears():
            return
        self.note_identification()
        if self.position is _S.SCREENING:
            self._step("screening_cleared")
        elif self.position is _S.REVIEW:
            self._step("approved")
        elif self.position is _S.APPLIED:
            PARTICIPANT.step(self.position, "screening_cleared")
        else:
            self._drop(Restriction.KYC)

    def reject_kyc(self) -> None:
        """Take in that two persons rejected the identification.

        An applicant is rejected for good; an active participant, whose renewal failed, keeps what it has and
        is restricted. Raises: WrongState when it was rejected before.
        """
        if not self._hears():
            return
        if self.position in {_S.IDENTIFYING, _S.SCREENING, _S.REVIEW}:
            self.release()
            self.refer_kyc()
            self._step("rejected")
            return
        self.expire_kyc()

    def expire_kyc(self) -> None:
        """Take in that the identification does not hold any more. Raises: WrongState when nothing was approved."""
        if not self._hears():
            return
        if self.position not in HAS_WALLET and self.position is not _S.APPROVED:
            PARTICIPANT.step(self.position, "restricted")
        self._add(Restriction.KYC)

    def follow_certificate(self, *, is_missing: bool) -> None:
        """Take in whether a certificate is needed and none may sign: of effect on who has a wallet."""
        if is_missing and self.position in HAS_WALLET:
            self._add(Restriction.CERTIFICATE)
        elif not is_missing and not self.has_ended:
            self._drop(Restriction.CERTIFICATE)

    def freeze(self) -> None:
        """Freeze at once whatever the state; of no effect when frozen already, or ended."""
        if self.state is _S.FROZEN or self.has_ended:
            return
        interrupted = self.state
        self._step("frozen")
        self.frozen_from = interrupted

    def release(self) -> None:
        """Go back to what the freeze interrupted, as it stands by now; of no effect when nothing is frozen."""
        if self.frozen_from is None:
            return
        back, self.frozen_from = self.frozen_from, None
        self._step(f"released_to_{back}")

    def end_term(self) -> None:
        """End an application that was not decided in its term. Raises: WrongState; under a freeze it goes on."""
        self.require("term_ended")
        self._step("term_ended")

    def open_wallet(self) -> None:
        """Become active; the ledger entry that opens the wallet is committed. Raises: WrongState."""
        self._step("wallet_opened")
        # The identification may have lapsed between approval and wallet, under a freeze.
        if self.restrictions:
            self._step("restricted")

    def take_roles(self, roles: frozenset[ParticipantRole]) -> bool:
        """Hold these roles from now on; whether anything changed."""
        if roles == self.roles:
            return False
        self.roles = roles
        self.version += 1
        return True

    # --- acts of officers

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

    def ask_closing(self) -> None:
        """Go on to the end of the relation; the wallet was found empty. Raises: WrongState."""
        self.require("closing_asked")
        self._step("closing_asked")

    def refuse_closing(self) -> None:
        """Go on with the relation. Raises: WrongState."""
        self.require("closing_refused")
        self._step("closing_refused_restricted" if self.restrictions else "closing_refused")

    def close(self) -> None:
        """End the relation; the ledger has closed the empty wallet. Raises: WrongState."""
        self.require("closed")
        self._step("closed")

    def require(self, on: str) -> None:
        """Return if `on` can happen in the state itself, not only under a freeze. Raises: WrongState."""
        PARTICIPANT.step(self.state, on)

    # --- parts

    def _hears(self) -> bool:
        """Whether news of the identification matters. Raises: WrongState for a rejected applicant: identity
        contradicts itself, and a person has to look."""
        if self.state is _S.REJECTED:
            PARTICIPANT.step(self.state, "identified")
        return not self.has_ended

    def _add(self, ground: Restriction) -> None:
        if ground in self.restrictions:
            return
        if self.position in {_S.ACTIVE, _S.RESTRICTED}:
            self._step("restricted")
        else:
            self.version += 1
        self.restrictions |= {ground}

    def _drop(self, ground: Restriction) -> None:
        if ground not in self.restrictions:
            return
        self.restrictions -= {ground}
        if self.position is _S.RESTRICTED and not self.restrictions:
            self._step("restored")
        else:
            self.version += 1

    def _step(self, on: str) -> None:
        if self.frozen_from is None:
            self.state = PARTICIPANT.step(self.state, on).target
        else:
            self.frozen_from = PARTICIPANT.step(self.frozen_from, on).target
            ensure(self.frozen_from not in ENDED, "what is frozen does not end under the freeze")
        self.version += 1
