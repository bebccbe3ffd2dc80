"""What happens while a process dies: money in and out, also by the SBP, a placement, trades in a ring, a coupon."""

import asyncio
import base64
import random
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from kapital.demo.cast import Player
from kapital.faults.calling import Caller
from kapital.faults.file_checks import ask_for_statement
from kapital.faults.finding import Broken
from kapital.faults.processes import SBP_RULE
from kapital.faults.quiet import until_quiet
from kapital.faults.world import World
from kapital.kernel.calendar import MOSCOW, moscow_day
from kapital.kernel.roles import Role
from kapital.platform.failpoints import reached
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank.sbp import BANK_MEMBER

Workload = Callable[[World, Caller, random.Random], Awaitable[None]]

_LAST_HOUR, _CUT_OFF = time(22), time(23, 50)
SPLIT_KOPECKS: Final = SBP_RULE.payout_kopecks_max or 0
"""What is above it the SBP pays in parts."""
_TOO_MUCH_KOPECKS: Final = 10**13
_IN_REVIEW: Final = """
    SELECT instruction_id, state FROM dvp_instruction
    WHERE state IN ('review_before_record', 'review_after_record') ORDER BY instruction_id
"""
_CREDITS: Final = (
    "SELECT bank_id, amount_kopecks, purpose, payer_account, payer_name, credited_at FROM credit ORDER BY bank_id"
)
_PAYOUTS: Final = (
    "SELECT reference, amount_kopecks, bic, account, purpose, kind, received_at FROM payout"
    " WHERE state = 'executed' ORDER BY reference"
)
_REFUSED_AT_A_BREAK: Final = "reconciliation_break_stops_withdrawals"


async def money(world: World, caller: Caller, chance: random.Random) -> None:
    """Two owners and an unknown payer pay in, two others withdraw; the office compares with the bank."""
    first, second, third, fourth = world.investors
    staff = await world.office_headers(Role.SETTLEMENT)
    third_headers, fourth_headers = await world.headers(third), await world.headers(fourth)

    async def out() -> None:
        await _withdraw(caller, third_headers, third, [_sum(chance), _sum(chance)])
        await _withdraw(caller, fourth_headers, fourth, [_sum(chance)])

    async def into() -> None:
        await caller.pay_in(_sum(chance), first.top_up_purpose)
        await caller.pay_in(_sum(chance), f"Оплата по счёту {chance.randrange(10**6)}")
        await caller.pay_in(_sum(chance), second.top_up_purpose)

    await asyncio.gather(out(), into())
    await caller.reconcile(staff)


async def sbp(world: World, caller: Caller, chance: random.Random) -> None:
    """Two owners top up by QR codes that are paid at once; two others withdraw to phones, in parts."""
    first, second, third, fourth = world.investors
    in_sums, out_sums = [_sum(chance) for _ in range(2)], [SPLIT_KOPECKS + _sum(chance) for _ in range(2)]
    # Of who begins later the headers are there before anything dies.
    headers = {one.wallet: await world.headers(one) for one in world.investors}

    async def by_code(player: Player, kopecks: int) -> None:
        body = {"wallet_id": str(player.wallet), "amount_kopecks": kopecks}
        made = _done(await caller.command("/v1/settlement/sbp-top-ups", body, headers[player.wallet]))
        await caller.pay_by_code(made["qr_id"])

    async def to_phone(player: Player, kopecks: int) -> None:
        payee = {"phone": world.phone_of(player), "member_id": BANK_MEMBER}
        body = {"wallet_id": str(player.wallet), "amount_kopecks": kopecks, "payee": payee}
        answer = await caller.command("/v1/settlement/sbp-withdrawals", body, headers[player.wallet])
        if not _stopped_by_a_break(answer):
            _done(answer)

    await asyncio.gather(
        *(by_code(player, kopecks) for player, kopecks in zip((first, second), in_sums, strict=True)),
        *(to_phone(player, kopecks) for player, kopecks in zip((third, fourth), out_sums, strict=True)),
    )


