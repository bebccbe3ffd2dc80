"""Use case: an administrator issues an access token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.access import Resource
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.policy import ActKind
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.access import (
    SECRET_BYTES,
    TokenSubjectKind,
    require_lifetime,
    require_within,
    roles_open_to,
    token_sha256,
    token_text,
)
from kapital.registry.domain.problems import TokenMustNameRepresentative, TokenSubjectEnded, TokenSubjectNotFound
from kapital.registry.domain.states import ENDED
from kapital.registry.ports import (
    AccessStore,
    AccessToken,
    ParticipantStore,
    RepresentativeStore,
    SecretSource,
    StaffStore,
)

_OF_MONEY: Final = (ActKind.WITHDRAW_MONEY,)
_OF_BUYER: Final = (ActKind.PLACE_ORDERS, ActKind.WITHDRAW_ORDERS, *_OF_MONEY)
_ACTS_OF: Final[dict[Role, tuple[ActKind, ...]]] = {
    Role.INVESTOR: _OF_BUYER,
    Role.NOMINEE: _OF_BUYER,
    Role.BROKER: (ActKind.PLACE_ORDERS, ActKind.WITHDRAW_ORDERS),
    Role.ISSUER: _OF_MONEY,
    Role.ISSUER_SIGNATORY: (ActKind.SIGN_DECISION,),
}
"""What a role lets a client do that binds it: the policies leave a representative nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueAccessToken:
    """Issue a token on behalf of a participant or a member of staff, for some of the roles it holds."""

    command_id: CommandId
    actor: Actor
    subject_kind: TokenSubjectKind
    subject_id: UUID
    roles: frozenset[Role]
    expires_at: datetime


async def issue_access_token(
    cmd: IssueAccessToken,
    *,
    uow: UnitOfWork,
    participants: ParticipantStore,
    access: AccessStore,
    staff: StaffStore,
    secrets: SecretSource,
    new_id: Callable[[], UUID],
    representatives: RepresentativeStore,
    acts: Acts,
) -> contract.IssuedAccessToken:
    """Draw a token; only its SHA-256 is kept.

    The kept reply has no secret in it, so a repeat is answered with `token` null: the secret is shown once.
    Raises: IdempotencyKeyReused, NotPermitted, TokenLifetimeOutOfRange, TokenSubjectNotFound,
    TokenSubjectEnded, RepresentativeMustBeIdentified, TokenMustNameRepresentative, TokenRolesExceedSubject.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.IssuedAccessToken)
        tx.access.require(cmd.actor, "issue_access_token", Resource("AccessToken"))
        require_lifetime(cmd.expires_at, now=tx.now)
        require_within(cmd.roles, await _roles_held(cmd, tx, participants, staff, representatives, acts))
        secret = token_text(secrets.draw(SECRET_BYTES))
        token = AccessToken(
            token_id=new_id(),
            token_sha256=token_sha256(secret),
            subject_kind=cmd.subject_kind,
            subject_id=cmd.subject_id,
            roles=cmd.roles,
            expires_at=cmd.expires_at,
        )
        await access.add_token(tx.conn, token, issued_by=cmd.actor.id, now=tx.now)
        kept = contract.IssuedAccessToken(
            token_id=token.token_id,
            token=None,
            subject_id=token.subject_id,
            roles=[contract.TokenRole(role.value) for role in sorted(token.roles)],
            expires_at=token.expires_at,
        )
        await tx.audit.append("registry.access_token_issued", token.token_id, cmd.actor, after=kept)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(kept))
    return msgspec.structs.replace(kept, token=secret)


async def _roles_held(
    cmd: IssueAccessToken,
    tx: Transaction,
    participants: ParticipantStore,
    staff: StaffStore,
    representatives: RepresentativeStore,
    acts: Acts,
) -> frozenset[Role]:
    if cmd.subject_kind is TokenSubjectKind.STAFF:
        member = await staff.find(tx.conn, cmd.subject_id)
        if member is None:
            raise TokenSubjectNotFound
        if not member.holds_at(tx.now):
            raise TokenSubjectEnded(facts={"state": "ended"})
        return member.roles
    representative, participant_id = None, cmd.subject_id
    if cmd.subject_kind is TokenSubjectKind.REPRESENTATIVE:
        representative = await representatives.find(tx.conn, cmd.subject_id)
        if representative is None:
            raise TokenSubjectNotFound
        participant_id = representative.participant_id
    participant = (await participants.lock(tx.conn, [participant_id])).get(participant_id)
    if participant is None:
        raise TokenSubjectNotFound
    if participant.state in ENDED:
        raise TokenSubjectEnded(facts={"state": participant.state.value})
    if representative is not None:
        # Locked after the participant, as closing does; its end waits for this token and revokes it, or is seen here.
        representative = await representatives.lock(tx.conn, cmd.subject_id)
        if representative is None or not representative.acts_at(tx.now):
            raise TokenSubjectEnded(facts={"state": "ended"})
        representative.require_identified()
    roles = roles_open_to(participant.roles)
    if representative is None:
        return roles
    return _with_representative(cmd, representative.roles(roles, _needed(acts, tx.now.date())))


def _needed(acts: Acts, on: date) -> dict[Role, frozenset[str]]:
    """The codes that an installation demands of a power of attorney for all acts of a role; none: never enough."""
    needed = {}
    for role, kinds in _ACTS_OF.items():
        codes = [acts.policy.powers(kind, on) for kind in kinds]
        needed[role] = frozenset().union(*codes) if all(codes) else frozenset()
    return needed


def _with_representative(cmd: IssueAccessToken, held: frozenset[Role]) -> frozenset[Role]:
    """The roles held; that of a representative cannot be left out, for the policies tell it by that role."""
    if Role.REPRESENTATIVE in held - cmd.roles:
        raise TokenMustNameRepresentative
    return held
