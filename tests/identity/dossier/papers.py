"""Papers of people and firms that do not exist, and files that are or are not documents."""

import struct
import zlib
from datetime import date
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from kapital.demo.questionnaires import questionnaire_of
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.sandbox.people import PersonKind, synthetic_people

TODAY = date(2026, 3, 2)
ROOT = UUID(int=1)


def of_person(participant_id: UUID = ROOT, seed: int = 1, **changes: Any) -> Questionnaire:
    [someone] = synthetic_people(seed, 1)
    return replace(questionnaire_of(someone, participant_id, on=TODAY), **changes)


def of_firm(participant_id: UUID = ROOT, seed: int = 2, **changes: Any) -> Questionnaire:
    [someone] = synthetic_people(seed, 1, kinds=(PersonKind.LEGAL_ENTITY,))
    return replace(questionnaire_of(someone, participant_id, on=TODAY), **changes)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def png(width: int = 2, height: int = 2, *, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    picture = zlib.compress(b"\0\0\0" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", picture) + chunk(b"IEND", b"")


def jpeg(width: int = 2, height: int = 2) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (
        b"\xff\xd8"
        b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
        b"\xff\xc0"
        + struct.pack(">H", len(frame) + 2)
        + frame
        + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
        + b"\x12\x34\xff\xd9"
    )


def pdf(*objects: bytes, stream: bytes = b"BT ET", dictionary: bytes = b"/Filter /FlateDecode") -> bytes:
    packed = zlib.compress(stream) if b"Flate" in dictionary else stream
    body = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + b"".join(objects)
    body += b"9 0 obj\n<< /Length %d %s >>\nstream\n" % (len(packed), dictionary)
    return body + packed + b"\nendstream\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
