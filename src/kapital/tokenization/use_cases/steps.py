"""How a step is written: by the table, with its audit event, and told to the others. All use cases move by these."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import astuple

from kapital.kernel.actor import Actor, machine_actor
from kapital.kernel.roles import Role
from kapital.kernel.states import Step
from kapital.platform.audit import JsonText, json_text
from kapital.platform.events import Event
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.events import (
    Fact,
    issue_state_changed,
    outcome_announced,
    payout_delayed,
    substitute_announced,
)
from kapital.tokenization.domain.fixing import Fixing, FixingKind
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.redemption_instruction import Instruction
from kapital.tokenization.domain.states import FixingState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.retail_limit import note_changes

SMART_CONTRACT: Final = machine_actor(Role.SMART_CONTRACT)
SCHEDULER: Final = machine_actor(Role.SCHEDULER)

Changes = Mapping[str, Any]

_DELAYS: Final = frozenset({"shortfall", "payment_missed", "grace_expired"})
"""Steps of an action that everybody is told of; what settlement refuses, settlement tells itself."""


async def move_issues(
    tx: Transaction,
    parts: Parts,
    moves: Sequence[tuple[Issue, str, Changes]],
    *,
    actor: Actor,
    basis: Changes | None = None,
) -> list[Issue]:
    """Make one step of each issue: save, audit, tell. The rows are locked by the caller."""
    after = []
    for issue, on, changes in moves:
        moved, step = issue.moved(on, **changes)
        await _audit(tx, parts, "issue", issue.issue_id, step, actor, basis, issue.version)
        await tell(tx, [issue_state_changed(issue.issue_id, moved.state.value, tx.now)])
        after.append(moved)
    await parts.issues.save(tx.conn, after)
    return after


async def move_issue(
    tx: Transaction,
    parts: Parts,
    issue: Issue,
    on: str,
    *,
    actor: Actor,
    basis: Changes | None = None,
    **changes: Any,
) -> Issue:
    """Make one step of one issue."""
    return (await move_issues(tx, parts, [(issue, on, changes)], actor=actor, basis=basis))[0]


async def move_orders(
    tx: Transaction,
    parts: Parts,
    moves: Sequence[tuple[Order, str, Changes]],
    *,
    actor: Actor | None = None,
) -> list[Order]:
    """Make one step of each order: save and audit. The rows are locked by the caller."""
    return await walk_orders(tx, parts, [(order, (on,), changes) for order, on, changes in moves], actor=actor)


async def walk_orders(
    tx: Transaction,
    parts: Parts,
    walks: Sequence[tuple[Order, Sequence[str], Changes]],
    *,
    actor: Actor | None = None,
) -> list[Order]:
    """Make all steps of each order, the first with the changes: each is audited, the last is saved."""
    after = []
    alike: dict[tuple[int, frozenset[str]], list[Order]] = {}
    for order, steps, changes in walks:
        moved = order
        for on in steps:
            seen = moved
            moved, step = seen.moved(on, **(changes if seen is order else {}))
            basis = {"code": moved.refusal_code} if moved.refusal_code else None
            await _audit(tx, parts, "order", seen.order_id, step, actor or SMART_CONTRACT, basis, seen.version)
        after.append(moved)
        alike.setdefault((len(steps), _differ(order, moved)), []).append(moved)
    for (count, changed), some in alike.items():
        await parts.orders.save(tx.conn, some, changed, steps=count)
    await note_changes(tx, parts, zip((order for order, _, _ in walks), after, strict=True))
    return after


def _differ(before: Order, after: Order) -> frozenset[str]:
    """The fields that a step changed: those it was told, and those that it changes by itself."""
    fields = zip(Order.__struct_fields__, astuple(before), astuple(after), strict=True)
    return frozenset(name for name, old, new in fields if old is not new and old != new)


async def audit_new_orders(
    tx: Transaction, parts: Parts, born: Sequence[tuple[Order, Step[Any]]], actors: Mapping[str, Actor]
) -> None:
    """Audit the first step of orders, which are inserted in the state after it."""
    for order, step in born:
        basis = {"code": order.refusal_code} if order.refusal_code else None
        await _audit(tx, parts, "order", order.order_id, step, actors[order.actor_id], basis, 0)


async def move_actions(
    tx: Transaction,
    parts: Parts,
    moves: Sequence[tuple[CorporateAction, str, Changes]],
    *,
    actor: Actor | None = None,
    basis: Changes | None = None,
) -> list[CorporateAction]:
    """Make one step of each corporate action: save, audit, tell of a delay. The rows are locked by the caller."""
    after, delayed = [], []
    for action, on, changes in moves:
        moved, step = action.moved(on, **changes)
        await _audit(tx, parts, "action", action.action_id, step, actor or SMART_CONTRACT, basis, action.version)
        after.append(moved)
        if on in _DELAYS:
            delayed.append(payout_delayed(moved, tx.now))
    if delayed:
        await tell(tx, delayed)
    await parts.actions.save(tx.conn, after)
    return after


async def move_instructions(
    tx: Transaction,
    parts: Parts,
    moves: Sequence[tuple[Instruction, str, Changes]],
    *,
    actor: Actor,
) -> list[Instruction]:
    """Make one step of each holder's instruction: save and audit. The rows are locked by the caller."""
    after = []
    for one, on, changes in moves:
        moved, step = one.moved(on, **changes)
        basis = {"code": moved.refusal_code} if moved.refusal_code else None
        await _audit(tx, parts, "instruction", one.instruction_id, step, actor, basis, one.version)
        after.append(moved)
    await parts.instructions.save(tx.conn, after)
    return after


async def tell(tx: Transaction, facts: Sequence[Fact]) -> None:
    """Put facts into the outbox, in order."""
    await tx.outbox.add(*(Event(type=fact.type, aggregate_id=str(fact.issue_id), data=fact.data) for fact in facts))


async def tell_fixing(tx: Transaction, fixing: Fixing) -> None:
    """Tell how an outcome stands, and what stands in for a missing value; of a source's values nothing is told."""
    if fixing.issue_id is None:
        return
    if fixing.kind is FixingKind.OUTCOME:
        await tell(tx, [outcome_announced(fixing, fixing.issue_id, tx.now)])
    elif fixing.state is FixingState.CONFIRMED:
        await tell(tx, [substitute_announced(fixing, fixing.issue_id, tx.now)])


async def _audit(
    tx: Transaction,
    parts: Parts,
    kind: str,
    subject: object,
    step: Step[Any],
    actor: Actor,
    basis: Changes | None,
    version: int,
) -> None:
    who, book = step.who.value, parts.rule_book_version
    await tx.audit.append(
        f"tokenization.{kind}_{step.on}",
        subject,
        actor,
        basis={"who": who, "rule_book_version": book, **basis} if basis else _basis_text(who, book),
        before=_state_text(step.source.value, version),
        after=_state_text(step.target.value, version + 1),
    )


@lru_cache(maxsize=1024)
def _basis_text(who: str, rule_book_version: str) -> JsonText:
    return json_text({"who": who, "rule_book_version": rule_book_version})


@lru_cache(maxsize=4096)
def _state_text(state: str, version: int) -> JsonText:
    return json_text({"state": state, "version": version})
