"""A token of SoftHSM: initialised in a folder of the test, with keys that never leave it and certificates of ours."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from kapital.platform.signatures import der
from tests.platform.signatures.world import World

PIN, LABEL = "417-да-256", "Подпись"
MODULES = ("/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/lib64/pkcs11", "/opt/homebrew/lib/softhsm")
CURVES = {"ecdsa_p256": "secp256r1", "ecdsa_p384": "secp384r1"}


def softhsm_module() -> Path:
    """The module; without it the test is skipped, or fails where everything must be there."""
    found = next((path for one in MODULES if (path := Path(one) / "libsofthsm2.so").is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        message = "no SoftHSM: install the package softhsm2"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)
    assert found is not None
    return found


@dataclass(frozen=True)
class TokenKey:
    """The public half of a key on the token, as far as an authority wants it."""

    encoded: bytes

    def spki(self) -> bytes:
        return self.encoded


@dataclass
class SoftToken:
    """One initialised token."""

    module: Path

    @classmethod
    def initialised(cls, folder: Path, monkeypatch: pytest.MonkeyPatch, label: str = LABEL) -> "SoftToken":
        module = softhsm_module()
        (folder / "tokens").mkdir()
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
        token = cls(module)
        token.add(label)
        return token

    def add(self, label: str) -> None:
        """Initialise one more token."""
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", PIN],
            check=True,
            capture_output=True,
            timeout=60,
        )
        self.read_again()

    def read_again(self) -> None:
        """Make the module in this process read its configuration and tokens anew."""
        opened = pkcs11.lib(str(self.module))
        opened.reinitialize()

    def key(self, scheme: str, *, key_id: bytes = b"\x01", label: str = LABEL) -> TokenKey:
        """Make a key on the token."""
        with pkcs11.lib(str(self.module)).get_token(token_label=label).open(rw=True, user_pin=PIN) as session:
            if scheme in CURVES:
                parameters = session.create_domain_parameters(
                    pkcs11.KeyType.EC,
                    {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(CURVES[scheme])},
                    local=True,
                )
                public, _ = parameters.generate_keypair(store=True, id=key_id, label=scheme)
                return TokenKey(encode_ec_public_key(public))
            public, _ = session.generate_keypair(pkcs11.KeyType.RSA, 2048, store=True, id=key_id, label=scheme)
            numbers = encode_rsa_public_key(public)
            algorithm = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.wrap(der.NULL))
            return TokenKey(der.sequence(algorithm, der.bits(numbers)))

    def put(self, certificate: bytes, *, key_id: bytes = b"\x01", label: str = LABEL, hidden: bool = False) -> bytes:
        """Lay a certificate beside the key, `hidden`: seen only after the PIN; the certificate."""
        with pkcs11.lib(str(self.module)).get_token(token_label=label).open(rw=True, user_pin=PIN) as session:
            session.create_object(
                {
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                    pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.PRIVATE: hidden,
                    pkcs11.Attribute.ID: key_id,
                    pkcs11.Attribute.SUBJECT: b"\x30\x00",
                    pkcs11.Attribute.VALUE: certificate,
                }
            )
        return certificate

    def person(self, world: World, scheme: str, *, key_id: bytes = b"\x01", label: str = LABEL) -> bytes:
        """A key with a certificate of the world's authority; the certificate."""
        return self.put(world.certify(self.key(scheme, key_id=key_id, label=label)), key_id=key_id, label=label)
