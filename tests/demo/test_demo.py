"""`kapital demo` and what anybody can check afterwards, in processes of their own."""

import asyncio
import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kapital.demo import INVESTORS
from kapital.demo.report import money_lines
from kapital.demo.run import FILES
from kapital.demo.story import business_hour_after
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import format_rubles
from kapital.ledger.api import money_asset
from kapital.platform.database import dsn_for
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.signatures.libcrypto import has_gost
from kapital.tokenization.domain.terms import load_terms
from kapital.verify.__main__ import main as verify_main
from tests.demo.conftest import Demonstration, run
from tests.tokenization.world import EXAMPLES

FIELDS = {
    "issues",
    "investors",
    "accepted_orders",
    "money_in_kopecks",
    "money_out_kopecks",
    "money",
    "refused",
    "entries",
    "checkpoint",
    "invariants",
    "evidence",
    "seconds",
    "signatures",
}
ISSUE_FIELDS = {
    "terms",
    "code",
    "issue_id",
    "outcome",
    "state",
    "units",
    "holders",
    "ordered_units",
    "reserved_kopecks",
    "raised_kopecks",
    "refunded_kopecks",
    "paid_to_holders_kopecks",
    "payments",
}


def test_it_ends_well_and_prints_one_object_of_documented_fields(demo: Demonstration) -> None:
    summary = demo.summary

    assert demo.told.code == 0, demo.told.err
    assert summary.keys() == FIELDS
    assert all(issue.keys() == ISSUE_FIELDS for issue in summary["issues"])
    assert summary["checkpoint"].keys() == {"size", "root"}
    assert summary["investors"] == INVESTORS
    assert summary["checkpoint"]["size"] == summary["entries"] > 1_000
    assert summary["accepted_orders"] > INVESTORS
    assert summary["refused"].keys() >= {"placement_must_be_open", "balance_insufficient"}
    assert 0 < summary["seconds"] < 300


def test_every_kopeck_that_came_in_went_out_again(demo: Demonstration) -> None:
    assert demo.summary["money_in_kopecks"] == demo.summary["money_out_kopecks"] > 0


def test_the_bridge_of_the_money_adds_up_on_both_sides(demo: Demonstration) -> None:
    money, issues = demo.summary["money"], demo.summary["issues"]
    placed, paid = (sum(i[name] for i in issues) for name in ("raised_kopecks", "paid_to_holders_kopecks"))

    assert all(issue["reserved_kopecks"] == issue["raised_kopecks"] + issue["refunded_kopecks"] for issue in issues)
    assert money["investors_in_kopecks"] + money["issuers_in_kopecks"] == demo.summary["money_in_kopecks"]
    assert money["investors_out_kopecks"] + money["issuers_out_kopecks"] == demo.summary["money_out_kopecks"]
    assert money["investors_in_kopecks"] - placed + paid == money["investors_out_kopecks"]
    assert money["issuers_in_kopecks"] + placed - paid == money["issuers_out_kopecks"]


def test_the_page_for_people_explains_the_money_the_refusals_and_what_to_do_next(demo: Demonstration) -> None:
    page = demo.told.err  # with --json the page goes to stderr

    assert "do not add up" not in page
    assert "they differ" not in page
    for issue in demo.summary["issues"]:
        assert f"{format_rubles(issue['refunded_kopecks'], 'ru').removesuffix('₽').strip()}" in page
    for code, count in demo.summary["refused"].items():
        assert f"{count}  {code} – " in page
    assert "on purpose" in page
    for number in range(1, 8):
        assert re.search(rf"✓ I{number} \w{{2,}}", page)
    assert f"KAPITAL_DATA_DIR={demo.folder} make run" in page
    assert f"  {demo.summary['issues'][0]['code']} {demo.summary['issues'][0]['issue_id']}\n" in page


def test_a_side_whose_money_does_not_add_up_is_named(demo: Demonstration) -> None:
    told = copy.deepcopy(demo.summary)
    told["money"]["issuers_out_kopecks"] += 1

    assert "the money of the issuers does not add up" in "\n".join(money_lines(told))
    assert "the money of the investors does not" not in "\n".join(money_lines(told))


def test_the_statement_is_of_a_holder_of_units_and_the_log_only_grew_since(demo: Demonstration) -> None:
    told = run(
        "verify",
        demo.summary["evidence"],
        *("--key-file", str(demo.folder / "log.vkey"), "--json"),
        *("--checkpoint", str(demo.folder / "checkpoint.txt")),
        *("--consistency-proof", str(demo.folder / "consistency.txt")),
    )
    report = json.loads(told.out)

    assert (told.code, report["complete"]) == (0, True)
    assert "consistent" in [finding["key"] for finding in report["proved"]]
    held = [b for b in report["balances"] if b["position"] == "available" and int(b["amount"]) > 0]
    assert {b["asset"] == str(money_asset()) for b in held} == {True, False}
    assert any(posting["amount"].startswith("-") for entry in report["entries"] for posting in entry["postings"])


