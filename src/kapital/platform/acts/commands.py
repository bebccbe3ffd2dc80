"""The act of one command: authorised before its transaction, or refused with a trace of the refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from kapital.kernel.actor import Actor
from kapital.kernel.problems import Problem
from kapital.platform.acts.bindings import Bound
from kapital.platform.acts.checking import Acts, CheckedAct, Signer, ToCheck
from kapital.platform.acts.form import SignedAct, Wording, act_of
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.problems import QualifiedSignatureRequired
from kapital.platform.acts.records import ActRecord, keep_acts
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.signatures.problems import SignatureIndeterminate
from kapital.platform.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ActToCheck:
    """A command's act as it came."""

    wording: Wording
    actor: Actor
    command_id: str
    signed: SignedAct | None
    bound: Bound
    is_legal_entity: bool = False


async def check_act(acts: Acts, given: ActToCheck) -> CheckedAct | None:
    """The check of a command's act; None where the session alone is enough and no signature came.

    Raises: QualifiedSignatureRequired, ActMustBeRecent, GostEngineMissing, LibcryptoMissing, ObjectTooLarge,
    StorageFull.
    """
    [checked] = await check_acts(acts, [given])
    if isinstance(checked, Problem):
        raise checked
    return checked


async def check_acts(acts: Acts, given: Sequence[ActToCheck]) -> list[CheckedAct | Problem | None]:
    """The checks of the acts of several commands, as `check_act` makes them; what it raises of one is its answer."""
    asked = [_asked(acts, one) for one in given]
    checks = iter(await acts.check([one for one in asked if isinstance(one, ToCheck)]))
    return [next(checks) if isinstance(one, ToCheck) else one for one in asked]


def _asked(acts: Acts, given: ActToCheck) -> ToCheck | Problem | None:
    kind = ActKind(given.wording.kind)
    if given.signed is None:
        return QualifiedSignatureRequired(facts={"kind": kind.value}) if acts.needs_signature(kind) else None
    act = act_of(given.wording, actor=given.actor, idempotency_key=given.command_id, made_at=given.signed.made_at)
    signer = Signer(participant_id=act.participant_id, bound=given.bound, is_legal_entity=given.is_legal_entity)
    return ToCheck(act, given.signed, signer)


def record_of(given: ActToCheck, checked: CheckedAct) -> ActRecord:
    """The row that a service keeps of the act."""
    participant_id = act_of(
        given.wording, actor=given.actor, idempotency_key="", made_at=checked.received_at
    ).participant_id
    return checked.record(
        actor_id=given.actor.id,
        command_id=given.command_id,
        kind=given.wording.kind,
        participant_id=participant_id,
    )


async def authorise(acts: Acts, uow: UnitOfWork, service: str, given: ActToCheck) -> ActRecord | None:
    """The row of a VALID act, to be kept in the command's own transaction; None where no signature is needed.

    A refused act is kept with its code in the audit trail before it is refused.
    Raises: what `check_act` raises; the refusal of an INVALID act; SignatureIndeterminate, after which the same
    command may be sent again.
    """
    checked = await check_act(acts, given)
    if checked is None:
        return None
    record = record_of(given, checked)
    if checked.outcome is Outcome.VALID:
        return record
    problem: Problem = checked.problem or SignatureIndeterminate(facts={"reasons": record.reasons})
    await note_refused(uow, service, [(record, given.actor, problem)])
    raise problem


async def note_refused(uow: UnitOfWork, service: str, refused: list[tuple[ActRecord, Actor, Problem]]) -> None:
    """Keep acts that do not go on, with the code of the reason in the audit trail."""
    async with uow.begin() as tx:
        await keep_acts(tx.conn, [record for record, _, _ in refused])
        for record, actor, problem in refused:
            await tx.audit.append(
                f"{service}.act_refused",
                record.participant_id,
                actor,
                basis={"kind": record.kind, "code": problem.code, "file_sha256": record.file_sha256},
            )
