"""A list file by the name of its format: opened once, hashed while it is read, refused when it is too large."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from kapital.identity.adapters.lists import (
    eu,
    ofac,
    ofac_advanced,
    opensanctions,
    rosfinmonitoring,
    rosfinmonitoring_dbf,
    tables,
    un,
)
from kapital.identity.adapters.lists.reading import ENTRIES_MAX, FILE_BYTES_MAX, Reading, unreadable
from kapital.identity.domain.problems import ListFileEmpty, ListFileTooLarge
from kapital.identity.domain.screening import ListEntry, ListSource


class ListFormat(StrEnum):
    """How a file is written."""

    ROSFINMONITORING_XML = "rosfinmonitoring-xml"
    ROSFINMONITORING_DBF = "rosfinmonitoring-dbf"
    UN_XML = "un-xml"
    OFAC_XML = "ofac-xml"
    OFAC_ADVANCED_XML = "ofac-advanced-xml"
    OFAC_CSV = "ofac-csv"
    EU_XML = "eu-xml"
    EU_CSV = "eu-csv"
    UK_CSV = "uk-csv"
    FTM_JSON = "ftm-json"


SOURCES: Final = {
    ListFormat.ROSFINMONITORING_XML: (
        ListSource.ROSFINMONITORING_TERROR,
        ListSource.ROSFINMONITORING_PROLIFERATION,
        ListSource.ROSFINMONITORING_MVK,
    ),
    ListFormat.ROSFINMONITORING_DBF: (ListSource.ROSFINMONITORING_TERROR,),
    ListFormat.UN_XML: (ListSource.UN,),
    ListFormat.OFAC_ADVANCED_XML: (ListSource.OFAC_SDN,),
    ListFormat.EU_CSV: (ListSource.EU,),
    ListFormat.UK_CSV: (ListSource.UK,),
    ListFormat.OFAC_XML: (ListSource.OFAC_SDN,),
    ListFormat.OFAC_CSV: (ListSource.OFAC_SDN,),
    ListFormat.EU_XML: (ListSource.EU,),
    ListFormat.FTM_JSON: (ListSource.OPENSANCTIONS,),
}
"""Which lists come in a format; the first is meant when none is named."""
_READERS: Final[dict[ListFormat, Callable[[BinaryIO, Reading], Iterator[ListEntry]]]] = {
    ListFormat.ROSFINMONITORING_XML: rosfinmonitoring.read,
    ListFormat.ROSFINMONITORING_DBF: rosfinmonitoring_dbf.read,
    ListFormat.UN_XML: un.read,
    ListFormat.OFAC_ADVANCED_XML: ofac_advanced.read,
    ListFormat.EU_CSV: tables.read_eu,
    ListFormat.UK_CSV: tables.read_uk,
    ListFormat.OFAC_XML: ofac.read_xml,
    ListFormat.EU_XML: eu.read,
    ListFormat.FTM_JSON: opensanctions.read,
}


_ZIP: Final = b"PK\x03\x04"


class _Hashed:
    """A file whose bytes are hashed and counted as they pass."""

    def __init__(self, file: BinaryIO, hashed: "ListFile") -> None:
        self._file, self._hashed = file, hashed

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    closed = False

    def flush(self) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Its owner closes the file."""

    def read1(self, size: int = -1) -> bytes:
        return self._passed(self._file.read(1 << 16 if size < 0 else size))

    def read(self, size: int = -1) -> bytes:
        return self._passed(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._passed(self._file.readline(size))

    def _passed(self, content: bytes) -> bytes:
        self._hashed.take(content)
        return content


@contextmanager
def _unpacked(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file itself, or the one file of a ZIP archive: so Rosfinmonitoring gives its list out.

    What comes out is counted as it passes, so an archive cannot bring more than a file may.
    Raises: ListFileUnreadable.
    """
    marked = file.read(len(_ZIP))
    file.seek(0)
    if marked != _ZIP:
        yield file
        return
    try:
        with zipfile.ZipFile(file) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise unreadable(f"the archive holds {len(members)} files, not one")
            if members[0].flag_bits & 1:
                raise unreadable("the archive is encrypted")
            with archive.open(members[0]) as inner:
                yield cast("BinaryIO", inner)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise unreadable(f"the archive is broken: {error.__class__.__name__}") from error


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
        with self.path.open("rb") as outer, _unpacked(outer) as file:
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
