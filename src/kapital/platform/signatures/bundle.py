"""A signature with all that its check relied on, in one file: for checking again after years, without a network.

Form: RFC 8785 JSON, versioned; bytes in base64. It holds certificates and therefore personal data: it lies with the
documents, encrypted and erasable, never in the ledger, where only its hash goes.

Law: 63-FZ art. 11 (2) (validity at the time of signing, shown later); domain.md 1.9.
Not: an archive time-stamp (CAdES-A). That the bundle existed when it says so is proved by its hash in the ledger's
log.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

import msgspec

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import ensure
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.outcome import Code, Outcome, SignatureCheck
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.powers import PoaCheck, PoaDemand, PoaState, PoaStatus, check_power
from kapital.platform.signatures.problems import SignatureBundleUnreadable
from kapital.platform.signatures.revocation import RevocationData, RevocationRules
from kapital.platform.signatures.trust import TrustedRoots

VERSION: Final = "kapital.signature-bundle.v1"
BUNDLE_BYTES_MAX: Final = 64 * 1024 * 1024


class Demands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policy of the check, without its roots."""

    owner: dict[str, str]
    key_usage: list[str]
    policies: list[str]
    require_time_stamp: bool
    time_stamp_policies: list[str]
    require_revocation: bool
    revocation_age_max_s: int
    clock_skew_s: int


