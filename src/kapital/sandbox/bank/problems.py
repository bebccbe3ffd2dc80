"""What the sandbox bank refuses, with the codes of its contract."""

from kapital.kernel.problems import Family, Problem, Retry, Unavailable


class BankIdTaken(Problem):
    """The caller used the id before, for something else."""

    code = "bank_id_taken"
    title = "The bank knows this id with other content"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankObjectNotFound(Problem):
    """The bank never saw the beneficiary, incoming payment, hold or deal."""

    code = "bank_object_not_found"
    title = "The bank knows no such object"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class BankPaymentNotFound(Problem):
    """The bank never saw a payment of this id: sending it is safe."""

    code = "bank_payment_not_found"
    title = "The bank knows no such payment"
    retry = Retry.SAME_REQUEST
    family = Family.NOT_FOUND


class BankHoldNotFound(Problem):
    """The bank never saw an escrow hold of this id: placing it is safe."""

    code = "bank_hold_not_found"
    title = "The bank knows no such hold"
    retry = Retry.SAME_REQUEST
    family = Family.NOT_FOUND


class BankMoneyInsufficient(Problem):
    """A beneficiary has less free money than is asked for. Facts: `beneficiary_id`."""

    code = "bank_money_insufficient"
    title = "Not enough free money at the bank"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankScoringMustSucceed(Problem):
    """The bank has not looked at the beneficiary yet, or does not serve it. Facts: `beneficiary_id`."""

    code = "bank_scoring_must_succeed"
    title = "The bank has not let the beneficiary through"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class BankStateRefuses(Problem):
    """The hold, deal or incoming payment is past that. Facts: `state`."""

    code = "bank_state_refuses"
    title = "The state of the object does not allow this"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankRequestInvalid(Problem):
    """Values that have their form and contradict each other or their control digits. Facts: `reason`."""

    code = "bank_request_invalid"
    title = "The bank cannot take this request"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class BankTokenInvalid(Problem):
    """No bearer token, or not the one that the bank gave out."""

    code = "bank_token_invalid"
    title = "The bank does not know the caller"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAUTHENTICATED


class BankRateExceeded(Problem):
    """More requests of one operation than the bank takes. Facts: `retry_after_s`."""

    code = "bank_rate_exceeded"
    title = "Too many requests to the bank"
    retry = Retry.SAME_REQUEST
    family = Family.LIMITED


class BankOutOfService(Unavailable):
    """The bank is down. Facts: `retry_after_s`."""

    code = "bank_out_of_service"
    title = "The bank is out of service"


class FaultScriptInvalid(Problem):
    """A fault script that the bank cannot play; the detail names the place."""

    code = "bank_fault_script_invalid"
    title = "The fault script is not valid"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE
