"""What a verifier demands of a signature, and the data it has at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from kapital.kernel.problems import ensure
from kapital.platform.signatures.certificates import OWNER_OIDS
from kapital.platform.signatures.problems import TrustListUnreadable
from kapital.platform.signatures.revocation import RevocationData, RevocationRules
from kapital.platform.signatures.trust import TrustedRoots

SIGNATURE_BYTES_MAX: Final = 256 * 1024
CONTENT_BYTES_MAX: Final = 64 * 1024 * 1024
EXTRA_CERTIFICATES_MAX: Final = 64

FOR_SIGNING: Final = frozenset({"digital_signature", "content_commitment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationPolicy:
    """What must hold.

    Shape: `owner` maps names of `OWNER_OIDS` to the digits that the certificate must carry, all of them.
    `key_usage`: one of these must be in the certificate. `policies`: one of these must be named by the certificate
    and not excluded by an authority above it; empty demands none. `time_stamp_roots`: roots of time-stamping
    authorities, None for the same as of signers. `time_stamp_policies`: empty takes any. `content_bytes_max`: longer
    contents are refused.

    Law: 63-FZ art. 11 (1)–(4) and art. 17; which policy identifiers and which key usage to demand is a setting [M?].
    """

    roots: TrustedRoots
    time_stamp_roots: TrustedRoots | None = None
    owner: Mapping[str, str] = field(default_factory=dict)
    key_usage: frozenset[str] = FOR_SIGNING
    policies: frozenset[str] = frozenset()
    require_time_stamp: bool = False
    time_stamp_policies: frozenset[str] = frozenset()
    require_revocation: bool = True
    content_bytes_max: int = CONTENT_BYTES_MAX
    revocation: RevocationRules = field(default_factory=RevocationRules)

    def __post_init__(self) -> None:
        ensure(set(self.owner) <= set(OWNER_OIDS), "the owner is named by known numbers")
        ensure(bool(self.key_usage), "a signer's certificate is for something")

    @property
    def clock_skew(self) -> timedelta:
        """How far two clocks may differ."""
        return self.revocation.clock_skew


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Data beside the signature: certificates that may stand in a chain (DER), revocation data.

    Shape: at most 64 certificates. Raises: TrustListUnreadable for more.
    """

    certificates: tuple[bytes, ...] = ()
    revocation: RevocationData = field(default_factory=RevocationData)

    def __post_init__(self) -> None:
        if len(self.certificates) > EXTRA_CERTIFICATES_MAX:
            raise TrustListUnreadable(facts={"reason": "too_many_certificates", "limit": EXTRA_CERTIFICATES_MAX})
