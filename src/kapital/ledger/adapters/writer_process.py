"""The writer in a process of its own, so that its work takes nothing from the one that plans.

Shape of the conversation, both ways over pipes: a length word of eight bytes, big-endian, and a message in msgpack.
The first message is the connection string (it may hold a password: neither an argument nor the environment is for
it), each other one a `PlannedBatch`; the answers, to the first one too, come back in the same order. When the pipe
ends, the process ends, and what is left in the pipe then is not written.
"""

import asyncio
import fcntl
import os
import select
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from kapital.kernel.problems import Unavailable, problem_codes
from kapital.ledger.adapters.writer import Abandoned, Writer
from kapital.ledger.domain.plan import Batch
from kapital.ledger.ports import Outcome, PlannedBatch
from kapital.platform.failpoints import arguments_below, take_part_below
from kapital.platform.problems import problem_of
from kapital.platform.process import new_event_loop, tune_collector

_LENGTH: Final = Struct(">Q")
_PIPE_BYTES: Final = 1_048_576  # what Linux lets any user have; a batch or two fit without waiting
_END_S: Final = 150  # longer than the writer waits for a statement
_ANSWER_S: Final = 900  # longer than it waits for all statements of the batches that may lie before one
_F_SETPIPE_SZ: Final = getattr(fcntl, "F_SETPIPE_SZ", None)

_encode: Final = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_read_batch: Final = msgspec.msgpack.Decoder(Batch).decode


class WriterLost(Unavailable):
    """The writer's process ended in the middle: what was under way may have been entered or not."""

    code = "ledger_writer_lost"
    title = "The ledger's writing process has ended"


class WriterFault(Exception):
    """A fault in the writer's process that is no failure of the world. Not a `Problem`: each call is tried alone."""


class _Answer(NamedTuple):
    """What became of a batch: an outcome, or the code of a problem, or neither – then a fault, in words."""

    outcome: Outcome | None
    code: str = ""
    detail: str = ""
    facts: dict[str, str | int] | None = None


_THERE: Final = _Answer(Outcome.WRITTEN)  # to the connection string, which was all there was to hand over


class _Received(NamedTuple):
    """A `PlannedBatch` whose batch is still to be read: if that fails, its ground is known."""

    ground: int
    batch: msgspec.Raw


_read_planned: Final = msgspec.msgpack.Decoder(_Received).decode
_read_answer: Final = msgspec.msgpack.Decoder(_Answer).decode


class _Child(NamedTuple):
    """A running process and our ends of its pipes."""

    process: subprocess.Popen[bytes]
    batches: int
    answers: int


class WriterProcess:
    """The near side (`kapital.ledger.ports.BatchWriter`). A process that was lost is started anew when needed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._child: _Child | None = None
        self._closed = False
        self._unsent = bytearray()
        self._received = bytearray()
        self._waiting: deque[asyncio.Future[Outcome]] = deque()

    async def ready(self) -> None:
        """Start the process if it does not run, and wait until it answers: one that cannot live shall cost no call.

        Raises: OSError when there can be none, WriterLost when it ends at once.
        """
        if self._child is not None:
            return
        child = await asyncio.to_thread(_start)
        if self._closed:
            await asyncio.to_thread(_end, child)
            raise WriterLost
        loop = asyncio.get_running_loop()
        loop.add_reader(child.answers, self._receive, child)
        self._child = child
        there: asyncio.Future[Outcome] = loop.create_future()
        self._waiting.append(there)
        self._send(child, self._dsn.encode())
        await there

    def submit(self, planned: PlannedBatch) -> asyncio.Future[Outcome]:
        """Hand over a batch."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        if self._child is None:
            answer.set_exception(WriterLost())  # lost after `ready`
        else:
            # A process that was stopped answers nothing and does not end.
            late = loop.call_later(_ANSWER_S, self._lose, self._child)
            answer.add_done_callback(lambda _: late.cancel())
            self._waiting.append(answer)
            self._send(self._child, _message_of(planned))
        return answer

    async def close(self) -> None:
        """Let the process finish and end; one that does not is killed. None is started any more."""
        self._closed = True
        if self._child is not None:
            await asyncio.to_thread(_end, self._take_child(self._child))
            self._tell_lost()

    def _send(self, child: _Child, message: bytes) -> None:
        busy = bool(self._unsent)
        self._unsent += _LENGTH.pack(len(message))
        self._unsent += message
        if not busy:
            # At once, not in the next turn of the loop: what comes first there may be a long plan.
            self._push(child)
            if self._unsent:
                asyncio.get_running_loop().add_writer(child.batches, self._push, child)

    def _push(self, child: _Child) -> None:
        try:
            sent = os.write(child.batches, self._unsent)
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._lose(child)
            return
        del self._unsent[:sent]
        if not self._unsent:
            asyncio.get_running_loop().remove_writer(child.batches)

    def _receive(self, child: _Child) -> None:
        came = os.read(child.answers, 65_536)
        if not came:
            self._lose(child)
            return
        self._received += came
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            answer = _read_answer(bytes(self._received[_LENGTH.size : end]))
            del self._received[:end]
            _tell(self._waiting.popleft(), answer)

    def _lose(self, child: _Child) -> None:
        if child is not self._child:
            return
        self._take_child(child).process.kill()
        _end(child)
        self._tell_lost()

    def _tell_lost(self) -> None:
        self._unsent.clear()
        self._received.clear()
        while self._waiting:
            _tell(self._waiting.popleft(), WriterLost())

    def _take_child(self, child: _Child) -> _Child:
        self._child = None
        loop = asyncio.get_running_loop()
        loop.remove_reader(child.answers)
        loop.remove_writer(child.batches)
        return child