def test_people_sign_every_act_and_anybody_can_check_one_again(demo: Demonstration) -> None:
    scheme = "gost_256" if has_gost() else "ecdsa_p256"
    asked = demo.summary["accepted_orders"] + sum(demo.summary["refused"].values())
    roots = ("--roots", str(demo.folder / "trust" / "roots" / "root.cer"), "--json")
    file = demo.folder / "signed-act.json"

    told = run("signature", "recheck", str(file), *roots)

    assert demo.summary["signatures"]["scheme"] == scheme
    assert demo.summary["signatures"]["acts"] > asked + len(FILES)  # orders, decisions, and withdrawals
    assert (told.code, json.loads(told.out)["outcome"]) == (0, "valid"), told
    assert hashlib.sha256(file.read_bytes()).hexdigest() in Path(demo.summary["evidence"]).read_text()
    other = demo.folder / "trust" / "certificates" / "issuing.cer"
    assert run("signature", "recheck", str(file), "--roots", str(other), "--json").code != 0


@pytest.mark.parametrize(
    ("at", "morning"),
    [
        ("2027-03-15T00:00:00+03:00", "2027-03-15T10:00:00+03:00"),
        ("2027-03-15T10:00:00+03:00", "2027-03-15T10:00:00+03:00"),
        ("2027-03-15T10:00:01+03:00", "2027-03-16T10:00:00+03:00"),
        ("2027-03-14T21:30:00+00:00", "2027-03-15T10:00:00+03:00"),
    ],
)
def test_what_becomes_due_at_night_is_done_in_the_morning_of_moscow(at: str, morning: str) -> None:
    assert business_hour_after(datetime.fromisoformat(at)) == datetime.fromisoformat(morning)


def test_all_seven_invariants_hold(demo: Demonstration) -> None:
    assert demo.summary["invariants"] == {f"I{n}": True for n in range(1, 8)}


def test_at_least_three_kinds_of_payoff_are_held_and_redeemed_and_one_issue_fails(demo: Demonstration) -> None:
    issues = {issue["terms"]: issue for issue in demo.summary["issues"]}
    terms = {name: load_terms((EXAMPLES / name).read_bytes()) for name in FILES}
    assert issues.keys() == terms.keys()

    held = [name for name, issue in issues.items() if issue["outcome"] == "held"]
    failed = [name for name, issue in issues.items() if issue["outcome"] == "failed"]

    assert len({type(terms[name].payoff) for name in held}) >= 3
    for name in held:
        issue, decision = issues[name], terms[name]
        assert issue["state"] == "redeemed"
        assert decision.quantity_min <= issue["units"] <= decision.quantity_max
        assert issue["raised_kopecks"] == issue["units"] * decision.price_kopecks
        assert issue["holders"] > 1
        assert issue["payments"] >= 1
    assert len(failed) == 1
    [lost] = [issues[name] for name in failed]
    assert lost["state"] == "refunded"
    assert lost["ordered_units"] > 0
    assert (lost["units"], lost["holders"], lost["raised_kopecks"], lost["paid_to_holders_kopecks"]) == (0, 0, 0, 0)


def test_the_evidence_is_accepted_with_the_key_and_proves_only_integrity_without(
    demo: Demonstration, capsys: pytest.CaptureFixture[str]
) -> None:
    package, keys = demo.summary["evidence"], demo.folder / "log.vkey"

    with_key = run("verify", package, "--key-file", str(keys), "--json")
    code = verify_main([package])

    assert with_key.code == 0
    assert json.loads(with_key.out)["accepted"] is True
    assert "signed_by_trusted_key" in with_key.out
    assert code == 0
    without = capsys.readouterr().out
    assert without.startswith("ACCEPTED")
    assert "NOT proved" in without
    assert "signed by your trusted key" not in without


