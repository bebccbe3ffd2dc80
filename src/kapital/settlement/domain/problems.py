"""What settlement refuses, each by the rule that must hold."""

from kapital.kernel.problems import Family, Problem, Retry, Unavailable


class BankSilent(Unavailable):
    """The bank gave no answer in time. What became of the request is unknown until an enquiry says."""

    code = "bank_silent"
    title = "The bank does not answer now"


class BankAnswerNotTrusted(BankSilent):
    """What came is not the bank's answer to our question: not signed, altered, or not as agreed. Facts: `reason`."""

    code = "bank_answer_not_trusted"
    title = "The bank's answer cannot be trusted"


class BankRefusesUs(BankSilent):
    """The bank does not take our token or certificate. Facts: `status`, or `reason` (the alert of TLS)."""

    code = "bank_refuses_us"
    title = "The bank does not let us in"


class BankSettingsUnusable(Unavailable):
    """A file that the settings name for the bank cannot be used; the detail names it."""

    code = "bank_settings_unusable"
    title = "The bank cannot be asked with these settings"
    retry = Retry.AFTER_CHANGE


class BankMoves(Unavailable):
    """Money kept moving at the bank while it was compared with the register."""

    code = "bank_moved_while_compared"
    title = "The bank did not stand still long enough to be compared"


class ReconciliationBreakStopsWithdrawals(Problem):
    """The bank and the register differ; nothing leaves while a break is open. Facts: `difference_kopecks`,
    `breaks`."""

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


class BankMessageUnreadable(Problem):
    """The message is not of the format named, or is broken: nothing of it is used. Facts: `reason`, `line`."""

    code = "bank_message_must_be_readable"
    title = "The bank's message cannot be read; nothing of it is booked"
    retry = Retry.NEVER
    family = Family.UNREADABLE


class BankMessageEncodingRefused(Problem):
    """The message is not in an encoding of its format. Facts: `reason`."""

    code = "bank_message_encoding_must_be_known"
    title = "The bank's message is in an encoding that is not read"
    retry = Retry.NEVER
    family = Family.UNREADABLE


class BankMessageHasDocumentType(Problem):
    """A message of a bank needs no document type, and one may hold entities: it is refused unread."""

    code = "bank_message_must_have_no_document_type"
    title = "The bank's message declares a document type"
    retry = Retry.NEVER
    family = Family.UNREADABLE


class BankMessageTooLarge(Problem):
    """Facts: the measure exceeded, or its limit."""

    code = "bank_message_exceeds_limit"
    title = "The bank's message is larger than is read"
    retry = Retry.NEVER
    family = Family.TOO_LARGE


class BankMessageAmountMustBeExact(Problem):
    """A sum in a message is not exact in kopecks (three decimals, a sign, a comma). Facts: `where`."""

    code = "bank_message_amount_must_be_exact"
    title = "A sum in the bank's message is not exact in kopecks"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE


class PaymentOrderMalformed(Problem):
    """A payment order breaks the rules of its fields; `errors` name each field and the rule. Nothing was sent."""

    code = "payment_order_must_be_well_formed"
    title = "The payment order cannot be sent"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankMessageTextNotWritable(Problem):
    """A text has several lines, or characters that the encoding of the format has not. Facts: `key`, `reason`."""

    code = "bank_message_text_must_fit_format"
    title = "A text cannot be written in the bank's format"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankMustBeInDirectory(Problem):
    """No participant of the БИК directory in force has this БИК, or not yet. Facts: `bic`."""

    code = "bank_must_be_in_directory"
    title = "No bank with this BIC is in the directory"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankMustNotBeClosed(Problem):
    """The participant has left the payment system. Facts: `bic`."""

    code = "bank_must_not_be_closed"
    title = "The bank with this BIC is closed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankMustNotBeRestricted(Problem):
    """The directory restricts operations with the participant. Facts: `bic`, `restrictions`."""

    code = "bank_must_not_be_restricted"
    title = "Operations with the bank with this BIC are restricted"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankDirectoryNotLoaded(Problem):
    """There is no БИК directory: no bank is known, so nothing is said of any."""

    code = "bank_directory_must_be_loaded"
    title = "No directory of banks was loaded"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankDirectoryMustBeWhole(Problem):
    """A directory is loaded whole, newer than the one in force, and with at least half as many participants.

    Facts: `reason` (not_full, older, shrunk, deviations), counts or days behind it.
    """

    code = "bank_directory_must_be_whole_and_newer"
    title = "The directory of banks is not taken; the one in force stays"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankMessageSignatureMustBeValid(Problem):
    """A message is not signed by the bank, or was changed after it was. It is kept, nothing of it is booked.

    Facts: `outcome`, `reasons`.
    """

    code = "bank_message_signature_must_be_valid"
    title = "The bank's message is not validly signed; nothing of it is booked"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class BankMessageAltered(Problem):
    """The bank's id of an earlier message came again with other content. It is kept, nothing of it is booked."""

    code = "bank_message_must_not_be_altered"
    title = "A message of the bank came again with other content"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankMessagesNotAwaited(Problem):
    """No nominal account at a bank is named in the settings, so no message can be about it."""

    code = "bank_account_must_be_named"
    title = "The settings name no account of ours at a bank"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT
