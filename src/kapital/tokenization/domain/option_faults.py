"""What can be wrong with early redemption; the texts stand in `fault_catalogue`."""

from collections.abc import Iterator, Sequence

from kapital.kernel.calendar import BusinessCalendar, moscow_day
from kapital.tokenization.domain.early_options import AnyOption, BuybackOffer
from kapital.tokenization.domain.payoff_faults import Finding, ascend
from kapital.tokenization.domain.schedule import coupon_days, early_pay_on, last_notice_on
from kapital.tokenization.domain.terms import AtEnd, IssuanceTerms, decimal

_PRICE_MAX = 10
"""A price of more than ten nominals is one written in percent."""


def early_findings(terms: IssuanceTerms) -> Iterator[Finding]:
    """Everything about early redemption that can be said without a calendar."""
    early, options = terms.early_redemption, terms.options
    if early.right_of != "nobody" and not terms.has_options:
        yield "early_redemption_not_supported", "/early_redemption/right_of", {}
    elif early.notice_business_days and not terms.has_options:
        yield "early_redemption_contradiction", "/early_redemption/notice_business_days", {}
    if not terms.has_options:
        return
    if not (options.calls or options.puts or options.offers):
        yield "options_empty", "/early_redemption/options", {}
    # An offer binds the issuer and gives each holder a right, but is not exercised by the declared right.
    for whose, given, pointer in (("issuer", options.calls, "calls"), ("holder", options.puts, "puts")):
        declared = early.right_of in {whose, "both"}
        if bool(given) != declared and (given or options.calls or options.puts):
            yield "option_right_contradiction", f"/early_redemption/options/{pointer}", {"right_of": early.right_of}
    for kind, listed in _kinds(terms):
        yield from _listed(terms, listed, f"/early_redemption/options/{kind}")


def option_day_findings(terms: IssuanceTerms, calendar: BusinessCalendar) -> Iterator[Finding]:
    """What only a calendar can say: notices can be kept, and every early end is over before the redemption.

    The days of grace count: units that wait for their early price never meet the redemption of all others.
    """
    notice = terms.early_redemption.notice_business_days
    window_on = calendar.adjust(terms.redemption.on, terms.payments.business_day_rule)
    for kind, listed in _kinds(terms):
        for index, option in enumerate(listed):
            if not moscow_day(terms.placement_end_at) < option.on < terms.redemption.on:
                continue
            at, pay_on = f"/early_redemption/options/{kind}/{index}/on", early_pay_on(terms, option.on, calendar)
            over_on = calendar.add_business_days(pay_on, terms.default.grace_business_days)
            if over_on >= window_on:
                yield "option_too_close_to_redemption", at, {"over_on": over_on.isoformat()}
            if kind != "offers":
                last = last_notice_on(terms, option.on, calendar, least=0 if kind == "calls" else 1)
                if last <= moscow_day(terms.placement_end_at):
                    yield "option_notice_out_of_life", at, {"last": last.isoformat()}
    for index, offer in enumerate(terms.options.offers):
        last = calendar.add_business_days(offer.on, -max(notice, 1))
        if offer.accept_to_on > last:
            yield (
                "offer_closes_late",
                f"/early_redemption/options/offers/{index}/accept_to_on",
                {"last": last.isoformat()},
            )


def _kinds(terms: IssuanceTerms) -> list[tuple[str, Sequence[AnyOption]]]:
    options = terms.options
    return [("calls", options.calls), ("puts", options.puts), ("offers", options.offers)]


def _listed(terms: IssuanceTerms, listed: Sequence[AnyOption], pointer: str) -> Iterator[Finding]:
    if not ascend([option.on for option in listed]):
        yield "option_days_not_ascending", pointer, {}
    days = coupon_days(terms)
    for index, option in enumerate(listed):
        at, on = f"{pointer}/{index}", option.on.isoformat()
        if not moscow_day(terms.placement_end_at) < option.on < terms.redemption.on:
            yield "option_day_out_of_life", f"{at}/on", {"on": on}
        elif not isinstance(terms.payoff, AtEnd) and option.on not in days:
            yield "option_not_on_coupon_day", f"{at}/on", {"on": on}
        if decimal(option.price) <= 0:
            yield "option_price_not_positive", f"{at}/price", {}
        elif decimal(option.price) > _PRICE_MAX:
            yield "option_price_looks_like_percent", f"{at}/price", {"price": option.price}
        elif terms.is_debt and not isinstance(option, BuybackOffer) and decimal(option.price) < 1:
            # A call or a put performs the obligation, whose volume is the price and what is paid on it; an offer to
            # buy back is a deal that nobody has to accept.
            yield "debt_option_below_price", f"{at}/price", {"price": option.price}
        if isinstance(option, BuybackOffer):
            yield from _offer(terms, option, at)


def _offer(terms: IssuanceTerms, offer: BuybackOffer, at: str) -> Iterator[Finding]:
    if not 0 < offer.units_max <= terms.quantity_max:
        yield "offer_units_out_of_range", f"{at}/units_max", {"quantity_max": terms.quantity_max}
    if offer.accept_from_on > offer.accept_to_on:
        yield "offer_window_empty", f"{at}/accept_from_on", {}
    if offer.accept_from_on <= moscow_day(terms.placement_end_at):
        yield "offer_before_placement_end", f"{at}/accept_from_on", {}
