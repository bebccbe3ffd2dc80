"""A root, an authority under it, a time-stamping authority, a signer, and a stopped clock that tests move."""

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.libcrypto import has_gost
from kapital.platform.signatures.outcome import Code, SignatureCheck
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.revocation import RevocationData
from kapital.platform.signatures.trust import TrustedRoots
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Scheme, Subject, TimeStampAuthority
from kapital.sandbox.certification_authority.authority import POLICY_KC1, SIGNING
from kapital.sandbox.certification_authority.x509_form import Extensions

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACT = '{"заявка":"на 100 единиц"}'.encode()
INN, SNILS = "980100000089", "11223344595"
DAY = timedelta(days=1)


def require_gost() -> None:
    """Skip, or fail where everything must be there, if the engine is missing."""
    if not has_gost():
        message = "no GOST engine: install the package libengine-gost-openssl"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)


def openssl(*arguments: str, ok: bool = True) -> str:
    """Run the OpenSSL command line, the second verifier; return what it says."""
    program = shutil.which("openssl")
    if program is None:
        message = "no openssl: install the package openssl"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)
    assert program is not None
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass
class StoppedClock:
    """Shows the time that a test sets."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class World:
    """Everything is in force from nine days before START; the signer's certificate for a year from START."""

    def __init__(self, scheme: str) -> None:
        self.scheme = Scheme(scheme)
        self.clock = StoppedClock(START)
        self.root = Authority.root("Учебный корень", at=START - 9 * DAY, scheme=self.scheme)
        self.authority = self.root.subordinate("Учебный УЦ", at=START - 8 * DAY)
        self.stamps = TimeStampAuthority.under(self.authority, clock=self.clock)
        self.signer = self.person()
        self.clock.at = START + timedelta(hours=1)

    def person(self, extensions: Extensions = SIGNING, **changes: Any) -> SandboxSigner:
        """A signer without time-stamps; `numbers` and `period` of the certificate may be changed."""
        numbers = changes.pop("numbers", {"inn": INN, "snils": SNILS})
        authority = changes.pop("authority", self.authority)
        return SandboxSigner.for_subject(
            authority, Subject("Иванов Иван", numbers), clock=self.clock, extensions=extensions, **changes
        )

    def certify(self, key: Any, **changes: Any) -> bytes:
        """A certificate of a person for a key that lies elsewhere, for four years from START."""
        subject = Subject("Иванов Иван", {"inn": INN, "snils": SNILS})
        return self.authority.issue(key, subject, **{"period": (START, START + 4 * 365 * DAY), **changes})

    def sign(self, signer: SandboxSigner | None = None, *, stamped: bool = False, act: bytes = ACT) -> bytes:
        """A signature of the act now."""
        signer = signer or self.signer
        return replace(signer, stamps=self.stamps if stamped else None).sign_now(act)

    def lists(self) -> tuple[bytes, ...]:
        """Fresh lists of both authorities."""
        return self.root.crl(at=self.clock.at), self.authority.crl(at=self.clock.at)

    def material(self) -> Material:
        """Fresh lists, nothing else."""
        return Material((), RevocationData(self.lists()))

    @property
    def roots(self) -> TrustedRoots:
        """The root alone."""
        return TrustedRoots(frozenset(self.root.certificates))

    def policy(self, **changes: Any) -> VerificationPolicy:
        """Owner and policy are demanded; `changes` replace fields."""
        wanted = {"roots": self.roots, "owner": {"inn": INN}, "policies": frozenset({POLICY_KC1})}
        return VerificationPolicy(**{**wanted, **changes})

    def check(
        self,
        signature: bytes,
        act: bytes = ACT,
        *,
        material: Material | None = None,
        received_at: datetime | None = None,
        **policy: Any,
    ) -> SignatureCheck:
        """Check now, as received now unless told."""
        return verify_signature(
            signature,
            act,
            policy=self.policy(**policy),
            received_at=received_at or self.clock.at,
            now=self.clock.at,
            material=material or self.material(),
        )


def codes(check: SignatureCheck) -> set[Code]:
    """The reason codes of a check."""
    return {reason.code for reason in check.reasons}


def pem(path: Path, certificate: bytes) -> str:
    """Write a certificate as PEM for the command line; return the path."""
    der = path.with_suffix(".der")
    der.write_bytes(certificate)
    openssl("x509", "-inform", "DER", "-in", str(der), "-out", str(path))
    return str(path)
