"""Russian and English words of the pages: names of states and kinds, plural forms, dates, numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from kapital.kernel.calendar import MOSCOW
from kapital.kernel.money import Language

NBSP: Final = "\u00a0"

_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "ru": (
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

# Russian forms for 1, 2, 5; English for 1 and more.
_NOUNS: Final[Mapping[Language, Mapping[str, tuple[str, ...]]]] = {
    "ru": {
        "unit": ("единица", "единицы", "единиц"),
        "order": ("заявка", "заявки", "заявок"),
        "payment": ("выплата", "выплаты", "выплат"),
        "byte": ("байт", "байта", "байт"),
    },
    "en": {
        "unit": ("unit", "units"),
        "order": ("order", "orders"),
        "payment": ("payment", "payments"),
        "byte": ("byte", "bytes"),
    },
}

_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "published": ("Решение опубликовано", "Decision published"),
    "placement_open": ("Идёт размещение", "Placement open"),
    "placement_suspended": ("Приём заявок приостановлен", "New orders suspended"),
    "placement_closed": ("Приём заявок завершён", "Placement closed"),
    "held": ("Выпуск состоялся", "Issue held"),
    "failed": ("Выпуск не состоялся", "Issue failed"),
    "settling": ("Идут расчёты по выпуску", "Settlement under way"),
    "circulating": ("В обращении", "In circulation"),
    "redeeming": ("Идёт погашение", "Redemption under way"),
    "redeemed": ("Погашен", "Redeemed"),
    "technical_default": ("Технический дефолт", "Technical default"),
    "default": ("Дефолт", "Default"),
    "restructured": ("Реструктурирован", "Restructured"),
    "written_off_by_act": ("Списан по акту", "Written off by act"),
    "refunding": ("Выпуск не состоялся, деньги возвращаются", "Issue failed, money being returned"),
    "refunded": ("Выпуск не состоялся, деньги возвращены", "Issue failed, money returned"),
    "cancelled": ("Отменён", "Cancelled"),
}
_RIGHTS: Final[Mapping[str, tuple[str, str]]] = {
    "money_claim": ("Денежное требование", "Money claim"),
    "security_rights": ("Права по эмиссионным ценным бумагам", "Rights under emissive securities"),
    "npjsc_equity": (
        "Участие в капитале непубличного акционерного общества",
        "Participation in the capital of a non-public joint-stock company",
    ),
    "security_delivery_claim": (
        "Право требовать передачи эмиссионных ценных бумаг",
        "Right to demand transfer of emissive securities",
    ),
}
_SIGNERS: Final[Mapping[str, tuple[str, str]]] = {
    "issuer": ("Эмитент", "Issuer"),
    "operator": ("Оператор информационной системы", "Operator of the information system"),
}
_PAYOUTS: Final[Mapping[str, tuple[str, str]]] = {
    "coupon": ("Купон", "Coupon"),
    "amortisation": ("Частичное погашение", "Partial redemption"),
    "redemption": ("Погашение", "Redemption"),
    "call": ("Досрочное погашение по решению эмитента", "Call by the issuer"),
    "put": ("Досрочное погашение по требованию обладателей", "Put by holders"),
    "buyback": ("Выкуп по оферте", "Buyback"),
    "unknown": ("Выплата", "Payout"),
}
_PAYOUT_STATES: Final[Mapping[str, tuple[str, str]]] = {
    "instructed": ("Поручена", "Instructed"),
    "delayed": ("Задержана: в срок не произведена", "Delayed: not made when due"),
    "paid": ("Выплачена", "Paid"),
}
_TIMELINE: Final[Mapping[str, tuple[str, str]]] = {
    "published": ("Решение о выпуске опубликовано", "Decision on issuance published"),
    "action_announced": ("Объявлено: {}", "Announced: {}"),
    "exchange": ("Реструктуризация: обмен на единицы выпуска {}", "Restructuring: exchanged for units of issue {}"),
    "substitute": (
        "Значения {} за {} нет; по решению о выпуске взято {} за {}: {}",
        "There is no value of {} for {}; by the decision that of {} for {} is taken: {}",
    ),
    "payout_instructed": ("Выплата поручена: {}", "Payout instructed: {}"),
    "payout_delayed": ("Выплата задержана: {}", "Payout delayed: {}"),
    "payout_paid": ("Выплата произведена: {}", "Payout made: {}"),
    "payout_overdue": ("Срок выплаты прошёл: {}", "Payout overdue: {}"),
    "payout_defaulted": ("Выплата не произведена и в дни отсрочки: {}", "Payout not made in the days of grace: {}"),
}
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "disputable": ("Исход «{}» подтверждён, его можно оспорить", "Outcome “{}” confirmed and open to dispute"),
    "contested": ("Исход «{}» оспорен", "Outcome “{}” contested"),
    "confirmed": ("Исход «{}» окончателен", "Outcome “{}” is final"),
    "rejected": ("Исход «{}» не подтверждён", "Outcome “{}” rejected"),
    "disputable_by_decision": (
        "Источник исхода не дал; по решению о выпуске взят «{}», его можно оспорить",
        "The source gave no outcome; by the decision it is “{}”, open to dispute",
    ),
    "contested_by_decision": (
        "Исход «{}», взятый по решению о выпуске, оспорен",
        "Outcome “{}”, taken by the decision, contested",
    ),
    "confirmed_by_decision": (
        "Источник исхода не дал; по решению о выпуске взят «{}», он окончателен",
        "The source gave no outcome; by the decision it is “{}”, which is final",
    ),
    "rejected_by_decision": (
        "Исход «{}», взятый по решению о выпуске, не подтверждён",
        "Outcome “{}”, taken by the decision, rejected",
    ),
}
_SETTLED: Final[Mapping[str, tuple[str, str]]] = {
    "held": ("Все заявки исполнены записями в реестре", "Every order has its record in the register"),
    "failed": ("Деньги по всем заявкам возвращены", "The money of every order was returned"),
}


def _named(names: Mapping[str, tuple[str, str]], code: str, lang: Language) -> str:
    # A newer producer may tell a code that has no name here yet: its code is shown rather than nothing.
    return names[code][0 if lang == "ru" else 1] if code in names else code


def state_name(state: str, lang: Language) -> str:
    """Name of a state of an issue."""
    return _named(_STATES, state, lang)


def right_name(right_kind: str, lang: Language) -> str:
    """Name of the kind of right."""
    return _named(_RIGHTS, right_kind, lang)


def signer_name(key_name: str, lang: Language) -> str:
    """Whose key it is, by the names custody gives: `operator`, `issuer/<participant id>`."""
    return _named(_SIGNERS, key_name.split("/", 1)[0], lang)


def payout_name(kind: str, lang: Language) -> str:
    """Name of a kind of payout."""
    return _named(_PAYOUTS, kind, lang)


def payout_state_name(state: str, lang: Language) -> str:
    """Name of the state of a payout."""
    return _named(_PAYOUT_STATES, state, lang)


def timeline_text(kind: str, value: str, lang: Language) -> str:
    """One line of history in words."""
    if kind == "state":
        return state_name(value, lang)
    if kind == "placement_settled":
        return _named(_SETTLED, value, lang)
    if kind == "exchange":
        return _named(_TIMELINE, kind, lang).format(value)
    if kind == "substitute":
        return _named(_TIMELINE, kind, lang).format(*value.split("/"))
    if kind == "outcome":
        state, _, outcome = value.partition("/")
        return _named(_OUTCOMES, state, lang).format(outcome)
    named = payout_name(value, lang)
    return _named(_TIMELINE, kind, lang).format(named if lang == "en" else named[:1].lower() + named[1:])


def count(number: int, lang: Language) -> str:
    """A whole number with its thousands apart: `50 000` (no-break space) or `50,000`."""
    grouped = f"{number:,}"
    return grouped.replace(",", NBSP) if lang == "ru" else grouped


def counted(number: int, noun: str, lang: Language) -> str:
    """A number with its noun in the right form, kept on one line: `21 единица`, `22 единицы`, `25 единиц`."""
    return f"{count(number, lang)}{NBSP}{noun_form(number, noun, lang)}"


def noun_form(number: int, noun: str, lang: Language) -> str:
    """The form of the noun that goes with the number."""
    forms = _NOUNS[lang][noun]
    if lang == "en":
        return forms[0] if number == 1 else forms[1]
    tens, ones = number % 100 // 10, number % 10
    if tens == 1 or ones == 0 or ones >= 5:
        return forms[2]
    return forms[0] if ones == 1 else forms[1]


def moment(at: datetime, lang: Language) -> str:
    """An instant as Moscow reads it, to the minute: `24 ноября 2026, 15:00 МСК`."""
    local = at.astimezone(MOSCOW)
    zone = "МСК" if lang == "ru" else "MSK"
    month = _MONTHS[lang][local.month - 1]
    return f"{local.day}{NBSP}{month}{NBSP}{local.year}, {local:%H:%M}{NBSP}{zone}"
