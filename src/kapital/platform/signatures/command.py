"""Checking a signature out of files: what `kapital signature verify` does."""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kapital.kernel.problems import Family, Problem, Retry
from kapital.platform.signatures.bundle import keep
from kapital.platform.signatures.certificates import OWNER_OIDS
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.outcome import SignatureCheck
from kapital.platform.signatures.policy import CONTENT_BYTES_MAX, SIGNATURE_BYTES_MAX, Material, VerificationPolicy
from kapital.platform.signatures.revocation import CRL_BYTES_MAX, OCSP_BYTES_MAX, RevocationData
from kapital.platform.signatures.trust import TrustedRoots, split_certificates

_TRUST_BYTES_MAX: Final = 8 * 1024 * 1024


class OwnerNotUnderstood(Problem):
    """The owner's number is not given as name=digits with a known name. Facts: `given`, `known`."""

    code = "owner_not_understood"
    title = "The owner's number is not given as name=digits"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class FileTooLarge(Problem):
    """A file given to a command is larger than is read. Facts: `limit`."""

    code = "file_too_large"
    title = "The file is larger than allowed"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line names."""

    signature: Path
    content: Path
    roots: tuple[Path, ...]
    time_stamp_roots: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    crl: tuple[Path, ...] = ()
    ocsp: tuple[Path, ...] = ()
    owner: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    received_at: datetime | None = None
    require_time_stamp: bool = False
    require_revocation: bool = True
    bundle: Path | None = None


def verify_files(given: Given, *, now: datetime) -> SignatureCheck:
    """Check the files and write the bundle if asked for. An instant without a zone is taken as UTC.

    Raises: OSError for a file that cannot be read, FileTooLarge, OwnerNotUnderstood, TrustListUnreadable,
    GostEngineMissing, LibcryptoMissing.
    """
    stamp_roots = _roots(given.time_stamp_roots) if given.time_stamp_roots else None
    policy = VerificationPolicy(
        roots=_roots(given.roots),
        time_stamp_roots=stamp_roots,
        owner=dict(_number(text) for text in given.owner),
        policies=frozenset(given.policies),
        require_time_stamp=given.require_time_stamp,
        require_revocation=given.require_revocation,
    )
    between = (one for path in given.certificates for one in split_certificates(_read(path, _TRUST_BYTES_MAX)))
    data = RevocationData(
        crls=tuple(_binary(_read(path, CRL_BYTES_MAX * 2)) for path in given.crl),
        ocsp=tuple(_read(path, OCSP_BYTES_MAX) for path in given.ocsp),
    )
    material = Material(tuple(between), data)
    signature = _binary(_read(given.signature, SIGNATURE_BYTES_MAX * 2))
    content = _read(given.content, CONTENT_BYTES_MAX)
    received_at = given.received_at or now
    received_at = received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC)
    check = verify_signature(signature, content, policy=policy, received_at=received_at, now=now, material=material)
    if given.bundle is not None:
        kept = keep(
            signature,
            content,
            check=check,
            policy=policy,
            material=material,
            received_at=received_at.astimezone(UTC),
            checked_at=now,
        )
        given.bundle.write_bytes(kept.encoded())
    return check


def _roots(paths: tuple[Path, ...]) -> TrustedRoots:
    return TrustedRoots.from_pem_or_der(*(_read(path, _TRUST_BYTES_MAX) for path in paths))


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileTooLarge(str(path), {"limit": limit})
    return content


def _binary(source: bytes) -> bytes:
    """DER as it is; PEM and bare base64, which signing programs also write, decoded. What is neither stays."""
    body = source
    if source.lstrip().startswith(b"-----BEGIN"):
        body = b"".join(line for line in source.splitlines() if not line.startswith(b"-----"))
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        return source


def _number(text: str) -> tuple[str, str]:
    name, _, digits = text.partition("=")
    if name not in OWNER_OIDS or not digits.isascii() or not digits.isdigit():
        raise OwnerNotUnderstood(facts={"given": name, "known": ", ".join(OWNER_OIDS)})
    return name, digits
