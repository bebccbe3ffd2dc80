"""What two persons decide about money: found owners, money sent back, rejected payouts paid anew (10, 16)."""

import itertools
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.kernel.requisites import with_account_key
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank.payouts import Behaviour
from kapital.sandbox.people import BIC
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET
from kapital.settlement.domain.money_decision import MoneyDecisionKind
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.use_cases.book_incoming import book_incoming
from kapital.settlement.use_cases.decide_money import DecideMoney, decide_money
from kapital.settlement.use_cases.finish_decisions import finish_decisions
from kapital.settlement.use_cases.propose_money_decision import ProposeMoneyDecision, propose_money_decision
from kapital.settlement.use_cases.run_withdrawals import run_withdrawals
from tests.settlement.world import Faults, ProcessDied, World, mortal

CLERK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.SETTLEMENT}))
RISK = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK}))
BOTH = Actor(id=str(new_uuid7()), participant_id=None, roles=frozenset({Role.RISK, Role.SETTLEMENT}))
NEW_ACCOUNT = PayoutAccount(bic=BIC, account=with_account_key("40702810000000000077", bic=BIC))


class Desk:
    def __init__(self, world: World) -> None:
        self.world, self.commands = world, itertools.count()

    async def unknown(self, kopecks: int = 300) -> UUID:
        await self.world.bank.receive(kopecks, "Без кода")
        await book_incoming(self.world.parts)
        rows = await self.world.rows("SELECT payment_id FROM incoming_payment ORDER BY payment_id DESC LIMIT 1")
        return UUID(str(rows[0]["payment_id"]))

    async def propose(self, kind: str, *, actor: Actor = CLERK, **subject: Any) -> Any:
        named = dict.fromkeys(("payment_id", "withdrawal_id", "wallet_id", "payout_account", "document_sha256"))
        cmd = ProposeMoneyDecision(
            command_id=CommandId(f"p-{next(self.commands)}"),
            actor=actor,
            kind=MoneyDecisionKind(kind),
            **(named | {"basis": "letter/17"} | subject),
        )
        return await propose_money_decision(cmd, self.world.parts)

    async def decide(
        self,
        proposed: Any,
        *,
        actor: Actor = RISK,
        sha256: str | None = None,
        approve: bool = True,
        key: str | None = None,
        parts: Any = None,
    ) -> Any:
        cmd = DecideMoney(
            command_id=CommandId(key or f"d-{next(self.commands)}"),
            actor=actor,
            decision_id=proposed.decision_id,
            content_sha256=sha256 or proposed.content_sha256,
            approve=approve,
        )
        return await decide_money(cmd, parts or self.world.parts)

    async def run(self, parts: Any = None) -> None:
        await run_withdrawals(parts or self.world.parts)
        await finish_decisions(parts or self.world.parts)

    async def ends(self) -> list[tuple[str, str | None]]:
        rows = await self.world.rows("SELECT state, reason FROM money_decision ORDER BY decision_id")
        return [(row["state"], row["reason"]) for row in rows]

    async def payment(self, payment_id: UUID) -> tuple[str, UUID]:
        (row,) = await self.world.rows(
            f"SELECT state, wallet_id FROM incoming_payment WHERE payment_id = '{payment_id}'"
        )
        return row["state"], row["wallet_id"]


@pytest_asyncio.fixture
async def desk(world: World) -> Desk:
    return Desk(world)


async def code_of(work: Any) -> str:
    with pytest.raises(Problem) as refused:
        await work
    return refused.value.code


async def test_unidentified_money_gets_to_its_owner_by_two_persons_and_once(world: World, desk: Desk) -> None:
    payment, wallet = await desk.unknown(), await world.wallet()
    proposed = await desk.propose("owner_found", payment_id=payment, wallet_id=wallet)

    refusals = [
        await code_of(desk.decide(proposed, actor=CLERK)),
        await code_of(desk.decide(proposed, sha256="0" * 64)),
        await code_of(desk.propose("sent_back", payment_id=payment)),
    ]
    assert await world.kopecks(wallet) == 0
    await desk.decide(proposed)
    await desk.run()

    assert refusals == ["not_permitted", "money_decision_must_match", "money_must_await_decision"]
    assert (await world.kopecks(wallet), await world.kopecks(UNIDENTIFIED_WALLET)) == (300, 0)
    assert (await desk.payment(payment), await desk.ends()) == (("matched", wallet), [("done", None)])
    assert (await world.events("top_up_booked"))[-1]["wallet_id"] == str(wallet)
    assert await code_of(desk.decide(proposed)) == "money_decision_must_be_open"
    assert await code_of(desk.propose("owner_found", payment_id=payment, wallet_id=wallet)) == (
        "money_must_await_decision"
    )


