"""What a check of a signature ends with: VALID, INVALID or INDETERMINATE, and the reasons with stable codes.

INVALID: the signature is broken, foreign, or was made without the right to; no further data changes that.
INDETERMINATE: what is at hand decides neither way; the same signature may be VALID with more data.

Law: 63-FZ art. 11 (conditions under which a qualified signature is recognised).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from kapital.kernel.problems import ensure
from kapital.platform.signatures.problems import SignatureIndeterminate, SignatureNotValid


class Outcome(StrEnum):
    """Результат проверки подписи."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


class Code(StrEnum):
    """Reason codes. Never renamed or reused."""

    # Form
    TOO_LARGE = "too_large"
    NOT_A_SIGNATURE = "not_a_signature"
    SIGNERS_NOT_ONE = "signers_not_one"
    PART_NOT_UNDERSTOOD = "part_not_understood"
    ATTRIBUTES_MISSING = "attributes_missing"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    KEY_UNREADABLE = "key_unreadable"
    KEY_TOO_WEAK = "key_too_weak"
    # What was signed, and by whom
    CONTENT_DIFFERS = "content_differs"
    SIGNATURE_WRONG = "signature_wrong"
    SIGNER_CERTIFICATE_MISSING = "signer_certificate_missing"
    CERTIFICATE_SUBSTITUTED = "certificate_substituted"
    # Certificate and chain
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    CHAIN_NOT_TRUSTED = "chain_not_trusted"
    CHAIN_WRONG = "chain_wrong"
    CERTIFICATE_SIGNATURE_WRONG = "certificate_signature_wrong"
    UNKNOWN_CRITICAL_EXTENSION = "unknown_critical_extension"
    EMBEDDED_CERTIFICATE_UNVERIFIED = "embedded_certificate_unverified"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    KEY_USAGE_WRONG = "key_usage_wrong"
    POLICY_MISSING = "policy_missing"
    OWNER_IDENTIFIER_MISSING = "owner_identifier_missing"
    OWNER_DIFFERS = "owner_differs"
    # Revocation
    CERTIFICATE_REVOKED = "certificate_revoked"
    REVOCATION_MISSING = "revocation_missing"
    REVOCATION_STALE = "revocation_stale"
    REVOCATION_FROM_FUTURE = "revocation_from_future"
    REVOCATION_FOREIGN = "revocation_foreign"
    REVOCATION_UNREADABLE = "revocation_unreadable"
    RESPONDER_NOT_AUTHORISED = "responder_not_authorised"
    STATUS_UNKNOWN = "status_unknown"
    # Time
    TIME_STAMP_MISSING = "time_stamp_missing"
    TIME_STAMP_WRONG = "time_stamp_wrong"
    TIME_STAMP_UNTRUSTED = "time_stamp_untrusted"
    TIME_STAMP_AFTER_CHECK = "time_stamp_after_check"
    CLAIMED_TIME_AFTER_TRUSTED = "claimed_time_after_trusted"
    # Power of attorney
    POA_SIGNATURE_WRONG = "poa_signature_wrong"
    POA_SIGNATURE_INDETERMINATE = "poa_signature_indeterminate"
    POA_NOT_IN_FORCE = "poa_not_in_force"
    POA_REVOKED = "poa_revoked"
    POA_STATUS_MISSING = "poa_status_missing"
    POA_STATUS_STALE = "poa_status_stale"
    POA_PRINCIPAL_DIFFERS = "poa_principal_differs"
    POA_REPRESENTATIVE_DIFFERS = "poa_representative_differs"
    POA_POWER_MISSING = "poa_power_missing"
    POA_DELEGATED = "poa_delegated"
    POA_JOINT = "poa_joint"


_BAD: Final = Outcome.INVALID
_OPEN: Final = Outcome.INDETERMINATE

