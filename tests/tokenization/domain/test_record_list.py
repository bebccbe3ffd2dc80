"""A list is cut into parts: nothing is lost, no part is too large, no wallet is cut."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kapital.tokenization.domain.payoff import Holding, PayoutLine
from kapital.tokenization.domain.record_list import RecordList, cut_into_parts

POSITIONS = ["arrested", "available", "frozen", "locked", "pledged", "reserved"]
POSITIONS_OF = st.lists(st.sets(st.sampled_from(POSITIONS), min_size=1), max_size=60)


def lines_of(wallets: list[set[str]]) -> list[PayoutLine]:
    return [
        PayoutLine(wallet_id=UUID(int=n), position=p, units=1, amount_kopecks=n + 1, extinguish_units=0)
        for n, positions in enumerate(wallets)
        for p in sorted(positions)
    ]


@given(wallets=POSITIONS_OF, most=st.integers(6, 20))
def test_parts_are_the_lines_in_order_whole_wallets_and_small_enough(wallets: list[set[str]], most: int) -> None:
    lines = lines_of(wallets)

    parts = cut_into_parts(lines, most)

    assert [line for part in parts for line in part] == lines
    assert all(0 < len(part) <= most for part in parts)
    ends = [part[-1].wallet_id for part in parts]
    begins = [part[0].wallet_id for part in parts]
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))


@given(wallets=POSITIONS_OF, cut=st.integers(0, 60))
def test_a_list_taken_in_two_pages_counts_as_in_one(wallets: list[set[str]], cut: int) -> None:
    begun = RecordList(action_id=UUID(int=1), record_size=7)
    lines = lines_of(wallets)

    def page(some: list[PayoutLine]) -> tuple[list[Holding], list[list[PayoutLine]]]:
        holdings = [Holding(wallet_id=line.wallet_id, position=line.position, units=1) for line in some]
        return holdings, cut_into_parts(some, 6)

    border = UUID(int=cut)
    first, second = [x for x in lines if x.wallet_id < border], [x for x in lines if x.wallet_id >= border]
    twice = begun.taken(*page(first), border).taken(*page(second), None)
    once = begun.taken(*page(lines), None)

    assert (twice.holders, twice.total_kopecks) == (once.holders, once.total_kopecks)
    assert twice.parts == len(page(first)[1]) + len(page(second)[1])
    assert twice.after_wallet is None
