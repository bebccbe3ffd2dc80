"""Money too little for a payment: what each holder gets of it, what stays due, and the interest of being late.

Law: 259-FZ art. 3 (what happens on non-performance is for the decision to say [M]); domain.md 3.6, scenarios 35, 36.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct, UnsetType

from kapital.kernel.money import divide_rounded
from kapital.kernel.problems import ensure
from kapital.tokenization.domain.day_count import year_fraction
from kapital.tokenization.domain.payoff import ROUNDINGS
from kapital.tokenization.domain.terms import DayCount, IssuanceTerms, RoundingRule, Underfunded, decimal


class ArrearsRules(Struct, frozen=True, kw_only=True):
    """What a decision says of payments that are late; kept with each payment that it says it of.

    Shape: `late_rate` is a fraction of a year as a decimal text, None without interest.
    """

    pro_rata: bool
    late_rate: str | None
    day_count: DayCount
    rounding: RoundingRule

    @property
    def bears_interest(self) -> bool:
        """Whether what is paid late carries interest."""
        return self.late_rate is not None

    def late_interest(self, due_kopecks: int, since_on: date, on: date) -> int:
        """The interest on what one line is due, from the last day to pay to the day of the money, in kopecks."""
        ensure(since_on <= on, "interest runs forward")
        if self.late_rate is None:
            return 0
        rate_top, rate_bottom = decimal(self.late_rate).as_integer_ratio()
        exact = due_kopecks * year_fraction(self.day_count, since_on, on) * rate_top / rate_bottom
        return divide_rounded(exact.numerator, exact.denominator, ROUNDINGS[self.rounding])


def arrears_rules(terms: IssuanceTerms) -> ArrearsRules | None:
    """What the decision says of late payments; None when it says nothing, and nothing is shared or added."""
    told, late = terms.default.underfunded, terms.default.late_interest
    pro_rata = told is Underfunded.PRO_RATA
    if isinstance(late, UnsetType):
        if not pro_rata:
            return None
        return ArrearsRules(
            pro_rata=True, late_rate=None, day_count=DayCount.ACT_365F, rounding=terms.payments.rounding
        )
    return ArrearsRules(
        pro_rata=pro_rata, late_rate=late.rate, day_count=late.day_count, rounding=terms.payments.rounding
    )


class AlikeLines(Struct, frozen=True):
    """How many lines of a payment are due the same: among a million holders few are due what nobody else is."""

    amount_kopecks: int
    lines: int


class Shares(Struct, frozen=True, kw_only=True):
    """What is paid now of each amount that lines are due.

    Shape: `of_amount` pairs an amount with its share; of the lines whose amount is in `tied`, the first `first_lines`
    in the order of the list get one kopeck more.
    """

    of_amount: tuple[tuple[int, int], ...]
    tied: tuple[int, ...]
    first_lines: int


def share_out(money: int, alike: Sequence[AlikeLines]) -> Shares:
    """Split `money` over lines in proportion to what each is due, by the largest remainder.

    The same shares as `split_pro_rata` over all lines in their order, told by amount: equal remainders are served in
    the order of the list. Shape: no line gets more than it is due; the shares sum to `money`, less than what is due.
    """
    due = sum(one.amount_kopecks * one.lines for one in alike)
    ensure(0 < money < due, "what is shared is something, and not the whole")
    shares: dict[int, int] = {}
    by_remainder: dict[int, list[AlikeLines]] = {}
    left = money
    for one in alike:
        whole, remainder = divmod(money * one.amount_kopecks, due)
        shares[one.amount_kopecks] = whole
        by_remainder.setdefault(remainder, []).append(one)
        left -= whole * one.lines
    tied: tuple[int, ...] = ()
    for remainder in sorted(by_remainder, reverse=True):
        group = by_remainder[remainder]
        lines = sum(one.lines for one in group)
        if left < lines:
            tied = tuple(one.amount_kopecks for one in group) if left else ()
            break
        for one in group:
            shares[one.amount_kopecks] += 1
        left -= lines
    return Shares(of_amount=tuple(shares.items()), tied=tied, first_lines=left)
