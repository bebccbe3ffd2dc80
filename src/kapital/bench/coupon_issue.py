"""An issue with many holders, ready for its coupon: what the measurement and the tests of sudden death begin with.

Decision, review, signatures, placement and delivery go through the use cases of the services. Then the one buyer's
units are spread over the holders by entries of the ledger, twenty new wallets in each.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.app import Kapital, open_kapital
from kapital.demo.cast import ISSUE_MANAGER, LEGAL, Player, bring_on_stage, command
from kapital.demo.run import examples_folder
from kapital.demo.story import start_of
from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.ledger.api import (
    AccountKey,
    Basis,
    BasisKind,
    Committed,
    OpenWallet,
    Position,
    Posting,
    Transaction,
)
from kapital.platform.clock import SteppedClock
from kapital.platform.settings import Settings
from kapital.tokenization.domain.checklist import all_hold
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.terms_text import plain_value
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision

EXAMPLE: Final = "fixed-rate-window.yaml"
UNITS_MOST: Final = 9
_BASIS: Final = Basis(BasisKind.HOLDER_INSTRUCTION, "bench/spread")
_WALLETS_PER_ENTRY: Final = 20
_ENTRIES_PER_CALL: Final = 250
_CALLS_AT_ONCE: Final = 3


class Prepared(msgspec.Struct, frozen=True):
    """An issue whose coupon is due at `pay_at`: `unit_kopecks` for each unit, to holders 1 to `holders`."""

    issue_id: UUID
    action_id: UUID
    holders: int
    unit_kopecks: int
    pay_at: datetime

    def wallet(self, number: int) -> UUID:
        """The wallet of a holder."""
        return derive_uuid7(self.issue_id, f"bench/holder/{number}")

    @property
    def total_kopecks(self) -> int:
        """What the coupon comes to."""
        return self.unit_kopecks * sum(units_of(number) for number in range(1, self.holders + 1))


def units_of(number: int) -> int:
    """How many units a holder has: 1 to 9, so that a mix-up of holders shows."""
    return number % UNITS_MOST + 1


def settings_of(folder: Path) -> Settings:
    """Settings of a register of its own in `folder`, on the embedded server."""
    return Settings(data_dir=folder, database_url=None, acts_signed="simple")


async def prepare(folder: Path, holders: int) -> Prepared:
    """Make a register in `folder` with an issue that so many hold, up to the eve of its coupon."""
    units = sum(units_of(number) for number in range(1, holders + 1))
    text = _terms(units)
    terms = load_terms(text)
    clock = SteppedClock(start_of([terms]))
    async with open_kapital(settings_of(folder), clock) as kapital:
        [[buyer], [issuer]] = await bring_on_stage(kapital, 1, [terms])
        issue_id = await _published(kapital, issuer, text)
        await kapital.bank.receive_many([(units * terms.price_kopecks, buyer.top_up_purpose)])
        await _to(kapital, clock, terms.placement_start_at)
        placed = await kapital.tokenization.use_cases.place_orders(
            PlaceOrders(command_id=command(), actor=buyer.actor, orders=(NewOrder(issue_id=issue_id, units=units),))
        )
        ensure(placed.items[0].outcome.value == "accepted", f"the order was refused: {placed.items[0].refusal}")
        await _to(kapital, clock, terms.placement_end_at)
        coupon = await first_action(kapital, issue_id)
        unit_kopecks = 5125  # 1,000 roubles at 20.5 % for 90 days of 360, in kopecks: by hand, to compare with
        prepared = Prepared(issue_id, coupon.action_id, holders, unit_kopecks, coupon.pay_at)
        await _spread(kapital, buyer.wallet, prepared)
        # What a house does once a minute all day: it is no part of the coupon.
        await kapital.ledger.checkpoint()
        await kapital.ledger.mirror()
        return prepared


async def first_action(kapital: Kapital, issue_id: UUID) -> CorporateAction:
    """The first payment of an issue as it stands."""
    parts = kapital.tokenization.use_cases.parts
    async with parts.database.connect() as conn:
        return (await parts.actions.of_issue(conn, issue_id))[0]


def _terms(units: int) -> bytes:
    value: Any = plain_value((examples_folder() / EXAMPLE).read_bytes())
    value |= {
        "code": f"BENCH-COUPON-{units}",
        "quantity_min": 1,
        "quantity_max": units,
        "min_order_units": 1,
        "max_order_units": units,
        "lot": 1,
    }
    return json.dumps(value, default=str, ensure_ascii=False).encode()


async def _published(kapital: Kapital, issuer: Player, text: bytes) -> UUID:
    app = kapital.tokenization.use_cases
    drafted = await app.draft_decision(DraftDecision(command_id=command(), actor=issuer.actor, terms=text))
    ensure(not drafted.faults, f"the terms have faults: {[fault.code for fault in drafted.faults]}")
    seen: dict[str, Any] = {"issue_id": drafted.issue_id, "decision_sha256": drafted.decision_sha256}
    await app.submit_decision(SubmitDecision(command_id=command(), actor=issuer.actor, **seen))
    answers = all_hold(load_terms(text))
    for reviewer in (ISSUE_MANAGER, LEGAL):
        await app.review_decision(ReviewDecision(command_id=command(), actor=reviewer, checklist=answers, **seen))
    await app.sign_decision(SignDecision(command_id=command(), actor=issuer.actor, **seen))
    await app.publish_decision(PublishDecision(command_id=command(), actor=ISSUE_MANAGER, **seen))
    await kapital.bus.drain()
    return drafted.issue_id


async def _to(kapital: Kapital, clock: SteppedClock, at: datetime) -> None:
    clock.advance(max(at - clock.now(), timedelta(0)) + timedelta(seconds=1))
    await kapital.settle_down()


async def _spread(kapital: Kapital, seller: UUID, prepared: Prepared) -> None:
    """Spread the units, a few calls at a time: what is not entered yet is not made yet."""
    entries = _entries(seller, prepared)

    async def enter() -> None:
        while some := list(islice(entries, _ENTRIES_PER_CALL)):
            for answer in await kapital.ledger.post(some):
                ensure(isinstance(answer, Committed), str(answer))

    await asyncio.gather(*(enter() for _ in range(_CALLS_AT_ONCE)))


def _entries(seller: UUID, prepared: Prepared) -> Iterator[Transaction]:
    asset = prepared.issue_id
    for first in range(1, prepared.holders + 1, _WALLETS_PER_ENTRY):
        numbers = range(first, min(first + _WALLETS_PER_ENTRY, prepared.holders + 1))
        wallets = {prepared.wallet(number): units_of(number) for number in numbers}
        credited = [Posting(AccountKey(asset, Position.AVAILABLE, wallet), n) for wallet, n in wallets.items()]
        debit = Posting(AccountKey(asset, Position.AVAILABLE, seller), -sum(wallets.values()))
        yield Transaction(
            id=derive_uuid7(asset, f"bench/spread/{first}"),
            actor="machine:bench",
            basis=_BASIS,
            opens=tuple(OpenWallet(wallet) for wallet in wallets),
            postings=(debit, *credited),
        )
