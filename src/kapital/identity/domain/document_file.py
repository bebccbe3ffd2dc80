"""What a document is by its bytes, and what is refused: archives, programs, bombs.

Nothing is believed of a name or a stated type. Bounds are looked at before anything is unpacked.
"""

import re
import struct
import zlib
from typing import Final

from kapital.identity.domain.kyc_problems import (
    DocumentActive,
    DocumentBomb,
    DocumentEncrypted,
    DocumentIsArchive,
    DocumentTooLarge,
    DocumentTypeRefused,
    DocumentUnreadable,
)

DOCUMENT_BYTES_MAX: Final = 10 * 1024 * 1024
PIXELS_MAX: Final = 100_000_000
"""A sheet A3 at 600 dpi has 70 million."""
UNPACKED_BYTES_MAX: Final = 100 * 1024 * 1024
PDF_STREAMS_MAX: Final = 20_000

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"

_ARCHIVES: Final = (
    b"PK\x03\x04",  # zip, and office files, which are zip
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\x04\x22\x4d\x18",  # lz4
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # OLE: office files of before, with their macros
)
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS_PACKED: Final = (b"zTXt", b"iTXt", b"iCCP")
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_PDF_HEAD: Final = re.compile(rb"%PDF-[12]\.[0-9]")
_PDF_NAME_ESCAPE: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_ACTIVE: Final = re.compile(
    rb"/(JavaScript|JS|Launch|EmbeddedFiles?|Filespec|RichMedia|XFA|SubmitForm|ImportData|GoToE)(?![A-Za-z0-9])"
)
_PDF_ENCRYPTED: Final = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_PDF_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_PDF_PACKED: Final = re.compile(rb"/(FlateDecode|Fl|LZWDecode|LZW|RunLengthDecode|RL|Crypt)(?![A-Za-z0-9])")
_PDF_SIDE: Final = re.compile(rb"/(Width|Height)\s+([0-9]{1,10})")
_PDF_DICTIONARY_MAX: Final = 8_192
"""How far before a stream its dictionary is looked for."""


def media_type_of(content: bytes) -> str:
    """The media type of a document that is taken: PDF, JPEG or PNG.

    Promise: memory and time are bounded by the size of the file and by UNPACKED_BYTES_MAX.
    Raises: DocumentTooLarge, DocumentIsArchive, DocumentTypeRefused, DocumentUnreadable, DocumentEncrypted,
    DocumentActive, DocumentBomb.
    Not: a check for malware – that is the scanner's – nor that the document shows what it is said to be.
    """
    if len(content) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(facts={"bytes": len(content), "bytes_max": DOCUMENT_BYTES_MAX})
    if content.startswith(_ARCHIVES) or content[257:262] == b"ustar":
        raise DocumentIsArchive
    if content.startswith(_PNG_SIGNATURE):
        _require_sound_png(content)
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        _require_sound_jpeg(content)
        return JPEG
    if _PDF_HEAD.match(content):
        _require_sound_pdf(content)
        return PDF
    raise DocumentTypeRefused


