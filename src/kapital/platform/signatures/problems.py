"""Refusals of the signature part that are not outcomes of a check: something is absent, or cannot be read at all."""

from kapital.kernel.problems import Family, Problem, Retry, Unavailable


class LibcryptoMissing(Unavailable):
    """OpenSSL's libcrypto 3 is not on this machine: no signature can be verified."""

    code = "libcrypto_missing"
    title = "libcrypto of OpenSSL 3 is not installed (Debian: libssl3)"


class GostEngineMissing(Unavailable):
    """The GOST engine is not on this machine: GOST R 34.10-2012 can be neither verified nor made."""

    code = "gost_engine_missing"
    title = "The GOST engine of OpenSSL is not installed (Debian: libengine-gost-openssl)"


class SignatureNotValid(Problem):
    """The signature is broken, foreign, or made without the right to. Facts: `reasons`, the codes found."""

    code = "signature_not_valid"
    title = "The signature does not hold"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignatureIndeterminate(Problem):
    """What is at hand decides neither way, for instance a revocation list is missing. Facts: `reasons`."""

    code = "signature_indeterminate"
    title = "The signature can be neither confirmed nor refused yet"
    retry = Retry.SAME_REQUEST
    family = Family.UNPROCESSABLE


class SignerUnavailable(Unavailable):
    """The means of signature is not there or does not work. Facts: `signer`, `reason`."""

    code = "signer_unavailable"
    title = "The means of signing is not connected"


class SignerPinRefused(Problem):
    """The token refused the PIN; a few more wrong ones lock it. Facts: `reason`."""

    code = "signer_pin_refused"
    title = "The token refused the PIN"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class SignerKeyNotSupported(Problem):
    """The key on the token is of a kind that is not signed with here. Facts: `key`, `mechanism`."""

    code = "signer_key_not_supported"
    title = "Keys of this kind on a token cannot sign here"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class TimeStampUnavailable(Unavailable):
    """The time-stamping authority did not give a usable stamp. Facts: `reason`."""

    code = "time_stamp_unavailable"
    title = "No time-stamp could be had"


class TrustListUnreadable(Problem):
    """A file given as trusted roots, list of revoked certificates or certificate cannot be read. Facts: `reason`."""

    code = "trust_list_unreadable"
    title = "A certificate or revocation list cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class SignatureBundleUnreadable(Problem):
    """A kept bundle of a signature is not in its form, or of an unknown version. Facts: `reason`."""

    code = "signature_bundle_unreadable"
    title = "The bundle of a signature cannot be read"
    retry = Retry.NEVER
    family = Family.UNREADABLE


class PowerOfAttorneyUnreadable(Problem):
    """A machine-readable power of attorney (МЧД) is not XML of format 003 within its bounds. Facts: `reason`."""

    code = "power_of_attorney_unreadable"
    title = "The power of attorney cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


class PowerOfAttorneyStatusUnavailable(Unavailable):
    """No register of powers of attorney is connected, or it does not answer. Facts: `number`."""

    code = "power_of_attorney_status_unavailable"
    title = "The register of powers of attorney gives no status"