async def test_one_person_in_two_roles_is_still_one_person(world: World, desk: Desk) -> None:
    proposed = await desk.propose("sent_back", payment_id=await desk.unknown(), actor=BOTH)

    assert await code_of(desk.decide(proposed, actor=BOTH)) == "maker_and_checker_must_differ"
    assert await code_of(desk.propose("sent_back", payment_id=new_uuid7(), actor=RISK)) == "not_permitted"


async def test_money_goes_back_to_the_account_it_came_from_and_is_returned_when_the_bank_says_so(
    world: World, desk: Desk
) -> None:
    """Scenario 10."""
    payment = await desk.unknown()
    before = await world.bank.balance_kopecks()
    await world.bank.script(Behaviour.PENDING)
    await desk.decide(await desk.propose("sent_back", payment_id=payment))

    await desk.run()
    under_way = (await desk.payment(payment))[0], await world.kopecks(UNIDENTIFIED_WALLET, Position.LOCKED)
    await world.bank.work_off()
    await desk.run()

    assert under_way == ("unidentified", 300)
    assert await desk.payment(payment) == ("returned", UNIDENTIFIED_WALLET)
    assert before - await world.bank.balance_kopecks() == 300
    async with world.bank.database.connect() as conn:
        rows = await conn.exec_driver_sql("SELECT account, kind FROM payout")
        assert [tuple(row) for row in rows] == [("40817810000000000001", "return")]
    assert await world.kopecks(UNIDENTIFIED_WALLET, Position.LOCKED) == 0
    assert (await world.reconcile()).difference_kopecks == 0


async def test_what_the_bank_does_not_take_back_stays_and_is_decided_on_anew(world: World, desk: Desk) -> None:
    payment, wallet = await desk.unknown(), await world.wallet()
    await world.bank.script(Behaviour.REJECT, reason="account_closed")
    await desk.decide(await desk.propose("sent_back", payment_id=payment))
    await desk.run()
    await desk.run()

    assert (await desk.payment(payment))[0] == "unidentified"
    assert await world.kopecks(UNIDENTIFIED_WALLET) == 300
    await desk.decide(await desk.propose("owner_found", payment_id=payment, wallet_id=wallet))
    assert await desk.ends() == [("failed", "account_closed"), ("done", None)]
    assert await world.kopecks(wallet) == 300


async def test_a_payout_to_an_issuer_that_came_back_is_paid_to_new_details_by_two_persons(
    world: World, desk: Desk
) -> None:
    """Scenario 16: the account is closed; what is due stays the issuer's until it is paid."""
    issuer = await world.funded(1_000, Role.ISSUER)
    await world.bank.script(Behaviour.REJECT, reason="account_closed")
    asked = await world.ask(issuer, 1_000)
    await desk.run()
    due = await world.kopecks(issuer)

    again = await desk.propose("paid_again", withdrawal_id=asked.withdrawal_id, payout_account=NEW_ACCOUNT)
    await desk.decide(again)
    await desk.run()

    assert (due, await world.states()) == (1_000, ["re_credited", "confirmed"])
    assert await world.kopecks(issuer) == 0
    assert await desk.ends() == [("done", None)]
    assert sum((await world.bank.paid()).values()) == 1_000
    second = desk.propose("paid_again", withdrawal_id=asked.withdrawal_id, payout_account=NEW_ACCOUNT)
    assert await code_of(second) == "money_must_await_decision"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("owner_found", {"payment_id": UUID(int=1)}),
        ("owner_found", {"payment_id": UUID(int=1), "wallet_id": UNIDENTIFIED_WALLET}),
        ("sent_back", {"payment_id": UUID(int=1), "wallet_id": UUID(int=2)}),
        ("sent_back", {"payment_id": UUID(int=1), "payout_account": NEW_ACCOUNT}),
        ("paid_again", {"withdrawal_id": UUID(int=1)}),
    ],
)
async def test_a_proposal_that_names_too_little_or_too_much_is_refused(desk: Desk, kind: str, wrong: Any) -> None:
    assert await code_of(desk.propose(kind, **wrong)) == "money_decision_malformed"
    assert await desk.ends() == []


async def test_wherever_the_process_dies_the_owner_gets_it_once(world: World, desk: Desk) -> None:
    wallet = await world.wallet()
    for died in itertools.count(0):
        proposed = await desk.propose("owner_found", payment_id=await desk.unknown(), wallet_id=wallet)
        try:
            await desk.decide(proposed, key=f"x-{died}", parts=mortal(world.parts, Faults(died + 1)))
        except ProcessDied:
            await desk.decide(proposed, key=f"x-{died}")
            await finish_decisions(world.parts)
            assert await world.kopecks(wallet) == 300 * (died + 1)
        else:
            break
    assert died > 3
