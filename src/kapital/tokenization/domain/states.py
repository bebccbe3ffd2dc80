"""Lifecycles of an issue, a subscription order, a corporate action and a recorded value, as tables.

Shape: domain.md 3.3, 3.4, 3.6 whole. Steps that no use case makes yet stand here too, so that the table is the
lifecycle and not the code; limits.md names them.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, TypeVar

from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step

S = TypeVar("S", bound=StrEnum)


class IssueState(StrEnum):
    """Where an issue (выпуск ЦФА) stands between the draft of its decision and redemption."""

    DRAFT = "draft"
    OPERATOR_REVIEW = "operator_review"
    RETURNED = "returned"
    READY_TO_SIGN = "ready_to_sign"
    SIGNED = "signed"
    PUBLISHED = "published"
    PLACEMENT_OPEN = "placement_open"
    PLACEMENT_SUSPENDED = "placement_suspended"
    PLACEMENT_CLOSED = "placement_closed"
    HELD = "held"
    FAILED = "failed"
    SETTLING = "settling"
    CIRCULATING = "circulating"
    REDEEMING = "redeeming"
    REDEEMED = "redeemed"
    TECHNICAL_DEFAULT = "technical_default"
    DEFAULT = "default"
    RESTRUCTURED = "restructured"
    WRITTEN_OFF_BY_ACT = "written_off_by_act"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


_I = IssueState
ISSUE: Final = StateMachine(
    "issue",
    (
        Step(_I.DRAFT, "submitted", _I.OPERATOR_REVIEW, Role.ISSUER_SIGNATORY, guard="the terms have no fault"),
        Step(_I.DRAFT, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(
            _I.OPERATOR_REVIEW,
            "returned",
            _I.RETURNED,
            Role.ISSUE_MANAGER,
            guard="one of the two reviewers, reason",
        ),
        Step(
            _I.OPERATOR_REVIEW,
            "accepted",
            _I.READY_TO_SIGN,
            Role.LEGAL,
            dual_control=True,
            guard="ISSUE_MANAGER accepted the same hash before, another person",
        ),
        Step(_I.OPERATOR_REVIEW, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(_I.RETURNED, "redrafted", _I.DRAFT, Role.ISSUER_SIGNATORY, guard="a new version of the decision"),
        Step(_I.RETURNED, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(
            _I.READY_TO_SIGN,
            "signed",
            _I.SIGNED,
            Role.ISSUER_SIGNATORY,
            guard="issuer and operator sign the hash reviewed",
        ),
        Step(_I.READY_TO_SIGN, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(_I.SIGNED, "published", _I.PUBLISHED, Role.SMART_CONTRACT, guard="units are open in the ledger"),
        Step(_I.SIGNED, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(_I.PUBLISHED, "opened", _I.PLACEMENT_OPEN, Role.SCHEDULER, guard="placement_start_at has come"),
        Step(_I.PUBLISHED, "cancelled", _I.CANCELLED, Role.ISSUER_SIGNATORY),
        Step(
            _I.PUBLISHED,
            "exchange_opened",
            _I.CIRCULATING,
            Role.LEGAL,
            dual_control=True,
            guard="takes the place of an issue in default; its units are given for those of the old one",
        ),
        Step(
            _I.PLACEMENT_OPEN,
            "filled",
            _I.PLACEMENT_SUSPENDED,
            Role.SMART_CONTRACT,
            guard="live orders >= quantity_max",
        ),
        Step(
            _I.PLACEMENT_OPEN,
            "suspended",
            _I.PLACEMENT_SUSPENDED,
            Role.COMPLIANCE,
            dual_control=True,
            guard="reason",
        ),
        Step(
            _I.PLACEMENT_OPEN,
            "closed",
            _I.PLACEMENT_CLOSED,
            Role.SCHEDULER,
            guard="the end of the placement has come, or it ended early",
        ),
        Step(
            _I.PLACEMENT_OPEN,
            "cancelled",
            _I.CANCELLED,
            Role.ISSUER_SIGNATORY,
            guard="no order was ever accepted",
        ),
        Step(
            _I.PLACEMENT_SUSPENDED,
            "place_freed",
            _I.PLACEMENT_OPEN,
            Role.SMART_CONTRACT,
            guard="an order is withdrawn",
        ),
        Step(_I.PLACEMENT_SUSPENDED, "resumed", _I.PLACEMENT_OPEN, Role.COMPLIANCE, dual_control=True),
        Step(
            _I.PLACEMENT_SUSPENDED,
            "closed",
            _I.PLACEMENT_CLOSED,
            Role.SCHEDULER,
            guard="the end of the placement has come, or it ended early",
        ),
        Step(_I.PLACEMENT_CLOSED, "minimum_reached", _I.HELD, Role.SMART_CONTRACT, guard="allocation"),
        Step(_I.PLACEMENT_CLOSED, "minimum_missed", _I.FAILED, Role.SMART_CONTRACT, guard="allocation"),
        Step(_I.HELD, "settlement_started", _I.SETTLING, Role.SMART_CONTRACT),
        Step(
            _I.SETTLING,
            "settled",
            _I.CIRCULATING,
            Role.SMART_CONTRACT,
            guard="every allocated order has its entry",
        ),
        Step(_I.CIRCULATING, "redemption_started", _I.REDEEMING, Role.SCHEDULER),
        Step(
            _I.REDEEMING,
            "redeemed",
            _I.REDEEMED,
            Role.SMART_CONTRACT,
            guard="every unit is paid and extinguished",
        ),
        Step(
            _I.CIRCULATING,
            "payment_missed",
            _I.TECHNICAL_DEFAULT,
            Role.SCHEDULER,
            guard="the last day to pay is over",
        ),
        Step(
            _I.REDEEMING,
            "payment_missed",
            _I.TECHNICAL_DEFAULT,
            Role.SCHEDULER,
            guard="the last day to pay is over",
        ),
        Step(
            _I.TECHNICAL_DEFAULT,
            "cured",
            _I.CIRCULATING,
            Role.SMART_CONTRACT,
            guard="the missed payment is made",
        ),
        Step(_I.TECHNICAL_DEFAULT, "redeemed", _I.REDEEMED, Role.SMART_CONTRACT, guard="the redemption is paid"),
        Step(
            _I.TECHNICAL_DEFAULT,
            "grace_expired",
            _I.DEFAULT,
            Role.SCHEDULER,
            guard="the days of grace are over",
        ),
        Step(_I.DEFAULT, "restructured", _I.RESTRUCTURED, Role.LEGAL, dual_control=True, guard="by a new issue"),
        Step(
            _I.DEFAULT,
            "written_off",
            _I.WRITTEN_OFF_BY_ACT,
            Role.LEGAL,
            dual_control=True,
            guard="act of an authority",
        ),
        Step(_I.FAILED, "refund_started", _I.REFUNDING, Role.SMART_CONTRACT),
        Step(_I.REFUNDING, "refunded", _I.REFUNDED, Role.SMART_CONTRACT, guard="every reserve went back"),
    ),
    terminal=(_I.REDEEMED, _I.RESTRUCTURED, _I.WRITTEN_OFF_BY_ACT, _I.REFUNDED, _I.CANCELLED),
    initial=_I.DRAFT,
)


class OrderState(StrEnum):
    """Where a subscription order (заявка на приобретение) stands.

    The reserve is one ledger entry, so that CHECKED goes straight to ACCEPTED. AWAITING_FUNDS is entered only by an
    order that names a cut-off for its money; FUNDED is passed through when its price is reserved. SIGNED is entered
    with a qualified signature only, and is where an order waits while no authority confirms it.
    """

    CREATED = "created"
    SIGNED = "signed"
    CHECKED = "checked"
    AWAITING_FUNDS = "awaiting_funds"
    FUNDED = "funded"
    ACCEPTED = "accepted"
    ALLOCATED = "allocated"
    PARTIALLY_ALLOCATED = "partially_allocated"
    NOT_ALLOCATED = "not_allocated"
    SETTLING = "settling"
    SETTLED = "settled"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


_O = OrderState
ORDER: Final = StateMachine(
    "subscription_order",
    (
        Step(_O.CREATED, "signed", _O.SIGNED, Role.INVESTOR, guard="qualified signature"),
        Step(
            _O.CREATED,
            "checked",
            _O.CHECKED,
            Role.SMART_CONTRACT,
            guard="authorised by the session; eligible",
        ),
        Step(_O.CREATED, "refused", _O.REJECTED, Role.SMART_CONTRACT, guard="code of the rule"),
        Step(_O.SIGNED, "checked", _O.CHECKED, Role.SMART_CONTRACT, guard="eligible"),
        Step(_O.SIGNED, "refused", _O.REJECTED, Role.SMART_CONTRACT, guard="code of the rule"),
        Step(
            _O.CHECKED,
            "reserved",
            _O.ACCEPTED,
            Role.SMART_CONTRACT,
            guard="reserve recorded before the close; place left",
        ),
        Step(
            _O.CHECKED,
            "turned_away",
            _O.REJECTED,
            Role.SMART_CONTRACT,
            guard="no money, no place or closed; reserve back",
        ),
        Step(
            _O.CHECKED,
            "funds_awaited",
            _O.AWAITING_FUNDS,
            Role.SMART_CONTRACT,
            guard="too little money; the order names a cut-off, which is to come",
        ),
        Step(
            _O.AWAITING_FUNDS,
            "funds_arrived",
            _O.FUNDED,
            Role.SMART_CONTRACT,
            guard="reserve recorded before the cut-off",
        ),
        Step(
            _O.AWAITING_FUNDS,
            "cut_off",
            _O.EXPIRED,
            Role.SCHEDULER,
            guard="the cut-off has come, or the placement ended before it",
        ),
        Step(_O.AWAITING_FUNDS, "withdrawn", _O.WITHDRAWN, Role.INVESTOR, guard="before the close"),
        Step(_O.FUNDED, "accepted", _O.ACCEPTED, Role.SMART_CONTRACT, guard="place left"),
        Step(_O.FUNDED, "turned_away", _O.REJECTED, Role.SMART_CONTRACT, guard="no place or closed; reserve back"),
        Step(
            _O.ACCEPTED,
            "withdrawn",
            _O.WITHDRAWN,
            Role.INVESTOR,
            guard="before the close, if the decision allows",
        ),
        Step(_O.ACCEPTED, "rejected", _O.REJECTED, Role.COMPLIANCE, dual_control=True, guard="reason code"),
        Step(_O.ACCEPTED, "filled", _O.ALLOCATED, Role.SMART_CONTRACT),
        Step(_O.ACCEPTED, "filled_in_part", _O.PARTIALLY_ALLOCATED, Role.SMART_CONTRACT),
        Step(_O.ACCEPTED, "not_filled", _O.NOT_ALLOCATED, Role.SMART_CONTRACT),
        Step(_O.ALLOCATED, "settlement_started", _O.SETTLING, Role.SMART_CONTRACT),
        Step(_O.PARTIALLY_ALLOCATED, "settlement_started", _O.SETTLING, Role.SMART_CONTRACT),
        Step(_O.NOT_ALLOCATED, "refund_started", _O.REFUNDING, Role.SMART_CONTRACT),
        Step(
            _O.SETTLING,
            "settled",
            _O.SETTLED,
            Role.SMART_CONTRACT,
            guard="the crediting entry is in the ledger",
        ),
        Step(
            _O.SETTLING,
            "turned_back",
            _O.REFUNDED,
            Role.SMART_CONTRACT,
            guard="the buyer's wallet is frozen since; the entry with the reserve is in the ledger",
        ),
        Step(_O.REFUNDING, "refunded", _O.REFUNDED, Role.SMART_CONTRACT, guard="the entry is in the ledger"),
    ),
    terminal=(_O.SETTLED, _O.REJECTED, _O.WITHDRAWN, _O.EXPIRED, _O.REFUNDED),
    initial=_O.CREATED,
)


class ActionState(StrEnum):
    """Where a corporate action (корпоративное действие) stands."""

    SCHEDULED = "scheduled"
    FIXING = "fixing"
    CALCULATED = "calculated"
    APPROVED = "approved"
    RECORD_DATE_FROZEN = "record_date_frozen"
    FUNDING_CALLED = "funding_called"
    FUNDED = "funded"
    PAYING = "paying"
    PAID = "paid"
    CLOSED = "closed"
    UNDERFUNDED = "underfunded"
    GRACE = "grace"
    DEFAULTED = "defaulted"
    CANCELLED = "cancelled"


_A = ActionState
NOT_CALCULATED: Final = (_A.SCHEDULED, _A.FIXING)
"""What an action is paid is not known yet."""
_BEFORE_FUNDED: Final = (
    _A.SCHEDULED,
    _A.FIXING,
    _A.CALCULATED,
    _A.APPROVED,
    _A.RECORD_DATE_FROZEN,
    _A.FUNDING_CALLED,
)
ACTION: Final = StateMachine(
    "corporate_action",
    (
        Step(
            _A.SCHEDULED,
            "fixing_due",
            _A.FIXING,
            Role.SCHEDULER,
            guard="the issue circulates and the outside values are published",
        ),
        Step(
            _A.FIXING,
            "calculated",
            _A.CALCULATED,
            Role.SMART_CONTRACT,
            guard="every outside value was confirmed by two",
        ),
        # The terms were approved by two, each outside value too, and the calculation is a pure function of them: a
        # third approval of the result lets a person hold back a payment that the decision promises. Only where a
        # rule of the operator asks for it two persons approve.
        Step(
            _A.CALCULATED,
            "approved",
            _A.APPROVED,
            Role.SMART_CONTRACT,
            guard="by the clause of the decision; no rule asks for two persons",
        ),
        Step(
            _A.CALCULATED,
            "approved_by_two",
            _A.APPROVED,
            Role.RISK,
            dual_control=True,
            guard="calculation seen; rule",
        ),
        Step(
            _A.APPROVED,
            "list_taken",
            _A.RECORD_DATE_FROZEN,
            Role.SMART_CONTRACT,
            guard="record_at has passed",
        ),
        Step(
            _A.RECORD_DATE_FROZEN,
            "funding_called",
            _A.FUNDING_CALLED,
            Role.SCHEDULER,
            guard="every line is known",
        ),
        Step(
            _A.FUNDING_CALLED,
            "funded",
            _A.FUNDED,
            Role.SMART_CONTRACT,
            guard="day of payment; the money for all parts is set aside in the register",
        ),
        Step(
            _A.FUNDING_CALLED,
            "shortfall",
            _A.UNDERFUNDED,
            Role.SMART_CONTRACT,
            guard="day of payment; no money, or it is frozen",
        ),
        Step(_A.FUNDED, "instructed", _A.PAYING, Role.SMART_CONTRACT),
        Step(_A.PAYING, "paid", _A.PAID, Role.SMART_CONTRACT, guard="every line has its entry"),
        Step(
            _A.PAYING,
            "refused",
            _A.UNDERFUNDED,
            Role.SMART_CONTRACT,
            guard="the ledger refused: the issuer's money is frozen",
        ),
        Step(_A.PAID, "closed", _A.CLOSED, Role.SMART_CONTRACT),
        Step(_A.UNDERFUNDED, "funded", _A.FUNDED, Role.SMART_CONTRACT),
        Step(
            _A.UNDERFUNDED,
            "share_set_aside",
            _A.FUNDED,
            Role.SMART_CONTRACT,
            guard="the last day to pay is over; the decision pays shares; the rest is an action of its own",
        ),
        Step(_A.UNDERFUNDED, "payment_missed", _A.GRACE, Role.SCHEDULER, guard="the last day to pay is over"),
        Step(_A.GRACE, "funded", _A.FUNDED, Role.SMART_CONTRACT),
        Step(_A.GRACE, "grace_expired", _A.DEFAULTED, Role.SCHEDULER, guard="the days of grace are over"),
        *(
            Step(state, "voided", _A.CANCELLED, Role.SMART_CONTRACT, guard="every unit ended early, before its day")
            for state in (_A.SCHEDULED, _A.FIXING, _A.CALCULATED, _A.APPROVED)
        ),
        *(
            Step(
                state,
                "cancelled",
                _A.CANCELLED,
                Role.SETTLEMENT,
                dual_control=True,
                guard="the issuer signs too",
            )
            for state in _BEFORE_FUNDED
        ),
    ),
    terminal=(_A.CLOSED, _A.DEFAULTED, _A.CANCELLED),
    # What stays due of a shared payment is born late.
    initial={_A.SCHEDULED, _A.UNDERFUNDED},
)


class FixingState(StrEnum):
    """Whether a recorded outside value counts: only when it is confirmed, and no longer open to dispute."""

    RECORDED = "recorded"
    DISPUTABLE = "disputable"
    CONTESTED = "contested"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


FIXING: Final = StateMachine(
    "fixing",
    (
        Step(
            FixingState.RECORDED,
            "confirmed",
            FixingState.CONFIRMED,
            Role.RISK,
            dual_control=True,
            guard="value seen",
        ),
        Step(
            FixingState.RECORDED,
            "opened_to_dispute",
            FixingState.DISPUTABLE,
            Role.RISK,
            dual_control=True,
            guard="value seen; the decision gives an outcome a term to contest it",
        ),
        Step(FixingState.DISPUTABLE, "term_over", FixingState.CONFIRMED, Role.SCHEDULER, guard="uncontested"),
        Step(
            FixingState.DISPUTABLE,
            "contested",
            FixingState.CONTESTED,
            Role.INVESTOR,
            guard="a holder or the issuer, in the term, with the reason",
        ),
        Step(
            FixingState.CONTESTED, "upheld", FixingState.CONFIRMED, Role.LEGAL, dual_control=True, guard="two say so"
        ),
        Step(
            FixingState.CONTESTED,
            "overturned",
            FixingState.REJECTED,
            Role.LEGAL,
            dual_control=True,
            guard="two alike",
        ),
        Step(
            FixingState.RECORDED,
            "rejected",
            FixingState.REJECTED,
            Role.RISK,
            dual_control=True,
            guard="value seen",
        ),
    ),
    terminal=(FixingState.CONFIRMED, FixingState.REJECTED),
    initial=FixingState.RECORDED,
)

MACHINES: Final = (ISSUE, ORDER, ACTION, FIXING)

PLACEMENT_LIVE: Final = frozenset({IssueState.PLACEMENT_OPEN, IssueState.PLACEMENT_SUSPENDED})
"""States in which orders live and may be withdrawn."""

EDITABLE: Final = frozenset({IssueState.DRAFT, IssueState.RETURNED})
"""States in which the terms may still be replaced."""

PUBLIC: Final = frozenset(state for state in ISSUE.reachable(IssueState.PUBLISHED))
"""States that anybody may see. CANCELLED is among them: whether it was ever published, `published_at` tells."""


def _sources(machine: StateMachine[S], target: S) -> frozenset[S]:
    return frozenset(step.source for step in machine.steps if step.target == target)


def _never(machine: StateMachine[S], later: Iterable[S], after: S, why: str) -> None:
    ensure(machine.reachable(after).isdisjoint(later), why)


# Rules about the tables themselves. They run on import, so a wrong edit cannot start the service.
_never(ISSUE, EDITABLE, IssueState.READY_TO_SIGN, "terms that two persons accepted are never edited")
_never(ISSUE, {IssueState.CANCELLED}, IssueState.PLACEMENT_CLOSED, "a closed placement is decided, not cancelled")
_never(ISSUE, {IssueState.FAILED, IssueState.REFUNDED}, IssueState.HELD, "an issue that was held never fails")
_never(ISSUE, {IssueState.HELD, IssueState.CIRCULATING}, IssueState.FAILED, "a failed issue never circulates")
_never(ISSUE, PLACEMENT_LIVE, IssueState.PLACEMENT_CLOSED, "a closed placement never reopens")
ensure(
    _sources(ISSUE, IssueState.SIGNED) == {IssueState.READY_TO_SIGN}
    and _sources(ISSUE, IssueState.READY_TO_SIGN) == {IssueState.OPERATOR_REVIEW}
    and _sources(ISSUE, IssueState.PUBLISHED) == {IssueState.SIGNED},
    "nothing is published without review and signature",
)
ensure(
    all(step.dual_control for step in ISSUE.steps if step.target is IssueState.READY_TO_SIGN),
    "a decision is accepted by two",
)
ensure(
    all(
        step.who is Role.SMART_CONTRACT for step in ISSUE.steps if step.target in {IssueState.HELD, IssueState.FAILED}
    ),
    "no human choice between held and failed",
)
ensure(_sources(ORDER, OrderState.SETTLED) == {OrderState.SETTLING}, "settled means settled")
for _placed in (OrderState.ALLOCATED, OrderState.PARTIALLY_ALLOCATED):
    _never(ORDER, {OrderState.WITHDRAWN, OrderState.REFUNDING}, _placed, "units allocated are never given up")
ensure(
    _sources(ORDER, OrderState.REFUNDED) == {OrderState.REFUNDING, OrderState.SETTLING},
    "what settlement has not delivered is the only other thing that goes back",
)
_never(ORDER, {OrderState.SETTLED}, OrderState.NOT_ALLOCATED, "an order without units is only refunded")
_never(ACTION, {ActionState.CANCELLED}, ActionState.FUNDED, "an action with its money is never cancelled")
ensure(_sources(ACTION, ActionState.PAID) == {ActionState.PAYING}, "paid means paid")
_never(ACTION, {ActionState.PAYING}, ActionState.PAID, "nothing is paid twice")
ensure(
    all(step.dual_control for step in FIXING.steps if step.source is not FixingState.DISPUTABLE),
    "an outside value is confirmed by another person, and so is what becomes of a contested one",
)
