"""One step for all that two persons decide: what one has proposed, another decides on, exactly and once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import Contract
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import MakerAndCheckerMustDiffer, Problem
from kapital.platform.access import Resource
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.settlement.ports import Parts
from kapital.settlement.use_cases.show_waiting import show_waiting

Row = TypeVar("Row")
Told = TypeVar("Told", bound=Contract)


class Command(Protocol):
    """What a command brings of itself."""

    @property
    def command_id(self) -> CommandId:
        """The name of the request."""
        ...

    @property
    def actor(self) -> Actor:
        """Who asks."""
        ...


class Seen(NamedTuple):
    """What of a row the rule of two persons looks at. `maker`, `content_sha256`: None where nothing is proposed."""

    state: StrEnum
    is_open: bool
    maker: str | None
    content_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPersons(Generic[Row, Told]):
    """How decisions of one kind are named. `kind`: of the object, as the policies know it; `fact`: of the hash."""

    action: str
    kind: str
    told: type[Told]
    seen: Callable[[Row], Seen]
    not_found: Callable[[UUID], Problem]
    not_open: type[Problem]
    not_same: type[Problem]
    fact: str = "content_sha256"


async def decide_by_two(
    rule: TwoPersons[Row, Told],
    cmd: Command,
    parts: Parts,
    *,
    about: UUID,
    content_sha256: str,
    lock: Callable[[AsyncConnection, UUID], Awaitable[Row | None]],
    effect: Callable[[Transaction, Row], Awaitable[Told]],
) -> Told:
    """Have `effect` done to the row that `lock` finds for `about`, in one transaction with the check of two persons.

    Shape: `effect` saves, keeps the audit and gives what is answered; a repeat of the command gets the first answer.
    The policies are asked about the object with the version of its row, before anything of it is told.
    Raises: IdempotencyKeyReused, NotPermitted, `rule.not_found`, `rule.not_open`, MakerAndCheckerMustDiffer,
    `rule.not_same`, and what `effect` raises.
    """
    mark = fingerprint(cmd)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=rule.told)
        row = await lock(tx.conn, about)
        await permit(tx, parts, cmd.actor, rule.action, rule.kind, about)
        if row is None:
            raise rule.not_found(about)
        seen = rule.seen(row)
        if not seen.is_open:
            raise rule.not_open(facts={"state": seen.state.value})
        if seen.maker == cmd.actor.id:
            raise MakerAndCheckerMustDiffer
        if seen.content_sha256 != content_sha256:
            raise rule.not_same(facts={rule.fact: seen.content_sha256 or ""})
        told = await effect(tx, row)
        await show_waiting(parts, tx.conn)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(told))
    return told


async def permit(tx: Transaction, parts: Parts, actor: Actor, action: str, kind: str, name: UUID) -> None:
    """Ask the policies about an object with the version of its row (ADR 0024). Raises: NotPermitted."""
    version = await parts.versions.of(tx.conn, kind, name)
    tx.access.require(actor, action, Resource(kind, name, version))
