# ruff: noqa: ARG005 - a rule is read as one row, and each is asked alike
"""The rules of risk as data. Points are the operator's choice; lists of countries are of the day they were written.

Law: Bank of Russia Regulation 445-P (criteria of risk) [M?]; 115-FZ art. 7.3 (public officials). A lawyer has to
confirm each row before it decides anything in earnest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kapital.identity.domain.risk_facts import RiskFacts
from kapital.kernel.parameters import Confidence, DatedParameter

YOUNG_ENTITY_DAYS: Final = 180

LEVEL_POINTS: Final = DatedParameter(
    "risk_level_points",
    [
        (
            date(2024, 1, 1),
            None,
            (20, 60),
            "the operator's rules of internal control; 115-FZ art. 7",
            Confidence.DOUBTFUL,
        )
    ],
)
"""Points from which on a client is of medium and of high risk."""

HIGH_RISK_COUNTRIES: Final = DatedParameter(
    "high_risk_countries",
    [
        (
            date(2024, 1, 1),
            None,
            ("IR", "KP", "MM"),
            "FATF, jurisdictions subject to a call for action",
            Confidence.RECALLED,
        ),
    ],
)
"""ISO 3166-1 codes."""

OFFSHORE_COUNTRIES: Final = DatedParameter(
    "offshore_countries",
    [
        (
            date(2024, 1, 1),
            None,
            ("AG", "AI", "BS", "BZ", "BM", "VG", "KY", "GI", "DM", "LR", "MH", "NR", "PA", "SC", "TC", "VU"),
            "order of the Ministry of Finance on offshore zones; a part of it",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""ISO 3166-1 codes."""

LARGE_TURNOVER_KOPECKS: Final = DatedParameter(
    "large_turnover_kopecks",
    [(date(2024, 1, 1), None, 10_000_000_000, "the operator's rules of internal control", Confidence.DOUBTFUL)],
)
"""Expected in a year, 100 million roubles."""


@dataclass(frozen=True, slots=True)
class RiskRule:
    """One row: from when to when, what it looks at, what it counts, and the words for it."""

    code: str
    effective_from: date
    effective_to: date | None
    points: int
    applies: Callable[[RiskFacts, date], bool]
    text_ru: str
    text_en: str
    basis: str

    def is_in_force(self, on: date) -> bool:
        """Whether the rule counts on this day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


_FROM: Final = date(2024, 1, 1)

RISK_RULES: Final = (
    RiskRule(
        "public_official",
        _FROM,
        None,
        60,
        lambda f, on: f.is_pep,
        "Публичное должностное лицо или близкий к нему",
        "A public official, or one near to an official",
        "115-FZ art. 7.3",
    ),
    RiskRule(
        "high_risk_country",
        _FROM,
        None,
        60,
        lambda f, on: bool(set(f.countries) & set(HIGH_RISK_COUNTRIES.at(on))),
        "Связь со страной, не исполняющей рекомендации ФАТФ",
        "A link with a country that does not follow the FATF recommendations",
        "445-P, FATF",
    ),
    RiskRule(
        "offshore_country",
        _FROM,
        None,
        40,
        lambda f, on: bool(set(f.countries) & set(OFFSHORE_COUNTRIES.at(on))),
        "Связь с офшорной зоной",
        "A link with an offshore zone",
        "445-P, order of the Ministry of Finance",
    ),
    RiskRule(
        "foreign_country",
        _FROM,
        None,
        15,
        lambda f, on: bool(set(f.countries) - {"RU"}),
        "Иностранное гражданство, регистрация или налоговое резидентство",
        "Foreign citizenship, registration or tax residency",
        "445-P",
    ),
    RiskRule(
        "no_questionnaire",
        _FROM,
        None,
        20,
        lambda f, on: not f.has_questionnaire,
        "Анкета не заполнена: о клиенте известно немногое",
        "No questionnaire: little is known of the client",
        "the operator's rules",
    ),
    RiskRule(
        "simplified",
        _FROM,
        None,
        20,
        lambda f, on: f.method == "simplified",
        "Упрощённая идентификация",
        "Simplified identification",
        "115-FZ art. 7(1.11)",
    ),
    RiskRule(
        "acts_for_another",
        _FROM,
        None,
        20,
        lambda f, on: f.acts_for_another,
        "Действует в пользу другого лица",
        "Acts for another's benefit",
        "445-P",
    ),
    RiskRule(
        "representative",
        _FROM,
        None,
        10,
        lambda f, on: f.has_representative and not f.is_entity,
        "За физическое лицо действует представитель",
        "A representative acts for a natural person",
        "445-P",
    ),
    RiskRule(
        "other_source_of_funds",
        _FROM,
        None,
        15,
        lambda f, on: f.has_other_source,
        "Источник средств не из обычных",
        "An unusual source of funds",
        "445-P",
    ),
    RiskRule(
        "young_entity",
        _FROM,
        None,
        25,
        lambda f, on: f.entity_age_days is not None and f.entity_age_days < YOUNG_ENTITY_DAYS,
        "Юридическое лицо зарегистрировано менее полугода назад",
        "An entity registered less than half a year ago",
        "445-P",
    ),
    RiskRule(
        "owner_not_found",
        _FROM,
        None,
        30,
        lambda f, on: f.owners_by_executive,
        "Бенефициарный владелец не найден, им признан единоличный исполнительный орган",
        "No beneficial owner found, the sole executive stands for one",
        "115-FZ art. 7(1)(2)",
    ),
    RiskRule(
        "long_ownership",
        _FROM,
        None,
        15,
        lambda f, on: f.owner_links_max > 10,
        "Сложная структура собственности",
        "A complicated structure of owners",
        "445-P",
    ),
    RiskRule(
        "large_turnover",
        _FROM,
        None,
        15,
        lambda f, on: f.turnover_kopecks is not None and f.turnover_kopecks >= LARGE_TURNOVER_KOPECKS.at(on),
        "Ожидаются крупные обороты",
        "Large turnover is expected",
        "445-P",
    ),
)
"""In the order in which reasons are shown. A rule that changes is ended and followed by a new row of its code."""
