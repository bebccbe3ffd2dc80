"""The life of a participant (domain table of the rule book; 115-FZ art. 7, 259-FZ art. 6)."""

from enum import StrEnum
from typing import Final

from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class ParticipantState(StrEnum):
    """Where a participant (участник, пользователь системы) stands."""

    APPLIED = "applied"  # The rule book is not accepted yet.
    IDENTIFYING = "identifying"
    SCREENING = "screening"
    REVIEW = "review"
    APPROVED = "approved"
    ACTIVE = "active"
    RESTRICTED = "restricted"  # May receive payouts, may not buy.
    FROZEN = "frozen"
    CLOSING = "closing"
    CLOSED = "closed"
    REJECTED = "rejected"
    EXPIRED = "expired"  # The application was not brought to an end in its term; only without a wallet.


_S = ParticipantState

LIVE: Final = (
    _S.APPLIED,
    _S.IDENTIFYING,
    _S.SCREENING,
    _S.REVIEW,
    _S.APPROVED,
    _S.ACTIVE,
    _S.RESTRICTED,
    _S.CLOSING,
)
"""States that a freeze interrupts, and to which a release goes back."""

UNDECIDED: Final = frozenset({_S.APPLIED, _S.IDENTIFYING, _S.SCREENING, _S.REVIEW})
"""An application under way: what was collected for it grows stale."""

HAS_WALLET: Final = frozenset({_S.ACTIVE, _S.RESTRICTED, _S.CLOSING})
"""States in which the ledger has opened the participant's wallet; so has FROZEN when it interrupted one of them."""

PARTICIPANT: Final = StateMachine(
    "participant",
    (
        Step(_S.APPLIED, "rule_book_accepted", _S.IDENTIFYING, Role.INVESTOR, guard="consent; version in force"),
        Step(_S.IDENTIFYING, "identified", _S.SCREENING, Role.ONBOARDING, guard="documents recorded"),
        Step(_S.SCREENING, "screening_cleared", _S.APPROVED, Role.AML_OFFICER, True, "no hit in the lists"),
        Step(_S.SCREENING, "referred", _S.REVIEW, Role.SCHEDULER, guard="hit, high risk or doubt"),
        Step(_S.REVIEW, "approved", _S.APPROVED, Role.AML_OFFICER, True),
        Step(_S.REVIEW, "rejected", _S.REJECTED, Role.AML_OFFICER, True),
        *(
            Step(state, "term_ended", _S.EXPIRED, Role.SCHEDULER, guard="application_term_days")
            for state in LIVE
            if state in UNDECIDED
        ),
        Step(_S.APPROVED, "wallet_opened", _S.ACTIVE, Role.SMART_CONTRACT, guard="ledger entry committed"),
        Step(
            _S.ACTIVE,
            "restricted",
            _S.RESTRICTED,
            Role.COMPLIANCE,
            guard="KYC or certificate lapsed, or order",
        ),
        Step(_S.RESTRICTED, "restricted", _S.RESTRICTED, Role.COMPLIANCE, guard="a further ground"),
        Step(_S.RESTRICTED, "restored", _S.ACTIVE, Role.COMPLIANCE, True, "no ground is left"),
        *(Step(state, "frozen", _S.FROZEN, Role.AML_OFFICER, guard="at once; identity's measure") for state in LIVE),
        *(Step(_S.FROZEN, f"released_to_{state}", state, Role.AML_OFFICER, True, "basis document") for state in LIVE),
        Step(_S.ACTIVE, "closing_asked", _S.CLOSING, Role.LEGAL, guard="no units, no money; client or LEGAL"),
        Step(_S.RESTRICTED, "closing_asked", _S.CLOSING, Role.LEGAL, guard="no units, no money; client or LEGAL"),
        Step(_S.CLOSING, "closing_refused", _S.ACTIVE, Role.LEGAL, True, "no restriction"),
        Step(_S.CLOSING, "closing_refused_restricted", _S.RESTRICTED, Role.LEGAL, True, "a restriction is left"),
        Step(_S.CLOSING, "closed", _S.CLOSED, Role.LEGAL, True, "no units, no money, no dispute; wallet closed"),
    ),
    terminal=(_S.CLOSED, _S.REJECTED, _S.EXPIRED),
    initial=_S.APPLIED,
)
"""A release leads back to the state that the freeze interrupted, moved on by what was heard meanwhile."""

