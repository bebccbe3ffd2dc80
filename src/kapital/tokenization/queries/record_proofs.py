"""Who held the units at the record moment of an action, signed so that it can be proved to others offline."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from kapital.custody.api import OPERATOR_KEY_NAME, KeyProfile, Signer
from kapital.kernel.actor import Actor
from kapital.kernel.ids import wallet_id_of
from kapital.platform import access
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.problems_early import ActionNotFound
from kapital.tokenization.domain.problems_life import RecordListNotTaken
from kapital.tokenization.ports import Parts
from kapital.tokenization.queries.access import of_issue

_PURPOSE: Final = "holder_list"


class RecordMoment(NamedTuple):
    """What was listed: the asset, after so many entries, at the record instant."""

    asset: UUID
    size: int
    at: datetime


async def record_holders(parts: Parts, actor: Actor, action_id: UUID) -> AsyncIterator[bytes]:
    """The lines of the signed list of everybody who held the units, the header first (`kapital.verify.holder_list`).

    Law: 259-FZ art. 6 and 8; domain.md 3.6 (list at the record moment).
    Raises: NotPermitted, ActionNotFound (also for a client who may not know), RecordListNotTaken.
    """
    async with parts.database.connect() as conn:
        action = (await parts.actions.read(conn, [action_id])).get(action_id)
        issues = await parts.issues.read(conn, [] if action is None else [action.issue_id])
    resource = access.Resource("Issue") if action is None else of_issue(issues[action.issue_id])
    access.require(actor, "get_record_holders", resource, hidden=ActionNotFound)
    moment = _moment_of(action)
    signer = await list_signer(parts, actor.id)
    return parts.ledger.holder_list(moment.asset, size=moment.size, at=moment.at, signer=signer)


async def own_record_holding(parts: Parts, actor: Actor, action_id: UUID) -> bytes:
    """The actor's own lines of that list with their proofs; nothing of the others is in it.

    Raises: NotPermitted, ActionNotFound, RecordListNotTaken, WalletHeldNothing.
    """
    access.require(actor, "get_own_record_holding", access.Resource("RecordHolding", owner=actor.participant_id))
    moment = await record_moment(parts, action_id)
    wallet = wallet_id_of(UUID(str(actor.participant_id)))
    signer = await list_signer(parts, actor.id)
    return await parts.ledger.holding_evidence(moment.asset, wallet, size=moment.size, at=moment.at, signer=signer)


async def record_moment(parts: Parts, action_id: UUID) -> RecordMoment:
    """The record moment of an action, once its list is taken. Raises: ActionNotFound, RecordListNotTaken."""
    async with parts.database.connect() as conn:
        return _moment_of((await parts.actions.read(conn, [action_id])).get(action_id))


def _moment_of(action: CorporateAction | None) -> RecordMoment:
    if action is None:
        raise ActionNotFound
    if action.record_size is None:
        raise RecordListNotTaken(facts={"record_at": action.record_at.isoformat()})
    return RecordMoment(action.issue_id, action.record_size, action.record_at)


async def list_signer(parts: Parts, actor_id: str) -> Signer:
    """The operator's key: the log's own signs checkpoints and nothing else."""
    await parts.custody.ensure_key(OPERATOR_KEY_NAME, KeyProfile.OPERATOR)
    return await parts.custody.signer(OPERATOR_KEY_NAME, purpose=_PURPOSE, actor=actor_id)
