"""The life of an identification case (115-FZ art. 7)."""

from enum import StrEnum
from typing import Final

from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class CaseState(StrEnum):
    """Where a case (дело об идентификации) stands."""

    OPENED = "opened"
    IDENTIFIED = "identified"
    AWAITING_SENIOR = "awaiting_senior"  # A public official: approved by an officer, decided by a senior one.
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
        Step(_S.IDENTIFIED, "endorsed", _S.AWAITING_SENIOR, Role.AML_OFFICER, True, "a public official"),
        Step(_S.AWAITING_SENIOR, "approved", _S.APPROVED, Role.COMPLIANCE, True, "a third person; no hit"),
        Step(_S.AWAITING_SENIOR, "rejected", _S.REJECTED, Role.COMPLIANCE, True, "a third person"),
        Step(_S.APPROVED, "term_ended", _S.EXPIRED, Role.SCHEDULER, guard="valid_until has come"),
        Step(_S.APPROVED, "doubted", _S.APPROVED, Role.AML_OFFICER, guard="its term is shortened; or COMPLIANCE"),
        Step(_S.APPROVED, "superseded", _S.SUPERSEDED, Role.AML_OFFICER, True, "a renewal was decided"),
    ),
    terminal=(_S.REJECTED, _S.EXPIRED, _S.SUPERSEDED),
    initial=_S.OPENED,
)


class ListVersionState(StrEnum):
    """Where a version of a sanction list (версия перечня) stands."""

    HELD = "held"  # It lost so many entries that a person must look first.
    IN_FORCE = "in_force"  # Clients are compared with it.
    REJECTED = "rejected"  # A person found the file faulty.
    SUPERSEDED = "superseded"  # A later version came into force.


_L = ListVersionState

LIST_VERSION: Final = StateMachine(
    "screening_list_version",
    (
        Step(_L.HELD, "approved", _L.IN_FORCE, Role.AML_OFFICER, True, "another person than who loaded it"),
        Step(_L.HELD, "rejected", _L.REJECTED, Role.AML_OFFICER, True, "another person than who loaded it"),
        Step(_L.IN_FORCE, "superseded", _L.SUPERSEDED, Role.AML_OFFICER, guard="a later version comes into force"),
    ),
    terminal=(_L.REJECTED, _L.SUPERSEDED),
    initial={_L.HELD, _L.IN_FORCE},
)


class HitState(StrEnum):
    """Where a hit (совпадение с перечнем) stands; with the freeze it brings (115-FZ art. 7(1)(6), domain.md 3.8)."""

    SUSPECTED = "suspected"  # A likeness: operations are held until a person decides.
    FROZEN = "frozen"  # The person of the list: property is frozen.
    PEP = "pep"  # A public official: served with senior approval.
    FALSE_POSITIVE = "false_positive"  # Somebody else; the pair is not raised again.
    RELEASED = "released"  # The measure has ended.


_H = HitState

SCREENING_HIT: Final = StateMachine(
    "screening_hit",
    (
        Step(_H.SUSPECTED, "confirmed", _H.FROZEN, Role.AML_OFFICER, guard="the entry stands in a list of sanctions"),
        Step(_H.SUSPECTED, "confirmed_pep", _H.PEP, Role.AML_OFFICER, guard="the entry is a public official"),
        Step(_H.SUSPECTED, "released", _H.FALSE_POSITIVE, Role.AML_OFFICER, True, "proposed by another officer"),
        Step(_H.FROZEN, "released", _H.RELEASED, Role.AML_OFFICER, True, "proposed by another officer"),
        Step(_H.PEP, "released", _H.RELEASED, Role.AML_OFFICER, True, "proposed by another officer"),
    ),
    terminal=(_H.FALSE_POSITIVE, _H.RELEASED),
    initial={_H.SUSPECTED, _H.FROZEN},
)


