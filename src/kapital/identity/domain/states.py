"""The life of an identification case (115-FZ art. 7)."""

from enum import StrEnum
from typing import Final

from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class CaseState(StrEnum):
    """Where a case (дело об идентификации) stands."""

    OPENED = "opened"
    IDENTIFIED = "identified"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # An approval that a later decision replaced before its term.


_S = CaseState

KYC_CASE: Final = StateMachine(
    "kyc_case",
    (
        Step(_S.OPENED, "identification_recorded", _S.IDENTIFIED, Role.ONBOARDING),
        Step(_S.IDENTIFIED, "approved", _S.APPROVED, Role.AML_OFFICER, True, "another person; no hit"),
        Step(_S.IDENTIFIED, "rejected", _S.REJECTED, Role.AML_OFFICER, True, "another person"),
        Step(_S.APPROVED, "term_ended", _S.EXPIRED, Role.SCHEDULER, guard="valid_until has come"),
        Step(_S.APPROVED, "superseded", _S.SUPERSEDED, Role.AML_OFFICER, True, "a renewal was decided"),
    ),
    terminal=(_S.REJECTED, _S.EXPIRED, _S.SUPERSEDED),
    initial=_S.OPENED,
)
