"""The check of an act: its signature now, with all that it rests on, kept in one file.

Outcome VALID: the act goes on. INVALID: refused with the code of the reason. INDETERMINATE: it waits and is checked
again; it is never taken for valid (scenario 23). What a service of an authority does not tell is asked again then.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from kapital.kernel.clock import Clock
from kapital.kernel.problems import Problem, Unavailable
from kapital.platform.acts.bindings import Bound, BoundCertificate
from kapital.platform.acts.files import VERSION, SignedActFile, read_signed_act
from kapital.platform.acts.form import Act, SignedAct, made_at_of
from kapital.platform.acts.policy import ActKind, ActPolicy, Need
from kapital.platform.acts.problems import (
    ActMustBeRecent,
    PowerOfAttorneyInsufficient,
    PowerOfAttorneyRequired,
    SignatureCertificateSuspended,
    SignatureOwnerDiffers,
    problem_of_reasons,
)
from kapital.platform.acts.records import ActRecord
from kapital.platform.logging import get_logger
from kapital.platform.problems import ObjectTooLarge
from kapital.platform.signatures.bundle import KeptPower, keep, kept_power
from kapital.platform.signatures.cades import add_time_stamp
from kapital.platform.signatures.certificates import INN_LEGAL_ENTITY, OGRN, OGRNIP, Certificate
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.cms import read_container
from kapital.platform.signatures.online import Link, Opened, RevocationSource, TimeStampSource, open_signature
from kapital.platform.signatures.outcome import Code, Outcome, Reason, SignatureCheck, outcome_of
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.powers import (
    PoaCheck,
    PoaDemand,
    PoaStatus,
    PoaStatusSource,
    PowerOfAttorney,
    check_power,
    read_power,
)
from kapital.platform.signatures.problems import SignatureNotValid
from kapital.platform.signatures.revocation import RevocationRules
from kapital.platform.signatures.timestamps import stamp_request
from kapital.platform.signatures.trust_folder import Trust
from kapital.platform.telemetry import ACTS
from kapital.platform.threads import WorkThreads

CHECKS_AT_ONCE: Final = 2
"""Threads that verify: the engine's arithmetic needs no interpreter, all around it does."""
ACT_AGE_MAX: Final = timedelta(hours=24)
"""How long a prepared act may wait for its signature."""
_STAYS_OPEN: Final = frozenset(
    {
        Code.PART_NOT_UNDERSTOOD,
        Code.SIGNER_CERTIFICATE_MISSING,
        Code.CHAIN_NOT_TRUSTED,
        Code.POA_DELEGATED,
        Code.POA_JOINT,
    }
)
"""What no later answer of an authority settles: such an act does not wait, it is refused."""
_log = get_logger("acts")


