"""Where the master key comes from: scrypt over a passphrase, or a random file that only its owner reads.

How the keys were locked is one row of `key_encryption`; from then on the same way must be configured. A key
file is made on first start only: were one made when keys exist, it would open none of them.
"""

import asyncio
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.custody.adapters.software import MASTER_KEY_BYTES, SoftwareProvider
from kapital.custody.domain.problems import (
    KeyFileDamaged,
    KeyFileExposed,
    KeyFileMissing,
    UnlockSourceDiffers,
)
from kapital.platform.unit_of_work import UnitOfWork

KEY_FILE_NAME: Final = "custody.key"
SALT_BYTES: Final = 16
PASSPHRASE: Final = "passphrase"  # noqa: S105 – names the way, is not the secret
KEY_FILE: Final = "key_file"

# Interactive cost of RFC 7914: 64 MiB and a fifth of a second, once a start.
SCRYPT_N: Final = 2**16
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1

_READ: Final = text("SELECT source, salt, scrypt_n, scrypt_r, scrypt_p, check_value FROM key_encryption")
_WRITE: Final = text(
    """
    INSERT INTO key_encryption (source, salt, scrypt_n, scrypt_r, scrypt_p, check_value, created_at)
    VALUES (:source, :salt, :n, :r, :p, :check, :now) ON CONFLICT DO NOTHING
    """
)


class _Locked(NamedTuple):
    source: str
    salt: bytes
    n: int
    r: int
    p: int
    check: bytes


async def unlock(uow: UnitOfWork, data_dir: Path, passphrase: str | None) -> SoftwareProvider:
    """Return the provider that opens the keys kept here; on first start, decide how they are locked.

    Promise: two processes may start at once; both end with the same master key.
    Raises: UnlockSourceDiffers, KeyFileMissing, KeyFileExposed, KeyFileDamaged, PassphraseWrong.
    """
    path = data_dir / KEY_FILE_NAME
    async with uow.database.connect() as conn:
        locked = await _read(conn)
    if locked is None:
        locked = await _lock_first(uow, path, passphrase)
    source = _source(passphrase)
    if locked.source != source:
        raise UnlockSourceDiffers(
            f"the keys are locked by {locked.source}, configured is {source}",
            {"locked_by": locked.source, "configured": source},
        )
    provider = await asyncio.to_thread(_provider, locked, path, passphrase)
    provider.require_check(locked.check)
    return provider


async def _lock_first(uow: UnitOfWork, path: Path, passphrase: str | None) -> _Locked:
    fresh = _Locked(_source(passphrase), os.urandom(SALT_BYTES), SCRYPT_N, SCRYPT_R, SCRYPT_P, b"")
    if passphrase is None:
        await asyncio.to_thread(_make_key_file, path)
    provider = await asyncio.to_thread(_provider, fresh, path, passphrase)
    fresh = fresh._replace(check=provider.make_check())
    async with uow.begin() as tx:
        await tx.conn.execute(_WRITE, fresh._asdict() | {"now": tx.now})
        # Another process may have been first; then its row counts.
        return await _read(tx.conn) or fresh


async def _read(conn: AsyncConnection) -> _Locked | None:
    row = (await conn.execute(_READ)).one_or_none()
    return None if row is None else _Locked(row[0], bytes(row[1]), row[2], row[3], row[4], bytes(row[5]))


def _source(passphrase: str | None) -> str:
    return KEY_FILE if passphrase is None else PASSPHRASE


def _provider(locked: _Locked, path: Path, passphrase: str | None) -> SoftwareProvider:
    if passphrase is None:
        return SoftwareProvider(_read_key_file(path))
    scrypt = Scrypt(salt=locked.salt, length=MASTER_KEY_BYTES, n=locked.n, r=locked.r, p=locked.p)
    return SoftwareProvider(scrypt.derive(passphrase.encode()))


def _read_key_file(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise KeyFileMissing(f"{KEY_FILE_NAME} is not in the data directory") from None
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise KeyFileExposed(f"{KEY_FILE_NAME} has mode {mode:03o}, it must be 600", {"mode": f"{mode:03o}"})
        content = file.read(MASTER_KEY_BYTES + 1)
    if len(content) != MASTER_KEY_BYTES:
        raise KeyFileDamaged(f"{KEY_FILE_NAME} must have {MASTER_KEY_BYTES} bytes")
    return content


def _make_key_file(path: Path) -> None:
    """Write the file whole or not at all; a file that is there already is kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Only its owner may read what mkstemp makes.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(MASTER_KEY_BYTES))
            file.flush()
            os.fsync(descriptor)
        # A link fails where a rename would replace the file of a faster process.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
