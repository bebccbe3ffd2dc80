"""Fault scripts: what is to go wrong at the bank, step by step, and what has gone wrong so far.

A script is YAML of the schema FaultScript of contracts/outside/bank_nominal_account.yaml. Its steps and how often
they were met stand in the database, so a restart in the middle goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import bank_nominal_account as contract
from kapital.contracts.bank_nominal_account import FaultKind, FaultPoint
from kapital.sandbox.bank.problems import FaultScriptInvalid

SCRIPTS: Final = Path(__file__).parent / "scripts"
"""Scripts that come with the program."""
BYTES_MAX: Final = 65_536

_OF_PAYMENT: Final = frozenset({FaultKind.reject, FaultKind.pending})
_OF_CREDIT: Final = frozenset(
    {FaultKind.duplicate, FaultKind.duplicate_other_id, FaultKind.wrong_sum, FaultKind.lost, FaultKind.reorder}
)
_OF_ENQUIRY: Final = frozenset({FaultKind.unclear})
_OF_HOLD_NOTICE: Final = frozenset({FaultKind.duplicate, FaultKind.lost, FaultKind.reorder})
_OF_CALL: Final = frozenset(FaultKind) - _OF_PAYMENT - _OF_CREDIT - _OF_ENQUIRY
_NO_CALLS: Final = frozenset(
    {FaultPoint.credit, FaultPoint.escrow_notice, FaultPoint.webhook, FaultPoint.file_message}
)
_OF_FILE: Final = frozenset(
    {
        FaultKind.lost,
        FaultKind.duplicate,
        FaultKind.delay,
        FaultKind.reorder,
        FaultKind.bad_signature,
        FaultKind.altered_sum,
    }
)
_OF_WEBHOOK: Final = frozenset(
    {FaultKind.lost, FaultKind.duplicate, FaultKind.bad_signature, FaultKind.altered_sum, FaultKind.clock_skew}
)
"""Points that are no question to the bank: `any` does not mean them."""

_CLEAR: Final = text("DELETE FROM fault")
_ADD: Final = text(
    """
    INSERT INTO fault (number, script, point, kind, step, skip_left, times_left)
    VALUES (:number, :script, :point, :kind, CAST(:step AS jsonb), :skip, :times)
    """
)
_WAITING: Final = text(
    """
    SELECT number, kind, step, skip_left, times_left, until FROM fault
    WHERE point = ANY(:points) AND (times_left > 0 OR until > :now)
    ORDER BY number LIMIT 1 FOR UPDATE
    """
)
_SKIP: Final = text("UPDATE fault SET skip_left = skip_left - 1 WHERE number = :number")
_MET: Final = text(
    """
    UPDATE fault SET met = met + 1, times_left = greatest(times_left - 1, 0), until = coalesce(until, :until)
    WHERE number = :number
    """
)
_ALL: Final = text("SELECT script, step, met FROM fault ORDER BY number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that happens now. `seconds`, `kopecks`, `enquiries`, `reason`: as the step says, or the default."""

    kind: FaultKind
    seconds: float
    kopecks: int
    enquiries: int
    reason: str | None


def read_script(data: bytes) -> contract.FaultScript:
    """Read a script. Raises: FaultScriptInvalid."""
    if len(data) > BYTES_MAX:
        raise FaultScriptInvalid(f"a script has at most {BYTES_MAX} bytes")
    try:
        value = YAML(typ="safe", pure=True).load(data.decode("utf-8"))
        script = msgspec.convert(value, contract.FaultScript)
    except (YAMLError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise FaultScriptInvalid(str(error)[:500]) from error
    require_consistent(script)
    return script


def require_consistent(script: contract.FaultScript) -> None:
    """Return if each fault stands where it can happen. Raises: FaultScriptInvalid."""
    for number, step in enumerate(script.steps, 1):
        fits = {
            FaultPoint.credit: _OF_CREDIT,
            FaultPoint.webhook: _OF_WEBHOOK,
            FaultPoint.file_message: _OF_FILE,
            FaultPoint.create_payment: _OF_CALL | _OF_PAYMENT,
            FaultPoint.place_escrow_hold: _OF_CALL | _OF_PAYMENT,
            FaultPoint.release_escrow_hold: _OF_CALL | _OF_PAYMENT,
            FaultPoint.get_escrow_hold: _OF_CALL | _OF_ENQUIRY,
            FaultPoint.escrow_notice: _OF_HOLD_NOTICE,
            FaultPoint.create_sbp_payout: _OF_CALL | _OF_PAYMENT,
            FaultPoint.return_incoming: _OF_CALL | _OF_PAYMENT,
        }.get(step.at, _OF_CALL)
        if step.do not in fits:
            raise FaultScriptInvalid(f"step {number}: {step.do} cannot happen at {step.at}")
        if step.do is not FaultKind.clock_skew and isinstance(step.seconds, int | float) and step.seconds < 0:
            raise FaultScriptInvalid(f"step {number}: {step.do} takes no negative time")


def find_script(name: str) -> Path:
    """A script that came with the program by its name, else the file of this path."""
    shipped = SCRIPTS / f"{name}.yaml"
    return shipped if Path(name).name == name and shipped.is_file() else Path(name)


async def load(conn: AsyncConnection, script: contract.FaultScript) -> None:
    """Replace the script in force."""
    await conn.execute(_CLEAR)
    for number, step in enumerate(script.steps, 1):
        values = {
            "number": number,
            "script": script.name,
            "point": step.at.value,
            "kind": step.do.value,
            "step": msgspec.json.encode(step).decode(),
            "skip": step.skip,
            "times": step.times,
        }
        await conn.execute(_ADD, values)


async def waits(conn: AsyncConnection, point: FaultPoint, now: datetime) -> bool:
    """Whether a step waits for this point."""
    return (await conn.execute(_WAITING, {"points": [point.value], "now": now})).one_or_none() is not None


async def take(conn: AsyncConnection, point: FaultPoint, now: datetime) -> Fault | None:
    """The fault that this call or credit meets, used up; the first step that waits decides alone."""
    points = [point.value] if point in _NO_CALLS else [point.value, FaultPoint.any.value]
    row = (await conn.execute(_WAITING, {"points": points, "now": now})).one_or_none()
    if row is None:
        return None
    if row.skip_left > 0:
        await conn.execute(_SKIP, {"number": row.number})
        return None
    fault = _fault_of(row.step)
    lasting = fault.kind is FaultKind.unavailable
    until = now + timedelta(seconds=fault.seconds) if lasting else None
    await conn.execute(_MET, {"number": row.number, "until": until})
    return fault


async def progress(conn: AsyncConnection) -> contract.FaultsLeft:
    """The script in force and what it did so far."""
    rows: Sequence[Any] = (await conn.execute(_ALL)).all()
    return contract.FaultsLeft(
        name=rows[0].script if rows else None,
        steps=[
            contract.FaultProgress(step=msgspec.convert(row.step, contract.FaultStep), met=row.met) for row in rows
        ],
    )


def _fault_of(kept: dict[str, Any]) -> Fault:
    # Written whole by `load`, with what a script leaves out.
    return Fault(
        kind=FaultKind(kept["do"]),
        seconds=float(kept["seconds"]),
        kopecks=int(kept["kopecks"]),
        enquiries=int(kept["enquiries"]),
        reason=kept.get("reason"),
    )
