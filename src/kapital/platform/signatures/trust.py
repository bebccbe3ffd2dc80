"""Trusted roots, and chains to them. libcrypto builds and verifies a chain; times are left to the caller.

A chain's signatures are facts that no later moment changes, so a chain found once is kept: key is the certificate,
what may stand between, and the roots. That is what makes a thousand signatures of one issuer cost one chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kapital.kernel.problems import ensure
from kapital.platform.signatures.algorithms import SIGNATURES, KeyKind
from kapital.platform.signatures.certificates import Certificate, CertificateUnreadable, certificate
from kapital.platform.signatures.libcrypto import ffi, gost, lib
from kapital.platform.signatures.outcome import Code
from kapital.platform.signatures.primitives import KeyRefused, public_key
from kapital.platform.signatures.primitives import x509 as x509_handle
from kapital.platform.signatures.problems import TrustListUnreadable

ROOTS_MAX: Final = 2_000
DEPTH_MAX: Final = 8
_CHAINS_KEPT: Final = 8192
_NO_CHECK_TIME: Final = 0x200000
_NO_CHAIN: Final = frozenset({2, 18, 19, 20, 21, 27})
_WRONG_SIGNATURE: Final = 7
_UNKNOWN_CRITICAL: Final = 34


@dataclass(frozen=True, slots=True)
class TrustedRoots:
    """The certificates that are believed without a proof: of accredited authorities, or of the sandbox's own.

    Shape: at most 2,000, each once. The set has no order: equal sets are equal roots.
    """

    encoded: frozenset[bytes] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if len(self.encoded) > ROOTS_MAX:
            raise TrustListUnreadable(facts={"reason": "too_many_roots"})
        for one in self.encoded:
            read_trusted(one)

    @classmethod
    def from_pem_or_der(cls, *sources: bytes) -> "TrustedRoots":
        """Out of files that hold one certificate in DER or any number in PEM. Raises: TrustListUnreadable."""
        return cls(frozenset(one for source in sources for one in split_certificates(source)))


def split_certificates(source: bytes) -> list[bytes]:
    """The certificates in DER of a file in DER or PEM. Raises: TrustListUnreadable."""
    if b"-----BEGIN" not in source:
        return [source]
    try:
        return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(source)]
    except ValueError:
        raise TrustListUnreadable(facts={"reason": "not_pem"}) from None


def read_trusted(encoded: bytes) -> Certificate:
    """A certificate that comes from our own settings, not from a signature. Raises: TrustListUnreadable."""
    try:
        return certificate(encoded)
    except CertificateUnreadable as error:
        raise TrustListUnreadable(facts={"reason": str(error)}) from None


@dataclass(frozen=True, slots=True)
class Chain:
    """From the certificate asked about (first) to a trusted root (last)."""

    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class NoChain:
    """Why there is none. `about` holds libcrypto's words."""

    code: Code
    about: str


@lru_cache(maxsize=_CHAINS_KEPT)
def chain_to(roots: TrustedRoots, between: frozenset[bytes], leaf: bytes) -> Chain | NoChain:
    """The chain of a certificate (DER) to one of the roots, or why there is none. Validity in time is not looked at.

    Checked here: signatures and their algorithms, names, key identifiers, basic constraints, path length, key usage
    of authorities, name constraints, critical extensions of every certificate (RFC 5280 6.1).
    Raises: GostEngineMissing, LibcryptoMissing.
    """
    found = _built(roots, between, leaf)
    if isinstance(found, NoChain):
        return found
    for one in found.certificates:
        if one.unknown_critical:
            return NoChain(Code.UNKNOWN_CRITICAL_EXTENSION, f"{one.about}: {', '.join(one.unknown_critical)}")
        if one.signature_oid not in SIGNATURES and one.encoded not in roots.encoded:
            return NoChain(Code.ALGORITHM_NOT_ALLOWED, one.about)
        try:
            public_key(one.spki)
        except KeyRefused as error:
            return NoChain(Code(str(error)), one.about)
    return found


def _built(roots: TrustedRoots, between: frozenset[bytes], leaf: bytes) -> Chain | NoChain:
    crypto = gost() if _needs_gost((leaf, *between, *roots.encoded)) else lib()
    # The store first: it is freed last, after the context that looks into it.
    store = _store(roots)
    opened = [_x509(one) for one in (leaf, *sorted(between))]
    stack = ffi.gc(crypto.OPENSSL_sk_new_null(), crypto.OPENSSL_sk_free)
    for one in opened[1:]:
        crypto.OPENSSL_sk_push(stack, one)
    context = ffi.gc(crypto.X509_STORE_CTX_new(), crypto.X509_STORE_CTX_free)
    try:
        ensure(crypto.X509_STORE_CTX_init(context, store, opened[0], stack) == 1, "a chain can be asked for")
        parameters = crypto.X509_STORE_CTX_get0_param(context)
        crypto.X509_VERIFY_PARAM_set_flags(parameters, _NO_CHECK_TIME)
        crypto.X509_VERIFY_PARAM_set_depth(parameters, DEPTH_MAX)
        if crypto.X509_verify_cert(context) != 1:
            return _why_not(crypto, crypto.X509_STORE_CTX_get_error(context), leaf)
        links = crypto.X509_STORE_CTX_get0_chain(context)
        encoded = [_encoded(crypto, crypto.OPENSSL_sk_value(links, i)) for i in range(crypto.OPENSSL_sk_num(links))]
        return Chain(tuple(certificate(one) for one in encoded))
    finally:
        crypto.ERR_clear_error()
        ffi.release(context)


def _why_not(crypto: Any, error: int, leaf: bytes) -> NoChain:
    words = ffi.string(crypto.X509_verify_cert_error_string(error)).decode()
    about = f"{certificate(leaf).about}: {words}"
    if error in _NO_CHAIN:
        return NoChain(Code.CHAIN_NOT_TRUSTED, about)
    known = {
        _WRONG_SIGNATURE: Code.CERTIFICATE_SIGNATURE_WRONG,
        _UNKNOWN_CRITICAL: Code.UNKNOWN_CRITICAL_EXTENSION,
    }
    return NoChain(known.get(error, Code.CHAIN_WRONG), about)


@lru_cache(maxsize=64)
def _store(roots: TrustedRoots) -> Any:
    crypto = lib()
    store = ffi.gc(crypto.X509_STORE_new(), crypto.X509_STORE_free)
    for one in sorted(roots.encoded):
        ensure(crypto.X509_STORE_add_cert(store, _x509(one)) == 1, "a root can be kept")
    return store


def _x509(encoded: bytes) -> Any:
    handle = x509_handle(encoded)
    ensure(handle is not None, "libcrypto reads a certificate that it read before")
    return handle


def _encoded(crypto: Any, handle: Any) -> bytes:
    handle = ffi.cast("X509 *", handle)
    out = ffi.new("unsigned char[]", crypto.i2d_X509(handle, ffi.NULL))
    crypto.i2d_X509(handle, ffi.new("unsigned char **", out))
    return bytes(ffi.buffer(out))


_GOST_KEYS: Final = tuple(kind for kind in KeyKind if kind.is_gost)


def _needs_gost(encoded: Iterable[bytes]) -> bool:
    return any(_is_gost(one) for one in encoded)


@lru_cache(maxsize=_CHAINS_KEPT)
def _is_gost(encoded: bytes) -> bool:
    named = SIGNATURES.get(certificate(encoded).signature_oid)
    return named is not None and named.key in _GOST_KEYS
