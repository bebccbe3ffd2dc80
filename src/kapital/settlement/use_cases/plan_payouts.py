"""Decide what each holder of a part gets and what tax is withheld, before the ledger is asked."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.calendar import moscow_day
from kapital.kernel.money import split_pro_rata
from kapital.settlement.domain.instructions import PayoutLine, PayoutsInstructed
from kapital.settlement.domain.tax import Income, PlannedPayout, Taxpayer, Withheld, rule_on
from kapital.settlement.domain.tax_cost import Lot, Used, cost_of_repayment, cost_of_units
from kapital.settlement.ports import Parts

COUPON: Final = "coupon"


Withholding = Mapping[tuple[UUID, str], Withheld]
"""By wallet and position of each line from which something is withheld."""


async def plan_payouts(parts: Parts, instructed: PayoutsInstructed) -> Withholding:
    """Decide a part once, in a transaction of its own, and say what is withheld from each of its lines.

    Promise: the ledger's entries follow from what is kept here and from nothing that may change, so a repeat after a
    crash asks the ledger for the same entries. What the ledger refuses is decided anew (`Payouts.drop`).
    Law: Tax Code art. 226.2 (1). Raises: ParameterNotInForce.
    """
    if not instructed.lines:
        return {}
    async with parts.uow.begin() as tx:
        await parts.tax.records.share(tx.conn)
        planned = await parts.payouts.planned(tx.conn, instructed.action_id, instructed.part)
        if not planned:
            on = moscow_day(tx.now)
            wallets = {line.wallet_id for line in instructed.lines}
            taxpayers = await parts.payouts.taxpayers(tx.conn, wallets, on)
            # A coupon gives nothing back: no cost is set against it.
            coupon = instructed.kind == COUPON
            lots, used = ({}, {}) if coupon else await parts.payouts.costs(tx.conn, instructed.issue_id, wallets)
            planned = _plan(parts, instructed, on, taxpayers, lots, used)
            await parts.payouts.plan(tx.conn, instructed, planned, on)
    return _of_lines(instructed.lines, planned)


def _plan(
    parts: Parts,
    instructed: PayoutsInstructed,
    on: date,
    taxpayers: Mapping[UUID, Taxpayer],
    lots: Mapping[UUID, Sequence[Lot]],
    used: Mapping[UUID, Used],
) -> list[PlannedPayout]:
    rule = rule_on(parts.tax.rules, instructed.issue_id, on)
    year_bases: dict[UUID, int] = {}
    planned = []
    for wallet, of_wallet in groupby(_by_wallet(instructed.lines), key=lambda line: line.wallet_id):
        lines = list(of_wallet)
        gross = sum(line.amount_kopecks for line in lines)
        units = sum(line.extinguish_units for line in lines)
        had, taken = lots.get(wallet, ()), used.get(wallet, Used())
        cost = cost_of_units(had, taken, units) if units else 0
        if not units and instructed.kind != COUPON:
            cost = cost_of_repayment(had, taken, gross)
        payer = taxpayers[wallet]
        assessment = None
        if rule is not None:
            # One person may have several wallets in one part.
            base = year_bases.get(payer.taxpayer_id, payer.year_base_kopecks)
            assessment = parts.tax.law.assess(
                Income(paid_on=on, gross_kopecks=gross, cost_kopecks=cost),
                msgspec.structs.replace(payer, year_base_kopecks=base),
                unknown=rule.unknown_residency,
            )
            year_bases[payer.taxpayer_id] = base + assessment.base_kopecks
        planned.append(
            PlannedPayout(
                wallet_id=wallet,
                taxpayer_id=payer.taxpayer_id,
                gross_kopecks=gross,
                cost_kopecks=cost,
                extinguished_units=units,
                agent=None if rule is None else rule.agent,
                assessment=assessment,
            )
        )
    return planned


def _of_lines(lines: Sequence[PayoutLine], planned: Sequence[PlannedPayout]) -> dict[tuple[UUID, str], Withheld]:
    """Share what is withheld from a wallet between its lines, in proportion to what each pays."""
    taxed = {one.wallet_id: one for one in planned if one.tax_kopecks}
    withheld: dict[tuple[UUID, str], Withheld] = {}
    for wallet, of_wallet in groupby(_by_wallet(lines), key=lambda line: line.wallet_id):
        if (one := taxed.get(wallet)) is None:
            continue
        positions = list(of_wallet)
        shares = split_pro_rata(one.tax_kopecks, [line.amount_kopecks for line in positions])
        for line, share in zip(positions, shares, strict=True):
            withheld[wallet, line.position] = Withheld(share, one.agent)
    return withheld


def _by_wallet(lines: Sequence[PayoutLine]) -> list[PayoutLine]:
    return sorted(lines, key=lambda line: (line.wallet_id, line.position))
