"""The decision as people read it: Russian Markdown, bound to the hash of the machine form.

Law: 259-FZ art. 3 (sections 1-10 follow the mandatory content), 466-FZ (section 11).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import UnsetType

from kapital.kernel.calendar import Convention, moscow_day
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.money import format_rubles
from kapital.kernel.problems import ensure
from kapital.tokenization.domain.human_payoff import DAY_COUNTS, early_redemption_text, payoff_text
from kapital.tokenization.domain.human_words import (
    bullets,
    business_days,
    day_text,
    escaped,
    moscow_text,
    paragraphs,
    percent,
    units_text,
    within_business_days,
)
from kapital.tokenization.domain.terms import (
    AllocationRule,
    IssuanceTerms,
    IssuerKind,
    IssuerSnapshot,
    OperatorSnapshot,
    PaymentMeans,
    QuotedPrice,
    RightKind,
    RoundingRule,
    RoundingScope,
    Underfunded,
    WhenFull,
    decision_bytes,
)

_RIGHTS: Final = {
    RightKind.MONEY_CLAIM: "денежные требования",
    RightKind.SECURITY_RIGHTS: "возможность осуществления прав по эмиссионным ценным бумагам",
    RightKind.NPJSC_EQUITY: "права участия в капитале непубличного акционерного общества",
    RightKind.SECURITY_DELIVERY_CLAIM: "право требовать передачи эмиссионных ценных бумаг",
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


def render(terms: IssuanceTerms, *, decision_sha256: str) -> str:
    """Render every section of the decision as Markdown; texts of the issuer are escaped.

    Promise: the hash named in the text is that of `decision_bytes(terms)`; another is our own fault.
    """
    ensure(sha256_hex(decision_bytes(terms)) == decision_sha256, "the text is bound to the hash of its terms")
    head = [
        "# Решение о выпуске цифровых финансовых активов",
        f"**{escaped(terms.title)}** ({escaped(terms.code)})",
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
        ("Досрочное погашение", early_redemption_text(terms)),
        ("Неисполнение обязательств", _default(terms)),
        ("Споры", _dispute(terms)),
        ("Раскрытие информации", paragraphs(terms.information_text)),
    ]
    for number, (title, body) in enumerate(sections, start=1):
        head += [f"## {number}. {title}", *body]
    return "\n\n".join(head) + "\n"


def _issuer(issuer: IssuerSnapshot) -> Iterator[str]:
    number = "ОГРН" if issuer.kind is IssuerKind.LEGAL_ENTITY else "ОГРНИП"
    yield _requisites(issuer, number)
    if issuer.beneficial_owners is not None:
        yield "Бенефициарные владельцы:"
        yield from paragraphs(issuer.beneficial_owners)


def _operator(operator: OperatorSnapshot) -> Iterator[str]:
    yield _requisites(operator, "ОГРН")


def _requisites(party: IssuerSnapshot | OperatorSnapshot, number: str) -> str:
    return bullets(
        escaped(party.name),
        f"{number} {party.ogrn}, ИНН {party.inn}",
        f"Адрес: {escaped(party.address)}",
        f"Сайт: {escaped(party.site)}",
    )


def _rights(terms: IssuanceTerms) -> Iterator[str]:
    kind = _RIGHTS[terms.right_kind]
    yield f"ЦФА удостоверяют {kind}{' и утилитарные цифровые права' if terms.is_hybrid else ''}."
    yield from paragraphs(terms.legal_text)


def _quantity(terms: IssuanceTerms) -> Iterator[str]:
    yield bullets(
        f"Количество ЦФА: {units_text(terms.quantity_max)}",
        f"Одна заявка: от {units_text(terms.min_order_units)} до {units_text(terms.max_order_units)}, "
        f"кратно {units_text(terms.lot)}",
    )


def _price(terms: IssuanceTerms) -> Iterator[str]:
    if terms.quote is not None:
        yield from _quoted_price(terms, terms.quote)
        return
    volume = format_rubles(terms.quantity_max * terms.price_kopecks, "ru")
    yield f"Один ЦФА: {format_rubles(terms.price_kopecks, 'ru')} (номинал). Весь выпуск: {volume}."


def _quoted_price(terms: IssuanceTerms, quote: QuotedPrice) -> Iterator[str]:
    low, high = format_rubles(quote.price_min_kopecks, "ru"), format_rubles(quote.price_max_kopecks, "ru")
    sign = "плюс" if quote.spread_kopecks >= 0 else "минус"
    yield f"Номинал одного ЦФА: {format_rubles(terms.price_kopecks, 'ru')}. Цена приобретения – по котировке:"
    yield bullets(
        f"котировка: {escaped(quote.quoted)}; источник: {escaped(quote.source_name)}, {escaped(quote.source_url)}",
        f"цена в рублях: котировка, умноженная на {escaped(quote.multiplier)}, до копейки (половина копейки – "
        f"вверх), {sign} {format_rubles(abs(quote.spread_kopecks), 'ru')}",
        f"не ниже {low} и не выше {high}; по цене вне этих границ ЦФА не размещаются",
        f"котировка действует {quote.valid_for_s} с с момента, на который она определена; без действующей котировки "
        "заявки не удовлетворяются",
        "цена в заявке – наибольшая: на неё резервируются деньги; удовлетворяется заявка по цене котировки, если та "
        "не выше, и разница возвращается",
    )
    yield from paragraphs(quote.text)


def _placement(terms: IssuanceTerms) -> Iterator[str]:
    revocable = "можно отозвать до окончания размещения" if terms.orders_revocable else "нельзя отозвать"
    yield bullets(
        f"Начало: {moscow_text(terms.placement_start_at)}",
        f"Окончание: {moscow_text(terms.placement_end_at)}",
        f"Выпуск состоялся, если подано заявок не менее чем на {units_text(terms.quantity_min)} ЦФА"
        f"{_least_amount(terms)}; иначе "
        "выпуск не состоялся и деньги возвращаются "
        f"{within_business_days(terms.failed_refund_business_days)}",
        f"Заявку {revocable}",
        f"Приём заявок: {_WHEN_FULL[terms.when_full]}",
        f"Удовлетворение заявок: {_ALLOCATIONS[terms.allocation]}",
    )
    if terms.continuous is not None:
        every = terms.continuous.every_s
        when = f"каждые {every} с" if every else "сразу после принятия заявки"
        yield (
            f"Размещение непрерывное: ЦФА зачисляются {when}, начиная с достижения количества, при котором выпуск "
            "состоялся; что не размещено до окончания, не выпускается."
        )
        yield from paragraphs(terms.continuous.text)
    if (early := terms.early_close) is not None:
        if early.when_full:
            yield "Размещение оканчивается раньше, как только заявлено всё количество ЦФА."
        if early.by_issuer:
            yield (
                "Эмитент вправе окончить размещение раньше, если подано заявок не менее чем на "
                f"{units_text(terms.least_units)} ЦФА; заявки, принятые до этого, удовлетворяются."
            )
        yield from paragraphs(early.text)


def _least_amount(terms: IssuanceTerms) -> str:
    amount = terms.amount_min_kopecks
    return "" if isinstance(amount, UnsetType) else f" и на сумму не менее {format_rubles(amount, 'ru')}"


def _payment(terms: IssuanceTerms) -> Iterator[str]:
    yield f"Средства оплаты: {', '.join(_MEANS[means] for means in terms.payment_means) or 'не указаны'}."
    yield from paragraphs(terms.payment_text)


def _smart_contract(terms: IssuanceTerms) -> Iterator[str]:
    clause = terms.smart_contract_clause
    yield "Применяется." if clause.used else "Не применяется."
    if clause.text is not None:
        yield from paragraphs(clause.text)
    if clause.code_sha256 is not None and clause.code_version is not None:
        yield f"Код: версия {escaped(clause.code_version)}, SHA-256 `{clause.code_sha256}`"


def _collateral(terms: IssuanceTerms) -> Iterator[str]:
    if not terms.collateral:
        yield "Обеспечения нет."
    for security in terms.collateral:
        yield f"{_COLLATERAL[security.kind]}: {escaped(security.provider)}"
        yield from paragraphs(security.description)


def _limits(terms: IssuanceTerms) -> Iterator[str]:
    yield from paragraphs(terms.liability_text)
    circle = terms.eligibility
    who = [
        name
        for name, allowed in (
            ("физические лица", circle.natural_persons),
            ("индивидуальные предприниматели", circle.sole_proprietors),
            ("юридические лица", circle.legal_entities),
            ("иностранные организации", circle.foreign_entities is True),
        )
        if allowed
    ]
    qualified = ", только квалифицированные инвесторы" if circle.qualified_only else ""
    yield f"Вправе приобретать: {', '.join(who) or 'никто'}{qualified}."
    yield from paragraphs(circle.text)
    if terms.is_credit is True:
        yield "Выплаты зависят от исполнения обязательств по кредитам (займам) третьих лиц."
    if not isinstance(circle.without_limit_text, UnsetType):
        yield "Физические лица приобретают без ограничения суммы и без тестирования:"
        yield from paragraphs(circle.without_limit_text)
    yield f"Обращение: {_TRANSFERS[terms.transfer_policy.kind]}."
    yield from paragraphs(terms.transfer_policy.text)


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
            yield from paragraphs(text)
        paid = "только после полной оплаты" if terms.debt.full_payment_before_issue else "до полной оплаты"
        yield f"ЦФА выпускаются {paid}."


def _payments(terms: IssuanceTerms) -> Iterator[str]:
    yield from payoff_text(terms)
    rules = terms.payments
    before = rules.record_business_days_before
    yield bullets(
        f"Нерабочий день: {_CONVENTIONS[rules.business_day_rule]}; период начисления не меняется",
        f"Округление: {_ROUNDINGS[rules.rounding]}; {_SCOPES[rules.rounding_scope]}",
        f"Список обладателей: {rules.record_at} по московскому времени "
        + (f"за {business_days(before)} до дня выплаты" if before else "дня выплаты"),
    )
    # By the terms alone: what a decision says must not depend on the calendars of the day on which it is printed.
    if terms.redemption.on.year > moscow_day(terms.placement_start_at).year + 1:
        yield (
            "Дни выплат в годах, на которые производственный календарь ещё не установлен, предварительные: они "
            "определены по выходным и нерабочим праздничным дням и уточняются по правилу нерабочего дня, когда "
            "календарь установлен."
        )


def _redemption(terms: IssuanceTerms) -> Iterator[str]:
    redemption = terms.redemption
    yield f"Погашение с {day_text(redemption.on)} {within_business_days(redemption.window_days)}."
    if redemption.transfer_lock:
        yield (
            "С 00:00 по московскому времени первого дня этого срока обладатель не вправе распоряжаться ЦФА, "
            "передавать их в залог и обременять; выплата – обладателю на этот момент."
        )
    yield from paragraphs(redemption.text)


def _default(terms: IssuanceTerms) -> Iterator[str]:
    days = business_days(terms.default.grace_business_days)
    yield f"Просрочка на {days} и меньше – технический дефолт, дольше – дефолт."
    if terms.default.underfunded is Underfunded.PRO_RATA:
        yield (
            "Если к концу последнего дня срока выплаты по графику денег эмитента меньше, чем причитается всем, они "
            "делятся между всеми обладателями пропорционально причитающемуся (копейки – по наибольшим остаткам), "
            "остальное остаётся долгом; ЦФА частичной выплатой не погашаются."
        )
    if not isinstance(late := terms.default.late_interest, UnsetType):
        yield (
            f"За просрочку выплаты по графику начисляются {percent(late.rate)} годовых "
            f"({DAY_COUNTS[late.day_count]}) на невыплаченное с последнего дня срока выплаты по день, когда у "
            "эмитента есть вся сумма."
        )
    yield from paragraphs(terms.default.text)


def _dispute(terms: IssuanceTerms) -> Iterator[str]:
    yield f"Суд: {escaped(terms.dispute.forum)}."
    yield from paragraphs(terms.dispute.text)