class FileStore(Protocol):
    """Keeps files under the SHA-256 of their bytes (platform.objects)."""

    async def put(self, content: bytes) -> str:
        """Keep the bytes and return their SHA-256 (hex)."""
        ...

    async def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Keep each of the contents and return their SHA-256 (hex), in order. Raises: ObjectTooLarge, StorageFull."""
        ...

    async def get(self, key: str) -> bytes:
        """The bytes. Raises: ObjectNotFound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Of whose acts a check is: their bound certificates, and whether they are a legal entity."""

    participant_id: UUID
    bound: Bound
    is_legal_entity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAct:
    """The outcome. `problem` is the refusal of an INVALID one; `revoked_later_at` as in SignatureCheck."""

    outcome: Outcome
    problem: Problem | None
    reasons: tuple[str, ...]
    act_sha256: str
    file_sha256: str
    certificate_sha256: str | None
    received_at: datetime
    signed_at: datetime
    checked_at: datetime
    revoked_later_at: datetime | None = None

    def record(self, *, actor_id: str, command_id: str, kind: str, participant_id: UUID) -> ActRecord:
        """The row that a service keeps of it."""
        return ActRecord(
            actor_id=actor_id,
            command_id=command_id,
            kind=kind,
            participant_id=participant_id,
            state=self.outcome.value,
            act_sha256=self.act_sha256,
            file_sha256=self.file_sha256,
            certificate_sha256=self.certificate_sha256,
            reasons=",".join(self.reasons),
            received_at=self.received_at,
            signed_at=self.signed_at,
            checked_at=self.checked_at,
        )


class ToCheck(NamedTuple):
    """An act that has just come, with its signature."""

    act: Act
    signed: SignedAct
    signer: Signer


class _Came(NamedTuple):
    """What is checked, and when it came."""

    content: bytes
    text: str
    signature: bytes
    kind: ActKind
    signer: Signer
    made_at: datetime
    received_at: datetime
    now: datetime


class _Judged(NamedTuple):
    """A check that was made, and the file that is to be kept of it."""

    came: _Came
    check: SignatureCheck
    certificate_sha256: str | None
    outcome: Outcome
    reasons: tuple[Reason, ...]
    problem: Problem | None
    act_sha256: str
    file: bytes

    def kept(self, file_sha256: str) -> CheckedAct:
        """What is answered when the file is kept."""
        return CheckedAct(
            outcome=self.outcome,
            problem=self.problem,
            reasons=tuple(dict.fromkeys(reason.code.value for reason in self.reasons)),
            act_sha256=self.act_sha256,
            file_sha256=file_sha256,
            certificate_sha256=self.certificate_sha256,
            received_at=self.came.received_at,
            signed_at=self.check.signed_at,
            checked_at=self.came.now,
            revoked_later_at=self.check.revoked_later_at,
        )


@dataclass(frozen=True, slots=True)
class _ShownPower:
    """A power of attorney with what the register tells of it now; None when it tells nothing."""

    document: bytes
    signature: bytes
    power: PowerOfAttorney
    status: PoaStatus | None
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Checks acts of all services of a process. `policies`: identifiers of which a certificate must name one."""

    clock: Clock
    policy: ActPolicy
    trust: Trust
    policies: frozenset[str]
    revocation: RevocationSource
    stamps: TimeStampSource | None
    powers: PoaStatusSource
    files: FileStore
    rules: RevocationRules
    threads: WorkThreads = field(default_factory=partial(WorkThreads, CHECKS_AT_ONCE))

    def needs_signature(self, kind: ActKind) -> bool:
        """Whether an act of this kind needs a qualified signature today."""
        return self.policy.need(kind, self.clock.now().date()) is Need.QUALIFIED

    async def check(self, asked: Sequence[ToCheck]) -> list[CheckedAct | Problem]:
        """Check acts that have just come, each for itself; a Problem is the answer of an act that has no check.

        Nearly always all that a check needs is at hand: then it is made in one go beside the loop, many in one call.
        Promise: what it answers as VALID is kept with all that it rests on; no answer leaves nothing half done.
        Answers of one act: ActMustBeRecent, GostEngineMissing, LibcryptoMissing, ObjectTooLarge, StorageFull.
        """
        now, policy = self.clock.now(), self.verification()
        at_once = partial(self._at_once, policy=policy, now=now)
        judged = await self.threads.call_each(at_once, asked)
        files = await self._files_kept([one.file for one in judged if isinstance(one, _Judged)])
        self._note([one for one in judged if isinstance(one, _Judged)])
        keys = iter(files)
        others = [self._alone(one, now) for one, told in zip(asked, judged, strict=True) if told is None]
        alone = iter(await asyncio.gather(*others))
        answers: list[CheckedAct | Problem] = []
        for told in judged:
            if isinstance(told, _Judged):
                key = next(keys)
                answers.append(told.kept(key) if isinstance(key, str) else key)
            else:
                answers.append(next(alone) if told is None else told)
        return answers

    def _came(self, asked: ToCheck, now: datetime) -> _Came:
        """Raises: ActMustBeRecent."""
        act = asked.act
        if not now - ACT_AGE_MAX <= act.made_at <= now + self.rules.clock_skew:
            raise ActMustBeRecent(facts={"limit_s": int(ACT_AGE_MAX.total_seconds())})
        kind = ActKind(act.wording.kind)
        return _Came(
            act.to_sign(), act.wording.text, asked.signed.signature, kind, asked.signer, act.made_at, now, now
        )

    def _at_once(self, asked: ToCheck, *, policy: VerificationPolicy, now: datetime) -> _Judged | Problem | None:
        """The check of an act for which nobody has to be asked; None where somebody has to. Blocking."""
        try:
            came = self._came(asked, now)
            opened = open_signature(came.signature, policy, Material(self.trust.between))
            bound = _bound(came.signer, opened)
            if (opened and not opened.stamped and self.stamps) or (bound and bound.power_sha256):
                return None
            data = self.revocation.known(opened.links if opened else (), now=now)
            if data is None:
                return None
            material = Material(self.trust.between, data)
            check = verify_signature(
                came.signature, came.content, policy=policy, received_at=now, now=now, material=material
            )
            return self._judged(came, check, opened, bound, policy, material)
        except Problem as problem:
            return problem

    async def _alone(self, asked: ToCheck, now: datetime) -> CheckedAct | Problem:
        try:
            return await self._check(self._came(asked, now))
        except Problem as problem:
            return problem

    async def _files_kept(self, files: Sequence[bytes]) -> list[str | Problem]:
        """The keys of files, or why one could not be kept."""
        try:
            return [*(await self.files.put_many(files))]
        except Problem as problem:
            if isinstance(problem, ObjectTooLarge) and len(files) > 1:
                # One that is too large takes nothing from the others.
                return [kept for file in files for kept in await self._files_kept([file])]
            return [problem] * len(files)

    async def check_again(self, file_sha256: str, kind: ActKind, signer: Signer) -> CheckedAct:
        """Check an act again with what can be had now: one that waits.

        Raises: ObjectNotFound, GostEngineMissing, LibcryptoMissing, StorageFull.
        """
        file = read_signed_act(await self.files.get(file_sha256))
        content = file.act.encode()
        return await self._check(
            _Came(
                content,
                file.shown_text,
                file.bundle.signature_bytes,
                kind,
                signer,
                made_at_of(content),
                file.bundle.received_at,
                self.clock.now(),
            )
        )

    async def _check(self, came: _Came) -> CheckedAct:
        policy = self.verification()
        signature, opened = await self._stamped(came.signature, policy)
        came = came._replace(signature=signature)
        bound = _bound(came.signer, opened)
        shown = await self._power(bound, policy)
        links = {*(opened.links if opened else ()), *(shown.links if shown else ())}
        material = Material(self.trust.between, await self.revocation.data_for(list(links), now=came.now))
        check = await self.threads.call(
            verify_signature,
            signature,
            came.content,
            policy=policy,
            received_at=came.received_at,
            now=came.now,
            material=material,
        )
        power, power_check = await self._judge_power(
            shown, check, material, policy, came.kind, (came.received_at, came.now)
        )
        judged = self._judged(came, check, opened, bound, policy, material, power, power_check)
        self._note([judged])
        return judged.kept(await self.files.put(judged.file))

    def _judged(
        self,
        came: _Came,
        check: SignatureCheck,
        opened: Opened | None,
        bound: BoundCertificate | None,
        policy: VerificationPolicy,
        material: Material,
        power: KeptPower | None = None,
        power_check: PoaCheck | None = None,
    ) -> _Judged:
        reasons = (*check.reasons, *(power_check.reasons if power_check else ()))
        outcome = outcome_of(reasons)
        problem = problem_of_reasons(reasons) if outcome is Outcome.INVALID else None
        if problem is None and check.signed_at < came.made_at - self.rules.clock_skew:
            # Else whoever had a key for an hour could stamp acts of all days to come, and no revocation met them.
            problem = ActMustBeRecent(facts={"limit_s": int(ACT_AGE_MAX.total_seconds())})
        if problem is None and opened is not None:
            problem = self._why_not_theirs(opened.signer, bound, came.signer, came.kind, came.now)
        if problem is None and (opened is None or _STAYS_OPEN & {reason.code for reason in reasons}):
            problem = SignatureNotValid(facts={"reasons": ",".join(reason.code for reason in reasons)})
        outcome = Outcome.INVALID if problem is not None else outcome
        bundle = keep(
            came.signature,
            came.content,
            check=check,
            policy=policy,
            material=material,
            received_at=came.received_at,
            checked_at=came.now,
            power=power,
            power_check=power_check if power else None,
        )
        file = SignedActFile(VERSION, came.content.decode(), came.text, bundle).encoded()
        certificate = opened.signer.sha256 if opened else None
        return _Judged(came, check, certificate, outcome, reasons, problem, bundle.content_sha256, file)

    def verification(self) -> VerificationPolicy:
        """What is demanded of every signature of a person."""
        return VerificationPolicy(
            roots=self.trust.roots,
            time_stamp_roots=self.trust.time_stamp_roots,
            policies=self.policies,
            require_time_stamp=self.stamps is not None,
            revocation=self.rules,
        )

    async def _stamped(self, signature: bytes, policy: VerificationPolicy) -> tuple[bytes, Opened | None]:
        """The signature with a time-stamp, if there is an authority and it answers; and what the container shows."""
        material = Material(self.trust.between)
        opened = await self.threads.call(open_signature, signature, policy, material)
        if opened is None or opened.stamped or self.stamps is None:
            return signature, opened
        algorithm = read_container(signature).algorithm
        try:
            token = await self.stamps.stamp(stamp_request(opened.value, algorithm.digest))
        except Unavailable as problem:
            _log.warning("acts.no_time_stamp", code=problem.code)
            return signature, opened
        stamped = add_time_stamp(signature, token)
        return stamped, await self.threads.call(open_signature, stamped, policy, material)

    # --- powers of attorney

    async def _power(self, bound: BoundCertificate | None, policy: VerificationPolicy) -> "_ShownPower | None":
        if bound is None or bound.power_sha256 is None or bound.power_signature_sha256 is None:
            return None
        document, signature = await asyncio.gather(
            self.files.get(bound.power_sha256), self.files.get(bound.power_signature_sha256)
        )
        opened = await self.threads.call(open_signature, signature, policy, Material(self.trust.between))
        power = read_power(document)
        try:
            status = await self.powers.status(power.number)
        except Unavailable as problem:
            _log.warning("acts.no_power_status", code=problem.code)
            status = None
        return _ShownPower(document, signature, power, status, opened.links if opened else ())

    async def _judge_power(
        self,
        shown: "_ShownPower | None",
        act: SignatureCheck,
        material: Material,
        policy: VerificationPolicy,
        kind: ActKind,
        times: tuple[datetime, datetime],
    ) -> tuple[KeptPower | None, PoaCheck | None]:
        if shown is None:
            return None, None
        received_at, now = times
        # Whom the power binds was compared with the participant when identity bound the certificate.
        demand = PoaDemand(
            principal=shown.power.principal,
            powers=self.policy.powers(kind, now.date()),
            policy=policy,
            material=material,
        )
        check = await self.threads.call(
            check_power,
            shown.document,
            shown.signature,
            demand=demand,
            act=act,
            status=shown.status,
            received_at=received_at,
            now=now,
        )
        if shown.status is None:
            return None, check
        kept = kept_power(
            shown.document, shown.signature, received_at=received_at, demand=demand, status=shown.status
        )
        return kept, check

    def _why_not_theirs(
        self, signer: Certificate, bound: BoundCertificate | None, of: Signer, kind: ActKind, now: datetime
    ) -> Problem | None:
        """Whether the certificate may sign for the participant: identity compared its owner when it was bound."""
        if bound is None:
            is_persons = not {OGRN, INN_LEGAL_ENTITY, OGRNIP} & signer.owner.keys()
            return PowerOfAttorneyRequired() if of.is_legal_entity and is_persons else SignatureOwnerDiffers()
        if not bound.active:
            return SignatureCertificateSuspended()
        if bound.power_sha256 is not None and not self.policy.powers(kind, now.date()):
            return PowerOfAttorneyInsufficient(facts={"reasons": "no_power_is_enough_for_this_act"})
        return None

    def _note(self, judged: Sequence[_Judged]) -> None:
        counts: Counter[tuple[str, str, str]] = Counter()
        for one in judged:
            kind = one.came.kind.value
            code = one.problem.code if one.problem else next((reason.code.value for reason in one.reasons), "")
            counts[kind, one.outcome.value, code] += 1
            if one.outcome is Outcome.INDETERMINATE:
                _log.error("acts.waits_for_its_check", name=kind, code=code)
            elif one.problem is not None:
                _log.warning("acts.refused", name=kind, code=code)
        for labels, count in counts.items():
            ACTS.labels(*labels).inc(count)


def _bound(signer: Signer, opened: Opened | None) -> BoundCertificate | None:
    return signer.bound.get(opened.signer.sha256) if opened else None
