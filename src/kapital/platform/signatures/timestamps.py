"""Time-stamps: the question to an authority, its answer, and the stamp inside a signature (CAdES-T).

Law: RFC 3161, RFC 5816; RFC 5126 6.1.1 (signature-time-stamp); 63-FZ art. 2 (14) (authority of a reliable time).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import DIGESTS, Digest
from kapital.platform.signatures.certificates import Certificate
from kapital.platform.signatures.cms import Refused, SignedContainer, check_signature, find_signer, read_container
from kapital.platform.signatures.outcome import Code
from kapital.platform.signatures.primitives import digest
from kapital.platform.signatures.problems import TimeStampUnavailable

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
PURPOSE: Final = "1.3.6.1.5.5.7.3.8"
TOKEN_BYTES_MAX: Final = 128 * 1024
_GRANTED: Final = (0, 1)
_EXTENSIONS: Final = 0xA1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What an authority states, its signature checked; the authority's certificate is not judged yet."""

    stamped_at: datetime
    policy: str
    nonce: int | None
    authority: Certificate
    container: SignedContainer


def read_stamp(token: bytes, stamped: bytes, *, certificates: tuple[bytes, ...] = ()) -> Stamp:
    """Read a token and check that it stamps exactly these bytes and holds in itself.

    `certificates`: where to look for the authority's, if the token does not bring it.
    Raises: Refused with `time_stamp_wrong`, or `time_stamp_untrusted` if the certificate is missing or the stamp has
    extensions.
    """
    try:
        if len(token) > TOKEN_BYTES_MAX:
            raise Refused(Code.TOO_LARGE)
        container = read_container(token)
        if container.content_type != TST_INFO or container.content is None or container.unsigned:
            raise Refused(Code.NOT_A_SIGNATURE, "not a TSTInfo")
        authority = find_signer(container, certificates)
        check_signature(container, container.content, authority, binding_by_sha1=True)
        stamped_at, policy, nonce = _info(container.content, stamped)
    except der.NotDer as error:
        raise Refused(Code.TIME_STAMP_WRONG, str(error)) from None
    except Refused as refused:
        left_open = refused.code in (Code.SIGNER_CERTIFICATE_MISSING, Code.PART_NOT_UNDERSTOOD)
        code = Code.TIME_STAMP_UNTRUSTED if left_open else Code.TIME_STAMP_WRONG
        raise Refused(code, f"{refused.code} {refused.about}".strip()) from None
    if authority.extended_key_usage != frozenset({PURPOSE}) or not authority.extended_key_usage_critical:
        # RFC 3161 2.3: for stamps alone, and said so critically.
        raise Refused(Code.TIME_STAMP_WRONG, "the certificate is not for time-stamps alone")
    return Stamp(stamped_at=stamped_at, policy=policy, nonce=nonce, authority=authority, container=container)


def _info(content: bytes, stamped: bytes) -> tuple[datetime, str, int | None]:
    version, policy, imprint, _serial, at, *rest = _at_least(der.read(content).items(der.SEQUENCE), 5)
    algorithm, hashed = _at_least(imprint.items(der.SEQUENCE), 2)[:2]
    named = DIGESTS.get(algorithm.items(der.SEQUENCE)[0].oid())
    if version.integer() != 1 or named is None:
        raise Refused(Code.ALGORITHM_NOT_ALLOWED, "hash of the time-stamp")
    if hashed.expect(der.OCTET_STRING).content != digest(named, stamped):
        raise Refused(Code.CONTENT_DIFFERS)
    if any(item.tag == _EXTENSIONS for item in rest):
        raise Refused(Code.PART_NOT_UNDERSTOOD, "extensions of the time-stamp")
    nonces = [item.integer() for item in rest if item.tag == der.INTEGER]
    return at.expect(der.GENERALIZED_TIME).instant(), policy.oid(), nonces[0] if nonces else None


def _at_least(parts: list[der.Value], count: int) -> list[der.Value]:
    if len(parts) < count:
        raise der.NotDer("a part is missing")
    return parts


@dataclass(frozen=True, slots=True)
class StampRequest:
    """A question to a time-stamping authority: its bytes, and the nonce that the answer must repeat."""

    encoded: bytes
    stamped: bytes
    nonce: int


def stamp_request(stamped: bytes, algorithm: Digest) -> StampRequest:
    """A question (TimeStampReq) for a stamp over these bytes; asks for the authority's certificate."""
    nonce = secrets.randbits(63)
    imprint = der.sequence(der.sequence(der.oid(algorithm.oid)), der.octets(digest(algorithm, stamped)))
    encoded = der.sequence(der.number(1), imprint, der.number(nonce), der.wrap(der.BOOLEAN, b"\xff"))
    return StampRequest(encoded, stamped, nonce)


def token_of(answer: bytes, request: StampRequest) -> bytes:
    """The token in an answer (TimeStampResp), checked against the question.

    Raises: TimeStampUnavailable (`reason`: `refused`, `unreadable`, `nonce_differs`, or a code of the stamp).
    """
    if len(answer) > TOKEN_BYTES_MAX:
        raise TimeStampUnavailable(facts={"reason": "too_large"})
    try:
        status, *rest = _at_least(der.read(answer).items(der.SEQUENCE), 1)
        granted = _at_least(status.items(der.SEQUENCE), 1)[0].integer() in _GRANTED
    except der.NotDer:
        raise TimeStampUnavailable(facts={"reason": "unreadable"}) from None
    if not granted or len(rest) != 1:
        raise TimeStampUnavailable(facts={"reason": "refused"})
    try:
        stamp = read_stamp(rest[0].encoded, request.stamped)
    except Refused as refused:
        raise TimeStampUnavailable(facts={"reason": str(refused.code), "about": refused.about}) from None
    if stamp.nonce != request.nonce:
        raise TimeStampUnavailable(facts={"reason": "nonce_differs"})
    return rest[0].encoded
