"""The failpoints of the house, process after process in the order in which they are met.

`kapital faults run` goes through all of them; a test keeps this list and the calls of `failpoint` alike.
"""

from typing import Final, NamedTuple


class Failpoint(NamedTuple):
    """`<service>.<process>.<step>`, and what is done and what is not when a process dies there."""

    name: str
    about: str


FAILPOINTS: Final = (
    Failpoint("ledger.batch.planned", "A batch is planned and not yet handed to the writer."),
    Failpoint(
        "ledger.batch.written", "In the writer's process: a batch is in the transaction, which is not committed."
    ),
    Failpoint("ledger.batch.committed", "In the writer's process: a batch is committed, nobody was told."),
    Failpoint("ledger.batch.entered", "The ledger knows that a batch is entered; no caller was told."),
    Failpoint("bus.events.numbered", "Committed events have their place in the order; none was delivered."),
    Failpoint("bus.events.taken", "A consumer has read events in its transaction; no handler was called."),
    Failpoint("bus.events.handled", "The handlers are done, what they called outside too; nothing is committed."),
    Failpoint("bus.events.committed", "What the handlers wrote is committed with the consumer's place."),
    Failpoint("settlement.incoming.read", "A page of credits was read from the bank; nothing is kept."),
    Failpoint("settlement.incoming.kept", "Credits are kept with the cursor; none is in the ledger."),
    Failpoint("settlement.incoming.entered", "Credits are in the ledger; their rows do not say so."),
    Failpoint("settlement.incoming.booked", "Credits are marked as booked and told."),
    Failpoint("settlement.withdrawal.requested", "Withdrawals are kept; their money is not locked."),
    Failpoint("settlement.withdrawal.locked", "The money is locked in the ledger; the rows do not say so."),
    Failpoint("settlement.withdrawal.checked", "Withdrawals are checked and the answer is kept; nobody was told."),
    Failpoint("settlement.withdrawal.sent", "Withdrawals are kept as sent; the bank was not called."),
    Failpoint("settlement.withdrawal.bank_answered", "The bank answered the orders; nothing of it is kept."),
    Failpoint("settlement.withdrawal.enquired", "The bank answered the enquiries; nothing of it is kept."),
    Failpoint("settlement.withdrawal.rejected", "Rejections are kept; the money is still locked."),
    Failpoint("settlement.withdrawal.entered", "What the bank did is in the ledger; the rows do not say so."),
    Failpoint("settlement.withdrawal.confirmed", "Withdrawals are kept as paid and told."),
    Failpoint("settlement.withdrawal.re_credited", "The money of rejected withdrawals is free again, kept and told."),
    Failpoint("settlement.sbp_top_up.kept", "A top-up by the SBP is kept; the bank was not asked for its code."),
    Failpoint("settlement.sbp_top_up.code_made", "The bank made the code of a top-up; its id is not kept."),
    Failpoint("settlement.sbp_top_up.activated", "The code of a top-up is kept with the answer; nobody was told."),
    Failpoint("settlement.bank_notice.kept_raw", "A call back is kept as it came; what it tells is not."),
    Failpoint("settlement.bank_notice.kept", "The credit of a call back is kept; the bank was not answered."),
    Failpoint("settlement.statement.kept_raw", "The bytes of a statement are kept; no row tells of them."),
    Failpoint("settlement.statement.kept", "A statement is read and kept with its lines; none is matched."),
    Failpoint("settlement.statement.matched", "Its lines are matched with what was known; nothing new is kept."),
    Failpoint("settlement.statement.page_kept", "Credits that only the statement told are kept; none is booked."),
    Failpoint("settlement.statement.booked", "They are booked; bank and register are not compared."),
    Failpoint(
        "settlement.sbp_withdrawal.planned", "A withdrawal by the SBP and its parts are kept; nothing is locked."
    ),
    Failpoint("settlement.sbp_withdrawal.answered", "The parts are locked and the answer is kept; nobody was told."),
    Failpoint("settlement.shares.followed", "What the bank has to be told is kept with the place in the register."),
    Failpoint("settlement.shares.distributed", "The bank distributed credits; nothing of it is kept."),
    Failpoint("settlement.shares.planned", "Net deals between owners are kept; the bank was not told."),
    Failpoint("settlement.shares.opened", "The bank drafted a deal; it is not accepted."),
    Failpoint("settlement.shares.accepted", "The bank accepted a deal; no share has moved."),
    Failpoint("settlement.shares.completed", "The bank moved the shares of a deal; nothing of it is kept."),
    Failpoint("settlement.shares.told", "A deal is kept as told."),
    Failpoint("settlement.file_order.kept", "An order is kept with the bytes of its file; no file is written."),
    Failpoint("settlement.file_order.staged", "The file lies whole where the bank does not look, and is noted."),
    Failpoint("settlement.file_order.handed", "The file lies before the bank; no row says so."),
    Failpoint("settlement.bank_file.taken_in", "A message of the bank is taken in; its file lies where it lay."),
    Failpoint("settlement.bank_file.put_away", "The file of a message is put away; the next was not looked at."),
    Failpoint(
        "settlement.reconciliation.compared", "The bank and the register are compared; the outcome is not kept."
    ),
    Failpoint("settlement.reconciliation.kept", "The outcome of a comparison is kept."),
    Failpoint("settlement.allocation.entered", "Units and money of an allocation have moved; no row says so."),
    Failpoint(
        "settlement.dvp.decided", "A batch of DvP instructions is decided by its second person, who was not told."
    ),
    Failpoint("settlement.dvp.started", "What the ledger is to be asked is kept; it was not asked."),
    Failpoint("settlement.dvp.entered", "Units and money of instructions have moved; no row says so."),
    Failpoint("settlement.dvp.settled", "Instructions are kept as settled, in whole or in part, and told."),
    Failpoint("settlement.escrow.lock_asked", "That units are to be locked is kept; the ledger was not asked."),
    Failpoint("settlement.escrow.locked", "Units are locked in the ledger; no row says so."),
    Failpoint("settlement.escrow.reserve_sent", "Requests to hold money are kept as sent; the bank was not called."),
    Failpoint("settlement.escrow.bank_answered", "The bank answered the requests to hold; nothing of it is kept."),
    Failpoint("settlement.escrow.reserved", "What the bank said of the holds is kept; nothing is recorded."),
    Failpoint("settlement.escrow.notices_kept", "Notices of holds are kept with the cursor; nobody was asked."),
    Failpoint("settlement.escrow.enquired", "The bank answered enquiries about holds; nothing of it is kept."),
    Failpoint("settlement.escrow.entered", "The units have passed in the ledger; no row says so."),
    Failpoint("settlement.escrow.recorded", "The records are kept; no release was requested."),
    Failpoint("settlement.escrow.release_sent", "Releases are kept as requested; the bank was not called."),
    Failpoint("settlement.escrow.release_answered", "The bank answered the releases; nothing of it is kept."),
    Failpoint("settlement.escrow.released", "What the bank said of the releases is kept; nothing is settled."),
    Failpoint("settlement.escrow.settled", "Instructions of the escrow rail are kept as settled and told."),
    Failpoint("settlement.escrow.rolling_back", "Refused instructions are to be undone; nothing of them is."),
    Failpoint("settlement.escrow.unlocked", "Units are unlocked in the ledger; no row says so."),
    Failpoint("settlement.escrow.cancelled", "The bank answered the cancellations; nothing of it is kept."),
    Failpoint("settlement.payouts.withheld", "What is withheld of a part is kept; nothing of the part is paid."),
    Failpoint("settlement.payouts.entered", "A part of a payment is in the ledger; no row says so."),
    Failpoint("tokenization.order.kept", "Orders are kept as checked; no money is reserved."),
    Failpoint("tokenization.order.reserved", "The money of orders is reserved; none is accepted."),
    Failpoint("tokenization.order.decided", "Orders are accepted or turned away; their investors were not told."),
    Failpoint("tokenization.placement.closed", "A placement is closed and allocated, and settlement told."),
    Failpoint("tokenization.payout.set_aside", "The issuer's money is set aside in the ledger; no row says so."),
    Failpoint("tokenization.payout.reserved", "The payment is kept as funded."),
)
