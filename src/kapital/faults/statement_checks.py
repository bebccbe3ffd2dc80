"""What must hold of statements taken in as files: each line is explained once, and opens no difference."""

from typing import Final

from kapital.faults.finding import Broken
from kapital.faults.world import World

_EXPLAINED: Final = ("top_up", "booked", "withdrawal")
_MESSAGES: Final = "SELECT state, coalesce(reason, 'no reason') AS reason, line_count FROM incoming_message"
_LINES: Final = """
    SELECT l.result, l.bank_id, l.amount_kopecks, coalesce(p.amount_kopecks, w.amount_kopecks) AS of_ours,
        coalesce(p.entry_seq, w.entry_seq) AS entry_seq
    FROM bank_statement_line AS l LEFT JOIN incoming_payment AS p USING (payment_id)
        LEFT JOIN withdrawal AS w USING (withdrawal_id)
"""
_OPENED: Final = "SELECT kind, subject FROM reconciliation_break WHERE message_id IS NOT NULL AND stands"


async def check_statements(world: World) -> None:
    """All of it, when nothing moves. Raises: Broken."""
    if not world.statements.count:
        return
    messages = await world.fetch("settlement", _MESSAGES)
    states = [f"{row['state']} ({row['reason']})" for row in messages if row["state"] != "taken_in"]
    if states or len(messages) != world.statements.count:
        raise Broken("statement_not_taken_in_once", f"{len(messages)} of {world.statements.count}: {states}")
    lines = await world.fetch("settlement", _LINES)
    if len(lines) != sum(row["line_count"] for row in messages):
        raise Broken("statement_line_lost", f"{len(lines)} lines")
    for row in lines:
        differs = row["of_ours"] != row["amount_kopecks"] or row["entry_seq"] is None
        if row["result"] not in _EXPLAINED or differs:
            raise Broken("statement_line_unexplained", f"line {row['bank_id']}: {row['result']}, {row['of_ours']}")
    if opened := await world.fetch("settlement", _OPENED):
        raise Broken("statement_opens_a_break", ", ".join(f"{row['kind']} {row['subject']}" for row in opened))
