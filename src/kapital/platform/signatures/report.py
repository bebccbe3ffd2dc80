"""A check told to a person, and to a program."""

from typing import Any

from kapital.platform.signatures.outcome import Outcome, SignatureCheck, TimeBasis

_VERDICT = {
    Outcome.VALID: ("the signature is VALID", "подпись ДЕЙСТВИТЕЛЬНА"),
    Outcome.INVALID: ("the signature is INVALID", "подпись НЕДЕЙСТВИТЕЛЬНА"),
    Outcome.INDETERMINATE: ("the signature is INDETERMINATE", "подпись НЕ ПОДТВЕРЖДЕНА: данных не хватает"),
}
_BASIS = {
    TimeBasis.TIME_STAMP: ("by time-stamp", "по штампу времени"),
    TimeBasis.RECEIVED: ("as given, no time-stamp", "как указано, без штампа времени"),
}


def lines(check: SignatureCheck, *, language: str) -> list[str]:
    """The check in words, one fact a line; Russian (`ru`) or English."""
    russian = language == "ru"

    def word(english: str, in_russian: str) -> str:
        return in_russian if russian else english

    told = [word(*_VERDICT[check.outcome])]
    told += [f"  – {reason.told(language)} [{reason.code}]" for reason in check.reasons]
    if check.serial:
        told.append(f"{word('signer', 'подписал')}: {check.subject}")
        told.append(
            f"{word('certificate', 'сертификат')}: {check.serial}, {word('issued by', 'издан')} {check.issuer}"
        )
    told.append(f"{word('time', 'время')}: {check.signed_at.isoformat()} ({word(*_BASIS[check.time_basis])})")
    if check.revoked_later_at is not None:
        told.append(
            f"{word('note: revoked afterwards, at', 'внимание: сертификат отозван позже,')} "
            f"{check.revoked_later_at.isoformat()}"
        )
    return told


def as_json(check: SignatureCheck) -> dict[str, Any]:
    """The check as plain data. Personal data: `subject` and `owner`."""
    return {
        "outcome": check.outcome,
        "reasons": [
            {"code": r.code, "about": r.about, "en": r.told("en"), "ru": r.told("ru")} for r in check.reasons
        ],
        "signed_at": check.signed_at.isoformat(),
        "time_basis": check.time_basis,
        "claimed_at": check.claimed_at.isoformat() if check.claimed_at else None,
        "algorithm": check.algorithm,
        "subject": check.subject,
        "issuer": check.issuer,
        "serial": check.serial,
        "owner": check.owner,
        "revoked_later_at": check.revoked_later_at.isoformat() if check.revoked_later_at else None,
    }
