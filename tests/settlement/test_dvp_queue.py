"""The queue's plan: nobody is ever overdrawn, nothing is lost, sets stand or fall together, circles settle."""

import random
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.settlement.domain.dvp_netting import GROUP_MAX
from kapital.settlement.domain.dvp_queue import (
    GROUP_TOO_LARGE,
    MONEY_SHORT,
    UNITS_SHORT,
    Account,
    Plan,
    Queued,
    SettledHow,
    plan_queue,
    price_of,
)

WALLETS = [UUID(int=n) for n in range(1, 6)]
ASSETS = [UUID(int=n) for n in range(101, 103)]


def queued(number: int, seller: int, buyer: int, units: int, kopecks: int, **more: Any) -> Queued:
    asset = more.pop("asset", 0)
    return Queued(UUID(int=1000 + number), WALLETS[seller], WALLETS[buyer], ASSETS[asset], units, kopecks, **more)


def plan_of(
    queue: Sequence[Queued],
    balances: Mapping[Account, int] | None = None,
    groups: Mapping[UUID, UUID] | None = None,
    blocked: Mapping[UUID, str] | None = None,
) -> Plan:
    return plan_queue(queue, balances=balances or {}, groups=groups or {}, blocked=blocked or {})


@st.composite
def queues(draw: st.DrawFn) -> tuple[list[Queued], dict[Account, int], dict[UUID, UUID], dict[UUID, str]]:
    count = draw(st.integers(1, 14))
    queue = []
    for number in range(count):
        seller, buyer = draw(st.permutations(range(len(WALLETS))))[:2]
        all_units = draw(st.integers(1, 6))
        before = draw(st.integers(0, all_units - 1)) if draw(st.booleans()) else 0
        one = queued(
            number, seller, buyer, all_units, draw(st.integers(1, 20)),
            asset=draw(st.integers(0, 1)), before_units=before, is_partial_allowed=draw(st.booleans()),
        )  # fmt: skip
        queue.append(one)
    few = st.one_of(st.just(0), st.integers(0, 8))
    balances: dict[Account, int] = {(asset, wallet): draw(few) for asset in (None, *ASSETS) for wallet in WALLETS}
    groups = {one.instruction_id: UUID(int=9000 + group) for one in queue if (group := draw(st.integers(0, 5))) < 2}
    blocked = {one.instruction_id: "blocked" for one in queue if draw(st.integers(0, 9)) == 0}
    return queue, balances, groups, blocked


def played(queue: Sequence[Queued], plan: Plan, balances: Mapping[Account, int]) -> dict[Account, int]:
    """Enter the settlements one after another as the ledger does: no account may be below zero between them."""
    named = {one.instruction_id: one for one in queue}
    now = dict(balances)
    for settlement in plan.settlements:
        for part in settlement.parts:
            one = named[part.instruction_id]
            for account, change in (
                ((one.asset, one.seller), -part.units),
                ((one.asset, one.buyer), part.units),
                ((None, one.buyer), -part.kopecks),
                ((None, one.seller), part.kopecks),
            ):
                now[account] = now.get(account, 0) + change
        assert min(now.values()) >= 0
    return now


@settings(max_examples=150, deadline=None)
@given(queues())
def test_a_plan_overdraws_nobody_loses_nothing_and_splits_no_set(
    case: tuple[list[Queued], dict[Account, int], dict[UUID, UUID], dict[UUID, str]],
) -> None:
    queue, balances, groups, blocked = case
    named = {one.instruction_id: one for one in queue}
    plan = plan_of(queue, balances, groups, blocked)

    after = played(queue, plan, balances)

    for asset in (None, *ASSETS):
        assert sum(v for (a, _), v in after.items() if a == asset) == sum(
            v for (a, _), v in balances.items() if a == asset
        )
    parts = [part for settlement in plan.settlements for part in settlement.parts]
    whole = {part.instruction_id for part in parts if part.units == named[part.instruction_id].units}
    assert len({part.instruction_id for part in parts}) == len(parts)
    assert {part.instruction_id for part in parts} | plan.reasons.keys() == named.keys()
    assert {part.instruction_id for part in parts} & plan.reasons.keys() == set()
    for settlement in plan.settlements:
        for part in settlement.parts:
            one = named[part.instruction_id]
            assert (part.units >= 1, part.kopecks >= 0) == (True, True)
            assert part.kopecks == price_of(one.before_units + part.units, one) - price_of(one.before_units, one)
            if part.units < one.units:
                assert one.is_partial_allowed
                assert (settlement.how, len(settlement.parts), part.kopecks > 0) == (SettledHow.PARTIAL, 1, True)
    for group in set(groups.values()):
        members = {one for one, name in groups.items() if name == group}
        assert not members & blocked.keys() or not members & whole
        together = [
            settlement for settlement in plan.settlements if members & {p.instruction_id for p in settlement.parts}
        ]
        if len(members) > 1 and together:
            assert len(together) == 1
            assert members <= {part.instruction_id for part in together[0].parts}
    assert not blocked.keys() & {part.instruction_id for part in parts}
    assert plan_of(queue, balances, groups, blocked) == plan
    # What is left alone could not have been settled gross with what there is in the end.
    for one in queue:
        if plan.reasons.get(one.instruction_id) in {UNITS_SHORT, MONEY_SHORT} and one.instruction_id not in groups:
            assert after.get((one.asset, one.seller), 0) < one.units or after.get((None, one.buyer), 0) < one.kopecks


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 5), st.integers(1, 10**6), st.integers(1, 10**9), st.randoms(use_true_random=False))
def test_a_circle_in_which_nobody_has_anything_settles_as_one(
    size: int, units: int, kopecks: int, rng: random.Random
) -> None:
    circle = [queued(n, n, (n + 1) % size, units, kopecks) for n in range(size)]
    # Each ten times the one before: of smaller steps some and a part of the circle may come to nothing as well.
    noise = [queued(100 + n, *rng.sample(range(5), 2), units * 10**n, kopecks * 10**n) for n in range(1, 7)]
    queue = [*noise, *circle]
    rng.shuffle(queue)

    plan = plan_of(queue)

    assert played(queue, plan, dict.fromkeys([(None, WALLETS[0])], 0)) is not None
    settled = {part.instruction_id for settlement in plan.settlements for part in settlement.parts}
    if size == len(WALLETS):  # no wallet but those of the circle, no set but it can hold them all
        assert settled >= {one.instruction_id for one in circle}
    (first, *_) = plan.settlements
    assert first.how is SettledHow.NETTED


