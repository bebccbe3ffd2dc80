"""The DER of certificates, revocation lists and OCSP answers. `cryptography` writes them too, but not with GOST keys.

Law: RFC 5280, RFC 6960; RFC 9215 (GOST in certificates).
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import KeyKind, SignatureAlgorithm

KEY_USAGE_BITS: Final = {
    "digital_signature": 0,
    "content_commitment": 1,
    "key_encipherment": 2,
    "key_cert_sign": 5,
    "crl_sign": 6,
}
SHA1: Final = "1.3.14.3.2.26"
_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_KEY_USAGE: Final = "2.5.29.15"
_EXTENDED_KEY_USAGE: Final = "2.5.29.37"
_POLICIES: Final = "2.5.29.32"
_SUBJECT_KEY: Final = "2.5.29.14"
_AUTHORITY_KEY: Final = "2.5.29.35"
_CRL_NUMBER: Final = "2.5.29.20"
_AUTHORITY_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
_OCSP: Final = "1.3.6.1.5.5.7.48.1"
_LIST_POINTS: Final = "2.5.29.31"
_URI: Final = 0x86
_NUMERIC: Final = 0x12
_TRUE: Final = b"\x01\x01\xff"
_NAME_OIDS: Final = {"CN": "2.5.4.3", "O": "2.5.4.10", "C": "2.5.4.6", "SN": "2.5.4.4", "GN": "2.5.4.42"}

Sign = Callable[[bytes], bytes]


def name(parts: Iterable[tuple[str, str]]) -> bytes:
    """A Name of one attribute per RDN; keys are short names or dotted identifiers (those hold digits)."""
    rdns = []
    for key, text in parts:
        oid = _NAME_OIDS.get(key, key)
        plain = oid not in _NAME_OIDS.values()
        value = der.wrap(_NUMERIC, text.encode()) if plain else der.utf8(text)
        if key == "C":
            value = der.wrap(0x13, text.encode())
        rdns.append(der.set_of([der.sequence(der.oid(oid), value)]))
    return der.sequence(*rdns)


def key_identifier(spki: bytes) -> bytes:
    """RFC 5280 4.2.1.2 (1): SHA-1 over the key bits; names the key, secures nothing."""
    bits = der.read(spki).items(der.SEQUENCE)[1].content[1:]
    return hashlib.sha1(bits, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """Extensions of a certificate. `other_critical`: identifiers with the DER of their values.

    `purpose_critical`: whether a single purpose is marked so, as time-stamping authorities must.
    """

    authority: bool = False
    path_length: int | None = None
    key_usage: frozenset[str] = frozenset()
    extended_key_usage: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    ocsp_no_check: bool = False
    other_critical: tuple[tuple[str, bytes], ...] = ()
    purpose_critical: bool = True
    ocsp_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()

    def encoded(self, spki: bytes, issuer_spki: bytes) -> bytes:
        """The extensions in DER."""
        found = [_extension(_SUBJECT_KEY, der.octets(key_identifier(spki)))]
        found.append(_extension(_AUTHORITY_KEY, der.sequence(der.wrap(0x80, key_identifier(issuer_spki)))))
        if self.authority:
            length = b"" if self.path_length is None else der.number(self.path_length)
            found.append(_extension(_BASIC_CONSTRAINTS, der.sequence(_TRUE, length), critical=True))
        if self.key_usage:
            found.append(_extension(_KEY_USAGE, _named_bits(self.key_usage), critical=True))
        if self.extended_key_usage:
            alone = len(self.extended_key_usage) == 1
            purposes = der.sequence(*map(der.oid, self.extended_key_usage))
            found.append(_extension(_EXTENDED_KEY_USAGE, purposes, critical=alone and self.purpose_critical))
        if self.policies:
            found.append(_extension(_POLICIES, der.sequence(*(der.sequence(der.oid(p)) for p in self.policies))))
        if self.ocsp_no_check:
            found.append(_extension("1.3.6.1.5.5.7.48.1.5", der.wrap(der.NULL)))
        if self.ocsp_urls:
            places = (der.sequence(der.oid(_OCSP), der.wrap(_URI, url.encode())) for url in self.ocsp_urls)
            found.append(_extension(_AUTHORITY_ACCESS, der.sequence(*places)))
        if self.crl_urls:
            names = (der.wrap(_URI, url.encode()) for url in self.crl_urls)
            point = der.sequence(der.wrap(0xA0, der.wrap(0xA0, *names)))
            found.append(_extension(_LIST_POINTS, der.sequence(point)))
        found += [_extension(oid, value, critical=True) for oid, value in self.other_critical]
        return der.wrap(0xA3, der.sequence(*found))


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(oid), _TRUE if critical else b"", der.octets(value))


def _named_bits(usages: frozenset[str]) -> bytes:
    bits = sum(1 << (7 - KEY_USAGE_BITS[usage]) for usage in usages)
    unused = (bits & -bits).bit_length() - 1
    return der.wrap(der.BIT_STRING, bytes((unused, bits)))


def algorithm_identifier(algorithm: SignatureAlgorithm) -> bytes:
    """AlgorithmIdentifier of a signature: RSA carries NULL, the others nothing (RFC 4055, 5758, 9215)."""
    parameters = der.wrap(der.NULL) if algorithm.key is KeyKind.RSA else b""
    return der.sequence(der.oid(algorithm.oid), parameters)


def signed(body: bytes, algorithm: SignatureAlgorithm, sign: Sign) -> bytes:
    """A body, the algorithm, and the signature over the body."""
    return der.sequence(body, algorithm_identifier(algorithm), der.bits(sign(body)))


def certificate_body(
    *,
    serial: int,
    algorithm: SignatureAlgorithm,
    issuer: bytes,
    subject: bytes,
    not_before: datetime,
    not_after: datetime,
    spki: bytes,
    extensions: bytes,
) -> bytes:
    """TBSCertificate of version 3."""
    return der.sequence(
        der.wrap(0xA0, der.number(2)),
        der.number(serial),
        algorithm_identifier(algorithm),
        issuer,
        der.sequence(der.time(not_before), der.time(not_after)),
        subject,
        spki,
        extensions,
    )


def crl_body(
    *,
    algorithm: SignatureAlgorithm,
    issuer: bytes,
    issuer_spki: bytes,
    number: int,
    this_update: datetime,
    next_update: datetime,
    revoked: Iterable[tuple[int, datetime]],
) -> bytes:
    """TBSCertList of version 2."""
    entries = [der.sequence(der.number(serial), der.time(at)) for serial, at in revoked]
    extensions = der.sequence(
        _extension(_AUTHORITY_KEY, der.sequence(der.wrap(0x80, key_identifier(issuer_spki)))),
        _extension(_CRL_NUMBER, der.number(number)),
    )
    return der.sequence(
        der.number(1),
        algorithm_identifier(algorithm),
        issuer,
        der.time(this_update),
        der.time(next_update),
        der.sequence(*entries) if entries else b"",
        der.wrap(0xA0, extensions),
    )


def certificate_id(issuer_subject: bytes, issuer_spki: bytes, serial: int) -> bytes:
    """CertID of OCSP over SHA-1, which every responder takes (RFC 6960 4.3)."""
    by_name = hashlib.sha1(issuer_subject, usedforsecurity=False).digest()
    return der.sequence(
        der.sequence(der.oid(SHA1), der.wrap(der.NULL)),
        der.octets(by_name),
        der.octets(key_identifier(issuer_spki)),
        der.number(serial),
    )


def ocsp_answer(
    *,
    algorithm: SignatureAlgorithm,
    sign: Sign,
    responder_spki: bytes,
    certificates: tuple[bytes, ...],
    singles: Iterable[bytes],
    produced_at: datetime,
    extensions: bytes = b"",
) -> bytes:
    """A successful OCSPResponse of these single answers, its responder named by the hash of the key."""
    body = der.sequence(
        der.wrap(0xA2, der.octets(key_identifier(responder_spki))),
        der.generalized_time(produced_at),
        der.sequence(*singles),
        extensions,
    )
    basic = der.sequence(
        body,
        algorithm_identifier(algorithm),
        der.bits(sign(body)),
        der.wrap(0xA0, der.sequence(*certificates)) if certificates else b"",
    )
    answer = der.sequence(der.oid("1.3.6.1.5.5.7.48.1.1"), der.octets(basic))
    return der.sequence(der.wrap(0x0A, b"\0"), der.wrap(0xA0, answer))


def single_answer(
    certificate_id: bytes, *, revoked_at: datetime | None, known: bool, this_update: datetime, next_update: datetime
) -> bytes:
    """SingleResponse: good, revoked at a time, or unknown."""
    status = der.wrap(0x80) if known else der.wrap(0x82)
    if revoked_at is not None:
        status = der.wrap(0xA1, der.generalized_time(revoked_at))
    return der.sequence(
        certificate_id,
        status,
        der.generalized_time(this_update),
        der.wrap(0xA0, der.generalized_time(next_update)),
    )