class KeptPower(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A power of attorney beside the signature: document, its own signature, and what the register answered."""

    document: str
    signature: str
    received_at: datetime
    principal: dict[str, str]
    powers: list[str]
    status_age_max_s: int
    status_number: str
    status_state: PoaState
    status_checked_at: datetime
    status_registered_at: datetime | None
    status_revoked_at: datetime | None
    status_proof: str

    def status(self) -> PoaStatus:
        """The register's answer as the check of a power takes it."""
        return PoaStatus(
            number=self.status_number,
            state=self.status_state,
            checked_at=self.status_checked_at,
            registered_at=self.status_registered_at,
            revoked_at=self.status_revoked_at,
            proof=_bytes(self.status_proof),
        )


class SignatureBundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature, its check, and the data of the check. The content is kept by its owner; here is its hash.

    `roots` and `time_stamp_roots` are what was believed then. Who checks again decides anew what to believe.
    """

    version: Literal["kapital.signature-bundle.v1"]
    content_sha256: str
    signature: str
    certificates: list[str]
    crls: list[str]
    ocsp: list[str]
    roots: list[str]
    time_stamp_roots: list[str]
    demands: Demands
    received_at: datetime
    checked_at: datetime
    outcome: Outcome
    reasons: list[Code]
    power: KeptPower | None

    @property
    def signature_bytes(self) -> bytes:
        """The signature as it was checked. Raises: SignatureBundleUnreadable."""
        try:
            return _bytes(self.signature)
        except binascii.Error:
            raise SignatureBundleUnreadable(facts={"reason": "form"}) from None

    def encoded(self) -> bytes:
        """The canonical bytes, whose hash is the bundle's name."""
        return canonical_bytes(self)


def keep(
    signature: bytes,
    content: bytes,
    *,
    check: SignatureCheck,
    policy: VerificationPolicy,
    material: Material,
    received_at: datetime,
    checked_at: datetime,
    power: KeptPower | None = None,
    power_check: PoaCheck | None = None,
) -> SignatureBundle:
    """The bundle of a check just made. Of the material it keeps what VALID checks relied on, else all of it.

    `material` is that of the check, and holds what the check of the power used as well.
    """
    ensure((power is None) is (power_check is None), "a power is kept with its check")
    checks = [check, power_check.signature] if power_check else [check]
    used = {one for each in checks for one in each.revocation_data}
    ensure(used <= {*material.revocation.crls, *material.revocation.ocsp}, "the material is that of the check")
    whole = any(each.outcome is not Outcome.VALID for each in checks)
    kept = {one for each in checks for one in each.certificates}
    roots = kept & policy.roots.encoded or policy.roots.encoded
    stamp_roots = policy.time_stamp_roots or policy.roots
    believed = kept & stamp_roots.encoded or stamp_roots.encoded
    return SignatureBundle(
        version=VERSION,
        content_sha256=sha256_hex(content),
        signature=_text(signature),
        certificates=_texts({*kept, *material.certificates} - roots - believed),
        crls=_texts(one for one in material.revocation.crls if whole or one in used),
        ocsp=_texts(one for one in material.revocation.ocsp if whole or one in used),
        roots=_texts(roots),
        time_stamp_roots=_texts(believed),
        demands=_demands(policy),
        received_at=received_at,
        checked_at=checked_at,
        outcome=check.outcome,
        reasons=[reason.code for reason in check.reasons],
        power=power,
    )


def kept_power(
    document: bytes, signature: bytes, *, received_at: datetime, demand: PoaDemand, status: PoaStatus
) -> KeptPower:
    """A power of attorney, and what was demanded of it, in the form that a bundle keeps."""
    return KeptPower(
        document=_text(document),
        signature=_text(signature),
        received_at=received_at,
        principal=dict(demand.principal),
        powers=sorted(demand.powers),
        status_age_max_s=int(demand.status_age_max.total_seconds()),
        status_number=status.number,
        status_state=status.state,
        status_checked_at=status.checked_at,
        status_registered_at=status.registered_at,
        status_revoked_at=status.revoked_at,
        status_proof=_text(status.proof),
    )


def read_bundle(source: bytes) -> SignatureBundle:
    """Read a bundle. Raises: SignatureBundleUnreadable (`too_large`, `form`, `not_canonical`)."""
    if len(source) > BUNDLE_BYTES_MAX:
        raise SignatureBundleUnreadable(facts={"reason": "too_large", "limit": BUNDLE_BYTES_MAX})
    try:
        bundle = msgspec.json.decode(source, type=SignatureBundle)
    except (msgspec.DecodeError, RecursionError):
        raise SignatureBundleUnreadable(facts={"reason": "form"}) from None
    if bundle.encoded() != source:
        # One bundle, one hash: a second spelling of it would not be found in the log.
        raise SignatureBundleUnreadable(facts={"reason": "not_canonical"})
    return bundle


def check_again(bundle: SignatureBundle, content: bytes, *, roots: TrustedRoots | None = None) -> SignatureCheck:
    """Check a kept signature again with the data in the bundle alone, as of the time of its first check.

    `roots`: what the checker believes today; None for what was believed then (which proves only that nothing
    changed).
    Promise: no network, no clock. Raises: SignatureBundleUnreadable, GostEngineMissing.
    """
    try:
        return verify_signature(
            _bytes(bundle.signature),
            content,
            policy=_policy(bundle, roots),
            received_at=bundle.received_at,
            now=bundle.checked_at,
            material=bundle_material(bundle),
        )
    except binascii.Error:
        raise SignatureBundleUnreadable(facts={"reason": "form"}) from None


def check_power_again(bundle: SignatureBundle, act: SignatureCheck, *, roots: TrustedRoots | None = None) -> PoaCheck:
    """Check the kept power again for an act that `check_again` judged, with the data in the bundle alone.

    Raises: SignatureBundleUnreadable (`no_power`, `form`), PowerOfAttorneyUnreadable, GostEngineMissing.
    """
    if (power := bundle.power) is None:
        raise SignatureBundleUnreadable(facts={"reason": "no_power"})
    try:
        demand = PoaDemand(
            principal=power.principal,
            powers=frozenset(power.powers),
            status_age_max=timedelta(seconds=power.status_age_max_s),
            policy=_policy(bundle, roots),
            material=bundle_material(bundle),
        )
        return check_power(
            _bytes(power.document),
            _bytes(power.signature),
            demand=demand,
            act=act,
            status=power.status(),
            received_at=power.received_at,
            now=bundle.checked_at,
        )
    except binascii.Error:
        raise SignatureBundleUnreadable(facts={"reason": "form"}) from None


def _policy(bundle: SignatureBundle, roots: TrustedRoots | None) -> VerificationPolicy:
    demands = bundle.demands
    return VerificationPolicy(
        roots=roots or TrustedRoots(_set(bundle.roots)),
        time_stamp_roots=roots or TrustedRoots(_set(bundle.time_stamp_roots)),
        owner=demands.owner,
        key_usage=frozenset(demands.key_usage),
        policies=frozenset(demands.policies),
        require_time_stamp=demands.require_time_stamp,
        time_stamp_policies=frozenset(demands.time_stamp_policies),
        require_revocation=demands.require_revocation,
        revocation=RevocationRules(
            age_max=timedelta(seconds=demands.revocation_age_max_s),
            clock_skew=timedelta(seconds=demands.clock_skew_s),
        ),
    )


def bundle_material(bundle: SignatureBundle) -> Material:
    """Certificates and revocation data of a bundle."""
    data = RevocationData(crls=tuple(map(_bytes, bundle.crls)), ocsp=tuple(map(_bytes, bundle.ocsp)))
    return Material(tuple(map(_bytes, bundle.certificates)), data)


def _demands(policy: VerificationPolicy) -> Demands:
    return Demands(
        owner=dict(policy.owner),
        key_usage=sorted(policy.key_usage),
        policies=sorted(policy.policies),
        require_time_stamp=policy.require_time_stamp,
        time_stamp_policies=sorted(policy.time_stamp_policies),
        require_revocation=policy.require_revocation,
        revocation_age_max_s=int(policy.revocation.age_max.total_seconds()),
        clock_skew_s=int(policy.revocation.clock_skew.total_seconds()),
    )


def _text(content: bytes) -> str:
    return b64encode(content).decode()


@lru_cache(maxsize=16)
def _kept_text(content: bytes) -> str:
    return _text(content)


def _texts(contents: Iterable[bytes]) -> list[str]:
    """Certificates and answers of authorities: the same few stand in one bundle after another."""
    return sorted(map(_kept_text, contents))


def _bytes(text: str) -> bytes:
    return b64decode(text, validate=True)


def _set(texts: list[str]) -> frozenset[bytes]:
    return frozenset(map(_bytes, texts))
