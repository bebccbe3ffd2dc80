"""Use case: the issuer calls units (колл), or offers to buy them back at a price of its own (оферта)."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.platform.acts.form import SignedAct, Wording
from kapital.platform.acts.policy import ActKind
from kapital.platform.acts.records import ActRecord, keep_acts
from kapital.platform.unit_of_work import Transaction, fingerprint
from kapital.tokenization.domain.act_texts import TEXT_VERSION
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.early_actions import called, offered
from kapital.tokenization.domain.early_texts import call_command, call_text, offer_text
from kapital.tokenization.domain.events import action_announced
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.problems_early import CallMustBeOnlyOne, IssueMustCirculate
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.domain.states import ActionState, IssueState
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.acts import authorise_command
from kapital.tokenization.use_cases.issue_commands import require_permitted
from kapital.tokenization.use_cases.steps import tell

_OVER = frozenset({ActionState.PAID, ActionState.CLOSED, ActionState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUnits:
    """`option` is the number of the call in the decision, from 1; `units` a part, None for all."""

    command_id: CommandId
    actor: Actor
    issue_id: UUID
    option: int
    units: int | None = None
    signed_act: SignedAct | None = None


class OfferTerms(msgspec.Struct, frozen=True, kw_only=True):
    """`price_kopecks` is of one unit, accrued income included; accepted to the end of `accept_to_on`, Moscow."""

    issue_id: UUID
    price_kopecks: int
    units_max: int
    accept_to_on: date
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferBuyback:
    """An offer of the issuer's own."""

    command_id: CommandId
    actor: Actor
    offer: OfferTerms
    signed_act: SignedAct | None = None


def wording_of_call(issue_id: UUID, option: int, units: int | None) -> Wording:
    """What the issuer signs who gives the notice of a call."""
    return Wording(
        kind=ActKind.CALL_UNITS,
        command=call_command(issue_id, option, units),
        text=call_text(issue_id, option, units),
        text_version=TEXT_VERSION,
    )


def wording_of_offer(offer: OfferTerms) -> Wording:
    """What the issuer signs who offers to buy back."""
    command = {
        "issue_id": str(offer.issue_id),
        "price_kopecks": str(offer.price_kopecks),
        "units_max": str(offer.units_max),
        "accept_to_on": offer.accept_to_on.isoformat(),
        "on": offer.on.isoformat(),
    }
    return Wording(kind=ActKind.OFFER_BUYBACK, command=command, text=offer_text(command), text_version=TEXT_VERSION)


async def call_units(cmd: CallUnits, *, parts: Parts) -> CorporateAction:
    """Plan the call of the decision; its list is taken under a lock on the day, and paid as any action.

    Law: 259-FZ art. 3 (early redemption as the decision says, item 12 [M]); domain.md 3.6, scenario 39.
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, IssueNotFound, IssueMustCirculate,
    CallMustBeOnlyOne, EarlyOptionNotFound, CallNoticeMustBeInTime, CallMustAllowPart.
    """
    mark = fingerprint(cmd)
    wording = wording_of_call(cmd.issue_id, cmd.option, cmd.units)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=CorporateAction)
        issue, terms, actions = await _circulating(tx, parts, cmd.actor, "call_units", cmd.issue_id)
        for other in actions:
            if other.kind is ActionKind.CALL and other.state not in _OVER:
                raise CallMustBeOnlyOne(facts={"action_id": str(other.action_id), "state": other.state.value})
        action = called(
            issue, terms, parts.calendar, option=cmd.option, units=cmd.units, number=_next(actions), at=tx.now
        )
        return await _announce(tx, parts, cmd, mark, act, action)


async def offer_buyback(cmd: OfferBuyback, *, parts: Parts) -> CorporateAction:
    """Plan an offer of the issuer's own: whoever accepts is bought back, and the units are extinguished.

    Law: 466-FZ of 15.12.2025 (records of debt ЦФА are extinguished when the issuer becomes the holder);
    domain.md 3.6, scenario 40.
    Not: an offer changes no term of the decision; who does not accept keeps every right.
    Raises: NotPermitted, IdempotencyKeyReused, refusals of acts, IssueNotFound, IssueMustCirculate,
    OfferWindowMustFit.
    """
    mark = fingerprint(cmd)
    given, wording = cmd.offer, wording_of_offer(cmd.offer)
    act = await authorise_command(parts, cmd.actor, cmd.command_id, mark, wording, cmd.signed_act)
    async with parts.uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=CorporateAction)
        issue, terms, actions = await _circulating(tx, parts, cmd.actor, "offer_buyback", given.issue_id)
        action = offered(
            issue,
            terms,
            parts.calendar,
            command=cmd.command_id,
            price_kopecks=given.price_kopecks,
            units_max=given.units_max,
            accept_to_on=given.accept_to_on,
            on=given.on,
            number=_next(actions),
            at=tx.now,
        )
        return await _announce(tx, parts, cmd, mark, act, action)


async def _circulating(
    tx: Transaction, parts: Parts, actor: Actor, action: str, issue_id: UUID
) -> tuple[Issue, IssuanceTerms, list[CorporateAction]]:
    found = (await parts.issues.lock(tx.conn, [issue_id])).get(issue_id)
    issue = require_permitted(tx, actor, action, found)
    if issue.state is not IssueState.CIRCULATING:
        raise IssueMustCirculate(facts={"state": issue.state.value})
    terms = load_terms((await parts.issues.decisions(tx.conn, [issue_id]))[issue_id].terms)
    return issue, terms, await parts.actions.of_issue(tx.conn, issue_id)


def _next(actions: list[CorporateAction]) -> int:
    return max((action.number for action in actions), default=0) + 1


async def _announce(
    tx: Transaction,
    parts: Parts,
    cmd: CallUnits | OfferBuyback,
    mark: str,
    act: ActRecord | None,
    action: CorporateAction,
) -> CorporateAction:
    await parts.actions.add(tx.conn, [action])
    await keep_acts(tx.conn, [act] if act else [])
    await tx.audit.append(
        "tokenization.action_announced",
        action.action_id,
        cmd.actor,
        basis={
            "rule_book_version": parts.rule_book_version,
            "act_file_sha256": act.file_sha256 if act else None,
            "kind": action.kind.value,
        },
        after={"state": action.state.value, "version": action.version, "issue_id": str(action.issue_id)},
    )
    await tell(tx, [action_announced(action, tx.now)])
    await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(action))
    return action
