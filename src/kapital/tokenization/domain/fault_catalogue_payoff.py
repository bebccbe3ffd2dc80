"""Rules about payoffs and early redemption; see `fault_catalogue`, which they are part of."""

from typing import Final

from kapital.tokenization.domain.fault_rule import ART_3, ITSELF, POLICY, Rule

PAYOFF_RULES: Final[dict[str, Rule]] = {
    "days_not_ascending": Rule("дни выплат не идут по возрастанию", "the payment days do not ascend", ITSELF, "P"),
    "coupon_before_accrual": Rule(
        "первая выплата не позже начала начисления",
        "the first payment is not after the start of accrual",
        ITSELF,
        "P",
    ),
    "coupon_after_redemption": Rule(
        "выплата {on} позже погашения", "the payment of {on} is after the redemption", ITSELF, "P"
    ),
    "last_payment_before_redemption": Rule(
        "последняя выплата {on} раньше погашения: за остаток срока ничего не начисляется",
        "the last payment of {on} is before the redemption: nothing is accrued for the rest",
        ITSELF,
        "P",
    ),
    "accrual_before_placement": Rule(
        "доход начисляется раньше дня начала размещения",
        "income accrues from before the day on which the placement starts",
        ITSELF,
        "P",
    ),
    "rate_not_positive": Rule("ставка не больше нуля", "the rate is not above zero", ART_3 + "3", "M"),
    "rate_looks_like_percent": Rule(
        "ставка {rate} – больше 100 % годовых; ставки записываются долями единицы: 18 % – это 0.18",
        "the rate {rate} is above 100 % a year; rates are fractions of one: 18 % is 0.18",
        POLICY,
        "P",
    ),
    "payout_out_of_range": Rule(
        "выплата по всему выпуску больше суммы, которую система считает точно",
        "the payment of the whole issue is above the sum that the system counts exactly",
        POLICY,
        "P",
    ),
    "rate_negative": Rule("ставка меньше нуля", "the rate is below zero", ART_3 + "3", "M"),
    "redemption_not_above_price": Rule(
        "цена погашения не выше цены приобретения: дисконта нет",
        "the redemption price is not above the acquisition price: there is no discount",
        ITSELF,
        "P",
    ),
    "parts_differ_from_nominal": Rule(
        "части номинала в сумме {sum} коп., а номинал {nominal} коп.",
        "the parts of the nominal sum to {sum} kopecks, but the nominal is {nominal}",
        ITSELF,
        "P",
    ),
    "part_zero": Rule("часть номинала равна нулю", "a part of the nominal is zero", ITSELF, "P"),
    "floating_day_count": Rule(
        "при ежедневном начислении нужна фактическая база расчёта",
        "daily accrual needs an actual day count",
        ITSELF,
        "P",
    ),
    "floor_above_cap": Rule(
        "нижняя граница {floor} выше верхней {cap}", "the floor {floor} is above the cap {cap}", ITSELF, "P"
    ),
    "floor_below_minus_one": Rule(
        "нижняя граница {floor} меньше −1: выплата могла бы стать отрицательной",
        "the floor {floor} is below −1: the payment could become negative",
        ART_3 + "3",
        "M",
    ),
    "participation_not_positive": Rule(
        "коэффициент участия не больше нуля", "the participation is not above zero", ITSELF, "P"
    ),
    "initial_value_not_positive": Rule(
        "начальное значение не больше нуля", "the initial value is not above zero", ITSELF, "P"
    ),
    "initial_not_before_final": Rule(
        "начальный день не раньше конечного", "the initial day is not before the final", ITSELF, "P"
    ),
    "fixing_on_non_business_day": Rule(
        "{on} – нерабочий день, значения не будет",
        "{on} is not a business day, there will be no value",
        ITSELF,
        "P",
    ),
    "fixing_after_payment": Rule(
        "значение за {on} станет известно позже выплаты {pay_on}",
        "the value of {on} becomes known after the payment of {pay_on}",
        ITSELF,
        "P",
    ),
    "source_not_url": Rule("источник – не адрес https://", "the source is not an https:// address", ART_3 + "3", "M"),
    "outcome_repeated": Rule("исход «{outcome}» назван дважды", "the outcome {outcome} stands twice", ITSELF, "P"),
    "fallback_outcome_unknown": Rule(
        "исход по умолчанию не из списка исходов",
        "the fallback outcome is not among the outcomes",
        ITSELF,
        "P",
    ),
    "event_after_redemption": Rule(
        "исход определяется не раньше последнего дня погашения",
        "the outcome is not determined before the last day of the redemption",
        ITSELF,
        "P",
    ),
    "dispute_after_redemption": Rule(
        "срок оспорить исход кончается {ends_on}, а последний день погашения – {last_on}",
        "the term to contest the outcome ends on {ends_on}, and the last day of the redemption is {last_on}",
        ITSELF,
        "P",
    ),
    "series_unknown": Rule(
        "источник {series} системе неизвестен, фиксировать его некому; известны: {known}",
        "the series {series} is not known here, nobody could confirm it; known are: {known}",
        POLICY,
        "P",
    ),
    "series_of_another_kind": Rule(
        "значение {series} здесь не подходит: ставка – для плавающих купонов, цена или индекс – для прочих выплат",
        "the series {series} does not suit this payoff: a rate is for floating coupons, a price for the others",
        ITSELF,
        "P",
    ),
    "source_of_another_host": Rule(
        "значение {series} публикует {host}, а источником назван другой сайт",
        "{series} is published by {host}, yet another site is named as the source",
        ART_3 + "3",
        "M",
    ),
    "published_later": Rule(
        "значение {series} публикуется не раньше чем через рабочих дней: {lag}",
        "{series} is published no earlier than this many business days later: {lag}",
        ITSELF,
        "P",
    ),
    "substitute_not_named": Rule(
        "при замещающем источнике нужно назвать его ряд: иначе замену некому выполнить",
        "a substitute source has to be named by its series, else nobody could perform the fallback",
        ITSELF,
        "P",
    ),
    "substitute_not_asked": Rule(
        "замещающий ряд указан, а при правиле {fallback} он не нужен",
        "a substitute series is named, yet the fallback {fallback} uses none",
        ITSELF,
        "P",
    ),
    "substitute_is_itself": Rule(
        "ряд {series} не может замещать сам себя", "the series {series} cannot stand in for itself", ITSELF, "P"
    ),
    "component_repeated": Rule(
        "составляющая {series} названа дважды",
        "the component {series} stands twice",
        ITSELF,
        "P",
    ),
    "weight_not_positive": Rule(
        "вес составляющей не указан или не больше нуля",
        "the weight of the component is missing or not above zero",
        ITSELF,
        "P",
    ),
    "weight_meaningless": Rule(
        "вес указан, а при правиле {rule} весов нет",
        "a weight is given, yet the rule {rule} knows none",
        ITSELF,
        "P",
    ),
    "weights_not_one": Rule(
        "веса в сумме {sum}, а не 1",
        "the weights sum to {sum}, not to 1",
        ITSELF,
        "P",
    ),
    "delivery_not_supported": Rule(
        "поставка ценных бумаг не поддерживается: это другой вид прав; укажите расчёт деньгами (money)",
        "delivery of securities is not supported: that is another kind of right; settle in money (money)",
        "259-ФЗ ст. 1 ч. 2 (виды прав); объём поддержки информационной системы",
        "M",
    ),
    "barrier_out_of_range": Rule(
        "барьер {barrier} – не доля начального значения от 0 до 1",
        "the barrier {barrier} is not a fraction of the initial value from 0 to 1",
        ITSELF,
        "P",
    ),
    "conversion_floor_out_of_range": Rule(
        "нижняя граница {floor} после конвертации – не доля номинала от 0 до 1",
        "the floor {floor} after conversion is not a fraction of the nominal from 0 to 1",
        ITSELF,
        "P",
    ),
    "barrier_days_not_ascending": Rule(
        "дни наблюдения барьера не идут по возрастанию",
        "the days of the barrier do not ascend",
        ITSELF,
        "P",
    ),
    "barrier_days_out_of_span": Rule(
        "барьер наблюдается не между днями начального и конечного значения",
        "the barrier is observed outside the days of the initial and the final value",
        ITSELF,
        "P",
    ),
    # Early redemption
    "early_redemption_not_supported": Rule(
        "досрочное погашение описано только словами: исполняется то, что перечислено по дням и ценам",
        "early redemption is described in words only: what is performed is listed by days and prices",
        POLICY,
        "P",
    ),
    "early_redemption_contradiction": Rule(
        "права на досрочное погашение нет, а срок уведомления указан",
        "nobody may redeem early, yet a notice is given",
        ITSELF,
        "P",
    ),
    "late_interest_without_grace": Rule(
        "проценты за просрочку назначены, а дней отсрочки нет: после срока платить будет поздно",
        "interest of being late is set, yet there are no days of grace in which anything could be paid",
        ITSELF,
        "P",
    ),
    "options_empty": Rule(
        "условия досрочного погашения перечислены, но ни одного нет",
        "ways of early redemption are listed, yet there is none",
        ITSELF,
        "P",
    ),
    "option_right_contradiction": Rule(
        "право досрочного погашения указано как {right_of}, а перечисленные дни говорят другое",
        "the right of early redemption is said to be of {right_of}, yet the listed days say otherwise",
        ITSELF,
        "P",
    ),
    "option_days_not_ascending": Rule(
        "дни досрочного погашения не идут по возрастанию",
        "the days of early redemption do not ascend",
        ITSELF,
        "P",
    ),
    "option_day_out_of_life": Rule(
        "день досрочного погашения {on} – не между размещением и погашением",
        "the day of early redemption {on} is not between placement and redemption",
        ITSELF,
        "P",
    ),
    "option_not_on_coupon_day": Rule(
        "день досрочного погашения {on} – не день купона: неясно, кому начисленный доход",
        "the day of early redemption {on} is no coupon day: whose the accrued income is stays unsaid",
        ITSELF,
        "P",
    ),
    "option_price_not_positive": Rule(
        "цена досрочного погашения не больше нуля",
        "the price of early redemption is not above zero",
        ART_3 + "3",
        "M",
    ),
    "option_price_looks_like_percent": Rule(
        "цена {price} – больше десяти номиналов; цены записываются долями единицы: 101 % – это 1.01",
        "the price {price} is above ten nominals; prices are fractions of one: 101 % is 1.01",
        POLICY,
        "P",
    ),
    "option_too_close_to_redemption": Rule(
        "дни на исполнение досрочного погашения кончаются {over_on}, не раньше погашения выпуска",
        "the days to perform the early redemption end on {over_on}, not before the redemption of the issue",
        ITSELF,
        "P",
    ),
    "option_notice_out_of_life": Rule(
        "последний день уведомления – {last}, раньше обращения: этим правом нельзя воспользоваться",
        "the last day of the notice is {last}, before circulation: the right cannot be used",
        ITSELF,
        "P",
    ),
    "offer_units_out_of_range": Rule(
        "количество к выкупу – не от 1 до {quantity_max}",
        "the units to buy back are not from 1 to {quantity_max}",
        ITSELF,
        "P",
    ),
    "offer_window_empty": Rule(
        "приём согласий заканчивается раньше, чем начинается",
        "the time to accept ends before it begins",
        ITSELF,
        "P",
    ),
    "offer_before_placement_end": Rule(
        "согласия на выкуп принимаются раньше окончания размещения",
        "acceptances are taken before the placement ends",
        ITSELF,
        "P",
    ),
    "offer_closes_late": Rule(
        "согласия принимаются позже {last}: срок уведомления до выкупа не выдержан",
        "acceptances are taken later than {last}: the notice before the buyback is not kept",
        ITSELF,
        "P",
    ),
}
