"""Reading a CMS SignedData container with one signer, and checking what needs no certificate chain.

Read strictly: definite lengths, exact versions, nothing left over. What is not signed itself – versions, the list of
hashes, unsigned attributes – is held to the one form it may have, so that no byte can be changed unnoticed.

Law: RFC 5652; RFC 5126 and ETSI EN 319 122-1 (CAdES); RFC 5035 (signing-certificate-v2); RFC 9548 (GOST).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import DIGESTS, SHA_256, Digest, SignatureAlgorithm, in_cms
from kapital.platform.signatures.certificates import Certificate, CertificateUnreadable, certificate
from kapital.platform.signatures.outcome import Code
from kapital.platform.signatures.primitives import Content, KeyRefused, digest, public_key

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
DATA: Final = "1.2.840.113549.1.7.1"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"

CERTIFICATES_MAX: Final = 16
ATTRIBUTES_MAX: Final = 32
_CONTAINERS_KEPT: Final = 256
_CONTEXT_0: Final = 0xA0
_CONTEXT_1: Final = 0xA1
_KEY_IDENTIFIER: Final = 0x80
_DIRECTORY_NAME: Final = 0xA4
_NO_PARAMETERS: Final = (b"", b"\x05\x00")


class Refused(Exception):
    """The container is refused for a reason of the table. `about` says where."""

    def __init__(self, code: Code, about: str = "") -> None:
        super().__init__(code, about)
        self.code, self.about = code, about


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContainer:
    """A container as read; nothing in it has been checked yet. `unsigned` maps identifiers to their one value."""

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    signer: bytes
    digest: Digest
    algorithm: SignatureAlgorithm
    signed: dict[str, bytes]
    signed_bytes: bytes
    signature: bytes
    unsigned: dict[str, bytes]


@lru_cache(maxsize=_CONTAINERS_KEPT)
def read_container(source: bytes) -> SignedContainer:
    """Read a container; the last few are kept, for an act opens one and checks it soon after.

    Raises: Refused (`not_a_signature`, `signers_not_one`, `part_not_understood`, …).
    """
    try:
        return _container(source)
    except der.NotDer as error:
        raise Refused(Code.NOT_A_SIGNATURE, str(error)) from None


def _container(source: bytes) -> SignedContainer:
    kind, body = _exactly(der.read(source).items(der.SEQUENCE), 2)
    if kind.oid() != SIGNED_DATA:
        raise Refused(Code.NOT_A_SIGNATURE, "not SignedData")
    parts = body.only(_CONTEXT_0).items(der.SEQUENCE)
    if len(parts) < 4:
        raise der.NotDer("SignedData is cut short")
    version, digests, inner, *optional, signers = parts
    certificates: tuple[bytes, ...] = ()
    if optional and optional[0].tag == _CONTEXT_0:
        certificates = tuple(item.encoded for item in optional.pop(0).items(_CONTEXT_0))
    if optional:
        raise Refused(Code.PART_NOT_UNDERSTOOD, "revocation lists inside the container")
    if len(certificates) > CERTIFICATES_MAX or len(set(certificates)) != len(certificates):
        raise Refused(
            Code.TOO_LARGE if len(certificates) > CERTIFICATES_MAX else Code.NOT_A_SIGNATURE, "certificates"
        )
    found = signers.items(der.SET)
    if len(found) != 1:
        raise Refused(Code.SIGNERS_NOT_ONE, str(len(found)))
    content_type, content = _inner(inner.items(der.SEQUENCE))
    signer = _Signer.read(found[0])
    by_key = signer.identifier[0] == _KEY_IDENTIFIER
    if version.integer() != (3 if by_key or content_type != DATA else 1):
        raise Refused(Code.NOT_A_SIGNATURE, "version of SignedData")
    if [_algorithm(item) for item in digests.items(der.SET)] != [signer.digest]:
        raise Refused(Code.NOT_A_SIGNATURE, "list of hashes")
    chosen = DIGESTS.get(signer.digest)
    algorithm = in_cms(signer.algorithm, chosen) if chosen else None
    if chosen is None or algorithm is None:
        raise Refused(Code.ALGORITHM_NOT_ALLOWED, f"{signer.algorithm} with {signer.digest}")
    return SignedContainer(
        content_type=content_type,
        content=content,
        certificates=certificates,
        signer=signer.identifier,
        digest=chosen,
        algorithm=algorithm,
        signed=signer.signed,
        signed_bytes=signer.signed_bytes,
        signature=signer.signature,
        unsigned=signer.unsigned,
    )


def _inner(parts: list[der.Value]) -> tuple[str, bytes | None]:
    if len(parts) == 1:
        return parts[0].oid(), None
    kind, wrapped = _exactly(parts, 2)
    return kind.oid(), wrapped.only(_CONTEXT_0).expect(der.OCTET_STRING).content


@dataclass(slots=True)
class _Signer:
    identifier: bytes
    digest: str
    signed: dict[str, bytes]
    signed_bytes: bytes
    algorithm: str
    signature: bytes
    unsigned: dict[str, bytes]

    @classmethod
    def read(cls, value: der.Value) -> "_Signer":
        parts = value.items(der.SEQUENCE)
        if len(parts) not in (5, 6, 7):
            raise der.NotDer("SignerInfo has a wrong number of parts")
        if parts[3].tag != _CONTEXT_0:
            raise Refused(Code.ATTRIBUTES_MISSING, "no signed attributes")
        unsigned = parts.pop() if parts[-1].tag == _CONTEXT_1 else None
        version, identifier, digest_algorithm, signed, algorithm, signature = _exactly(parts, 6)
        if identifier.tag not in (der.SEQUENCE, _KEY_IDENTIFIER):
            raise der.NotDer("signer is named in an unknown way")
        if version.integer() != (3 if identifier.tag == _KEY_IDENTIFIER else 1):
            raise Refused(Code.NOT_A_SIGNATURE, "version of SignerInfo")
        return cls(
            identifier=identifier.encoded,
            digest=_algorithm(digest_algorithm),
            signed=_attributes(signed, _CONTEXT_0),
            # RFC 5652 5.4: what is signed carries the tag of a SET in place of [0].
            signed_bytes=b"\x31" + signed.encoded[1:],
            algorithm=_algorithm(algorithm),
            signature=signature.expect(der.OCTET_STRING).content,
            unsigned=_attributes(unsigned, _CONTEXT_1) if unsigned else {},
        )


def _attributes(value: der.Value, tag: int) -> dict[str, bytes]:
    """Identifier → its one value. Two of one kind, or several values, would leave open which one counts."""
    found: dict[str, bytes] = {}
    items = value.items(tag)
    if len(items) > ATTRIBUTES_MAX:
        raise Refused(Code.TOO_LARGE, "attributes")
    for item in items:
        kind, values = _exactly(item.items(der.SEQUENCE), 2)
        name = kind.oid()
        inside = values.items(der.SET)
        if name in found or len(inside) != 1:
            raise Refused(Code.ATTRIBUTES_MISSING, f"{name} must stand once with one value")
        found[name] = inside[0].encoded
    return found


def _algorithm(value: der.Value) -> str:
    name, *parameters = value.items(der.SEQUENCE)
    if b"".join(p.encoded for p in parameters) not in _NO_PARAMETERS:
        raise Refused(Code.ALGORITHM_NOT_ALLOWED, "parameters of an algorithm")
    return name.oid()


def _exactly(parts: list[der.Value], count: int) -> list[der.Value]:
    if len(parts) != count:
        raise der.NotDer(f"{len(parts)} values where {count} are due")
    return parts


def claimed_time(container: SignedContainer) -> datetime | None:
    """The signer's own word on the time, if given. Raises: Refused."""
    if (value := container.signed.get(SIGNING_TIME)) is None:
        return None
    try:
        return der.read(value).instant()
    except der.NotDer as error:
        raise Refused(Code.NOT_A_SIGNATURE, f"signing time: {error}") from None


