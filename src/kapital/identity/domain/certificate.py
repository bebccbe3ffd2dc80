"""A certificate of a signature bound to a participant, and the numbers by which the state knows the participant."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from kapital.identity.domain.problems import MakerAndCheckerMustDiffer, OwnerNumbersMustStay
from kapital.identity.domain.states import CERTIFICATE, CertificateState
from kapital.kernel.actor import Actor


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One binding. `encoded` is the certificate in DER: personal data, which leaves by no route and no event.

    `power_sha256` and `power_signature_sha256` name the power of attorney of an employee in the object store.
    """

    certificate_id: UUID
    participant_id: UUID
    certificate_sha256: str
    encoded: bytes
    power_sha256: str | None
    power_signature_sha256: str | None
    state: CertificateState
    valid_until: datetime
    bound_by: str
    bound_at: datetime
    changed_by: str
    changed_at: datetime

    def moved(self, on: str, *, by: Actor, at: datetime) -> "Certificate":
        """The binding after the step. Raises: WrongState, MakerAndCheckerMustDiffer."""
        step = CERTIFICATE.step(self.state, on)
        if on == "restored" and by.id == self.changed_by:
            raise MakerAndCheckerMustDiffer
        return msgspec.structs.replace(self, state=step.target, changed_by=by.id, changed_at=at)


def require_same_numbers(kept: Mapping[str, str], seen: Mapping[str, str]) -> None:
    """Numbers once seen do not change silently. Raises: OwnerNumbersMustStay."""
    for name in sorted(kept.keys() & seen.keys()):
        if kept[name] != seen[name]:
            raise OwnerNumbersMustStay(facts={"number": name})
