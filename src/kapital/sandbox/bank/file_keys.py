"""How the bank signs its files: a certificate of its own under a root that its client is given."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kapital.kernel.clock import Clock
from kapital.platform.signatures.algorithms import KeyKind
from kapital.platform.signatures.primitives import PrivateKey
from kapital.sandbox.bank.answers import write_secret
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.sandbox.certification_authority.scheme import Scheme

ROOT: Final = "files.pem"
"""The root, for KAPITAL_BANK_CERTIFICATES."""
_KEY: Final = "files.key.der"
_CERTIFICATE: Final = "files.der"
_LIFE: Final = timedelta(days=5 * 365)


def open_signer(folder: Path, clock: Clock) -> SandboxSigner:
    """The bank's means of signature in this folder, made at the first start; the key is the last that is written."""
    if not (folder / _KEY).exists():
        _make(folder, clock)
    key = PrivateKey.read(KeyKind.EC, (folder / _KEY).read_bytes())
    certificates = ((folder / _CERTIFICATE).read_bytes(),)
    return SandboxSigner(scheme=Scheme.ECDSA_P256, key=key, certificates=certificates, clock=clock)


def foreign_signer(clock: Clock) -> SandboxSigner:
    """Somebody else, under a root that nobody believes: what a script signs with."""
    now = clock.now()
    root = Authority.root("Чужой корень", at=now - timedelta(days=1), scheme=Scheme.ECDSA_P256)
    return SandboxSigner.for_subject(root, Subject("Чужой банк"), clock=clock)


def _make(folder: Path, clock: Clock) -> None:
    now = clock.now() - timedelta(days=1)
    root = Authority.root("Учебный банк, корень", at=now, scheme=Scheme.ECDSA_P256)
    made = ec.generate_private_key(ec.SECP256R1())
    pkcs8 = made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    encoded = root.issue(PrivateKey.read(KeyKind.EC, pkcs8), Subject("Учебный банк"), period=(now, now + _LIFE))
    believed = x509.load_der_x509_certificate(root.own.encoded).public_bytes(Encoding.PEM)
    (folder / ROOT).write_bytes(believed)
    (folder / _CERTIFICATE).write_bytes(encoded)
    write_secret(folder / _KEY, pkcs8)
