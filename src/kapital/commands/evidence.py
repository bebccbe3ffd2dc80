"""`kapital evidence`: packages that `kapital verify` accepts offline."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from cyclopts import App, Parameter

from kapital.commands.console import Force, Out, end, in_house, silence_logs

if TYPE_CHECKING:
    from kapital.app import Kapital

CONSOLE: Final = "machine:console"

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


@app.command
def holders(
    action: Annotated[UUID, Parameter(help="Id of the corporate action.")], *, out: Out = None, force: Force = False
) -> None:
    """Make the signed list of who held the units at the record moment of an action."""
    silence_logs()
    path = out or Path(f"holders-{action}.kapital.jsonl")
    _require_free(path, force)

    async def work(kapital: "Kapital") -> None:
        from kapital.tokenization.queries.record_proofs import list_signer, record_moment

        parts = kapital.tokenization.use_cases.parts
        moment = await record_moment(parts, action)
        signer = await list_signer(parts, CONSOLE)
        with path.open("wb" if force else "xb") as file:
            async for line in kapital.ledger.holder_list(moment.asset, size=moment.size, at=moment.at, signer=signer):
                file.write(line)

    in_house(work)
    print(path)


@app.command
def holding(
    action: Annotated[UUID, Parameter(help="Id of the corporate action.")],
    wallet: Annotated[UUID, Parameter(help="Id of the wallet.")],
    *,
    out: Out = None,
    force: Force = False,
) -> None:
    """Make the proof of what one wallet held at the record moment of an action; nothing of the others is in it."""
    silence_logs()

    async def work(kapital: "Kapital") -> bytes:
        from kapital.tokenization.queries.record_proofs import list_signer, record_moment

        parts = kapital.tokenization.use_cases.parts
        moment = await record_moment(parts, action)
        return await kapital.ledger.holding_evidence(
            moment.asset, wallet, size=moment.size, at=moment.at, signer=await list_signer(parts, CONSOLE)
        )

    _write_evidence(out or Path(f"holding-{wallet}.kapital.jsonl"), force, work)


def _require_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        end(f"{path}: there is such a file (--force replaces it)")


def _write_evidence(path: Path, force: bool, make: Callable[["Kapital"], Awaitable[bytes]]) -> None:
    """Write what was made. Without `force` a file that is there is looked for first: the making may take long."""
    _require_free(path, force)
    package = in_house(make)
    with path.open("wb" if force else "xb") as file:
        file.write(package)
    print(path)
