"""The payoff and early redemption as people read them; a part of `human_text`."""

from collections.abc import Iterator
from typing import Final

from msgspec import UnsetType

from kapital.kernel.money import format_rubles
from kapital.tokenization.domain.early_options import AnyOption, BuybackOffer, CallOption, PutOption
from kapital.tokenization.domain.human_words import (
    bullets,
    business_days,
    comma,
    day_text,
    escaped,
    one_line,
    paragraphs,
    percent,
    units_text,
)
from kapital.tokenization.domain.series_catalogue import SERIES
from kapital.tokenization.domain.terms import (
    Accruing,
    Amortising,
    AutoConvert,
    Basket,
    BasketRule,
    DayCount,
    Discount,
    Event,
    FixedRate,
    Floating,
    Indexed,
    IssuanceTerms,
    Observation,
    Step,
)

DAY_COUNTS: Final = {
    DayCount.ACT_365F: "фактическое число дней / 365",
    DayCount.ACT_ACT_ISDA: "фактическое число дней / фактическое число дней в году (ISDA)",
    DayCount.THIRTY_360: "30/360",
}
_FALLBACKS: Final = {
    "previous_published": "последнее опубликованное до этого дня значение",
    "next_published": "первое опубликованное после этого дня значение",
    "substitute_source": "значение замещающего источника",
}


_EARLY: Final = {
    "nobody": "не предусмотрено",
    "issuer": "по решению эмитента",
    "holder": "по требованию обладателя",
    "both": "по решению эмитента и по требованию обладателя",
}
_BASKET_RULES: Final = {
    BasketRule.WEIGHTED: "сумма изменений составляющих, взятых с весами",
    BasketRule.WORST_OF: "наименьшее из изменений составляющих",
    BasketRule.BEST_OF: "наибольшее из изменений составляющих",
}


def payoff_text(terms: IssuanceTerms) -> Iterator[str]:
    """What a unit pays, when, and by which outside values."""
    match terms.payoff:
        case FixedRate() as payoff:
            yield f"Ставка {percent(payoff.rate)} годовых на номинал. {_accrual(payoff)}"
            yield "Дни выплат:"
            yield bullets(*map(day_text, payoff.coupon_dates))
        case Step() as payoff:
            yield f"Ставка своя для каждого периода. {_accrual(payoff)}"
            yield bullets(*(f"{day_text(item.on)}: {percent(item.rate)} годовых" for item in payoff.coupons))
        case Floating() as payoff:
            yield from _floating(payoff)
        case Amortising() as payoff:
            yield (
                f"Ставка {percent(payoff.rate)} годовых на непогашенную часть номинала. {_accrual(payoff)} "
                "Номинал погашается частями:"
            )
            yield bullets(
                *(f"{day_text(part.on)}: {format_rubles(part.principal_kopecks, 'ru')}" for part in payoff.parts)
            )
        case Discount() as payoff:
            price = format_rubles(payoff.redemption_kopecks, "ru")
            yield f"Процентов нет. Один ЦФА погашается по цене {price}."
        case Indexed() as payoff:
            yield from _indexed(payoff)
        case Event() as payoff:
            yield from _event(payoff)
        case Basket() as payoff:
            yield from _basket(payoff)
        case AutoConvert() as payoff:  # pragma: no branch (mypy: nothing is left)
            yield from _auto_convert(payoff)


def _floating(payoff: Floating) -> Iterator[str]:
    bounds = _bounds(payoff.floor, payoff.cap)
    yield (
        f"Доход начисляется ежедневно по ставке {escaped(payoff.observation.series)} плюс "
        f"{percent(payoff.spread)} годовых{bounds}; купон не бывает меньше нуля. {_accrual(payoff)} Для каждого "
        "дня берётся значение последнего рабочего дня не позже него, сдвинутое назад на "
        f"{business_days(payoff.lag_business_days)}."
    )
    yield "Дни выплат:"
    yield bullets(*map(day_text, payoff.coupon_dates))
    yield from _observation(payoff.observation)


def _indexed(payoff: Indexed) -> Iterator[str]:
    initial = "" if payoff.initial_value is None else f" (значение {comma(payoff.initial_value)})"
    yield (
        f"Один ЦФА погашается по цене номинал × (1 + r), где r = {comma(payoff.participation)} × "
        f"(конечное значение / начальное значение − 1){_bounds(payoff.floor, payoff.cap)}."
    )
    yield bullets(
        f"Начальное значение: {day_text(payoff.initial_on)}{initial}",
        f"Конечное значение: {day_text(payoff.final_on)}",
    )
    yield from _observation(payoff.observation)


def _event(payoff: Event) -> Iterator[str]:
    yield from paragraphs(payoff.description)
    yield "Выплата на один ЦФА по исходам:"
    yield bullets(
        *(
            f"{escaped(item.code)} – {format_rubles(item.amount_kopecks, 'ru')}: {one_line(item.description)}"
            for item in payoff.outcomes
        )
    )
    yield bullets(
        f"Источник: {escaped(payoff.source_name)}, {escaped(payoff.source_url)}",
        f"Исход определяется не позже {day_text(payoff.determined_by_on)}",
        f"Если исход не определён: {escaped(payoff.fallback_outcome)}",
        *(
            [f"Срок, чтобы оспорить подтверждённый исход: {business_days(payoff.dispute_business_days)}"]
            if payoff.dispute_business_days
            else []
        ),
    )
    yield from paragraphs(payoff.confirmation_text)


