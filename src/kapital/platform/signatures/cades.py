"""Making a detached CAdES-BES signature with any means that signs bytes, and adding a time-stamp to it (CAdES-T).

Law: RFC 5652, RFC 5126, RFC 5035; signature identifiers of RFC 9548 for GOST.
"""

from collections.abc import Callable
from datetime import datetime

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import SHA_256, SignatureAlgorithm
from kapital.platform.signatures.certificates import certificate
from kapital.platform.signatures.cms import (
    CONTENT_TYPE,
    DATA,
    MESSAGE_DIGEST,
    SIGNATURE_TIME_STAMP,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from kapital.platform.signatures.primitives import digest

_CONTEXT_0 = 0xA0
_CONTEXT_1 = 0xA1


def make_signature(
    content: bytes,
    *,
    sign: Callable[[bytes], bytes],
    algorithm: SignatureAlgorithm,
    certificates: tuple[bytes, ...],
    claimed_at: datetime | None = None,
    content_type: str = DATA,
    attached: bool = False,
) -> bytes:
    """A container with one signer.

    Shape: `sign` gets the signed attributes in DER and returns the signature over them; `certificates` (DER) starts
    with the signer's and goes into the container. `claimed_at` is left out if None. A token of RFC 3161 is
    `attached`.
    """
    signer = certificate(certificates[0])
    signed = [
        _attribute(CONTENT_TYPE, der.oid(content_type)),
        _attribute(MESSAGE_DIGEST, der.octets(digest(algorithm.digest, content))),
        _attribute(SIGNING_CERTIFICATE_V2, _binding(certificates[0], algorithm)),
    ]
    if claimed_at is not None:
        signed.append(_attribute(SIGNING_TIME, der.time(claimed_at)))
    attributes = der.set_of(signed)
    hashed = der.sequence(der.oid(algorithm.digest.oid))
    info = der.sequence(
        der.number(1),
        signer.issuer_and_serial,
        hashed,
        der.wrap(_CONTEXT_0, *sorted(signed)),
        der.sequence(der.oid(algorithm.oid)),
        der.octets(sign(attributes)),
    )
    inner = [der.oid(content_type)]
    if attached:
        inner.append(der.wrap(_CONTEXT_0, der.octets(content)))
    return _wrapped(
        der.sequence(
            der.number(1 if content_type == DATA else 3),
            der.set_of([hashed]),
            der.sequence(*inner),
            der.wrap(_CONTEXT_0, *sorted(certificates)),
            der.set_of([info]),
        )
    )


def add_time_stamp(signature: bytes, token: bytes) -> bytes:
    """The same signature with a token over its value as an unsigned attribute: CAdES-T. Raises: NotDer."""
    kind, wrapped = der.read(signature).items(der.SEQUENCE)
    *before, signers = wrapped.only(_CONTEXT_0).items(der.SEQUENCE)
    parts = [part.encoded for part in signers.only(der.SET).items(der.SEQUENCE)]
    parts.append(der.wrap(_CONTEXT_1, _attribute(SIGNATURE_TIME_STAMP, token)))
    body = der.sequence(*(part.encoded for part in before), der.set_of([der.sequence(*parts)]))
    return der.sequence(kind.encoded, der.wrap(_CONTEXT_0, body))


def _binding(encoded: bytes, algorithm: SignatureAlgorithm) -> bytes:
    signer = certificate(encoded)
    hashed = der.octets(digest(algorithm.digest, encoded))
    issuer = der.sequence(der.sequence(der.wrap(0xA4, signer.issuer)), der.number(signer.serial))
    # SHA-256 is the default and DER leaves defaults out (RFC 5035 3).
    named = b"" if algorithm.digest == SHA_256 else der.sequence(der.oid(algorithm.digest.oid))
    return der.sequence(der.sequence(der.sequence(named, hashed, issuer)))


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of([value]))


def _wrapped(body: bytes) -> bytes:
    return der.sequence(der.oid(SIGNED_DATA), der.wrap(_CONTEXT_0, body))
