"""What allocation and payouts share: telling a repeat from a contradiction, and reading the ledger's answer."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kapital.kernel.problems import ensure
from kapital.ledger.api import Committed, Refused
from kapital.settlement.domain.problems import SettlementLineRefused
from kapital.settlement.ports import SettlementJob

LINKED_SET_BROKEN = "linked_set_broken"
_FROZEN: Final = frozenset({"wallet_debits_frozen", "wallet_credits_frozen"})


def require_same(job: SettlementJob, content_sha256: str) -> None:
    """Raises: InvariantBroken when a part that is settled is instructed with another content."""
    ensure(
        job.content_sha256 == content_sha256,
        f"{job.kind} {job.subject_id} part {job.part} is settled and was instructed again with other content",
    )


def require_committed(answers: Sequence[Committed | Refused]) -> list[Committed]:
    """The entries, if every line has one. Raises: SettlementLineRefused."""
    committed = [answer for answer in answers if isinstance(answer, Committed)]
    if len(committed) < len(answers):
        line, refused = root_refusal(answers)
        facts: dict[str, str | int] = {
            "ledger_code": refused.code,
            "line": line,
            "refused": len(answers) - len(committed),
            "lines": len(answers),
        }
        raise SettlementLineRefused(f"line {line}: {refused.detail}", facts)
    return committed


def is_frozen(answer: Committed | Refused, wallet_id: UUID) -> bool:
    """Whether the ledger refused because this wallet is frozen (115-FZ art. 7)."""
    return isinstance(answer, Refused) and answer.code in _FROZEN and answer.facts["wallet"] == str(wallet_id)


def root_refusal(answers: Sequence[Committed | Refused]) -> tuple[int, Refused]:
    """The first refusal that is the cause, not the consequence of another one in its linked set, and its place."""
    refusals = [(place, answer) for place, answer in enumerate(answers) if isinstance(answer, Refused)]
    ensure(bool(refusals), "nothing was refused")
    return next((found for found in refusals if found[1].code != LINKED_SET_BROKEN), refusals[0])