def test_a_changed_byte_is_refused(demo: Demonstration, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(Path(demo.summary["evidence"]).read_bytes())
    changed = tmp_path / "changed.kapital.json"
    # Anywhere: in the claim, in an entry, in a proof, in the signature.
    for at in (len(content) * part // 16 for part in range(1, 16)):
        content[at] ^= 1
        changed.write_bytes(content)
        content[at] ^= 1

        code = verify_main([str(changed), "--key-file", str(demo.folder / "log.vkey")])

        assert code in {1, 2}, at
        assert "REFUSED" in capsys.readouterr().out


@pytest.fixture(scope="module")
def data(demo: Demonstration) -> Iterator[EmbeddedPostgres]:
    """The database of the demonstration, kept running between the commands."""
    server = EmbeddedPostgres(demo.folder)
    server.start()
    yield server
    server.stop()


class TestOnTheDataLeft:
    """Commands on the folder; they run in this order and the last one damages it."""

    def test_entries_and_statements_can_be_proved_and_nothing_is_off(
        self, demo: Demonstration, data: EmbeddedPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wallet = Path(demo.summary["evidence"]).name.removeprefix("statement-").removesuffix(".kapital.json")
        commands = (
            ("evidence", "entry", "7"),
            ("evidence", "statement", wallet),
            ("evidence", "entry", "99999999"),
            ("check",),
        )

        with ThreadPoolExecutor(2) as pool:  # as many as the machine has cores
            entry, statement, nothing, checked = pool.map(lambda c: demo.cli(*c, cwd=tmp_path), commands)

        assert (entry.code, statement.code, checked.code) == (0, 0, 0), (entry, statement, checked)
        for name in ("entry-7.kapital.json", f"statement-{wallet}.kapital.json"):
            assert verify_main([str(tmp_path / name), "--key-file", str(demo.folder / "log.vkey")]) == 0
            assert capsys.readouterr().out.startswith("ACCEPTED")
        assert (nothing.code, nothing.err.split(":")[0]) == (2, "entry_not_found")

    def test_every_payment_is_made_on_its_day_at_ten_in_moscow(self, data: EmbeddedPostgres) -> None:
        due, paid = asyncio.run(days_of_payments(data.dsn()))

        assert [at.astimezone(MOSCOW).date() for at in paid] == due
        assert {at.astimezone(MOSCOW).hour for at in paid} == {10}

    def test_every_kept_act_was_found_valid_and_every_order_names_its_file(
        self, demo: Demonstration, data: EmbeddedPostgres
    ) -> None:
        kinds, states, unsigned = asyncio.run(kept_acts(data.dsn()))

        assert kinds.keys() == {"place_orders", "sign_decision", "withdraw_money"}
        assert kinds["sign_decision"] == len(FILES)
        assert kinds["place_orders"] >= demo.summary["accepted_orders"]
        assert (states, unsigned) == ({"valid"}, 0)

    def test_another_name_of_the_log_is_refused_and_no_key_made(
        self, demo: Demonstration, data: EmbeddedPostgres
    ) -> None:
        told = run("ledger", "keys", KAPITAL_DATA_DIR=str(demo.folder), KAPITAL_LOG_ORIGIN="other.example/ledger")

        assert (told.code, told.out) == (2, "")
        assert told.err.startswith(f"register_not_found: no log other.example/ledger in {demo.folder} ")

    def test_a_rebuild_gives_the_same(self, demo: Demonstration, data: EmbeddedPostgres) -> None:
        rebuilt = demo.cli("ledger", "rebuild")

        assert (rebuilt.code, rebuilt.out) == (0, f"{demo.summary['entries']} entries replayed\n")
        clean = demo.cli("check", "--json")
        assert clean.code == 0
        told = json.loads(clean.out)
        assert (told["data_dir"], told["origin"]) == (str(demo.folder), "kapital.example/ledger")
        assert (told["size"], told["findings"], told["on_hold"]) == (demo.summary["entries"], [], [])

    def test_an_edited_balance_is_named(self, demo: Demonstration, data: EmbeddedPostgres) -> None:
        row = asyncio.run(edit_a_balance(data.dsn()))

        told = demo.cli("check")

        assert told.code == 1
        assert "I4 BROKEN" in told.out
        assert f"balance_differs at account number={row['number']} wallet={row['wallet']}" in told.out
        assert f"stored {row['balance'] + 1}, the log says {row['balance']}" in told.out
        assert "on hold: " in told.out


async def days_of_payments(dsn: str) -> tuple[list[date], list[datetime]]:
    """Days on which payments are due, and the instants of the public page; both in order."""
    found = []
    for database, query in (
        ("kapital_tokenization", "SELECT pay_on FROM corporate_action ORDER BY pay_on"),
        ("kapital_disclosure", "SELECT max(at) FROM page_total WHERE topic = 'payout_settled' GROUP BY subject_id"),
    ):
        conn = await asyncpg.connect(dsn_for(dsn, database))
        found.append(sorted(row[0] for row in await conn.fetch(query)))
        await conn.close()
    return found[0], found[1]


async def kept_acts(dsn: str) -> tuple[Counter[str], set[str], int]:
    """Signed acts by kind, their states, and how many orders have none."""
    kinds, states = Counter[str](), set[str]()
    for database in ("kapital_tokenization", "kapital_settlement"):
        conn = await asyncpg.connect(dsn_for(dsn, database))
        for row in await conn.fetch("SELECT kind, state FROM signed_act"):
            kinds[row["kind"]] += 1
            states.add(row["state"])
        if database == "kapital_tokenization":
            unsigned = await conn.fetchval("SELECT count(*) FROM subscription_order WHERE act_file_sha256 IS NULL")
        await conn.close()
    return kinds, states, unsigned


async def edit_a_balance(dsn: str) -> dict[str, Any]:
    """Give somebody one unit more, past the ledger; return the row as it was."""
    conn = await asyncpg.connect(dsn_for(dsn, "kapital_ledger"))
    row = await conn.fetchrow(
        "SELECT a.* FROM account a JOIN asset USING (asset) WHERE kind = 'units' AND a.wallet <> a.asset LIMIT 1"
    )
    await conn.execute("UPDATE account SET balance = balance + 1 WHERE number = $1", row["number"])
    await conn.close()
    return dict(row)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")

    told = run("demo", "--json", "--folder", str(tmp_path))

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("demo_folder_in_use")
    assert (tmp_path / "letters.txt").read_text() == "mine"
