"""One case: arm, let it happen, wait until nothing moves, look at everything."""

import asyncio
import random
import signal
import time
from typing import Any, Final, NamedTuple

from kapital.faults.calling import Caller, quickened
from kapital.faults.checks import Books, check, difference_of
from kapital.faults.escrow_checks import check_escrow, require_money_behind
from kapital.faults.file_checks import check_files
from kapital.faults.finding import BankKind, Broken, Case, Disturbed
from kapital.faults.plan import NONE
from kapital.faults.processes import LOOK_EVERY_S, local_client
from kapital.faults.quiet import PATIENCE_S, until_quiet, waiting_for_person
from kapital.faults.sbp_checks import check_sbp
from kapital.faults.share_checks import check_shares, make_told_true
from kapital.faults.statement_checks import check_statements
from kapital.faults.workloads import WORKLOADS, decide_reviews
from kapital.faults.world import World
from kapital.kernel.problems import InvariantBroken, Problem, Unavailable
from kapital.platform.failpoints import arm, disarm, reached
from kapital.sandbox.bank.faults import find_script

_SKEW: Final = "SELECT clock_skew_s FROM account"
_NEVER_TOLD: Final = (
    "SELECT bank_id FROM credit c WHERE NOT EXISTS (SELECT FROM notice n WHERE n.bank_id = c.bank_id)"
    " AND NOT EXISTS (SELECT FROM held_notice h WHERE h.bank_id = c.bank_id) ORDER BY bank_id"
)


class Played(NamedTuple):
    """What became of a case in which nothing broke: whether a process died where it should, and what waits now."""

    reached: bool
    waiting_for_person: int


async def play(world: World, case: Case, chance: random.Random) -> Played:
    """Play a case. Raises: Broken, Disturbed; then the world is of no use any more."""
    async with local_client() as web:
        playing = asyncio.create_task(_play(world, case, chance, Caller(world, web)))
        living = asyncio.create_task(_start_again(world))
        try:
            await asyncio.wait({playing, living}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
            return await playing
        except Unavailable as error:
            raise Disturbed(str(error)) from error
        except (InvariantBroken, Problem) as error:
            code = error.code if isinstance(error, Problem) else "invariant_broken"
            raise Broken(code, str(error)) from error
        finally:
            for task in (playing, living):
                task.cancel()
            await asyncio.wait({playing, living})


async def _play(world: World, case: Case, chance: random.Random, caller: Caller) -> Played:
    before, waited = len(reached(world.house_folder)), await waiting_for_person(world)
    await caller.play(_script(case.script))
    if case.failpoint != NONE:
        arm(world.house_folder, case.failpoint, case.nth)
    await WORKLOADS[case.workload](world, caller, chance)
    await until_quiet(world)
    disarm(world.house_folder)
    died = len(reached(world.house_folder)) > before
    await caller.play(_script(NONE))
    books = Books()
    await _look(world, books)
    waiting = await waiting_for_person(world) - waited
    if await _bank_makes_good(world, caller, books):
        await until_quiet(world)
        await _look(world, books)
        await until_quiet(world)  # what the difference had stopped goes on
        await _look(world, books)
    if await decide_reviews(world, caller):
        await until_quiet(world)
        await _look(world, books)
    await caller.repeat()
    return Played(died, waiting)


async def _look(world: World, books: Books) -> None:
    await check(world, books)
    await check_escrow(world, books)
    await check_sbp(world, books)
    await check_statements(world)
    await check_shares(world)
    await check_files(world)


async def _start_again(world: World) -> None:
    """Start the house whenever a failpoint has killed it. Raises: Broken when it ends otherwise."""
    deaths, books = len(reached(world.house_folder)), Books()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if (status := world.house.exit_status) is None:
            continue
        if status != -signal.SIGKILL or len(reached(world.house_folder)) == deaths:
            raise Broken("house_ended", f"{status}: {world.house.said()}")
        deaths += 1
        await require_money_behind(world, books)  # nobody puts anything right while the house lies dead
        world.house.start()


async def _bank_makes_good(world: World, caller: Caller, books: Books) -> bool:
    """The bank's people put right what was wrong with the bank itself; whether there was anything."""
    if skew := await world.value("sandbox_bank", _SKEW):
        back = {"at": "any", "do": "clock_skew", "seconds": -skew}
        world.bank_erred = True
        await caller.play({**_script(NONE), "steps": [back]})
        await _until_back(world)
    untold = [row["bank_id"] for row in await world.fetch("sandbox_bank", _NEVER_TOLD)]
    for bank_id in untold:
        await world.bank_side.tell_again(bank_id)
    if untold:
        await until_quiet(world)  # the house hears it before its books are looked at again
        await books.read_on(world)
    if difference := await difference_of(world, books):
        world.bank_erred = True
        if world.kind is BankKind.SHARES:
            await make_told_true(world)
        await world.bank_side.take_fee(difference)
    return bool(untold or difference)


async def _until_back(world: World) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while await world.value("sandbox_bank", _SKEW):
        if time.monotonic() > ends_at:
            raise Broken("bank_not_asked", "the house asks the bank for nothing any more")
        await asyncio.sleep(LOOK_EVERY_S)


def _script(name: str) -> dict[str, Any]:
    if name == NONE:
        return {"version": 1, "name": NONE, "about_ru": "", "about_en": "", "steps": []}
    return quickened(find_script(name).read_bytes())
