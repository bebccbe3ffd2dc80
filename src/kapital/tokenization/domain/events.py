"""What tokenization tells the others, as plain facts: payload shapes are contracts/events/tokenization.yaml."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.tokenization.domain.corporate_action import CorporateAction
from kapital.tokenization.domain.fixing import Fixing
from kapital.tokenization.domain.issue_proposal import IssueProposal

LINES_PER_PART: Final = 1000

DECISION_PUBLISHED: Final = "kapital.tokenization.decision_published.v1"
ISSUE_STATE_CHANGED: Final = "kapital.tokenization.issue_state_changed.v1"
ALLOCATION_DECIDED: Final = "kapital.tokenization.allocation_decided.v1"
PAYOUTS_INSTRUCTED: Final = "kapital.tokenization.payouts_instructed.v1"
EXCHANGE_ANNOUNCED: Final = "kapital.tokenization.exchange_announced.v1"
OUTCOME_ANNOUNCED: Final = "kapital.tokenization.outcome_announced.v1"
SUBSTITUTE_ANNOUNCED: Final = "kapital.tokenization.substitute_announced.v1"
ACTION_ANNOUNCED: Final = "kapital.tokenization.action_announced.v1"
PAYOUT_DELAYED: Final = "kapital.tokenization.payout_delayed.v1"


class Fact(NamedTuple):
    """One event of an issue, before it has an envelope."""

    type: str
    issue_id: UUID
    data: dict[str, Any]


def issue_state_changed(issue_id: UUID, state: str, at: datetime) -> Fact:
    """The issue entered a state."""
    return Fact(ISSUE_STATE_CHANGED, issue_id, {"issue_id": issue_id, "state": state, "at": utc(at)})


def payout_delayed(action: CorporateAction, at: datetime) -> Fact:
    """A payment was not made when due; its state says how late it is."""
    told = {
        "issue_id": action.issue_id,
        "action_id": action.action_id,
        "kind": action.kind.value,
        "state": action.state.value,
        "at": utc(at),
    }
    return Fact(PAYOUT_DELAYED, action.issue_id, told)


def action_announced(action: CorporateAction, at: datetime) -> Fact:
    """The issuer has called units, or offers to buy them back."""
    early = action.early
    ensure(early is not None, "only an early end is announced")
    told: dict[str, Any] = {
        "issue_id": action.issue_id,
        "action_id": action.action_id,
        "kind": action.kind.value,
        "pay_on": action.pay_on.isoformat(),
        "at": utc(at),
    }
    if early is not None:
        given = {
            "price": early.price,
            "price_kopecks": early.price_kopecks,
            "units_max": early.units_max,
            "accept_until_at": None if early.close_at is None else utc(early.close_at),
        }
        told |= {name: value for name, value in given.items() if value is not None}
    return Fact(ACTION_ANNOUNCED, action.issue_id, told)


def outcome_announced(fixing: Fixing, issue_id: UUID, at: datetime) -> Fact:
    """How the outcome of an issue's event stands."""
    told: dict[str, Any] = {
        "issue_id": issue_id,
        "fixing_id": fixing.fixing_id,
        "outcome": fixing.value,
        "state": fixing.state.value,
        "at": utc(at),
    }
    if fixing.document_sha256 is not None:
        told["document_sha256"] = fixing.document_sha256
    if fixing.reason is not None:
        told["reason"] = fixing.reason
    if fixing.contest_until_at is not None:
        told["contest_until_at"] = utc(fixing.contest_until_at)
    return Fact(OUTCOME_ANNOUNCED, issue_id, told)


def substitute_announced(fixing: Fixing, issue_id: UUID, at: datetime) -> Fact:
    """Two persons confirmed what the decision puts in the place of a value that its source did not give."""
    ensure(fixing.observed_on is not None and fixing.taken_from_on is not None, "a substitute names both days")
    told = {
        "issue_id": issue_id,
        "fixing_id": fixing.fixing_id,
        "series": fixing.series,
        "observed_on": str(fixing.observed_on),
        "taken_series": fixing.taken_series,
        "taken_from_on": str(fixing.taken_from_on),
        "value": fixing.value,
        "reason": fixing.reason,
        "at": utc(at),
    }
    return Fact(SUBSTITUTE_ANNOUNCED, issue_id, told)


def exchange_announced(proposal: IssueProposal, at: datetime) -> Fact:
    """Units of an issue in default are exchanged for those of a new one."""
    told = {
        "issue_id": proposal.issue_id,
        "proposal_id": proposal.proposal_id,
        "new_issue_id": proposal.new_issue_id,
        "units_per_unit": proposal.units_per_unit,
        "document_sha256": proposal.document_sha256,
        "at": utc(at),
    }
    return Fact(EXCHANGE_ANNOUNCED, proposal.issue_id, told)


def allocation_decided(
    *,
    issue_id: UUID,
    issuer_wallet_id: UUID,
    outcome: str,
    lines: Sequence[Mapping[str, Any]],
    told_parts: int = 0,
) -> list[Fact]:
    """The allocation in parts of at most 1,000 lines; none if nobody had ordered.

    `told_parts`: how many parts of this issue were told before, in a continuous placement: these go on counting.
    """
    parts = split(lines)
    return [
        Fact(
            ALLOCATION_DECIDED,
            issue_id,
            {
                "issue_id": issue_id,
                "outcome": outcome,
                "part": part,
                "parts": told_parts + len(parts),
                "asset_id": issue_id,
                "issuer_wallet_id": issuer_wallet_id,
                "lines": list(chunk),
            },
        )
        for part, chunk in enumerate(parts, start=told_parts + 1)
    ]


def split(lines: Sequence[Mapping[str, Any]]) -> list[Sequence[Mapping[str, Any]]]:
    """Cut a list into parts that fit one event."""
    return [lines[start : start + LINES_PER_PART] for start in range(0, len(lines), LINES_PER_PART)]


def utc(at: datetime) -> str:
    """RFC 3339 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
