"""A process of the house that pays a coupon until it is killed: `python -m tests.faults.coupon_process FOLDER`."""

import sys
from functools import partial
from pathlib import Path

import msgspec

from kapital.background import work_in_background
from kapital.bench.coupon import due, until_paid
from kapital.bench.coupon_issue import Prepared
from kapital.commands.console import run, silence_logs
from kapital.tokenization.domain.record_list import cut_into_parts
from kapital.tokenization.use_cases import instruct_payouts, take_record_lists

PREPARED = "prepared.json"


def in_small_steps() -> None:
    """Pages and parts so small that a process dies between and within many of them."""
    take_record_lists.ACCOUNTS_PER_PAGE = 200  # type: ignore[misc]
    take_record_lists.PAGES_PER_TICK = 4  # type: ignore[misc]
    take_record_lists.cut_into_parts = partial(cut_into_parts, most=60)  # type: ignore[assignment]
    instruct_payouts.PARTS_UNDER_WAY = 5  # type: ignore[misc]


async def pay(folder: Path) -> None:
    """Work as `kapital up` does, until the coupon is paid."""
    import asyncio

    prepared = msgspec.json.decode((folder / PREPARED).read_bytes(), type=Prepared)
    async with due(folder, prepared) as kapital:
        working = asyncio.create_task(work_in_background(kapital))
        await until_paid(kapital, prepared, working)
        working.cancel()
        await asyncio.wait([working])


if __name__ == "__main__":
    silence_logs()
    in_small_steps()
    run(pay(Path(sys.argv[1])))
