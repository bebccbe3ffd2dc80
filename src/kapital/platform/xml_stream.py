"""Records of a large XML file one by one, by libxml2, in memory that does not grow with the file.

Hardened: a document type is refused at its first sign, before anything is expanded or fetched; bytes between two
records and what lies beside the records are bounded here, depth by libxml2 (256). The prologue is looked at by
expat, which tells of a document type where libxml2 would pass over it in silence.

Not: a check against a schema; a reader of what comes in another encoding than those named.
"""

from collections.abc import Collection, Iterator
from typing import BinaryIO, Final
from xml.parsers import expat

from lxml import etree

CHUNK_BYTES: Final = 65_536
RECORD_BYTES_MAX: Final = 8_388_608
"""Bytes without the end of a record; also of the prologue."""
KEPT_BESIDE_MAX: Final = 1_000
"""Elements that stay open or unread around the records."""
ENCODINGS: Final = ("utf-8", "us-ascii", "windows-1251")


class XmlRefused(Exception):
    """The stream is refused. `why` is a code, `about` says more, `line` where known."""

    def __init__(self, why: str, about: str = "", line: int | None = None) -> None:
        super().__init__(f"{why}: {about}" if about else why)
        self.why, self.about, self.line = why, about, line


NOT_WELL_FORMED: Final = "not_well_formed"
DOCUMENT_TYPE: Final = "document_type"
ENCODING: Final = "encoding"
ROOT: Final = "root"
TOO_LARGE: Final = "too_large"


class _Prologue(Exception):
    pass


class XmlRecords:
    """The records of one file. `namespace` holds once the first record came or the file ended."""

    def __init__(self, file: BinaryIO, *, roots: Collection[str], records: Collection[str], bytes_max: int) -> None:
        self._file, self._roots, self._records, self._bytes_max = file, roots, frozenset(records), bytes_max
        self.namespace = ""
        self.bytes = 0

    def __iter__(self) -> Iterator["etree._Element"]:
        """Each record when it ends, the inner before the outer; its place and what was before it can be asked of it.

        Whoever takes a record clears it (`release`). Raises: XmlRefused – perhaps after records were given.
        """
        first = self._prologue()
        # Names are known without a namespace only: any namespace counts here, the caller judges `namespace`.
        parser = etree.XMLPullParser(
            events=("end",),
            tag=[f"{{*}}{name}" for name in sorted(self._records)],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        since = 0
        try:
            while first:
                parser.feed(first)
                since += len(first)
                for _, element in parser.read_events():
                    since = 0
                    yield element
                if since > RECORD_BYTES_MAX:
                    raise XmlRefused(TOO_LARGE, "no record ends within the limit")
                first = self._read()
            parser.close()
        except etree.XMLSyntaxError as error:
            raise XmlRefused(NOT_WELL_FORMED, (error.msg or "")[:200], error.lineno) from error
        yield from (element for _, element in parser.read_events())

    def _read(self) -> bytes:
        chunk = self._file.read(CHUNK_BYTES)
        self.bytes += len(chunk)
        if self.bytes > self._bytes_max:
            raise XmlRefused(TOO_LARGE, f"more than {self._bytes_max} bytes")
        return chunk

    def _prologue(self) -> bytes:
        """Read to the root element; return the bytes read."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._document_type
        parser.EntityDeclHandler = self._document_type
        parser.StartElementHandler = self._root
        read = b""
        try:
            while chunk := self._read():
                read += chunk
                if read[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in read[:4]:
                    raise XmlRefused(ENCODING, "UTF-16 and UTF-32 are not read")
                if len(read) > RECORD_BYTES_MAX:
                    raise XmlRefused(TOO_LARGE, "no root element within the limit")
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except _Prologue:
            return read
        except expat.ExpatError as error:
            raise XmlRefused(NOT_WELL_FORMED, expat.ErrorString(error.code), error.lineno) from error
        except (LookupError, ValueError) as error:
            raise XmlRefused(ENCODING, str(error)[:200]) from error
        raise XmlRefused(NOT_WELL_FORMED, "no root element")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise XmlRefused(ENCODING, f"{encoding[:40]} is not one of {', '.join(ENCODINGS)}")

    def _document_type(self, *_: object) -> None:
        raise XmlRefused(DOCUMENT_TYPE, "a document type is not read: it may hold entities")

    def _root(self, tag: str, _attributes: dict[str, str]) -> None:
        self.namespace, _, name = tag.rpartition(" ")
        if name not in self._roots:
            raise XmlRefused(ROOT, f"the root element is {name[:60]}, not one of {', '.join(sorted(self._roots))}")
        raise _Prologue


def release(element: "etree._Element") -> Iterator["etree._Element"]:
    """Empty a record, and give and free every element that stands before it under the same parent.

    The record itself stays, empty, until the next one: libxml2 may be in the middle of the text after it.
    Raises: XmlRefused when too much stands beside the records.
    """
    parent = element.getparent()
    element.clear(keep_tail=True)
    if parent is None:
        return
    count = 0
    while (first := parent[0]) is not element:
        count += 1
        if count > KEPT_BESIDE_MAX:
            raise XmlRefused(TOO_LARGE, "too much stands beside the records")
        yield first
        parent.remove(first)
