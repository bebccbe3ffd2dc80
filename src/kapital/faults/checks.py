"""What must hold when nothing moves: the bank's own books against the ledger, every record whole, nothing twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.app import SCHEDULER
from kapital.faults.file_checks import stated_by_files
from kapital.faults.finding import Broken
from kapital.faults.world import World
from kapital.invariants import check_invariants
from kapital.ledger.api import money_asset

RUB: Final = str(money_asset())
_PAGE: Final = 5_000
_DVP = ("dvp/", "dvp_together/")
_BANK_ENTRY, _WITHDRAWAL, _ORDER, _ACTION = "bank_credit/", "withdrawal/", "order/", "corporate_action/"

_TOLD: Final = "SELECT DISTINCT ON (bank_id) bank_id, amount_kopecks FROM notice ORDER BY bank_id, cursor"
# Of a credit by a QR code the call back tells too, always what came.
_OF_CODES: Final = "SELECT bank_id, c.amount_kopecks FROM sbp_qr JOIN credit AS c ON c.bank_id = incoming_id"
_EXECUTED: Final = "SELECT reference, amount_kopecks, bic, account FROM payout WHERE state = 'executed'"
_WITHDRAWALS: Final = """
    SELECT withdrawal_id, w.amount_kopecks, state, coalesce(member_id, bic) AS bic,
        coalesce(phone, account) AS account
    FROM withdrawal AS w LEFT JOIN sbp_withdrawal USING (sbp_withdrawal_id)
"""
_ORDERS: Final = """
    SELECT o.order_id, o.state, o.reserved_kopecks, o.entry_seq, coalesce(f.units, 0) AS units,
        coalesce(f.pay_kopecks, 0) AS pay_kopecks
    FROM subscription_order o LEFT JOIN fill f USING (order_id)
    WHERE o.state NOT IN ('rejected', 'withdrawn', 'awaiting_funds', 'expired')
"""
_PARTS: Final = """
    SELECT p.entry_seq, i.asset_id, i.seller_wallet_id, i.buyer_wallet_id, p.units,
        CASE WHEN i.rail = 'nominal' THEN p.amount_kopecks ELSE 0 END AS amount_kopecks
    FROM dvp_part p JOIN dvp_instruction i USING (instruction_id) ORDER BY p.entry_seq
"""
_SETTLED: Final = """
    SELECT i.instruction_id, i.units, i.amount_kopecks, sum(p.units) AS given, sum(p.amount_kopecks) AS paid
    FROM dvp_instruction i JOIN dvp_part p USING (instruction_id) WHERE i.state = 'settled' GROUP BY i.instruction_id
"""
_PAID: Final = """
    SELECT action_id, total_kopecks, holders, kind FROM corporate_action WHERE state IN ('paid', 'closed')
