"""The catalogue of faults: what each means in two languages, on what basis, and how sure the basis is.

Item numbers of 259-FZ art. 3 part 1 follow the list of mandatory content in the domain reference and are from
memory ([M]): a lawyer confirms them before anybody relies on the number. Texts in braces are filled with the
numbers of the case.
"""

from typing import Final

from kapital.tokenization.domain.fault_catalogue_payoff import PAYOFF_RULES
from kapital.tokenization.domain.fault_rule import ART_3, DEBT, ITSELF, POLICY, Rule

# Field of the terms → the item of the mandatory content (domain.md 1.2) that it is part of.
MANDATORY: Final[dict[str, str]] = {
    name: ART_3 + item
    for item, names in (
        ("1", ("issuer",)),
        ("2", ("operator",)),
        ("3", ("right_kind", "payoff", "legal_text", "payments", "redemption")),
        ("4", ("quantity_min", "quantity_max", "amount_min_kopecks")),
        ("5", ("price_kopecks", "placement_mode")),
        ("6", ("placement_start_at", "placement_end_at", "allocation")),
        ("7", ("payment_means", "payment_text")),
        ("8", ("smart_contract_clause",)),
        ("9", ("collateral",)),
        ("10", ("liability_text", "eligibility", "transfer_policy")),
        ("12", ("early_redemption", "default", "dispute", "information_text")),
    )
    for name in names
} | {"debt": DEBT}

