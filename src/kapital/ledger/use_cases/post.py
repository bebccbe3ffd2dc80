"""Use case: enter transactions. Concurrent callers are gathered into one database transaction (group commit).

While one batch is being written, the next is planned on the assumption that the first will commit and that no id
is a repeat. The writer locks the head row before it writes anything. If the log is then not where the plan assumed
(another process appended, or the first batch failed), or an id turns out to stand in the log already (the unique
index says so, or a look-up of the refused), the plan and the book behind it are thrown away and made again here
under the lock, with every id looked up.
"""

import asyncio
from collections import deque
from collections.abc import Sequence, Sized
from itertools import chain, count
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Family, Problem, Retry, Unavailable
from kapital.ledger.adapters import store
from kapital.ledger.adapters.session import Session
from kapital.ledger.api import MAX_TRANSACTIONS_PER_CALL, Committed, Refused, StoredEntry, Transaction
from kapital.ledger.domain.book import Book, Head
from kapital.ledger.domain.plan import Plan, RuleBook, make_plan
from kapital.ledger.domain.tree import GrowingTree
from kapital.ledger.ports import BatchWriter, Outcome, PlannedBatch
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.problems import problem_of

# Callers wait in three groups: one being written, one planned, one gathering. Larger batches make the groups uneven.
MAX_BATCH: Final = 500
MAX_WAITING: Final = 100_000
MAX_CACHED_ACCOUNTS: Final = 1_000_000
# After a repeated id more are likely (a caller that retries what it sent): for so many batches look ids up first.
BATCHES_AFTER_REPEAT: Final = 8

# Where processes race for the log a plan ahead is nearly always thrown away: after each race in a row twice as many
# batches are planned under the lock alone, up to so many.
BATCHES_AFTER_RACES_MAX: Final = 32

# One being written, one planned behind it. More would only make callers wait longer.
BATCHES_UNDER_WAY: Final = 2

Answer = Committed | Refused

_log = get_logger("ledger")


class BatchTooLarge(Problem):
    """More transactions in one call than the ledger takes."""

    code = "batch_too_large"
    title = "Too many transactions in one call"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class LedgerBusy(Problem):
    """Too many transactions wait already; nothing of this call was entered."""

    code = "ledger_busy"
    title = "The ledger has more waiting than it will take"
    retry = Retry.SAME_REQUEST
    family = Family.UNAVAILABLE


class LedgerClosed(Problem):
    """The ledger of this process is stopping; nothing of this call was entered."""

    code = "ledger_closed"
    title = "The ledger is stopping"
    retry = Retry.SAME_REQUEST
    family = Family.UNAVAILABLE


class LedgerStopped(Unavailable):
    """The writer of this process ended by a fault of its own: this call may have been entered or not."""

    code = "ledger_stopped"
    title = "The ledger has stopped by a fault"


class _Call:
    """One caller's transactions and where to leave the answers."""

    __slots__ = ("answers", "transactions")

    def __init__(self, transactions: Sequence[Transaction], answers: asyncio.Future[list[Answer]]) -> None:
        self.transactions, self.answers = transactions, answers


class _Assumed:
    """Book, tree and head as they will stand if every batch under way commits."""

    _numbers = count(1)

    def __init__(self, head: Head, tree: GrowingTree, *, stands: bool) -> None:
        self.head, self.tree, self.book = head, tree, Book()
        # False until the batch that it begins with is committed. Before that nothing planned on it may reach the
        # writer: where a clock is behind the log, another process's batch may look the same to it.
        self.stands = stands
        self.number = next(self._numbers)

    @property
    def too_large(self) -> bool:
        """Whether the book remembers more than it should: what is there, and what is known not to be."""
        book = self.book
        remembered: tuple[Sized, ...] = (book.accounts, book.wallets, book.absent_wallets, book.absent_assets)
        return max(map(len, remembered)) > MAX_CACHED_ACCOUNTS


class _Ahead(NamedTuple):
    """A plan, what it assumed, and what becomes of its batch; None while its ground does not stand yet."""

    ground: _Assumed
    plan: Plan
    written: asyncio.Future[Outcome] | None


class _Job(NamedTuple):
    """Calls that were taken, and the plan that was handed to the writer, if there is one."""

    calls: list[_Call]
    ahead: _Ahead | None


# What a call is told: its answers, or why there are none.
_Told = tuple[_Call, list[Answer] | Exception]


