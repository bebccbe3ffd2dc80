"""Checks at the binding of a certificate to a participant: is it good, is it theirs, may its holder act for them."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec

from kapital.kernel.canonical import sha256_hex
from kapital.platform.acts.bindings import Bound, BoundCertificate
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.problems import (
    CertificateMustBeReadable,
    PowerOfAttorneyRequired,
    SignatureOwnerDiffers,
    problem_of_reasons,
)
from kapital.platform.signatures.certificates import (
    INN_LEGAL_ENTITY,
    OGRN,
    OGRNIP,
    Certificate,
    CertificateUnreadable,
    certificate,
)
from kapital.platform.signatures.check import Path, judge_path, judge_purpose, readable
from kapital.platform.signatures.online import open_signature, path_links
from kapital.platform.signatures.outcome import Outcome, SignatureCheck, TimeBasis, outcome_of
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.powers import PoaDemand, PowerOfAttorney, check_power, read_power
from kapital.platform.signatures.problems import SignatureIndeterminate


async def check_certificate(acts: Acts, encoded: bytes) -> Certificate:
    """A certificate in DER that may sign now: chain, validity, revocation, purpose, policies.

    Raises: CertificateMustBeReadable, and what an INVALID or INDETERMINATE signature is refused with.
    """
    now = acts.clock.now()
    try:
        read = await asyncio.to_thread(certificate, encoded)
    except CertificateUnreadable:
        raise CertificateMustBeReadable from None
    policy = acts.verification()
    between = readable(acts.trust.between)
    links = await asyncio.to_thread(path_links, policy.roots, between, read)
    material = Material(acts.trust.between, await acts.revocation.data_for(links, now=now))
    path: Path = await asyncio.to_thread(judge_path, read, (), policy.roots, now, now, policy, material)
    reasons = (*path.reasons, *judge_purpose(read, path.chain, policy))
    outcome = outcome_of(reasons)
    if outcome is Outcome.INVALID:
        raise problem_of_reasons(reasons)
    if outcome is Outcome.INDETERMINATE:
        raise SignatureIndeterminate(facts={"reasons": ",".join(reason.code for reason in reasons)})
    return read


def require_owner(read: Certificate, numbers: Mapping[str, str]) -> None:
    """The certificate carries at least one of the participant's numbers, and none that differs.

    One that names a legal entity is that entity's (63-FZ art. 17.1): though it carries the number of its head as
    well, it does not sign for the head in person.
    Raises: PowerOfAttorneyRequired for a person's certificate where a legal entity is meant, SignatureOwnerDiffers.
    """
    common = numbers.keys() & read.owner.keys()
    is_entity = bool({OGRN, INN_LEGAL_ENTITY} & numbers.keys())
    is_entitys = bool({OGRN, INN_LEGAL_ENTITY} & read.owner.keys())
    if common and all(read.owner[name] == numbers[name] for name in common) and (is_entity or not is_entitys):
        return
    is_persons = not {OGRN, INN_LEGAL_ENTITY, OGRNIP} & read.owner.keys()
    raise PowerOfAttorneyRequired if is_entity and is_persons else SignatureOwnerDiffers


async def bound_by_numbers(acts: Acts, participant_id: UUID, signature: bytes, numbers: Mapping[str, str]) -> Bound:
    """The certificate of a signature, as bound to whom these numbers name; nothing where it is not theirs.

    For the service that keeps the numbers itself, of somebody of whom no binding can have been told yet. Whether the
    certificate is good the check of the act looks at. Raises: GostEngineMissing, LibcryptoMissing.
    """
    policy = acts.verification()
    opened = await asyncio.to_thread(open_signature, signature, policy, Material(acts.trust.between))
    if opened is None:
        return {}
    try:
        require_owner(opened.signer, numbers)
    except (PowerOfAttorneyRequired, SignatureOwnerDiffers):
        return {}
    one = BoundCertificate(
        participant_id=participant_id,
        certificate_sha256=sha256_hex(opened.signer.encoded),
        active=True,
        power_sha256=None,
        power_signature_sha256=None,
    )
    return {one.certificate_sha256: one}


class ShownPower(msgspec.Struct, frozen=True, kw_only=True):
    """A power of attorney (МЧД) and its detached signature."""

    document: bytes
    signature: bytes


async def require_power(
    acts: Acts,
    shown: ShownPower,
    *,
    numbers: Mapping[str, str],
    holder: Mapping[str, str],
    powers: frozenset[str] = frozenset(),
) -> PowerOfAttorney:
    """The power of attorney if it binds the participant, names the holder of these numbers and gives all `powers`.

    Which acts it covers is looked at at each act, and its status again.
    Raises: PowerOfAttorneyUnreadable, PowerOfAttorneyInsufficient, SignatureIndeterminate,
    PowerOfAttorneyStatusUnavailable.
    """
    now = acts.clock.now()
    power = read_power(shown.document)
    policy = acts.verification()
    opened = await asyncio.to_thread(open_signature, shown.signature, policy, Material(acts.trust.between))
    data = await acts.revocation.data_for(opened.links if opened else (), now=now)
    check = await asyncio.to_thread(
        check_power,
        shown.document,
        shown.signature,
        demand=PoaDemand(
            principal=numbers, powers=powers, policy=policy, material=Material(acts.trust.between, data)
        ),
        act=SignatureCheck(
            outcome=Outcome.VALID,
            reasons=(),
            signed_at=now,
            time_basis=TimeBasis.RECEIVED,
            owner=dict(holder),
        ),
        status=await acts.powers.status(power.number),
        received_at=now,
        now=now,
    )
    if check.outcome is Outcome.INVALID:
        raise problem_of_reasons(check.reasons)
    if check.outcome is Outcome.INDETERMINATE:
        raise SignatureIndeterminate(facts={"reasons": ",".join(reason.code for reason in check.reasons)})
    return power
