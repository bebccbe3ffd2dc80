"""What the ledger's reads and proofs refuse."""

from kapital.kernel.problems import Family, Problem, Retry


class SizeAheadOfLog(Problem):
    """A number of entries was asked for that the log does not have yet."""

    code = "size_must_not_exceed_log"
    title = "The log has fewer entries than that"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class EntryNotFound(Problem):
    """No entry has this number."""

    code = "entry_not_found"
    title = "No such entry"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class TileNotFound(Problem):
    """No tile lies there."""

    code = "tile_not_found"
    title = "No such tile in the log"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class AssetNotFound(Problem):
    """No asset of this id is in the register."""

    code = "asset_not_found"
    title = "No such asset (issue) in the register"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class WalletNotFound(Problem):
    """No wallet of this id is in the register."""

    code = "wallet_not_found"
    title = "No such wallet in the register"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class InstantInFuture(Problem):
    """What will stand at a future instant nobody knows."""

    code = "instant_must_have_passed"
    title = "This instant has not come yet"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class RangeTooLarge(Problem):
    """More entries in one answer than the ledger gives."""

    code = "range_too_large"
    title = "Too many entries asked for at once"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class ProofRangeInvalid(Problem):
    """The numbers do not name a proof: 0 <= entry < size, 0 < old <= new."""

    code = "proof_range_invalid"
    title = "These numbers do not name a proof"
    retry = Retry.NEVER
    family = Family.UNPROCESSABLE


class StatementTooLong(Problem):
    """The statement has more entries than fit one package."""

    code = "statement_too_long"
    title = "The statement has too many entries for one package"
    retry = Retry.AFTER_CHANGE
    family = Family.TOO_LARGE


class WalletHeldNothing(Problem):
    """The wallet held nothing of the asset at that moment: there is no line to prove. Facts: `wallet`, `size`."""

    code = "wallet_held_nothing"
    title = "The wallet held nothing of the asset at that moment"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class CheckpointKeyMissing(Problem):
    """The ledger was built without a key that signs checkpoints."""

    code = "checkpoint_key_missing"
    title = "There is no key to sign a checkpoint with"
    retry = Retry.AFTER_CHANGE
    family = Family.UNAVAILABLE


class AuditGap(Problem):
    """Entries are missing between what the audit copy holds and what was given."""

    code = "audit_must_follow"
    title = "The audit copy lacks entries before these"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class AuditDiverged(Problem):
    """The audit copy and the log tell different histories."""

    code = "audit_copy_diverged"
    title = "The audit copy and the log differ"
    retry = Retry.NEVER
    family = Family.CONFLICT


class AuditDamaged(Problem):
    """The audit copy is not what it says of itself: a file is torn, changed or missing."""

    code = "audit_copy_damaged"
    title = "The audit copy is damaged"
    retry = Retry.NEVER
    family = Family.CONFLICT


class HoldNotFound(Problem):
    """Nothing is on hold, or not all of the assets named are."""

    code = "hold_not_found"
    title = "No such hold is in force"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


class LiftNeedsCleanCheck(Problem):
    """Nothing on hold moves again before a check of the whole register finds nothing."""

    code = "lift_needs_clean_check"
    title = "The register must be mended first"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class LiftNeedsTwoPersons(Problem):
    """Who proposed to lift a hold may not decide it."""

    code = "lift_needs_two_persons"
    title = "Another person must lift the hold"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class LiftReasonRequired(Problem):
    """A hold is lifted for a reason of 1 to 500 signs, which stays with it."""

    code = "lift_reason_required"
    title = "Say in at most 500 signs why the hold is lifted"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE
