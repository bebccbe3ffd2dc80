"""A message of the bank as a file: its bytes are kept, hashed, checked under their signature, and read – always those
that were kept, never the file again, which may have changed meanwhile."""

import asyncio
import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from kapital.platform.objects import ObjectStore
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.policy import VerificationPolicy
from kapital.platform.signatures.primitives import Content
from kapital.platform.signatures.trust import TrustedRoots, split_certificates
from kapital.settlement.adapters.bank_messages.camt_reader import read_camt
from kapital.settlement.adapters.bank_messages.client_bank_reader import read_client_bank
from kapital.settlement.adapters.bank_messages.status_files import read_statuses
from kapital.settlement.adapters.bank_messages.xml_refusal import XML_BYTES_MAX
from kapital.settlement.domain.bank_files import StatusesRead
from kapital.settlement.domain.bank_message import Deviations, Statement, StatementLine
from kapital.settlement.domain.incoming_message import SignatureOutcome, SignatureVerdict

MESSAGE_BYTES_MAX: Final = XML_BYTES_MAX


class MessageFormat(StrEnum):
    """How a message is written."""

    CAMT = "camt"
    CLIENT_BANK = "1c"


_READERS: Final[dict[MessageFormat, Callable[[BinaryIO, Deviations], Iterator[Statement | StatementLine]]]] = {
    MessageFormat.CAMT: read_camt,
    MessageFormat.CLIENT_BANK: read_client_bank,
}


class MessageReading:
    """Implements `ports.MessageReading`: the parts of a kept message, in batches.

    Read in a thread, one batch ahead: while the caller's batch is on its way to the database, the next one is read.
    """

    def __init__(self, path: Path, message_format: MessageFormat) -> None:
        self._path, self._format = path, message_format
        self._file: BinaryIO | None = None
        self._parts: Iterator[Statement | StatementLine] = iter(())
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bank-message")
        self._ahead: Future[list[Statement | StatementLine]] | None = None
        self.deviations = Deviations()

    async def next(self, count: int) -> list[Statement | StatementLine]:
        """The next parts, none at the end. Raises: BankMessageUnreadable and its kin."""
        if self._file is None:
            self._open()
        batch = await asyncio.wrap_future(self._ahead or self._thread.submit(self._next, count))
        self._ahead = self._thread.submit(self._next, count) if batch else None
        return batch

    def _open(self) -> None:
        # Not in the thread, which could do it after `close`.
        self._file = self._path.open("rb")
        self._parts = _READERS[self._format](self._file, self.deviations)

    def _next(self, count: int) -> list[Statement | StatementLine]:
        return list(islice(self._parts, count))

    def close(self) -> None:
        """Give the file back; the reading of a batch that nobody waits for ends with it."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._file is not None:
            self._file.close()


class MessageStore:
    """Implements `ports.MessageStore` over the object store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def keep(self, source: Path) -> tuple[str, int]:
        """Keep the bytes of a file; their SHA-256 and how many. Raises: ObjectTooLarge, StorageFull, OSError."""
        return await self._objects.put_file(source)

    async def keep_signature(self, signature: bytes) -> str:
        """Keep a signature; its SHA-256."""
        return await self._objects.put(signature)

    def reading(self, raw_sha256: str, format_name: str) -> MessageReading:
        """Read a kept message."""
        return MessageReading(self._objects.path_of(raw_sha256), MessageFormat(format_name))

    async def statuses(self, raw_sha256: str, format_name: str) -> StatusesRead:
        """Read a kept message about orders whole. Raises: BankMessageUnreadable and its kin."""
        return await asyncio.to_thread(read_statuses, self._objects.path_of(raw_sha256), format_name)


class BankCertificates:
    """Implements `ports.BankSignatures`: signatures must end in certificates of a file that the agreement names.

    The certificate of a bank is withdrawn by taking it out of the file: no revocation data is asked for. Without a
    file nothing is believed, and no message is taken in. A message is hashed where it lies, not read into memory.
    Raises: TrustListUnreadable.
    """

    def __init__(self, objects: ObjectStore, certificates: bytes | None) -> None:
        self._objects = objects
        roots = TrustedRoots(frozenset(split_certificates(certificates)) if certificates else frozenset())
        self._policy = VerificationPolicy(roots=roots, require_revocation=False, content_bytes_max=MESSAGE_BYTES_MAX)

    async def check(self, raw_sha256: str, signature: bytes | None, now: datetime) -> SignatureVerdict:
        """The verdict on a detached CAdES signature over the kept bytes."""
        if signature is None:
            return SignatureVerdict(SignatureOutcome.ABSENT)
        return await asyncio.to_thread(self._check, raw_sha256, signature, now)

    def _check(self, raw_sha256: str, signature: bytes, now: datetime) -> SignatureVerdict:
        with ExitStack() as opened:
            content: Content = b""
            file = opened.enter_context(self._objects.path_of(raw_sha256).open("rb"))
            if os.fstat(file.fileno()).st_size:  # nothing cannot be mapped
                content = opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            if hashlib.sha256(content).hexdigest() != raw_sha256:
                return SignatureVerdict(SignatureOutcome.INVALID, ("kept_bytes_changed",))
            checked = verify_signature(signature, content, policy=self._policy, received_at=now, now=now)
        reasons = tuple(dict.fromkeys(reason.code.value for reason in checked.reasons))
        return SignatureVerdict(SignatureOutcome(checked.outcome.value), reasons)
