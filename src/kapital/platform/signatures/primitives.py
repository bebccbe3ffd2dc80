"""Hashes, public keys and private keys on libcrypto: each call cleans up after itself and leaves no error queued."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from mmap import mmap
from typing import Any, Final, Self

from kapital.kernel.problems import ensure
from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import (
    CURVES,
    RSA_BITS_MAX,
    RSA_BITS_MIN,
    Digest,
    KeyKind,
    SignatureAlgorithm,
)
from kapital.platform.signatures.libcrypto import ffi, gost, lib

Content = bytes | mmap
"""What is signed: in memory, or a file that is mapped and hashed where it lies."""

_KEYS_KEPT: Final = 4096
_SIGNATURE_BYTES_MAX: Final = 2048
_HASHES: Final[dict[bytes, Any]] = {}
_CURVE_OF_BITS: Final = {256: b"P-256", 384: b"P-384", 521: b"P-521"}


class KeyRefused(Exception):
    """A public key cannot be read or is too weak; the message is one of the stable codes of an outcome."""


def digest(algorithm: Digest, content: Content) -> bytes:
    """The hash of a content, in memory or mapped from a file. Raises: GostEngineMissing, LibcryptoMissing."""
    if not algorithm.gost:
        # The interpreter's own keeps its lock over a short content: to get the lock back costs more than a hash.
        return hashlib.new(algorithm.name.decode(), content).digest()
    crypto = _for(algorithm.gost)
    out = ffi.new("unsigned char[64]")
    size = ffi.new("unsigned int *")
    done = crypto.EVP_Digest(ffi.from_buffer(content), len(content), out, size, _md(crypto, algorithm), ffi.NULL)
    ensure(done == 1 and size[0] == algorithm.size, "a hash that libcrypto knows can be computed")
    return bytes(ffi.buffer(out, algorithm.size))


@dataclass(frozen=True, slots=True, eq=False)
class PublicKey:
    """A public key, safe to use from several threads at once. Made by `public_key`."""

    handle: Any
    kind: KeyKind
    bits: int

    def verifies(self, algorithm: SignatureAlgorithm, signature: bytes, content: bytes) -> bool:
        """Whether the signature over the content is of this key. False for any fault of the signature itself."""
        if algorithm.key is not self.kind or len(signature) > _SIGNATURE_BYTES_MAX:
            return False
        crypto = _for(self.kind.is_gost)
        context = crypto.EVP_MD_CTX_new()
        ensure(context != ffi.NULL, "memory for a hash context")
        try:
            md = _md(crypto, algorithm.digest)
            return bool(
                crypto.EVP_DigestVerifyInit(context, ffi.NULL, md, ffi.NULL, self.handle) == 1
                and crypto.EVP_DigestVerify(context, signature, len(signature), content, len(content)) == 1
            )
        finally:
            crypto.EVP_MD_CTX_free(context)
            crypto.ERR_clear_error()


@lru_cache(maxsize=_KEYS_KEPT)
def public_key(spki: bytes) -> PublicKey:
    """The key of a SubjectPublicKeyInfo.

    Raises: KeyRefused (`algorithm_not_allowed`, `key_unreadable`, `key_too_weak`), GostEngineMissing.
    """
    kind = _kind_of(spki)
    crypto = _for(kind.is_gost)
    source = ffi.from_buffer(spki)
    handle = crypto.d2i_PUBKEY(ffi.NULL, ffi.new("unsigned char **", ffi.cast("unsigned char *", source)), len(spki))
    crypto.ERR_clear_error()
    if handle == ffi.NULL:
        raise KeyRefused("key_unreadable")
    handle = ffi.gc(handle, crypto.EVP_PKEY_free)
    strength = crypto.EVP_PKEY_get_bits(handle)
    if kind is KeyKind.RSA and strength < RSA_BITS_MIN:
        raise KeyRefused("key_too_weak")
    if kind is KeyKind.RSA and strength > RSA_BITS_MAX:
        raise KeyRefused("algorithm_not_allowed")
    return PublicKey(handle, kind, strength)


def _kind_of(spki: bytes) -> KeyKind:
    try:
        name, *parameters = der.read(spki).items(der.SEQUENCE)[0].items(der.SEQUENCE)
        algorithm = name.oid()
        if algorithm not in set(KeyKind):
            raise KeyRefused("algorithm_not_allowed")
        kind = KeyKind(algorithm)
        if kind in CURVES and _curve(kind, parameters[0]) not in CURVES[kind]:
            raise KeyRefused("algorithm_not_allowed")
    except (der.NotDer, IndexError, ValueError):
        raise KeyRefused("key_unreadable") from None
    return kind


def _curve(kind: KeyKind, parameters: der.Value) -> str:
    """The curve's name; GOST writes it first in a sequence, before the hash."""
    if kind.is_gost:
        return parameters.items(der.SEQUENCE)[0].oid()
    return parameters.oid() if parameters.tag == der.OID else ""