async def statement(world: World, caller: Caller, chance: random.Random) -> None:
    """Money comes and goes, the day ends, and the bank's statement of it is handed in, twice; the office compares."""
    world.clock.go_to(world.clock.now().astimezone(MOSCOW).replace(hour=10))
    await money(world, caller, chance)
    await until_quiet(world)
    # Soon after midnight: who asked by day can still be asked again with the same token.
    world.clock.go_to(world.clock.now().astimezone(MOSCOW).replace(hour=0, minute=30) + timedelta(days=1))
    came, paid = [await world.fetch("sandbox_bank", query) for query in (_CREDITS, _PAYOUTS)]
    message = world.statements.write(came, paid)
    for _ in range(2):
        await _hand_in(world, message)
    await caller.reconcile(await world.office_headers(Role.SETTLEMENT))


async def _hand_in(world: World, message: Path) -> None:
    """Hand a file in again for as long as a failpoint kills who takes it in."""
    while True:
        deaths = len(reached(world.house_folder))
        if (status := await world.house.take_in(message)) == 0:
            return
        if status != -signal.SIGKILL or len(reached(world.house_folder)) == deaths:
            raise Broken("statement_not_taken_in", f"{status}: {world.house.said()}")


async def placement(world: World, caller: Caller, chance: random.Random) -> None:
    """Everybody orders units of an issue; its placement ends, and units go against money."""
    issue = world.placements.pop(0)
    body: dict[str, Any]
    for player in world.investors:
        body = {"orders": [{"issue_id": str(issue.issue_id), "units": chance.randint(20, 50)} for _ in range(2)]}
        _accepted(await caller.command("/v1/tokenization/orders", body, await world.headers(player)), "items")
    world.clock.go_to(issue.ends_at + timedelta(seconds=1))
    world.placed.append(issue.issue_id)


async def dvp(world: World, caller: Caller, chance: random.Random) -> None:
    """Holders trade in a ring; one office instructs, another approves; the queue settles."""
    of = _day_of_trade(world, chance)
    await _agree(world, caller, [of | _between(*pair, chance) | {"rail": "nominal"} for pair in _ring(world)])


async def files(world: World, caller: Caller, chance: random.Random) -> None:
    """Money comes and goes by files; the bank's statement tells what no other message of it has told."""
    await ask_for_statement(world)
    await until_quiet(world)
    await money(world, caller, chance)
    await ask_for_statement(world)


async def shares(world: World, caller: Caller, chance: random.Random) -> None:
    """Money comes and goes, then holders trade: a bank that keeps shares is told of payments and of net deals."""
    await money(world, caller, chance)
    await dvp(world, caller, chance)


async def escrow(world: World, caller: Caller, chance: random.Random) -> None:
    """Holders trade in a ring against money on accounts of their own at the bank; one of them has too little."""
    of, instructions = _day_of_trade(world, chance), []
    for seller, buyer in _ring(world):
        one = of | _between(seller, buyer, chance) | _over_escrow(seller, buyer)
        await caller.put_in(buyer.account, one["amount_kopecks"])
        instructions.append(one)
    seller, buyer, *_ = world.investors
    poor = of | _between(seller, buyer, chance) | _over_escrow(seller, buyer) | {"amount_kopecks": _TOO_MUCH_KOPECKS}
    instructions.insert(chance.randint(0, len(instructions)), poor)
    await _agree(world, caller, instructions)


async def decide_reviews(world: World, caller: Caller) -> bool:
    """Two persons decide on each instruction in a review, by a statement; whether there was any.

    After the record the seller's bank takes the money now. Before it all is undone, the harder way: the bank may hold
    the money and has to give it back.
    """
    rows = await world.fetch("settlement", _IN_REVIEW)
    for row in rows:
        body = {
            "instruction_id": str(row["instruction_id"]),
            "outcome": "release_again" if row["state"] == "review_after_record" else "reserve_absent",
            "basis": "A letter of the bank",
            "statement_base64": base64.b64encode(row["instruction_id"].bytes).decode(),
        }
        one, other = [await world.office_headers(Role.SETTLEMENT, person) for person in (1, 2)]
        told = _done(await caller.command("/v1/settlement/dvp-reviews", body, one))
        decision = {"content_sha256": told["content_sha256"], "verdict": "approve"}
        _done(await caller.command(f"/v1/settlement/dvp-reviews/{told['review_id']}/decision", decision, other))
    return bool(rows)


