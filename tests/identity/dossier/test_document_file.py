"""What is taken for a document by its bytes, and what is refused: archives, programs, bombs."""

import io
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.identity.domain.document_file import (
    DOCUMENT_BYTES_MAX,
    PIXELS_MAX,
    UNPACKED_BYTES_MAX,
    media_type_of,
)
from kapital.identity.domain.kyc_problems import (
    DocumentActive,
    DocumentBomb,
    DocumentEncrypted,
    DocumentIsArchive,
    DocumentTooLarge,
    DocumentTypeRefused,
    DocumentUnreadable,
)
from kapital.kernel.problems import Problem
from tests.identity.dossier.papers import chunk, jpeg, pdf, png


def archive(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, b"0" * 1_000)
    return file.getvalue()


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b"\0" * 2**20) for _ in range(megabytes)) + packer.flush()


def raw_stream(packed: bytes, dictionary: bytes = b"/Filter /FlateDecode") -> bytes:
    return b"5 0 obj\n<< %s >>\nstream\n" % dictionary + packed + b"\nendstream\nendobj\n"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (png(), "image/png"),
        (jpeg(), "image/jpeg"),
        (pdf(), "application/pdf"),
        (pdf(dictionary=b""), "application/pdf"),
        (pdf(b"2 0 obj\n<< /Title (JavaScript, Launch) /JSON 1 >>\nendobj\n"), "application/pdf"),
        # Packed bytes may look like anything.
        (pdf(stream=b"/JS", dictionary=b"/Filter /DCTDecode /Width 2 /Height 2"), "application/pdf"),
        (png(extra=chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"scan"))), "image/png"),
    ],
)
def test_documents_are_known_by_their_bytes(content, media_type):
    assert media_type_of(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        archive("a.txt"),
        archive("[Content_Types].xml"),
        archive("word/vbaProject.bin"),
        b"Rar!\x1a\x07\x00",
        b"7z\xbc\xaf\x27\x1c\x00",
        b"\x1f\x8b\x08\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        b"\0" * 257 + b"ustar" + b"\0" * 300,
        jpeg() + archive("hidden.exe"),
        png() + archive("hidden.exe"),
    ],
)
def test_archives_are_refused_also_behind_a_picture(content):
    with pytest.raises(DocumentIsArchive):
        media_type_of(content)


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00", b"<html>", b" %PDF-1.7", b"GIF89a", "паспорт".encode()])
def test_other_files_are_refused_whatever_they_are_called(content):
    with pytest.raises(DocumentTypeRefused):
        media_type_of(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png()[:-12], "png_ends_early"),
        (png()[:46], "png_chunk_too_long"),
        (png()[:30] + b"\xff" + png()[31:], "png_checksum"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "png_header"),
        (png(0, 2), "picture_without_size"),
        (jpeg()[:-2], "jpeg_incomplete"),
        (b"\xff\xd8\xff\xe0\xff\xff", "jpeg_segment"),
        (b"\xff\xd8\xff\xe0\x00\x02\x00\x00\x00\x00", "jpeg_marker"),
        (b"\xff\xd8\xff\xc0\x00\x04\x00\x00\xff\xd9", "jpeg_frame"),
        (pdf()[:-6], "pdf_ends_early"),
        (b"%PDF-1.7\nstream\nxxx\n%%EOF", "pdf_stream_without_end"),
    ],
)
def test_damaged_documents_are_refused(content, reason):
    with pytest.raises(DocumentUnreadable) as refused:
        media_type_of(content)

    assert refused.value.facts == {"reason": reason}


@pytest.mark.parametrize(
    "content",
    [
        pdf(b"2 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj\n"),
        pdf(b"2 0 obj\n<< /S /J#61vaScript >>\nendobj\n"),
        pdf(b"2 0 obj\n<< /S /Launch /F (cmd.exe) >>\nendobj\n"),
        pdf(b"2 0 obj\n<< /Names << /EmbeddedFiles 3 0 R >> >>\nendobj\n"),
        pdf(stream=b"7 0 << /S /JavaScript /JS 8 0 R >>", dictionary=b"/Type /ObjStm /N 1 /Filter /FlateDecode"),
        pdf(stream=b"7 0 << /S /JavaScript >>", dictionary=b"/Type /ObjStm /N 1"),
    ],
)
def test_documents_that_would_do_something_are_refused(content):
    with pytest.raises(DocumentActive):
        media_type_of(content)


@pytest.mark.parametrize(
    "content",
    [
        pdf(b"2 0 obj\n<< /Filter /Standard /V 5 >>\nendobj\n").replace(b"/Root", b"/Encrypt 2 0 R /Root"),
        pdf(dictionary=b"/Filter /Crypt"),
    ],
)
def test_documents_under_a_password_are_refused(content):
    with pytest.raises(DocumentEncrypted):
        media_type_of(content)


@pytest.mark.parametrize(
    ("content", "measure"),
    [
        (png(100_000, 100_000), "pixels"),
        (jpeg(65_535, 65_535), "pixels"),
        (png(extra=chunk(b"zTXt", b"Comment\0\0" + bomb(20))), "unpacked_bytes"),
        (png(extra=chunk(b"iTXt", b"Comment\0\x01\0ru\0k\0" + bomb(20))), "unpacked_bytes"),
        (png(extra=chunk(b"iCCP", b"profile\0\0" + bomb(20))), "unpacked_bytes"),
        (pdf(raw_stream(bomb(101))), "unpacked_bytes"),
        (pdf(*(raw_stream(bomb(30)) for _ in range(4))), "unpacked_bytes"),
        (pdf(raw_stream(bomb(1), b"/Filter [/FlateDecode /FlateDecode]")), "filters_of_a_stream"),
        (pdf(raw_stream(bomb(1), b"/Filter [/Fl#61teDecode /FlateDecode]")), "filters_of_a_stream"),
        (pdf(raw_stream(b"x", b"/Filter /LZWDecode")), "lzw_streams"),
        (pdf(raw_stream(b"x", b"/Subtype /Image /Width 100000 /Height 100000 /Filter /JPXDecode")), "pixels"),
    ],
)
def test_bombs_are_refused(content, measure):
    with pytest.raises(DocumentBomb) as refused:
        media_type_of(content)

    assert refused.value.facts["measure"] == measure


def test_a_bomb_is_refused_without_unpacking_it():
    content = pdf(raw_stream(bomb(2_000)))
    tracemalloc.start()

    with pytest.raises(DocumentBomb):
        media_type_of(content)

    assert tracemalloc.get_traced_memory()[1] < 3 * UNPACKED_BYTES_MAX
    tracemalloc.stop()


def test_what_is_too_large_is_refused_before_it_is_looked_at():
    with pytest.raises(DocumentTooLarge) as refused:
        media_type_of(pdf() + b"\0" * DOCUMENT_BYTES_MAX)

    assert refused.value.facts["bytes_max"] == DOCUMENT_BYTES_MAX


@given(start=st.sampled_from([png(), jpeg(), pdf()]), cut=st.integers(0, 200), junk=st.binary(max_size=200))
def test_whatever_follows_a_document_is_taken_or_refused_with_a_code(start, cut, junk):
    content = start[: min(cut, len(start))] + junk

    try:
        told = media_type_of(content)
    except Problem as problem:
        told = problem.code

    assert told in {"image/png", "image/jpeg", "application/pdf"} or told.startswith("document_")


def test_the_largest_scan_of_a_sheet_is_taken():
    side = int(PIXELS_MAX**0.5)

    assert media_type_of(png(side, side)) == "image/png"
