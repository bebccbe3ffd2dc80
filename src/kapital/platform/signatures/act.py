"""What a person signs: an act, bound to the text that the person saw."""

from typing import Final

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import ensure

VERSION: Final = "kapital.act-to-sign.v1"
"""A change of form is a new version beside this one: what was signed must stay verifiable."""


def act_to_sign(kind: str, act: object, *, shown_text: str, language: str) -> bytes:
    """The bytes that a person's signature covers: RFC 8785 of the act with the hash of the text shown.

    Shape: `kind` names the act («subscription_order»); `act` is what the service carries out, in a form that
    `canonical_bytes` takes; `shown_text` is exactly what stood on the screen (its UTF-8 is hashed, nothing is
    trimmed); `language` is `ru` or `en`.
    Promise: two different acts, kinds or texts never give the same bytes.
    Law: 63-FZ art. 12 part 2 (the means of signature shows the content that is signed); RFC 8785.
    Raises: ValueNotCanonical.
    """
    ensure(bool(kind) and language in ("ru", "en"), "an act has a kind and a language")
    return canonical_bytes(
        {
            "version": VERSION,
            "kind": kind,
            "act": act,
            "shown_text": {"language": language, "sha256": sha256_hex(shown_text.encode())},
        }
    )
