"""What tokenization knows of a participant (участник), and whether they may acquire units.

Law: 259-FZ art. 4 and 5635-U (who may acquire), 115-FZ art. 7 (identification before service).
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Problem
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems import (
    IdentificationMustBeValid,
    InvestorKindMustBeAllowed,
    InvestorMustBeQualified,
    IssuerMustNotAcquire,
    OrderExceedsIdentificationLimit,
    ParticipantMustBeActive,
    RuleBookNotAccepted,
    WalletMustBeOpen,
)

QUALIFIED: Final = "qualified"
UNQUALIFIED: Final = "unqualified"
QUALIFIED_BY: Final = frozenset({"qualified_by_law", "qualified_by_recognition"})
"""Statuses of the register of users that make a qualified investor."""
TEST_PASSED: Final = "investor_test_passed"
"""The register's status of who passed the test of investors."""

_BARRED: Final = frozenset({"restricted", "frozen", "closing", "closed", "rejected"})
"""Registry states in which a participant with a wallet may not buy. Payouts still reach them."""
_IMMOVABLE: Final = frozenset({"frozen", "closing", "closed"})
"""Registry states in which a participant's open orders stay as they are."""
FREE: Final = "free"
ENTITIES: Final = frozenset({"legal_entity", "foreign_entity"})
"""Kinds of participant, as the registry names them, that are no persons."""


class Investor(msgspec.Struct, frozen=True, kw_only=True):
    """A participant as others' events told. What no event told yet is None, and never enough to buy."""

    participant_id: UUID
    kind: str | None = None
    state: str | None = None
    wallet_id: UUID | None = None
    category: str | None = None
    category_until: datetime | None = None
    """The first instant at which the category does not hold any more; None: no end is known."""
    kyc_valid_until: datetime | None = None
    rule_book_version: str | None = None
    """The version of the rule book accepted last."""
    identification_method: str | None = None
    operation_limit_kopecks: int | None = None
    """What one operation may come to under the identification; None: no limit."""
    test_passed: bool | None = None
    """Whether the register holds a passed test of investors; `test_until` is the first instant without it."""
    test_until: datetime | None = None
    persons_sha256: str | None = None
    """The file in which the registry named the participant; None: entered before such files were kept."""
    measure: str | None = None  # identity's word on 115-FZ measures; None: none was ever told

    @property
    def is_entity(self) -> bool:
        """Whether it is an organisation, for which a person signs by a power of attorney."""
        return self.kind in ENTITIES

    @property
    def is_under_measure(self) -> bool:
        """Whether operations are held or property is frozen. Not to be shown to the participant."""
        return self.measure not in (None, FREE)

    def is_qualified(self, at: datetime) -> bool:
        """Whether the register holds a status of a qualified investor for this participant at an instant."""
        return self.category == QUALIFIED and (self.category_until is None or at < self.category_until)

    def has_passed_test(self, at: datetime) -> bool:
        """Whether the register holds a passed test of investors (тестирование) at an instant."""
        return bool(self.test_passed) and (self.test_until is None or at < self.test_until)


def why_ineligible(investor: Investor | None, issue: Issue, at: datetime) -> Problem | None:
    """The first rule that keeps the investor from acquiring units of the issue at an instant, or None.

    Checked at the order and again at the close (domain.md 1.3).
    """
    if investor is None or investor.wallet_id is None:
        return WalletMustBeOpen()
    if (inactive := why_may_not_act(investor)) is not None:
        return inactive
    if investor.kyc_valid_until is None or investor.kyc_valid_until <= at:
        return IdentificationMustBeValid()
    if investor.participant_id == issue.issuer_participant_id:
        return IssuerMustNotAcquire()
    if investor.kind not in issue.investor_kinds:
        return InvestorKindMustBeAllowed(facts={"kind": investor.kind or "unknown"})
    if issue.qualified_only and not investor.is_qualified(at):
        return InvestorMustBeQualified()
    return None


def why_may_not_act(investor: Investor) -> Problem | None:
    """Why who is in the register may not order now, or None: for itself, or as a broker for others."""
    if investor.state in _BARRED or investor.is_under_measure:
        # One neutral code for every reason: 115-FZ forbids telling a client of a freeze.
        return ParticipantMustBeActive()
    return None


def why_above_identification(investor: Investor | None, amount_kopecks: int) -> Problem | None:
    """Why the identification does not let an operation of this amount, or None.

    Checked at the order and again at the close, for a renewal may have been a simplified one.
    Law: 115-FZ art. 7(1.1), (1.11).
    """
    limit = None if investor is None else investor.operation_limit_kopecks
    if limit is None or amount_kopecks <= limit:
        return None
    return OrderExceedsIdentificationLimit(facts={"amount_kopecks": amount_kopecks, "limit_kopecks": limit})


def why_rule_book_bars(investor: Investor | None, version_in_force: str) -> Problem | None:
    """Why a new order is not taken of who has not accepted the rule book in force, or None.

    Checked at the order; again at the allocation only where a dated rule says so (`RuleBooks`), for what was agreed
    under an earlier version keeps it.
    Law: 259-FZ art. 5 and 7 [M] (the rules bind who joined them).
    """
    if investor is None or investor.rule_book_version == version_in_force:
        return None
    return RuleBookNotAccepted(facts={"in_force": version_in_force})


def why_orders_stay(investor: Investor | None) -> Problem | None:
    """Why the investor may not withdraw orders now, or None: an order of who is under a measure is held as it is.

    Law: 115-FZ art. 7(1)(6), 7(10). The same neutral refusal as for any other standing that keeps orders.
    """
    if investor is not None and (investor.state in _IMMOVABLE or investor.is_under_measure):
        return ParticipantMustBeActive()
    return None
