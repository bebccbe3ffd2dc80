"""What settlement refuses, each by the rule that must hold."""

from kapital.kernel.problems import Family, Problem, Retry, Unavailable


class BankSilent(Unavailable):
    """The bank gave no answer in time. What became of the request is unknown until an enquiry says."""

    code = "bank_silent"
    title = "The bank does not answer now"


class BankMoves(Unavailable):
    """Money kept moving at the bank while it was compared with the register."""

    code = "bank_moved_while_compared"
    title = "The bank did not stand still long enough to be compared"


class ReconciliationBreakStopsWithdrawals(Problem):
    """The bank and the register differ; nothing leaves until they agree. Facts: `difference_kopecks`."""

    code = "reconciliation_break_stops_withdrawals"
    title = "Withdrawals are stopped: the bank and the register differ"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class WithdrawalWalletMustBeOwn(Problem):
    """Money is withdrawn by the owner of the wallet only."""

    code = "withdrawal_wallet_must_be_own"
    title = "The wallet is not the caller's"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class WithdrawalAmountMustBePositive(Problem):
    """A withdrawal is of at least one kopeck and at most what a payment can carry."""

    code = "withdrawal_amount_must_be_positive"
    title = "The amount of a withdrawal must be above zero and within range"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class WithdrawalBatchMalformed(Problem):
    """A batch holds 1 to 1,000 withdrawals. Facts: `count`, `limit`."""

    code = "withdrawal_batch_out_of_range"
    title = "A batch holds 1 to 1,000 withdrawals"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class PayoutAccountKeyMustMatch(Problem):
    """The control key of a bank account does not fit its bank (Bank of Russia procedure N 515)."""

    code = "payout_account_key_must_match"
    title = "The account does not belong to the bank with this BIC"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class PayoutAccountMalformed(Problem):
    """A BIC has nine digits and begins with 04, an account of a client has twenty digits."""

    code = "payout_account_malformed"
    title = "The BIC or the account number is malformed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class WithdrawalNotFound(Problem):
    """No such withdrawal, or not the caller's."""

    code = "withdrawal_not_found"
    title = "There is no such withdrawal"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class BeneficiaryNotFound(Problem):
    """No such beneficiary, or not the caller."""

    code = "beneficiary_not_found"
    title = "There is no such beneficiary"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class SettlementLineRefused(Problem):
    """The ledger refused a line of an instruction. Facts: `ledger_code`, `line`, `refused`, `lines`.

    Lines that were entered stay entered; telling the event again goes on with the others.
    """

    code = "settlement_line_refused"
    title = "The ledger refused a line of the instruction"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankFeedMustAdvance(Problem):
    """The bank's list of credits is out of order or repeats a place in it."""

    code = "bank_feed_must_advance"
    title = "The bank's list of credits is out of order"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class TopUpRefused(Unavailable):
    """The ledger would not take money that came to the bank. It stays kept and is tried again. Facts: `refused`."""

    code = "top_up_refused"
    title = "The register did not take money that came to the bank"


class LedgerRefusedBankFact(Unavailable):
    """The ledger would not record what the bank has done already. Facts: `ledger_code`, `refused`."""

    code = "ledger_refused_bank_fact"
    title = "The register did not take what the bank has done"