def find_signer(container: SignedContainer, others: tuple[bytes, ...] = ()) -> Certificate:
    """The signer's certificate, out of the container or the others given.

    Raises: Refused (`certificate_unreadable`, `signer_certificate_missing`).
    """
    try:
        embedded = [certificate(encoded) for encoded in container.certificates]
    except CertificateUnreadable as error:
        raise Refused(Code.CERTIFICATE_UNREADABLE, str(error)) from None
    for encoded in others:
        try:
            embedded.append(certificate(encoded))
        except CertificateUnreadable:
            continue  # Beside the signature, so not part of it: it only cannot help.
    for found in embedded:
        if container.signer == found.issuer_and_serial:
            return found
        if found.key_identifier is not None and container.signer == der.wrap(_KEY_IDENTIFIER, found.key_identifier):
            return found
    raise Refused(Code.SIGNER_CERTIFICATE_MISSING)


def check_signature(
    container: SignedContainer, content: Content, signer: Certificate, *, binding_by_sha1: bool = False
) -> None:
    """Check content, binding to the certificate, and the signature itself; pass or raise.

    `binding_by_sha1` also takes signing-certificate of RFC 2634, which time-stamping authorities still write.
    Raises: Refused (`content_differs`, `attributes_missing`, `certificate_substituted`, `signature_wrong`, …),
    GostEngineMissing.
    """
    try:
        _check_attributes(container, content)
        _check_binding(container.signed, signer, binding_by_sha1)
    except der.NotDer as error:
        raise Refused(Code.NOT_A_SIGNATURE, str(error)) from None
    try:
        key = public_key(signer.spki)
    except KeyRefused as error:
        raise Refused(Code(str(error)), signer.about) from None
    if not key.verifies(container.algorithm, container.signature, container.signed_bytes):
        raise Refused(Code.SIGNATURE_WRONG)