def _message_of(planned: PlannedBatch) -> bytes:
    try:
        return _encode(planned)
    except (TypeError, ValueError, OverflowError) as error:
        # The other side cannot read it either, says so, and writes nothing more on this ground.
        return _encode((planned.ground, f"{type(error).__name__}: {error}"))


def _tell(waiting: asyncio.Future[Outcome], answer: _Answer | WriterLost) -> None:
    if waiting.done():
        return
    if isinstance(answer, WriterLost):
        waiting.set_exception(answer)
    elif answer.outcome is not None:
        waiting.set_result(answer.outcome)
    elif answer.code:
        waiting.set_exception(problem_codes()[answer.code](answer.detail, answer.facts))
    else:
        waiting.set_exception(WriterFault(answer.detail))


def _start() -> _Child:
    ends: list[int] = []
    try:
        ends += os.pipe()
        ends += os.pipe()
        their_batches, batches, answers, their_answers = ends
        # -P: no module comes from the folder that somebody happens to stand in.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module; the rest is a path of ours
            [sys.executable, "-P", "-m", "kapital.ledger.adapters.writer_process", *arguments_below()],
            stdin=their_batches,
            stdout=their_answers,
            # Settings and their secrets stay here; signals to our group are ours, also before it can ignore them.
            env={name: value for name, value in os.environ.items() if not name.startswith("KAPITAL_")},
            process_group=0,
        )
    except BaseException:
        for end in ends:  # where descriptors have run out, none may be kept
            os.close(end)
        raise
    os.close(their_batches)
    os.close(their_answers)
    os.set_blocking(batches, False)
    if _F_SETPIPE_SZ is not None:
        with suppress(OSError):  # the user has very many pipes, or the system wants them short: it is only slower
            fcntl.fcntl(batches, _F_SETPIPE_SZ, _PIPE_BYTES)
    return _Child(process, batches, answers)


def _end(child: _Child) -> None:
    os.close(child.batches)  # the process sees it and ends
    try:
        child.process.wait(_END_S)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
    os.close(child.answers)


# --- in the process ----------------------------------------------------------------------------------


async def _serve(batches: int, answers: int) -> None:
    kept = os.dup(batches)  # the transport closes its own as soon as the other side does
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(batches, "rb", buffering=0))
    writer: Writer | None = None
    try:
        while (message := await _message(reader)) is not None:
            if writer is None:
                writer = Writer(message.decode(), lambda: not _ended(kept))
                answer = _encode(_THERE)
            else:
                answer = _encode(await _answer(writer, _read_planned(message)))
            os.write(answers, _LENGTH.pack(len(answer)) + answer)
    except BrokenPipeError:
        pass  # nobody is left to be told
    finally:
        if writer is not None:
            await writer.close()


def _ended(pipe: int) -> bool:
    """Whether nobody can write to the pipe any more, though something may be left in it."""
    poll = select.poll()
    poll.register(pipe, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return await reader.readexactly(_LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0])
    except asyncio.IncompleteReadError:
        return None  # the other side is gone, perhaps in the middle of a word


async def _answer(writer: Writer, received: _Received) -> _Answer:
    try:
        try:
            batch = _read_batch(received.batch)
        except msgspec.MsgspecError:
            writer.lose(received.ground)
            raise
        return _Answer(await writer.write(PlannedBatch(received.ground, batch)))
    except Abandoned:
        raise BrokenPipeError from None
    except Exception as error:  # noqa: BLE001 - told to the other side, whatever it is
        problem = problem_of(error)
        if problem is None:
            return _Answer(None, detail=f"{type(error).__name__}: {error}")
        return _Answer(None, problem.code, problem.detail, problem.facts)


def main() -> None:
    """Serve the process that started this one until it closes the pipe."""
    # A signal to all processes of a service is for the other side: it ends us when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    take_part_below(sys.argv[1:])
    tune_collector()
    batches, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # what is printed by mistake is no answer
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(batches, answers))


if __name__ == "__main__":
    main()
