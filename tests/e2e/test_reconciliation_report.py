"""The report of reconciliation as a page: complete in itself, wide and as narrow as a phone, in both languages."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from kapital.contracts import settlement as contract
from kapital.settlement.adapters.report_forms import csv_of, html_of
from tests.e2e.conftest import OpenPage

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
MESSAGE = UUID("01a1f4cf-9a10-7c11-8a55-3a1f0c2b7e11")
HOSTILE = "<img src=x onerror=alert(1)> =1+1 " + "длинное" * 40


def broken(number: int, kind: contract.BreakKind, **more: object) -> contract.Break:
    return contract.Break(
        break_id=UUID(int=number),
        kind=kind,
        subject=f"line/{MESSAGE}/1/{number}",
        difference_kopecks=-123_456_789_01 * number,
        state=contract.BreakState.open,
        stands=True,
        opened_at=AT,
        age_business_days=number,
        ageing=contract.BreakAgeing("1_2"),
        **more,  # type: ignore[arg-type]
    )


def report() -> contract.ReconciliationReport:
    breaks = [
        broken(number, kind, message_id=MESSAGE, statement=1, line=number, bank_id="B" * 64, entry_seq=10**9)
        for number, kind in enumerate(contract.BreakKind, start=1)
    ]
    proposed = contract.BreakState.resolution_proposed
    breaks.append(msgspec.structs.replace(broken(9, contract.BreakKind.doubled), state=proposed, reason=HOSTILE))
    return contract.ReconciliationReport(
        at=AT,
        made_at=AT,
        comparison=contract.Reconciliation(
            reconciliation_id=UUID(int=1),
            at=AT,
            bank_kopecks=9_007_199_254_740_99,
            beneficiaries_kopecks=9_007_199_254_740_00,
            unidentified_kopecks=50,
            in_transit_kopecks=0,
            tax_payable_kopecks=13_00,
            difference_kopecks=-12_51,
            books_kopecks=9_007_199_254_753_50,
        ),
        statement=contract.StatementSums(
            message_id=MESSAGE, sequence_number=7, to_on=date(2026, 11, 26), opening_kopecks=0, closing_kopecks=10**14
        ),
        books=contract.BooksSums(
            booked_kopecks=10**15,
            kept_kopecks=0,
            paid_kopecks=10**14,
            in_transit_kopecks=0,
            delivered_units=1_000_000,
            delivered_kopecks=10**14,
            payouts_kopecks=0,
        ),
        ageing=[contract.AgeingSum(ageing=one, breaks=1, difference_kopecks=-7) for one in contract.BreakAgeing],
        open_breaks=5000,
        breaks=breaks,
    )


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_its_window_and_shows_what_was_said_as_text(
    open_page: OpenPage, tmp_path: Path, lang: str, width: int
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html_of(report(), lang), encoding="utf-8")  # type: ignore[arg-type]
    page = open_page(width)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith("file:") else None)

    page.goto(file.as_uri())

    assert page.locator("html").get_attribute("lang") == lang
    assert page.locator("h1").count() == 1
    assert page.locator("img").count() == 0
    assert HOSTILE in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert complaints == []
    page.screenshot(path=str(tmp_path / "page.png"), full_page=True)


def test_as_a_table_no_text_is_reckoned_by_a_spreadsheet() -> None:
    told = msgspec.structs.replace(
        report(), breaks=[broken(1, contract.BreakKind.doubled, reason="=cmd|' /C calc'!A0")]
    )

    cells = csv_of(told)

    assert "reason,'=cmd|' /C calc'!A0" in cells
    assert "comparison,difference_kopecks,-1251" in cells
