"""Object store: documents kept under the SHA-256 of their bytes, in a folder; small ones together in one file."""

import asyncio
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from obstore.store import LocalStore

from kapital.kernel.problems import InvariantBroken, ensure
from kapital.platform.batcher import Batcher
from kapital.platform.problems import DatabaseBusy, ObjectNotFound, ObjectTooLarge, problem_of
from kapital.platform.small_objects import SMALL_BYTES_MAX, SmallObjects

OBJECT_BYTES_MAX: Final = 104_857_600
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class ObjectStore:
    """Content-addressed: the same bytes have the same key, so putting twice keeps one."""

    def __init__(self, folder: Path, *, size_max: int = OBJECT_BYTES_MAX) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder)
        self._size_max = size_max
        self._durable: set[Path] = set()
        self._small = SmallObjects(self._folder / "small.sqlite3")
        self._keeping: Batcher[bytes, str] = Batcher(self._keep, overfull=DatabaseBusy)

    async def put(self, content: bytes) -> str:
        """Keep the bytes and return their key (SHA-256, hex).

        Raises: ObjectTooLarge, StorageFull.
        """
        return (await self.put_many([content]))[0]

    async def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Keep each of the contents and return their keys, in order; what is too large keeps all of them out.

        Raises: ObjectTooLarge, StorageFull.
        """
        if (largest := max(map(len, contents), default=0)) > self._size_max:
            raise ObjectTooLarge(facts={"bytes": largest, "bytes_max": self._size_max})
        return await self._keeping.submit_many(contents)

    async def put_file(self, source: Path) -> tuple[str, int]:
        """Keep the bytes of a file, which is read once into a copy; their key and how many they are.

        Raises: ObjectTooLarge, StorageFull, OSError of the source.
        """
        try:
            return await asyncio.to_thread(self._copy, source)
        except OSError as error:
            if (problem := problem_of(error)) is not None:
                raise problem from error
            raise

    def _copy(self, source: Path) -> tuple[str, int]:
        hashed, size = hashlib.sha256(), 0
        with source.open("rb") as file, NamedTemporaryFile(dir=self._folder, prefix=".put-", delete=False) as copy:
            try:
                while chunk := file.read(1 << 20):
                    size += len(chunk)
                    if size > self._size_max:
                        raise ObjectTooLarge(facts={"bytes_max": self._size_max})
                    hashed.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
                key = hashed.hexdigest()
                place = self.path_of(key)
                place.parent.mkdir(parents=True, exist_ok=True)
                Path(copy.name).replace(place)
            except BaseException:
                Path(copy.name).unlink(missing_ok=True)
                raise
        self._make_durable(_path(key))
        return key, size

    def path_of(self, key: str) -> Path:
        """Where the bytes of a key lie that came as a file, for reading what is too large to hold."""
        ensure(bool(_KEY.fullmatch(key)), "an object key is a SHA-256 in lower-case hex")
        return self._folder / _path(key)

    async def get(self, key: str) -> bytes:
        """The bytes of a key, their hash checked.

        Raises: ObjectNotFound; InvariantBroken when the kept bytes are not what was put.
        """
        ensure(bool(_KEY.fullmatch(key)), "an object key is a SHA-256 in lower-case hex")
        content = await asyncio.to_thread(self._small.find, key)
        if content is None:
            try:
                content = bytes(await (await self._store.get_async(_path(key))).bytes_async())
            except FileNotFoundError:
                raise ObjectNotFound(facts={"sha256": key}) from None
        if hashlib.sha256(content).hexdigest() != key:
            raise InvariantBroken(f"object {key} was changed on the disk")
        return content

    async def _keep(self, contents: Sequence[bytes]) -> list[str]:
        """Keep what came together: the disk is waited for once."""
        try:
            return await asyncio.to_thread(self._keep_all, contents)
        except Exception as error:
            if (problem := problem_of(error)) is not None:
                raise problem from error
            raise

    def _keep_all(self, contents: Sequence[bytes]) -> list[str]:
        keys = [hashlib.sha256(content).hexdigest() for content in contents]
        given = dict(zip(keys, contents, strict=True))
        if small := [(key, content) for key, content in given.items() if len(content) <= SMALL_BYTES_MAX]:
            self._small.put(small)
        large = {key: content for key, content in given.items() if len(content) > SMALL_BYTES_MAX}
        for key, content in large.items():
            self._store.put(_path(key), content)
            self._make_durable(_path(key))
        return keys

    def _make_durable(self, path: str) -> None:
        """The store writes beside and renames, but leaves it to the system when the disk gets it."""
        place = self._folder / path
        # A folder's own entry needs the disk once; after that only what is in it changes. At most 65,792 folders.
        new = [folder for folder in (place.parent, place.parent.parent) if folder not in self._durable]
        for target in (place, place.parent, *(folder.parent for folder in new)):
            descriptor = os.open(target, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._durable.update(new)


def _path(key: str) -> str:
    return f"{key[:2]}/{key[2:4]}/{key}"
