"""The rules of a freeze without a database: what may end, by whom, and what is asked of the register."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kapital.identity.domain.freeze import (
    MONTH_LIMIT_KOPECKS,
    Freeze,
    FreezeBasis,
    FreezeDirection,
    FreezeScope,
    ProposedRelease,
    Reach,
    ReleaseKind,
    imposed,
)
from kapital.identity.domain.freeze_entry import asked
from kapital.identity.domain.problems import (
    DecisionNamesAnotherFreeze,
    FreezeOfHitEndsWithItsHit,
    FreezeReleaseMustBeProposed,
    FreezeScopeMustFit,
    MakerAndCheckerMustDiffer,
    ReleaseExceedsMonthLimit,
    ReleaseMustNarrowTheFreeze,
)
from kapital.identity.domain.states import FreezeState
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.problems import Problem
from kapital.kernel.states import WrongState
from kapital.platform.ids import new_uuid7

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOST = MONTH_LIMIT_KOPECKS.at(NOW.date())
WALLET, OTHER_WALLET, ASSET, OTHER_ASSET = (new_uuid7() for _ in range(4))
BASIS = FreezeBasis("решение 7-р", "ab" * 32)
MAKER, CHECKER = "maker", "checker"
S, D, K = FreezeScope, FreezeDirection, ReleaseKind
SIDES = {D.DEBIT: {"debit"}, D.CREDIT: {"credit"}, D.BOTH: {"debit", "credit"}}


def reach(
    scope: FreezeScope = S.PARTICIPANT,
    direction: FreezeDirection = D.BOTH,
    *,
    wallet: UUID | None = None,
    asset: UUID | None = None,
) -> Reach:
    return Reach(scope=scope, wallet_id=wallet, asset_id=asset, direction=direction)


def frozen(what: Reach | None = None, **changes: Any) -> Freeze:
    made = Freeze(
        freeze_id=new_uuid7(),
        participant_id=new_uuid7(),
        reach=what or reach(),
        basis=BASIS,
        hit_id=None,
        source=None,
        list_number=None,
        state=FreezeState.PROPOSED,
        reason="проверка",
        made_by=MAKER,
        made_at=NOW,
    )
    return replace(imposed(made), **changes)


def release(
    kind: ReleaseKind = K.WHOLE, *, by: str = MAKER, remaining: Reach | None = None, kopecks: int | None = None
) -> ProposedRelease:
    return ProposedRelease(
        kind=kind,
        remaining=remaining,
        amount_kopecks=kopecks,
        basis=BASIS,
        proposed_by=by,
        proposed_at=NOW,
        reason="исключён из перечня",
    )


def propose(freeze: Freeze, what: ProposedRelease, *, seen: str | None = None, released: int = 0) -> None:
    freeze.propose_release(what, freeze_sha256=seen or freeze.sha256, released_kopecks=released)


def decide(
    freeze: Freeze, *, approve: bool = True, by: str = CHECKER, seen: str | None = None, released: int = 0
) -> None:
    freeze.decide_release(
        approve=approve,
        freeze_sha256=seen or freeze.sha256,
        officer_id=by,
        reason="согласен",
        now=NOW,
        released_kopecks=released,
    )


def end_whole(freeze: Freeze) -> None:
    propose(freeze, release())
    decide(freeze)


# --- reach


@pytest.mark.parametrize(("scope", "wallet", "asset"), product(S, [None, WALLET], [None, ASSET]))
def test_a_scope_names_what_it_needs_and_nothing_else(scope: FreezeScope, wallet: UUID | None, asset: UUID | None):
    fits = {
        S.PARTICIPANT: (wallet, asset) == (None, None),
        S.WALLET: wallet is not None and asset is None,
        S.UNITS: asset is not None,
        S.CASH: asset is None,
    }[scope]
    named = reach(scope, wallet=wallet, asset=asset)
    if fits:
        named.require_fit()
    else:
        with pytest.raises(FreezeScopeMustFit):
            named.require_fit()


def stopped(what: Reach) -> set[tuple[object, object, str]]:
    """Everything that a reach stops, one by one."""
    wallets = {WALLET, OTHER_WALLET} if what.wallet_id is None else {what.wallet_id}
    assets: set[object] = {"money", ASSET, OTHER_ASSET}
    if what.scope is S.CASH:
        assets = {"money"}
    elif what.scope is S.UNITS:
        assets = {what.asset_id}
    return set(product(wallets, assets, SIDES[what.direction]))


def reaches(wallet: UUID | None) -> list[Reach]:
    scopes: list[tuple[FreezeScope, UUID | None]] = [
        (S.PARTICIPANT if wallet is None else S.WALLET, None),
        (S.CASH, None),
        (S.UNITS, ASSET),
        (S.UNITS, OTHER_ASSET),
    ]
    return [reach(scope, direction, wallet=wallet, asset=asset) for (scope, asset), direction in product(scopes, D)]


@pytest.mark.parametrize("wallet", [None, WALLET])
def test_a_part_stops_less_and_nothing_that_the_whole_does_not(wallet: UUID | None) -> None:
    for part, whole in product(reaches(wallet), repeat=2):
        assert part.is_part_of(whole) is (stopped(part) < stopped(whole)), (part, whole)


# --- imposing what was proposed


def test_a_proposed_freeze_is_imposed_by_another_person_and_asks_the_register_once() -> None:
    freeze = frozen(state=FreezeState.PROPOSED, step=0)
    assert not freeze.is_live
    freeze.decide(impose=True, freeze_sha256=freeze.sha256, officer_id=CHECKER, reason="да", now=NOW)
    assert (freeze.state, freeze.step, freeze.is_live) == (FreezeState.ACTIVE, 1, True)
    assert (freeze.decided_by, freeze.decided_at, freeze.decision_reason) == (CHECKER, NOW, "да")


def test_a_rejected_freeze_asks_the_register_nothing() -> None:
    freeze = frozen(state=FreezeState.PROPOSED, step=0)
    freeze.decide(impose=False, freeze_sha256=freeze.sha256, officer_id=CHECKER, reason="нет", now=NOW)
    assert (freeze.state, freeze.step, freeze.is_live) == (FreezeState.REJECTED, 0, False)


@pytest.mark.parametrize("impose", [True, False])
def test_who_proposed_does_not_decide_nor_does_who_saw_another_freeze(impose: bool) -> None:
    proposed = frozen(state=FreezeState.PROPOSED, step=0)
    for problem, changes in (
        (MakerAndCheckerMustDiffer, {"officer_id": MAKER}),
        (DecisionNamesAnotherFreeze, {"freeze_sha256": frozen().sha256}),
    ):
        said = {"freeze_sha256": proposed.sha256, "officer_id": CHECKER} | changes
        with pytest.raises(problem):
            proposed.decide(impose=impose, reason="", now=NOW, **said)
    assert (proposed.state, proposed.step) == (FreezeState.PROPOSED, 0)
    with pytest.raises(WrongState):
        frozen().decide(impose=impose, freeze_sha256="", officer_id=CHECKER, reason="", now=NOW)


# --- release


def test_two_end_a_freeze_whole_and_it_stops_nothing_more() -> None:
    freeze = frozen()
    propose(freeze, release())
    assert (freeze.state, freeze.step, freeze.is_live) == (FreezeState.ACTIVE, 1, True)
    decide(freeze)
    assert (freeze.state, freeze.step, freeze.release, freeze.is_live) == (FreezeState.RELEASED, 2, None, False)
    with pytest.raises(WrongState):
        propose(freeze, release())


def test_a_part_released_leaves_what_was_proposed_and_ends_an_allowance_before_it() -> None:
    freeze = frozen()
    propose(freeze, release(K.AMOUNT, kopecks=500))
    decide(freeze)
    assert (freeze.state, freeze.allowance_kopecks, freeze.reach) == (FreezeState.PARTIALLY_RELEASED, 500, reach())
    cash = reach(S.CASH, D.DEBIT)
    propose(freeze, release(K.PART, remaining=cash))
    decide(freeze)
    assert (freeze.reach, freeze.allowance_kopecks, freeze.step) == (cash, 0, 3)
    assert freeze.is_live
    end_whole(freeze)
    assert freeze.state is FreezeState.RELEASED


def test_a_release_that_is_not_approved_changes_nothing_and_may_be_proposed_again() -> None:
    freeze = frozen()
    for what in (release(), release(K.PART, remaining=reach(S.CASH)), release(K.AMOUNT, kopecks=5)):
        propose(freeze, what)
        decide(freeze, approve=False)
        assert (freeze.state, freeze.step, freeze.reach, freeze.release) == (FreezeState.ACTIVE, 1, reach(), None)
        assert freeze.allowance_kopecks == 0


def test_who_proposed_a_release_does_not_approve_it_nor_refuse_it() -> None:
    for approve in (True, False):
        freeze = frozen()
        propose(freeze, release())
        with pytest.raises(MakerAndCheckerMustDiffer):
            decide(freeze, by=MAKER, approve=approve)
        assert (freeze.state, freeze.release) == (FreezeState.ACTIVE, release())


def test_a_release_is_decided_on_the_very_proposal_that_was_seen() -> None:
    freeze = frozen()
    propose(freeze, release(K.AMOUNT, kopecks=5))
    seen = freeze.sha256
    with pytest.raises(DecisionNamesAnotherFreeze):
        propose(freeze, release(), seen=frozen().sha256)
    propose(freeze, release())
    with pytest.raises(DecisionNamesAnotherFreeze):
        decide(freeze, seen=seen)
    decide(freeze, approve=False)
    with pytest.raises(FreezeReleaseMustBeProposed):
        decide(freeze)


@pytest.mark.parametrize(
    ("what", "proposed"),
    [
        (reach(), release(K.WHOLE, remaining=reach(S.CASH))),
        (reach(), release(K.WHOLE, kopecks=5)),
        (reach(), release(K.PART)),
        (reach(), release(K.PART, remaining=reach())),
        (reach(S.CASH), release(K.PART, remaining=reach())),
        (reach(), release(K.PART, remaining=reach(S.CASH), kopecks=5)),
        (reach(), release(K.AMOUNT)),
        (reach(), release(K.AMOUNT, remaining=reach(S.CASH), kopecks=5)),
        (reach(S.UNITS, asset=ASSET), release(K.AMOUNT, kopecks=5)),
        (reach(direction=D.CREDIT), release(K.AMOUNT, kopecks=5)),
    ],
)
def test_a_release_that_makes_no_sense_is_refused_and_noted_nowhere(what: Reach, proposed: ProposedRelease) -> None:
    freeze = frozen(what)
    with pytest.raises(ReleaseMustNarrowTheFreeze):
        propose(freeze, proposed)
    assert freeze.release is None


@pytest.mark.parametrize("what", [reach(), reach(S.CASH), reach(S.WALLET, D.DEBIT, wallet=WALLET)])
def test_an_amount_leaves_any_freeze_that_stops_money_from_leaving(what: Reach) -> None:
    propose(frozen(what), release(K.AMOUNT, kopecks=5))


def test_a_remaining_part_must_fit_its_scope() -> None:
    with pytest.raises(FreezeScopeMustFit):
        propose(frozen(), release(K.PART, remaining=reach(S.UNITS)))


def test_the_month_has_one_limit_looked_at_when_proposed_and_when_approved() -> None:
    freeze = frozen()
    propose(freeze, release(K.AMOUNT, kopecks=MOST))
    with pytest.raises(ReleaseExceedsMonthLimit):
        propose(freeze, release(K.AMOUNT, kopecks=MOST + 1))
    with pytest.raises(ReleaseExceedsMonthLimit):
        propose(freeze, release(K.AMOUNT, kopecks=1), released=MOST)
    with pytest.raises(ReleaseExceedsMonthLimit):
        decide(freeze, released=1)
    propose(freeze, release(K.AMOUNT, kopecks=MOST - 1))
    decide(freeze, released=1)
    assert freeze.allowance_kopecks == MOST - 1
    # What is not an amount knows no limit.
    propose(freeze, release(), released=MOST + 1)
    decide(freeze, released=MOST + 1)


def test_the_limit_is_that_of_the_day_in_moscow() -> None:
    # The parameter begins on 1 January 2014; in UTC this is the evening before.
    new_year = datetime(2013, 12, 31, 20, 30, tzinfo=UTC)
    freeze = frozen()
    propose(freeze, msgspec.structs.replace(release(K.AMOUNT, kopecks=5), proposed_at=new_year))
    assert freeze.release is not None


def test_a_freeze_of_a_hit_ends_with_its_hit_only_but_may_be_narrowed_by_two() -> None:
    freeze = frozen(hit_id=new_uuid7())
    with pytest.raises(FreezeOfHitEndsWithItsHit):
        propose(freeze, release())
    propose(freeze, release(K.PART, remaining=reach(S.CASH)))
    decide(freeze)
    propose(freeze, release(K.AMOUNT, kopecks=5))
    freeze.end_with_hit(officer_id=CHECKER, reason="ошибочное совпадение", now=NOW)
    assert (freeze.state, freeze.step, freeze.release) == (FreezeState.RELEASED, 3, None)
    with pytest.raises(WrongState):
        freeze.end_with_hit(officer_id=CHECKER, reason="", now=NOW)
    with pytest.raises(WrongState):
        frozen(state=FreezeState.PROPOSED).end_with_hit(officer_id=CHECKER, reason="", now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"participant_id": UUID(int=1)},
        {"reach": reach(S.CASH)},
        {"basis": FreezeBasis("другое решение")},
        {"hit_id": UUID(int=1)},
        {"state": FreezeState.PARTIALLY_RELEASED},
        {"step": 2},
        {"release": release()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_that_a_decision_names_covers_what_is_decided(change: dict[str, Any]) -> None:
    freeze = frozen()
    assert replace(freeze, **change).sha256 != freeze.sha256


# --- what is asked of the register


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (reach(), (None, None, True, True)),
        (reach(direction=D.DEBIT), (None, None, True, False)),
        (reach(direction=D.CREDIT), (None, None, False, True)),
        (reach(S.WALLET, wallet=WALLET), (None, None, True, True)),
        (reach(S.UNITS, asset=ASSET), (ASSET, None, True, True)),
        (reach(S.CASH, D.DEBIT), (None, "money", True, False)),
    ],
)
def test_the_register_is_asked_for_the_reach_in_every_wallet(what: Reach, expected: tuple[object, ...]) -> None:
    freeze = frozen(what)
    entries = asked(freeze, [WALLET, OTHER_WALLET], NOW)
    assert [one.wallet_id for one in entries] == [WALLET, OTHER_WALLET]
    for one in entries:
        assert (one.asset_id, one.kind, one.debits_stopped, one.credits_stopped) == expected
        assert (one.freeze_id, one.step, one.lifts, one.allowance_kopecks) == (freeze.freeze_id, 1, False, 0)
        assert (one.actor, one.document_sha256, one.asked_at) == (MAKER, BASIS.document_sha256, NOW)


@pytest.mark.parametrize("what", [reach(), reach(S.CASH), reach(S.UNITS, asset=ASSET), reach(direction=D.CREDIT)])
def test_a_freeze_that_ended_is_lifted_in_every_wallet(what: Reach) -> None:
    freeze = frozen(what, allowance_kopecks=7)
    end_whole(freeze)
    for one in asked(freeze, [WALLET, OTHER_WALLET], NOW, K.WHOLE):
        assert (one.lifts, one.asset_id, one.kind, one.allowance_kopecks, one.step) == (True, None, None, 0, 2)
        assert one.actor == CHECKER


def test_a_freeze_that_ends_with_its_hit_leaves_no_allowance_behind() -> None:
    freeze = frozen(hit_id=new_uuid7())
    propose(freeze, release(K.AMOUNT, kopecks=500))
    decide(freeze)
    freeze.end_with_hit(officer_id=CHECKER, reason="ошибочное совпадение", now=NOW)
    [one] = asked(freeze, [WALLET], NOW)
    assert (one.lifts, one.allowance_kopecks) == (True, 0)


def test_an_amount_is_let_go_from_one_wallet_the_first_if_it_is_there() -> None:
    freeze = frozen()
    propose(freeze, release(K.AMOUNT, kopecks=500))
    decide(freeze)
    first = wallet_id_of(freeze.participant_id)
    for wallets, chosen in (([WALLET, first], first), ([WALLET, OTHER_WALLET], WALLET)):
        [one] = asked(freeze, wallets, NOW, K.AMOUNT)
        assert (one.wallet_id, one.allowance_kopecks, one.lifts) == (chosen, 500, False)


def test_every_step_in_every_wallet_is_an_entry_of_its_own_and_the_same_for_every_repeat() -> None:
    freeze = frozen()
    before = asked(freeze, [WALLET, OTHER_WALLET], NOW)
    end_whole(freeze)
    after = asked(freeze, [WALLET, OTHER_WALLET], NOW)
    ids = [one.entry_id for one in (*before, *after)]
    assert len(set(ids)) == 4
    assert [one.entry_id for one in asked(freeze, [WALLET, OTHER_WALLET], NOW)] == ids[2:]


def test_refusals_come_in_the_order_that_is_told() -> None:
    """Each case breaks its rule and every later one."""
    ended = frozen(hit_id=new_uuid7(), state=FreezeState.RELEASED)
    bad = release(K.WHOLE, kopecks=MOST + 1)
    of_hit, plain = frozen(hit_id=new_uuid7()), frozen()
    cases: list[tuple[type[Problem], Callable[[], None]]] = [
        (WrongState, lambda: propose(ended, bad, seen="other")),
        (DecisionNamesAnotherFreeze, lambda: propose(of_hit, bad, seen="other")),
        (FreezeOfHitEndsWithItsHit, lambda: propose(of_hit, bad)),
        (ReleaseMustNarrowTheFreeze, lambda: propose(plain, bad)),
        (WrongState, lambda: decide(ended, seen="other", by=MAKER)),
        (DecisionNamesAnotherFreeze, lambda: decide(plain, seen="other", by=MAKER)),
        (FreezeReleaseMustBeProposed, lambda: decide(plain, by=MAKER)),
    ]
    for problem, act in cases:
        with pytest.raises(problem):
            act()
