"""Verification of a detached CAdES signature (BES or T) under a policy, in numbered steps.

(1) bounds; (2) the container; (3) the signer's certificate; (4) content, binding and the signature itself;
(5) the trusted time; (6) chain; (7) validity in time; (8) purpose and policies; (9) owner; (10) revocation.
A failure of (1)–(4) ends the check: nothing after it would mean anything. From (5) on all reasons are collected.

The caller MUST give `received_at` from its own trusted clock, MUST keep the bundle of what it relies on, and MUST
judge whether the signed content is the act that it carries out.

Law: 63-FZ art. 11; ETSI EN 319 102-1 (the three outcomes); RFC 5280, RFC 5652, RFC 3161.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from kapital.kernel.problems import ensure
from kapital.platform.signatures.certificates import ANY_POLICY, Certificate, CertificateUnreadable, certificate
from kapital.platform.signatures.cms import (
    DATA,
    SIGNATURE_TIME_STAMP,
    Refused,
    SignedContainer,
    check_signature,
    claimed_time,
    find_signer,
    read_container,
)
from kapital.platform.signatures.outcome import Code, Outcome, Reason, SignatureCheck, TimeBasis, outcome_of
from kapital.platform.signatures.policy import SIGNATURE_BYTES_MAX, Material, VerificationPolicy
from kapital.platform.signatures.primitives import Content
from kapital.platform.signatures.timestamps import Stamp, read_stamp
from kapital.platform.signatures.trust import Chain, TrustedRoots, chain_to


def verify_signature(
    signature: bytes,
    content: Content,
    *,
    policy: VerificationPolicy,
    received_at: datetime,
    now: datetime,
    material: Material | None = None,
) -> SignatureCheck:
    """Check a detached signature over a content.

    Shape: `signature` is CMS in DER, at most 256 KiB; `content` in memory or mapped from a file, at most as long
    as the policy says (64 MiB); a container that holds its content is taken if it holds the same.
    Promise: no input makes it raise but a missing library; VALID means that every demand of the policy holds at
    `signed_at`: the time-stamp's, or else `received_at`.
    Raises: GostEngineMissing if a GOST key is met and the engine is absent, LibcryptoMissing.
    """
    ensure(received_at.tzinfo is not None and now.tzinfo is not None, "instants are aware")
    material = material or Material()
    try:
        _require_bounds(signature, content, policy.content_bytes_max)  # (1)
        container = read_container(signature)  # (2)
        _require_understood(container)
        signer = find_signer(container, material.certificates)  # (3)
        check_signature(container, content, signer)  # (4)
        claimed_at = claimed_time(container)
    except Refused as refused:
        reason = Reason(refused.code, refused.about)
        return SignatureCheck(
            outcome=reason.outcome, reasons=(reason,), signed_at=received_at, time_basis=TimeBasis.RECEIVED
        )
    named = SignatureCheck(
        outcome=Outcome.INVALID,
        reasons=(),
        signed_at=received_at,
        time_basis=TimeBasis.RECEIVED,
        claimed_at=claimed_at,
        algorithm=container.algorithm.oid,
        subject=signer.subject_text,
        issuer=signer.issuer_text,
        serial=f"{signer.serial:x}",
        owner=dict(signer.owner),
    )
    timed, reasons, stamp_path = _trusted_time(named, container, policy, material, now)  # (5)
    path = judge_path(signer, container.certificates, policy.roots, timed.signed_at, now, policy, material)
    reasons += [*path.reasons, *judge_purpose(signer, path.chain, policy), *_owner(signer, policy)]
    return replace(
        timed,
        reasons=tuple(reasons),
        outcome=outcome_of(tuple(reasons)),
        revoked_later_at=path.revoked_later_at,
        certificates=_once(path.certificates + stamp_path.certificates),
        revocation_data=_once(path.evidence + stamp_path.evidence),
    )


def _require_bounds(signature: bytes, content: Content, content_bytes_max: int) -> None:
    if len(signature) > SIGNATURE_BYTES_MAX:
        raise Refused(Code.TOO_LARGE, "signature")
    if len(content) > content_bytes_max:
        raise Refused(Code.TOO_LARGE, "content")


def _require_understood(container: SignedContainer) -> None:
    if container.content_type != DATA:
        raise Refused(Code.CONTENT_DIFFERS, "content type")
    if unknown := sorted(set(container.unsigned) - {SIGNATURE_TIME_STAMP}):
        # They are not covered by the signature: passing them over would let anybody write there.
        raise Refused(Code.PART_NOT_UNDERSTOOD, ", ".join(unknown))


# --- time --------------------------------------------------------------------------------------------------


def _trusted_time(
    named: SignatureCheck, container: SignedContainer, policy: VerificationPolicy, material: Material, now: datetime
) -> tuple[SignatureCheck, list[Reason], "Path"]:
    reasons: list[Reason] = []
    timed, path = named, Path()
    if token := container.unsigned.get(SIGNATURE_TIME_STAMP):
        try:
            stamp = read_stamp(token, container.signature, certificates=material.certificates)
        except Refused as refused:
            return named, [Reason(refused.code, refused.about)], path
        timed = replace(named, signed_at=stamp.stamped_at, time_basis=TimeBasis.TIME_STAMP)
        found, path = judge_stamp(stamp, policy, material, now)
        reasons += found
    elif policy.require_time_stamp:
        reasons.append(Reason(Code.TIME_STAMP_MISSING))
    if timed.claimed_at is not None and timed.claimed_at > timed.signed_at + policy.clock_skew:
        reasons.append(Reason(Code.CLAIMED_TIME_AFTER_TRUSTED))
    return timed, reasons, path


def judge_stamp(
    stamp: Stamp, policy: VerificationPolicy, material: Material, now: datetime
) -> tuple[list[Reason], "Path"]:
    """Reasons against a stamp that was read: its instant, its authority's chain and revocation; and the chain."""
    if stamp.stamped_at > now + policy.clock_skew:
        return [Reason(Code.TIME_STAMP_AFTER_CHECK)], Path()
    roots = policy.time_stamp_roots or policy.roots
    path = judge_path(stamp.authority, stamp.container.certificates, roots, stamp.stamped_at, now, policy, material)
    # The authority's troubles are told as the stamp's, so that nobody takes them for the signer's.
    told = [
        Reason(
            Code.TIME_STAMP_WRONG if reason.outcome is Outcome.INVALID else Code.TIME_STAMP_UNTRUSTED,
            f"{reason.code} {reason.about}".strip(),
        )
        for reason in path.reasons
    ]
    if policy.time_stamp_policies and stamp.policy not in policy.time_stamp_policies:
        told.append(Reason(Code.TIME_STAMP_UNTRUSTED, f"policy {stamp.policy}"))
    return told, path


