"""The seven invariants over the whole house (domain.md 4), from what the services themselves show. `kapital check`.

I1 holders + unissued = issued, extinguished counted. I2 beneficiaries' positions = bank balance. I3 the hash chain
verifies. I4 the register rebuilt from the log = the register. I5 each record has a basis. I6 no negative balance.
I7 no secret and no personal data in the ledger or in events.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import text

from kapital.app import SCHEDULER, Kapital
from kapital.kernel.problems import InvariantBroken
from kapital.ledger.api import AccountKey, Position, money_asset
from kapital.ledger.domain.problems import AuditDamaged, AuditDiverged
from kapital.ledger.use_cases.check import CheckReport, Finding
from kapital.ledger.use_cases.hold import Hold
from kapital.settlement.domain.tax import TAX_WALLET

_CHAIN: Final = ("entry_not_canonical", "entry_unreadable", "entry_out_of_order", "entry_missing", "entry_id_differs")
_CHAIN_TABLES: Final = ("tile", "checkpoint", "recorded_at", "batch", "head")
_BASIS: Final = "entry_breaks_rule"
_CHUNK: Final = 5_000
_EVENT_PRODUCERS: Final = ("registry", "identity", "tokenization", "settlement")
_DIGITS: Final = re.compile(r"(?<![0-9a-f-])[0-9]{10}(?:[0-9]{2})?(?![0-9a-f-])")
_NAME_WORDS: Final = re.compile(r"[А-ЯЁ][а-яё]+ [А-ЯЁ][а-яё]+ [А-ЯЁ][а-яё]+")


class Invariants(NamedTuple):
    """Outcome: which invariants hold, each row that is off, and the assets that are on hold for it."""

    ledger: CheckReport
    findings: list[tuple[str, Finding]]
    on_hold: list[Hold]

    def holds(self) -> dict[str, bool]:
        """Return `I1` … `I7` and whether each holds."""
        broken = {name for name, _ in self.findings}
        return {name: name not in broken for name in ("I1", "I2", "I3", "I4", "I5", "I6", "I7")}


async def check_invariants(kapital: Kapital) -> Invariants:
    """Check all seven. Changes no record: it notes the reconciliation and holds what it finds damaged.

    A hold (the ledger answers `asset_held`) ends when two persons lift it upon a clean check.
    """
    report = await kapital.ledger.check()
    copy = await _copy_tells_the_same(kapital)
    on_hold = await kapital.ledger.follow_check(_with(copy, report))
    findings = [(_invariant_of(finding), finding) for finding in report.findings]
    findings += [("I1", finding) for finding in _issued_is_held(report)]
    findings += [("I2", finding) for finding in await _money_is_at_the_bank(kapital, report)]
    findings += [("I3", finding) for finding in copy]
    findings += [("I7", finding) for finding in await _personal_data(kapital)]
    return Invariants(report, findings, on_hold)


async def check_ledger(kapital: Kapital) -> CheckReport:
    """Check the ledger with its audit copy: what the lifting of a hold rests on."""
    return _with(await _copy_tells_the_same(kapital), await kapital.ledger.check())


def _with(copy: list[Finding], report: CheckReport) -> CheckReport:
    return report._replace(findings=[*copy, *report.findings])


def _invariant_of(finding: Finding) -> str:
    if finding.code == _BASIS:
        if "balance_insufficient" in finding.detail or "issue_limit" in finding.detail:
            return "I6"
        return "I5" if "basis" in finding.detail else "I4"
    if finding.code in _CHAIN or finding.code.startswith(_CHAIN_TABLES):
        return "I3"
    return "I1" if finding.code == "asset_not_in_balance" else "I4"


def _issued_is_held(report: CheckReport) -> Iterable[Finding]:
    for total in report.totals:
        issued, limit = -total.issued, total.asset.issue_limit
        if total.asset.kind == "units" and total.held + total.extinguished != issued:
            yield Finding("issued_differs_from_held", f"asset {total.asset.code}", str(total))
        if limit is not None and issued > limit:
            yield Finding("issued_above_limit", f"asset {total.asset.code}", f"{issued} of {limit}")


async def _money_is_at_the_bank(kapital: Kapital, report: CheckReport) -> list[Finding]:
    found = [
        Finding("money_differs_from_bank_mirror", f"asset {total.asset.code}", str(total))
        for total in report.totals
        if total.asset.kind == "money" and total.held != -total.bank
    ]
    [withheld] = await kapital.ledger.balances([AccountKey(money_asset(), Position.AVAILABLE, TAX_WALLET)])
    least, most = await kapital.settlement.use_cases.tax_payable_bounds()
    if not least <= withheld <= most:
        found.append(Finding("tax_payable_differs", f"wallet {TAX_WALLET}", f"{withheld} kopecks, due {least}"))
    try:
        compared = await kapital.settlement.use_cases.reconcile(SCHEDULER)
    except InvariantBroken as broken:
        # Money in the register does not add up: there is nothing to compare the bank with.
        return [*found, Finding("bank_not_comparable", "nominal account", str(broken))]
    if compared.difference_kopecks:
        found.append(
            Finding("bank_balance_differs", "nominal account", f"difference {compared.difference_kopecks} kopecks")
        )
    return found


async def _copy_tells_the_same(kapital: Kapital) -> list[Finding]:
    try:
        await kapital.ledger.mirror()
    except (AuditDiverged, AuditDamaged) as problem:
        return [Finding(problem.code, "audit copy", str(problem.facts))]
    return []


async def _personal_data(kapital: Kapital) -> list[Finding]:
    """Look for every participant's name and taxpayer number where none may be."""
    names, numbers = await _known_people(kapital)
    found: list[Finding] = []
    for start in range(0, await kapital.ledger.size(), _CHUNK):
        for entry in await kapital.ledger.entries(start, start + _CHUNK):
            body = entry.body.decode()
            if not body.isascii() or not numbers.isdisjoint(_DIGITS.findall(body)):
                found.append(Finding("personal_data_in_ledger", f"entry seq={entry.seq}", "a name or number"))
    for service in _EVENT_PRODUCERS:
        async with kapital.databases.get(service).connect() as conn:
            rows = await conn.stream(text("SELECT id, aggregate_id || data::text FROM outbox"))
            async for number, content in rows:
                if not numbers.isdisjoint(_DIGITS.findall(content)) or not names.isdisjoint(
                    _NAME_WORDS.findall(content)
                ):
                    found.append(
                        Finding("personal_data_in_event", f"{service} outbox id={number}", "a name or number")
                    )
    return found


async def _known_people(kapital: Kapital) -> tuple[set[str], set[str]]:
    """Names and numbers of natural persons; what a legal entity is called is public (EGRUL)."""
    async with kapital.databases.get("registry").connect() as conn:
        rows = await conn.execute(text("SELECT name, inn FROM participant WHERE kind <> 'legal_entity'"))
        people = rows.all()
    names = {found for name, _ in people for found in _NAME_WORDS.findall(name)}
    return names, {inn for _, inn in people}