WORDS: Final[dict[Code, tuple[Outcome, str, str]]] = {
    Code.TOO_LARGE: (_BAD, "a file is larger than allowed", "файл больше допустимого"),
    Code.NOT_A_SIGNATURE: (_BAD, "not a CMS signature in DER", "это не подпись CMS в форме DER"),
    Code.SIGNERS_NOT_ONE: (
        _BAD,
        "the file must hold exactly one signer",
        "в файле должен быть ровно один подписавший",
    ),
    Code.PART_NOT_UNDERSTOOD: (
        _OPEN,
        "the file holds a part that this check cannot judge",
        "в файле есть часть, которую эта проверка не умеет оценить",
    ),
    Code.ATTRIBUTES_MISSING: (
        _BAD,
        "signed attributes of CAdES are missing or doubled",
        "обязательных подписанных атрибутов CAdES нет или они повторены",
    ),
    Code.ALGORITHM_NOT_ALLOWED: (_BAD, "an algorithm is not allowed", "алгоритм не допускается"),
    Code.KEY_UNREADABLE: (_BAD, "the public key cannot be read", "открытый ключ не читается"),
    Code.KEY_TOO_WEAK: (_BAD, "the key is too weak", "ключ слишком слабый"),
    Code.CONTENT_DIFFERS: (_BAD, "another document was signed", "подписан другой документ"),
    Code.SIGNATURE_WRONG: (_BAD, "the signature is not of this key", "подпись сделана не этим ключом"),
    Code.SIGNER_CERTIFICATE_MISSING: (_OPEN, "the signer's certificate is missing", "нет сертификата подписавшего"),
    Code.CERTIFICATE_SUBSTITUTED: (
        _BAD,
        "the signature is bound to another certificate",
        "подпись привязана к другому сертификату",
    ),
    Code.CERTIFICATE_UNREADABLE: (_BAD, "a certificate cannot be read", "сертификат не читается"),
    Code.CHAIN_NOT_TRUSTED: (
        _OPEN,
        "the chain does not lead to a trusted root",
        "цепочка не ведёт к доверенному корневому сертификату",
    ),
    Code.CHAIN_WRONG: (_BAD, "the chain breaks a rule of RFC 5280", "цепочка нарушает правило RFC 5280"),
    Code.CERTIFICATE_SIGNATURE_WRONG: (
        _BAD,
        "a certificate is not signed by its issuer",
        "сертификат подписан не его издателем",
    ),
    Code.UNKNOWN_CRITICAL_EXTENSION: (
        _BAD,
        "a certificate has an unknown critical extension",
        "в сертификате неизвестное критическое расширение",
    ),
    Code.EMBEDDED_CERTIFICATE_UNVERIFIED: (
        _BAD,
        "the file holds a certificate that no trusted root vouches for",
        "в файле есть сертификат, за который не ручается доверенный корень",
    ),
    Code.CERTIFICATE_EXPIRED: (_BAD, "a certificate had expired", "срок действия сертификата истёк"),
    Code.CERTIFICATE_NOT_YET_VALID: (_BAD, "a certificate was not yet valid", "сертификат ещё не действовал"),
    Code.KEY_USAGE_WRONG: (
        _BAD,
        "the certificate is not for this use",
        "сертификат предназначен для другого использования",
    ),
    Code.POLICY_MISSING: (
        _BAD,
        "the certificate does not name a required policy",
        "в сертификате нет требуемой политики применения",
    ),
    Code.OWNER_IDENTIFIER_MISSING: (
        _BAD,
        "the certificate does not name the owner's number",
        "в сертификате нет номера владельца",
    ),
    Code.OWNER_DIFFERS: (_BAD, "the certificate is another owner's", "владелец сертификата – другое лицо"),
    Code.CERTIFICATE_REVOKED: (_BAD, "a certificate had been revoked", "сертификат был отозван до подписания"),
    Code.REVOCATION_MISSING: (_OPEN, "no revocation data for a certificate", "нет данных об отзыве сертификата"),
    Code.REVOCATION_STALE: (
        _OPEN,
        "revocation data do not cover the time of signing",
        "данные об отзыве не покрывают момент подписания",
    ),
    Code.REVOCATION_FROM_FUTURE: (_OPEN, "revocation data are of the future", "данные об отзыве датированы будущим"),
    Code.REVOCATION_FOREIGN: (
        _OPEN,
        "revocation data are not signed by the right issuer",
        "данные об отзыве подписаны не тем издателем",
    ),
    Code.REVOCATION_UNREADABLE: (
        _OPEN,
        "revocation data cannot be read or judged",
        "данные об отзыве не читаются или не поддаются оценке",
    ),
    Code.RESPONDER_NOT_AUTHORISED: (
        _OPEN,
        "the OCSP responder has no authority from the issuer",
        "у службы OCSP нет полномочий от издателя",
    ),
    Code.STATUS_UNKNOWN: (
        _OPEN,
        "the OCSP responder does not know the certificate",
        "служба OCSP не знает этот сертификат",
    ),
    Code.TIME_STAMP_MISSING: (_OPEN, "a time-stamp is required and missing", "требуется штамп времени, его нет"),
    Code.TIME_STAMP_WRONG: (_BAD, "the time-stamp does not hold", "штамп времени неверен"),
    Code.TIME_STAMP_UNTRUSTED: (
        _OPEN,
        "the time-stamping authority cannot be confirmed",
        "служба штампов времени не подтверждена",
    ),
    Code.TIME_STAMP_AFTER_CHECK: (_BAD, "the time-stamp is of the future", "штамп времени датирован будущим"),
    Code.CLAIMED_TIME_AFTER_TRUSTED: (
        _BAD,
        "the signer claims a time after the trusted one",
        "заявленное время подписи позже доверенного",
    ),
    Code.POA_SIGNATURE_WRONG: (
        _BAD,
        "the signature under the power of attorney does not hold",
        "подпись под доверенностью неверна",
    ),
    Code.POA_SIGNATURE_INDETERMINATE: (
        _OPEN,
        "the signature under the power of attorney cannot be confirmed",
        "подпись под доверенностью не подтверждена",
    ),
    Code.POA_NOT_IN_FORCE: (
        _BAD,
        "the power of attorney was not in force",
        "доверенность не действовала в момент подписания",
    ),
    Code.POA_REVOKED: (_BAD, "the power of attorney had been revoked", "доверенность была отменена до подписания"),
    Code.POA_STATUS_MISSING: (
        _OPEN,
        "the status of the power of attorney is not known",
        "статус доверенности неизвестен",
    ),
    Code.POA_STATUS_STALE: (
        _OPEN,
        "the known status of the power of attorney is too old",
        "сведения о статусе доверенности устарели",
    ),
    Code.POA_PRINCIPAL_DIFFERS: (
        _BAD,
        "the power of attorney is of another principal",
        "доверенность выдана другим доверителем",
    ),
    Code.POA_REPRESENTATIVE_DIFFERS: (
        _BAD,
        "the signer is not the representative",
        "подписавший – не представитель по доверенности",
    ),
    Code.POA_POWER_MISSING: (
        _BAD,
        "the power of attorney does not cover this act",
        "доверенность не даёт полномочия на это действие",
    ),
    Code.POA_DELEGATED: (
        _OPEN,
        "a delegated power of attorney needs the original one",
        "доверенность выдана в порядке передоверия: нужна первоначальная",
    ),
    Code.POA_JOINT: (
        _OPEN,
        "the powers are to be used jointly with others",
        "полномочия осуществляются совместно с другими представителями",
    ),
}
ensure(set(WORDS) == set(Code), "each reason has its words")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `about` names the thing – a certificate's serial number, a field –, never a person."""

    code: Code
    about: str = ""

    @property
    def outcome(self) -> Outcome:
        """What this reason alone leads to."""
        return WORDS[self.code][0]

    def told(self, language: str = "en") -> str:
        """The reason in words, English or Russian (`ru`)."""
        words = WORDS[self.code][2 if language == "ru" else 1]
        return f"{words} ({self.about})" if self.about else words


