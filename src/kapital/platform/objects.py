"""Object store: documents kept under the SHA-256 of their bytes, in a folder."""

import asyncio
import hashlib
import os
import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from obstore.store import LocalStore

from kapital.kernel.problems import InvariantBroken, ensure
from kapital.platform.problems import ObjectNotFound, ObjectTooLarge, problem_of

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

    async def put(self, content: bytes) -> str:
        """Keep the bytes and return their key (SHA-256, hex).

        Raises: ObjectTooLarge, StorageFull.
        """
        if len(content) > self._size_max:
            raise ObjectTooLarge(facts={"bytes": len(content), "bytes_max": self._size_max})
        key = hashlib.sha256(content).hexdigest()
        try:
            await self._store.put_async(_path(key), content)
            await asyncio.to_thread(self._make_durable, _path(key))
        except Exception as error:
            if (problem := problem_of(error)) is not None:
                raise problem from error
            raise
        return key

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
        """Where the bytes of a key lie, for reading what is too large to hold."""
        ensure(bool(_KEY.fullmatch(key)), "an object key is a SHA-256 in lower-case hex")
        return self._folder / _path(key)

    async def get(self, key: str) -> bytes:
        """The bytes of a key, their hash checked.

        Raises: ObjectNotFound; InvariantBroken when the kept bytes are not what was put.
        """
        ensure(bool(_KEY.fullmatch(key)), "an object key is a SHA-256 in lower-case hex")
        try:
            found = await (await self._store.get_async(_path(key))).bytes_async()
        except FileNotFoundError:
            raise ObjectNotFound(facts={"sha256": key}) from None
        content = bytes(found)
        if hashlib.sha256(content).hexdigest() != key:
            raise InvariantBroken(f"object {key} was changed on the disk")
        return content

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
