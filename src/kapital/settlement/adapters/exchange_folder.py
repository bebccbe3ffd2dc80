"""The exchange folder of a bank that is spoken to by files.

`out` is what we lay before the bank, which takes it away; `in` what it lays before us, a message with its detached
signature beside it (`.p7s`); `done`, `parked` and `set_aside` what was read. Who writes there writes under another
name (a dot before it, or `.part`, `.tmp` behind) and renames, the signature last. Only regular files are looked at.
"""

import asyncio
import errno
import fcntl
import os
import re
import stat
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Final, TypeVar

from kapital.platform.logging import get_logger
from kapital.settlement.adapters.bank_messages.client_bank_keys import ACCOUNT_SECTION
from kapital.settlement.ports import ArrivedFile, Place

OUT: Final = "out"
IN: Final = "in"
SIGNATURE: Final = ".p7s"
SIGNATURE_BYTES_MAX: Final = 1_048_576
NAME_BYTES_MAX: Final = 180
LOOKED_AT_MAX: Final = 1_000
"""So many messages are taken in at one look; the others rest for the next."""
UNSIGNED_AFTER: Final = timedelta(minutes=10)
"""So long a message waits for its signature before it is taken for unsigned."""
_STAGED: Final = ".staged"
_MARK: Final = ".kapital"
_LOCK: Final = ".lock"
_UNFINISHED: Final = (".part", ".tmp")
_HEAD_BYTES: Final = 4_096
_HASH_LENGTH: Final = 16
_PUT_AWAY: Final = re.compile(f"[0-9a-f]{{{_HASH_LENGTH}}}-.+")
_log = get_logger(__name__)

T = TypeVar("T")
_Stamp = tuple[int, int, int]
"""Inode, size and instant of the last change."""
_Pair = tuple[_Stamp, _Stamp | None]
"""Of a message and its signature."""


_ACCOUNT_SECTIONS: Final = tuple(f"\n{ACCOUNT_SECTION}".encode(codec) for codec in ("cp1251", "utf-8", "cp866"))


def format_of(head: bytes, files_format: str) -> str:
    """The format of a message by its first bytes; what is none of the bank's is refused when it is read."""
    if files_format == "1c":
        return "1c" if any(section in head for section in _ACCOUNT_SECTIONS) else "1c_receipt"
    return "pain002" if b"CstmrPmtStsRpt" in head else "camt"


