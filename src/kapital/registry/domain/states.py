"""The life of a participant (domain table of the rule book; 115-FZ art. 7, 259-FZ art. 6)."""

from enum import StrEnum
from typing import Final

from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class ParticipantState(StrEnum):
    """Where a participant (участник, пользователь системы) stands."""

    APPLIED = "applied"
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


_S = ParticipantState

PARTICIPANT: Final = StateMachine(
    "participant",
    (
        Step(_S.APPLIED, "rule_book_accepted", _S.IDENTIFYING, Role.INVESTOR, guard="the version in force"),
        Step(_S.IDENTIFYING, "identified", _S.SCREENING, Role.ONBOARDING, guard="documents recorded"),
        Step(_S.SCREENING, "screening_cleared", _S.APPROVED, Role.AML_OFFICER, True, "no hit in the lists"),
        Step(_S.SCREENING, "referred", _S.REVIEW, Role.SCHEDULER, guard="hit, high risk or doubt"),
        Step(_S.REVIEW, "approved", _S.APPROVED, Role.AML_OFFICER, True),
        Step(_S.REVIEW, "rejected", _S.REJECTED, Role.AML_OFFICER, True),
        Step(_S.APPROVED, "wallet_opened", _S.ACTIVE, Role.SMART_CONTRACT, guard="ledger entry committed"),
        Step(_S.ACTIVE, "restricted", _S.RESTRICTED, Role.COMPLIANCE, guard="identification lapsed, or order"),
        Step(_S.RESTRICTED, "restricted", _S.RESTRICTED, Role.COMPLIANCE, guard="a further ground"),
        Step(_S.RESTRICTED, "restored", _S.ACTIVE, Role.COMPLIANCE, True, "no ground is left"),
        Step(_S.ACTIVE, "frozen", _S.FROZEN, Role.AML_OFFICER),
        Step(_S.RESTRICTED, "frozen", _S.FROZEN, Role.AML_OFFICER),
        Step(_S.FROZEN, "released", _S.ACTIVE, Role.AML_OFFICER, True, "basis document; no restriction left"),
        Step(_S.FROZEN, "released_restricted", _S.RESTRICTED, Role.AML_OFFICER, True, "a restriction is left"),
        Step(_S.ACTIVE, "closing_asked", _S.CLOSING, Role.LEGAL, True),
        Step(_S.RESTRICTED, "closing_asked", _S.CLOSING, Role.LEGAL, True),
        Step(_S.CLOSING, "closed", _S.CLOSED, Role.LEGAL, True, "no units, no money, no dispute"),
    ),
    terminal=(_S.CLOSED, _S.REJECTED),
    initial=_S.APPLIED,
)
"""Freezing and closing are in the table and have no command in this version: no participant can enter them."""

ENDED: Final = PARTICIPANT.terminal
"""Participants whose relation is over: their tokens open nothing, and they may apply anew."""


class WalletProfile(StrEnum):
    """Who holds the key by which the wallet (кошелёк) acts."""

    CLIENT_SELF = "client_self"
    CLIENT_MANAGED = "client_managed"
    ISSUER = "issuer"
