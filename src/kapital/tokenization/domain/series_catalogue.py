"""Which outside values a decision may depend on (источники фиксаций): whose they are and when they exist.

A payoff on a series that nobody here can confirm would never be paid, so an unknown one is refused before
publication. Checked against the publishers' pages and answers on 28 November 2026 for the Bank of Russia's rates;
the hours of the others stand in the decision and are confirmed with the source by two persons.
"""

from enum import StrEnum
from typing import Final, NamedTuple


class SeriesKind(StrEnum):
    """What the value is: a rate in percent a year, or a price, an index, an exchange rate."""

    RATE = "rate"
    PRICE = "price"


class Series(NamedTuple):
    """One series. `lag_min` is the least number of business days from the observed day to publication."""

    kind: SeriesKind
    ru: str
    host: str
    lag_min: int = 0


SERIES: Final = {
    "cbr_key_rate": Series(SeriesKind.RATE, "ключевая ставка Банка России", "cbr.ru"),
    # The value for day D is published about 14:20 Moscow of the next business day.
    "ruonia": Series(SeriesKind.RATE, "RUONIA", "cbr.ru", lag_min=1),
    "cbr_usd": Series(SeriesKind.PRICE, "официальный курс доллара США", "cbr.ru"),
    "cbr_eur": Series(SeriesKind.PRICE, "официальный курс евро", "cbr.ru"),
    "cbr_cny": Series(SeriesKind.PRICE, "официальный курс юаня", "cbr.ru"),
    "cbr_gold": Series(SeriesKind.PRICE, "учётная цена золота Банка России", "cbr.ru"),
    "cbr_silver": Series(SeriesKind.PRICE, "учётная цена серебра Банка России", "cbr.ru"),
    "moex_imoex": Series(SeriesKind.PRICE, "Индекс МосБиржи", "moex.com"),
    "moex_rtsi": Series(SeriesKind.PRICE, "Индекс РТС", "moex.com"),
    "moex_sber": Series(SeriesKind.PRICE, "цена закрытия акций Сбербанка", "moex.com"),
    "moex_gazp": Series(SeriesKind.PRICE, "цена закрытия акций Газпрома", "moex.com"),
    "moex_lkoh": Series(SeriesKind.PRICE, "цена закрытия акций Лукойла", "moex.com"),
}


def is_of_host(url: str, host: str) -> bool:
    """Whether an https address lies at the publisher's host or below it."""
    at = url.removeprefix("https://").partition("/")[0].lower()
    return at == host or at.endswith(f".{host}")
