"""The Russian text of an acceptance of the rule book, made from the command alone, the same for ever."""

from typing import Any, Final

TEXT_VERSION: Final = "kapital.act-text.v1"
"""A change of wording is a new version beside the old one."""


def acceptance_text(version: str, document_sha256: str | None, *, consent: bool) -> str:
    """What the person sees before signing."""
    lines = [
        "Присоединение к правилам информационной системы",
        "",
        f"Редакция правил: {version}",
        f"Хэш документа (SHA-256): {document_sha256 or 'не указан'}",
        "",
        "С этой редакцией правил ознакомлен и принимаю её полностью.",
    ]
    if consent:
        lines.append("Даю согласие на обработку персональных данных.")
    return "\n".join(lines)


def acceptance_command(version: str, document_sha256: str | None, *, consent: bool) -> dict[str, Any]:
    """An acceptance in canonical form."""
    return {"document_sha256": document_sha256, "personal_data_consent": consent, "rule_book_version": version}
