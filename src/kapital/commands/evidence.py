"""`kapital evidence`: packages that `kapital verify` accepts offline."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import App, Parameter

from kapital.commands.console import Force, Out, end, in_house, silence_logs

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="evidence", help="Make evidence packages that `kapital verify` accepts offline.")


@app.command
def entry(
    seq: Annotated[int, Parameter(help="Number of the entry in the log.")], *, out: Out = None, force: Force = False
) -> None:
    """Make the evidence package of one ledger entry."""
    silence_logs()
    _write_evidence(out or Path(f"entry-{seq}.kapital.json"), force, lambda k: k.ledger.entry_evidence(seq))


@app.command
def statement(
    wallet: Annotated[UUID, Parameter(help="Id of the wallet.")], *, out: Out = None, force: Force = False
) -> None:
    """Make a holder's statement: every entry of a wallet with proofs, and the proof that none is missing."""
    silence_logs()
    path = out or Path(f"statement-{wallet}.kapital.json")
    _write_evidence(path, force, lambda k: k.ledger.statement_evidence(wallet))


def _write_evidence(path: Path, force: bool, make: Callable[["Kapital"], Awaitable[bytes]]) -> None:
    """Write what was made. Without `force` a file that is there is looked for first: the making may take long."""
    if path.exists() and not force:
        end(f"{path}: there is such a file (--force replaces it)")
    package = in_house(make)
    with path.open("wb" if force else "xb") as file:
        file.write(package)
    print(path)