def _require_sound_png(content: bytes) -> None:
    at, first = len(_PNG_SIGNATURE), True
    while True:
        if at + 12 > len(content):
            raise DocumentUnreadable(facts={"reason": "png_ends_early"})
        length, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        if at + 12 + length > len(content):
            raise DocumentUnreadable(facts={"reason": "png_chunk_too_long"})
        if struct.unpack_from(">I", content, at + 8 + length)[0] != zlib.crc32(body, zlib.crc32(kind)):
            raise DocumentUnreadable(facts={"reason": "png_checksum"})
        if first != (kind == b"IHDR") or (first and length != 13):
            raise DocumentUnreadable(facts={"reason": "png_header"})
        if first:
            _require_pixels(*struct.unpack_from(">II", body))
            first = False
        if kind in _PNG_CHUNKS_PACKED:
            _unpack(body[_packed_at(kind, body) :], UNPACKED_BYTES_MAX // 10)
        at += 12 + length
        if kind == b"IEND":
            break
    _require_nothing_behind(content[at:])


def _packed_at(kind: bytes, body: bytes) -> int:
    """Where the packed part of an ancillary chunk begins; at its end when it has none."""
    end = body.find(b"\0")
    if kind == b"iTXt":
        if end < 0 or body[end + 1 : end + 2] != b"\x01":
            return len(body)
        language_end = body.find(b"\0", end + 3)
        keyword_end = body.find(b"\0", language_end + 1) if language_end >= 0 else -1
        return keyword_end + 1 if keyword_end >= 0 else len(body)
    return end + 2 if end >= 0 else len(body)


def _require_sound_jpeg(content: bytes) -> None:
    at, framed = 2, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise DocumentUnreadable(facts={"reason": "jpeg_marker"})
        marker = content[at + 1]
        if marker == 0xFF or marker in _JPEG_ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack_from(">H", content, at + 2)[0]
        if length < 2 or at + 2 + length > len(content):
            raise DocumentUnreadable(facts={"reason": "jpeg_segment"})
        if marker in _JPEG_FRAMES:
            if length < 8:
                raise DocumentUnreadable(facts={"reason": "jpeg_frame"})
            height, width = struct.unpack_from(">HH", content, at + 5)
            _require_pixels(width, height)
            framed = True
        if marker == 0xDA:  # the picture itself
            break
        at += 2 + length
    # Inside the picture an FF is followed by 00: the first end mark behind its start is the end.
    end = content.find(b"\xff\xd9", at)
    if not framed or end < 0:
        raise DocumentUnreadable(facts={"reason": "jpeg_incomplete"})
    _require_nothing_behind(content[end + 2 :])


def _require_pixels(width: int, height: int) -> None:
    if width == 0 or height == 0:
        raise DocumentUnreadable(facts={"reason": "picture_without_size"})
    if width * height > PIXELS_MAX:
        raise DocumentBomb(facts={"measure": "pixels", "limit": PIXELS_MAX})


def _require_nothing_behind(rest: bytes) -> None:
    """A picture with an archive behind it is two files in one."""
    if rest.strip(b"\0\r\n\t ") and any(mark in rest for mark in _ARCHIVES[:6]):
        raise DocumentIsArchive


def _require_sound_pdf(content: bytes) -> None:
    if b"%%EOF" not in content[-2048:]:
        raise DocumentUnreadable(facts={"reason": "pdf_ends_early"})
    left, at, count = UNPACKED_BYTES_MAX, 0, 0
    while (found := _PDF_STREAM.search(content, at)) is not None:
        end = content.find(b"endstream", found.end())
        if end < 0:
            raise DocumentUnreadable(facts={"reason": "pdf_stream_without_end"})
        outside = content[at : found.start()]
        # What is written plainly stands outside of streams; inside, packed bytes may look like anything.
        _require_calm(outside)
        dictionary = outside[max(outside.rfind(b" obj"), len(outside) - _PDF_DICTIONARY_MAX, 0) :]
        left -= _require_sound_stream(_plain_names(dictionary), content[found.end() : end], left)
        at, count = end, count + 1
        if count > PDF_STREAMS_MAX:
            raise DocumentBomb(facts={"measure": "streams", "limit": PDF_STREAMS_MAX})
    _require_calm(content[at:])


def _require_sound_stream(names: bytes, packed: bytes, left: int) -> int:
    """Look into one stream, its dictionary given; return how many bytes it unpacked to."""
    sides = dict(_PDF_SIDE.findall(names))
    if b"Width" in sides and b"Height" in sides:
        _require_pixels(int(sides[b"Width"]), int(sides[b"Height"]))
    filters = _PDF_PACKED.findall(names)
    if any(name in (b"LZW", b"LZWDecode") for name in filters):
        raise DocumentBomb(facts={"measure": "lzw_streams", "limit": 0})
    if b"Crypt" in filters:
        raise DocumentEncrypted
    if len(filters) > 1:
        raise DocumentBomb(facts={"measure": "filters_of_a_stream", "limit": 1})
    plain = _unpack(packed, left) if filters and filters[0] in (b"FlateDecode", b"Fl") else packed
    # Objects may stand inside a stream: what they would do counts as well.
    if b"/ObjStm" in names:
        _require_calm(plain)
    return len(plain)


def _require_calm(content: bytes) -> None:
    names = _plain_names(content)
    if _PDF_ENCRYPTED.search(names):
        raise DocumentEncrypted
    if (active := _PDF_ACTIVE.search(names)) is not None:
        raise DocumentActive(facts={"part": active[1].decode("ascii")})


def _plain_names(content: bytes) -> bytes:
    """The bytes with `#4a` in names read as the letter that it is."""
    if b"#" not in content:
        return content
    return _PDF_NAME_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), content)


def _unpack(packed: bytes, left: int) -> bytes:
    """Unpack at most `left` bytes. A stream that breaks off is taken as far as it goes: readers do the same."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, left + 1)
    except zlib.error:
        return b""
    if len(unpacked) > left:
        raise DocumentBomb(facts={"measure": "unpacked_bytes", "limit": UNPACKED_BYTES_MAX})
    return unpacked
