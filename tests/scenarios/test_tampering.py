"""Acceptance scenarios 53 and 54: somebody with the database's password changes what was recorded."""

import json
from datetime import UTC, datetime, time
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from kapital.invariants import check_ledger
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.ledger.api import AccountKey, Basis, BasisKind, Position, Posting, Refused, Transaction
from kapital.platform.database import dsn_for
from kapital.platform.ids import new_uuid7
from kapital.verify.verifier import verify
from tests.scenarios.house import PRICE, RUB, House, Issue, Told, refusal


async def attack(house: House, *statements: str) -> None:
    """Change the ledger's database past all triggers, as a superuser can."""
    conn = await asyncpg.connect(dsn_for(house.server, "kapital_ledger"))
    try:
        await conn.execute("SET session_replication_role = replica")
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def circulating(house: House) -> tuple[Issue, int]:
    """An issue held by two; the number of the entry in which the first got its units."""
    issue = await house.opened(
        2, units_each=100, example="discount-one-month", quantity_min=10, quantity_max=100, price_kopecks=PRICE - 2000
    )
    for player in house.investors:
        await house.order(player, issue, 50)
    await house.closed(issue)
    assert await house.state(issue) == "circulating"
    [first, _] = await house.unit_records(issue)
    return issue, first["seq"]


async def checked(house: House) -> tuple[int, dict[str, Any]]:
    told = await house.cli("check", "--json")
    return told.code, json.loads(told.out)


async def test_53_an_altered_record_is_named_with_its_proof_and_the_register_stops(damaged_house: House) -> None:
    house = damaged_house
    _, seq = await circulating(house)
    note = await house.kapital.ledger.checkpoint()
    await house.kapital.ledger.mirror()
    evidence = await house.kapital.ledger.entry_evidence(seq)

    await attack(
        house,
        "UPDATE entry SET body = convert_to(replace(convert_from(body, 'UTF8'), '\"amount\":\"50\"',"
        f" '\"amount\":\"51\"'), 'UTF8') WHERE seq = {seq}",
    )
    code, told = await checked(house)

    assert code == 1
    assert told["invariants"]["I3"] is False
    found = {(finding["code"], finding["where"]) for finding in told["findings"]}
    assert ("entry_hash_differs", f"entry seq={seq}") in found
    size = int(note.split("\n")[1])
    assert ("checkpoint_root_differs", f"checkpoint size={size}") in found
    # The node is isolated: no asset moves in this process either, which had read everything before.
    assert {row["code"] for row in told["on_hold"]} >= {"RUB"}
    [answer] = await house.kapital.ledger.post(
        [
            Transaction(
                id=new_uuid7(),
                actor="machine:test",
                basis=Basis(BasisKind.STATUTE, "top-up"),
                postings=(
                    Posting(AccountKey(RUB, Position.BANK, RUB), -500),
                    Posting(AccountKey(RUB, Position.AVAILABLE, house.investors[0].wallet), 500),
                ),
            )
        ]
    )
    assert isinstance(answer, Refused)
    assert answer.code == "asset_held"
    # What was given out before still proves what stood there.
    assert verify(evidence, trusted_keys=house.kapital.ledger.verifier_keys).accepted


async def test_53_a_history_rewritten_whole_still_differs_from_its_copy_and_from_what_was_signed(
    damaged_house: House,
) -> None:
    """Entries, tree, balances made consistent again and the signed notes removed: only copies elsewhere tell."""
    house = damaged_house
    issue, seq = await circulating(house)
    noted = house.folder / "checkpoint.txt"
    noted.write_text(await house.kapital.ledger.checkpoint())
    await house.kapital.ledger.mirror()
    kind = (await house.unit_records(issue))[0]["basis"]["kind"]

    await attack(
        house,
        f"UPDATE entry SET body = convert_to(replace(convert_from(body, 'UTF8'), '{kind}', 'COURT_ACT'), 'UTF8')"
        f" WHERE seq = {seq}",
        "DELETE FROM checkpoint",
    )
    async with house.another_process() as attacker:
        await attacker.ledger.rebuild()
    code, told = await checked(house)

    assert code == 1
    [finding] = told["findings"]
    assert (finding["invariant"], finding["code"]) == ("I3", "audit_copy_diverged")
    assert f"'seq': {seq}" in finding["detail"]
    assert {row["code"] for row in told["on_hold"]} >= {"RUB"}
    package = house.folder / "after.kapital.json"
    async with house.another_process() as honest:
        package.write_bytes(await honest.ledger.entry_evidence(seq))
    verdict = await house.cli("verify", str(package), "--checkpoint", str(noted), "--json")
    assert verdict.code == 1
    assert "checkpoints_fork" in verdict.out