class CertificateState(StrEnum):
    """Where the binding of a certificate of a signature (сертификат ключа проверки подписи) stands."""

    ACTIVE = "active"  # Acts may be signed with it.
    SUSPENDED = "suspended"  # Stopped at once by the participant or SECURITY (scenario 49).
    REVOKED = "revoked"  # Ended for good.
    EXPIRED = "expired"  # Its time, or that of its power of attorney, is over.


_C = CertificateState

CERTIFICATE: Final = StateMachine(
    "bound_certificate",
    (
        Step(_C.ACTIVE, "suspended", _C.SUSPENDED, Role.SECURITY, guard="or the participant itself; at once"),
        Step(_C.SUSPENDED, "restored", _C.ACTIVE, Role.SECURITY, True, "another person than who suspended"),
        Step(_C.ACTIVE, "revoked", _C.REVOKED, Role.SECURITY, guard="or the participant itself"),
        Step(_C.SUSPENDED, "revoked", _C.REVOKED, Role.SECURITY, guard="or the participant itself"),
        Step(_C.ACTIVE, "term_ended", _C.EXPIRED, Role.SCHEDULER, guard="valid_until has come"),
        Step(_C.SUSPENDED, "term_ended", _C.EXPIRED, Role.SCHEDULER, guard="valid_until has come"),
    ),
    terminal=(_C.REVOKED, _C.EXPIRED),
    initial=_C.ACTIVE,
)


class AmlMessageState(StrEnum):
    """Where a message to Rosfinmonitoring on measures applied (сообщение о принятых мерах) stands, domain.md 3.12."""

    DRAFT = "draft"  # Made by the machine with the measure; an officer completes it.
    APPROVED = "approved"  # A second officer saw these very bytes; they may be sent.
    SENT = "sent"  # Sent by a person, with the number of the receipt.
    ACCEPTED = "accepted"
    REJECTED = "rejected"  # Another draft takes its place.


_M = AmlMessageState

AML_MESSAGE: Final = StateMachine(
    "aml_message",
    (
        Step(_M.DRAFT, "approved", _M.APPROVED, Role.AML_OFFICER, True, "prepared by another officer; exact hash"),
        Step(_M.APPROVED, "sent", _M.SENT, Role.AML_OFFICER, guard="number of the receipt"),
        Step(_M.SENT, "accepted", _M.ACCEPTED, Role.AML_OFFICER, guard="reference of the answer"),
        Step(
            _M.SENT, "rejected", _M.REJECTED, Role.AML_OFFICER, guard="reference of the answer; a new draft is made"
        ),
    ),
    terminal=(_M.ACCEPTED, _M.REJECTED),
    initial=_M.DRAFT,
)


class FreezeState(StrEnum):
    """Where a freeze (замораживание) stands (115-FZ art. 7(1)(6), 7.5; domain.md 3.8)."""

    PROPOSED = "proposed"  # Nothing is stopped yet.
    ACTIVE = "active"
    PARTIALLY_RELEASED = "partially_released"
    RELEASED = "released"
    REJECTED = "rejected"


_F = FreezeState

FREEZE: Final = StateMachine(
    "freeze",
    (
        Step(_F.PROPOSED, "imposed", _F.ACTIVE, Role.AML_OFFICER, True, "another person than who proposed"),
        Step(_F.PROPOSED, "rejected", _F.REJECTED, Role.AML_OFFICER, True, "another person than who proposed"),
        Step(
            _F.ACTIVE,
            "released_in_part",
            _F.PARTIALLY_RELEASED,
            Role.AML_OFFICER,
            True,
            "proposed by another officer",
        ),
        Step(
            _F.ACTIVE, "released", _F.RELEASED, Role.AML_OFFICER, True, "proposed by another officer, or with its hit"
        ),
        Step(_F.PARTIALLY_RELEASED, "released_in_part", _F.PARTIALLY_RELEASED, Role.AML_OFFICER, True, "as above"),
        Step(_F.PARTIALLY_RELEASED, "released", _F.RELEASED, Role.AML_OFFICER, True, "as above"),
    ),
    terminal=(_F.RELEASED, _F.REJECTED),
    initial={_F.PROPOSED, _F.ACTIVE},
)
