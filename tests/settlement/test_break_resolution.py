"""Two persons let a break be: on its exact difference and reason, and nothing of the register is corrected."""

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.settlement.use_cases.decide_break_resolution import DecideBreakResolution, decide_break_resolution
from kapital.settlement.use_cases.propose_break_resolution import ProposeBreakResolution, propose_break_resolution
from tests.settlement.test_breaks import RISK, breaks, code_of, gauge, open_now
from tests.settlement.world import STAFF, World


class TestTwoPersons:
    async def propose(self, world: World, one: contract.Break, key: str = "p") -> contract.Break:
        cmd = ProposeBreakResolution(
            command_id=CommandId(key), actor=STAFF, break_id=one.break_id, reason="Банк вернёт комиссию, письмо № 7"
        )
        return await propose_break_resolution(cmd, world.parts)

    async def decide(self, world: World, one: contract.Break, actor: Actor, sha256: str, key: str, *, ok=True):
        cmd = DecideBreakResolution(
            command_id=CommandId(key), actor=actor, break_id=one.break_id, resolution_sha256=sha256, approve=ok
        )
        return await decide_break_resolution(cmd, world.parts)

    async def test_resolve_an_exact_difference_and_a_new_one_is_a_new_break(self, world):
        wallet = await world.funded(1_000)
        await world.bank.take_fee(7)
        await world.reconcile()
        [one] = await breaks(world)

        proposed = await self.propose(world, one)
        sha256 = proposed.resolution_sha256
        assert await code_of(self.decide(world, one, STAFF, sha256, "own")) == "maker_and_checker_must_differ"
        assert await code_of(self.decide(world, one, RISK, "0" * 64, "odd")) == "break_resolution_must_match"
        assert await code_of(world.ask(wallet, 1)) == "reconciliation_break_stops_withdrawals"
        rejected = await self.decide(world, one, RISK, sha256, "no", ok=False)
        assert rejected.state is contract.BreakState.open
        proposed = await self.propose(world, one, "again")
        resolved = await self.decide(world, one, RISK, proposed.resolution_sha256, "yes")

        assert (resolved.state, resolved.stands) == (contract.BreakState.resolved, True)
        assert gauge() == 0
        assert (await world.ask(wallet, 1)).outcome == "accepted"
        assert (await world.reconcile()).difference_kopecks == -7, "nothing was corrected"
        assert await open_now(world) == []
        await world.bank.take_fee(2)
        await world.reconcile()
        assert await open_now(world) == [("balance_differs", -2)]

    async def test_what_was_proposed_for_another_difference_is_open_again(self, world):
        await world.funded(1_000)
        await world.bank.take_fee(7)
        await world.reconcile()
        [one] = await breaks(world)
        proposed = await self.propose(world, one)

        await world.bank.take_fee(1)
        await world.reconcile()

        assert [(one.state.value, one.difference_kopecks) for one in await breaks(world)] == [("open", -8)]
        refused = self.decide(world, one, RISK, proposed.resolution_sha256, "yes")
        assert await code_of(refused) == "break_resolution_must_be_proposed"
