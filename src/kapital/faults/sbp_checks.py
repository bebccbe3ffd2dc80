"""What must hold by the SBP: what comes by a code is its owner's, and parts make a whole."""

from collections import defaultdict
from typing import Any, Final

from kapital.faults.checks import Books
from kapital.faults.finding import Broken
from kapital.faults.processes import SBP_RULE
from kapital.faults.world import World

_CREDIT: Final = "bank_credit/"
_CODES: Final = "SELECT qr_id, amount_kopecks, incoming_id FROM sbp_qr"
_KEPT: Final = "SELECT qr_id, wallet_id, amount_kopecks FROM sbp_top_up"
_CAME: Final = "SELECT bank_id, wallet_id, amount_kopecks, reason FROM incoming_payment WHERE qr_id IS NOT NULL"
_ASKED: Final = "SELECT sbp_withdrawal_id, amount_kopecks FROM sbp_withdrawal"
_PARTS: Final = """
    SELECT sbp_withdrawal_id, amount_kopecks, state FROM withdrawal WHERE sbp_withdrawal_id IS NOT NULL
"""


async def check_sbp(world: World, books: Books) -> None:
    """All of it, when nothing moves and every command was answered. Raises: Broken."""
    await _codes(world, books)
    await _parts(world)


async def _codes(world: World, books: Books) -> None:
    codes = {row["qr_id"]: row for row in await world.fetch("sandbox_bank", _CODES)}
    kept = await world.fetch("settlement", _KEPT)
    if without := [row for row in kept if row["qr_id"] is None]:
        raise Broken("code_not_kept", f"{len(without)} top-ups without a code")
    if made := codes.keys() ^ {row["qr_id"] for row in kept}:
        raise Broken("code_not_kept", ", ".join(sorted(made)))
    came = {row["bank_id"]: row for row in await world.fetch("settlement", _CAME)}
    entries = books.of(_CREDIT)
    for row in kept:
        code = codes[row["qr_id"]]
        payment = came.get(code["incoming_id"] or "")
        if row["amount_kopecks"] != code["amount_kopecks"]:
            raise Broken("code_of_another_sum", row["qr_id"])
        # Nobody paid, nobody told us yet, or it was told with another sum: then it lies apart, for two persons.
        if payment is None or payment["amount_kopecks"] != row["amount_kopecks"]:
            continue
        wallets = [
            (one.account.wallet, one.value)
            for entry in entries.get(payment["bank_id"], ())
            for one in entry.postings
            if one.account.position == "available"
        ]
        due = [(str(row["wallet_id"]), row["amount_kopecks"])]
        if payment["reason"] is not None or wallets != due:
            found = f"{wallets} ({payment['reason']})"
            raise Broken("code_paid_to_another", f"{payment['bank_id']}: {due} due, {found} found")


async def _parts(world: World) -> None:
    """What is asked for is paid in as few parts as the limit allows, locked all or none."""
    parts: dict[Any, list[Any]] = defaultdict(list)
    for row in await world.fetch("settlement", _PARTS):
        parts[row["sbp_withdrawal_id"]].append(row)
    limit = SBP_RULE.payout_kopecks_max or 0
    for asked in await world.fetch("settlement", _ASKED):
        own = parts[asked["sbp_withdrawal_id"]]
        what = f"withdrawal by the SBP {asked['sbp_withdrawal_id']}"
        sums = [row["amount_kopecks"] for row in own]
        if sum(sums) != asked["amount_kopecks"] or max(sums) > limit or len(sums) != -(-sum(sums) // limit):
            raise Broken("sbp_parts_differ", f"{what}: {asked['amount_kopecks']} in parts {sums}")
        if len({row["state"] == "refused" for row in own}) != 1:
            raise Broken("sbp_parts_locked_alone", f"{what}: {[row['state'] for row in own]}")
