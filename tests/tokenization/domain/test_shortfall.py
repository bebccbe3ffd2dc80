"""Too little money: shares by the largest remainder, as over all lines one by one, and interest by hand."""

from collections import Counter
from datetime import date

from hypothesis import assume, given
from hypothesis import strategies as st

from kapital.kernel.money import split_pro_rata
from kapital.tokenization.domain.shortfall import AlikeLines, ArrearsRules, arrears_rules, share_out
from kapital.tokenization.domain.terms import DayCount, RoundingRule, decision_bytes

FIXED = "fixed-rate-window"
LATE = {"/default/late_interest": {"rate": "0.2", "day_count": "act_365f"}}


def paid(amounts: list[int], money: int) -> list[int]:
    """What each line gets, read from the shares as the adapter reads them: in the order of the list."""
    counted = Counter(amount for amount in amounts if amount)
    shares = share_out(money, [AlikeLines(amount, lines) for amount, lines in sorted(counted.items())])
    of_amount, place, got = dict(shares.of_amount), 0, []
    for amount in amounts:
        place += amount in shares.tied
        got.append(of_amount.get(amount, 0) + (amount in shares.tied and place <= shares.first_lines))
    return got


@given(amounts=st.lists(st.integers(0, 12) | st.integers(0, 10**12), min_size=1, max_size=40), data=st.data())
def test_shares_told_by_amount_are_the_split_of_all_lines_one_by_one(amounts: list[int], data: st.DataObject) -> None:
    assume(sum(amounts) > 1)
    money = data.draw(st.integers(1, sum(amounts) - 1))

    got = paid(amounts, money)

    assert got == split_pro_rata(money, amounts)
    assert sum(got) == money
    assert all(share <= amount for share, amount in zip(got, amounts, strict=True))


def test_what_a_decision_leaves_out_is_left_out_of_its_bytes_and_of_its_payments(example) -> None:
    plain, said = example(FIXED), example(FIXED, {"/default/underfunded": "pro_rata", **LATE})

    assert b"underfunded" not in decision_bytes(plain)
    assert arrears_rules(plain) is None
    assert arrears_rules(example(FIXED, {"/default/underfunded": "nothing"})) is None
    assert arrears_rules(said) == ArrearsRules(
        pro_rata=True, late_rate="0.2", day_count=DayCount.ACT_365F, rounding=RoundingRule.HALF_UP
    )


def test_interest_runs_from_the_last_day_to_pay_and_is_rounded_by_the_rule_of_all_payments(example) -> None:
    rules = arrears_rules(example(FIXED, LATE))
    assert rules is not None
    since = date(2027, 3, 15)

    # 512.50 at 20 % of 365 days: 28.08 kopecks a day.
    assert [rules.late_interest(51_250, since, date(2027, 3, day)) for day in (15, 16, 20)] == [0, 28, 140]
    assert rules.late_interest(0, since, date(2027, 4, 15)) == 0
    # 91.25 kopecks a year of 365 days at 20 % are 0.05 a day: ten days are half a kopeck, which goes up.
    assert [rules.late_interest(k, since, date(2027, 3, 25)) for k in (91, 92)] == [0, 1]
