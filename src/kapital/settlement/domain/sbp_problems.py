"""What settlement refuses of the Faster Payments System and of the bank's calls back."""

from kapital.kernel.problems import Family, Problem, Retry


class SbpAmountExceedsLimit(Problem):
    """One payment of the SBP is at most this much on this day. Facts: `limit_kopecks`, `basis`."""

    code = "sbp_amount_exceeds_limit"
    title = "The sum is above the limit of the Faster Payments System"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SbpTopUpNotFound(Problem):
    """There is no such top-up, or it is another's."""

    code = "sbp_top_up_not_found"
    title = "There is no such top-up"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class SbpQrMustBeActive(Problem):
    """The code was paid or has expired: it is not shown, so that nobody pays by it. Facts: `state`."""

    code = "sbp_qr_must_be_active"
    title = "The QR code can no longer be paid"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankNoticesNotAwaited(Problem):
    """No key is shared with a bank, so no call back can be the bank's."""

    code = "bank_notices_not_awaited"
    title = "The settings name no key for the bank's calls back"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankNoticeSignatureMustBeValid(Problem):
    """A call back is not signed by the bank, was changed after it, or was signed at another time. Facts: `reason`."""

    code = "bank_notice_signature_must_be_valid"
    title = "The notice is not validly signed; nothing of it is booked"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class BankNoticeMalformed(Problem):
    """A call back that the bank signed is not as agreed. It is kept, nothing of it is booked. Facts: `reason`."""

    code = "bank_notice_malformed"
    title = "The bank's notice is not as agreed"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE


class SbpPayeeMalformed(Problem):
    """A phone is +7 and ten digits, a member of the SBP twelve digits that begin with 1."""

    code = "sbp_payee_malformed"
    title = "The recipient of a payment by the SBP is malformed"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SbpDayLimitExceeded(Problem):
    """One recipient is paid at most so much in a day (Moscow). Facts: `limit_kopecks`, `basis`."""

    code = "sbp_day_limit_exceeded"
    title = "The recipient's limit of the day in the Faster Payments System is used up"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class SbpWithdrawalNotFound(Problem):
    """There is no such withdrawal by the SBP, or it is another's."""

    code = "sbp_withdrawal_not_found"
    title = "There is no such withdrawal"
    retry = Retry.NEVER
    family = Family.NOT_FOUND