def outcome_of(reasons: tuple[Reason, ...]) -> Outcome:
    """INVALID outweighs INDETERMINATE; without a reason it is VALID."""
    found = {reason.outcome for reason in reasons}
    return next((o for o in (Outcome.INVALID, Outcome.INDETERMINATE) if o in found), Outcome.VALID)


class TimeBasis(StrEnum):
    """Where the trusted signing time comes from."""

    TIME_STAMP = "time_stamp"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCheck:
    """The whole outcome. Personal data: `subject` and `owner` are the signer's; keep them out of logs and ledger.

    `signed_at` is the trusted time at which everything was judged; `claimed_at` is the signer's own word.
    `revoked_later_at`: the signer's certificate was revoked after `signed_at`. The signature stays valid; whether the
    act is looked at again before it is carried out is a rule of the service.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    signed_at: datetime
    time_basis: TimeBasis
    claimed_at: datetime | None = None
    algorithm: str = ""
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    owner: dict[str, str] = field(default_factory=dict)
    revoked_later_at: datetime | None = None
    certificates: tuple[bytes, ...] = ()
    revocation_data: tuple[bytes, ...] = ()

    def require_valid(self) -> None:
        """Do nothing if VALID. Raises: SignatureNotValid, SignatureIndeterminate."""
        if self.outcome is Outcome.VALID:
            return
        refusal = SignatureNotValid if self.outcome is Outcome.INVALID else SignatureIndeterminate
        words = "; ".join(WORDS[reason.code][1] for reason in self.reasons)
        raise refusal(words, {"reasons": ",".join(reason.code for reason in self.reasons)})
