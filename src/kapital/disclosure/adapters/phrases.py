"""Fixed phrases of the pages, Russian and English."""

from collections.abc import Callable, Mapping
from typing import Final

from kapital.kernel.money import Language
from kapital.kernel.problems import ensure

_PHRASES: Final[Mapping[str, tuple[str, str]]] = {
    "site": ("Раскрытие информации", "Disclosure"),
    "skip": ("К содержанию", "Skip to content"),
    "language": ("Язык", "Language"),
    "issues": ("Выпуски цифровых финансовых активов", "Issues of digital financial assets"),
    "issues_lead": (
        "Решения о выпуске, документы и ход исполнения. Доступ свободный, до исполнения всех обязательств.",
        "Decisions on issuance, their documents and performance. Free access until all obligations are performed.",
    ),
    "no_issues": ("Опубликованных выпусков пока нет.", "No issue has been published yet."),
    "all_issues": ("Все выпуски", "All issues"),
    "earlier_issues": ("Более ранние выпуски", "Earlier issues"),
    "issue": ("Выпуск", "Issue"),
    "issuer": ("Эмитент", "Issuer"),
    "inn": ("ИНН", "INN"),
    "ogrn": ("ОГРН (ОГРНИП)", "OGRN (OGRNIP)"),
    "state": ("Состояние", "State"),
    "code": ("Код выпуска", "Issue code"),
    "right": ("Вид прав", "Kind of right"),
    "price": ("Цена приобретения одной единицы", "Acquisition price of one unit"),
    "price_short": ("Цена", "Price"),
    "quantity": ("Количество", "Quantity"),
    "quantity_min": ("Минимум, при котором выпуск состоится", "Minimum for the issue to be held"),
    "quantity_max": ("Наибольшее количество", "Greatest quantity"),
    "volume_max": ("Наибольшая сумма размещения", "Greatest sum of the placement"),
    "placement": ("Размещение", "Placement"),
    "placement_start": ("Начало приёма заявок", "Orders taken from"),
    "placement_end": ("Окончание приёма заявок", "Orders taken until"),
    "published": ("Опубликовано", "Published"),
    "terms": ("Основные условия", "Main terms"),
    "terms_note": (
        "Полные условия – в решении о выпуске. При расхождениях действует решение.",
        "The full terms are in the decision on issuance. Where they differ, the decision is right.",
    ),
    "outcome": ("Итог размещения", "Outcome of the placement"),
    "failed_note": (
        "Выпуск не состоялся: заявок меньше минимального количества. Деньги возвращаются всем заявителям полностью.",
        "The issue failed: orders stayed below the minimum. The money is returned to every subscriber in full.",
    ),
    "refunded_note": (
        "Выпуск не состоялся: заявок меньше минимального количества. Деньги возвращены всем заявителям полностью.",
        "The issue failed: orders stayed below the minimum. The money was returned to every subscriber in full.",
    ),
    "trouble_note": (
        "Эмитент не исполнил обязательство в срок. Подробности – в ленте событий и в решении о выпуске.",
        "The issuer did not perform in time. See the history and the decision on issuance.",
    ),
    "delayed_note": (
        "Выплата задержана: в срок она не произведена.",
        "A payout is delayed: it was not made when due.",
    ),
    "file": ("файл", "file"),
    "result": ("Результат", "Result"),
    "orders": ("Рассмотрено", "Considered"),
    "units_credited": ("Размещено единиц", "Units placed"),
    "raised": ("Привлечено", "Raised"),
    "refunded": ("Возвращено заявителям", "Returned to subscribers"),
    "to_be_refunded": ("Подлежит возврату заявителям", "To be returned to subscribers"),
    "records": ("Записи в реестре", "Records in the register"),
    "records_all": ("внесены: ни одна заявка записи не ждёт", "entered: no order waits for its record"),
    "records_some": ("вносятся", "being entered"),
    "payouts": ("Выплаты", "Payouts"),
    "payout_kind": ("Вид", "Kind"),
    "payout_instructed": ("К выплате", "Due"),
    "payout_paid": ("Выплачено", "Paid"),
    "payout_at": ("Дата", "Date"),
    "documents": ("Документы", "Documents"),
    "document": ("Документ", "Document"),
    "size": ("Размер", "Size"),
    "hash": ("SHA-256", "SHA-256"),
    "is_decision": ("решение о выпуске, которое подписано", "the decision on issuance that is signed"),
    "documents_note": (
        "Документы отдаются байт в байт. Чтобы проверить файл, сравните его хэш с указанным здесь:",
        "Documents are given byte for byte. To check a file, compare its hash with this page:",
    ),
    "signatures": ("Подписи решения", "Signatures of the decision"),
    "key": ("Ключ", "Key"),
    "algorithm": ("Алгоритм", "Algorithm"),
    "public_key": ("Открытый ключ", "Public key"),
    "signature": ("Подпись", "Signature"),
    "signatures_note": (
        "Сделаны ключами информационной системы над байтами решения. Это не квалифицированные подписи (УКЭП).",
        "Made with keys of the system over the bytes of the decision. They are not qualified signatures.",
    ),
    "history": ("Лента событий", "History"),
    "machine": ("Эти сведения в формате JSON", "This information as JSON"),
    "moscow": ("Время московское.", "Times are Moscow time."),
    "not_found": ("Такой выпуск не опубликован", "No such issue is published"),
    "not_found_lead": (
        "Проверьте адрес. Решение появляется здесь в момент публикации.",
        "Check the address. A decision appears here the moment it is published.",
    ),
}


def phrases(lang: Language) -> Callable[[str], str]:
    """Return the function from a phrase's name to its text in `lang`."""
    place = 0 if lang == "ru" else 1

    def phrase(name: str) -> str:
        ensure(name in _PHRASES, f"no phrase {name}")
        return _PHRASES[name][place]

    return phrase
