"""Until when an order may await its money, when it is looked at again, and what its signer reads. Scenarios 8, 9."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import UNSET

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import InvariantBroken
from kapital.platform.awaiting_rules import AwaitingRule, AwaitingRules
from kapital.platform.unit_of_work import fingerprint
from kapital.tokenization.domain.act_texts import OrderLine, orders_command, orders_text
from kapital.tokenization.domain.awaiting import LAST_LOOK, next_look, reckoned, why_may_not_await
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.problems_awaiting import FundsCutOffMustBeBeforeClose
from kapital.tokenization.domain.states import IssueState, OrderState
from kapital.tokenization.domain.terms import WhenFull
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders

OPENS = datetime(2026, 12, 7, 7, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=2)
ISSUE = Issue(
    issue_id=UUID(int=1),
    issuer_participant_id=UUID(int=2),
    code="TEST",
    title="Выпуск",
    state=IssueState.PLACEMENT_OPEN,
    version=1,
    decision_version=1,
    decision_sha256="0" * 64,
    drafted_by="x",
    quantity_min=1,
    quantity_max=10,
    min_order_units=1,
    max_order_units=10,
    lot=1,
    price_kopecks=100,
    placement_start_at=OPENS,
    placement_end_at=CLOSES,
    when_full=WhenFull.SUSPEND,
    orders_revocable=True,
    qualified_only=False,
    investor_kinds=["natural_person"],
    transfer_lock=True,
)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("until", "allowed", "expected"),
    [
        (None, False, None),
        (CLOSES, False, "orders_must_be_allowed_to_await_funds"),
        (OPENS, True, "funds_cut_off_must_be_before_close"),
        (CLOSES + SECOND, True, "funds_cut_off_must_be_before_close"),
        (OPENS + SECOND, True, None),
        (CLOSES, True, None),
    ],
)
def test_a_cut_off_lies_ahead_and_not_behind_the_close(
    until: datetime | None, allowed: bool, expected: str | None
) -> None:
    problem = why_may_not_await(ISSUE, until, OPENS, allowed=allowed)

    assert (None if problem is None else problem.code) == expected


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
def test_a_cut_off_that_no_calendar_can_tell_of_is_refused_before_anything_is_kept(said: str) -> None:
    with pytest.raises(FundsCutOffMustBeBeforeClose):
        reckoned(datetime.fromisoformat(said))


def test_a_cut_off_is_kept_in_utc_whatever_offset_it_was_said_with() -> None:
    said = datetime.fromisoformat("2026-12-08T18:00:00+03:00")

    assert str(reckoned(said)) == "2026-12-08 15:00:00+00:00"
    assert reckoned(UNSET) is UNSET


def order(until: datetime | None) -> Order:
    return Order(
        order_id=UUID(int=3),
        issue_id=ISSUE.issue_id,
        participant_id=UUID(int=4),
        wallet_id=UUID(int=5),
        units=1,
        reserved_kopecks=100,
        state=OrderState.AWAITING_FUNDS,
        version=2,
        actor_id="4",
        command_id="k",
        item=0,
        fingerprint="",
        created_at=OPENS,
        funds_until_at=until,
        awaited_at=OPENS,
    )


def test_the_last_look_comes_once_and_before_the_cut_off() -> None:
    last = CLOSES - LAST_LOOK

    assert next_look(order(CLOSES), OPENS) == last
    assert next_look(order(CLOSES), last - SECOND) == last
    assert next_look(order(CLOSES), last) is None


def test_the_instant_of_the_cut_off_is_the_first_without() -> None:
    assert not order(CLOSES).is_cut_off(CLOSES - timedelta(microseconds=1))
    assert order(CLOSES).is_cut_off(CLOSES)


def test_the_signer_reads_until_when_and_an_order_without_a_cut_off_is_what_it_always_was() -> None:
    plain, awaits = OrderLine(ISSUE.issue_id, 5), OrderLine(ISSUE.issue_id, 5, None, CLOSES)
    issues = {ISSUE.issue_id: ISSUE}

    text, longer = orders_text([plain], issues), orders_text([awaits], issues)

    assert "ожидать" not in text
    assert "ожидать их до 09.12.2026 10:00:00" in longer
    assert orders_command([plain]) == {"orders": [{"issue_id": str(ISSUE.issue_id), "units": "5"}]}
    assert orders_command([awaits])["orders"][0]["funds_until_at"] == "2026-12-09T07:00:00Z"


def test_a_command_without_a_cut_off_keeps_its_fingerprint() -> None:
    """Seen before orders could await their money: a repeat across the upgrade is a repeat."""
    orders = (NewOrder(issue_id=UUID(int=1), units=5),)
    cmd = PlaceOrders(
        command_id=CommandId("k"), actor=Actor(id="machine:x", participant_id=None, roles=frozenset()), orders=orders
    )

    assert fingerprint(cmd) == "8ce98355ca650432dfd0066af64f7e2e08226c9480238cbaf7fa07bd620cedc8"


def test_without_a_rule_nothing_awaits_and_rules_do_not_overlap() -> None:
    rule = AwaitingRule(effective_from=date(2026, 12, 1), effective_to=date(2026, 12, 31), basis="п. 4.2")
    rules = AwaitingRules((rule,))

    assert not AwaitingRules().allowed_on(date(2026, 12, 7))
    assert [rules.allowed_on(date(2026, 12, day)) for day in (1, 31)] == [True, True]
    assert not rules.allowed_on(date(2027, 1, 1))
    with pytest.raises(InvariantBroken):
        AwaitingRules((rule, rule))