class Poster:
    """The one writer of this process. Other processes may write to the same database at the same time."""

    def __init__(
        self, dsn: str, clock: Clock, rules: RuleBook, writer: BatchWriter, *, max_batch: int = MAX_BATCH
    ) -> None:
        self._clock, self.rules, self._writer, self._max_batch = clock, rules, writer, max_batch
        self._waiting: list[_Call] = []
        self._waiting_count = 0
        self._arrival = asyncio.Event()
        self._closing = False
        self._assumed: _Assumed | None = None
        self._races = self._under_lock = 0
        self._look_for_repeats = 0
        self._ahead_session, self._lock_session = Session(dsn), Session(dsn)
        self._untold: deque[list[_Call]] = deque()  # batches taken and not yet answered, in order
        self._slots = asyncio.Semaphore(BATCHES_UNDER_WAY)
        self._tasks: asyncio.Future[tuple[None, None]] | None = None
        self._end: asyncio.Future[None] | None = None
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()

    async def post(self, transactions: Sequence[Transaction]) -> list[Answer]:
        """Enter transactions in order and answer each in its place.

        Promise: an answer Committed survives any crash; a call that raises Unavailable may have been entered or
        not – ask again with the same ids and it is entered once.
        Raises: BatchTooLarge, LedgerClosed, LedgerBusy, LedgerStopped, DatabaseUnavailable, StorageFull.
        """
        if len(transactions) > MAX_TRANSACTIONS_PER_CALL:
            raise BatchTooLarge(facts={"most": MAX_TRANSACTIONS_PER_CALL, "got": len(transactions)})
        if self._closing:
            raise LedgerClosed
        if not transactions:
            return []
        if self._waiting_count + len(transactions) > MAX_WAITING:
            raise LedgerBusy(facts={"waiting": self._waiting_count})
        if self._tasks is None:
            self._tasks = asyncio.gather(self._plan_for_ever(), self._tell_for_ever())
            self._tasks.add_done_callback(self._give_up)
        # A copy: what the caller does to its list later is not what it asked for.
        call = _Call(tuple(transactions), asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._waiting_count += len(transactions)
        self._arrival.set()
        return await call.answers

    async def ready(self) -> None:
        """Have the writer started, so that no call waits for it; one that cannot live is met by the first call."""
        try:
            await self._writer.ready()
        except (OSError, Unavailable) as fault:
            _log.warning("ledger.writer_not_ready", error_type=type(fault).__name__)

    @property
    def stopped(self) -> bool:
        """Whether one of the two loops has ended by a fault that nobody foresaw."""
        tasks = self._tasks
        return tasks is not None and tasks.done() and not tasks.cancelled() and tasks.exception() is not None

    async def close(self) -> None:
        """Finish what waits, then stop."""
        self._closing = True
        self._arrival.set()
        if self._end is None:
            self._end = asyncio.ensure_future(self._finish())
        # Who loses patience with the end must not take the answers from those who still wait for theirs.
        await asyncio.shield(self._end)

    async def _finish(self) -> None:
        if self._tasks is not None:
            await asyncio.wait([self._tasks])  # a fault was told to those whose calls it met
        await self._ahead_session.close()
        await self._lock_session.close()
        await self._writer.close()

    # --- the two loops -------------------------------------------------------------------------------

    async def _plan_for_ever(self) -> None:
        """Plan batch after batch and hand each over, one ahead of the one being written."""
        while True:
            # First the slot, then the callers: what comes in the meantime joins the batch.
            await self._slots.acquire()
            while not self._waiting and not self._closing:
                self._arrival.clear()
                await self._arrival.wait()
            if not self._waiting:
                break
            calls = self._take()
            self._untold.append(calls)
            self._jobs.put_nowait(_Job(calls, await self._hand_over(calls)))
        self._jobs.put_nowait(None)

    async def _tell_for_ever(self) -> None:
        """Answer one batch after the other, when it is known what became of it."""
        while (job := await self._jobs.get()) is not None:
            self._tell(await self._outcomes(job.calls, job.ahead))
            if self._assumed is not None and self._assumed.too_large:
                self._assumed = None

    def _tell(self, outcomes: list[_Told]) -> None:
        """Answer the calls of a batch. The next plan comes before the callers wake up: the database must not wait."""
        self._untold.popleft()
        self._slots.release()
        for call, outcome in outcomes:
            if call.answers.done():
                continue  # the caller has gone
            if isinstance(outcome, Exception):
                call.answers.set_exception(outcome)
            else:
                call.answers.set_result(outcome)

    def _give_up(self, tasks: asyncio.Future[tuple[None, None]]) -> None:
        """Leave nobody waiting when one of the two loops has ended by a fault that nobody foresaw."""
        self._closing = True
        if tasks.cancelled() or tasks.exception() is None:
            return
        if not isinstance(tasks.exception(), asyncio.CancelledError):  # the end of the process is no fault
            _log.error("ledger.writer_stopped", exc_info=tasks.exception())
        for call in [*chain.from_iterable(self._untold), *self._waiting]:
            if not call.answers.done():
                call.answers.set_exception(LedgerStopped())
        # The other loop comes to its end.
        self._waiting.clear()
        self._arrival.set()
        self._slots.release()
        self._jobs.put_nowait(None)

    def _take(self) -> list[_Call]:
        """Take whole calls, in order, up to the size of a batch."""
        count = total = 0
        for call in self._waiting:
            if count and total + len(call.transactions) > self._max_batch:
                break
            total += len(call.transactions)
            count += 1
        calls, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_count -= total
        return calls

    # --- planned ahead -------------------------------------------------------------------------------

    async def _hand_over(self, calls: list[_Call]) -> _Ahead | None:
        """Plan while the batch before is being written; None if that must be waited for, or fails."""
        under_way = len(self._untold) > 1
        if self._under_lock or self._look_for_repeats or (self._assumed is None and under_way):
            return None
        try:
            await self._writer.ready()
            connection = await self._ahead_session.connection()
            ground = self._assumed
            if ground is None:
                head = await store.read_head(connection)
                self._assumed = ground = _Assumed(head, await store.read_tree(connection, head.size), stands=True)
            plan = await self._plan(connection, ground, calls, existing={})
        except Exception:  # noqa: BLE001 - a head start only: under the lock it meets the same fault and is told
            self._assumed = None
            self._ahead_session.drop()
            return None
        return _Ahead(ground, plan, self._submit(ground, plan) if ground.stands else None)

    def _submit(self, ground: _Assumed, plan: Plan) -> asyncio.Future[Outcome]:
        failpoint("ledger.batch.planned")
        return self._writer.submit(PlannedBatch(ground.number, plan.batch))

    async def _plan(
        self,
        connection: asyncpg.Connection,
        assumed: _Assumed,
        calls: list[_Call],
        *,
        existing: dict[UUID, StoredEntry],
    ) -> Plan:
        transactions = [tx for call in calls for tx in call.transactions]
        accounts = assumed.book.accounts_of(transactions)
        if not all(map(all, accounts)) or any(
            tx.opens or tx.flags or tx.freezes or tx.income_of for tx in transactions
        ):
            for missing_of in (assumed.book.missing, assumed.book.missing_twins):
                if any(missing := missing_of(transactions)):
                    assumed.book.learn(missing, *await store.read_missing(connection, missing))
            accounts = assumed.book.accounts_of(transactions)
        plan = make_plan(
            assumed.book,
            assumed.tree,
            assumed.head,
            [call.transactions for call in calls],
            accounts=accounts,
            existing=existing,
            now=self._clock.now(),
            rules=self.rules,
        )
        assumed.head = plan.batch.after
        return plan

    # --- what became of it ---------------------------------------------------------------------------

    async def _outcomes(self, calls: list[_Call], ahead: _Ahead | None) -> list[_Told]:
        try:
            plan = await self._entered(calls, ahead)
        except Exception as error:  # noqa: BLE001 - every caller is told, whatever it is
            self._assumed = None
            problem = problem_of(error)
            if problem is None and len(calls) > 1:
                # Not a failure of the world: somebody's transaction is at fault, and the others must not pay for it.
                return [outcome for call in calls for outcome in await self._outcomes([call], None)]
            return [(call, problem or error) for call in calls]
        failpoint("ledger.batch.entered")
        outcomes: list[_Told] = []
        start = 0
        for call in calls:
            stop = start + len(call.transactions)
            outcomes.append((call, plan.answers[start:stop]))
            start = stop
        return outcomes

    async def _entered(self, calls: list[_Call], ahead: _Ahead | None) -> Plan:
        self._look_for_repeats = max(0, self._look_for_repeats - 1)
        self._under_lock = max(0, self._under_lock - 1)
        if ahead is not None:
            outcome = await self._written(ahead)
            if outcome is Outcome.WRITTEN:
                self._races = 0
                return ahead.plan
            # The ground is gone, and with it what is planned there and not yet written.
            if self._assumed is ahead.ground:
                self._assumed = None
            if outcome is Outcome.RACED:
                self._races += 1
                self._under_lock = min(2 ** min(self._races, 16), BATCHES_AFTER_RACES_MAX)
            if outcome is Outcome.REPEATS:
                self._look_for_repeats = BATCHES_AFTER_REPEAT
        else:
            # This batch has no plan yet: one planned on what stands now could be written before it.
            self._assumed = None
        try:
            return await self._enter_under_lock(await self._lock_session.connection(), calls)
        except BaseException:
            # Whether a transaction is still open there is not known, and in it the next batch would be no batch.
            self._lock_session.drop()
            raise

    async def _written(self, ahead: _Ahead) -> Outcome:
        if ahead.written is not None:
            return await ahead.written
        # The batch it stands behind has been told: it is in the log by now, or never will be.
        return await self._submit(ahead.ground, ahead.plan) if ahead.ground.stands else Outcome.RACED

    async def _enter_under_lock(self, connection: asyncpg.Connection, calls: list[_Call]) -> Plan:
        """Plan and write with the log held still and every id looked up: slower, and certain."""
        async with connection.transaction():
            head = await store.read_head(connection, lock=True)
            ground = _Assumed(head, await store.read_tree(connection, head.size), stands=False)
            ids = [tx.id for call in calls for tx in call.transactions]
            plan = await self._plan(connection, ground, calls, existing=await store.read_existing(connection, ids))
            # Only now may the next batch be planned on it: two plans at once would both begin at the same entry.
            self._assumed = ground
            if plan.batch.entries:
                await store.write_batch(connection, plan.batch)
        ground.stands = True
        return plan
