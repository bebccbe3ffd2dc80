"""`kapital ledger`: work on the register of record."""

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import App, Parameter

from kapital.commands.console import Json, Reason, end, in_house, person, print_json, silence_logs

if TYPE_CHECKING:
    from kapital.app import Kapital
    from kapital.ledger.use_cases.hold import Lifting

app = App(name="ledger", help="Work on the register of record.")
hold = App(name="hold", help="Assets that a check found damaged: they do not move until two persons say so.")
app.command(hold)


@app.command
def rebuild() -> None:
    """Make every derived row again from the entries."""
    silence_logs()

    print(f"{in_house(lambda kapital: kapital.ledger.rebuild())} entries replayed")


@app.command
def checkpoint() -> None:
    """Print a signed note over the present log."""
    silence_logs()

    print(in_house(lambda kapital: kapital.ledger.checkpoint()), end="")


@app.command
def keys() -> None:
    """Print the verifier keys of the log, for `kapital verify --key-file`."""
    silence_logs()

    async def work(kapital: "Kapital") -> list[str]:
        return kapital.ledger.verifier_keys

    print("\n".join(in_house(work)))


@hold.command(name="list")
def list_holds(*, as_json: Json = False) -> None:
    """Show the assets on hold, why, and who proposed to lift the hold."""
    silence_logs()
    held = [
        {"asset": str(h.asset), "code": h.code, "reason": h.reason, "lift_proposed_by": h.lift_proposed_by}
        for h in in_house(lambda kapital: kapital.ledger.holds())
    ]
    if as_json:
        print_json({"on_hold": held})
        return
    for one in held:
        print("  ".join(told for told in one.values() if told))
    print(f"{len(held)} on hold", file=sys.stderr)


@hold.command(name="lift")
def lift_holds(
    *assets: Annotated[UUID, Parameter(help="Ids of the assets.")],
    reason: Reason,
    every: Annotated[bool, Parameter(help="All assets on hold.", negative=())] = False,
) -> None:
    """Let these assets (--every: all) move again: one person proposes, the same command of another decides.

    Each runs a check of the whole register first; it must be clean. KAPITAL_ACCESS_TOKEN says who acts.
    """
    from kapital.invariants import check_ledger

    silence_logs()
    if bool(assets) == every:
        end("name the assets, or --every")

    async def work(kapital: "Kapital") -> "Lifting":
        actor = await person(kapital)
        report = await check_ledger(kapital)
        return await kapital.ledger.lift_holds(actor, report, assets=assets or None, reason=reason)

    done = in_house(work)
    for asset in done.proposed:
        print(f"{asset}: proposed, another person must do the same")
    for asset in done.lifted:
        print(f"{asset}: lifted")
