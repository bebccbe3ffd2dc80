"""Who held what at the record moment, proved to others; tax withheld by the whole house. Scenarios 34, 66."""

import json
from datetime import timedelta
from pathlib import Path

from kapital.demo.cast import Player
from kapital.ledger.api import AccountKey, Position
from kapital.platform.tax_rules import TaxAtPayoutRule
from kapital.settlement.domain.tax import TAX_WALLET
from kapital.verify.__main__ import main as verify
from tests.scenarios.house import RUB, House

RULE = TaxAtPayoutRule.model_validate(
    {"effective_from": "2026-01-01", "basis": "test", "agent": "operator", "unknown_residency": "resident"}
)


def is_firm(player: Player) -> bool:
    return player.person.kind.value == "legal_entity"


async def test_a_coupon_is_taxed_and_its_record_moment_is_proved_by_command_and_over_http(
    server: str, tmp_path: Path
) -> None:
    async with House.open(server, tmp_path / "house", tax_at_payout=(RULE,)) as house:
        issue = await house.opened(3, units_each=400)
        for investor in house.investors:
            await house.order(investor, issue, 400)
        await house.closed(issue)
        [coupon, *_] = await house.rows(
            "tokenization", "SELECT * FROM corporate_action WHERE issue_id = :id ORDER BY number", id=issue.id
        )

        await house.to(coupon["pay_at"] + timedelta(hours=10))

        gross = 400 * 5125
        nets = [gross if is_firm(player) else gross - 2_665_00 for player in house.investors]
        assert await house.moneys() == nets, "20,500.00 at 13 % is 2,665.00"
        [withheld] = await house.kapital.ledger.balances([AccountKey(RUB, Position.AVAILABLE, TAX_WALLET)])
        assert withheld == 3 * gross - sum(nets) > 0
        shown = await house.web.get(
            f"/v1/settlement/beneficiaries/{house.investors[0].wallet}/payouts",
            headers=await house.token(house.investors[0]),
        )
        [payout] = shown.json()["payouts"]
        assert (payout["gross_kopecks"], payout["tax_kopecks"]) == (gross, gross - nets[0])
        whole, own = tmp_path / "holders.jsonl", tmp_path / "holding.jsonl"
        action, wallet = str(coupon["action_id"]), str(house.investors[1].wallet)
        for told in (
            await house.cli("evidence", "holders", action, "--out", str(whole)),
            await house.cli("evidence", "holding", action, wallet, "--out", str(own)),
        ):
            assert told.code == 0, told.err
        # The same over HTTP: the list for the issuer, its own lines for a holder, and nothing for anybody else.
        at = f"/v1/tokenization/actions/{action}"
        issuer, holder = await house.token(issue.issuer), await house.token(house.investors[1])
        listed, held = (
            await house.web.get(f"{at}/holders", headers=issuer),
            await house.web.get(f"{at}/holding", headers=holder),
        )
        assert [answer.status_code for answer in (listed, held)] == [200, 200], (listed.text, held.text)
        assert listed.headers["content-type"] == "application/jsonl"
        by_http, own_by_http = tmp_path / "by-http.jsonl", tmp_path / "own-by-http.jsonl"
        by_http.write_bytes(listed.content)
        own_by_http.write_bytes(held.content)
        assert whole.read_bytes().splitlines()[1:] == listed.content.splitlines()[1:]
        strangers = [
            await house.web.get(f"{at}/holders", headers=holder),
            await house.web.get(f"{at}/holding", headers=issuer),
            await house.web.get(f"/v1/tokenization/actions/{wallet}/holders", headers=issuer),
        ]
        assert [answer.json()["code"] for answer in strangers] == [
            "not_permitted", "not_permitted", "action_not_found",
        ]  # fmt: skip
        [early] = await house.rows(
            "tokenization",
            "SELECT action_id FROM corporate_action WHERE issue_id = :id ORDER BY number DESC LIMIT 1",
            id=issue.id,
        )
        later = await house.web.get(f"/v1/tokenization/actions/{early['action_id']}/holding", headers=holder)
        assert (later.status_code, later.json()["code"]) == (409, "record_list_not_taken")
        header = json.loads(whole.read_bytes().splitlines()[0])
        assert header["log_key"] == house.kapital.ledger.verifier_keys[0]
        named = [f"--key={header['log_key']}", f"--key={header['key']}"]
        assert [verify([str(path), *named]) for path in (whole, own, by_http, own_by_http)] == [0] * 4
        lines = [json.loads(line) for line in whole.read_bytes().splitlines()[1:]]
        assert {line["wallet"]: line["units"] for line in lines} == {str(p.wallet): 400 for p in house.investors}
        exported = await house.cli("tax", "export", "--year", str(coupon["pay_on"].year), "--json")
        assert json.loads(exported.out)["withheld_kopecks"] == withheld, exported.err
        await house.must_be_sound()
