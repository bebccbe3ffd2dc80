"""What a participant is asked when its identification ends soon or has ended: one text, whatever shortened the term.

Law: 115-FZ art. 7(1)(3) (renewal), art. 4 (nothing is told of internal control).
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from kapital.identity.domain.parameters import KYC_RENEWAL_NOTICE_DAYS, day_of
from kapital.kernel.calendar import MOSCOW


class Renewal(NamedTuple):
    """The request. Shape: `renew_by` is the first instant that is too late."""

    renew_by: datetime
    text_ru: str
    text_en: str


def renewal_asked(valid_until: datetime, *, now: datetime) -> Renewal | None:
    """The request to renew an approval with this term, or None while it is too early to ask."""
    if valid_until - now > timedelta(days=KYC_RENEWAL_NOTICE_DAYS.at(day_of(now))):
        return None
    by = valid_until.astimezone(MOSCOW).strftime("%d.%m.%Y %H:%M")
    if valid_until <= now:
        return Renewal(
            valid_until,
            f"Сведения о вас надо обновить: они действовали до {by} по московскому времени. Заполните анкету и "
            "приложите документы. Пока сведения не обновлены, новые заявки не принимаются, а выплаты поступают как "
            "прежде.",
            f"Your particulars have to be renewed: they held until {by} Moscow time. Fill in the questionnaire and "
            "attach documents. Until they are renewed no new orders are taken; payouts reach you as before.",
        )
    return Renewal(
        valid_until,
        f"Обновите сведения о себе до {by} по московскому времени: заполните анкету и приложите документы. "
        "После этого и пока сведения не обновлены, новые заявки не принимаются, а выплаты поступают как прежде.",
        f"Please renew your particulars before {by} Moscow time: fill in the questionnaire and attach documents. "
        "After that time and until they are renewed no new orders are taken; payouts reach you as before.",
    )
