"""Corporate actions, their lists and lines, outside values, and instructions of holders."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.calendar import BusinessCalendar
from kapital.tokenization.domain.corporate_action import CorporateAction, OpenPart
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.payoff import PayoutLine
from kapital.tokenization.domain.rates_answer import RatesAnswer
from kapital.tokenization.domain.record_list import RecordList
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.domain.states import ActionState


class Actions(Protocol):
    """Corporate actions and their payout lines."""

    async def add(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> set[UUID]:
        """Keep planned actions; those that are kept already stay as they are."""
        ...

    async def save(self, conn: AsyncConnection, actions: Sequence[CorporateAction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def due(
        self, conn: AsyncConnection, states: Sequence[ActionState], by: str, now: datetime, limit: int
    ) -> list[CorporateAction]:
        """Actions of live issues in one of the states whose instant `by` has come, in order of payment."""
        ...

    async def idle_reserves(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Actions that will not be paid any more and whose money is set aside, or may be; no part is under way."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions by id, locked. The issue's row is locked before."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, CorporateAction]:
        """Those actions that exist, by id."""
        ...

    async def of_issue(self, conn: AsyncConnection, issue_id: UUID) -> list[CorporateAction]:
        """Every action of an issue in order of payment."""
        ...

    async def planned_otherwise(
        self, conn: AsyncConnection, calendar_sha256: str, *, after: UUID, limit: int
    ) -> list[UUID]:
        """Live issues above `after` with actions not calculated yet that another calendar planned."""
        ...

    async def add_lines(
        self, conn: AsyncConnection, action_id: UUID, parts: Sequence[Sequence[PayoutLine]], *, first: int = 1
    ) -> None:
        """Keep lines of an action, cut into parts with numbers from `first` on."""
        ...

    async def open_parts(
        self, conn: AsyncConnection, ids: Iterable[UUID], *, limit: int | None = None
    ) -> list[OpenPart]:
        """The parts not yet instructed or refused, in order; the first `limit` of them."""
        ...

    async def lines(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]]
    ) -> dict[tuple[UUID, int], list[PayoutLine]]:
        """The lines of parts, in order."""
        ...

    async def set_parts(
        self, conn: AsyncConnection, parts: Sequence[tuple[UUID, int]], state: str
    ) -> dict[tuple[UUID, int], int]:
        """Note how parts stand; a settled part stays settled. Returns the amounts of those that changed."""
        ...

    async def count_parts(self, conn: AsyncConnection, action_id: UUID, state: str) -> int:
        """How many parts of the action stand so."""
        ...

    async def any_part_unsettled(self, conn: AsyncConnection, action_id: UUID) -> bool:
        """Whether a part of the action is not paid yet."""
        ...


class RecordLists(Protocol):
    """How far the list of holders of each action is taken."""

    async def lock_or_begin(self, conn: AsyncConnection, action_id: UUID, record_size: int) -> RecordList:
        """The list of an action as far as it is taken, begun if it is not, locked."""
        ...

    async def save(self, conn: AsyncConnection, taken: RecordList) -> None:
        """Write how far the list is taken now."""
        ...


class Fixings(Protocol):
    """Recorded outside values."""

    async def add(self, conn: AsyncConnection, fixing: Fixing) -> bool:
        """Keep a recorded value; False if one waits or counts already."""
        ...

    async def add_all(self, conn: AsyncConnection, fixings: Sequence[Fixing]) -> bool:
        """Keep recorded values; False, and then the caller undoes it, if one waits or counts already."""
        ...

    async def find_same(self, conn: AsyncConnection, fixing: Fixing) -> Fixing | None:
        """What waits or counts for the same series and day (of the same issue), or the same issue's event."""
        ...

    async def lock(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value, locked."""
        ...

    async def save(self, conn: AsyncConnection, fixing: Fixing) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def read(self, conn: AsyncConnection, fixing_id: UUID) -> Fixing | None:
        """The value as it stands."""
        ...

    async def undisputed(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Fixing]:
        """Outcomes whose term to contest is over, locked."""
        ...

    async def page(self, conn: AsyncConnection, *, state: str | None, after: UUID | None, limit: int) -> list[Fixing]:
        """Values by id above `after`, in one state if it is given."""
        ...

    async def confirmed(
        self, conn: AsyncConnection, needed: Iterable[tuple[str, date]]
    ) -> dict[tuple[str, date], Decimal]:
        """The confirmed values among those needed."""
        ...

    async def published(self, conn: AsyncConnection, series: str, observed_on: date) -> Fixing | None:
        """The source's value of the day for all issues that waits or counts."""
        ...

    async def published_of(self, conn: AsyncConnection, keys: Iterable[tuple[str, date]]) -> list[Fixing]:
        """The sources' values of these days that wait or count."""
        ...

    async def substitutes(
        self, conn: AsyncConnection, issue_ids: Iterable[UUID]
    ) -> dict[UUID, dict[tuple[str, date], Decimal]]:
        """What stands in for missing values of these issues, confirmed, by issue."""
        ...

    async def outcomes(self, conn: AsyncConnection, issue_ids: Iterable[UUID]) -> dict[UUID, str]:
        """The confirmed outcomes of issues that depend on an event."""
        ...


class RatesReader(Protocol):
    """Reads a source's answer about rates."""

    def __call__(self, content: bytes, *, calendar: BusinessCalendar) -> RatesAnswer:
        """Every value of the answer. Raises: RatesAnswerTooLarge, RatesAnswerUnreadable, FixingValuesDiffer."""
        ...


class Instructions(Protocol):
    """Holders' instructions to end units early, and the early actions of the schedule."""

    async def add(self, conn: AsyncConnection, instruction: Instruction) -> bool:
        """Keep a new instruction; False if the command has one."""
        ...

    async def save(self, conn: AsyncConnection, instructions: Sequence[Instruction]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def of_command(self, conn: AsyncConnection, actor_id: str, command_id: str) -> Instruction | None:
        """The instruction that a command made."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """Those instructions that exist, by id."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Instruction]:
        """As `read`, rows locked. Issue and action are locked before."""
        ...

    async def lock_of_actions(
        self, conn: AsyncConnection, action_ids: Iterable[UUID], states: Sequence[str]
    ) -> list[Instruction]:
        """The instructions of actions in some states, locked."""
        ...

    async def asked(
        self, conn: AsyncConnection, *, before: datetime, actions: Iterable[UUID], limit: int
    ) -> list[Instruction]:
        """Instructions not decided: older than `before`, or of these actions whatever their age."""
        ...

    async def release_due(self, conn: AsyncConnection, after: UUID, limit: int) -> list[Instruction]:
        """Instructions with units that have to go back, with ids above `after`."""
        ...

    async def note_released(self, conn: AsyncConnection, entries: Mapping[UUID, int]) -> None:
        """Note the ledger entries with which units went back."""
        ...

    async def page(
        self,
        conn: AsyncConnection,
        *,
        participant_id: UUID | None,
        action_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[Instruction]:
        """Instructions by id above `after`, of one participant and one action where given."""
        ...

    async def early_actions(
        self, conn: AsyncConnection, *, states: Sequence[str], limit: int
    ) -> list[CorporateAction]:
        """Early actions in some states, whatever became of their issue."""
        ...

    async def to_free(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Calls whose lock stands on accounts that they no longer need: a part was listed, or all is cancelled."""
        ...

    async def paid_with_taken(self, conn: AsyncConnection, limit: int) -> list[CorporateAction]:
        """Paid actions whose instructions are not told so yet."""
        ...

    async def ended(self, conn: AsyncConnection, limit: int) -> list[UUID]:
        """Issues in circulation whose every unit ended early."""
        ...