# --- path --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What was found about a certificate at a time: reasons against it, its chain, and the data relied upon."""

    reasons: tuple[Reason, ...] = ()
    chain: tuple[Certificate, ...] = ()
    evidence: tuple[bytes, ...] = ()
    revoked_later_at: datetime | None = None

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The chain in DER, the certificate itself first."""
        return tuple(one.encoded for one in self.chain)


def judge_path(
    leaf: Certificate,
    embedded: tuple[bytes, ...],
    roots: TrustedRoots,
    at: datetime,
    now: datetime,
    policy: VerificationPolicy,
    material: Material,
) -> Path:
    """Steps (6), (7) and (10) for one certificate: its chain, validity in time, revocation of each link."""
    between = frozenset(embedded) | readable(material.certificates)
    # Without itself: a certificate looked at alone and inside a container has one chain, found once.
    found = chain_to(roots, between - {leaf.encoded}, leaf.encoded)
    if not isinstance(found, Chain):
        return Path(reasons=(Reason(found.code, found.about),))
    chain = found.certificates
    reasons = [*_unverified(embedded, chain, between, roots), *_out_of_time(chain, at)]
    evidence: list[bytes] = []
    revoked_later_at = None
    if policy.require_revocation:
        for subject, issuer in pairwise(chain):
            if not subject.not_before <= at <= subject.not_after:
                continue  # Refused already, and nobody keeps the status of an expired certificate.
            status = material.revocation.status(subject, issuer, at=at, now=now, rules=policy.revocation)
            reasons += status.reasons
            evidence += status.evidence
            if subject is leaf and not status.reasons:
                revoked_later_at = status.revoked_at
    return Path(reasons=tuple(reasons), chain=chain, evidence=tuple(evidence), revoked_later_at=revoked_later_at)


def readable(certificates: tuple[bytes, ...]) -> frozenset[bytes]:
    """Those that are certificates at all."""
    return frozenset(one for one in certificates if _is_readable(one))


def _is_readable(encoded: bytes) -> bool:
    try:
        certificate(encoded)
    except CertificateUnreadable:
        return False
    return True


def _unverified(
    embedded: tuple[bytes, ...], chain: tuple[Certificate, ...], between: frozenset[bytes], roots: TrustedRoots
) -> Iterator[Reason]:
    used = {one.encoded for one in chain}
    for one in embedded:
        if one not in used and not isinstance(chain_to(roots, between, one), Chain):
            yield Reason(Code.EMBEDDED_CERTIFICATE_UNVERIFIED, certificate(one).about)


def _out_of_time(chain: tuple[Certificate, ...], at: datetime) -> Iterator[Reason]:
    for one in chain:
        if at < one.not_before:
            yield Reason(Code.CERTIFICATE_NOT_YET_VALID, one.about)
        elif at > one.not_after:
            yield Reason(Code.CERTIFICATE_EXPIRED, one.about)


def judge_purpose(
    signer: Certificate, chain: tuple[Certificate, ...], policy: VerificationPolicy
) -> Iterator[Reason]:
    """Step (8)."""
    if signer.is_authority or not policy.key_usage & signer.key_usage:
        yield Reason(Code.KEY_USAGE_WRONG, signer.about)
    # The root's own policies are not asked: it is believed as it is (RFC 5280 6.1.1 d).
    above = chain[1:-1]
    if policy.policies and not any(
        wanted in signer.policies and all({wanted, ANY_POLICY} & one.policies for one in above)
        for wanted in policy.policies
    ):
        yield Reason(Code.POLICY_MISSING, signer.about)


def _owner(signer: Certificate, policy: VerificationPolicy) -> Iterator[Reason]:
    for name, wanted in policy.owner.items():
        if name not in signer.owner:
            yield Reason(Code.OWNER_IDENTIFIER_MISSING, name)
        elif signer.owner[name] != wanted:
            yield Reason(Code.OWNER_DIFFERS, name)


def _once(items: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(items))
