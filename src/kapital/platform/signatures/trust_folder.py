"""What an installation believes: a folder of certificates, read once at start.

    <trust_dir>/roots/              root certificates of accredited authorities (DER or PEM: .cer .crt .der .pem)
    <trust_dir>/time_stamp_roots/   those of time-stamping authorities; without the folder, the same roots
    <trust_dir>/certificates/       authorities between roots and people, which signatures may leave out

Law: 63-FZ art. 13–16 (accredited authorities); the list of them that the ministry publishes (TSL) is not read here:
its root certificates are put into the folder by the operator.
"""

from pathlib import Path
from typing import Final

from kapital.platform.signatures.policy import EXTRA_CERTIFICATES_MAX
from kapital.platform.signatures.problems import TrustListUnreadable
from kapital.platform.signatures.trust import ROOTS_MAX, TrustedRoots, split_certificates

_ENDINGS: Final = frozenset({".cer", ".crt", ".der", ".pem"})
_FILE_BYTES_MAX: Final = 8 * 1024 * 1024


class Trust:
    """Roots of signers, roots of time-stamps (None: the same), authorities between."""

    def __init__(
        self, roots: TrustedRoots, time_stamp_roots: TrustedRoots | None = None, between: tuple[bytes, ...] = ()
    ) -> None:
        self.roots, self.time_stamp_roots, self.between = roots, time_stamp_roots, between


def read_trust(folder: Path | None) -> Trust:
    """Read the folder; without one nothing is believed, so that no signature is VALID.

    Raises: TrustListUnreadable (`no_folder`, `not_pem`, `too_many_roots`, `too_many_certificates`, …).
    """
    if folder is None:
        return Trust(TrustedRoots())
    if not (folder / "roots").is_dir():
        raise TrustListUnreadable(str(folder / "roots"), {"reason": "no_folder"})
    roots = _certificates(folder / "roots")
    stamps = _certificates(folder / "time_stamp_roots")
    between = _certificates(folder / "certificates")
    if len(between) > EXTRA_CERTIFICATES_MAX:
        raise TrustListUnreadable(facts={"reason": "too_many_certificates", "limit": EXTRA_CERTIFICATES_MAX})
    return Trust(TrustedRoots(frozenset(roots)), TrustedRoots(frozenset(stamps)) if stamps else None, tuple(between))


def _certificates(folder: Path) -> list[bytes]:
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS)
    if len(files) > ROOTS_MAX:
        raise TrustListUnreadable(str(folder), {"reason": "too_many_roots"})
    found: list[bytes] = []
    for path in files:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise TrustListUnreadable(str(path), {"reason": "too_large"})
        found += split_certificates(path.read_bytes())
    return list(dict.fromkeys(found))
