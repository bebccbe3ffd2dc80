"""Which keys and which signature the sandbox makes."""

from dataclasses import dataclass
from enum import StrEnum

from kapital.platform.signatures import algorithms
from kapital.platform.signatures.algorithms import KeyKind, SignatureAlgorithm
from kapital.platform.signatures.libcrypto import has_gost
from kapital.platform.signatures.primitives import PrivateKey


@dataclass(frozen=True, slots=True)
class _Kind:
    algorithm: SignatureAlgorithm
    key: KeyKind
    bits: int


class Scheme(StrEnum):
    """A kind of key with its signature scheme."""

    GOST_256 = "gost_256"
    GOST_512 = "gost_512"
    ECDSA_P256 = "ecdsa_p256"
    ECDSA_P384 = "ecdsa_p384"
    RSA_2048 = "rsa_2048"

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The signature scheme as certificates and containers name it."""
        return _KINDS[self].algorithm

    def new_key(self) -> PrivateKey:
        """A new key of this kind. Raises: GostEngineMissing, LibcryptoMissing."""
        return PrivateKey.generate(_KINDS[self].key, bits=_KINDS[self].bits)


_KINDS = {
    Scheme.GOST_256: _Kind(algorithms.GOST_256, KeyKind.GOST_256, 256),
    Scheme.GOST_512: _Kind(algorithms.GOST_512, KeyKind.GOST_512, 512),
    Scheme.ECDSA_P256: _Kind(algorithms.ECDSA_256, KeyKind.EC, 256),
    Scheme.ECDSA_P384: _Kind(algorithms.ECDSA_384, KeyKind.EC, 384),
    Scheme.RSA_2048: _Kind(algorithms.RSA_256, KeyKind.RSA, 2048),
}


def default_scheme() -> Scheme:
    """GOST R 34.10-2012 of 256 bits where the engine is installed, else ECDSA over P-256."""
    return Scheme.GOST_256 if has_gost() else Scheme.ECDSA_P256
