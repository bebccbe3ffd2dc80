"""Tell settlement to pay parts of an action: so many at a time, the next when one is answered."""

from collections.abc import Sequence
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.ledger.api import Position
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.corporate_action import CorporateAction, OpenPart
from kapital.tokenization.domain.events import PAYOUTS_INSTRUCTED, Fact
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.payoff import PayoutLine
from kapital.tokenization.domain.record_list import PARTS_UNDER_WAY
from kapital.tokenization.domain.schedule import ActionKind
from kapital.tokenization.ports import Parts
from kapital.tokenization.use_cases.steps import tell


async def instruct_next_parts(tx: Transaction, parts: Parts, action: CorporateAction, issue: Issue) -> int:
    """Instruct the next open parts of an action that is being paid; returns how many.

    Promise: at most PARTS_UNDER_WAY parts of an action wait for settlement's answer, so that a million holders are
    paid in the memory of a few thousand; which parts are paid, instructed or open stands in their rows, so that a
    process that dies is gone on from. The rows of issue and action are locked by the caller.
    """
    under_way = await parts.actions.count_parts(tx.conn, action.action_id, "instructed")
    room = PARTS_UNDER_WAY - under_way
    if room <= 0:
        return 0
    open_parts = await parts.actions.open_parts(tx.conn, [action.action_id], limit=room)
    if not open_parts:
        return 0
    keys = [(part.action_id, part.part) for part in open_parts]
    told = await parts.actions.lines(tx.conn, keys)
    await parts.actions.set_parts(tx.conn, keys, "instructed")
    await tell(tx, [_instruction(action, issue, part, told[part.action_id, part.part]) for part in open_parts])
    return len(open_parts)


def payer_of(issue: Issue) -> UUID:
    """The wallet that pays: the issuer's."""
    ensure(issue.issuer_wallet_id is not None, "a published issue has its issuer's wallet")
    return UUID(str(issue.issuer_wallet_id))


def _instruction(action: CorporateAction, issue: Issue, part: OpenPart, due_lines: Sequence[PayoutLine]) -> Fact:
    redemption = action.kind is ActionKind.REDEMPTION
    return Fact(
        PAYOUTS_INSTRUCTED,
        issue.issue_id,
        {
            "action_id": action.action_id,
            "issue_id": issue.issue_id,
            "kind": action.kind.value,
            "part": part.part,
            "parts": action.parts,
            "payer_wallet_id": payer_of(issue),
            "asset_id": issue.issue_id,
            "record_size": action.record_size,
            "debits_stopped": action.kind is ActionKind.CALL or (redemption and issue.locked_at is not None),
            **({} if action.reserved_kopecks is None else {"payer_position": Position.RESERVED.value}),
            "lines": [
                {
                    "wallet_id": line.wallet_id,
                    "position": line.position,
                    "units": line.units,
                    "amount_kopecks": line.amount_kopecks,
                    "extinguish_units": line.extinguish_units,
                }
                for line in due_lines
            ],
        },
    )
