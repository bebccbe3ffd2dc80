"""`kapital faults run`: each fault script of the bank, each failpoint of the house, kill -9, and nothing is lost."""

import os
import random

import pytest
from rich.console import Console

from kapital.cli import app
from kapital.commands.fault_house import serve_house
from kapital.faults.finding import Case
from kapital.faults.plan import NONE, at_random, scripts, table
from kapital.faults.processes import House
from kapital.faults.run import FaultRun
from kapital.platform.failpoint_names import FAILPOINTS
from tests.faults.broken_house import (
    serve_hearing_double,
    serve_holding_nothing,
    serve_paying_anew,
    serve_stating_anew,
    serve_telling_nothing,
)

CASES = 64
CONSOLE = Console(stderr=True, soft_wrap=True)


def seed_of_the_run() -> int:
    seed = int(os.environ.get("KAPITAL_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KAPITAL_TEST_SEED={seed}")
    return seed


async def test_nothing_is_lost_doubled_or_left_alone_whatever_the_bank_does_and_wherever_the_house_dies() -> None:
    outcome = await FaultRun(house=serve_house, console=CONSOLE, seed=seed_of_the_run()).run()

    assert outcome.violations == []
    # A case whose failpoint a slow machine did not meet is no case: the others are enough, and meet all.
    assert outcome.cases >= CASES, outcome.not_reached
    assert outcome.worlds >= 3  # of each kind of bank; another after a case that nobody could look at
    assert set(outcome.reached) == {one.name for one in FAILPOINTS}
    assert set(outcome.scripts) == {NONE, *scripts()}
    # Money of unknown payers in every case of money, and what the bank itself got wrong.
    assert outcome.waiting_for_person >= CASES // 3


@pytest.mark.parametrize(
    ("house", "workload", "script", "failpoint", "codes"),
    [
        (serve_paying_anew, "money", NONE, "withdrawal.bank_answered", {"paid_without_a_withdrawal", "never_ended"}),
        (serve_holding_nothing, "escrow", NONE, "escrow.recorded", {"record_without_money"}),
        (serve_hearing_double, "sbp", NONE, "bank_notice.kept", {"credit_from_nowhere"}),
        (serve_stating_anew, "statement", "lost-notice", "statement.page_kept", {"credit_not_booked_once"}),
        (serve_telling_nothing, "shares", NONE, "shares.distributed", {"share_differs"}),
    ],
    ids=["pays twice", "units without money", "top-up twice", "statement under other ids", "share not told"],
)
async def test_a_house_with_a_wrong_line_is_found_out(
    house: House, workload: str, script: str, failpoint: str, codes: set[str]
) -> None:
    case = Case(workload=workload, script=script, failpoint=f"settlement.{failpoint}", nth=1)

    outcome = await FaultRun(house=house, console=CONSOLE, seed=1, cases=[case], placements=1).run()

    [found] = outcome.violations
    assert (found.script, found.failpoint, found.seed, found.number) == (script, case.failpoint, 1, 1)
    assert found.code in codes, found.detail


def test_the_table_plays_every_script_and_every_failpoint_and_every_combination_once() -> None:
    cases = table()
    assert len({(one.workload, one.script, one.failpoint, one.nth) for one in cases}) == len(cases) >= CASES
    assert {one.failpoint for one in cases} == {one.name for one in FAILPOINTS}
    assert {one.script for one in cases} == {NONE, *scripts()}


def test_the_same_seed_gives_the_same_cases() -> None:
    def drawn(seed: int) -> list[Case]:
        chance = random.Random(seed)
        return [at_random(chance, placements=n % 2, placed=n, coupons=3) for n in range(40)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert {one.workload for one in drawn(3)} == {"money", "sbp", "statement", "placement", "dvp", "escrow", "coupon"}
    # The coupons follow the placements: they are far away in time.
    assert all(one.workload != ("coupon" if n % 2 else "placement") for n, one in enumerate(drawn(3)))


def test_a_script_that_is_none_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["faults", "run", "no-such-script"])
    assert ended.value.code == 2
    assert "time-out-after-debit" in capsys.readouterr().err