"""


class Account(msgspec.Struct, frozen=True):
    """An account as an entry names it."""

    asset: str
    position: str
    wallet: str


class Posting(msgspec.Struct, frozen=True):
    """A posting of an entry; the amount is text there."""

    account: Account
    amount: str

    @property
    def value(self) -> int:
        """The amount."""
        return int(self.amount)


class Based(msgspec.Struct, frozen=True):
    """What an entry rests on."""

    reference: str


class Entry(msgspec.Struct, frozen=True):
    """What is looked at of an entry."""

    seq: int
    basis: Based
    postings: tuple[Posting, ...] = ()

    def moved(self, position: str, *, money: bool, credit: bool) -> int:
        """Sum of what came to (or left, as a positive number) a position."""
        amounts = (
            one.value
            for one in self.postings
            if (one.account.asset == RUB) is money and one.account.position == position
        )
        return sum(abs(amount) for amount in amounts if (amount > 0) is credit)


@dataclass(slots=True)
class Books:
    """The entries of the log by what they rest on, read as far as the log goes."""

    size: int = 0
    by_reference: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    async def read_on(self, world: World) -> None:
        """Read what was entered since."""
        end = await world.kapital.ledger.size()
        while self.size < end:
            for stored in await world.kapital.ledger.entries(self.size, min(end, self.size + _PAGE)):
                entry = msgspec.json.decode(stored.body, type=Entry)
                self.by_reference[entry.basis.reference].append(entry)
                self.size += 1

    def of(self, prefix: str) -> dict[str, list[Entry]]:
        """Entries by what follows the prefix of their reference."""
        return {name[len(prefix) :]: found for name, found in self.by_reference.items() if name.startswith(prefix)}


async def check(world: World, books: Books) -> None:
    """All of it. Raises: Broken."""
    await books.read_on(world)
    heard = await _heard(world, books)
    if unknown := books.of(_BANK_ENTRY).keys() - heard.keys():
        raise Broken("credit_from_nowhere", ", ".join(sorted(unknown)))
    await _withdrawals(world, books)
    await _orders(world, books)
    await _dvp(world, books)
    await _payouts(world, books)
    _no_leg_alone(books)
    expected = await difference_of(world, books)
    found = await check_invariants(world.kapital)
    for name, finding in found.findings:
        if not (expected and finding.code == "bank_balance_differs"):
            raise Broken(finding.code, f"{name} at {finding.where}: {finding.detail}")
    compared = await world.kapital.settlement.use_cases.reconcile(SCHEDULER)
    _same("bank_balance_differs", "difference with the bank", expected, compared.difference_kopecks)


async def difference_of(world: World, books: Books) -> int:
    """By how much the bank's balance differs from what the bank itself has told of it."""
    balance = await world.value("sandbox_bank", "SELECT balance_kopecks FROM account")
    told = sum((await _heard(world, books)).values())
    paid = sum(row["amount_kopecks"] for row in await world.fetch("sandbox_bank", _EXECUTED))
    return int(balance - (told - paid))


async def _heard(world: World, books: Books) -> dict[str, int]:
    """Kopecks of each credit that the bank has told, booked once as it was told. Raises: Broken.

    Of a credit by a code list and call back tell, and who is first is believed: where the list has another sum,
    either may stand in the register. What the list has not told may have been told by the call back, or not yet. A
    statement tells what list and call back did not.
    """
    entries = books.of(_BANK_ENTRY)
    listed = {row["bank_id"]: row["amount_kopecks"] for row in await world.fetch("sandbox_bank", _TOLD)}
    stated = world.statements.stated | await stated_by_files(world)
    by_code = {row["bank_id"]: row["amount_kopecks"] for row in await world.fetch("sandbox_bank", _OF_CODES)}
    heard: dict[str, int] = {}
    for bank_id in listed.keys() | by_code.keys() | stated.keys():
        came = [entry.moved("bank", money=True, credit=False) for entry in entries.get(bank_id, ())]
        told = [sums[bank_id] for sums in (listed, by_code, stated) if bank_id in sums]
        if came or bank_id in listed or bank_id in stated:
            kopecks = came[0] if came and came[0] in told else told[0]
            _same("credit_not_booked_once", f"credit {bank_id}", [kopecks], came)
            heard[bank_id] = kopecks
    return heard


async def _withdrawals(world: World, books: Books) -> None:
    entries = books.of(_WITHDRAWAL)
    executed = {UUID(row["reference"]): row for row in await world.fetch("sandbox_bank", _EXECUTED)}
    rows = {row["withdrawal_id"]: row for row in await world.fetch("settlement", _WITHDRAWALS)}
    if unknown := executed.keys() - rows.keys():
        raise Broken("paid_without_a_withdrawal", ", ".join(map(str, unknown)))
    for withdrawal_id, row in rows.items():
        own, what = entries.get(str(withdrawal_id), []), f"withdrawal {withdrawal_id} {row['state']}"
        sums = {
            "locked": [n for e in own if (n := e.moved("locked", money=True, credit=True))],
            "paid": [n for e in own if (n := e.moved("bank", money=True, credit=True))],
            "given back": [n for e in own if (n := e.moved("available", money=True, credit=True))],
        }
        amount, state = row["amount_kopecks"], str(row["state"])
        due = {
            "locked": [] if state == "refused" else [amount],
            "paid": [amount] if state == "confirmed" else [],
            "given back": [amount] if state == "re_credited" else [],
        }
        _same("withdrawal_not_entered_once", what, due, sums)
        paid = executed.get(withdrawal_id)
        _same("bank_paid_otherwise", what, state == "confirmed", paid is not None)
        if paid is not None:
            _same(
                "bank_paid_otherwise",
                what,
                (amount, row["bic"], row["account"]),
                (paid["amount_kopecks"], paid["bic"], paid["account"]),
            )


