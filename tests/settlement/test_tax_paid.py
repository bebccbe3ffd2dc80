"""Withheld tax is paid to the budget by two persons: once, of what was withheld, with every field that was agreed."""

from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from kapital.ledger.api import Position, Posting
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank.payouts import Behaviour
from kapital.settlement.domain.budget_payment import BudgetPayment
from kapital.settlement.domain.money_decision import MoneyDecision, MoneyDecisionKind, MoneyDecisionState
from kapital.settlement.domain.money_decision_problems import MoneyDecisionMalformed
from kapital.settlement.domain.tax import TAX_WALLET
from tests.settlement.test_money_decisions import BOTH, CLERK, Desk, code_of
from tests.settlement.world import ACCOUNT, START, Faults, ProcessDied, World, mortal

DUE = BudgetPayment(
    amount_kopecks=900,
    receiver_name="Казначейство России (ФНС России)",
    receiver_inn="7727406020",
    receiver_kpp="770801001",
    bic="017003983",
    single_account="40102810445370000059",
    account="03100643000000018500",
    purpose="Единый налоговый платеж",
    payer_status="01",
    kbk="18201061201010000510",
    oktmo="0",
    evidence="0",
    period="0",
    doc_number="0",
    doc_date="0",
    uin="0",
)


@pytest_asyncio.fixture
async def desk(world: World) -> Desk:
    payer = await world.funded(5_000)
    await world.enter(Posting(world.key(payer), -1_000), Posting(world.key(TAX_WALLET), 1_000))
    return Desk(world)


async def at_bank(world: World) -> dict[str, Any]:
    query = text("SELECT kind, bic, account, amount_kopecks, purpose, tax, state FROM payout")
    async with world.bank.database.engine.connect() as conn:
        [row] = (await conn.execute(query)).all()
    return dict(row._mapping)


async def test_two_persons_pay_tax_once_though_the_bank_is_silent_and_processes_die(desk: Desk, world: World) -> None:
    proposed = await desk.propose("tax_paid", budget=DUE, actor=BOTH)
    assert await code_of(desk.decide(proposed, actor=BOTH)) == "maker_and_checker_must_differ"
    await desk.decide(proposed)
    await world.bank.script(Behaviour.SILENT_AFTER)

    for step in range(1, 200, 3):
        dies = Faults(die_at=step)
        try:
            await desk.run(mortal(world.parts, dies))
        except ProcessDied:
            continue
        if dies.steps < step:
            break
    await desk.run()

    assert await desk.ends() == [("done", None)]
    assert await at_bank(world) == {
        "kind": "tax",
        "bic": DUE.bic,
        "account": DUE.account,
        "amount_kopecks": 900,
        "purpose": DUE.purpose,
        "tax": DUE.said(),
        "state": "executed",
    }
    assert await world.kopecks(TAX_WALLET) == 100
    assert await world.kopecks(TAX_WALLET, Position.LOCKED) == 0
    assert (await world.reconcile()).difference_kopecks == 0
    async with world.database.connect() as conn:
        # No payment withheld anything here: what was paid is what is missing.
        assert await world.parts.payouts.tax_payable(conn) == (-900, -900)


async def test_more_than_was_withheld_is_not_paid_and_a_rejection_gives_it_back(desk: Desk, world: World) -> None:
    await desk.decide(await desk.propose("tax_paid", budget=msgspec.structs.replace(DUE, amount_kopecks=1_001)))
    await desk.run()
    refused = await desk.ends()
    await world.bank.script(Behaviour.REJECT, reason="account_closed")
    await desk.decide(await desk.propose("tax_paid", budget=DUE))
    for _ in range(2):
        await desk.run()

    assert refused == [("failed", "balance_insufficient")]
    assert (await desk.ends())[1] == ("failed", "account_closed")
    assert await world.kopecks(TAX_WALLET) == 1_000
    async with world.database.connect() as conn:
        assert await world.parts.payouts.tax_payable(conn) == (0, 0)


def decided(**given: Any) -> MoneyDecision:
    named = dict.fromkeys(("payment_id", "withdrawal_id", "wallet_id", "payout_account", "document_sha256"))
    fixed = {
        "decision_id": new_uuid7(),
        "kind": MoneyDecisionKind.TAX_PAID,
        "basis": "notice/17",
        "state": MoneyDecisionState.PROPOSED,
        "proposed_by": CLERK.id,
        "proposed_at": START,
    }
    return MoneyDecision(**(named | fixed | given))


def test_what_is_approved_is_every_field_of_the_payment() -> None:
    other = {
        "amount_kopecks": 1,
        "receiver_name": "Казначейство",
        "receiver_inn": "7707083893",
        "receiver_kpp": "770701001",
        "bic": "017003984",
        "single_account": "40102810445370000101",
        "account": "03100643000000018501",
        "purpose": "Налог",
        "payer_status": "02",
        "kbk": "1" * 20,
        "oktmo": "45000000",
        "evidence": "ПК",
        "period": "МС.11.2026",
        "doc_number": "17",
        "doc_date": "24.11.2026",
        "uin": "1" * 20,
    }
    assert other.keys() == set(DUE.__struct_fields__)
    proposed = decided(budget=DUE)

    hashes = {
        msgspec.structs.replace(proposed, budget=msgspec.structs.replace(DUE, **{name: value})).content_sha256
        for name, value in other.items()
    }

    assert len({*hashes, proposed.content_sha256}) == len(other) + 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"account": ACCOUNT.account}, "account"),
        ({"bic": ACCOUNT.bic}, "account"),
        ({"single_account": "40102810445370000058"}, "account"),
        ({"receiver_inn": "7727406021"}, "receiver_inn"),
        ({"receiver_kpp": "0"}, "receiver_kpp"),
        ({"receiver_name": "«Казначейство»"}, "receiver_name"),
        ({"receiver_name": "a" * 141}, "receiver_name"),
        ({"purpose": "Налог – ноябрь"}, "purpose"),
        ({"kbk": "1"}, "kbk"),
        ({"oktmo": "x" * 8}, "oktmo"),
        ({"period": "0" * 10}, "period"),
        ({"doc_number": " "}, "doc_number"),
        ({"amount_kopecks": 0}, "amount_kopecks"),
    ],
)
def test_a_field_that_cannot_be_is_named(wrong: dict[str, Any], field: str) -> None:
    assert DUE.malformed() is None
    assert msgspec.structs.replace(DUE, **wrong).malformed() == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"budget": msgspec.structs.replace(DUE, kbk="1")}, "budget.kbk"),
        ({}, "budget"),
        ({"budget": DUE, "payment_id": new_uuid7()}, "payment_id"),
        ({"budget": DUE, "kind": MoneyDecisionKind.SENT_BACK, "payment_id": new_uuid7()}, "budget"),
    ],
)
def test_a_decision_about_tax_says_what_is_paid_and_nothing_else(given: dict[str, Any], field: str) -> None:
    decided(budget=DUE).require_whole()
    with pytest.raises(MoneyDecisionMalformed) as refused:
        decided(**given).require_whole()
    assert refused.value.facts["field"] == field
