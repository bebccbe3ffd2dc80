"""Tick: take in what a bank by files has laid down in the exchange folder."""

from datetime import datetime
from typing import Final

from kapital.kernel.actor import machine_actor
from kapital.kernel.problems import Problem, Unavailable, ensure
from kapital.kernel.roles import Role
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.problems import StorageFull, problem_of
from kapital.settlement.domain.bank_files import REPORT_FORMATS
from kapital.settlement.domain.file_problems import BankFolderUnavailable
from kapital.settlement.domain.incoming_message import MessageState, PreviousStatement
from kapital.settlement.ports import ArrivedFile, FilesParts, MessageParts, Parts, Place
from kapital.settlement.use_cases.message_admission import TakeInStatement
from kapital.settlement.use_cases.take_in_statement import take_in_statement
from kapital.settlement.use_cases.take_in_status_report import take_in_status_report
from kapital.settlement.use_cases.take_in_waiting import take_in_waiting

_log = get_logger(__name__)


class FolderSchedule:
    """A tick. `_judged_after`: the newest statement when what waits was judged last.

    Another one, whoever took it in or had it booked, may be what they waited for. The first look of a process judges
    them anyhow: what a process before this one left is ended by this one.
    """

    def __init__(self, parts: Parts, more: MessageParts, files: FilesParts) -> None:
        self._parts, self._more, self._files = parts, more, files
        self._has_judged = False
        self._judged_after: PreviousStatement | None = None

    async def __call__(self, now: datetime) -> None:
        """Take in every message that rests in the folder, by name, then those that waited for them.

        Promise: a message is taken in once, whatever dies where and however many processes look; what is booked is
        put away under `done`, what two persons set aside under `set_aside`, what waits for a person under `parked`,
        and nothing is ever removed. Where the database or the folder is away the message stays where it is.
        Raises: BankFolderUnavailable and other Unavailable.
        """
        try:
            async with self._files.folder.alone() as mine:
                if mine:
                    await self._look(now)
        except OSError as error:
            if (problem := problem_of(error)) is not None and isinstance(problem, StorageFull):
                raise problem from error
            raise BankFolderUnavailable(facts={"errno": error.errno or 0}) from error

    async def _look(self, now: datetime) -> None:
        for file in await self._files.folder.arrived(now):
            place = await self._take_in(file)
            failpoint("settlement.bank_file.taken_in")
            await self._files.folder.put_away(file, place)
            failpoint("settlement.bank_file.put_away")
        await self._judge_waiting()
        await self._release_decided()

    async def _take_in(self, file: ArrivedFile) -> Place:
        cmd = TakeInStatement(
            actor=machine_actor(Role.BANK), file=file.path, format_name=file.format_name, signature=file.signature
        )
        work = take_in_status_report if file.format_name in REPORT_FORMATS else take_in_statement
        try:
            taken = await work(cmd, self._parts, self._more)
        except Problem as problem:
            if isinstance(problem, Unavailable):
                raise
            _log.error("settlement.bank_file_refused", code=problem.code)
            return Place.PARKED
        return _place_of(taken.message.state)

    async def _judge_waiting(self) -> None:
        async with self._parts.uow.begin() as tx:
            newest = await self._more.messages.previous(tx.conn, self._more.account)
        if not self._has_judged or newest != self._judged_after:
            await take_in_waiting(self._parts, self._more)
            self._has_judged, self._judged_after = True, newest

    async def _release_decided(self) -> None:
        """What waited for another message, or for two persons, and is booked or set aside since, is parked no more.

        Judged by what is kept and not by what was done just now, so that a crash between both is ended here.
        """
        parked = await self._files.folder.parked()
        if not parked:
            return
        async with self._parts.uow.begin() as tx:
            states = await self._files.orders.states(tx.conn, parked)
        for raw_sha256, state in states.items():
            if (place := _place_of(state)) is not Place.PARKED:
                await self._files.folder.release(raw_sha256, place)


_PLACES: Final = {
    MessageState.TAKEN_IN: Place.DONE,
    MessageState.NOTICED: Place.DONE,
    MessageState.SET_ASIDE: Place.SET_ASIDE,
    MessageState.PARKED: Place.PARKED,
    MessageState.REFUSED: Place.PARKED,
}
ensure(_PLACES.keys() == set(MessageState), "a file lies somewhere whatever its message is")


def _place_of(state: MessageState) -> Place:
    return _PLACES[state]
