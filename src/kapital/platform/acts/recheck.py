"""The kept file of an act checked again, years later, with nothing but the file: `kapital signature recheck`."""

from dataclasses import dataclass
from pathlib import Path

from kapital.platform.acts.files import read_signed_act
from kapital.platform.signatures.bundle import BUNDLE_BYTES_MAX, check_again, check_power_again
from kapital.platform.signatures.command import FileTooLarge
from kapital.platform.signatures.outcome import Outcome, SignatureCheck, outcome_of
from kapital.platform.signatures.trust import TrustedRoots


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """`outcome` is that of the signature and of the power of attorney together; `power` that of the latter alone."""

    outcome: Outcome
    check: SignatureCheck
    power: str | None
    act_sha256: str
    shown_text: str


def recheck_file(path: Path, roots: tuple[Path, ...] = ()) -> Rechecked:
    """Check a file again, as of its first check.

    Raises: OSError, FileTooLarge, SignatureBundleUnreadable, TrustListUnreadable, GostEngineMissing,
    LibcryptoMissing.
    """
    with path.open("rb") as opened:
        source = opened.read(BUNDLE_BYTES_MAX + 1)
    if len(source) > BUNDLE_BYTES_MAX:
        raise FileTooLarge(str(path), {"limit": BUNDLE_BYTES_MAX})
    file = read_signed_act(source)
    believed = TrustedRoots.from_pem_or_der(*(root.read_bytes() for root in roots)) if roots else None
    check = check_again(file.bundle, file.act.encode(), roots=believed)
    power = check_power_again(file.bundle, check, roots=believed) if file.bundle.power else None
    reasons = (*check.reasons, *(power.reasons if power else ()))
    return Rechecked(
        outcome=outcome_of(reasons),
        check=check,
        power=power.outcome.value if power else None,
        act_sha256=file.bundle.content_sha256,
        shown_text=file.shown_text,
    )