def _check_attributes(container: SignedContainer, content: Content) -> None:
    signed = container.signed
    if CONTENT_TYPE not in signed or MESSAGE_DIGEST not in signed:
        raise Refused(Code.ATTRIBUTES_MISSING, "content type or message digest")
    if der.read(signed[CONTENT_TYPE]).oid() != container.content_type:
        raise Refused(Code.CONTENT_DIFFERS, "content type")
    if container.content is not None and memoryview(content) != container.content:
        raise Refused(Code.CONTENT_DIFFERS, "content inside the container")
    if der.read(signed[MESSAGE_DIGEST]).expect(der.OCTET_STRING).content != digest(container.digest, content):
        raise Refused(Code.CONTENT_DIFFERS)


def _check_binding(signed: dict[str, bytes], signer: Certificate, by_sha1: bool) -> None:
    if SIGNING_CERTIFICATE_V2 in signed:
        first = _first_identifier(signed[SIGNING_CERTIFICATE_V2])
        algorithm = SHA_256
        if first and first[0].tag == der.SEQUENCE:
            named = DIGESTS.get(_algorithm(first.pop(0)))
            if named is None:
                raise Refused(Code.ALGORITHM_NOT_ALLOWED, "signing-certificate-v2")
            algorithm = named
        expected = bytes.fromhex(signer.sha256) if algorithm is SHA_256 else digest(algorithm, signer.encoded)
    elif by_sha1 and SIGNING_CERTIFICATE in signed:
        first = _first_identifier(signed[SIGNING_CERTIFICATE])
        # RFC 2634 knows no other hash; it binds an authority that the roots vouch for, it does not sign.
        expected = hashlib.sha1(signer.encoded, usedforsecurity=False).digest()
    else:
        raise Refused(Code.ATTRIBUTES_MISSING, "signing-certificate-v2")
    if len(first) not in (1, 2) or first[0].expect(der.OCTET_STRING).content != expected:
        raise Refused(Code.CERTIFICATE_SUBSTITUTED)
    if len(first) == 2:
        names, serial = _exactly(first[1].items(der.SEQUENCE), 2)
        issuer = names.only(der.SEQUENCE).only(_DIRECTORY_NAME).encoded
        if (issuer, serial.integer()) != (signer.issuer, signer.serial):
            raise Refused(Code.CERTIFICATE_SUBSTITUTED, "issuer and serial number")


def _first_identifier(attribute: bytes) -> list[der.Value]:
    parts = der.read(attribute).items(der.SEQUENCE)
    identifiers = parts[0].items(der.SEQUENCE) if parts else []
    if not identifiers:
        raise Refused(Code.ATTRIBUTES_MISSING, "signing-certificate is empty")
    return identifiers[0].items(der.SEQUENCE)
