"""What settlement refuses where the bank is spoken to by files."""

from kapital.kernel.problems import Family, Problem, Retry, Unavailable
from kapital.settlement.domain.problems import BankSilent


class SbpNotOffered(Problem):
    """A bank that is spoken to by files takes no orders of the Faster Payments System and makes no QR codes."""

    code = "sbp_not_offered"
    title = "The bank does not offer the Faster Payments System"
    retry = Retry.NEVER
    family = Family.CONFLICT


class BankBalanceNotTold(BankSilent):
    """No statement has told the balance, or one is being taken in. Facts: `reason`."""

    code = "bank_balance_not_told"
    title = "The bank has not told the balance of the account yet"


class BankFolderUnavailable(Unavailable):
    """The exchange folder cannot be read or written now; what lies there stays. Facts: `errno`."""

    code = "bank_folder_unavailable"
    title = "The exchange folder of the bank cannot be used now"
