"""Which algorithms count, under which object identifiers.

Law: 63-FZ art. 12 (means of signature) for GOST R 34.10-2012 and 34.11-2012; identifiers of RFC 9215, RFC 9548 and
RFC 5758. GOST R 34.10-2001, SHA-1, RSA below 2048 bits and every curve not named here are refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class KeyKind(StrEnum):
    """What a public key is for; the value is its algorithm identifier in a certificate."""

    GOST_256 = "1.2.643.7.1.1.1.1"
    GOST_512 = "1.2.643.7.1.1.1.2"
    EC = "1.2.840.10045.2.1"
    RSA = "1.2.840.113549.1.1.1"

    @property
    def is_gost(self) -> bool:
        """Whether the GOST engine is needed for it."""
        return self in (KeyKind.GOST_256, KeyKind.GOST_512)


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash function: its identifier and the name that libcrypto knows it by."""

    oid: str
    name: bytes
    gost: bool
    size: int


STREEBOG_256: Final = Digest("1.2.643.7.1.1.2.2", b"md_gost12_256", gost=True, size=32)
STREEBOG_512: Final = Digest("1.2.643.7.1.1.2.3", b"md_gost12_512", gost=True, size=64)
SHA_256: Final = Digest("2.16.840.1.101.3.4.2.1", b"SHA256", gost=False, size=32)
SHA_384: Final = Digest("2.16.840.1.101.3.4.2.2", b"SHA384", gost=False, size=48)
SHA_512: Final = Digest("2.16.840.1.101.3.4.2.3", b"SHA512", gost=False, size=64)

DIGESTS: Final = {d.oid: d for d in (STREEBOG_256, STREEBOG_512, SHA_256, SHA_384, SHA_512)}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature scheme: kind of key and hash. `oid` is how a certificate names it."""

    oid: str
    key: KeyKind
    digest: Digest


GOST_256: Final = SignatureAlgorithm("1.2.643.7.1.1.3.2", KeyKind.GOST_256, STREEBOG_256)
GOST_512: Final = SignatureAlgorithm("1.2.643.7.1.1.3.3", KeyKind.GOST_512, STREEBOG_512)
ECDSA_256: Final = SignatureAlgorithm("1.2.840.10045.4.3.2", KeyKind.EC, SHA_256)
ECDSA_384: Final = SignatureAlgorithm("1.2.840.10045.4.3.3", KeyKind.EC, SHA_384)
ECDSA_512: Final = SignatureAlgorithm("1.2.840.10045.4.3.4", KeyKind.EC, SHA_512)
RSA_256: Final = SignatureAlgorithm("1.2.840.113549.1.1.11", KeyKind.RSA, SHA_256)
RSA_384: Final = SignatureAlgorithm("1.2.840.113549.1.1.12", KeyKind.RSA, SHA_384)
RSA_512: Final = SignatureAlgorithm("1.2.840.113549.1.1.13", KeyKind.RSA, SHA_512)

SIGNATURES: Final = {
    a.oid: a for a in (GOST_256, GOST_512, ECDSA_256, ECDSA_384, ECDSA_512, RSA_256, RSA_384, RSA_512)
}

RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
"""Above it a hostile key costs more time than a real one is worth."""

CURVES: Final = {
    KeyKind.EC: frozenset({"1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"}),  # P-256, P-384, P-521
    # Parameter sets of TC26 A–D, and those of CryptoPro with which they share the curve (RFC 9215 annex B).
    KeyKind.GOST_256: frozenset(
        {*(f"1.2.643.7.1.2.1.1.{n}" for n in (1, 2, 3, 4)), *(f"1.2.643.2.2.35.{n}" for n in (1, 2, 3))}
        | {"1.2.643.2.2.36.0", "1.2.643.2.2.36.1"}
    ),
    KeyKind.GOST_512: frozenset(f"1.2.643.7.1.2.1.2.{n}" for n in (1, 2, 3)),
}
"""Curves by name. Parameters written out are refused: they can imitate a foreign key."""


_USUAL: Final = {
    (KeyKind.GOST_256, 256): GOST_256,
    (KeyKind.GOST_512, 512): GOST_512,
    (KeyKind.EC, 256): ECDSA_256,
    (KeyKind.EC, 384): ECDSA_384,
    (KeyKind.EC, 521): ECDSA_512,
}


def usual_scheme(kind: KeyKind, bits: int) -> SignatureAlgorithm:
    """The scheme by which a key of an allowed kind and size signs when nothing else is asked for."""
    return RSA_256 if kind is KeyKind.RSA else _USUAL[kind, bits]


def in_cms(signature_oid: str, digest: Digest) -> SignatureAlgorithm | None:
    """The scheme that a SignerInfo names; None if it is not one of these, or its two names disagree.

    CMS makers write either the scheme or only the kind of key (`rsaEncryption`, GOST R 34.10-2012 as CryptoPro does);
    with the latter the hash is the one of `digestAlgorithm`.
    """
    if named := SIGNATURES.get(signature_oid):
        return named if named.digest == digest else None
    return next((a for a in SIGNATURES.values() if a.key == signature_oid and a.digest == digest), None)
