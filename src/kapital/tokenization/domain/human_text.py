"""The decision as people read it: Russian Markdown, bound to the hash of the machine form.

Law: 259-FZ art. 3 (sections 1-10 follow the mandatory content), 466-FZ (section 11).
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from kapital.kernel.calendar import MOSCOW, Convention
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.money import format_rubles
from kapital.kernel.problems import ensure
from kapital.tokenization.domain.terms import (
    AllocationRule,
    Amortising,
    DayCount,
    Discount,
    Event,
    FixedRate,
    Floating,
    Indexed,
    IssuanceTerms,
    IssuerKind,
    IssuerSnapshot,
    Observation,
    OperatorSnapshot,
    PaymentMeans,
    RightKind,
    RoundingRule,
    RoundingScope,
    Step,
    WhenFull,
    decimal,
    decision_bytes,
)

# What Markdown or HTML could read as a sign, so that a text of the issuer cannot pose as a heading, a link or a
# script of the decision; some signs only count at the start of a line.
_SIGNS: Final = re.compile(r"[\\`*_{}\[\]<>#|~&]")
_LINE_START: Final = re.compile(r"^([-+=]|[0-9]{1,9}(?=[.)]))")
_ENTITIES: Final = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_FEW_MAX: Final = 4
_ELEVEN: Final = 11
_BLANK_LINES: Final = re.compile(r"\n\s*\n")

_RIGHTS: Final = {
    RightKind.MONEY_CLAIM: "денежные требования",
    RightKind.SECURITY_RIGHTS: "возможность осуществления прав по эмиссионным ценным бумагам",
    RightKind.NPJSC_EQUITY: "права участия в капитале непубличного акционерного общества",
    RightKind.SECURITY_DELIVERY_CLAIM: "право требовать передачи эмиссионных ценных бумаг",
}
_DAY_COUNTS: Final = {
    DayCount.ACT_365F: "фактическое число дней / 365",
    DayCount.ACT_ACT_ISDA: "фактическое число дней / фактическое число дней в году (ISDA)",
    DayCount.THIRTY_360: "30/360",
}
_CONVENTIONS: Final = {
    Convention.NONE: "день выплаты не переносится",
    Convention.FOLLOWING: "выплата переносится на следующий рабочий день",
    Convention.MODIFIED_FOLLOWING: (
        "выплата переносится на следующий рабочий день, а если он в другом месяце – на предыдущий"
    ),
    Convention.PRECEDING: "выплата переносится на предыдущий рабочий день",
}
_ROUNDINGS: Final = {
    RoundingRule.HALF_UP: "до копейки, половина копейки – вверх",
    RoundingRule.HALF_EVEN: "до копейки, половина копейки – к чётной",
    RoundingRule.DOWN: "до копейки вниз",
    RoundingRule.UP: "до копейки вверх",
}
_SCOPES: Final = {
    RoundingScope.PER_UNIT: "округляется выплата на одну единицу",
    RoundingScope.PER_HOLDER: "округляется сумма одного обладателя",
}
_MEANS: Final = {PaymentMeans.RUB_MONEY: "деньги в рублях", PaymentMeans.DIGITAL_RIGHTS: "цифровые права"}
_WHEN_FULL: Final = {
    WhenFull.SUSPEND: (
        "когда количество в действующих заявках достигает количества выпуска, приём новых заявок "
        "приостанавливается и возобновляется при отзыве заявки"
    ),
    WhenFull.ACCEPT: "заявки принимаются и сверх количества выпуска",
}
_ALLOCATIONS: Final = {
    AllocationRule.TIME_PRIORITY: ("в порядке времени принятия заявок; последняя удовлетворяется в пределах остатка"),
    AllocationRule.PRO_RATA: (
        "пропорционально заявкам целыми лотами; остаток – по наибольшим дробным частям, при равенстве – "
        "более ранней заявке"
    ),
}
_COLLATERAL: Final = {
    "pledge": "Залог",
    "surety": "Поручительство",
    "mortgage": "Ипотека",
    "independent_guarantee": "Независимая гарантия",
}
_TRANSFERS: Final = {
    "free": "свободное",
    "eligible_only": "только лицам, которые вправе приобретать эти ЦФА",
    "issuer_consent": "с согласия эмитента",
    "forbidden": "не допускается",
}
_EARLY: Final = {
    "nobody": "не предусмотрено",
    "issuer": "по решению эмитента",
    "holder": "по требованию обладателя",
    "both": "по решению эмитента и по требованию обладателя",
}
_FALLBACKS: Final = {
    "previous_published": "последнее опубликованное до этого дня значение",
    "next_published": "первое опубликованное после этого дня значение",
    "substitute_source": "значение замещающего источника",
}


def render(terms: IssuanceTerms, *, decision_sha256: str) -> str:
    """Render every section of the decision as Markdown; texts of the issuer are escaped.

    Promise: the hash named in the text is that of `decision_bytes(terms)`; another is our own fault.
    """
    ensure(sha256_hex(decision_bytes(terms)) == decision_sha256, "the text is bound to the hash of its terms")
    head = [
        "# Решение о выпуске цифровых финансовых активов",
        f"**{_escaped(terms.title)}** ({_escaped(terms.code)})",
        f"Этот текст составлен по машинной форме решения (JSON по RFC 8785). Её SHA-256: `{decision_sha256}`",
    ]
    sections = [
        ("Эмитент", _issuer(terms.issuer)),
        ("Оператор информационной системы", _operator(terms.operator)),
        ("Вид и объём прав", _rights(terms)),
        ("Количество", _quantity(terms)),
        ("Цена приобретения", _price(terms)),
        ("Размещение", _placement(terms)),
        ("Оплата", _payment(terms)),
        ("Исполнение сделок смарт-контрактом", _smart_contract(terms)),
        ("Обеспечение", _collateral(terms)),
        ("Ответственность эмитента и ограничения", _limits(terms)),
        ("Долговые ЦФА", _debt(terms)),
        ("Выплаты", _payments(terms)),
        ("Погашение", _redemption(terms)),
        ("Досрочное погашение", _early_redemption(terms)),
        ("Неисполнение обязательств", _default(terms)),
        ("Споры", _dispute(terms)),
        ("Раскрытие информации", _paragraphs(terms.information_text)),
    ]
    for number, (title, body) in enumerate(sections, start=1):
        head += [f"## {number}. {title}", *body]
    return "\n\n".join(head) + "\n"


def _issuer(issuer: IssuerSnapshot) -> Iterator[str]:
    number = "ОГРН" if issuer.kind is IssuerKind.LEGAL_ENTITY else "ОГРНИП"
    yield _requisites(issuer, number)
    if issuer.beneficial_owners is not None:
        yield "Бенефициарные владельцы:"
        yield from _paragraphs(issuer.beneficial_owners)


def _operator(operator: OperatorSnapshot) -> Iterator[str]:
    yield _requisites(operator, "ОГРН")


def _requisites(party: IssuerSnapshot | OperatorSnapshot, number: str) -> str:
    return _list(
        _escaped(party.name),
        f"{number} {party.ogrn}, ИНН {party.inn}",
        f"Адрес: {_escaped(party.address)}",
        f"Сайт: {_escaped(party.site)}",
    )


def _rights(terms: IssuanceTerms) -> Iterator[str]:
    kind = _RIGHTS[terms.right_kind]
    yield f"ЦФА удостоверяют {kind}{' и утилитарные цифровые права' if terms.is_hybrid else ''}."
    yield from _paragraphs(terms.legal_text)


def _quantity(terms: IssuanceTerms) -> Iterator[str]:
    yield _list(
        f"Количество ЦФА: {_number(terms.quantity_max)}",
        f"Одна заявка: от {_number(terms.min_order_units)} до {_number(terms.max_order_units)}, "
        f"кратно {_number(terms.lot)}",
    )


def _price(terms: IssuanceTerms) -> Iterator[str]:
    volume = format_rubles(terms.quantity_max * terms.price_kopecks, "ru")
    yield f"Один ЦФА: {format_rubles(terms.price_kopecks, 'ru')} (номинал). Весь выпуск: {volume}."


def _placement(terms: IssuanceTerms) -> Iterator[str]:
    revocable = "можно отозвать до окончания размещения" if terms.orders_revocable else "нельзя отозвать"
    yield _list(
        f"Начало: {_moscow(terms.placement_start_at)}",
        f"Окончание: {_moscow(terms.placement_end_at)}",
        f"Выпуск состоялся, если подано заявок не менее чем на {_number(terms.quantity_min)} ЦФА; иначе "
        "выпуск не состоялся и деньги возвращаются "
        f"{_within_days(terms.failed_refund_business_days)}",
        f"Заявку {revocable}",
        f"Приём заявок: {_WHEN_FULL[terms.when_full]}",
        f"Удовлетворение заявок: {_ALLOCATIONS[terms.allocation]}",
    )


def _payment(terms: IssuanceTerms) -> Iterator[str]:
    yield f"Средства оплаты: {', '.join(_MEANS[means] for means in terms.payment_means) or 'не указаны'}."
    yield from _paragraphs(terms.payment_text)


def _smart_contract(terms: IssuanceTerms) -> Iterator[str]:
    clause = terms.smart_contract_clause
    yield "Применяется." if clause.used else "Не применяется."
    if clause.text is not None:
        yield from _paragraphs(clause.text)
    if clause.code_sha256 is not None and clause.code_version is not None:
        yield f"Код: версия {_escaped(clause.code_version)}, SHA-256 `{clause.code_sha256}`"


def _collateral(terms: IssuanceTerms) -> Iterator[str]:
    if not terms.collateral:
        yield "Обеспечения нет."
    for security in terms.collateral:
        yield f"{_COLLATERAL[security.kind]}: {_escaped(security.provider)}"
        yield from _paragraphs(security.description)


def _limits(terms: IssuanceTerms) -> Iterator[str]:
    yield from _paragraphs(terms.liability_text)
    circle = terms.eligibility
    who = [
        name
        for name, allowed in (
            ("физические лица", circle.natural_persons),
            ("индивидуальные предприниматели", circle.sole_proprietors),
            ("юридические лица", circle.legal_entities),
        )
        if allowed
    ]
    qualified = ", только квалифицированные инвесторы" if circle.qualified_only else ""
    yield f"Вправе приобретать: {', '.join(who) or 'никто'}{qualified}."
    yield from _paragraphs(circle.text)
    yield f"Обращение: {_TRANSFERS[terms.transfer_policy.kind]}."
    yield from _paragraphs(terms.transfer_policy.text)


def _debt(terms: IssuanceTerms) -> Iterator[str]:
    yield "ЦФА являются долговыми." if terms.is_debt else "ЦФА не являются долговыми."
    if terms.debt is not None:
        for text in (
            terms.debt.is_debt_text,
            terms.debt.obligations_unchangeable_text,
            terms.debt.extinguished_if_issuer_holds_text,
            terms.debt.uniform_terms_text,
            terms.debt.performance_text,
            terms.debt.payment_determination_text,
        ):
            yield from _paragraphs(text)
        paid = "только после полной оплаты" if terms.debt.full_payment_before_issue else "до полной оплаты"
        yield f"ЦФА выпускаются {paid}."


def _payments(terms: IssuanceTerms) -> Iterator[str]:
    yield from _payoff(terms)
    rules = terms.payments
    before = rules.record_business_days_before
    yield _list(
        f"Нерабочий день: {_CONVENTIONS[rules.business_day_rule]}; период начисления не меняется",
        f"Округление: {_ROUNDINGS[rules.rounding]}; {_SCOPES[rules.rounding_scope]}",
        f"Список обладателей: {rules.record_at} по московскому времени "
        + (f"за {_days(before)} до дня выплаты" if before else "дня выплаты"),
    )


def _payoff(terms: IssuanceTerms) -> Iterator[str]:
    match terms.payoff:
        case FixedRate() as payoff:
            yield f"Ставка {_percent(payoff.rate)} годовых на номинал. {_accrual(payoff)}"
            yield "Дни выплат:"
            yield _list(*map(_day, payoff.coupon_dates))
        case Step() as payoff:
            yield f"Ставка своя для каждого периода. {_accrual(payoff)}"
            yield _list(*(f"{_day(item.on)}: {_percent(item.rate)} годовых" for item in payoff.coupons))
        case Floating() as payoff:
            yield from _floating(payoff)
        case Amortising() as payoff:
            yield (
                f"Ставка {_percent(payoff.rate)} годовых на непогашенную часть номинала. {_accrual(payoff)} "
                "Номинал погашается частями:"
            )
            yield _list(*(f"{_day(part.on)}: {format_rubles(part.principal_kopecks, 'ru')}" for part in payoff.parts))
        case Discount() as payoff:
            price = format_rubles(payoff.redemption_kopecks, "ru")
            yield f"Процентов нет. Один ЦФА погашается по цене {price}."
        case Indexed() as payoff:
            yield from _indexed(payoff)
        case Event() as payoff:  # pragma: no branch (mypy: nothing is left)
            yield from _event(payoff)


def _floating(payoff: Floating) -> Iterator[str]:
    bounds = _bounds(payoff.floor, payoff.cap)
    yield (
        f"Доход начисляется ежедневно по ставке {_escaped(payoff.observation.series)} плюс "
        f"{_percent(payoff.spread)} годовых{bounds}; купон не бывает меньше нуля. {_accrual(payoff)} Для каждого "
        "дня берётся значение последнего рабочего дня не позже него, сдвинутое назад на "
        f"{_days(payoff.lag_business_days)}."
    )
    yield "Дни выплат:"
    yield _list(*map(_day, payoff.coupon_dates))
    yield from _observation(payoff.observation)


def _indexed(payoff: Indexed) -> Iterator[str]:
    initial = "" if payoff.initial_value is None else f" (значение {_comma(payoff.initial_value)})"
    yield (
        f"Один ЦФА погашается по цене номинал × (1 + r), где r = {_comma(payoff.participation)} × "
        f"(конечное значение / начальное значение − 1){_bounds(payoff.floor, payoff.cap)}."
    )
    yield _list(
        f"Начальное значение: {_day(payoff.initial_on)}{initial}", f"Конечное значение: {_day(payoff.final_on)}"
    )
    yield from _observation(payoff.observation)


def _event(payoff: Event) -> Iterator[str]:
    yield from _paragraphs(payoff.description)
    yield "Выплата на один ЦФА по исходам:"
    yield _list(
        *(
            f"{_escaped(item.code)} – {format_rubles(item.amount_kopecks, 'ru')}: {_one_line(item.description)}"
            for item in payoff.outcomes
        )
    )
    yield _list(
        f"Источник: {_escaped(payoff.source_name)}, {_escaped(payoff.source_url)}",
        f"Исход определяется не позже {_day(payoff.determined_by_on)}",
        f"Если исход не определён: {_escaped(payoff.fallback_outcome)}",
    )
    yield from _paragraphs(payoff.confirmation_text)


def _observation(observation: Observation) -> Iterator[str]:
    lag = observation.publication_lag_business_days
    yield _list(
        f"Источник: {_escaped(observation.source_name)}, {_escaped(observation.source_url)}",
        f"Публикация: {observation.fixing_at} по московскому времени "
        + (f"через {_days(lag)}" if lag else "того же дня"),
        f"Если значения нет: {_FALLBACKS[observation.fallback]}",
    )
    yield from _paragraphs(observation.fallback_text)


def _redemption(terms: IssuanceTerms) -> Iterator[str]:
    redemption = terms.redemption
    yield f"Погашение с {_day(redemption.on)} {_within_days(redemption.window_days)}."
    if redemption.transfer_lock:
        yield (
            "С 00:00 по московскому времени первого дня этого срока обладатель не вправе распоряжаться ЦФА, "
            "передавать их в залог и обременять; выплата – обладателю на этот момент."
        )
    yield from _paragraphs(redemption.text)


def _early_redemption(terms: IssuanceTerms) -> Iterator[str]:
    early = terms.early_redemption
    notice = f", уведомление за {_days(early.notice_business_days)}" if early.notice_business_days else ""
    yield f"Досрочное погашение {_EARLY[early.right_of]}{notice}."
    yield from _paragraphs(early.text)


def _default(terms: IssuanceTerms) -> Iterator[str]:
    days = _days(terms.default.grace_business_days)
    yield f"Просрочка на {days} и меньше – технический дефолт, дольше – дефолт."
    yield from _paragraphs(terms.default.text)


def _dispute(terms: IssuanceTerms) -> Iterator[str]:
    yield f"Суд: {_escaped(terms.dispute.forum)}."
    yield from _paragraphs(terms.dispute.text)


def _accrual(payoff: FixedRate | Step | Floating | Amortising) -> str:
    return f"Начисление с {_day(payoff.accrual_start_on)}, база – {_DAY_COUNTS[payoff.day_count]}."


def _bounds(floor: str | None, cap: str | None) -> str:
    low = "" if floor is None else f", не ниже {_percent(floor)}"
    return low if cap is None else f"{low}, не выше {_percent(cap)}"


def _list(*items: str) -> str:
    return "\n".join(f"- {item}" for item in items)


def _paragraphs(text: str) -> list[str]:
    return [_one_line(part) for part in _BLANK_LINES.split(text.strip())]


def _one_line(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    escaped = _SIGNS.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), text)
    return _LINE_START.sub(lambda found: "\\" + found[0] if found[0] in "-+=" else found[0] + "\\", escaped)


def _number(units: int) -> str:
    return f"{units:,}".replace(",", "\u00a0")


def _days(count: int) -> str:
    """The accusative: 1 рабочий день, 2 рабочих дня, 5 рабочих дней."""
    tens, ones = count % 100 // 10, count % 10
    if tens == 1 or ones == 0 or ones > _FEW_MAX:
        return f"{count} рабочих дней"
    return f"{count} рабочий день" if ones == 1 else f"{count} рабочих дня"


def _within_days(count: int) -> str:
    """The genitive after «в течение»; 0 is the same day."""
    if count == 0:
        return "в тот же день"
    singular = count % 10 == 1 and count % 100 != _ELEVEN
    return f"в течение {count} {'рабочего дня' if singular else 'рабочих дней'}"


def _comma(number: str) -> str:
    return number.replace(".", ",")


def _percent(rate: str) -> str:
    return _comma(f"{(decimal(rate) * 100).normalize():f} %")


def _day(on: date) -> str:
    return f"{on:%d.%m.%Y}"


def _moscow(at: datetime) -> str:
    return f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M} по московскому времени"
