"""What is told of DvP instructions: parts that were entered, and ends without being settled whole."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from kapital.platform.events import Event
from kapital.settlement.domain.dvp import DvpInstruction
from kapital.settlement.ports.dvp_queue import Entered, Kept

LINES_MAX: Final = 500
"""An event has a bound of bytes, and a line of an instruction many names."""


def settled(kept: Iterable[Kept], entered: Mapping[UUID, Entered]) -> list[Event]:
    """`dvp_settled` of these instructions, gross, by issue and in parts of at most 500 lines."""
    together = Counter(part.settling_id for part in entered.values())
    lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for one in kept:
        part = entered[one.instruction_id]
        lines[one.issue_id].append(
            {
                "instruction_id": str(one.instruction_id),
                "reference": one.reference,
                "state": one.state,
                "units": part.units,
                "amount_kopecks": part.kopecks,
                "settled_units": one.settled_units,
                "settled_kopecks": one.settled_kopecks,
                "settled_together": together[part.settling_id],
                "entry_seq": part.entry_seq,
            }
        )
    return _events("dvp_settled", lines)


def ended(ends: Iterable[tuple[DvpInstruction, str]]) -> list[Event]:
    """`dvp_ended`: each with the code of why it ended, and what of it stays entered."""
    lines: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for one, end_code in ends:
        lines[one.issue_id].append(
            {
                "instruction_id": str(one.instruction_id),
                "reference": one.reference,
                "end_code": end_code,
                "settled_units": one.settled_units,
                "settled_kopecks": one.settled_kopecks,
            }
            | ({"reason": one.reason} if one.reason else {})
        )
    return _events("dvp_ended", lines)


def _events(fact: str, lines: Mapping[UUID, Sequence[dict[str, Any]]]) -> list[Event]:
    return [
        Event(
            type=f"kapital.settlement.{fact}.v1",
            aggregate_id=str(issue_id),
            data={"issue_id": str(issue_id), "lines": list(told[start : start + LINES_MAX])},
        )
        for issue_id, told in lines.items()
        for start in range(0, len(told), LINES_MAX)
    ]
