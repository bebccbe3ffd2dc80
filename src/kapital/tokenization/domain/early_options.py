"""Early redemption in machine form (досрочное погашение): calls, puts and offers to buy back.

They are laid over a payoff, not kinds of it: whatever a unit pays, a day and a price may end it before its term.
"""

from datetime import date
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from kapital.tokenization.domain.terms_fields import DecimalText, Units


class CallOption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Right of the issuer to redeem all units on a day (колл-опцион).

    `price` is a fraction of the nominal that is not yet repaid: "1.01" is 101 %. The notice of
    `early_redemption` is counted back from `on`. With `partial` the issuer may name fewer units: they are taken
    from the holders in proportion by whole units, the rest by the largest remainders.
    """

    on: date
    price: DecimalText
    partial: bool | UnsetType = UNSET


class PutOption(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Right of each holder to have any of their units redeemed on a day (пут-опцион); `price` as of a call.

    Demanded from the beginning of circulation to the end of the day that lies the notice of `early_redemption`,
    at least one business day, before `on`. `revocable`: a demand may be withdrawn until then.
    """

    on: date
    price: DecimalText
    revocable: bool | UnsetType = UNSET


class BuybackOffer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Duty of the issuer to buy back up to `units_max` units of those who accept in time (оферта о выкупе).

    Accepted from 00:00 Moscow of `accept_from_on` to the end of `accept_to_on`, settled on `on`. When more is
    accepted, each holder is bought back in proportion by whole units, the rest to the largest remainders.
    Units bought back are extinguished with the payment. `revocable`: an acceptance may be withdrawn until then.
    """

    accept_from_on: date
    accept_to_on: date
    on: date
    price: DecimalText
    units_max: Units
    revocable: bool | UnsetType = UNSET


class EarlyOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All ways in which the issue, or a part of it, may end early. Shape: each list ascends by day."""

    calls: Annotated[tuple[CallOption, ...], Meta(max_length=100)]
    puts: Annotated[tuple[PutOption, ...], Meta(max_length=100)]
    offers: Annotated[tuple[BuybackOffer, ...], Meta(max_length=100)]


AnyOption = CallOption | PutOption | BuybackOffer
