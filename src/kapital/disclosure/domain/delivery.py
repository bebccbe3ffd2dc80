"""How a document is delivered so that no browser runs it: media type, disposition, file name (RFC 6266)."""

import re
from typing import Final
from urllib.parse import quote

SHOWN_MEDIA_TYPES: Final = frozenset({"text/plain", "text/markdown", "application/json"})
"""Shown in the browser; all others are saved."""

OCTETS: Final = "application/octet-stream"
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_NOT_IN_NAMES: Final = re.compile(r"[\x00-\x1f\x7f/\\\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_IN_QUOTES: Final = re.compile(r"[^A-Za-z0-9 ._()+-]")


def safe_media_type(media_type: str) -> str:
    """The published media type without parameters; a malformed one becomes octets."""
    essence = media_type.split(";", 1)[0].strip().lower()
    return essence if _MEDIA_TYPE.fullmatch(essence) else OCTETS


def content_disposition(name: str, media_type: str) -> str:
    """Show plain texts, save all else, under the published name without anything that could leave its header."""
    kind = "inline" if safe_media_type(media_type) in SHOWN_MEDIA_TYPES else "attachment"
    clean = _NOT_IN_NAMES.sub("_", name).strip(" .") or "document"
    plain = _NOT_IN_QUOTES.sub("_", clean)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"
