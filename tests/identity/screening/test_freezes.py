"""Freezes: at once by the machine or one officer, in the register too, and ended by two. Scenario 25."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from kapital.contracts import identity as contract
from kapital.identity.domain.freeze import FreezeBasis, FreezeDirection, FreezeScope, Reach, ReleaseKind
from kapital.identity.domain.problems import (
    DecisionNamesAnotherFreeze,
    FreezeAssetMustExist,
    FreezeNotFound,
    FreezeOfHitEndsWithItsHit,
    FreezeReleaseMustBeProposed,
    FreezeScopeMustFit,
    FreezeWalletMustBeTheParticipants,
    MakerAndCheckerMustDiffer,
    ReleaseExceedsMonthLimit,
    ReleaseMustNarrowTheFreeze,
)
from kapital.identity.reactions import keep_wallets
from kapital.identity.use_cases.change_freeze import DecideFreeze, DecideFreezeRelease, ProposeFreezeRelease
from kapital.identity.use_cases.freezing import FreezingUseCases
from kapital.identity.use_cases.impose_freeze import ImposeFreeze
from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.ids import wallet_id_of
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.ledger.api import Committed, OpenWallet, Position, Transaction
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from tests.identity.screening.conftest import OFFICER, ONBOARDER, OTHER_OFFICER, World, person, staff
from tests.ledger.words import AVAILABLE, RUB, at, issue, move, top_up, tx, units

PROPOSER = staff(9, Role.COMPLIANCE)
BASIS = FreezeBasis("решение 7-р от 01.03.2026", "ab" * 32)
ALL = Reach(scope=FreezeScope.PARTICIPANT, direction=FreezeDirection.BOTH)
LISTED = ("1001", "ЖЕМЧУЖНИКОВ ВАЛЕНТИН", "1970-05-04")
CLIENT = person("Жемчужников Валентин", born="1970-05-04")


class ProcessDied(BaseException):
    """Stands for kill -9."""


class DyingLedger:
    """The ledger of a process that dies before or after its post."""

    def __init__(self, ledger: Any, *, before: bool) -> None:
        self._ledger, self._before = ledger, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def post(self, transactions: Sequence[Transaction]) -> Any:
        if not self._before:
            await self._ledger.post(transactions)
        raise ProcessDied


class Freezing:
    """Freezes of one participant with an open wallet of 1,000 kopecks, and another wallet to deal with."""

    def __init__(self, world: World) -> None:
        self.world, self.participant = world, new_uuid7()
        self.wallet, self.other = wallet_id_of(self.participant), new_uuid7()
        self.do: FreezingUseCases = world.service.freezing

    async def prepare(self) -> "Freezing":
        await self.world.ledger.open_money()
        await self.post(tx(OpenWallet(self.wallet), OpenWallet(self.other)))
        await self.post(tx(*top_up(self.wallet, 1_000)))
        await self.post(tx(*top_up(self.other, 1_000)))
        return self

    async def post(self, transaction: Transaction) -> Committed:
        [answer] = await self.world.ledger.post([transaction])
        assert isinstance(answer, Committed), answer
        return answer

    async def moves(self, transaction: Transaction) -> bool:
        [answer] = await self.world.ledger.post([transaction])
        return isinstance(answer, Committed)

    async def spends(self, kopecks: int = 1, wallet: UUID | None = None) -> bool:
        return await self.moves(tx(*move(RUB, wallet or self.wallet, self.other, kopecks)))

    async def impose(self, reach: Reach = ALL, *, actor: Actor = OFFICER, do: Any = None) -> contract.Freeze:
        cmd = ImposeFreeze(
            command_id=self.world.command_id(),
            actor=actor,
            participant_id=self.participant,
            reach=reach,
            basis=BASIS,
            reason="проверка",
        )
        return await (do or self.do).impose_freeze(cmd)

    async def decide(
        self, freeze: contract.Freeze, *, impose: bool = True, actor: Actor = OFFICER
    ) -> contract.Freeze:
        cmd = DecideFreeze(
            command_id=self.world.command_id(),
            actor=actor,
            freeze_id=freeze.freeze_id,
            impose=impose,
            freeze_sha256=freeze.freeze_sha256,
            reason="проверено",
        )
        return await self.do.change_freeze(cmd)

    async def propose(
        self,
        freeze: contract.Freeze,
        kind: ReleaseKind = ReleaseKind.WHOLE,
        *,
        remaining: Reach | None = None,
        kopecks: int | None = None,
        actor: Actor = OFFICER,
    ) -> contract.Freeze:
        cmd = ProposeFreezeRelease(
            command_id=self.world.command_id(),
            actor=actor,
            freeze_id=freeze.freeze_id,
            kind=kind,
            remaining=remaining,
            amount_kopecks=kopecks,
            basis=BASIS,
            freeze_sha256=freeze.freeze_sha256,
            reason="исключён из перечня",
        )
        return await self.do.change_freeze(cmd)

    async def approve(
        self, freeze: contract.Freeze, *, approve: bool = True, actor: Actor = OTHER_OFFICER
    ) -> contract.Freeze:
        cmd = DecideFreezeRelease(
            command_id=self.world.command_id(),
            actor=actor,
            freeze_id=freeze.freeze_id,
            approve=approve,
            freeze_sha256=freeze.freeze_sha256,
            reason="согласен",
        )
        return await self.do.change_freeze(cmd)

    async def now(self, freeze: contract.Freeze) -> contract.Freeze:
        return await self.world.service.freeze_reads.get_freeze(freeze.freeze_id, actor=OFFICER)

    async def balance(self, position: Position) -> int:
        return (await self.world.ledger.balances([at(RUB, self.wallet, position)]))[0]

    async def coupon(self, kopecks: int) -> None:
        asset = new_uuid7()
        await self.post(tx(units(asset)))
        await self.post(tx(*move(RUB, self.other, self.wallet, kopecks), income_of=asset))


@pytest.fixture
async def freezing(world: World) -> Freezing:
    return await Freezing(world).prepare()


async def test_an_exact_hit_freezes_the_wallet_before_it_opens_and_two_officers_end_it(world: World) -> None:
    freezing = Freezing(world)
    await world.ledger.open_money()
    await world.load_persons(LISTED)

    [screened] = await world.screen_as((freezing.participant, CLIENT))

    assert screened.measure is contract.Measure.frozen
    [freeze] = (await world.service.freeze_reads.list_freezes(actor=OFFICER)).freezes
    assert (freeze.state, freeze.list_number, freeze.scope) == ("active", 1, "participant")
    assert [entry.refusal for entry in freeze.entries] == [None]
    [entry] = await world.ledger.entries(freeze.entries[0].entry_seq or 0, (freeze.entries[0].entry_seq or 0) + 1)
    assert b"STATUTE" in entry.body
    # The register names neither the list nor the person.
    assert b"rosfin" not in entry.body
    await freezing.post(tx(OpenWallet(freezing.wallet), OpenWallet(freezing.other)))
    assert not await freezing.moves(tx(*top_up(freezing.wallet, 1_000)))
    await freezing.post(tx(*top_up(freezing.other, 1_000)))
    await freezing.coupon(70)
    with pytest.raises(FreezeOfHitEndsWithItsHit):
        await freezing.propose(freeze)

    await world.release((await world.hits())[0])

    assert (await freezing.now(freeze)).state == "released"
    assert (await freezing.balance(AVAILABLE), await freezing.balance(Position.FROZEN)) == (70, 0)
    assert await freezing.spends(70)
    assert (await world.ledger.check()).clean


async def test_one_officer_freezes_at_once_and_two_release(freezing: Freezing) -> None:
    freeze = await freezing.impose()
    assert freeze.state == "active"
    assert not await freezing.spends()
    await freezing.coupon(70)

    proposed = await freezing.propose(freeze)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await freezing.approve(proposed, actor=OFFICER)
    with pytest.raises(DecisionNamesAnotherFreeze):
        await freezing.approve(freeze)
    assert not await freezing.spends()
    released = await freezing.approve(proposed)

    assert (released.state, released.release) == ("released", None)
    assert (await freezing.balance(AVAILABLE), await freezing.balance(Position.FROZEN)) == (1_070, 0)
    assert await freezing.spends()
    with pytest.raises(WrongState):
        await freezing.propose(released)


async def test_what_compliance_proposes_stops_nothing_until_an_officer_decides(freezing: Freezing) -> None:
    both = staff(10, Role.COMPLIANCE, Role.AML_OFFICER)
    proposed, other = await freezing.impose(actor=PROPOSER), await freezing.impose(actor=PROPOSER)
    assert proposed.state == "proposed"
    assert await freezing.spends()
    with pytest.raises(MakerAndCheckerMustDiffer):
        await freezing.decide(proposed, actor=Actor(PROPOSER.id, None, both.roles))
    assert (await freezing.decide(other, impose=False)).state == "rejected"
    assert await freezing.spends()
    assert (await freezing.decide(proposed)).state == "active"
    assert not await freezing.spends()


async def test_a_part_is_released_and_the_rest_stays(freezing: Freezing) -> None:
    asset = new_uuid7()
    await freezing.post(tx(units(asset), *issue(asset, freezing.wallet, 5)))
    freeze = await freezing.impose()
    cash = Reach(scope=FreezeScope.CASH, direction=FreezeDirection.DEBIT)
    for wider in (ALL, Reach(scope=FreezeScope.PARTICIPANT, direction=FreezeDirection.BOTH)):
        with pytest.raises(ReleaseMustNarrowTheFreeze):
            await freezing.propose(freeze, ReleaseKind.PART, remaining=wider)

    part = await freezing.approve(await freezing.propose(freeze, ReleaseKind.PART, remaining=cash))

    assert (part.state, part.scope, part.direction) == ("partially_released", "cash", "debit")
    assert await freezing.moves(tx(*move(asset, freezing.wallet, freezing.other, 1)))
    assert await freezing.moves(tx(*top_up(freezing.wallet, 5)))
    assert not await freezing.spends()
    with pytest.raises(ReleaseMustNarrowTheFreeze):
        await freezing.propose(part, ReleaseKind.PART, remaining=ALL)


async def test_a_monthly_amount_may_leave_by_two_and_no_more_than_the_law_lets(freezing: Freezing) -> None:
    await freezing.post(tx(*top_up(freezing.wallet, 3_000_000)))
    freeze = await freezing.impose()
    with pytest.raises(ReleaseExceedsMonthLimit):
        await freezing.propose(freeze, ReleaseKind.AMOUNT, kopecks=1_000_001)
    proposed = await freezing.propose(freeze, ReleaseKind.AMOUNT, kopecks=600_000)
    released = await freezing.approve(proposed)
    assert released.state == "partially_released"
    assert not await freezing.spends(600_001)
    assert await freezing.spends(600_000)
    assert not await freezing.spends()
    with pytest.raises(ReleaseExceedsMonthLimit):
        await freezing.propose(released, ReleaseKind.AMOUNT, kopecks=400_001)
    with pytest.raises(FreezeReleaseMustBeProposed):
        await freezing.approve(released)


@pytest.mark.parametrize(
    ("reach", "problem"),
    [
        (Reach(scope=FreezeScope.WALLET, direction=FreezeDirection.BOTH), FreezeScopeMustFit),
        (Reach(scope=FreezeScope.UNITS, direction=FreezeDirection.BOTH), FreezeScopeMustFit),
        (Reach(scope=FreezeScope.PARTICIPANT, asset_id=RUB, direction=FreezeDirection.BOTH), FreezeScopeMustFit),
        (
            Reach(scope=FreezeScope.WALLET, wallet_id=UUID(int=3), direction=FreezeDirection.BOTH),
            FreezeWalletMustBeTheParticipants,
        ),
        (Reach(scope=FreezeScope.UNITS, asset_id=UUID(int=3), direction=FreezeDirection.BOTH), FreezeAssetMustExist),
    ],
)
async def test_what_cannot_be_frozen_is_refused_and_leaves_nothing(freezing: Freezing, reach: Reach, problem) -> None:
    with pytest.raises(problem):
        await freezing.impose(reach)
    assert (await freezing.world.service.freeze_reads.list_freezes(actor=OFFICER)).freezes == []


async def test_only_officers_freeze_and_only_staff_of_control_sees(freezing: Freezing) -> None:
    freeze = await freezing.impose()
    with pytest.raises(NotPermitted):
        await freezing.impose(actor=ONBOARDER)
    with pytest.raises(NotPermitted):
        await freezing.propose(freeze, actor=PROPOSER)
    with pytest.raises(NotPermitted):
        await freezing.world.service.freeze_reads.get_freeze(freeze.freeze_id, actor=ONBOARDER)
    with pytest.raises(FreezeNotFound):
        await freezing.world.service.freeze_reads.get_freeze(new_uuid7(), actor=OFFICER)


@pytest.mark.parametrize("before", [True, False])
async def test_a_process_that_dies_between_the_act_and_the_register_is_resumed_by_the_tick(
    freezing: Freezing, before: bool
) -> None:
    dying = replace(freezing.do, ledger=DyingLedger(freezing.world.ledger, before=before))
    with pytest.raises(ProcessDied):
        await freezing.impose(do=dying)
    [freeze] = (await freezing.world.service.freeze_reads.list_freezes(actor=OFFICER)).freezes
    assert (freeze.state, freeze.entries[0].entry_seq) == ("active", None)
    assert await freezing.spends() is before

    await freezing.do.tick(freezing.world.clock.now())

    assert not await freezing.spends()
    assert (await freezing.now(freeze)).entries[0].entry_seq is not None
    [in_force] = await freezing.world.ledger.freezes([freezing.wallet])
    assert in_force.freeze.freeze == freeze.freeze_id


async def test_a_release_that_died_anywhere_gives_the_blocked_money_back_once(freezing: Freezing) -> None:
    freeze = await freezing.impose()
    await freezing.coupon(70)
    proposed = await freezing.propose(freeze)
    for before in (True, False):
        healthy, freezing.do = (
            freezing.do,
            replace(freezing.do, ledger=DyingLedger(freezing.world.ledger, before=before)),
        )
        with pytest.raises(ProcessDied):
            await (freezing.approve(proposed) if before else freezing.do.enter_freezes())
        freezing.do = healthy
    await freezing.do.tick(freezing.world.clock.now())
    await freezing.do.tick(freezing.world.clock.now())

    assert (await freezing.balance(AVAILABLE), await freezing.balance(Position.FROZEN)) == (1_070, 0)


async def test_blocked_money_stays_while_another_freeze_is_in_force(freezing: Freezing) -> None:
    first, second = await freezing.impose(), await freezing.impose()
    await freezing.coupon(70)
    await freezing.approve(await freezing.propose(first))
    assert await freezing.balance(Position.FROZEN) == 70
    assert not await freezing.spends()
    await freezing.approve(await freezing.propose(second))
    assert (await freezing.balance(AVAILABLE), await freezing.balance(Position.FROZEN)) == (1_070, 0)


async def test_a_wallet_that_opens_later_is_frozen_as_its_owner_is(freezing: Freezing) -> None:
    later, free = new_uuid7(), new_uuid7()
    await freezing.post(tx(OpenWallet(later), OpenWallet(free)))
    await freezing.impose()
    events: Any = [_Opened(later, freezing.participant), _Opened(free, new_uuid7())]
    for _ in range(2):
        async with UnitOfWork(freezing.world.database, freezing.world.clock).begin() as work:
            await keep_wallets(work, events, freezes=freezing.do.freezes)

    await freezing.do.tick(freezing.world.clock.now())

    frozen = await freezing.world.ledger.freezes([later, free, freezing.wallet])
    assert {one.freeze.wallet for one in frozen} == {later, freezing.wallet}


async def test_a_freeze_by_hand_changes_the_measure_and_its_release_changes_it_back(freezing: Freezing) -> None:
    [screened] = await freezing.world.screen_as((freezing.participant, CLIENT))
    assert screened.measure is contract.Measure.free
    freeze = await freezing.impose()
    assert await measures(freezing.world) == [("free", "frozen")]
    await freezing.approve(await freezing.propose(freeze))
    assert await measures(freezing.world) == [("free", "frozen"), ("frozen", "free")]


async def test_a_freeze_by_hand_changes_the_measure_of_whom_nobody_screened(freezing: Freezing) -> None:
    freeze = await freezing.impose()

    assert await measures(freezing.world) == [("free", "frozen")]
    await freezing.approve(await freezing.propose(freeze))
    assert await measures(freezing.world) == [("free", "frozen"), ("frozen", "free")]


async def measures(world: World) -> list[tuple[str, str]]:
    return [(told["measure_before"], told["measure"]) for told in await world.told()]


class _Opened:
    def __init__(self, wallet: UUID, participant: UUID) -> None:
        self.data = {"wallet_id": str(wallet), "participant_id": str(participant)}
