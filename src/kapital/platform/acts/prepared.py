"""A prepared act as its preparing returned it, read again where a person signs: whole, and with the text it names."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import Family, Problem, Retry
from kapital.platform.signatures.act import VERSION

PREPARED_BYTES_MAX: Final = 4 * 1024 * 1024


class PreparedActUnreadable(Problem):
    """What is given as a prepared act is none, or its parts are not of one act. Facts: `reason`."""

    code = "prepared_act_unreadable"
    title = "The prepared act cannot be read, or was altered"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class _Wire(msgspec.Struct, frozen=True):
    """`PreparedAct` of the contracts; fields that are not known here pass."""

    kind: str
    act: str
    act_sha256: str
    text: str
    text_sha256: str
    language: str
    made_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAct:
    """`content` are the bytes to sign, `text` what the person must read before, `made_at` goes back with them."""

    content: bytes
    text: str
    made_at: str


def read_prepared(source: bytes) -> ReadAct:
    """Read the answer of `POST /v1/…/acts`. Promise: `text` is the text whose hash stands under the signature.

    Raises: PreparedActUnreadable (`too_large`, `form`, `act_differs`, `text_differs`, `envelope_differs`).
    """
    if len(source) > PREPARED_BYTES_MAX:
        raise _unreadable("too_large")
    try:
        wire = msgspec.json.decode(source, type=_Wire)
        content = b64decode(wire.act, validate=True)
        envelope: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        datetime.fromisoformat(wire.made_at)
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError):
        raise _unreadable("form") from None
    if sha256_hex(content) != wire.act_sha256:
        raise _unreadable("act_differs")
    if sha256_hex(wire.text.encode()) != wire.text_sha256:
        raise _unreadable("text_differs")
    act = envelope.get("act")
    said = {"version": VERSION, "kind": wire.kind, "act": act} | {
        "shown_text": {"language": wire.language, "sha256": wire.text_sha256}
    }
    if envelope != said or not isinstance(act, dict) or act.get("made_at") != wire.made_at:
        raise _unreadable("envelope_differs")
    return ReadAct(content=content, text=wire.text, made_at=wire.made_at)


def _unreadable(reason: str) -> PreparedActUnreadable:
    return PreparedActUnreadable(facts={"reason": reason})
