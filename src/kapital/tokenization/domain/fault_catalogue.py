"""The catalogue of faults: what each means in two languages, on what basis, and how sure the basis is.

Item numbers of 259-FZ art. 3 part 1 follow the list of mandatory content in the domain reference and are from
memory ([M]): a lawyer confirms them before anybody relies on the number. Texts in braces are filled with the
numbers of the case.
"""

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One rule. `confidence`: F read in a source, M from memory, M? doubtful memory, P practice or design."""

    ru: str
    en: str
    basis: str
    confidence: str


_ART_3: Final = "259-ФЗ ст. 3 ч. 1 п. "
_DEBT: Final = "466-ФЗ от 15.12.2025 (изменения в 259-ФЗ ст. 1 ч. 2.1, 2.2 и ст. 3)"
_ITSELF: Final = "условия противоречат сами себе"
_POLICY: Final = "объём поддержки информационной системы"

# Field of the terms → the item of the mandatory content (domain.md 1.2) that it is part of.
MANDATORY: Final[dict[str, str]] = {
    name: _ART_3 + item
    for item, names in (
        ("1", ("issuer",)),
        ("2", ("operator",)),
        ("3", ("right_kind", "payoff", "legal_text", "payments", "redemption")),
        ("4", ("quantity_min", "quantity_max")),
        ("5", ("price_kopecks",)),
        ("6", ("placement_start_at", "placement_end_at", "allocation")),
        ("7", ("payment_means", "payment_text")),
        ("8", ("smart_contract_clause",)),
        ("9", ("collateral",)),
        ("10", ("liability_text", "eligibility", "transfer_policy")),
        ("12", ("early_redemption", "default", "dispute", "information_text")),
    )
    for name in names
}

CATALOGUE: Final[dict[str, Rule]] = {
    # Issuer and operator
    "issuer_inn_invalid": Rule(
        "ИНН эмитента не подходит его виду или контрольные цифры неверны",
        "the issuer's INN does not suit its kind, or its control digits are wrong",
        _ART_3 + "1",
        "M",
    ),
    "issuer_ogrn_invalid": Rule(
        "ОГРН (ОГРНИП) эмитента не подходит его виду или контрольная цифра неверна",
        "the issuer's OGRN (OGRNIP) does not suit its kind, or its control digit is wrong",
        _ART_3 + "1",
        "M",
    ),
    "issuer_site_invalid": Rule(
        "сайт эмитента – не адрес https://, а решение должно быть на нём доступно",
        "the issuer's site is not an https:// address, though the decision must be open there",
        _ART_3 + "1",
        "M",
    ),
    "operator_inn_invalid": Rule(
        "ИНН оператора – не ИНН юридического лица",
        "the operator's INN is not that of a legal entity",
        _ART_3 + "2",
        "M",
    ),
    "operator_ogrn_invalid": Rule(
        "ОГРН оператора – не ОГРН юридического лица",
        "the operator's OGRN is not that of a legal entity",
        _ART_3 + "2",
        "M",
    ),
    "operator_site_invalid": Rule(
        "сайт оператора – не адрес https://, а решение должно быть на нём доступно",
        "the operator's site is not an https:// address, though the decision must be open there",
        _ART_3 + "2",
        "M",
    ),
    # Rights
    "right_kind_not_supported": Rule(
        "выпускаются только денежные требования",
        "only money claims are issued here",
        _POLICY,
        "P",
    ),
    "hybrid_not_supported": Rule(
        "гибридные права не выпускаются",
        "hybrid rights are not issued here",
        _POLICY,
        "P",
    ),
    # Quantity
    "quantity_max_zero": Rule("количество ЦФА равно нулю", "the quantity is zero", _ART_3 + "4", "M"),
    "quantity_min_zero": Rule(
        "минимальное количество, при котором выпуск состоялся, равно нулю",
        "the quantity at which the issue is held is zero",
        _ART_3 + "6",
        "M",
    ),
    "quantity_min_above_max": Rule(
        "минимальное количество {quantity_min} больше максимального {quantity_max}",
        "the least quantity {quantity_min} is above the greatest {quantity_max}",
        _ART_3 + "4",
        "M",
    ),
    "lot_zero": Rule("лот равен нулю", "the lot is zero", _ITSELF, "P"),
    "quantity_not_in_lots": Rule(
        "количество не делится на лот {lot}",
        "the quantity is not a whole number of lots of {lot}",
        _ITSELF,
        "P",
    ),
    "order_bound_not_in_lots": Rule(
        "граница заявки не делится на лот {lot}",
        "the bound of an order is not a whole number of lots of {lot}",
        _ITSELF,
        "P",
    ),
    "order_min_zero": Rule("минимальная заявка равна нулю", "the least order is zero units", _ITSELF, "P"),
    "order_min_above_max": Rule(
        "минимальная заявка {min_order} больше максимальной {max_order}",
        "the least order {min_order} is above the greatest {max_order}",
        _ITSELF,
        "P",
    ),
    "order_max_above_quantity": Rule(
        "максимальная заявка {max_order} больше выпуска {quantity_max}",
        "the greatest order {max_order} is above the quantity {quantity_max}",
        _ITSELF,
        "P",
    ),
    # Price
    "price_below_kopeck": Rule(
        "цена приобретения меньше копейки", "the acquisition price is below a kopeck", _ART_3 + "5", "M"
    ),
    "volume_out_of_range": Rule(
        "объём выпуска больше суммы, которую система считает точно",
        "the volume of the issue is above the sum that the system counts exactly",
        _POLICY,
        "P",
    ),
    # Placement
    "placement_ends_before_start": Rule(
        "размещение заканчивается не позже, чем начинается",
        "the placement does not end after it starts",
        _ART_3 + "6",
        "M",
    ),
    "placement_starts_in_past": Rule(
        "размещение начинается {start_on}, раньше сегодняшнего дня",
        "the placement starts on {start_on}, before today",
        "259-ФЗ ст. 3: предложение – только после опубликования решения",
        "M",
    ),
    "redemption_before_placement_end": Rule(
        "погашение наступает не позже дня окончания размещения",
        "the redemption is not after the day on which the placement ends",
        _ITSELF,
        "P",
    ),
    "record_before_placement_end": Rule(
        "список обладателей первой выплаты составляется раньше окончания размещения",
        "the holders of the first payment are listed before the placement ends",
        _ITSELF,
        "P",
    ),
    # Means of payment, smart contract, security
    "payment_means_missing": Rule(
        "не указано, чем оплачиваются ЦФА", "what the units are paid with is not stated", _ART_3 + "7", "M"
    ),
    "payment_means_not_supported": Rule(
        "ЦФА оплачиваются только деньгами в рублях",
        "units are paid for only in roubles here",
        _POLICY,
        "P",
    ),
    "smart_contract_text_missing": Rule(
        "нет указания на исполнение сделок смарт-контрактом",
        "the statement that deals are performed by the smart contract is missing",
        _ART_3 + "8",
        "M",
    ),
    "smart_contract_code_missing": Rule(
        "не указаны хеш и версия кода смарт-контракта",
        "the hash and version of the smart contract's code are missing",
        _ART_3 + "8",
        "M",
    ),
    "smart_contract_contradiction": Rule(
        "смарт-контракт не используется, но его код указан",
        "the smart contract is not used, yet its code is given",
        _ITSELF,
        "P",
    ),
    "mortgage_not_registrable": Rule(
        "обеспечение ипотекой: порядок её регистрации для ЦФА был только законопроектом (08.10.2025)",
        "security by mortgage: its registration for ЦФА was only a draft law (08.10.2025)",
        _ART_3 + "9",
        "F",
    ),
    # Who may acquire and dispose
    "nobody_eligible": Rule("никто не вправе приобретать ЦФА", "nobody may acquire the units", _ART_3 + "10", "M"),
    "transfer_contradicts_eligibility": Rule(
        "ЦФА только для квалифицированных инвесторов, а обращение свободное",
        "the units are for qualified investors only, yet their transfer is free",
        _ART_3 + "10",
        "M",
    ),
    # Debt
    "debt_law_not_in_force": Rule(
        "закон о долговых ЦФА на эту дату не действует",
        "the law on debt ЦФА is not in force on this day",
        _DEBT,
        "M?",
    ),
    "debt_clauses_missing": Rule(
        "нет обязательных указаний решения о выпуске долговых ЦФА",
        "the mandatory statements of a decision on debt ЦФА are missing",
        _DEBT,
        "F",
    ),
    "debt_clauses_without_debt": Rule(
        "указания для долговых ЦФА есть, а ЦФА не названы долговыми",
        "there are statements for debt ЦФА, yet the units are not declared debt",
        _DEBT,
        "F",
    ),
    "debt_statement_missing": Rule(
        "не сказано, что выпускаемые ЦФА являются долговыми",
        "it is not said that the units are debt ЦФА",
        _DEBT,
        "F",
    ),
    "debt_unchangeable_missing": Rule(
        "не сказано, что изменение вида и объёма обязательств недопустимо",
        "it is not said that kind and volume of the obligations may not be changed",
        _DEBT,
        "F",
    ),
    "debt_extinguish_missing": Rule(
        "не сказано, что записи погашаются, если обладателем становится эмитент",
        "it is not said that records are extinguished if the issuer becomes the holder",
        _DEBT,
        "F",
    ),
    "debt_uniform_missing": Rule(
        "не сказано, что вид, объём и сроки обязательств едины и неизменны независимо от времени приобретения",
        "it is not said that kind, volume and terms are the same and unchanged whenever a unit is acquired",
        _DEBT,
        "F",
    ),
    "debt_full_payment_required": Rule(
        "долговые ЦФА выпускаются только после полной оплаты",
        "debt ЦФА are issued only after full payment",
        _DEBT,
        "F",
    ),
    "debt_money_only": Rule(
        "долговые ЦФА оплачиваются только деньгами",
        "debt ЦФА are paid for only in money",
        _DEBT,
        "F",
    ),
    "debt_right_kind": Rule(
        "долговые ЦФА включают исключительно денежные требования",
        "debt ЦФА certify money claims only",
        _DEBT,
        "F",
    ),
    "debt_payoff_kind": Rule(
        "долговые ЦФА дают только цену приобретения и периодические выплаты",
        "debt ЦФА give only the acquisition price and periodic payments",
        _DEBT,
        "F",
    ),
    # Payoff
    "days_not_ascending": Rule("дни выплат не идут по возрастанию", "the payment days do not ascend", _ITSELF, "P"),
    "coupon_before_accrual": Rule(
        "первая выплата не позже начала начисления",
        "the first payment is not after the start of accrual",
        _ITSELF,
        "P",
    ),
    "coupon_after_redemption": Rule(
        "выплата {on} позже погашения", "the payment of {on} is after the redemption", _ITSELF, "P"
    ),
    "last_payment_before_redemption": Rule(
        "последняя выплата {on} раньше погашения: за остаток срока ничего не начисляется",
        "the last payment of {on} is before the redemption: nothing is accrued for the rest",
        _ITSELF,
        "P",
    ),
    "accrual_before_placement": Rule(
        "доход начисляется раньше дня начала размещения",
        "income accrues from before the day on which the placement starts",
        _ITSELF,
        "P",
    ),
    "rate_not_positive": Rule("ставка не больше нуля", "the rate is not above zero", _ART_3 + "3", "M"),
    "rate_looks_like_percent": Rule(
        "ставка {rate} – больше 100 % годовых; ставки записываются долями единицы: 18 % – это 0.18",
        "the rate {rate} is above 100 % a year; rates are fractions of one: 18 % is 0.18",
        _POLICY,
        "P",
    ),
    "payout_out_of_range": Rule(
        "выплата по всему выпуску больше суммы, которую система считает точно",
        "the payment of the whole issue is above the sum that the system counts exactly",
        _POLICY,
        "P",
    ),
    "rate_negative": Rule("ставка меньше нуля", "the rate is below zero", _ART_3 + "3", "M"),
    "redemption_not_above_price": Rule(
        "цена погашения не выше цены приобретения: дисконта нет",
        "the redemption price is not above the acquisition price: there is no discount",
        _ITSELF,
        "P",
    ),
    "parts_differ_from_nominal": Rule(
        "части номинала в сумме {sum} коп., а номинал {nominal} коп.",
        "the parts of the nominal sum to {sum} kopecks, but the nominal is {nominal}",
        _ITSELF,
        "P",
    ),
    "part_zero": Rule("часть номинала равна нулю", "a part of the nominal is zero", _ITSELF, "P"),
    "floating_day_count": Rule(
        "при ежедневном начислении нужна фактическая база расчёта",
        "daily accrual needs an actual day count",
        _ITSELF,
        "P",
    ),
    "floor_above_cap": Rule(
        "нижняя граница {floor} выше верхней {cap}", "the floor {floor} is above the cap {cap}", _ITSELF, "P"
    ),
    "floor_below_minus_one": Rule(
        "нижняя граница {floor} меньше −1: выплата могла бы стать отрицательной",
        "the floor {floor} is below −1: the payment could become negative",
        _ART_3 + "3",
        "M",
    ),
    "participation_not_positive": Rule(
        "коэффициент участия не больше нуля", "the participation is not above zero", _ITSELF, "P"
    ),
    "initial_value_not_positive": Rule(
        "начальное значение не больше нуля", "the initial value is not above zero", _ITSELF, "P"
    ),
    "initial_not_before_final": Rule(
        "начальный день не раньше конечного", "the initial day is not before the final", _ITSELF, "P"
    ),
    "fixing_on_non_business_day": Rule(
        "{on} – нерабочий день, значения не будет",
        "{on} is not a business day, there will be no value",
        _ITSELF,
        "P",
    ),
    "fixing_after_payment": Rule(
        "значение за {on} станет известно позже выплаты {pay_on}",
        "the value of {on} becomes known after the payment of {pay_on}",
        _ITSELF,
        "P",
    ),
    "source_not_url": Rule(
        "источник – не адрес https://", "the source is not an https:// address", _ART_3 + "3", "M"
    ),
    "outcome_repeated": Rule("исход «{outcome}» назван дважды", "the outcome {outcome} stands twice", _ITSELF, "P"),
    "fallback_outcome_unknown": Rule(
        "исход по умолчанию не из списка исходов",
        "the fallback outcome is not among the outcomes",
        _ITSELF,
        "P",
    ),
    "event_after_redemption": Rule(
        "исход определяется не раньше последнего дня погашения",
        "the outcome is not determined before the last day of the redemption",
        _ITSELF,
        "P",
    ),
    # The rest
    "early_redemption_not_supported": Rule(
        "досрочное погашение ещё не поддерживается",
        "early redemption is not supported yet",
        _POLICY,
        "P",
    ),
    "early_redemption_contradiction": Rule(
        "права на досрочное погашение нет, а срок уведомления указан",
        "nobody may redeem early, yet a notice is given",
        _ITSELF,
        "P",
    ),
    "calendar_year_not_covered": Rule(
        "нет производственного календаря на {year} год",
        "there is no business calendar for {year}",
        _POLICY,
        "P",
    ),
}