def test_a_circle_that_is_short_of_money_takes_only_the_difference() -> None:
    queue = [queued(1, 0, 1, 10, 1_000), queued(2, 1, 2, 10, 1_010), queued(3, 2, 0, 10, 1_030)]

    short = plan_of(queue, {(None, WALLETS[0]): 29})
    enough = plan_of(queue, {(None, WALLETS[0]): 30})

    assert short.settlements == []
    assert [settlement.how for settlement in enough.settlements] == [SettledHow.NETTED]
    assert [part.kopecks for part in enough.settlements[0].parts] == [1_000, 1_010, 1_030]  # told gross


def test_the_queue_is_settled_in_its_order_and_who_comes_later_may_fund_who_came_before() -> None:
    first, second = queued(1, 0, 1, 3, 50), queued(2, 0, 2, 3, 50)
    have: dict[Account, int] = {(ASSETS[0], WALLETS[0]): 3, (None, WALLETS[1]): 50, (None, WALLETS[2]): 50}
    assert [s.parts[0].instruction_id for s in plan_of([first, second], have).settlements] == [first.instruction_id]
    assert [s.parts[0].instruction_id for s in plan_of([second, first], have).settlements] == [second.instruction_id]

    chain = [queued(1, 1, 2, 3, 50), queued(2, 0, 1, 3, 50)]
    funded: dict[Account, int] = {(ASSETS[0], WALLETS[0]): 3, (None, WALLETS[1]): 50, (None, WALLETS[2]): 50}
    assert [s.parts[0].instruction_id.int for s in plan_of(chain, funded).settlements] == [1002, 1001]


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.integers(1, 500), st.lists(st.tuples(st.integers(0, 20), st.integers(0, 200))))
def test_parts_are_whole_units_and_add_up_to_the_last_kopeck(
    units: int, kopecks: int, credited: list[tuple[int, int]]
) -> None:
    one = queued(1, 0, 1, units, kopecks, is_partial_allowed=True)
    have: dict[Account, int] = {}
    paid = 0
    for more_units, more_kopecks in [*credited, (units, kopecks)]:
        have[ASSETS[0], WALLETS[0]] = have.get((ASSETS[0], WALLETS[0]), 0) + more_units
        have[None, WALLETS[1]] = have.get((None, WALLETS[1]), 0) + more_kopecks
        plan = plan_of([one], have)
        have = played([one], plan, have)
        if plan.settlements:
            ((part,),) = (settlement.parts for settlement in plan.settlements)
            paid += part.kopecks
            one = one._replace(before_units=one.before_units + part.units)
            if not one.units:
                break
    assert (one.units, paid) == (0, kopecks)


def test_a_set_larger_than_an_entry_takes_waits_with_its_reason() -> None:
    queue = [queued(n, 0, 1, 1, 1) for n in range(GROUP_MAX + 1)]
    rich: dict[Account, int] = {(ASSETS[0], WALLETS[0]): 1_000, (None, WALLETS[1]): 1_000}
    name = UUID(int=9000)

    refused = plan_of(queue, rich, {one.instruction_id: name for one in queue})
    taken = plan_of(queue[1:], rich, {one.instruction_id: name for one in queue[1:]})

    assert set(refused.reasons.values()) == {GROUP_TOO_LARGE}
    assert [(settlement.how, len(settlement.parts)) for settlement in taken.settlements] == [
        (SettledHow.LINKED, GROUP_MAX)
    ]


@pytest.mark.parametrize("kind", ["one buyer", "one circle of all", "random"])
def test_a_long_queue_that_cannot_settle_stays_within_its_bounds(kind: str) -> None:
    rng = random.Random(259)
    wallets = [UUID(int=n) for n in range(1, 401)]
    pairs = {
        "one buyer": lambda n: (wallets[n % 399 + 1], wallets[0]),
        "one circle of all": lambda n: (wallets[n % 400], wallets[(n + 1) % 400]),
        "random": lambda _: tuple(rng.sample(wallets, 2)),
    }[kind]
    queue = [
        Queued(UUID(int=10_000 + n), *pairs(n), ASSETS[n % 2], rng.randint(1, 99), rng.randint(1, 9_999))
        for n in range(3_000)
    ]

    plan = plan_of(queue)

    assert len(plan.reasons) + sum(len(settlement.parts) for settlement in plan.settlements) == len(queue)
    assert all(len(settlement.parts) <= GROUP_MAX for settlement in plan.settlements)