CATALOGUE: Final[dict[str, Rule]] = {
    # Issuer and operator
    "issuer_inn_invalid": Rule(
        "ИНН эмитента не подходит его виду или контрольные цифры неверны",
        "the issuer's INN does not suit its kind, or its control digits are wrong",
        ART_3 + "1",
        "M",
    ),
    "issuer_is_another": Rule(
        "ИНН эмитента – не ИНН участника, который представляет решение",
        "the issuer's INN is not that of the participant who submits the decision",
        ART_3 + "1",
        "M",
    ),
    "issuer_ogrn_invalid": Rule(
        "ОГРН (ОГРНИП) эмитента не подходит его виду или контрольная цифра неверна",
        "the issuer's OGRN (OGRNIP) does not suit its kind, or its control digit is wrong",
        ART_3 + "1",
        "M",
    ),
    "issuer_site_invalid": Rule(
        "сайт эмитента – не адрес https://, а решение должно быть на нём доступно",
        "the issuer's site is not an https:// address, though the decision must be open there",
        ART_3 + "1",
        "M",
    ),
    "operator_inn_invalid": Rule(
        "ИНН оператора – не ИНН юридического лица",
        "the operator's INN is not that of a legal entity",
        ART_3 + "2",
        "M",
    ),
    "operator_is_another": Rule(
        "ИНН оператора – не ИНН оператора этой информационной системы",
        "the operator's INN is not that of the operator of this system",
        ART_3 + "2",
        "M",
    ),
    "operator_ogrn_invalid": Rule(
        "ОГРН оператора – не ОГРН юридического лица",
        "the operator's OGRN is not that of a legal entity",
        ART_3 + "2",
        "M",
    ),
    "operator_site_invalid": Rule(
        "сайт оператора – не адрес https://, а решение должно быть на нём доступно",
        "the operator's site is not an https:// address, though the decision must be open there",
        ART_3 + "2",
        "M",
    ),
    # Rights
    "right_kind_not_supported": Rule(
        "выпускаются только денежные требования",
        "only money claims are issued here",
        POLICY,
        "P",
    ),
    "hybrid_not_supported": Rule(
        "гибридные права не выпускаются",
        "hybrid rights are not issued here",
        POLICY,
        "P",
    ),
    # Quantity
    "quantity_max_zero": Rule("количество ЦФА равно нулю", "the quantity is zero", ART_3 + "4", "M"),
    "quantity_min_zero": Rule(
        "минимальное количество, при котором выпуск состоялся, равно нулю",
        "the quantity at which the issue is held is zero",
        ART_3 + "6",
        "M",
    ),
    "quantity_min_above_max": Rule(
        "минимальное количество {quantity_min} больше максимального {quantity_max}",
        "the least quantity {quantity_min} is above the greatest {quantity_max}",
        ART_3 + "4",
        "M",
    ),
    "amount_min_above_volume": Rule(
        "наименьшая сумма заявок больше объёма выпуска {volume} коп.: выпуск не может состояться",
        "the least amount of orders is above the volume of {volume} kopecks: the issue can never be held",
        ART_3 + "6",
        "M",
    ),
    "amount_min_needs_fixed_price": Rule(
        "наименьшая сумма заявок задана при цене по котировке: число ЦФА, при котором выпуск состоялся, неизвестно",
        "a least amount of orders beside a price by quote: how many units make the issue held is not known",
        POLICY,
        "P",
    ),
    "credit_needs_qualified": Rule(
        "ЦФА с риском кредитов третьих лиц размещаются только среди квалифицированных инвесторов",
        "ЦФА with the risk of loans of others are placed among qualified investors only",
        "Банк России, с 2026 года (акт уточняет юрист)",
        "M?",
    ),
    "debt_option_below_price": Rule(
        "досрочное погашение долгового ЦФА дешевле непогашенной цены приобретения: доля {price}",
        "early redemption of a debt ЦФА below what is left of its acquisition price: a share of {price}",
        DEBT,
        "M?",
    ),
    "lot_zero": Rule("лот равен нулю", "the lot is zero", ITSELF, "P"),
    "quantity_not_in_lots": Rule(
        "количество не делится на лот {lot}",
        "the quantity is not a whole number of lots of {lot}",
        ITSELF,
        "P",
    ),
    "order_bound_not_in_lots": Rule(
        "граница заявки не делится на лот {lot}",
        "the bound of an order is not a whole number of lots of {lot}",
        ITSELF,
        "P",
    ),
    "order_min_zero": Rule("минимальная заявка равна нулю", "the least order is zero units", ITSELF, "P"),
    "order_min_above_max": Rule(
        "минимальная заявка {min_order} больше максимальной {max_order}",
        "the least order {min_order} is above the greatest {max_order}",
        ITSELF,
        "P",
    ),
    "order_max_above_quantity": Rule(
        "максимальная заявка {max_order} больше выпуска {quantity_max}",
        "the greatest order {max_order} is above the quantity {quantity_max}",
        ITSELF,
        "P",
    ),
    # Price
    "price_below_kopeck": Rule(
        "цена приобретения меньше копейки", "the acquisition price is below a kopeck", ART_3 + "5", "M"
    ),
    "volume_out_of_range": Rule(
        "объём выпуска больше суммы, которую система считает точно",
        "the volume of the issue is above the sum that the system counts exactly",
        POLICY,
        "P",
    ),
    "quote_corridor_empty": Rule(
        "наименьшая цена по котировке {low} коп. больше наибольшей {high} коп.",
        "the least price by the quote, {low} kopecks, is above the greatest, {high}",
        ART_3 + "5",
        "M",
    ),
    "quote_multiplier_not_positive": Rule(
        "множитель котировки не больше нуля", "the multiplier of the quote is not above zero", ART_3 + "5", "M"
    ),
    "quote_source_not_url": Rule(
        "источник котировки – не адрес https://", "the source of the quote is not an https:// address", ITSELF, "P"
    ),
    "debt_price_by_quote": Rule(
        "долговые ЦФА размещаются по одной цене: вид и объём обязательств едины для каждой единицы",
        "debt ЦФА are placed at one price: kind and volume of the obligations are the same for every unit",
        DEBT,
        "M?",
    ),
    "continuous_needs_time_priority": Rule(
        "при непрерывном размещении заявки удовлетворяются в порядке времени: доли между ними посчитать нельзя",
        "in a continuous placement orders are satisfied by time: shares among those to come cannot be counted",
        ITSELF,
        "P",
    ),
    "early_close_of_nothing": Rule(
        "досрочное окончание размещения описано, но ни одно его условие не выбрано",
        "an early end of the placement is described, and none of its conditions is chosen",
        ART_3 + "6",
        "M",
    ),
    "full_close_needs_suspend": Rule(
        "размещение оканчивается, когда заявлено всё количество, а заявки сверх него принимаются",
        "the placement ends once the whole quantity is asked for, and orders beyond it are taken",
        ITSELF,
        "P",
    ),
    # Placement
    "placement_ends_before_start": Rule(
        "размещение заканчивается не позже, чем начинается",
        "the placement does not end after it starts",
        ART_3 + "6",
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
        ITSELF,
        "P",
    ),
    "record_before_placement_end": Rule(
        "список обладателей первой выплаты составляется раньше окончания размещения",
        "the holders of the first payment are listed before the placement ends",
        ITSELF,
        "P",
    ),
    # Means of payment, smart contract, security
    "payment_means_missing": Rule(
        "не указано, чем оплачиваются ЦФА", "what the units are paid with is not stated", ART_3 + "7", "M"
    ),
    "payment_means_not_supported": Rule(
        "ЦФА оплачиваются только деньгами в рублях",
        "units are paid for only in roubles here",
        POLICY,
        "P",
    ),
    "smart_contract_text_missing": Rule(
        "нет указания на исполнение сделок смарт-контрактом",
        "the statement that deals are performed by the smart contract is missing",
        ART_3 + "8",
        "M",
    ),
    "smart_contract_code_missing": Rule(
        "не указаны хэш и версия кода смарт-контракта",
        "the hash and version of the smart contract's code are missing",
        ART_3 + "8",
        "M",
    ),
    "smart_contract_not_used": Rule(
        "сказано, что смарт-контракт не используется, а выплаты вычисляет и исполняет код; новейший: {latest}",
        "no smart contract is said to be used, yet code computes and performs the payments; the latest is {latest}",
        ART_3 + "8",
        "M",
    ),
    "smart_contract_code_unknown": Rule(
        "кода смарт-контракта с таким хэшем в системе нет; действующая версия – {latest}",
        "there is no smart contract code with this hash here; the version of today is {latest}",
        ART_3 + "8",
        "M",
    ),
    "smart_contract_code_too_old": Rule(
        "названная версия кода смарт-контракта не умеет считать такие выплаты; умеет {latest}",
        "the named version of the smart contract's code cannot compute this payoff; {latest} can",
        ART_3 + "8",
        "M",
    ),
    "smart_contract_contradiction": Rule(
        "смарт-контракт не используется, но его код указан",
        "the smart contract is not used, yet its code is given",
        ITSELF,
        "P",
    ),
    "mortgage_not_registrable": Rule(
        "обеспечение ипотекой: порядок её регистрации для ЦФА был только законопроектом (08.10.2025)",
        "security by mortgage: its registration for ЦФА was only a draft law (08.10.2025)",
        ART_3 + "9",
        "F",
    ),
    # Who may acquire and dispose
    "nobody_eligible": Rule("никто не вправе приобретать ЦФА", "nobody may acquire the units", ART_3 + "10", "M"),
    "transfer_contradicts_eligibility": Rule(
        "ЦФА только для квалифицированных инвесторов, а обращение свободное",
        "the units are for qualified investors only, yet their transfer is free",
        ART_3 + "10",
        "M",
    ),
    "without_limit_contradiction": Rule(
        "ЦФА только для квалифицированных инвесторов, а сказано, что они доступны всем без ограничения суммы",
        "the units are for qualified investors only, yet they are said to be open to all without a limit",
        "259-ФЗ ст. 4, указание 5635-У",
        "M",
    ),
    # Debt
    "debt_law_not_in_force": Rule(
        "закон о долговых ЦФА на эту дату не действует",
        "the law on debt ЦФА is not in force on this day",
        DEBT,
        "M?",
    ),
    "debt_clauses_missing": Rule(
        "нет обязательных указаний решения о выпуске долговых ЦФА",
        "the mandatory statements of a decision on debt ЦФА are missing",
        DEBT,
        "F",
    ),
    "debt_clauses_without_debt": Rule(
        "указания для долговых ЦФА есть, а ЦФА не названы долговыми",
        "there are statements for debt ЦФА, yet the units are not declared debt",
        DEBT,
        "F",
    ),
    "debt_statement_missing": Rule(
        "не сказано, что выпускаемые ЦФА являются долговыми",
        "it is not said that the units are debt ЦФА",
        DEBT,
        "F",
    ),
    "debt_performance_missing": Rule(
        "не сказано, как исполняются обязательства (деньгами)",
        "it is not said how the obligations are performed (in money)",
        DEBT,
        "F",
    ),
    "debt_payment_determination_missing": Rule(
        "не сказано, как определяется размер выплат",
        "it is not said how the amount of the payments is determined",
        DEBT,
        "F",
    ),
    "debt_unchangeable_missing": Rule(
        "не сказано, что изменение вида и объёма обязательств недопустимо",
        "it is not said that kind and volume of the obligations may not be changed",
        DEBT,
        "F",
    ),
    "debt_extinguish_missing": Rule(
        "не сказано, что записи погашаются, если обладателем становится эмитент",
        "it is not said that records are extinguished if the issuer becomes the holder",
        DEBT,
        "F",
    ),
    "debt_uniform_missing": Rule(
        "не сказано, что вид, объём и сроки обязательств едины и неизменны независимо от времени приобретения",
        "it is not said that kind, volume and terms are the same and unchanged whenever a unit is acquired",
        DEBT,
        "F",
    ),
    "debt_full_payment_required": Rule(
        "долговые ЦФА выпускаются только после полной оплаты",
        "debt ЦФА are issued only after full payment",
        DEBT,
        "F",
    ),
    "debt_money_only": Rule(
        "долговые ЦФА оплачиваются только деньгами",
        "debt ЦФА are paid for only in money",
        DEBT,
        "F",
    ),
    "debt_right_kind": Rule(
        "долговые ЦФА включают исключительно денежные требования",
        "debt ЦФА certify money claims only",
        DEBT,
        "F",
    ),
    "debt_payoff_kind": Rule(
        "долговые ЦФА дают только цену приобретения и периодические выплаты",
        "debt ЦФА give only the acquisition price and periodic payments",
        DEBT,
        "F",
    ),
    **PAYOFF_RULES,
    "calendar_year_not_covered": Rule(
        "нет производственного календаря на {year} год",
        "there is no business calendar for {year}",
        POLICY,
        "P",
    ),
}
