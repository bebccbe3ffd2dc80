"""The file of a signed act: what was signed, the text that was shown, and the bundle of the signature's check.

One file, one hash: it lies with the documents, and its hash stands in the order and in the ledger entry's basis.
"""

from typing import Final, Literal

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.platform.signatures.bundle import BUNDLE_BYTES_MAX, SignatureBundle
from kapital.platform.signatures.problems import SignatureBundleUnreadable

VERSION: Final = "kapital.signed-act.v1"


class SignedActFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape: `act` is the text under the signature (RFC 8785), `shown_text` what the person saw."""

    version: Literal["kapital.signed-act.v1"]
    act: str
    shown_text: str
    bundle: SignatureBundle

    def encoded(self) -> bytes:
        """The canonical bytes, whose hash is the file's name."""
        return canonical_bytes(self)


def read_signed_act(source: bytes) -> SignedActFile:
    """Read a file; the act must be the bundle's content, and name the hash of the text.

    Raises: SignatureBundleUnreadable (`too_large`, `form`, `not_canonical`, `act_differs`, `text_differs`).
    """
    if len(source) > BUNDLE_BYTES_MAX:
        raise SignatureBundleUnreadable(facts={"reason": "too_large", "limit": BUNDLE_BYTES_MAX})
    try:
        file = msgspec.json.decode(source, type=SignedActFile)
        shown = msgspec.json.decode(file.act)["shown_text"]["sha256"]
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError):
        raise SignatureBundleUnreadable(facts={"reason": "form"}) from None
    if file.encoded() != source:
        raise SignatureBundleUnreadable(facts={"reason": "not_canonical"})
    if file.bundle.content_sha256 != sha256_hex(file.act.encode()):
        raise SignatureBundleUnreadable(facts={"reason": "act_differs"})
    if shown != sha256_hex(file.shown_text.encode()):
        raise SignatureBundleUnreadable(facts={"reason": "text_differs"})
    return file
