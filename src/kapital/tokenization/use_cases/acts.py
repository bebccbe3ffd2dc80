"""The signed act of a command that keeps its reply: authorised before the transaction that does the work."""

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.bindings import bound_to
from kapital.platform.acts.commands import ActToCheck, authorise
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord
from kapital.tokenization.ports import Parts


async def authorise_command(
    parts: Parts, actor: Actor, command_id: CommandId, mark: str, wording: Wording, signed: SignedAct | None
) -> ActRecord | None:
    """The row of the act, to be kept with the command; None without a signature, or when it was answered before.

    Authorities are asked outside of any transaction.
    Raises: IdempotencyKeyReused, what `platform.acts.commands.authorise` raises.
    """
    owner = actor.participant_id
    if owner is None or (signed is None and not parts.acts.needs_signature(ActKind(wording.kind))):
        return None
    async with parts.uow.begin() as tx:
        if await tx.replies.find(command_id, actor, mark) is not None:
            return None
        bound = await bound_to(tx.conn, [owner])
        investors = await parts.investors.read(tx.conn, [owner])
    investor = investors.get(owner)
    given = ActToCheck(
        wording=wording,
        actor=actor,
        command_id=command_id,
        signed=signed,
        bound=bound.get(owner, {}),
        is_legal_entity=investor is not None and investor.is_entity,
    )
    return await authorise(parts.acts, parts.uow, "tokenization", given)