def _day_of_trade(world: World, chance: random.Random) -> dict[str, Any]:
    if (now := world.clock.now().astimezone(MOSCOW)).time() > _LAST_HOUR:
        world.clock.go_to(now.replace(hour=10) + timedelta(days=1))
    issue_id, day = str(chance.choice(world.placed)), moscow_day(world.clock.now())
    return {
        "asset_id": issue_id,
        "issue_id": issue_id,
        "intended_on": day.isoformat(),
        "cut_off_at": datetime.combine(day, _CUT_OFF, MOSCOW).isoformat(),
    }


def _ring(world: World) -> Iterable[tuple[Player, Player]]:
    return zip(world.investors, [*world.investors[1:], world.investors[0]], strict=True)


def _between(seller: Player, buyer: Player, chance: random.Random) -> dict[str, Any]:
    return {
        "reference": f"RING-{new_uuid7().hex}",
        "seller_wallet_id": str(seller.wallet),
        "buyer_wallet_id": str(buyer.wallet),
        "units": chance.randint(1, 3),
        "amount_kopecks": _sum(chance),
    }


def _over_escrow(seller: Player, buyer: Player) -> dict[str, Any]:
    return {"rail": "escrow", "escrow": {"buyer_account": _named(buyer), "seller_account": _named(seller)}}


def _named(player: Player) -> dict[str, str]:
    return {"bic": player.account.bic, "account": player.account.account}


async def _agree(world: World, caller: Caller, instructions: list[dict[str, Any]]) -> None:
    """One office instructs, another approves."""
    office, other = await world.office_headers(Role.SETTLEMENT), await world.office_headers(Role.RISK)
    batch = await caller.command("/v1/settlement/dvp-batches", {"instructions": instructions}, office)
    told = _done(batch)
    decision = {"content_sha256": told["content_sha256"], "verdict": "approve"}
    path = f"/v1/settlement/dvp-batches/{told['batch_id']}/decision"
    _done(await caller.command(path, decision, other))


async def coupon(world: World, caller: Caller, chance: random.Random) -> None:
    """A coupon becomes due and is paid, while its issuer pays in and a holder withdraws."""
    holder = world.investors[0]
    await caller.pay_in(_sum(chance), world.issuer.top_up_purpose)
    world.clock.go_to(world.coupons.pop(0))
    await _withdraw(caller, await world.headers(holder), holder, [_sum(chance)])


WORKLOADS: Final[Mapping[str, Workload]] = {
    "money": money,
    "sbp": sbp,
    "statement": statement,
    "placement": placement,
    "dvp": dvp,
    "escrow": escrow,
    "coupon": coupon,
    "shares": shares,
    "files": files,
}


async def _withdraw(caller: Caller, headers: dict[str, str], player: Player, sums: list[int]) -> None:
    items = [
        {"wallet_id": str(player.wallet), "amount_kopecks": kopecks, "payout_account": _named(player)}
        for kopecks in sums
    ]
    answer = await caller.command("/v1/settlement/withdrawals", {"withdrawals": items}, headers)
    if not _stopped_by_a_break(answer):
        _accepted(answer, "withdrawals")


def _stopped_by_a_break(answer: httpx.Response) -> bool:
    """While the bank and the register differ nothing is withdrawn: that is the promise, and the case goes on."""
    return answer.status_code == 409 and answer.json()["code"] == _REFUSED_AT_A_BREAK


def _done(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise Broken("command_refused", f"{answer.status_code} {answer.text[:500]}")
    return answer.json()


def _accepted(answer: httpx.Response, name: str) -> None:
    if any(item["outcome"] != "accepted" for item in _done(answer)[name]):
        raise Broken("command_refused", answer.text[:500])


def _sum(chance: random.Random) -> int:
    return chance.randint(1_000, 99_999)
