"""The port of a person's means of signature, and what stands in its place where none is connected.

Production implementations: the browser plug-in of КриптоПро (the key is on the person's own carrier, the portal
carries bytes there and a container back) and PKCS#11 (a token or an HSM). Both are certified means that an
installation brings; neither is in this repository. The sandbox's implementation is
`kapital.sandbox.certification_authority.SandboxSigner`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kapital.platform.signatures.problems import SignerUnavailable


class SignerKind(StrEnum):
    """Means of signature that the platform knows how to ask for."""

    CRYPTOPRO_BROWSER = "cryptopro_browser"
    PKCS11 = "pkcs11"


class Signer(Protocol):
    """Signs for one person, who is asked each time by the means itself."""

    def certificate(self) -> bytes:
        """The certificate (DER) that the signature will be bound to. Raises: SignerUnavailable."""
        ...

    async def sign(self, content: bytes) -> bytes:
        """A detached CAdES signature in DER, BES or T, over exactly these bytes.

        May take minutes: a person reads and confirms. Promise: never a signature over anything else. The caller
        verifies what comes back like any other signature. Raises: SignerUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class UnconnectedSigner:
    """Stands where a means of signature is configured but not there: it refuses, it never signs."""

    kind: SignerKind

    def certificate(self) -> bytes:
        """Raises: SignerUnavailable."""
        raise self._refusal()

    async def sign(self, content: bytes) -> bytes:  # noqa: ARG002  the port's signature
        """Raises: SignerUnavailable."""
        raise self._refusal()

    def _refusal(self) -> SignerUnavailable:
        needed = {
            SignerKind.CRYPTOPRO_BROWSER: "the КриптоПро plug-in in the person's browser",
            SignerKind.PKCS11: "a PKCS#11 module with the person's key",
        }
        return SignerUnavailable(f"needed: {needed[self.kind]}", {"signer": self.kind.value})
