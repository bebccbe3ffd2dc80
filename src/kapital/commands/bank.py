"""`kapital bank`: what comes from banks as files."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from kapital.commands.console import Force, Json, Out, end, in_house, silence_logs, tell
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.settlement.adapters.message_file import MessageFormat

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="bank", help="Directory and messages of banks.")
directory = App(name="directory", help="The directory of banks by BIC (ED807).")
app.command(directory)
_CLERK = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.SETTLEMENT}))


@app.command
def take_in(
    file: Path,
    *,
    message_format: Annotated[MessageFormat, Parameter(name="--format")],
    signature: Path | None = None,
    as_json: Json = False,
) -> None:
    """Take in a statement of the bank: keep it, check its signature and totals, match its lines, book what is new.

    The settings name our account (KAPITAL_BANK_ACCOUNT) and the bank's certificates (KAPITAL_BANK_CERTIFICATES).

    Parameters
    ----------
    file
        The message as the bank sent it.
    message_format
        camt for ISO 20022 (camt.052, 053, 054), 1c for 1CClientBankExchange.
    signature
        The bank's detached CAdES signature in DER. Without it the message is kept and refused.
    """
    from kapital.settlement.use_cases.message_admission import TakeInStatement

    silence_logs()

    async def work(kapital: "Kapital") -> dict[str, Any]:
        signed = await asyncio.to_thread(signature.read_bytes) if signature else None
        cmd = TakeInStatement(actor=_CLERK, file=file, format_name=message_format.value, signature=signed)
        taken = await kapital.settlement.use_cases.take_in_statement(cmd)
        message = taken.message
        return {
            "message_id": str(message.message_id),
            "raw_sha256": message.raw_sha256,
            "state": message.state.value,
            "reason": message.reason.value if message.reason else None,
            "again": taken.again,
            "statements": message.statement_count,
            "lines": message.line_count,
            "results": {result.value: count for result, count in sorted(taken.results.items())},
            "deviation_count": message.deviation_count,
            "deviations": [{"where": one.where, "code": one.code, "grave": one.grave} for one in message.deviations],
        }

    tell(in_house(work), as_json=as_json)


@app.command
def report(
    *,
    at: Annotated[
        datetime | None, Parameter(help="Instant of the report, with its zone or in UTC; without it now.")
    ] = None,
    form: Annotated[Literal["json", "csv", "html"], Parameter(help="Form of the report.")] = "json",
    lang: Annotated[Literal["ru", "en"], Parameter(help="Language of the page.")] = "ru",
    out: Out = None,
    force: Force = False,
) -> None:
    """Report of reconciliation: bank, register and our tables as of an instant, and the breaks with their ages."""
    silence_logs()

    async def work(kapital: "Kapital") -> str:
        import msgspec

        from kapital.settlement.adapters.report_forms import csv_of, html_of
        from kapital.settlement.queries.reconciliation_report import reconciliation_report

        moment = at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
        made = await reconciliation_report(kapital.settlement.use_cases.parts, _CLERK, at=moment)
        if form == "html":
            return html_of(made, lang)
        return csv_of(made) if form == "csv" else msgspec.json.format(msgspec.json.encode(made)).decode() + "\n"

    if out is not None and out.exists() and not force:
        end(f"{out} is there already; --force replaces it")
    told = in_house(work)
    if out is None:
        print(told, end="")
    else:
        out.write_text(told, encoding="utf-8")


@directory.command
def load(file: Path, *, as_json: Json = False) -> None:
    """Load a full ED807 as the directory in force; a partial, older or shrunken one changes nothing.

    Parameters
    ----------
    file
        The file as the Bank of Russia gives it, unpacked.
    """
    from kapital.settlement.adapters.directory_file import DirectoryFile
    from kapital.settlement.use_cases.load_bank_directory import LoadBankDirectory

    silence_logs()

    async def work(kapital: "Kapital") -> dict[str, Any]:
        cmd = LoadBankDirectory(actor=_CLERK, source=DirectoryFile(file))
        version = await kapital.settlement.use_cases.load_bank_directory(cmd)
        return {
            "version_id": str(version.version_id),
            "number": version.number,
            "state": version.state.value,
            "business_on": version.business_on.isoformat(),
            "file_sha256": version.file_sha256,
            "banks": version.bank_count,
            "accounts": version.account_count,
            "restricted": version.restricted_count,
            "deviation_count": version.deviation_count,
        }

    tell(in_house(work), as_json=as_json)


@directory.command
def show(
    bic: Annotated[str, Parameter(help="The BIC, nine digits.")],
    *,
    as_json: Json = False,
) -> None:
    """Show a bank of the directory in force, and why nothing may be paid there today, if so."""
    from kapital.kernel.calendar import moscow_day
    from kapital.settlement.domain.bank_directory import refusal_of_bank
    from kapital.settlement.queries.find_bank import get_bank

    silence_logs()

    async def work(kapital: "Kapital") -> dict[str, Any]:
        parts = kapital.settlement.use_cases.parts
        async with parts.uow.database.connect() as conn:
            bank = await get_bank(conn, parts.directory, bic)
        refusal = refusal_of_bank(bic, bank, moscow_day(kapital.clock.now()))
        return {
            "bic": bank.bic,
            "name": bank.name,
            "kind": bank.kind,
            "status": bank.status,
            "restrictions": list(bank.restrictions),
            "refused": None if refusal is None else refusal.code,
        }

    tell(in_house(work), as_json=as_json)