class ExchangeFolder:
    """Implements `ports.ExchangeFolder`, and lays down orders for `FilesBank`.

    `files_format`: as the settings have it, `iso20022` or `1c`. Promise: an order lies in `out` once, also after a
    crash: it lies whole under `.staged` first, and goes from there to `out` in one step.
    """

    def __init__(self, folder: Path, files_format: str) -> None:
        self._folder, self._format = folder.resolve(), files_format
        self._rested: dict[str, _Pair] = {}
        self._unsigned: dict[str, datetime] = {}
        self._parked_hashes: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the folders that are missing. Raises: OSError when one cannot be made or written."""
        for name in (OUT, IN, _STAGED, *Place):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
            if not os.access(self._folder / name, os.W_OK):
                raise PermissionError(errno.EACCES, "cannot be written", str(self._folder / name))
        devices = {(self._folder / name).stat().st_dev for name in (OUT, IN, _STAGED, *Place)}
        if len(devices) > 1:
            raise OSError(errno.EXDEV, "parts of the folder lie on several file systems", str(self._folder))

    # What we lay before the bank.

    async def stage(self, name: str, content: bytes) -> None:
        """Write a file whole and durably where the bank does not look, in the place of one of the same name."""
        await _to_the_end(self._stage, name, content)

    async def is_staged(self, name: str) -> bool:
        """Whether the file lies there still; after `stage` it is in the hands of the bank otherwise. Without the mark
        nothing is said: OSError."""
        return await asyncio.to_thread(self._is_staged, name)

    async def hand_over(self, name: str) -> None:
        """Lay a staged file before the bank, in one step."""
        await _to_the_end(self._hand_over, name)

    async def is_marked(self) -> bool:
        """Whether orders were, or are to be, laid down in this folder: not in what is there while it is away."""
        return await asyncio.to_thread((self._folder / _STAGED / _MARK).exists)

    async def mark(self) -> None:
        """Say that it is this folder."""
        await _to_the_end(self._mark)

    def _mark(self) -> None:
        """By no other name first: several processes may start at once, and there is nothing to write."""
        (self._folder / _STAGED / _MARK).touch(exist_ok=True)
        _make_durable(self._folder / _STAGED)

    def _is_staged(self, name: str) -> bool:
        with _away_if_missing():
            # By one descriptor: what the mark says is said of the folder that the file is looked for in.
            descriptor = os.open(self._folder / _STAGED, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.stat(_MARK, dir_fd=descriptor)
                with os.scandir(descriptor) as entries:
                    return any(entry.name == name for entry in entries)
            finally:
                os.close(descriptor)

    def _stage(self, name: str, content: bytes) -> None:
        with _away_if_missing():
            (self._folder / _STAGED / _MARK).stat()
            _write(self._folder / _STAGED / name, content)

    def _hand_over(self, name: str) -> None:
        with _away_if_missing():
            self._move(self._folder / _STAGED / name, self._folder / OUT / name)

    @staticmethod
    def _move(source: Path, target: Path) -> None:
        source.replace(target)
        _make_durable(target.parent)
        _make_durable(source.parent)

    # What the bank lays before us.

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """One process at a time reads the folder; whether it is this one. One that dies gives the turn back."""
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    async def arrived(self, now: datetime) -> Sequence[ArrivedFile]:
        """Messages that did not change since the last look, by name; one without a signature when it waited long."""
        return await asyncio.to_thread(self._arrived, now)

    def _arrived(self, now: datetime) -> list[ArrivedFile]:
        stamps = _stamps_of(self._folder / IN)
        rested: dict[str, _Pair] = {name: (stamp, stamps.get(name + SIGNATURE)) for name, stamp in stamps.items()}
        before, self._rested = self._rested, rested
        waiting = {name: self._unsigned.get(name, now) for name, (_, signed) in rested.items() if signed is None}
        self._unsigned = waiting
        found = []
        for name in sorted(stamps):
            signs = name.removesuffix(SIGNATURE)
            if rested[name] != before.get(name) or (signs != name and signs in stamps):
                continue
            if name in waiting and now - waiting[name] < UNSIGNED_AFTER:
                continue
            if signs != name:
                self._put_orphan_away(name)
                continue
            found.append(self._read(name, signed=name not in waiting))
            if len(found) == LOOKED_AT_MAX:
                break
        return found

    def _read(self, name: str, *, signed: bool) -> ArrivedFile:
        path = self._folder / IN / name
        signature = None
        if signed:
            with path.with_name(name + SIGNATURE).open("rb") as file:
                signature = file.read(SIGNATURE_BYTES_MAX)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return ArrivedFile(name, path, _sha256_of(path), format_of(head, self._format), signature)

    def _put_orphan_away(self, name: str) -> None:
        """A signature of nothing: what it signs never came, or came under another name."""
        self._move(self._folder / IN / name, self._folder / Place.PARKED / name)

    async def put_away(self, file: ArrivedFile, place: Place) -> None:
        """Move a message, its signature first: what a crash leaves is the message, which is known when its wait for a
        signature is over. A message is named by its bytes: one that comes again lies once."""
        await _to_the_end(self._put_away, file, place)

    def _put_away(self, file: ArrivedFile, place: Place) -> None:
        if _sha256_of(file.path) != file.sha256:
            return
        name = f"{file.sha256[:_HASH_LENGTH]}-{file.name}"
        beside = file.path.with_name(file.name + SIGNATURE)
        if beside.exists():
            self._move(beside, self._folder / place / (name + SIGNATURE))
        self._move(file.path, self._folder / place / name)

    async def parked(self) -> Collection[str]:
        """Hashes of the messages that lie parked. A process reads each of them once."""
        return await asyncio.to_thread(self._parked)

    def _parked(self) -> frozenset[str]:
        before = self._parked_hashes
        found: dict[str, str] = {}
        with os.scandir(self._folder / Place.PARKED) as entries:
            for entry in entries:
                name, is_message = entry.name, _PUT_AWAY.fullmatch(entry.name) and not entry.name.endswith(SIGNATURE)
                if is_message and entry.is_file(follow_symlinks=False):
                    found[name] = before.get(name) or _sha256_of(Path(entry.path))
        self._parked_hashes = found
        return frozenset(found.values())

    async def release(self, raw_sha256: str, place: Place) -> None:
        """Move parked files with these bytes to where they belong now, their signatures first: while the message lies
        there still, the next call finds it."""
        await _to_the_end(self._release, raw_sha256, place)

    def _release(self, raw_sha256: str, place: Place) -> None:
        found = (self._folder / Place.PARKED).glob(f"{raw_sha256[:_HASH_LENGTH]}-*")
        for path in sorted(found, key=lambda one: (one.suffix != SIGNATURE, one.name)):
            self._move(path, self._folder / place / path.name)


async def _to_the_end(work: Callable[..., T], *args: object) -> T:
    """Do it in a thread. A caller that is told to stop waits for it all the same: under the lock that it holds nobody
    else begins before this has ended."""
    # Not a task of its own: a loop that ends cancels every task, and the thread would go on without anybody.
    end = asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, work, *args))
    try:
        return await asyncio.shield(end)
    except asyncio.CancelledError:
        await asyncio.wait([end])
        end.exception()  # of what nobody waits for any more
        raise


def _stamps_of(folder: Path) -> dict[str, _Stamp]:
    """What lies in a folder under a finished name."""
    found: dict[str, _Stamp] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                continue
            told = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(told.st_mode) or len(os.fsencode(entry.name)) > NAME_BYTES_MAX:
                _log.warning("settlement.bank_file_ignored", code="not_a_message")
                continue
            found[entry.name] = (told.st_ino, told.st_size, told.st_mtime_ns)
    return found


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def _away_if_missing() -> Iterator[None]:
    """A part of the folder is missing: the folder is away. Inside a transaction a missing file would be taken for the
    socket of the database."""
    try:
        yield
    except FileNotFoundError as error:
        raise OSError(errno.ENODEV, "not the folder of our orders", error.filename) from None


def _write(place: Path, content: bytes) -> None:
    """Write a file whole and durably, in the place of one of the same name."""
    fresh = place.with_name(f"{place.name}.part")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(place)
    _make_durable(place.parent)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
