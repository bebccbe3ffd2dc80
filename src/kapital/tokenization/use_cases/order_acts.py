"""The signed acts of orders: checked before any order is kept, and again while an authority is silent.

Law: 63-FZ art. 6, 11; domain.md 3.4 (SIGNED, CHECKED), scenarios 22–24.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.problems import Problem
from kapital.platform.acts.bindings import bound_to
from kapital.platform.acts.checking import CheckedAct, Signer
from kapital.platform.acts.commands import ActToCheck, check_acts, note_refused, record_of
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord, keep_acts, waiting_acts
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.telemetry import ACTS_WAITING
from kapital.tokenization.domain.act_texts import TEXT_VERSION, OrderLine, orders_command, orders_text
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.mandate import told_to_a_broker, why_no_mandate
from kapital.tokenization.domain.order import Order, why_closed, why_refused
from kapital.tokenization.domain.states import PUBLIC, OrderState
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.awaiting import measured
from kapital.tokenization.use_cases.brokers import days_of
from kapital.tokenization.use_cases.decide_orders import decide_orders
from kapital.tokenization.use_cases.retail_limit import Asked, judge
from kapital.tokenization.use_cases.steps import move_orders

ASKED_AGAIN_AFTER = timedelta(seconds=30)
"""How long an authority that was silent is left in peace."""
ACTS_AT_ONCE = 200


class _New(Protocol):
    @property
    def issue_id(self) -> UUID: ...
    @property
    def units(self) -> int: ...
    @property
    def price_cap(self) -> int | None: ...
    @property
    def cut_off(self) -> datetime | None: ...
    @property
    def principal(self) -> UUID | None: ...


class _Command(Protocol):
    """`PlaceOrders`, as far as its act is concerned."""

    @property
    def command_id(self) -> CommandId: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def orders(self) -> Sequence[_New]: ...
    @property
    def signed_act(self) -> SignedAct | None: ...


@dataclass(frozen=True, slots=True)
class OrderAct:
    """A signed act of a command whose orders may be kept: VALID, or waiting."""

    record: ActRecord
    waits: bool


OrderActs = Mapping[tuple[str, str], OrderAct]
"""By actor and command id; what is missing is authorised by the session."""


def wording_of_orders(orders: Sequence[OrderLine], issues: Mapping[UUID, Issue]) -> Wording:
    """What a person signs who places these orders. Issues that are not public count as unknown."""
    public = {issue_id: issue for issue_id, issue in issues.items() if issue.state in PUBLIC}
    return Wording(
        kind=ActKind.PLACE_ORDERS,
        command=orders_command(orders),
        text=orders_text(orders, public),
        text_version=TEXT_VERSION,
    )


async def check_order_acts(
    cmds: Sequence[_Command], *, parts: Parts
) -> tuple[OrderActs, dict[tuple[str, str], Problem]]:
    """The acts of commands that were not kept before, and the refusals of those that must not be kept.

    A repeat of a kept command is not checked again: its certificate may have expired since.
    """
    # Who is no participant is refused by the policies, without an act.
    owned = [cmd for cmd in cmds if cmd.actor.participant_id is not None]
    asked = [cmd for cmd in owned if cmd.signed_act or parts.acts.needs_signature(ActKind.PLACE_ORDERS)]
    if not asked:
        return {}, {}
    async with parts.database.read() as conn:
        known = {
            (one.actor_id, one.command_id)
            for one in await parts.orders.of_commands(conn, [(cmd.actor.id, cmd.command_id) for cmd in asked])
        }
        fresh = [cmd for cmd in asked if (cmd.actor.id, cmd.command_id) not in known]
        people = {cmd.actor.participant_id for cmd in fresh if cmd.actor.participant_id is not None}
        bound = await bound_to(conn, people)
        investors = await parts.investors.read(conn, people)
        issues = await parts.issues.read(conn, {new.issue_id for cmd in fresh for new in cmd.orders})
    given = []
    for cmd in fresh:
        owner = cmd.actor.participant_id
        investor = investors.get(owner) if owner else None
        given.append(
            ActToCheck(
                wording=wording_of_orders([_line(new) for new in cmd.orders], issues),
                actor=cmd.actor,
                command_id=cmd.command_id,
                signed=cmd.signed_act,
                bound=bound.get(owner, {}) if owner else {},
                is_legal_entity=investor is not None and investor.is_entity,
            )
        )
    return await _sorted_out(given, await check_acts(parts.acts, given), parts)


def _line(new: _New) -> OrderLine:
    return OrderLine(new.issue_id, new.units, new.price_cap, new.cut_off, new.principal)


async def _sorted_out(
    given: Sequence[ActToCheck], checks: Sequence[CheckedAct | Problem | None], parts: Parts
) -> tuple[OrderActs, dict[tuple[str, str], Problem]]:
    acts: dict[tuple[str, str], OrderAct] = {}
    refusals: dict[tuple[str, str], Problem] = {}
    noted: list[tuple[ActRecord, Actor, Problem]] = []
    for one, check in zip(given, checks, strict=True):
        key = (one.actor.id, one.command_id)
        if isinstance(check, Problem):
            refusals[key] = check
        elif check is not None and check.problem is not None:
            refusals[key] = check.problem
            noted.append((record_of(one, check), one.actor, check.problem))
        elif check is not None:
            acts[key] = OrderAct(record_of(one, check), waits=check.outcome is not Outcome.VALID)
    if noted:
        await note_refused(parts.uow, "tokenization", noted)
    return acts, refusals


async def signers_of(conn: AsyncConnection, parts: Parts, participant_ids: Collection[UUID]) -> dict[UUID, Signer]:
    """Whose acts are checked again: certificates and kind of each participant, as they are known now."""
    bound = await bound_to(conn, participant_ids)
    investors = await parts.investors.read(conn, participant_ids)
    return {
        participant_id: Signer(
            participant_id=participant_id,
            bound=bound.get(participant_id, {}),
            is_legal_entity=(known := investors.get(participant_id)) is not None and known.is_entity,
        )
        for participant_id in participant_ids
    }


# --- acts that wait ----------------------------------------------------------------------------------------


async def check_waiting_acts(*, parts: Parts) -> int:
    """Check acts again that no authority could confirm; orders of those that are decided now go on or are refused.

    An act that is still open when the placement is over is refused as an order that came too late.
    Promise: safe in several processes at once: orders are moved under their locks, and only from SIGNED.
    Returns how many acts were decided.
    """
    async with parts.database.connect() as conn:
        waiting, count = await waiting_acts(
            conn, ActKind.PLACE_ORDERS, before=parts.clock.now() - ASKED_AGAIN_AFTER, limit=ACTS_AT_ONCE
        )
        signers = await signers_of(conn, parts, {one.participant_id for one in waiting})
    ACTS_WAITING.labels("tokenization").set(count)
    if not waiting:
        return 0

    async def again(one: ActRecord) -> CheckedAct:
        return await parts.acts.check_again(one.file_sha256, ActKind.PLACE_ORDERS, signers[one.participant_id])

    checks = await asyncio.gather(*(again(one) for one in waiting))
    to_decide = await _move_on(list(zip(waiting, checks, strict=True)), parts)
    await decide_orders(to_decide, parts=parts)
    return sum(check.outcome is not Outcome.INDETERMINATE for check in checks)


async def _move_on(checked: Sequence[tuple[ActRecord, CheckedAct]], parts: Parts) -> list[Order]:
    by_key = {(act.actor_id, act.command_id): check for act, check in checked}
    async with parts.uow.begin() as tx:
        kept = await parts.orders.of_commands(tx.conn, list(by_key))
        issues = await parts.issues.read(tx.conn, {order.issue_id for order in kept})
        locked = await parts.orders.lock(tx.conn, [order.order_id for order in kept])
        pairs = {(one.broker_id, one.participant_id) for one in locked.values() if one.broker_id is not None}
        days = await days_of(tx, parts, pairs, {order.participant_id for order in kept})
        concerned = {order.participant_id for order in kept} | {broker for broker, _ in pairs}
        people = await parts.investors.read(tx.conn, concerned)
        rule_book = await parts.rule_book_for_orders(tx.conn)
        may_await = await measured(
            tx, parts, {order.participant_id for order in locked.values() if order.funds_until_at is not None}
        )
        decided: list[tuple[Order, Problem | None]] = []
        for order in locked.values():
            check = by_key[order.actor_id, order.command_id]
            if order.state is not OrderState.SIGNED:
                continue
            issue = issues[order.issue_id]
            problem = check.problem or why_closed(issue, tx.now)
            if problem is None and check.outcome is not Outcome.VALID:
                continue
            investor = people.get(order.participant_id)
            if problem is None and order.broker_id is not None:
                mandate = days.of(order.broker_id, order.participant_id)
                problem = why_no_mandate(mandate, people.get(order.broker_id), tx.now, rule_book)
            if problem is None:
                problem = why_refused(
                    issue,
                    investor,
                    order.units,
                    tx.now,
                    rule_book=rule_book,
                    max_price_kopecks=order.max_price_kopecks,
                )
                problem = problem or may_await.why_not(order.participant_id, issue, order.funds_until_at)
                problem = problem if order.broker_id is None else told_to_a_broker(problem)
            decided.append((order, problem))
        asked = [
            Asked(
                order.order_id,
                people[order.participant_id],
                issue,
                _amount(order, issue),
                days.of(order.broker_id, order.participant_id),
            )
            for order, problem in decided
            if problem is None and (issue := issues[order.issue_id])
        ]
        judged = await judge(tx, parts, asked, days)
        moves: list[tuple[Order, str, Mapping[str, Any]]] = []
        for order, problem in decided:
            check, issue = by_key[order.actor_id, order.command_id], issues[order.issue_id]
            said = judged.get(order.order_id)
            why = problem or (said.problem if said else None)
            on, changes = _step(order, issue, why, check.file_sha256, people.get(order.participant_id))
            if why is None and said is not None:
                by = days.of(order.broker_id, order.participant_id)
                changes = {**changes, **said.taken, "mandate_id": by.mandate_id if by else None}
            moves.append((order, on, changes))
        moved = await move_orders(tx, parts, moves)
        await keep_acts(tx.conn, [_record(act, check) for act, check in checked])
    return [order for order in moved if order.state is OrderState.CHECKED]


def _step(
    order: Order, issue: Issue, problem: Problem | None, file_sha256: str, investor: Any
) -> tuple[str, Mapping[str, Any]]:
    if problem is not None:
        told = {"refusal_code": problem.code, "refusal_detail": problem.detail, "refusal_facts": problem.facts}
        return "refused", {**told, "act_file_sha256": file_sha256}
    return "checked", {
        "act_file_sha256": file_sha256,
        "reserved_kopecks": _amount(order, issue),
        "wallet_id": investor.wallet_id,
    }


def _amount(order: Order, issue: Issue) -> int:
    return issue.reserved_for(order.units, order.max_price_kopecks)


def _record(act: ActRecord, check: CheckedAct) -> ActRecord:
    return check.record(
        actor_id=act.actor_id, command_id=act.command_id, kind=act.kind, participant_id=act.participant_id
    )
