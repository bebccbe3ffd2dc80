"""The escrow rail in the small world: the bank reached over HTTP, instructions on it, reviews, and what must hold."""

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.ids import new_uuid7
from kapital.sandbox.people import synthetic_people
from kapital.settlement.domain.dvp import Rail
from kapital.settlement.domain.dvp_review import ReviewOutcome
from kapital.settlement.domain.escrow import EscrowAccounts, hold_reference
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.domain.states import DVP, DvpState
from kapital.settlement.ports import Parts
from kapital.settlement.ports.escrow import Escrow
from kapital.settlement.use_cases.decide_dvp_review import DecideDvpReview, decide_dvp_review
from kapital.settlement.use_cases.propose_dvp_review import ProposeDvpReview, propose_dvp_review
from kapital.settlement.use_cases.run_escrow import run_escrow
from tests.sandbox.bank.serving import Caller
from tests.settlement.dvp_world import DvpWorld, command_id
from tests.settlement.world import World

BUYER, SELLER, OTHER, POOR = (one.payout_account for one in synthetic_people(1, 4))
FUNDS = 10**9
STATEMENT = base64.b64encode(b"statement of the bank").decode()
PROPOSER, DECIDER = (
    Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT})) for _ in range(2)
)


def with_escrow(parts: Parts, bank: Escrow) -> Parts:
    return replace(parts, escrow=replace(parts.escrow, bank=bank))


@dataclass
class EscrowWorld:
    """A seller with units, a buyer with money at the bank, and the bank's counter."""

    dvp: DvpWorld
    counter: Caller
    seller: UUID
    buyer: UUID
    units: int = 1_000

    @classmethod
    async def create(cls, world: World, bank: Escrow, counter: Caller) -> "EscrowWorld":
        world.parts = with_escrow(world.parts, bank)
        dvp = await DvpWorld.create(world)
        made = cls(dvp, counter, await dvp.party(units=1_000), await dvp.party())
        await made.client(BUYER, FUNDS)
        return made

    @property
    def world(self) -> World:
        return self.dvp.world

    async def client(self, account: PayoutAccount, kopecks: int = 0, *, closed: bool = False) -> dict[str, Any]:
        body = {"account": {"bic": account.bic, "account": account.account}, "amount_kopecks": kopecks}
        answer = await self.counter.post("/sandbox/clients", body | {"closed": closed})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def money(self, account: PayoutAccount) -> int:
        """What the account has free, in kopecks."""
        return int((await self.client(account))["balance_kopecks"])

    async def instruct(self, units: int = 10, kopecks: int = 700, **more: Any) -> UUID:
        accounts = EscrowAccounts(
            buyer_account=more.pop("buyer_account", BUYER), seller_account=more.pop("seller_account", SELLER)
        )
        item = self.dvp.item(self.seller, self.buyer, units, kopecks, rail=Rail.ESCROW, escrow=accounts, **more)
        (made,) = await self.dvp.agreed(item)
        return made

    async def run(self, parts: Parts | None = None) -> None:
        """A tick, and the time until the next one."""
        await run_escrow(parts or self.world.parts)
        self.world.clock.advance(timedelta(seconds=1))

    async def state(self, one: UUID) -> str:
        (state,) = await self.dvp.states([one])
        return state

    async def kept(self, one: UUID) -> dict[str, Any]:
        rows = await self.world.rows(
            "SELECT d.*, e.* FROM dvp_instruction d JOIN dvp_escrow e USING (instruction_id) "
            f"WHERE instruction_id = '{one}'"
        )
        return dict(rows[0])

    async def at_bank(self, one: UUID) -> str:
        answer = (await self.counter.get(f"/v1/escrow/holds/{hold_reference(one)}")).json()
        return str(answer.get("state") or answer["code"])

    async def where_units_are(self) -> tuple[int, int, int]:
        """Of the seller free and locked, of the buyer free."""
        return (
            await self.world.units(self.dvp.asset, self.seller),
            await self.world.units(self.dvp.asset, self.seller, Position.LOCKED),
            await self.world.units(self.dvp.asset, self.buyer),
        )

    async def require_no_leg_alone(self, *ids: UUID) -> None:
        """What settled has both legs, what was rolled back none; nothing is blocked or locked for either."""
        for one in ids:
            row = await self.kept(one)
            assert DvpState(row["state"]) in DVP.terminal, row["state"]
            settled = row["state"] == "settled"
            assert (row["entry_seq"] is not None) is settled
            expected = {"released"} if settled else {"cancelled", "refused"}
            assert not row["is_reserve_asked"] or await self.at_bank(one) in expected
        _, locked, bought = await self.where_units_are()
        rows = await self.world.rows("SELECT coalesce(sum(units), 0) AS units FROM dvp_part")
        assert (locked, bought) == (0, int(rows[0]["units"]))

    async def propose(self, one: UUID, outcome: str, *, actor: Actor = PROPOSER, **more: Any) -> contract.DvpReview:
        given = {} if "statement_sha256" in more else {"statement_base64": STATEMENT}
        cmd = ProposeDvpReview(
            command_id=command_id(),
            actor=actor,
            instruction_id=one,
            outcome=ReviewOutcome(outcome),
            basis="letter 7 of the bank",
            **(given | more),
        )
        return await propose_dvp_review(cmd, self.world.parts)

    async def decide(
        self, review: contract.DvpReview, *, approve: bool = True, actor: Actor = DECIDER, sha256: str | None = None
    ) -> contract.DvpReview:
        cmd = DecideDvpReview(
            command_id=command_id(),
            actor=actor,
            review_id=review.review_id,
            content_sha256=sha256 or review.content_sha256,
            approve=approve,
        )
        return await decide_dvp_review(cmd, self.world.parts)
