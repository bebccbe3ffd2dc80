"""How the bank proves that an answer is its own: Ed25519 over the answer together with the request's id."""

import base64
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import ensure

PRIVATE_KEY: Final = "answers.key.pem"
PUBLIC_KEY: Final = "answers.pem"
TOKEN: Final = "token"  # noqa: S105 - the name of the file, not a secret


def signed_text(method: str, target: str, request_id: str, status: int, body: bytes) -> bytes:
    """The lines that are signed, as the contract has them."""
    lines = ("kapital-bank-answer-v1", method, target, request_id, str(status), sha256_hex(body))
    return "".join(f"{line}\n" for line in lines).encode()


def signature(key: Ed25519PrivateKey, text: bytes) -> str:
    """Base64 of the signature."""
    return base64.b64encode(key.sign(text)).decode()


def open_key(folder: Path) -> Ed25519PrivateKey:
    """The bank's key in this folder, made at the first start; its public half lies beside it for the callers."""
    path = folder / PRIVATE_KEY
    if not path.exists():
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(path, pem)
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    ensure(isinstance(key, Ed25519PrivateKey), f"{path} is an Ed25519 key")
    assert isinstance(key, Ed25519PrivateKey)  # for the type checker; ensured above
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / PUBLIC_KEY).write_bytes(public)
    return key


def open_token(folder: Path) -> str:
    """The token that the bank gave to its one caller, made at the first start."""
    path = folder / TOKEN
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32).encode())
    return path.read_text().strip()


def write_secret(path: Path, content: bytes) -> None:
    """A file that only its owner reads, whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.rename(path)
