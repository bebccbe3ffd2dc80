"""What routes of acts share: bytes in base64, the signature that a body carries, the act that is prepared."""

import binascii
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any, Protocol

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import FieldFault
from kapital.platform.acts.form import LANGUAGE, Act, SignedAct
from kapital.platform.acts.problems import SignatureUnreadable
from kapital.platform.signatures.policy import SIGNATURE_BYTES_MAX


class _CarriedSignature(Protocol):
    """`SignedAct` of the contracts."""

    made_at: datetime
    signature: str


def base64_bytes(text: str, pointer: str) -> bytes:
    """The bytes of base64 as RFC 4648 writes it. Raises: SignatureUnreadable with the field's pointer."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureUnreadable(
            facts={"reason": "not_base64"}, errors=[FieldFault(pointer, "not base64")]
        ) from None


def signed_act(carried: _CarriedSignature | None) -> SignedAct | None:
    """The signature of a body, if it carries one. Raises: SignatureUnreadable."""
    if carried is None:
        return None
    # Means of signature break the lines of base64 (the КриптоПро plug-in after 64 characters).
    signature = base64_bytes("".join(carried.signature.split()), "/act/signature")
    if len(signature) > SIGNATURE_BYTES_MAX:
        raise SignatureUnreadable(facts={"reason": "too_large"})
    return SignedAct(made_at=carried.made_at.astimezone(UTC), signature=signature)


def prepared(act: Act) -> dict[str, Any]:
    """The fields of `PreparedAct` of the contracts."""
    content = act.to_sign()
    return {
        "kind": act.wording.kind,
        "act": b64encode(content).decode(),
        "act_sha256": sha256_hex(content),
        "text": act.wording.text,
        "text_sha256": sha256_hex(act.wording.text.encode()),
        "language": LANGUAGE,
        "made_at": act.made_at,
    }
