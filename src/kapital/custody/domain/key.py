"""A signing key (ключ электронной подписи) as custody keeps it, and how acts change it. No secrets here."""

from datetime import datetime
from uuid import UUID

import msgspec

from kapital.custody.domain.problems import PersonMustAct, ResumeNeedsAnotherPerson
from kapital.custody.domain.profiles import KeyProfile, issuer_key_name
from kapital.custody.domain.states import KEY_LIFE, KeyState
from kapital.kernel.actor import Actor
from kapital.kernel.problems import StaleVersion


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `resume_requested_by` is the pseudonym of the person who asked for its return."""

    key_id: UUID
    name: str
    profile: KeyProfile
    public_key: bytes
    state: KeyState
    version: int
    created_at: datetime
    resume_requested_by: str | None = None

    def stepped(self, on: str) -> "Key":
        """The key after event `on`. Raises: WrongState."""
        target = KEY_LIFE.step(self.state, on).target
        return msgspec.structs.replace(self, state=target, version=self.version + 1, resume_requested_by=None)

    def require_version(self, version: int) -> None:
        """Return if the person decided on the key as it is now. Raises: StaleVersion."""
        if version != self.version:
            raise StaleVersion(facts={"version": self.version, "version_given": version})

    def resumed_by(self, actor: Actor, version: int) -> "Key":
        """The key after a request for its return, or after another person granted it (domain.md 3.2: 2E).

        The grantor names the version that the request made, so that nobody grants a request not seen.
        Raises: WrongState, StaleVersion, PersonMustAct, ResumeNeedsAnotherPerson.
        """
        active = self.stepped("resumed")
        self.require_version(version)
        if actor.id.startswith("machine:"):
            raise PersonMustAct
        if self.resume_requested_by is None:
            return msgspec.structs.replace(self, version=self.version + 1, resume_requested_by=actor.id)
        if self.resume_requested_by == actor.id:
            raise ResumeNeedsAnotherPerson
        return active

    def is_of(self, participant_id: UUID | None) -> bool:
        """Whether it is the key of this issuer."""
        named = participant_id is not None and self.name == issuer_key_name(participant_id)
        return named and self.profile is KeyProfile.ISSUER
