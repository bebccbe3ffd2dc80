"""A list file by the name of its format: opened once, hashed while it is read, refused when it is too large."""

import hashlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from kapital.identity.adapters.lists import eu, ofac, opensanctions, rosfinmonitoring, un
from kapital.identity.adapters.lists.reading import ENTRIES_MAX, FILE_BYTES_MAX, Reading, unreadable
from kapital.identity.domain.problems import ListFileEmpty, ListFileTooLarge
from kapital.identity.domain.screening import ListEntry, ListSource


class ListFormat(StrEnum):
    """How a file is written."""

    ROSFINMONITORING_XML = "rosfinmonitoring-xml"
    UN_XML = "un-xml"
    OFAC_XML = "ofac-xml"
    OFAC_CSV = "ofac-csv"
    EU_XML = "eu-xml"
    FTM_JSON = "ftm-json"


SOURCES: Final = {
    ListFormat.ROSFINMONITORING_XML: (
        ListSource.ROSFINMONITORING_TERROR,
        ListSource.ROSFINMONITORING_PROLIFERATION,
        ListSource.ROSFINMONITORING_MVK,
    ),
    ListFormat.UN_XML: (ListSource.UN,),
    ListFormat.OFAC_XML: (ListSource.OFAC_SDN,),
    ListFormat.OFAC_CSV: (ListSource.OFAC_SDN,),
    ListFormat.EU_XML: (ListSource.EU,),
    ListFormat.FTM_JSON: (ListSource.OPENSANCTIONS,),
}
"""Which lists come in a format; the first is meant when none is named."""
_READERS: Final[dict[ListFormat, Callable[[BinaryIO, Reading], Iterator[ListEntry]]]] = {
    ListFormat.ROSFINMONITORING_XML: rosfinmonitoring.read,
    ListFormat.UN_XML: un.read,
    ListFormat.OFAC_XML: ofac.read_xml,
    ListFormat.EU_XML: eu.read,
    ListFormat.FTM_JSON: opensanctions.read,
}


class _Hashed:
    """A file whose bytes are hashed and counted as they pass."""

    def __init__(self, file: BinaryIO, hashed: "ListFile") -> None:
        self._file, self._hashed = file, hashed

    def read(self, size: int = -1) -> bytes:
        return self._passed(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._passed(self._file.readline(size))

    def _passed(self, content: bytes) -> bytes:
        self._hashed.take(content)
        return content


class ListFile:
    """One file (or, for OFAC's CSV set, the folder of its files). Hash and counts hold after all was read."""

    def __init__(self, path: Path, file_format: ListFormat) -> None:
        self.path, self.format = path, file_format
        self.reading = Reading()
        self.bytes = 0
        self.entries = 0
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the bytes read; of a folder, of its files one after another."""
        return self._hash.hexdigest()

    @property
    def format_name(self) -> str:
        """How the file is written."""
        return self.format.value

    @property
    def size(self) -> int:
        """Bytes read."""
        return self.bytes

    @property
    def list_date(self) -> str | None:
        """The date that the list itself states."""
        return self.reading.list_date

    @property
    def deviations(self) -> list[tuple[str, str]]:
        """(where, code) of what was not as the format says; the first thousand."""
        return [(deviation.where, deviation.code) for deviation in self.reading.deviations]

    @property
    def deviation_count(self) -> int:
        """How many there were."""
        return self.reading.deviation_count

    def take(self, content: bytes) -> None:
        """Count and hash. Raises: ListFileTooLarge."""
        self.bytes += len(content)
        self._hash.update(content)
        if self.bytes > FILE_BYTES_MAX:
            raise ListFileTooLarge(facts={"bytes_max": FILE_BYTES_MAX})

    def read(self) -> Iterator[ListEntry]:
        """The entries, one by one; a number that comes again is reported and left out.

        Raises: ListFileUnreadable, ListFileTooLarge, ListFileEmpty – perhaps after entries were given, which must
        then not be used.
        """
        seen: set[str] = set()
        try:
            for entry in self._entries():
                if entry.uid in seen:
                    self.reading.report(entry.uid, "number_again")
                    continue
                seen.add(entry.uid)
                self.entries += 1
                if self.entries > ENTRIES_MAX:
                    raise ListFileTooLarge(facts={"entries_max": ENTRIES_MAX})
                yield entry
        except OSError as error:
            raise unreadable(f"cannot be opened: {error.strerror}") from error
        if self.entries == 0:
            raise ListFileEmpty

    def _entries(self) -> Iterator[ListEntry]:
        if self.format is ListFormat.OFAC_CSV:
            yield from self._csv_set()
            return
        with self.path.open("rb") as file:
            passing = cast("BinaryIO", _Hashed(file, self))
            yield from _READERS[self.format](passing, self.reading)
            while passing.read(1 << 20):  # What a reader left: the hash is of the whole file.
                pass

    def _csv_set(self) -> Iterator[ListEntry]:
        parts: dict[str, BinaryIO] = {}
        try:
            for name in ("sdn.csv", "alt.csv", "sdn_comments.csv"):
                path = self.path / name
                if name != "sdn.csv" and not path.exists():
                    self.reading.report(name, "file_of_set_missing")
                    continue
                opened = parts[name] = path.open("rb")
                while content := opened.read(1 << 20):
                    self.take(content)
                opened.seek(0)
            sdn, alt, comments = parts["sdn.csv"], parts.get("alt.csv"), parts.get("sdn_comments.csv")
            yield from ofac.read_csv(sdn, alt, comments, self.reading)
        finally:
            for part in parts.values():
                part.close()