def _basket(payoff: Basket) -> Iterator[str]:
    yield (
        f"Один ЦФА погашается по цене номинал × (1 + r), где r = {comma(payoff.participation)} × изменение "
        f"корзины{_bounds(payoff.floor, payoff.cap)}. Изменение составляющей – конечное значение / начальное "
        f"значение − 1; изменение корзины – {_BASKET_RULES[payoff.rule]}."
    )
    yield bullets(
        f"Начальные значения: {day_text(payoff.initial_on)}", f"Конечные значения: {day_text(payoff.final_on)}"
    )
    for component in payoff.components:
        weight = "" if component.weight is None else f", вес {comma(component.weight)}"
        initial = "" if component.initial_value is None else f", начальное значение {comma(component.initial_value)}"
        yield f"Составляющая {escaped(component.observation.series)}{weight}{initial}:"
        yield from _observation(component.observation)


def _auto_convert(payoff: AutoConvert) -> Iterator[str]:
    initial = "" if payoff.initial_value is None else f" (значение {comma(payoff.initial_value)})"
    yield f"Ставка {percent(payoff.rate)} годовых на номинал. {_accrual(payoff)}"
    yield "Дни выплат:"
    yield bullets(*map(day_text, payoff.coupon_dates))
    yield (
        f"Один ЦФА погашается по номиналу. Если хотя бы в один из дней наблюдения значение "
        f"{escaped(payoff.observation.series)} ниже барьера – {comma(payoff.barrier)} начального значения, – "
        "требование без чьего-либо решения меняется: один ЦФА погашается по цене номинал × конечное значение / "
        f"начальное значение, но не ниже {comma(payoff.floor)} номинала и не выше номинала."
    )
    yield (
        "Расчёт деньгами, ценные бумаги не передаются."
        if payoff.delivery == "money"
        else "Расчёт передачей ценных бумаг."
    )
    yield bullets(
        f"Начальное значение: {day_text(payoff.initial_on)}{initial}",
        f"Дни наблюдения барьера: {', '.join(map(day_text, payoff.barrier_days))}",
        f"Конечное значение: {day_text(payoff.final_on)}",
    )
    yield from _observation(payoff.observation)


def _observation(observation: Observation) -> Iterator[str]:
    lag = observation.publication_lag_business_days
    yield bullets(
        f"Источник: {escaped(observation.source_name)}, {escaped(observation.source_url)}",
        f"Публикация: {observation.fixing_at} по московскому времени "
        + (f"через {business_days(lag)}" if lag else "того же дня"),
        f"Если значения нет: {_FALLBACKS[observation.fallback]}{_substitute(observation)}",
    )
    yield from paragraphs(observation.fallback_text)


def _substitute(observation: Observation) -> str:
    named = observation.substitute_series
    if isinstance(named, UnsetType):
        return ""
    known = SERIES.get(named)
    return f" ({escaped(named if known is None else known.ru)}, ряд {escaped(named)})"


def _accrual(payoff: Accruing) -> str:
    return f"Начисление с {day_text(payoff.accrual_start_on)}, база – {DAY_COUNTS[payoff.day_count]}."


def _bounds(floor: str | None, cap: str | None) -> str:
    low = "" if floor is None else f", не ниже {percent(floor)}"
    return low if cap is None else f"{low}, не выше {percent(cap)}"


def early_redemption_text(terms: IssuanceTerms) -> Iterator[str]:
    """Whose right early redemption is, with what notice, on which days and at what price."""
    early, options = terms.early_redemption, terms.options
    notice = f", уведомление за {business_days(early.notice_business_days)}" if early.notice_business_days else ""
    yield f"Досрочное погашение {_EARLY[early.right_of]}{notice}."
    if terms.has_options:
        yield "Цена – от непогашенной части номинала; купон этого дня выплачивается отдельно."
        yield bullets(
            *(f"По решению эмитента все ЦФА{_part(option)} {_at(option)}" for option in options.calls),
            *(
                f"По требованию обладателя любое число его ЦФА {_at(option)}{_revocable(option)}"
                for option in options.puts
            ),
            *map(_offer, options.offers),
        )
    yield from paragraphs(early.text)


def _part(option: CallOption) -> str:
    return (
        " или часть их (пропорционально целыми ЦФА, остаток по наибольшим дробным частям)" if option.partial else ""
    )


def _revocable(option: PutOption | BuybackOffer) -> str:
    return "; до конца срока требование или согласие можно отозвать" if option.revocable else ""


def _at(option: AnyOption) -> str:
    return f"{day_text(option.on)} по цене {percent(option.price)}"


def _offer(offer: BuybackOffer) -> str:
    return (
        f"Эмитент обязан выкупить до {units_text(offer.units_max)} ЦФА {_at(offer)} у принявших оферту с "
        f"{day_text(offer.accept_from_on)} по {day_text(offer.accept_to_on)}; если согласий больше – "
        "пропорционально целыми ЦФА, остаток по наибольшим дробным частям. Выкупленные ЦФА погашаются"
        + _revocable(offer)
    )
