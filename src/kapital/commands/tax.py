"""`kapital tax`: data for the reports of a tax agent."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.commands.console import Force, Json, Out, end, in_house, print_json, silence_logs

if TYPE_CHECKING:
    from kapital.app import Kapital
    from kapital.settlement.queries.tax_export import TaxExport

app = App(name="tax", help="Tax withheld at payout: data for the reports of a tax agent.")

Year = Annotated[int, Parameter(help="Calendar year.", validator=Number(gte=2023, lte=2100))]
Quarter = Annotated[
    int, Parameter(help="The year up to the end of this quarter, 1 to 4.", validator=Number(gte=1, lte=4))
]
Agent = Annotated[Literal["operator", "issuer"], Parameter(help="Payments of which this one is the agent.")]


@app.command
def export(
    *,
    year: Year,
    quarter: Quarter = 4,
    agent: Agent = "operator",
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Sums for 6-НДФЛ: income, base and tax by rate, and what was withheld by period; CSV, or JSON with --json."""
    silence_logs()
    path = out or Path(f"ndfl-{year}-q{quarter}.csv")
    if not as_json:
        _require_free(path, force)

    async def work(kapital: "Kapital") -> "TaxExport":
        from kapital.settlement.queries.tax_export import tax_export

        async with kapital.databases.get("settlement").connect() as conn:
            return await tax_export(conn, year=year, quarter=quarter, agent=agent)

    told = in_house(work)
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(told))
        return
    _write(path, force, ["section", "key", "value_1", "value_2", "value_3"], _rows(told))


@app.command
def persons(
    *, year: Year, quarter: Quarter = 4, agent: Agent = "operator", out: Out = None, force: Force = False
) -> None:
    """Base and tax of each person by month and rate, under pseudonyms, as CSV: for certificates of income."""
    silence_logs()
    path = out or Path(f"ndfl-persons-{year}-q{quarter}.csv")
    _require_free(path, force)

    async def work(kapital: "Kapital") -> list[list[Any]]:
        from kapital.settlement.queries.tax_export import tax_persons

        async with kapital.databases.get("settlement").connect() as conn:
            found = tax_persons(conn, year=year, quarter=quarter, agent=agent)
            return [[o.taxpayer_id, o.month, o.percent, o.base_kopecks, o.tax_kopecks] async for o in found]

    columns = ["taxpayer_id", "month", "percent", "base_kopecks", "tax_kopecks"]
    _write(path, force, columns, iter(in_house(work)))


def _rows(told: "TaxExport") -> Iterator[list[Any]]:
    for name in told.__struct_fields__:
        if name not in ("rates", "periods"):
            yield ["total", name, getattr(told, name), "", ""]
    for rate in told.rates:
        yield ["rate", rate.percent, rate.persons, rate.base_kopecks, rate.tax_kopecks]
    for period in told.periods:
        yield ["period", period.from_on, period.to_on, period.withheld_kopecks, ""]


def _require_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        end(f"{path}: there is such a file (--force replaces it)")


def _write(path: Path, force: bool, columns: list[str], rows: Iterator[list[Any]]) -> None:
    with path.open("w" if force else "x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    print(path)