async def lifted_by(house: House, monkeypatch: pytest.MonkeyPatch, token: str) -> Told:
    monkeypatch.setenv("KAPITAL_ACCESS_TOKEN", token)
    return await house.cli("ledger", "hold", "lift", "--every", "--reason", "mended and proved")


async def test_54_an_edited_balance_is_found_named_and_blocks_the_issue_until_it_is_mended(
    damaged_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = damaged_house
    issue, _ = await circulating(house)
    thief = house.investors[0].wallet
    account = f"asset = '{issue.id}' AND wallet = '{thief}' AND position = 'available'"

    await attack(house, f"UPDATE account SET balance = balance + 1000000 WHERE {account}")
    code, told = await checked(house)

    assert code == 1
    assert told["invariants"] | {"I4": True} == {f"I{n}": True for n in range(1, 8)}
    [finding] = told["findings"]
    assert finding["code"] == "balance_differs"
    assert f"wallet={thief} asset={issue.id} position=available" in finding["where"]
    assert finding["detail"] == "stored 1000050, the log says 50"
    [held] = told["on_hold"]
    assert held["asset"] == str(issue.id)

    # Redemption day: the issue is blocked, nobody is paid and no unit is extinguished.
    await house.pay_in([issue.issuer], 100 * PRICE)
    [action] = await house.rows("tokenization", "SELECT pay_on, record_at FROM corporate_action")
    await house.to(action["record_at"])
    await house.to(datetime.combine(action["pay_on"], time(9), tzinfo=UTC))
    assert await house.kapital.ledger.balances([AccountKey(issue.id, Position.EXTINGUISHED, issue.id)]) == [0]
    assert await house.money(issue.issuer) == 2 * 50 * (PRICE - 2000) + 100 * PRICE
    assert await house.state(issue) == "circulating"

    # Made anew from the entries and proved by a clean check, it still waits for two persons; then it goes on, once.
    assert (await house.cli("ledger", "rebuild")).code == 0
    code, told = await checked(house)
    assert (code, told["findings"], [row["asset"] for row in told["on_hold"]]) == (0, [], [str(issue.id)]), told
    bearer = [(await house.cli("token", role)).out.strip() for role in ("security", "risk")]
    said = [await lifted_by(house, monkeypatch, token) for token in (bearer[0], bearer[0], bearer[1])]
    assert [one.code for one in said] == [0, 2, 0], said
    assert said[1].err.startswith("lift_needs_two_persons")
    assert said[2].out == f"{issue.id}: lifted\n"
    await house.to(house.clock.now())
    assert await house.state(issue) == "redeemed"
    assert await house.kapital.ledger.balances([AccountKey(issue.id, Position.EXTINGUISHED, issue.id)]) == [100]
    assert (await checked(house))[0] == 0


async def test_54_invented_money_is_found_and_buys_nothing(damaged_house: House) -> None:
    house = damaged_house
    issue = await house.opened(2, units_each=10, quantity_min=10, quantity_max=1000)
    thief = house.investors[0]
    account = f"wallet = '{thief.wallet}' AND position = 'available'"
    await attack(house, f"UPDATE account SET balance = balance + 100000000 WHERE {account}")

    code, told = await checked(house)

    assert code == 1
    assert [finding["code"] for finding in told["findings"]] == ["balance_differs", "bank_not_comparable"]
    assert f"wallet={thief.wallet}" in told["findings"][0]["where"]
    assert [row["code"] for row in told["on_hold"]] == ["RUB"]
    placed = await house.order(thief, issue, 10)
    assert refusal(placed) == "asset_held"
    assert (await house.cli("ledger", "rebuild")).code == 0
    assert (await checked(house))[0] == 0
    for role in (Role.SECURITY, Role.LEGAL):
        person = Actor(id=str(uuid4()), participant_id=None, roles=frozenset({role}))
        report = await check_ledger(house.kapital)
        await house.kapital.ledger.lift_holds(person, report, assets=None, reason="mended and proved")
    assert refusal(await house.order(thief, issue, 11)) == "balance_insufficient"
    assert refusal(await house.order(thief, issue, 10)) is None