def x509(encoded: bytes) -> Any | None:
    """libcrypto's own reading of a certificate in DER, freed with the object; None if it cannot read it."""
    crypto = lib()
    source = ffi.from_buffer(encoded)
    start = ffi.new("unsigned char **", ffi.cast("unsigned char *", source))
    handle = crypto.d2i_X509(ffi.NULL, start, len(encoded))
    crypto.ERR_clear_error()
    return None if handle == ffi.NULL else ffi.gc(handle, crypto.X509_free)


@dataclass(frozen=True, slots=True, eq=False)
class PrivateKey:
    """A private key in the memory of this process: for tests and the sandbox, never for a person's real signature."""

    handle: Any
    kind: KeyKind

    @classmethod
    def generate(cls, kind: KeyKind, *, bits: int = 256) -> Self:
        """A new key; `bits` chooses the curve or the RSA size, GOST takes parameter set A of TC26 (RFC 9215)."""
        crypto = _for(kind.is_gost)
        nid = crypto.OBJ_txt2nid(str(kind).encode())
        context = crypto.EVP_PKEY_CTX_new_id(nid, ffi.NULL)
        ensure(context != ffi.NULL, "libcrypto makes keys of this kind")
        out = ffi.new("EVP_PKEY **")
        try:
            ensure(crypto.EVP_PKEY_keygen_init(context) == 1, "libcrypto starts to make a key")
            for name, value in _choices(kind, bits):
                ensure(crypto.EVP_PKEY_CTX_ctrl_str(context, name, value) > 0, f"libcrypto takes {name!r}")
            ensure(crypto.EVP_PKEY_keygen(context, out) == 1, "libcrypto makes a key")
        finally:
            crypto.EVP_PKEY_CTX_free(context)
            crypto.ERR_clear_error()
        return cls(ffi.gc(out[0], crypto.EVP_PKEY_free), kind)

    @classmethod
    def read(cls, kind: KeyKind, pkcs8: bytes) -> Self:
        """A key out of its PKCS#8 in DER, not encrypted. Raises: KeyRefused (`key_unreadable`)."""
        crypto = _for(kind.is_gost)
        source = ffi.from_buffer(pkcs8)
        start = ffi.new("unsigned char **", ffi.cast("unsigned char *", source))
        handle = crypto.d2i_AutoPrivateKey(ffi.NULL, start, len(pkcs8))
        crypto.ERR_clear_error()
        if handle == ffi.NULL:
            raise KeyRefused("key_unreadable")
        return cls(ffi.gc(handle, crypto.EVP_PKEY_free), kind)

    def spki(self) -> bytes:
        """SubjectPublicKeyInfo of the public half."""
        crypto = _for(self.kind.is_gost)
        size = crypto.i2d_PUBKEY(self.handle, ffi.NULL)
        ensure(size > 0, "a public key can be written")
        out = ffi.new("unsigned char[]", size)
        crypto.i2d_PUBKEY(self.handle, ffi.new("unsigned char **", out))
        return bytes(ffi.buffer(out, size))

    def sign(self, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
        """The signature over a content."""
        ensure(algorithm.key is self.kind, "the scheme is for keys of this kind")
        crypto = _for(self.kind.is_gost)
        context = crypto.EVP_MD_CTX_new()
        out = ffi.new(f"unsigned char[{_SIGNATURE_BYTES_MAX}]")
        size = ffi.new("size_t *", _SIGNATURE_BYTES_MAX)
        try:
            md = _md(crypto, algorithm.digest)
            ensure(
                crypto.EVP_DigestSignInit(context, ffi.NULL, md, ffi.NULL, self.handle) == 1
                and crypto.EVP_DigestSign(context, out, size, content, len(content)) == 1,
                "libcrypto signs with a key it made",
            )
        finally:
            crypto.EVP_MD_CTX_free(context)
            crypto.ERR_clear_error()
        return bytes(ffi.buffer(out, size[0]))


def _choices(kind: KeyKind, bits: int) -> list[tuple[bytes, bytes]]:
    if kind is KeyKind.GOST_256:
        return [(b"paramset", b"TCA")]
    if kind is KeyKind.GOST_512:
        return [(b"paramset", b"A")]
    if kind is KeyKind.EC:
        return [(b"ec_paramgen_curve", _CURVE_OF_BITS[bits]), (b"ec_param_enc", b"named_curve")]
    return [(b"rsa_keygen_bits", str(bits).encode())]


def _for(needs_gost: bool) -> Any:
    return gost() if needs_gost else lib()


def _md(crypto: Any, algorithm: Digest) -> Any:
    # Asked once: by its locks and look-ups the question costs as much as the hash of an act.
    if (md := _HASHES.get(algorithm.name)) is None:
        md = crypto.EVP_get_digestbyname(algorithm.name)
        ensure(md != ffi.NULL, "libcrypto knows the hash")
        _HASHES[algorithm.name] = md
    return md
