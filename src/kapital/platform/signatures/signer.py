"""The port of a person's means of signature.

`token_signer.TokenSigner` signs with a token or HSM over PKCS#11, at the person's own machine. The browser plug-in of
КриптоПро needs no adapter in this process: the key is on the person's carrier, the browser takes the act's bytes
there and sends the container back with the command (docs/how-to/integrate/sign-an-act.md). The sandbox's
implementation is `kapital.sandbox.certification_authority.SandboxSigner`.
"""

from typing import Protocol


class Signer(Protocol):
    """Signs for one person, who is asked each time by the means itself."""

    def certificate(self) -> bytes:
        """The certificate (DER) that the signature will be bound to. Raises: SignerUnavailable."""
        ...

    async def sign(self, content: bytes) -> bytes:
        """A detached CAdES signature in DER, BES or T, over exactly these bytes.

        May take minutes: a person reads and confirms. Promise: never a signature over anything else. The caller
        verifies what comes back like any other signature.
        Raises: SignerUnavailable, SignerPinRefused, SignerKeyNotSupported.
        """
        ...
