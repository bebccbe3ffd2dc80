"""Refusals of acts. Each cause that a person can mend has a code of its own (scenarios 22, 24, 49)."""

from typing import Final

from kapital.kernel.problems import Family, Problem, Retry
from kapital.platform.signatures.outcome import Code, Outcome, Reason
from kapital.platform.signatures.problems import SignatureNotValid


class QualifiedSignatureRequired(Problem):
    """The act came without the signature that it needs. Facts: `kind`."""

    code = "qualified_signature_required"
    title = "The act must be signed with a qualified electronic signature"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ActMustBeRecent(Problem):
    """The act was prepared too long ago, or after now or the time-stamp of its signature. Facts: `limit_s`."""

    code = "act_must_be_recent"
    title = "The act was prepared too long ago"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class ActMustBeOne(Problem):
    """A request to prepare an act names exactly one command."""

    code = "act_must_be_one"
    title = "Name exactly one command to prepare an act for"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignatureUnreadable(Problem):
    """The signature is not base64, or larger than allowed. Facts: `reason`."""

    code = "signature_unreadable"
    title = "The signature cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignedTextDiffers(Problem):
    """Another document was signed than the one that the command makes: altered, or another key, text or instant."""

    code = "signed_text_differs"
    title = "The signature is not over this act"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignatureCertificateRevoked(Problem):
    """The certificate had been revoked when the act was signed."""

    code = "signature_certificate_revoked"
    title = "The certificate of the signature was revoked before signing"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignatureCertificateExpired(Problem):
    """The certificate was not in force when the act was signed."""

    code = "signature_certificate_expired"
    title = "The certificate of the signature was not in force when signing"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class SignatureCertificateSuspended(Problem):
    """The certificate's binding to the participant was suspended or ended here (scenario 49)."""

    code = "signature_certificate_suspended"
    title = "The certificate may not be used any more"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class SignatureOwnerDiffers(Problem):
    """The certificate is not bound to the participant who acts."""

    code = "signature_owner_differs"
    title = "The certificate belongs to somebody else"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class PowerOfAttorneyRequired(Problem):
    """A person's certificate signs for a legal entity, and no power of attorney (МЧД) was shown. 63-FZ art. 17.2."""

    code = "power_of_attorney_required"
    title = "A machine-readable power of attorney is needed"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class PowerOfAttorneyInsufficient(Problem):
    """The power of attorney does not cover this act, or was not in force. Facts: `reasons`."""

    code = "power_of_attorney_insufficient"
    title = "The power of attorney does not cover this act"
    retry = Retry.AFTER_CHANGE
    family = Family.FORBIDDEN


class CertificateMustBeReadable(Problem):
    """What was given as a certificate is none."""

    code = "certificate_must_be_readable"
    title = "The certificate cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


_BY_CODE: Final[dict[Code, type[Problem]]] = {
    Code.CONTENT_DIFFERS: SignedTextDiffers,
    Code.CERTIFICATE_REVOKED: SignatureCertificateRevoked,
    Code.CERTIFICATE_EXPIRED: SignatureCertificateExpired,
    Code.CERTIFICATE_NOT_YET_VALID: SignatureCertificateExpired,
    Code.OWNER_DIFFERS: SignatureOwnerDiffers,
    Code.OWNER_IDENTIFIER_MISSING: SignatureOwnerDiffers,
}


def problem_of_reasons(reasons: tuple[Reason, ...]) -> Problem:
    """The refusal of an INVALID outcome: by its first reason that has a code of its own."""
    bad = [reason.code for reason in reasons if reason.outcome is Outcome.INVALID]
    facts = {"reasons": ",".join(bad)}
    for code in bad:
        if code in _BY_CODE:
            return _BY_CODE[code](facts=facts)
    if any(code.startswith("poa_") for code in bad):
        return PowerOfAttorneyInsufficient(facts=facts)
    return SignatureNotValid(facts=facts)
