"""Use case: an access token is revoked."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.access import ActorRef, Resource
from kapital.platform.unit_of_work import UnitOfWork, fingerprint
from kapital.registry.domain.problems import AccessTokenAlreadyRevoked, AccessTokenNotFound
from kapital.registry.ports import AccessStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAccessToken:
    """Revoke a token by its public id."""

    command_id: CommandId
    actor: Actor
    token_id: UUID


async def revoke_access_token(
    cmd: RevokeAccessToken, *, uow: UnitOfWork, access: AccessStore, forget: Callable[[bytes], None]
) -> contract.RevokedAccessToken:
    """Make a token open nothing from now on. `forget` drops it from this process's cache.

    Raises: IdempotencyKeyReused, AccessTokenNotFound (also when the actor may not revoke it: whose token it
    is, is not told), AccessTokenAlreadyRevoked.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RevokedAccessToken)
        token = await access.lock_token(tx.conn, cmd.token_id)
        version = await access.row_version(tx.conn, cmd.token_id)
        subject = None if token is None else ActorRef(str(token.subject_id))
        tx.access.require(
            cmd.actor,
            "revoke_access_token",
            Resource("AccessToken", cmd.token_id, version, subject=subject),
            hidden=AccessTokenNotFound,
            own=Resource("AccessToken", subject=ActorRef(cmd.actor.id)),
        )
        if token is None:
            raise AccessTokenNotFound
        if token.revoked_at is not None:
            raise AccessTokenAlreadyRevoked
        await access.revoke_token(tx.conn, token.token_id, revoked_by=cmd.actor.id, now=tx.now)
        answer = contract.RevokedAccessToken(token_id=token.token_id, revoked_at=tx.now)
        await tx.audit.append("registry.access_token_revoked", token.token_id, cmd.actor, after=answer)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
    forget(token.token_sha256)
    return answer
