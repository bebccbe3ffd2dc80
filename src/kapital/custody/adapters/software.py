"""Software provider: Ed25519 keys locked with AES-256-GCM under a master key in this process's memory.

Sandbox grade: Python cannot wipe memory, so an attacker who reads the process reads the keys.
Sealed form: version byte 1, nonce of 12 bytes, ciphertext of the 32-byte seed with its 16-byte tag. Name,
profile and public key are authenticated with it, so that a row cannot be given another row's secret.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kapital.custody.domain.problems import KeyMaterialDamaged, PassphraseWrong
from kapital.custody.domain.profiles import KeyProfile
from kapital.custody.ports import MadeKey
from kapital.kernel.canonical import canonical_bytes

MASTER_KEY_BYTES: Final = 32
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_SEED_BYTES: Final = 32
_TAG_BYTES: Final = 16
_SEALED_BYTES: Final = 1 + _NONCE_BYTES + _SEED_BYTES + _TAG_BYTES
_CHECK_CONTEXT: Final = b"kapital/custody/master-key-check/v1"


class SoftwareProvider:
    """Makes and opens keys under one master key of 32 bytes."""

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(master_key)

    def make(self, name: str, profile: KeyProfile) -> MadeKey:
        """Make a key from the system's randomness."""
        private = Ed25519PrivateKey.generate()
        public_key = private.public_key().public_bytes_raw()
        context = _context(name, profile, public_key)
        return MadeKey(public_key, self._seal(private.private_bytes_raw(), context))

    def open(self, name: str, profile: KeyProfile, key: MadeKey) -> Ed25519PrivateKey:
        """Open a key. Raises: KeyMaterialDamaged when it is torn, altered, or another row's."""
        if len(key.sealed) != _SEALED_BYTES or key.sealed[:1] != _VERSION:
            raise KeyMaterialDamaged(f"the stored key {name} is torn", {"bytes": len(key.sealed)})
        try:
            seed = self._unseal(key.sealed, _context(name, profile, key.public_key))
        except InvalidTag:
            raise KeyMaterialDamaged(f"the stored key {name} was altered") from None
        private = Ed25519PrivateKey.from_private_bytes(seed)
        if private.public_key().public_bytes_raw() != key.public_key:
            raise KeyMaterialDamaged(f"the stored key {name} does not fit its public key")
        return private

    def make_check(self) -> bytes:
        """A value that tells later whether the same master key is used."""
        return self._seal(b"", _CHECK_CONTEXT)

    def require_check(self, check: bytes) -> None:
        """Return if `check` was made under this master key. Raises: PassphraseWrong."""
        try:
            self._unseal(check, _CHECK_CONTEXT)
        except (InvalidTag, ValueError):
            raise PassphraseWrong("the passphrase or key file is not the one that locked the keys") from None

    def _seal(self, secret: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, context)

    def _unseal(self, sealed: bytes, context: bytes) -> bytes:
        return self._cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], context)


def _context(name: str, profile: KeyProfile, public_key: bytes) -> bytes:
    return canonical_bytes(["kapital/custody/key/v1", name, profile, public_key.hex()])
