"""A holder's instruction (поручение) to put units or to accept an offer: the units are locked at once.

Law: 259-FZ art. 4 (records on the holder's instruction); domain.md 3.6 (put), scenario 38.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import ensure
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step


class InstructionState(StrEnum):
    """Where an instruction stands."""

    ASKED = "asked"
    LOCKED = "locked"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    TAKEN = "taken"
    LAPSED = "lapsed"
    PERFORMED = "performed"


_S = InstructionState
INSTRUCTION: Final = StateMachine(
    "redemption_instruction",
    (
        Step(_S.ASKED, "locked", _S.LOCKED, Role.SMART_CONTRACT, guard="the lock's entry came before the close"),
        Step(_S.ASKED, "refused", _S.REFUSED, Role.SMART_CONTRACT, guard="the register's refusal, or late"),
        Step(
            _S.LOCKED,
            "withdrawn",
            _S.WITHDRAWN,
            Role.INVESTOR,
            guard="before the close, if the decision allows; the units go back",
        ),
        Step(_S.LOCKED, "taken", _S.TAKEN, Role.SMART_CONTRACT, guard="the list; what an offer leaves goes back"),
        Step(
            _S.LOCKED,
            "lapsed",
            _S.LAPSED,
            Role.SMART_CONTRACT,
            guard="nothing is taken, a call ends all units before, or the action is cancelled; the units go back",
        ),
        Step(_S.TAKEN, "performed", _S.PERFORMED, Role.SMART_CONTRACT, guard="paid and extinguished in one entry"),
    ),
    terminal=(_S.REFUSED, _S.WITHDRAWN, _S.LAPSED, _S.PERFORMED),
    initial=_S.ASKED,
)
ensure(
    INSTRUCTION.reachable(_S.WITHDRAWN) == {_S.WITHDRAWN} and _S.WITHDRAWN not in INSTRUCTION.reachable(_S.TAKEN),
    "what is on the list is not withdrawn",
)


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """One instruction. `lock_seq` numbers the entry that locked its units.

    `release_units` go back from locked to available, and have gone when `release_seq` is known.
    """

    instruction_id: UUID
    action_id: UUID
    issue_id: UUID
    participant_id: UUID
    wallet_id: UUID
    units: int
    state: InstructionState
    version: int
    actor_id: str
    command_id: str
    fingerprint: str
    created_at: datetime
    act_file_sha256: str | None = None
    lock_seq: int | None = None
    locked_at: datetime | None = None
    refusal_code: str | None = None
    refusal_facts: dict[str, str | int] | None = None
    taken_units: int = 0
    release_units: int = 0
    release_seq: int | None = None

    def moved(self, on: str, **changes: Any) -> tuple["Instruction", Step[InstructionState]]:
        """The instruction after the step that `on` makes, and the step. Raises: WrongState."""
        step = INSTRUCTION.step(self.state, on)
        return msgspec.structs.replace(self, state=step.target, version=self.version + 1, **changes), step