async def _orders(world: World, books: Books) -> None:
    entries = books.of(_ORDER)
    for row in await world.fetch("tokenization", _ORDERS):
        own, what = entries.get(str(row["order_id"]), []), f"order {row['order_id']} {row['state']}"
        reserved = [n for e in own if (n := e.moved("reserved", money=True, credit=True))]
        _same("order_not_reserved_once", what, [row["reserved_kopecks"]], reserved)
        freed = [e for e in own if e.moved("reserved", money=True, credit=False)]
        _same("order_not_ended_once", what, 0 if row["state"] == "accepted" else 1, len(freed))
        for entry in freed:
            _same("order_ended_otherwise", what, row["entry_seq"], entry.seq)
            _same("order_ended_otherwise", what, row["units"], entry.moved("available", money=False, credit=True))


async def _dvp(world: World, books: Books) -> None:
    """Each entry of the queue moves, account by account, what the parts that name it say, and no entry is unnamed.

    On the escrow rail the entry moves units only.
    """
    due: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in await world.fetch("settlement", _PARTS):
        seller, buyer, asset = str(row["seller_wallet_id"]), str(row["buyer_wallet_id"]), str(row["asset_id"])
        due[row["entry_seq"]].update({(asset, buyer): row["units"], (RUB, seller): row["amount_kopecks"]})
        due[row["entry_seq"]].subtract({(asset, seller): row["units"], (RUB, buyer): row["amount_kopecks"]})
    entries = [one for prefix in _DVP for found in books.of(prefix).values() for one in found]
    _same("dvp_entry_unnamed", "entries of the queue", sorted(due), sorted(one.seq for one in entries))
    for entry in entries:
        moved: Counter[tuple[str, str]] = Counter()
        for one in entry.postings:
            moved[one.account.asset, one.account.wallet] += one.value
        # Compared as what differs: of a ring, sums may be nothing.
        moved.subtract(due[entry.seq])
        _same("dvp_leg_differs", f"entry {entry.seq}", {}, {name: n for name, n in moved.items() if n})
    for row in await world.fetch("settlement", _SETTLED):
        sums = (row["units"], row["amount_kopecks"]), (row["given"], row["paid"])
        _same("dvp_not_whole", f"instruction {row['instruction_id']}", *sums)


async def _payouts(world: World, books: Books) -> None:
    entries = books.of(_ACTION)
    for row in await world.fetch("tokenization", _PAID):
        own, what = entries.get(str(row["action_id"]), []), f"{row['kind']} {row['action_id']}"
        sums = [e.moved("reserved", money=True, credit=False) for e in own]
        _same("payout_not_whole", what, row["total_kopecks"], sum(sums))
        _same("payout_not_to_each_once", what, row["holders"], len([n for n in sums if n]))


def _no_leg_alone(books: Books) -> None:
    """Units are issued and extinguished only in an entry that moves money, and for nothing else."""
    for entry in (one for found in books.by_reference.values() for one in found):
        units = [one for one in entry.postings if one.account.asset != RUB]
        if any(one.account.position in ("issued", "extinguished") for one in units):
            money = [one for one in entry.postings if one.account.asset == RUB]
            if not money:
                raise Broken("units_without_money", f"entry {entry.seq}")
        for asset in {one.account.asset for one in entry.postings}:
            if sum(one.value for one in entry.postings if one.account.asset == asset):
                raise Broken("leg_alone", f"entry {entry.seq}, asset {asset}")


def _same(code: str, what: str, due: Any, found: Any) -> None:
    if due != found:
        raise Broken(code, f"{what}: {_shown(due)} due, {_shown(found)} found")


def _shown(value: Any) -> str:
    return str(list(value) if isinstance(value, Iterable) and not isinstance(value, str | dict | tuple) else value)
