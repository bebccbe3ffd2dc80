"""Use cases: a version of the rule book is drafted, sent, agreed, withdrawn; its day comes."""

from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.calendar import MOSCOW
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.events import RULE_BOOK_EFFECTIVE
from kapital.registry.domain.problems import RuleBookAlreadyEntered, RuleBookNotFound
from kapital.registry.domain.rule_book import RuleBook, RuleBookState
from kapital.registry.ports import RuleBookStore


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRuleBook:
    """Enter a version; `effective_on` is its first day in Moscow."""

    command_id: CommandId
    actor: Actor
    rule_book_version: str
    document_sha256: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRuleBook:
    """Note a step made outside: `sent`, `agreed` or `withdrawn`; `reference` is the number of the letter or act."""

    command_id: CommandId
    actor: Actor
    rule_book_version: str
    step: str
    document_sha256: str
    reference: str


async def draft_rule_book(cmd: DraftRuleBook, *, uow: UnitOfWork, rule_books: RuleBookStore) -> contract.RuleBook:
    """Enter a draft. Raises: IdempotencyKeyReused, NotPermitted, RuleBookMustBeginLater, RuleBookAlreadyEntered."""
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RuleBook)
        tx.access.require(cmd.actor, "draft_rule_book")
        rule_book = RuleBook(
            version=cmd.rule_book_version,
            document_sha256=cmd.document_sha256,
            state=RuleBookState.DRAFT,
            effective_on=cmd.effective_on,
            drafted_by=cmd.actor.id,
            drafted_at=tx.now,
        )
        rule_book.require_later_than(tx.now)
        if not await rule_books.add(tx.conn, rule_book):
            raise RuleBookAlreadyEntered
        answer = rule_book_answer(rule_book)
        await tx.audit.append("registry.rule_book_drafted", rule_book.version, cmd.actor, after=answer)
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def move_rule_book(cmd: MoveRuleBook, *, uow: UnitOfWork, rule_books: RuleBookStore) -> contract.RuleBook:
    """Make a step.

    Raises: IdempotencyKeyReused, NotPermitted, RuleBookNotFound, WrongState, RuleBookHashMustMatch,
    RuleBookAgreedByDrafter.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.RuleBook)
        tx.access.require(cmd.actor, "move_rule_book")
        rule_book = await rule_books.lock(tx.conn, cmd.rule_book_version)
        if rule_book is None:
            raise RuleBookNotFound
        before = {"state": rule_book.state}
        rule_book.move(cmd.step, actor_id=cmd.actor.id, seen_sha256=cmd.document_sha256)
        await rule_books.save(tx.conn, rule_book)
        answer = rule_book_answer(rule_book)
        await tx.audit.append(
            f"registry.rule_book_{cmd.step}",
            rule_book.version,
            cmd.actor,
            basis={"reference": cmd.reference, "document_sha256": cmd.document_sha256},
            before=before,
            after={"state": rule_book.state},
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def begin_with_rule_book(
    version: str, document_sha256: str | None, *, uow: UnitOfWork, rule_books: RuleBookStore
) -> None:
    """Enter the version that a new register begins with, in force at once. Of no effect when there is any version."""
    async with uow.begin() as tx:
        first = RuleBook(
            version=version,
            document_sha256=document_sha256,
            state=RuleBookState.EFFECTIVE,
            effective_on=tx.now.astimezone(MOSCOW).date(),
            effective_at=tx.now,
            drafted_by=machine_actor(Role.SCHEDULER).id,
            drafted_at=tx.now,
        )
        if await rule_books.begin_with(tx.conn, first):
            await _tell_effective(tx, first, before=None)


async def bring_into_force(now: datetime, *, uow: UnitOfWork, rule_books: RuleBookStore) -> str:
    """Let the agreed versions whose day has come supersede the one in force; return the version in force then.

    Promise: safe to run in several processes at once; each version comes into force, and is told of, once.
    """
    async with uow.begin() as tx:
        due = await rule_books.lock_due(tx.conn, on=now.astimezone(MOSCOW).date())
        if not due:
            return (await rule_books.in_force(tx.conn)).version
        current = await rule_books.lock_in_force(tx.conn)
        for rule_book in due:
            before = current.version
            current.be_superseded()
            await rule_books.save(tx.conn, current)
            rule_book.come_into_force(tx.now)
            await rule_books.save(tx.conn, rule_book)
            await _tell_effective(tx, rule_book, before=before)
            current = rule_book
        return current.version


async def _tell_effective(tx: Transaction, rule_book: RuleBook, *, before: str | None) -> None:
    await tx.audit.append(
        "registry.rule_book_effective",
        rule_book.version,
        machine_actor(Role.SCHEDULER),
        before=None if before is None else {"in_force": before},
        after=rule_book_answer(rule_book),
    )
    await tx.outbox.add(
        Event(
            type=RULE_BOOK_EFFECTIVE,
            aggregate_id=rule_book.version,
            data=contract.RuleBookEffective(
                rule_book_version=rule_book.version,
                document_sha256=rule_book.document_sha256,
                effective_at=tx.now,
            ),
        )
    )


def rule_book_answer(rule_book: RuleBook) -> contract.RuleBook:
    """The contract's form of a version."""
    return contract.RuleBook(
        rule_book_version=rule_book.version,
        document_sha256=rule_book.document_sha256,
        state=contract.RuleBookState(rule_book.state.value),
        effective_on=rule_book.effective_on,
        effective_at=rule_book.effective_at,
        drafted_at=rule_book.drafted_at,
    )