ENDED: Final = PARTICIPANT.terminal
"""Participants whose relation is over: their tokens open nothing, and they may apply anew."""


def shown_state(state: str, *, own: bool) -> str:
    """A state as its reader may know it: to the participant itself a freeze looks like a restriction (115-FZ)."""
    return _S.RESTRICTED.value if own and state == _S.FROZEN else str(state)


class StatusState(StrEnum):
    """Where a role or status of a participant stands."""

    PROPOSED = "proposed"
    HELD = "held"
    REFUSED = "refused"
    ENDED = "ended"


PARTICIPANT_STATUS: Final = StateMachine(
    "participant_status",
    (
        Step(StatusState.PROPOSED, "accepted", StatusState.HELD, Role.COMPLIANCE, True, "evidence; exact hash"),
        Step(StatusState.PROPOSED, "refused", StatusState.REFUSED, Role.COMPLIANCE, True),
        Step(StatusState.HELD, "withdrawn", StatusState.ENDED, Role.COMPLIANCE, guard="a lasting role is left"),
        Step(StatusState.HELD, "term_over", StatusState.ENDED, Role.SCHEDULER, guard="valid_until has come"),
        Step(StatusState.HELD, "replaced", StatusState.ENDED, Role.COMPLIANCE, True, "by the same anew"),
        Step(StatusState.HELD, "not_confirmed", StatusState.ENDED, Role.AML_OFFICER, True, "a later identification"),
    ),
    terminal=(StatusState.REFUSED, StatusState.ENDED),
    initial=frozenset({StatusState.PROPOSED, StatusState.HELD}),
)
"""Roles of an application, and what an identification found, are HELD from the start: others decided before."""


class StaffChangeState(StrEnum):
    """Where a change of the roles of a member of staff stands."""

    PROPOSED = "proposed"
    MADE = "made"
    REFUSED = "refused"


STAFF_CHANGE: Final = StateMachine(
    "staff_change",
    (
        Step(StaffChangeState.PROPOSED, "made", StaffChangeState.MADE, Role.ADMIN, True, "exact hash; not one's own"),
        Step(StaffChangeState.PROPOSED, "refused", StaffChangeState.REFUSED, Role.ADMIN, True),
    ),
    terminal=(StaffChangeState.MADE, StaffChangeState.REFUSED),
    initial=StaffChangeState.PROPOSED,
)


class HolderDisclosureState(StrEnum):
    """Where a request to a nominee holder stands."""

    ASKED = "asked"
    OVERDUE = "overdue"  # The term is over; the answer is still owed.
    ANSWERED = "answered"


HOLDER_DISCLOSURE: Final = StateMachine(
    "holder_disclosure",
    (
        Step(HolderDisclosureState.ASKED, "answered", HolderDisclosureState.ANSWERED, Role.NOMINEE, guard="adds up"),
        Step(HolderDisclosureState.ASKED, "term_over", HolderDisclosureState.OVERDUE, Role.SCHEDULER, guard="due_at"),
        Step(
            HolderDisclosureState.OVERDUE, "answered", HolderDisclosureState.ANSWERED, Role.NOMINEE, guard="adds up"
        ),
    ),
    terminal=(HolderDisclosureState.ANSWERED,),
    initial=HolderDisclosureState.ASKED,
)


class WalletProfile(StrEnum):
    """Who holds the key by which the wallet (кошелёк) acts, and for whom."""

    CLIENT_SELF = "client_self"
    CLIENT_MANAGED = "client_managed"
    ISSUER = "issuer"
    NOMINEE = "nominee"  # Holds for others, whom it names on request.
