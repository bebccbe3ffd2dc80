"""Use case: the issuer signs the reviewed decision, the operator countersigns the same bytes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from kapital.contracts.tokenization import IssueMoved
from kapital.custody.api import OPERATOR_KEY_NAME, KeyProfile, issuer_key_name
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import keep_acts
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION, decision_command, decision_text
from kapital.tokenization.domain.decision import SIGNATURE_KIND, Decision, DecisionSignature
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.states import ISSUE
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.issue_commands import earlier_answer, keep_answer, require_permitted
from kapital.tokenization.use_cases.steps import SMART_CONTRACT, move_issue

_PURPOSE = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignDecision:
    """`decision_sha256` is the hash of what the signatory saw."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    decision_sha256: str
    version: int | None = None
    signed_act: SignedAct | None = None


def wording_of_signing(issue_id: UUID, decision_sha256: str) -> Wording:
    """What the issuer's signatory signs."""
    return Wording(
        kind=ActKind.SIGN_DECISION,
        command=decision_command(issue_id, decision_sha256),
        text=decision_text(issue_id, decision_sha256),
        text_version=TEXT_VERSION,
    )


async def sign_decision(cmd: SignDecision, *, parts: Parts) -> IssueMoved:
    """Move READY_TO_SIGN to SIGNED with two signatures over the decision's canonical bytes.

    The keys are in custody (profiles ISSUER and OPERATOR). The signatory's act carries a qualified signature where
    the policy of acts asks for it, else the session authorises it. Two persons of the operator have accepted
    this hash, so the countersignature needs no further act.
    Not: the two signatures over the decision itself are no qualified electronic signatures (УКЭП); the act's is.
    Promise: the signatures are made before the transaction; a repeat after a crash makes the same ones (Ed25519).
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, IssueNotFound, WrongState, StaleVersion,
    DecisionHashMustMatch, KeyMustBeActive.
    """
    mark = fingerprint(cmd)
    wording = wording_of_signing(cmd.issue_id, cmd.decision_sha256)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue = await _require_signable(tx, parts, cmd)
        decision = (await parts.issues.decisions(tx.conn, [issue.issue_id]))[issue.issue_id]
        at = tx.now
    key_name = issuer_key_name(issue.issuer_participant_id)
    signatures = [
        msgspec.structs.replace(
            await _sign(parts, decision, "issuer", key_name, KeyProfile.ISSUER, cmd.actor, at),
            act_file_sha256=act.file_sha256 if act else None,
        ),
        await _sign(parts, decision, "operator", OPERATOR_KEY_NAME, KeyProfile.OPERATOR, SMART_CONTRACT, at),
    ]
    async with parts.uow.begin() as tx:
        if (earlier := await earlier_answer(tx, cmd.command_id, cmd.actor, mark)) is not None:
            return earlier
        issue = await _require_signable(tx, parts, cmd)
        await parts.issues.add_signatures(tx.conn, signatures)
        await keep_acts(tx.conn, [act] if act else [])
        basis = {
            "decision_sha256": issue.decision_sha256,
            "signature_kind": SIGNATURE_KIND,
            "act_file_sha256": act.file_sha256 if act else None,
        }
        issue = await move_issue(tx, parts, issue, "signed", actor=cmd.actor, basis=basis)
        return await keep_answer(tx, cmd.command_id, cmd.actor, mark, issue)


async def _require_signable(tx: Transaction, parts: Parts, cmd: SignDecision) -> Issue:
    issue = require_permitted(
        tx, cmd.actor, "sign_decision", (await parts.issues.lock(tx.conn, [cmd.issue_id])).get(cmd.issue_id)
    )
    ISSUE.step(issue.state, "signed")
    issue.require_seen(cmd.decision_sha256, cmd.version)
    return issue


async def _sign(
    parts: Parts,
    decision: Decision,
    party: str,
    key_name: str,
    profile: KeyProfile,
    actor: Actor,
    at: datetime,
) -> DecisionSignature:
    key = await parts.custody.ensure_key(key_name, profile)
    signer = await parts.custody.signer(key_name, purpose=_PURPOSE, actor=actor.id)
    return DecisionSignature(
        issue_id=decision.issue_id,
        decision_version=decision.decision_version,
        party=party,
        signature_kind=SIGNATURE_KIND,
        key_name=key.name,
        algorithm=key.algorithm,
        signature=await signer.sign(decision.terms),
        public_key=key.public_key,
        signed_by=actor.id,
        signed_at=at,
    )
